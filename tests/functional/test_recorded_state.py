"""A state branch that an earlier version wrote still reads and verifies (ST-1, ST-6)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.builders import Repo, bare, orch

# Tasks through advance, rollback, hold, cancel and archive, a new pipeline, a hand edit, and the local forge.
RECORDED = Path(__file__).parent.parent / "recorded" / "state-branch.export"
LISTED = """\
TASK  STAGE         STATE   SINCE                 TITLE
T-1   development   active  2026-11-26T10:38:23Z  Task T-1
T-2   architecture  held    2026-11-26T10:38:25Z  Second task
T-4   analysis      active  2026-11-26T10:38:26Z  Fourth
"""


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Repo:
    """The server's repository with that branch and its witness."""
    server = bare(tmp_path_factory.mktemp("recorded") / "server.git")
    server.git("fast-import", "--quiet", stdin=RECORDED.read_bytes())
    server.git("update-ref", "refs/orch/witness", "refs/heads/orch-state")
    return server


def printed(server: Repo, *args: str) -> str:
    done = orch(*args, cwd=server.path)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


def test_every_step_of_it_is_still_legal(recorded: Repo) -> None:
    """What one version accepted is not illegal to the next."""
    proven = {"schema": "orch.state-verify/1", "commits": 24, "generation": 23, "witnessed": True, "bad": []}
    assert json.loads(printed(recorded, "state", "verify", "--json")) == proven


def test_every_document_of_it_still_reads(recorded: Repo) -> None:
    """Those of the local forge and those in the archive, too."""
    well = {"schema": "orch.state-lint/1", "files": 12, "problems": []}
    assert json.loads(printed(recorded, "state", "lint", "--json")) == well


def test_its_tasks_and_their_history_are_shown(recorded: Repo) -> None:
    """A person sees what he saw before."""
    assert printed(recorded, "task", "list") == LISTED
    assert printed(recorded, "task", "log", "T-2").count("[by ada, ") == 4
    shown = json.loads(printed(recorded, "task", "show", "T-1", "--json"))
    assert (shown["stage"], shown["developer_retries"], shown["cause"]) == ("development", 1, "review-approved")
    assert shown["feedback"]["reason"] == "rename it"
