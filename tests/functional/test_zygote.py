"""What the hooks of the rigs run in place of `orch-gates` is `orch-gates`: same words, same exit code, same end."""

from __future__ import annotations

import os
import select
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.builders import HOOK, PROGRAM, bare, clone, github_token, install_hook, load_hook_early, loaded_program, run
from tests.patience import rest
from tests.zygote import compiled_caller

PATIENCE_S = 30


@pytest.mark.parametrize("args", [["--version"], ["hook", "pre-receive"], ["no-such-command"]])
@pytest.mark.parametrize("env", [{}, {"LC_ALL": "C"}, {"PYTHONUTF8": "1"}], ids=["as it is", "of git", "another"])
def test_it_ends_as_the_program_does(args: list[str], env: dict[str, str], tmp_path: Path) -> None:
    """In a folder, with an environment, with input and with streams of its own."""
    server = bare(tmp_path / "server.git")
    ends = [
        run(program, *args, cwd=server.path, stdin=b"no line of git\n", env={**env, "GIT_DIR": "."})
        for program in (PROGRAM, loaded_program())
    ]
    assert [ends[1].returncode, ends[1].stdout, ends[1].stderr] == [ends[0].returncode, ends[0].stdout, ends[0].stderr]
    assert ends[0].stdout + ends[0].stderr


def test_without_a_zygote_it_becomes_the_program(tmp_path: Path) -> None:
    """A hook is never passed over because a test run has ended."""
    caller = compiled_caller(PROGRAM, tmp_path / "door", tmp_path)
    done = run(caller, "hook", "pre-receive", cwd=tmp_path)
    assert done.returncode == 2
    assert b"orch-gates: " in done.stderr


def test_it_does_not_outlive_its_caller(real: Callable[[str], Path], tmp_path: Path) -> None:
    """As a process of the caller's own group, which a runner kills with its job."""
    real("cc")
    before = _grandchildren()
    hook = [str(loaded_program()), "hook", "pre-receive"]
    with subprocess.Popen(hook, cwd=tmp_path, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as caller:
        began = time.monotonic()
        while not _grandchildren() - before:
            assert time.monotonic() < began + PATIENCE_S
            rest(began)
        caller.kill()
        assert caller.stderr is not None
        # It held the other end, and waited for refs.
        assert select.select([caller.stderr], [], [], PATIENCE_S)[0]
        assert caller.stderr.read() == b""


def _grandchildren() -> set[str]:
    """The children of our children, the zygote among them."""
    ours = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    below = (Path(f"/proc/{child}/task/{child}/children") for child in ours)
    return {each for children in below if children.exists() for each in children.read_text().split()}


def test_a_push_is_judged_by_it(tmp_path: Path) -> None:
    """The hook that was installed and proven still decides."""
    server = bare(tmp_path / "server.git")
    install_hook(server, "kingfisher")
    load_hook_early(server.path / HOOK, scans=True)
    assert str(loaded_program()) in (server.path / "hooks" / "pre-receive").read_text()
    work = clone(server, tmp_path / "work")
    work.commit("a key", {"key": github_token()})
    refused = work.push("HEAD:refs/heads/main")
    assert refused.returncode
    assert b"push refused: 1 secret found" in refused.stderr
