"""A check: facts are gathered, then made a finding; how a list of checks is run, and what their results add up to."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Generic, TypeVar

from orch_gates import clock
from orch_gates.config.problems import suggestion
from orch_gates.doctor.finding import CheckFinding, CheckState, NotUsedError, TooLongError, not_used, unknown
from orch_gates.doctor.subject import DoctorSubject
from orch_gates.errors import OrchError, UsageError

Facts = TypeVar("Facts")
_PAGE = re.compile(r"\bdocs/[\w/-]+\.md\b")


class Group(StrEnum):
    """What checks are shown together, in this order."""

    MACHINE = "this machine"
    HOOKS = "hooks"
    FORGE = "forge"
    STATE = "state branch"
    REPOSITORY = "repository"
    DELIVERY = "delivery"
    OPEN = "left open"


@dataclass(frozen=True, slots=True)
class Check(Generic[Facts]):
    """One thing to look at; `gather` may take `seconds`, `finding_of` is pure.

    `gather` raises NotUsedError where there is nothing of the kind here; any other error means that it could not tell.
    """

    name: str
    group: Group
    gather: Callable[[DoctorSubject], Facts]
    finding_of: Callable[[Facts], CheckFinding]
    seconds: float = 30


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What a check found."""

    name: str
    group: Group
    finding: CheckFinding


@dataclass(frozen=True, slots=True)
class Summary:
    """How many checks came to which state."""

    counts: Mapping[CheckState, int]

    @property
    def exit_code(self) -> int:
        """1 where something is bad, 2 where nothing is and something could not be told, else 0 (GATE-2).

        Where nothing was there to look at, nothing is known to be well.
        """
        if self.counts[CheckState.BAD]:
            return 1
        looked = self.counts[CheckState.OK] + self.counts[CheckState.WARNING]
        return 2 if self.counts[CheckState.UNKNOWN] or not looked else 0


def chosen(checks: Sequence[Check[Any]], names: Sequence[str]) -> tuple[Check[Any], ...]:
    """The checks of these names, all of them where none is named.

    Raises:
        UsageError: there is no check of that name.
    """
    known = {check.name for check in checks}
    if missing := next((name for name in names if name not in known), ""):
        each = "; give --only once for each check" if "," in missing else ""
        raise UsageError(f"--only: no check is called {suggestion(missing, known)}{each}")
    return tuple(check for check in checks if not names or check.name in names)


def run(checks: Sequence[Check[Any]], subject: DoctorSubject, begins: Callable[[str], None]) -> Iterator[CheckResult]:
    """Run checks one after the other; `begins` is told the name of each. What one raises stops no other (P3)."""
    for check in checks:
        begins(check.name)
        yield CheckResult(check.name, check.group, _linked(_found(check, subject), subject))


def summary(results: Iterable[CheckResult]) -> Summary:
    """Count the results by state."""
    counts = Counter(result.finding.state for result in results)
    return Summary({state: counts[state] for state in CheckState})


def _linked(finding: CheckFinding, subject: DoctorSubject) -> CheckFinding:
    """With the address of each page of the docs that it names."""
    if not _PAGE.search(finding.mend):
        return finding
    return replace(finding, mend=_PAGE.sub(lambda hit: subject.page(hit[0]), finding.mend))


def _found(check: Check[Any], subject: DoctorSubject) -> CheckFinding:
    try:
        with clock.alarm(check.seconds, TooLongError):
            facts = check.gather(subject)
        return check.finding_of(facts)
    except NotUsedError as why:
        return not_used(str(why))
    except TooLongError:
        return unknown(f"no answer within {check.seconds:g} s", f"orch-gates doctor --only {check.name}")
    except OrchError as error:
        return unknown(str(error))
    except Exception as error:  # noqa: BLE001 - a check that breaks is one that could not tell, and stops no other
        return unknown(
            f"this check has a bug: {type(error).__name__}", f"ORCH_DEBUG=1 orch-gates doctor --only {check.name}"
        )
