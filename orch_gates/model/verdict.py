"""A gate's answer: never a bool, always with a reason and evidence (P1, P2)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from orch_gates.model.finding import Finding

Scalar = str | int | bool | None
Evidence = Mapping[str, Scalar]


class Outcome(StrEnum):
    """The closed set of answers; `exit_code` gives each its process exit code (GATE-2)."""

    PASS = "PASS"
    FAIL = "FAIL"
    DEFER = "DEFER"
    HOLD = "HOLD"
    ERROR = "ERROR"
    SKIP = "SKIP"

    @property
    def exit_code(self) -> int:
        """0 pass or skip, 1 failed, 2 could not be decided or held, 75 deferred (GATE-2)."""
        return _EXIT_CODES[self]


_EXIT_CODES = {
    Outcome.PASS: 0,
    Outcome.SKIP: 0,
    Outcome.FAIL: 1,
    Outcome.ERROR: 2,
    Outcome.HOLD: 2,
    Outcome.DEFER: 75,
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a gate decided, why in one line, what proves it, and what to do next (P8).

    `findings` are the reasons for a FAIL. `notices` are shown and blamed on nobody: a
    vulnerability that the target branch already has, a degraded feed, an exception in use.
    `absent` marks a FAIL because nothing is recorded for this commit, not because something was
    judged red: nobody is to blame for it yet. `anew` is the commit
    where what was there is about the commit that ours caught up to it, and has to be made again: nobody is to blame for
    that either (ENG-12). `rests_on` are the ids of what was read to decide it: a report's content, an answer of the
    forge.
    """

    gate: str
    outcome: Outcome
    reason: str
    findings: tuple[Finding, ...] = ()
    notices: tuple[str, ...] = ()
    evidence: Evidence = field(default_factory=dict)
    next_step: str = ""
    absent: bool = False
    anew: str = ""
    rests_on: tuple[str, ...] = ()


def evidence_id(*facts: str) -> str:
    """The id of an answer that has none of its own: equal facts have equal ids."""
    return hashlib.sha256("\0".join(facts).encode("utf-8", "surrogatepass")).hexdigest()
