"""No dead ends: whatever state a task is in, following what `why` says leads on (ENG-8)."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.builders import Repo, bare, clone, orch

TWO_STAGES = """\
stages:
  - {name: development, role: developer, gates: [ci-green]}
  - {name: testing, role: tester, gates: [tests-passed]}
rework: development
"""
MOST_STEPS = 6


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A server with task T-1 in review, its branch at one commit."""
    folder = tmp_path_factory.mktemp("ways-out")
    server = bare(folder / "server.git")
    work = clone(server, folder / "work")
    work.commit("start")
    work.git("push", "--quiet", "origin", "HEAD:main", "HEAD:task/T-1")
    for args in (
        ("state", "init"),
        ("task", "new", "T-1", "Greet"),
        ("advance", "T-1", "--approve"),
        ("advance", "T-1"),
        ("task", "report", "T-1", "ci-green", "SUCCESS"),
        ("advance", "T-1"),
    ):
        run(work, *args)
    return folder


@pytest.fixture
def work(template: Path, tmp_path: Path) -> Repo:
    server = bare(tmp_path / "server.git")
    server.git("fetch", "--quiet", str(template / "server.git"), "+refs/*:refs/*")
    return clone(server, tmp_path / "work")


def cache(work: Repo) -> dict[str, str | None]:
    return {"ORCH_CACHE_DIR": str(work.path.parent / "cache")}


def run(work: Repo, *args: str, code: int = 0) -> str:
    done = orch(*args, cwd=work.path, env=cache(work))
    assert done.returncode == code, done.stdout.decode() + done.stderr.decode()
    return done.stdout.decode()


def seen(work: Repo) -> dict[str, str]:
    found = json.loads(run(work, "why", "T-1", "--json"))
    assert isinstance(found, dict)
    return found


def follow(work: Repo) -> None:
    """Run the first command that `why` names, with a reason where it asks for one."""
    advice = re.findall(r"`orch-gates ([^`]+)`", seen(work)["next_action"])
    assert advice, seen(work)
    args = shlex.split(advice[0].replace("TEXT", "'done again'"))
    orch(*args, cwd=work.path, env=cache(work))


def held(work: Repo) -> None:
    run(work, "task", "hold", "T-1")


def sent_back(work: Repo) -> None:
    run(work, "task", "report", "T-1", "review-approved", "CHANGES_REQUESTED")
    run(work, "advance", "T-1", code=1)


def rejected(work: Repo) -> None:
    run(work, "advance", "T-1", "--reject", "not like this", code=1)


def escalated(work: Repo) -> None:
    run(work, "task", "report", "T-1", "review-approved", "CHANGES_REQUESTED")
    done = orch("advance", "T-1", cwd=work.path, env=cache(work) | {"ORCH_MAX_DEVELOPER_RETRIES": "0"})
    assert done.returncode == 2


def stage_removed(before: Callable[[Repo], None]) -> Callable[[Repo], None]:
    def reach(work: Repo) -> None:
        before(work)
        work.commit("fewer stages", {".orch-gates.yaml": TWO_STAGES})
        work.git("push", "--quiet", "origin", "HEAD:main")
        work.git("fetch", "--quiet", "origin")

    return reach


def nothing(_work: Repo) -> None:
    """In review, as it is."""


REACHED: dict[str, Callable[[Repo], None]] = {
    "held": held,
    "sent back by a gate": sent_back,
    "rejected by a person": rejected,
    "escalated": escalated,
    "its stage is removed": stage_removed(nothing),
    "its stage is removed while it is held": stage_removed(held),
    "its stage is removed while it is escalated": stage_removed(escalated),
}
EVIDENCE = {"ci-green": "SUCCESS", "review-approved": "APPROVED", "tests-passed": "PASSED"}


@pytest.mark.parametrize("reach", REACHED.values(), ids=REACHED.keys())
def test_following_the_advice_leads_on(reach: Callable[[Repo], None], work: Repo) -> None:
    """Whoever does what is said, and brings the evidence that is asked for, gets the task to the next gate."""
    reach(work)
    for _ in range(MOST_STEPS):
        follow(work)
        now = seen(work)
        if now["state"] == "active" and now["stage"] in {"testing", "deploy-staging"}:
            return
        for gate, word in EVIDENCE.items():
            if gate in now["next_action"] + now["reason"] + now["cause"]:
                orch("task", "report", "T-1", gate, word, cwd=work.path, env=cache(work))
    raise AssertionError(seen(work))
