"""TAP 13 and 14, and what node and vitest make of it: the plan is mandatory and exact, subtests count by their parent.

A check is a test point without subtests; one with subtests is its own check only where it is red by itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from orch_gates.results.model import CheckCollector, CheckStatus, ResultsUnreadable

_DEEPEST = 64
_STEP = 4
_DIAGNOSTIC = 8000
_VERSION = re.compile(r"TAP version \d{1,4}")
_PLAN = re.compile(r"1\.\.(\d{1,9})(?:\s*#.*)?")
_POINT = re.compile(r"(not[ \t]+)?ok\b[ \t]*(\d{1,9})?(.*)", re.DOTALL)
_DIRECTIVE = re.compile(r"(?<!\\)#[ \t]*(skip|todo)\w*\b", re.IGNORECASE)
_TIME = re.compile(r"[ \t]+# time=[0-9.]+ ?m?s$")
_BAIL_OUT = "Bail out!"
# After a character that nobody sees, or a colour, or in another spelling: a failure all the same for whoever reads it.
_HIDDEN = re.compile(r"(?:\[[0-9;?]*[A-Za-z])?\s*(?:not\s*ok\b|bail\s*out!)", re.IGNORECASE)
# What node writes of a test that is red because of its subtests only.
_BY_SUBTESTS = re.compile(r"^\s*failureType: '?subtestsFailed'?\s*$", re.MULTILINE)


@dataclass(slots=True)
class _Point:
    """A test point whose diagnostics may still follow; `below` are its subtests."""

    name: str
    ok: bool
    directive: str
    line: int
    opens: bool = False
    below: _Block | None = None
    diagnostics: list[str] = field(default_factory=list)
    room: int = _DIAGNOSTIC

    def append(self, text: str) -> None:
        if self.room > 0:
            self.diagnostics.append(text[: self.room])
        self.room -= len(text)


@dataclass(slots=True)
class _Leaf:
    """A check: the names of the test points above it, and its own."""

    path: tuple[str, ...]
    status: CheckStatus
    text: str = ""


@dataclass(slots=True)
class _Block:
    """A level of test points; `braced`: it belongs to the point before it, as vitest has it, not to the one after."""

    line: int
    braced: bool = False
    plan: int | None = None
    points: int = 0
    numbers: set[int] = field(default_factory=set)
    last: _Point | None = None
    leaves: list[_Leaf] = field(default_factory=list)


class _Reader:
    def __init__(self, into: CheckCollector) -> None:
        self.into = into
        self.blocks = [_Block(1)]
        self.number = 0
        # The indentation of a YAML block that is open; None outside of one.
        self.yaml: int | None = None
        # Subtests whose point follows them.
        self.closed: _Block | None = None

    def take(self, line: str) -> None:
        self.number += 1
        text = line.strip()
        indent = len(line) - len(line.lstrip(" "))
        if self.yaml is not None:
            self._in_yaml(text, line, indent)
        elif text == "---":
            self.yaml = indent
        elif indent % _STEP == 0 and text:
            if not self._at(indent // _STEP, text):
                self._look_for_hidden(line)
            elif not line.isprintable():
                self._look_for_hidden(line, beyond=1)
        elif text:
            self._look_for_hidden(line)

    def _in_yaml(self, text: str, line: str, indent: int) -> None:
        if text == "..." and indent == self.yaml:
            self.yaml = None
            return
        # What a block holds stands deeper than its keys.
        if self.yaml is not None and indent <= self.yaml:
            self._look_for_hidden(text)
        if (point := self._last()) is not None:
            point.append(f"{line[self.yaml :]}\n")

    def _look_for_hidden(self, line: str, beyond: int = 0) -> None:
        """Find a failure that is none by the letter, for whoever reads it; `beyond` the parts that were read."""
        parts = "".join(one if one.isprintable() else "\n" for one in line.strip()).split("\n")
        if any(_HIDDEN.match(part.strip()) for part in parts[beyond:]):
            self.into.problem(f"a failure is hidden in the line {line.strip()[:100]!r}", self.number)

    def _at(self, level: int, text: str) -> bool:
        """Read a line of a level; tells whether it is one."""
        if text.startswith(_BAIL_OUT):
            self.into.problem(
                f"the run bailed out: {text.removeprefix(_BAIL_OUT).strip()[:300] or '(no reason)'}", self.number
            )
        elif text == "}" and level + 1 < len(self.blocks):
            self._close_to(level)
        elif found := _PLAN.fullmatch(text):
            self._planned(self._open(level), int(found[1]))
        elif found := _POINT.fullmatch(text):
            self._point(self._open(level), found)
        elif text.startswith("#"):
            point = self.blocks[level].last if level < len(self.blocks) else None
            if point is not None and not text.startswith("# Subtest"):
                point.append(f"{text[1:].removeprefix(' ')}\n")
        else:
            return False
        return True

    def _open(self, level: int) -> _Block:
        """The block of a level, which a line of it opens; those of deeper ones end."""
        self._close_to(level)
        while len(self.blocks) <= level:
            if len(self.blocks) > _DEEPEST:
                raise ResultsUnreadable(f"subtests are nested deeper than {_DEEPEST}", self.number)
            above = self.blocks[-1].last
            braced = above is not None and above.opens and above.below is None
            self.blocks.append(_Block(self.number, braced))
        return self.blocks[level]

    def _planned(self, block: _Block, plan: int) -> None:
        if block.plan is not None:
            self.into.problem("there is a second plan", self.number)
        block.plan = plan

    def _point(self, block: _Block, found: re.Match[str]) -> None:
        below, self.closed = self.closed, None
        self._finish(block)
        rest = (
            _TIME.sub("", found[3].rstrip().removesuffix("{").rstrip()) if found[3].rstrip().endswith("{") else found[3]
        )
        rest = _TIME.sub("", rest)
        directive = _DIRECTIVE.search(rest)
        name = rest[: directive.start()] if directive else rest
        name = name.strip().removeprefix("- ").replace("\\#", "#").strip()
        opens = found[3].rstrip().endswith("{")
        kind = directive[1].lower() if directive else ""
        block.points += 1
        if found[2] is not None:
            if int(found[2]) in block.numbers:
                self.into.problem(f"test number {int(found[2])} appears twice", self.number)
            block.numbers.add(int(found[2]))
        block.last = _Point(name or f"test {block.points}", not found[1], kind, self.number, opens, below)

    def _close_to(self, level: int) -> None:
        """End the blocks below a level."""
        while len(self.blocks) > level + 1:
            block = self.blocks.pop()
            self._end(block)
            above = self.blocks[-1]
            if block.braced and above.last is not None:
                above.last.below = block
            elif self.closed is None:
                self.closed = block
            else:
                self.closed.leaves += block.leaves

    def _end(self, block: _Block) -> None:
        if self.closed is not None:
            self._orphaned(block)
        self._finish(block)
        if block.plan is None:
            self.into.problem("there is no plan (1..N), so tests may be missing", block.line)
        elif block.plan != block.points:
            self.into.problem(f"{block.plan} tests were planned, but {block.points} are there", block.line)
        elif wrong := next((one for one in block.numbers if not 1 <= one <= block.plan), None):
            self.into.problem(f"test number {wrong} is outside of the plan 1..{block.plan}", block.line)

    def _orphaned(self, block: _Block) -> None:
        """Subtests after which no test point came count all the same."""
        if self.closed is not None:
            self.into.problem("subtests have no test point after them", self.closed.line)
            block.leaves += self.closed.leaves
            self.closed = None

    def _finish(self, block: _Block) -> None:
        """Nothing more follows about the last point of a block."""
        point, block.last = block.last, None
        if point is None:
            return
        text = "".join(point.diagnostics)
        below = point.below.leaves if point.below is not None else []
        for leaf in below:
            leaf.path = (point.name, *leaf.path)
            if point.directive == "todo" and leaf.status.is_red:
                leaf.status = CheckStatus.TODO
        block.leaves += below
        by_subtests = any(leaf.status.is_red for leaf in below) and (not text.strip() or _BY_SUBTESTS.search(text))
        if not below or (not point.ok and point.directive != "todo" and not by_subtests):
            block.leaves.append(_Leaf((point.name,), _status(point), text))

    def _last(self) -> _Point | None:
        return next((block.last for block in reversed(self.blocks) if block.last is not None), None)

    def end(self) -> None:
        """The file ends here."""
        if self.yaml is not None:
            self.into.problem("it is incomplete: a YAML block does not end", self.number)
        self._close_to(0)
        self._end(self.blocks[0])
        for leaf in self.blocks[0].leaves:
            self.into.add("", " > ".join(leaf.path), leaf.status, [leaf.text])


def _status(point: _Point) -> CheckStatus:
    if point.directive == "todo":
        return CheckStatus.TODO
    # A test that was skipped and is not ok was not skipped.
    if point.directive == "skip" and point.ok:
        return CheckStatus.SKIPPED
    return CheckStatus.PASSED if point.ok else CheckStatus.FAILED


def is_first_line(line: str) -> bool:
    """Whether a file in this format may begin with a line."""
    return any(form.match(line) for form in (_VERSION, _PLAN)) or _POINT.fullmatch(line) is not None


def read(lines: Iterable[str], into: CheckCollector) -> None:
    """Read a file into a collector.

    Raises:
        Unreadable: the rest of it cannot be read.
    """
    reader = _Reader(into)
    try:
        for line in lines:
            reader.take(line)
    finally:
        reader.end()
