"""What the hooks of the rigs run in place of `orch-gates` is `orch-gates`: same words, same exit code, same end."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.builders import HOOK, PROGRAM, bare, clone, github_token, install_hook, load_hook_early, loaded_program, run

CALLER = Path(__file__).parents[1] / "zygote_caller.py"


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
    done = run(sys.executable, "-I", "-S", CALLER, PROGRAM, tmp_path / "door", "hook", "pre-receive", cwd=tmp_path)
    assert done.returncode == 2
    assert b"orch-gates: " in done.stderr


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
