"""JUnit XML, as many runners write it: streamed, without a document type, and its counts held against its cases."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from xml.parsers import expat

from orch_gates.results.model import CheckCollector, CheckStatus, ResultsUnreadable, count

_DEEPEST = 64
# Between two events: a name or an attribute may be long, but is held whole.
_LONGEST_TOKEN = 1024 * 1024
_TEXT = 8000
_SUITES = frozenset({"testsuites", "testsuite"})
_RED = {
    "failure": CheckStatus.FAILED,
    "error": CheckStatus.ERRORED,
    # Of a test that failed every time it was run again.
    "rerunFailure": CheckStatus.FAILED,
    "rerunError": CheckStatus.ERRORED,
}
_FLAKY = frozenset({"flakyFailure", "flakyError"})
_SOUNDS_RED = re.compile(r"fail|error|abort|broken|time-?d?_?-?out", re.IGNORECASE)
# In a case or a suite, beside what says how it ended: says nothing about that.
_HARMLESS = frozenset({"system-out", "system-err", "properties", "property", "attachments"})
_STATES = ("status", "result", "outcome")
# gtest: run and completed, notrun and suppressed; ctest: run, disabled, notrun; behave: untested; Ginkgo: pending.
_STATED_GREEN = frozenset({"", "run", "completed", "passed", "pass", "success", "successful", "succeeded", "ok"})
_STATED_SKIPPED = frozenset(
    {"disabled", "notrun", "suppressed", "skipped", "skip", "ignored", "pending", "untested", "todo"}
)
# What ctest writes of a program that is not there.
_NOT_FOUND = "Unable to find executable"
_CDATA_END = b"]]>"


@dataclass(slots=True)
class _Suite:
    """An open suite, or the root: what it claims, and what it shows with all suites in it.

    `failures` are the elements that say so; at least `own_red` cases of its own are red.
    """

    label: str
    line: int
    claims: dict[str, int]
    cases: int = 0
    failures: int = 0
    own_red: int = 0


@dataclass(slots=True)
class _Case:
    name: str
    class_name: str
    of_suite: bool = False
    red: list[tuple[CheckStatus, str]] = field(default_factory=list)
    marks: int = 0
    skipped: str | None = None
    todo: bool = False
    flaky: bool = False


class _Reader:
    """The state of one pass over a file."""

    def __init__(self, into: CheckCollector) -> None:
        self.into = into
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartDoctypeDeclHandler = self._doctype
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text
        self.parser.CommentHandler = self._moved
        self.parser.ProcessingInstructionHandler = lambda *_: self._moved()
        self.moved = True
        self.open: list[str] = []
        self.suites: list[_Suite] = []
        self.case: _Case | None = None
        self.collecting: list[str] | None = None
        self.room = 0

    def _moved(self, *_: object) -> None:
        self.moved = True

    def _doctype(self, *_: object) -> None:
        raise ResultsUnreadable("it declares a document type, which no runner does", self.parser.CurrentLineNumber)

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self.moved = True
        parent = self.open[-1] if self.open else ""
        self.open.append(name)
        line = self.parser.CurrentLineNumber
        if len(self.open) > _DEEPEST:
            raise ResultsUnreadable(f"elements are nested deeper than {_DEEPEST}", line)
        if not parent and name not in _SUITES:
            raise ResultsUnreadable(f"it begins with <{name[:40]}>, not with <testsuites> or <testsuite>", line)
        if name in _SUITES:
            if parent and parent not in _SUITES:
                raise ResultsUnreadable(f"<{name}> is inside <{parent[:40]}>", line)
            self._open_suite(name, attributes, line)
        elif name == "testcase":
            if parent not in _SUITES:
                raise ResultsUnreadable(f"<testcase> is inside <{parent[:40]}>", line)
            self._open_case(attributes)
        elif parent == "testcase" and self.case is not None:
            self._in_case(self.case, name, attributes)
        elif parent in _SUITES and name not in _HARMLESS and name != "skipped":
            # Of a suite that broke as a whole, or a case by another name.
            self.case = _Case(f"({name[:40]} of the suite)", "", of_suite=True)
            self._in_case(self.case, name, attributes)
        elif parent in _HARMLESS and (name in _RED or name == "testcase"):
            self.into.problem(f"<{name}> is inside <{parent}>, where it is not evaluated", line)

    def _open_suite(self, name: str, attributes: dict[str, str], line: int) -> None:
        claims: dict[str, int] = {}
        label = attributes.get("name", "").strip()
        for key in ("tests", "failures", "errors"):
            if key in attributes:
                claimed = count(attributes[key].strip())
                if claimed is None:
                    self.into.problem(f"{key} of <{name}> {label[:200]!r} must be a number", line)
                else:
                    claims[key] = claimed
        self.suites.append(_Suite(label if name == "testsuite" else "", line, claims))

    def _open_case(self, attributes: dict[str, str]) -> None:
        self.case = case = _Case(attributes.get("name", ""), attributes.get("classname", ""))
        for key in _STATES:
            stated = attributes.get(key, "").strip().lower()
            if stated in _STATED_SKIPPED:
                case.skipped = stated
            elif stated not in _STATED_GREEN:
                sounds_red = _SOUNDS_RED.match(stated)
                reason = "" if sounds_red else f"{key} is {attributes[key][:200]!r}, not a known value for a pass"
                case.red.append((CheckStatus.FAILED if sounds_red else CheckStatus.ERRORED, reason))
        if "failure" in attributes:
            case.red.append((CheckStatus.FAILED, attributes["failure"]))

    def _in_case(self, case: _Case, name: str, attributes: dict[str, str]) -> None:
        message = attributes.get("message", "")
        if name == "skipped":
            case.skipped = message
            case.todo = attributes.get("type", "") == "todo"
            if message.strip() == _NOT_FOUND:
                case.red.append((CheckStatus.ERRORED, message))
        elif name in _FLAKY:
            case.flaky = True
        elif name not in _HARMLESS:
            # What nobody knows is no pass; only what sounds red has to be in the counts.
            if _SOUNDS_RED.search(name):
                case.marks += 1
            else:
                message = f"the element <{name[:40]}> is not known: {message}"
            status = _RED.get(name, CheckStatus.ERRORED)
            kind = attributes.get("type", "")
            case.red.append((status, message if not kind or kind in message else f"{kind}: {message}"))
            self.collecting, self.room = [], _TEXT

    def _text(self, text: str) -> None:
        self.moved = True
        if self.collecting is None or len(self.open) < 2:
            return
        if self.room > 0:
            self.collecting.append(text[: self.room])
        self.room -= len(text)

    def _end(self, name: str) -> None:
        self.moved = True
        self.open.pop()
        parent = self.open[-1] if self.open else ""
        if name in _SUITES:
            self._close_suite()
        elif self.case is not None and (name == "testcase" or parent in _SUITES):
            self._collected(self.case)
            self._close_case(self.case)
            self.case = None
        elif self.case is not None and parent == "testcase":
            self._collected(self.case)

    def _collected(self, case: _Case) -> None:
        """The text of an element that failed, with its message before it."""
        if self.collecting is not None and case.red:
            status, message = case.red[-1]
            text = "".join(self.collecting)
            case.red[-1] = (status, f"{message}\n{text}" if message.strip() not in text else text)
        self.collecting = None

    def _close_case(self, case: _Case) -> None:
        suite = self.suites[-1]
        suite.cases += 1
        if case.red and case.todo:
            # Node writes both of a failing todo, which it does not count.
            suite.failures += case.marks
            self.into.add(self._suite_of(case), case.name, CheckStatus.TODO)
        elif case.red:
            suite.failures += max(case.marks, 1)
            suite.own_red += case.marks > 0 and not case.of_suite and case.skipped is None
            # One without words is a failure of its own, which no signature explains.
            texts = [text for _, text in case.red]
            self.into.add(self._suite_of(case), case.name, _worst(case.red), texts)
        elif case.skipped is not None:
            self.into.add(self._suite_of(case), case.name, CheckStatus.TODO if case.todo else CheckStatus.SKIPPED)
        elif not case.of_suite:
            self.into.add(self._suite_of(case), case.name, CheckStatus.PASSED, flaky=case.flaky)

    def _suite_of(self, case: _Case) -> str:
        """Node's class is the same for all, and jest's may be the whole name once more."""
        given = case.class_name.strip()
        if given and given != case.name.strip() and not (given == "test" and len(self.suites) > 1):
            return "" if given == "test" else given
        names = [suite.label for suite in self.suites if suite.label not in {"", "undefined"}]
        return " > ".join(names)

    def _close_suite(self) -> None:
        suite = self.suites.pop()
        named = f"suite {suite.label[:200]!r}" if suite.label else "the file"
        # Fewer tests than it shows are claimed by runners that do not count their todos.
        if (tests := suite.claims.get("tests", 0)) > suite.cases:
            self.into.problem(f"{named} states {tests} tests, but contains {suite.cases}", suite.line)
        claimed = [suite.claims[key] for key in ("failures", "errors") if key in suite.claims]
        if claimed and not suite.own_red <= sum(claimed) <= suite.failures:
            self.into.problem(
                f"{named} claims {sum(claimed)} failures and errors, but shows {suite.failures}", suite.line
            )
        if self.suites:
            self.suites[-1].cases += suite.cases
            self.suites[-1].failures += suite.failures


def _worst(red: list[tuple[CheckStatus, str]]) -> CheckStatus:
    return CheckStatus.ERRORED if any(status is CheckStatus.ERRORED for status, _ in red) else CheckStatus.FAILED


def read(chunks: Iterable[bytes], into: CheckCollector) -> None:
    """Read a file into a collector.

    Raises:
        Unreadable: the rest of it cannot be read.
    """
    reader = _Reader(into)
    parser, chunk, fed, silent = reader.parser, b"", 0, 0
    try:
        for chunk in chunks:
            reader.moved = False
            parser.Parse(chunk, False)
            fed += len(chunk)
            silent = 0 if reader.moved else silent + len(chunk)
            if silent > _LONGEST_TOKEN:
                raise ResultsUnreadable(f"a name, value or comment is longer than {_LONGEST_TOKEN} bytes")
        chunk = b""
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise ResultsUnreadable(_not_xml(reader, error, chunk, parser.ErrorByteIndex - fed), error.lineno) from error


def _not_xml(reader: _Reader, error: expat.ExpatError, chunk: bytes, at: int) -> str:
    reason = expat.ErrorString(error.code) or "not well-formed"
    if not chunk and reader.open:
        return f"it is incomplete: it ends inside <{reader.open[-1][:40]}> ({reason})"
    what = f"it is not XML at line {error.lineno} ({reason})"
    near = chunk[max(at - 8, 0) : at + 8] if at >= 0 else chunk[-8:]
    if _CDATA_END in near:
        return (
            f"{what}: an unescaped ]]>; the JUnit reporter of node 20 writes that, so use its TAP reporter "
            "(--test-reporter=tap)"
        )
    return what
