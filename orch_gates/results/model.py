"""What the results of a test run say, in whatever format a runner wrote them: checks, and what contradicts itself."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from orch_gates.documents.escape import clip

MOST_CHECKS = 500_000
_NAME_KEPT = 1000
# Of one failure; and of all failures in a file, beyond which only a beginning is kept, which no signature fits.
_TEXT_KEPT = 4000
_ALL_TEXT_KEPT = 32_000_000
_REST_KEPT = 120
# Colours; everything else that a terminal would obey stays, and is shown as its code.
_COLOUR = re.compile(r"\x1b\[[0-9;:]*m")


class Format(StrEnum):
    """The formats that are read."""

    JUNIT = "junit"
    TAP = "tap"
    CTRF = "ctrf"
    JEST = "jest"
    PYTEST = "pytest"
    PLAYWRIGHT = "playwright"
    GOTEST = "gotest"


class CheckStatus(StrEnum):
    """How a check ended."""

    SKIPPED = "skipped"
    TODO = "todo"
    PASSED = "passed"
    FAILED = "failed"
    ERRORED = "errored"

    @property
    def is_red(self) -> bool:
        """Whether it failed."""
        return self in {CheckStatus.FAILED, CheckStatus.ERRORED}

    @property
    def was_run(self) -> bool:
        """Whether it was run to an end, whatever that was."""
        return self is CheckStatus.PASSED or self.is_red


@dataclass(frozen=True, slots=True)
class Check:
    """One run of one check; `failures` are the texts of all that failed in it, at least one where it is red.

    `flaky`: it passed, but not the first time.
    """

    id: str
    status: CheckStatus
    failures: tuple[str, ...] = ()
    flaky: bool = False


@dataclass(frozen=True, slots=True)
class ResultProblem:
    """Why a file of results proves nothing, or less than it claims; `line` is 0 where none can be named."""

    what: str
    line: int = 0


@dataclass(frozen=True, slots=True)
class Results:
    """One file of results: `source` is its name, `digest` the SHA-256 of what was read of it.

    `exit_code` is what the runner meant to end with, where its format says that.
    """

    source: str
    format: Format | None
    checks: tuple[Check, ...] = ()
    problems: tuple[ResultProblem, ...] = ()
    digest: str = ""
    exit_code: int | None = None


class ResultsUnreadable(Exception):
    """The rest of a file cannot be read; what was read of it before still counts."""

    def __init__(self, what: str, line: int = 0) -> None:
        super().__init__(what)
        self.problem = ResultProblem(what, line)


class CheckCollector:
    """Collects the checks and problems of one file, within bounds."""

    def __init__(self) -> None:
        self.checks: list[Check] = []
        self.problems: list[ResultProblem] = []
        self.exit_code: int | None = None
        self._text_left = _ALL_TEXT_KEPT
        self._nameless = False

    def add(
        self, suite: str, name: str, status: CheckStatus, failures: Iterable[str] = (), *, flaky: bool = False
    ) -> None:
        """A check of a suite, which may have no name.

        Raises:
            Unreadable: there are more checks than anybody could look at.
        """
        if len(self.checks) >= MOST_CHECKS:
            raise ResultsUnreadable(
                f"there are more than {MOST_CHECKS} checks; give the files of each part to a run of its own"
            )
        if not self._nameless and not name.strip():
            self._nameless = True
            self.problem("a check has no name")
        texts = tuple(self._kept(text) for text in failures) if status.is_red else ()
        if status.is_red and not texts:
            texts = ("",)
        self.checks.append(Check(check_id(suite, name), status, texts, flaky))

    def problem(self, what: str, line: int = 0) -> None:
        """Something that contradicts itself."""
        self.problems.append(ResultProblem(what, line))

    def _kept(self, text: str) -> str:
        kept = clip(_COLOUR.sub("", text).strip(), _TEXT_KEPT if self._text_left > 0 else _REST_KEPT)
        self._text_left -= len(kept)
        return kept


def check_id(suite: str, name: str) -> str:
    """The name of a check in all that is shown, recorded and allowed."""
    suite, name = suite.strip(), name.strip()
    return clip(f"{suite}::{name}" if suite and name else name or suite or "(no name)", _NAME_KEPT)


def count(value: object) -> int | None:
    """A count as a file states it; None where it is none."""
    if isinstance(value, str):
        return int(value) if value.isascii() and value.isdecimal() and len(value) < 12 else None
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
