"""Failures that the sandbox is to blame for: the narrow list on the target branch, and what it waives (STG-1, T24).

An entry waives a check only where every failure in it bears its signature. An entry past its last day or over its
budget waives nothing at all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from orch_gates.gates.staging import pattern
from orch_gates.results.model import Check

PATH = ".orch-gates/staging-infra.md"
USUAL_EXIT_CODES = (1,)


@dataclass(frozen=True, slots=True)
class Waiver:
    """One kind of failure that is waived: `check` and `signature` are patterns, `expires` is the last day.

    `uses` is how many failures it may waive, in all runs that are counted together.
    """

    id: str
    check: str
    signature: str
    owner: str
    reason: str
    expires: date
    uses: int

    @property
    def tally(self) -> str:
        """What its uses are counted by: an entry that is renewed begins anew."""
        return f"{self.id}@{self.expires}"

    def waives(self, check: str, failure: str) -> bool:
        """Whether a failure of a check is the one that it is about."""
        return pattern.fits(self.check, check) and pattern.occurs(self.signature, failure)


@dataclass(frozen=True, slots=True)
class InfraList:
    """The entries of the target branch, and what runners exit with where checks failed and nothing else broke."""

    entries: tuple[Waiver, ...] = ()
    exit_codes: tuple[int, ...] = USUAL_EXIT_CODES


@dataclass(frozen=True, slots=True)
class Waived:
    """A red check that is nobody's fault, and the entries that say so."""

    check: str
    entries: tuple[Waiver, ...]


@dataclass(frozen=True, slots=True)
class Classified:
    """Red checks, told apart; `used` counts the uses of each entry, those before this run too, by its tally.

    `why` says of a red check that an entry was about, why it was not waived.
    """

    real: tuple[Check, ...] = ()
    waived: tuple[Waived, ...] = ()
    used: Mapping[str, int] = field(default_factory=dict)
    why: Mapping[str, str] = field(default_factory=dict)


def classify(red: Sequence[Check], allowed: InfraList, before: Mapping[str, int], today: date) -> Classified:
    """Tell the failures of the sandbox from real ones (pure); what no entry is about is real."""
    fitting = {check.id: _entries_for(check, allowed.entries) for check in red}
    # An expired entry is not used: it is only named.
    counts = Counter(entry.tally for found in fitting.values() if found and _hold(found, today) for entry in found)
    used = {tally: before.get(tally, 0) + uses for tally, uses in counts.items()}
    real: list[Check] = []
    waived: list[Waived] = []
    why: dict[str, str] = {}
    for check in red:
        found = fitting[check.id]
        if not found:
            real.append(check)
        elif refusal := _refusal(found, used, today):
            real.append(check)
            why[check.id] = refusal
        else:
            waived.append(Waived(check.id, tuple(dict.fromkeys(found))))
    return Classified(tuple(real), tuple(waived), used, why)


def _entries_for(check: Check, entries: Sequence[Waiver]) -> tuple[Waiver, ...]:
    """An entry for each failure of a check, the one that holds longest; none where one failure has none."""
    found = []
    for failure in check.failures:
        about = [entry for entry in entries if entry.waives(check.id, failure)]
        if not about:
            return ()
        found.append(max(about, key=lambda entry: (entry.expires, entry.uses, entry.id)))
    return tuple(found)


def _hold(found: Sequence[Waiver], today: date) -> bool:
    return all(entry.expires >= today for entry in found)


def _refusal(found: Sequence[Waiver], used: Mapping[str, int], today: date) -> str:
    for entry in found:
        if entry.expires < today:
            return f"entry {entry.id} of {entry.owner} waived it until {entry.expires}; it no longer does"
    for entry in found:
        if used[entry.tally] > entry.uses:
            return (
                f"entry {entry.id} of {entry.owner} waives {entry.uses} in all, but {used[entry.tally]} failures need "
                "it"
            )
    return ""
