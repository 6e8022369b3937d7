"""What `go test -json` prints: one event a line; a package that did not end, or did not build, is red."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from orch_gates.documents import strict_json
from orch_gates.results.model import CheckCollector, CheckStatus, ResultsUnreadable
from orch_gates.results.values import text

_TEXT = 8000
_MOST_OPEN = 100_000
# What changes nothing about how a test ends.
_PASSED_OVER = frozenset({"pause", "cont", "bench", "attr", "artifacts"})
_ENDS = {"pass": CheckStatus.PASSED, "fail": CheckStatus.FAILED, "skip": CheckStatus.SKIPPED}
# Lines of the framework itself, which say nothing about why a test is red.
_FRAME = re.compile(r"\s*(?:=== (?:RUN|PAUSE|CONT|NAME)\b.*|--- (?:FAIL|PASS|SKIP|BENCH): .*)?\s*")


@dataclass(slots=True)
class _Test:
    """A test of a package, or the package itself where it has no `name`."""

    output: list[str] = field(default_factory=list)
    room: int = _TEXT
    failed_below: bool = False
    has_below: bool = False

    def append(self, text: str) -> None:
        if self.room > 0:
            self.output.append(text[: self.room])
        self.room -= len(text)

    @property
    def own_output(self) -> str:
        return "".join(line for line in self.output if not _FRAME.fullmatch(line))


class _Reader:
    def __init__(self, into: CheckCollector) -> None:
        self.into = into
        self.open: dict[tuple[str, str], _Test] = {}
        self.builds: dict[str, _Test] = {}
        self.red: set[str] = set()

    def take(self, line: str, number: int) -> None:
        event = _event(line, number)
        action, package, name = (text(event.get(key)) for key in ("Action", "Package", "Test"))
        output = event.get("Output", "")
        if action == "build-output":
            self.builds.setdefault(str(event.get("ImportPath", "")), _Test()).append(str(output))
        elif action == "build-fail":
            path = str(event.get("ImportPath", ""))
            self.red.add(path.partition(" ")[0])
            self.into.add(path.partition(" ")[0], "(build)", CheckStatus.ERRORED, ["".join(self._build(path).output)])
        elif action in {"start", "run"}:
            self._began(package, name, number)
        elif action == "output":
            if not name:
                self.open.setdefault((package, name), _Test())
            # What a test writes after its end is nobody's.
            if (test := self.open.get((package, name))) is not None:
                test.append(str(output))
        elif action in _ENDS:
            self._ended(package, name, _ENDS[action], number)
        elif action not in _PASSED_OVER:
            self.into.problem(f"the action {action[:40]!r} is not known", number)

    def _build(self, path: str) -> _Test:
        return self.builds.pop(path, _Test())

    def _began(self, package: str, name: str, number: int) -> None:
        if len(self.open) >= _MOST_OPEN:
            raise ResultsUnreadable(f"more than {_MOST_OPEN} tests run at once", number)
        self.open[package, name] = _Test()
        # Before Go 1.20 nothing says that a package began, and it has to end all the same.
        self.open.setdefault((package, ""), _Test())
        parent = name
        while "/" in parent:
            parent = parent.rpartition("/")[0]
            if (above := self.open.get((package, parent))) is not None:
                above.has_below = True

    def _ended(self, package: str, name: str, status: CheckStatus, number: int) -> None:
        test = self.open.pop((package, name), None)
        if test is None:
            if name:
                self.into.problem(f"test {name[:200]!r} ended without a start", number)
            test = _Test()
        if name:
            self._test(package, name, status, test)
        else:
            self._package(package, status, test)

    def _test(self, package: str, name: str, status: CheckStatus, test: _Test) -> None:
        if status.is_red:
            self.red.add(package)
            parent = name
            while "/" in parent:
                parent = parent.rpartition("/")[0]
                if (above := self.open.get((package, parent))) is not None:
                    above.failed_below = True
        # A parent is no check of its own, unless it is red by itself.
        if test.has_below and (not status.is_red or (test.failed_below and not test.own_output.strip())):
            return
        self.into.add(package, name, status, [test.own_output.strip() or "".join(test.output)])

    def _package(self, package: str, status: CheckStatus, test: _Test) -> None:
        for key in [key for key in self.open if key[0] == package]:
            output = "".join(self.open.pop(key).output)
            self.red.add(package)
            self.into.add(package, key[1], CheckStatus.ERRORED, [f"it did not end\n{output}"])
        if status.is_red and package not in self.red:
            self.into.add(package, "(package)", CheckStatus.ERRORED, ["".join(test.output)])

    def end(self) -> None:
        """The file ends here."""
        for package, name in self.open:
            self.into.problem(
                f"it is incomplete: {'test ' + name[:200] if name else 'package'} of {package[:200]} did not end"
            )


def _event(line: str, number: int) -> dict[str, object]:
    try:
        event = strict_json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ResultsUnreadable(
            f"line {number} is not a JSON event; give only the output of `go test -json`", number
        ) from error
    if not isinstance(event, dict):
        raise ResultsUnreadable(f"line {number} is not a JSON event", number)
    return event


def read(lines: Iterable[str], into: CheckCollector) -> None:
    """Read a file into a collector.

    Raises:
        Unreadable: the rest of it cannot be read.
    """
    reader = _Reader(into)
    try:
        for number, line in enumerate(lines, 1):
            if line.strip():
                reader.take(line, number)
    finally:
        reader.end()
