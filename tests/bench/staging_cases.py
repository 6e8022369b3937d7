"""What the staging verdict costs for many checks (STG-1)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from tests.bench import measure
from tests.bench.history import ENV, git
from tests.bench.row import Row
from tests.bench.tools import PROGRAM

_CHECKS = 100_000


def staging(work: Path) -> Iterator[Row]:
    """`gate staging` of 100,000 checks in each of three formats, one of them red, from the file to the report."""
    repository = work / "staging"
    repository.mkdir()
    git(repository, "init", "--quiet", "--initial-branch=main")
    git(repository, "commit", "--quiet", "--allow-empty", "--message=Begin")
    for name, lines in (("junit", _junit()), ("tap", _tap()), ("ctrf", _ctrf())):
        path = work / f"results.{name}"
        with path.open("w") as stream:
            stream.writelines(lines)
        argv = [str(PROGRAM), "gate", "staging", str(path), "--exit-code=1", f"--repo={repository}"]
        (took,) = measure.side_by_side(5, partial(_seconds, argv))
        held = _run(argv, memory=True)
        what = f"`gate staging` of {_CHECKS:,} checks, {name}, {path.stat().st_size / 1e6:.0f} MB"
        yield Row(what, "", f"{took:.2f} s", "", "under 3 s", took < 3)
        yield Row("peak memory of our process", "", f"{held.own_mb:.0f} MB", "", "under 200 MB", held.own_mb < 200)
        yield Row("peak memory of everything", "", f"{held.tree_mb:.0f} MB", "")


def _seconds(argv: list[str]) -> float:
    return _run(argv).seconds


def _run(argv: list[str], *, memory: bool = False) -> measure.Run:
    done = measure.run(argv, ENV, memory=memory)
    if done.returncode != 1 or f"1 of {_CHECKS} checks failed".encode() not in done.stdout:
        raise RuntimeError((done.stdout + done.stderr).decode())
    return done


def _junit() -> Iterator[str]:
    yield f'<testsuites><testsuite name="s" tests="{_CHECKS}" failures="1">\n'
    for number in range(_CHECKS):
        inside = '<failure message="boom">at line 7</failure>' if number == 7 else ""
        case = f'<testcase classname="tests.module{number // 100}" name="test_number_{number}" time="0.001">'
        yield f"{case}{inside}</testcase>\n"
    yield "</testsuite></testsuites>\n"


def _tap() -> Iterator[str]:
    yield f"TAP version 13\n1..{_CHECKS}\n"
    for number in range(1, _CHECKS + 1):
        yield f"{'not ' if number == 7 else ''}ok {number} - test number {number}\n"


def _ctrf() -> Iterator[str]:
    yield '{"reportFormat": "CTRF", "specVersion": "1.0.0", "results": {"tool": {"name": "x"}, '
    yield f'"summary": {{"tests": {_CHECKS}, "failed": 1}}, "tests": ['
    for number in range(_CHECKS):
        status = "failed" if number == 7 else "passed"
        suite = f"module{number // 100}"
        comma = "," if number + 1 < _CHECKS else ""
        yield f'{{"name": "test number {number}", "status": "{status}", "duration": 1, "suite": "{suite}"}}{comma}\n'
    yield "]}}\n"
