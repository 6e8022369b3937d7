"""`orch-gates doctor` as a person runs it: a project where all is well, and what a terminal shows."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import time
from pathlib import Path

import pytest

from tests.blocks import ROOT, SHOWN, Shell
from tests.builders import PROGRAM, Template
from tests.doctor_rig import looked
from tests.merge_rig import CONFIG, MergeRig, at

PAGE = "docs/how-to/find-what-is-wrong.md"
WELL = {
    "repository",
    "git",
    "engine-kingfisher",
    "rules-pin",
    "variables",
    "hook",
    "state-branch",
    "state-witness",
    "state-guard",
}
WELL |= {"token", "merge-styles", "state-files", "configuration", "history", "union-merge", "break-glass"}


@pytest.fixture
def rig(tmp_path: Path) -> MergeRig:
    """A project behind the fence of the server's hook, which also scans."""
    Template(tmp_path, "kingfisher").make()
    made = at(tmp_path, MergeRig)
    made.env["ORCH_SECURITY_ENABLED"] = None
    made.work.env.clear()
    made.work.commit(
        files={".orch-gates.yaml": CONFIG.format(fence="hook"), ".gitattributes": "CHANGELOG.md merge=union\n"}
    )
    made.work.git("push", "--quiet", "origin", "HEAD:refs/heads/main")
    made.ok("state", "init")
    return made


def test_a_project_that_is_well(rig: MergeRig) -> None:
    """Exit 0, nothing but green and what is not used; in bounded time, and with nothing changed on the server."""
    before = rig.server.git("for-each-ref")
    begun = time.monotonic()
    code, found = looked(rig.work.path, env=rig.env)
    took = time.monotonic() - begun
    assert {name for name, one in found.items() if one["state"] == "ok"} == WELL, found
    assert {one["state"] for one in found.values()} == {"ok", "not used"}
    assert code == 0
    assert took < 60
    assert rig.server.git("for-each-ref") == before


def test_a_terminal_shows_what_is_looked_at(rig: MergeRig) -> None:
    """In place, and it is gone at the end; colours only there, and not where nobody wants them."""

    def shown(**env: str) -> str:
        parent, child = pty.openpty()
        told = {name: value for name, value in {**os.environ, **rig.env, "TERM": "xterm", **env}.items() if value}
        argv = [str(PROGRAM), "doctor", "--only", "git", "--only", "variables", "--only", "clock"]
        with subprocess.Popen(argv, cwd=rig.work.path, stdout=child, stderr=child, env=told) as running:
            os.close(child)
            read = b""
            try:
                while chunk := os.read(parent, 4096):
                    read += chunk
            except OSError:
                os.close(parent)
            assert running.wait(60) == 0
        return read.decode()

    text = shown()
    assert "\rlooking at git" in text
    assert "\x1b[32m  ok              git: " in text
    assert "\x1b[90m  not applicable  clock: " in text
    on_screen = [
        re.sub(r"\x1b\[[0-9;]*m", "", line.rpartition("\r")[2]) for line in text.replace("\r\n", "\n").split("\n")
    ]
    assert not [line for line in on_screen if "looking at" in line]
    assert on_screen[0] == "this machine"
    narrow = re.sub(r"\x1b\[[0-9;]*m", "", shown(COLUMNS="60"))
    assert "\n                  and reads it back, and merges\r\n" in narrow, "what was seen goes on below itself"
    assert "\x1b" not in shown(NO_COLOR="1")


def test_the_page_is_followed_as_written(rig: MergeRig) -> None:
    """Its commands, with the answers that it shows."""
    env = {name: value for name, value in rig.env.items() if value} | {"REPOSITORY": str(rig.server.path)}
    shell = Shell(rig.folder / "person", env)
    shell.here = rig.work.path
    shell.series(PAGE, "look", 1)
    output = shell.series(PAGE, "shallow", 2)
    (shown,) = SHOWN.findall((ROOT / PAGE).read_text("utf-8"))
    assert output.startswith(shown)
    assert "ok              history: the whole history is here" in output
