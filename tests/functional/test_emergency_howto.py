"""The commands for a frozen main and for an emergency are run as written (DOC-1, MRG-15)."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests import merge_rig, queue_rig
from tests.blocks import Shell, shown
from tests.merge_rig import MergeRig

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return merge_rig.template(tmp_path_factory.mktemp("made"))


def played(rig: MergeRig, page: str, name: str, count: int) -> str:
    """What the blocks of a page print, typed in the clone."""
    shell = Shell(rig.folder / f"person-{name}", {key: value for key, value in rig.env.items() if value})
    shell.here = rig.work.path
    return shell.series(page, name, count)


def test_main_is_frozen_and_thawed(tmp_path: Path) -> None:
    """The list says by whom, until when and why; a task is held and goes on."""
    rig = queue_rig.copy(queue_rig.template(tmp_path / "made"), tmp_path / "project")
    rig.task("T-1", {"values/two": "2\n"})
    page = "docs/how-to/freeze-main.md"
    output = played(rig, page, "frozen", 3)
    (told,) = (re.sub(r"\d{4}-\S+Z", "TIME", text).strip() for text in shown(page))
    assert told in re.sub(r"\d{4}-\S+Z", "TIME", output)
    assert "T-1 is held" in output
    assert rig.listed()["freeze"] is None
    assert rig.state_of("T-1")[1] != "held"


def test_one_push_is_let_through(made: Path, tmp_path: Path) -> None:
    """The fix lands, the next push does not, and the glass is whole again once somebody has looked."""
    rig = merge_rig.copy(made, tmp_path / "project")
    rig.work.git("checkout", "--quiet", "--detach", "origin/main")
    fix = rig.work.commit("mend it", {"values/mended": "9\n"})
    output = played(rig, "docs/how-to/let-one-push-through.md", "emergency", 3)
    assert "only merges of" in output
    assert "production is down" in output
    assert rig.main == fix
    rig.work.commit("and more", {"values/more": "10\n"})
    assert rig.work.attempt("push", "origin", "HEAD:refs/heads/main").returncode != 0
    assert "break-glass override by" not in rig.ok("lease", "show")


@pytest.mark.parametrize("page", ["docs/how-to/let-one-push-through.md", "docs/how-to/merge-through-the-gate.md"])
def test_an_administrator_lets_one_push_through(page: str, made: Path, tmp_path: Path) -> None:
    """In the bare repository, where the state branch cannot be read; until the end that is named."""
    rig = merge_rig.copy(made, tmp_path / "project")
    rig.work.git("checkout", "--quiet", "--detach", "origin/main")
    fix = rig.work.commit("mend it", {"values/mended": "9\n"})
    rig.server.git("update-ref", "refs/heads/orch-state", rig.main)
    assert rig.work.attempt("push", "origin", "HEAD:refs/heads/main").returncode != 0
    shell = Shell(rig.folder / "admin")
    shell.here = rig.server.path
    end = (datetime.now(UTC) + timedelta(minutes=10)).strftime("%Y-%m-%dT%H:%M:%SZ")
    shell.series(page, "server", 1, {"2026-01-31T12:15:00Z": end})
    assert rig.work.attempt("push", "origin", "HEAD:refs/heads/main").returncode == 0
    assert rig.main == fix


def test_the_page_of_the_gate_is_followed(made: Path, tmp_path: Path) -> None:
    """A merge, the glass broken once, and a marker that has to stay."""
    rig = merge_rig.copy(made, tmp_path / "project")
    page = "docs/how-to/merge-through-the-gate.md"
    files = {"values/two": "2\n", "src/login.py": "def reset_password():\n    pass\n"}
    rig.task("T-1", files)
    played(rig, page, "merge", 1)
    assert rig.assert_sound() == ["T-1"]
    rig.work.git("fetch", "--quiet", "origin")
    rig.work.git("checkout", "--quiet", "--detach", "origin/main")
    played(rig, page, "marker", 1)
    assert "def reset_password" in rig.ok("marker", "list")
    fix = rig.work.commit("mend it", {"values/mended": "9\n"})
    played(rig, page, "glass", 1)
    assert rig.main == fix
