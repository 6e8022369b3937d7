"""Where commands write to: whatever takes their output, the exit code is the verdict's, or says that none was told."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.builders import PROGRAM, Repo, bare, clone, orch

FULL = Path("/dev/full")


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Repo:
    """A clone with a task."""
    folder = tmp_path_factory.mktemp("output")
    made = clone(bare(folder / "app.git"), folder / "work")
    made.commit("first", {"README.md": "# A project\n"})
    made.git("push", "--quiet", "origin", "HEAD:main")
    for args in (("state", "init"), ("task", "new", "T-1", "Grüße → alle")):
        assert orch(*args, cwd=made.path).returncode == 0
    return made


def shell(line: str, work: Repo) -> subprocess.CompletedProcess[str]:
    """A line of a shell, in which `$0` is the program."""
    argv = ["sh", "-c", line, str(PROGRAM)]
    return subprocess.run(argv, cwd=work.path, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252"])
def test_what_a_terminal_cannot_show_is_spelled_out(work: Repo, encoding: str) -> None:
    """Names and marks are no reason to say nothing."""
    for args in (("why", "T-1"), ("task", "show", "T-1"), ("task", "log", "T-1"), ("status",)):
        done = orch(*args, cwd=work.path, env={"PYTHONIOENCODING": encoding})
        assert done.returncode == 0, done.stderr
        assert done.stderr == b""
    shown = orch("task", "show", "T-1", cwd=work.path, env={"PYTHONIOENCODING": encoding}).stdout.decode(encoding)
    assert r"\u2192 alle" in shown


@pytest.mark.skipif(not FULL.exists(), reason="this system has no device that is full")
def test_an_answer_that_cannot_be_written_is_none(work: Repo) -> None:
    """Whoever reads the file must not take half of it for all."""
    for command in ("status", "--help", "--version", "state --help"):
        done = shell(f'"$0" {command} >/dev/full', work)
        assert done.returncode == 2
        assert done.stderr == "orch-gates: the output cannot be written: No space left on device\n"


@pytest.mark.skipif(not FULL.exists(), reason="this system has no device that is full")
def test_a_complaint_that_cannot_be_written_changes_no_exit_code(work: Repo) -> None:
    assert shell('"$0" forge check --forge none --timings 2>/dev/full', work).returncode == 2
    assert shell('"$0" advance T-2 --timings 2>/dev/full', work).returncode == 2


def test_a_reader_that_goes_away_changes_no_exit_code(work: Repo) -> None:
    for command in ("task show T-1", "--help", "state verify --help"):
        assert shell(f'{{ "$0" {command}; echo $? >&2; }} | true', work).stderr == "0\n"


def test_closed_streams_are_as_good_as_none(work: Repo) -> None:
    """Services start programs like that."""
    for line in ('"$0" status >&-', '"$0" status 2>&-', '"$0" status <&- >&- 2>&-', '"$0" --version >&-'):
        done = shell(line, work)
        assert (done.returncode, done.stderr) == (0, ""), line
    assert shell('"$0" why T-2 >&- 2>&-', work).returncode == 2


def test_a_closed_input_is_not_an_empty_one(work: Repo) -> None:
    """Where nothing is pushed git gives a hook nothing; a hook that can read nothing must not let a push pass."""
    for hook in ("pre-push", "pre-receive"):
        done = shell(f'"$0" hook {hook} <&-', work)
        assert (done.returncode, "standard input is closed" in done.stderr) == (2, True), done.stderr


@pytest.mark.parametrize(("command", "code"), [("task list", 70), ("gate merge", 70), ("hook pre-receive", 2)])
def test_a_module_that_cannot_be_imported_is_no_verdict(work: Repo, tmp_path: Path, command: str, code: int) -> None:
    """A broken installation is neither a failed check nor a finding in a push."""
    for name in ("pydantic", "pydantic_core"):
        (tmp_path / f"{name}.py").write_text("raise ImportError('no library')\n")
    env = {"PYTHONPATH": f"{tmp_path}:{os.environ.get('PYTHONPATH', '')}"}
    tip = work.git("ls-remote", "origin", "orch-state").split()[0]
    # A hook reads documents of the state only where some are pushed.
    pushed = f"{'0' * 40} {tip} refs/heads/orch-state\n".encode()
    done = orch(*command.split(), cwd=work.path, stdin=pushed, env=env)
    assert done.returncode == code, done.stderr
    assert b"this is a bug in orch-gates: ImportError" in done.stderr
