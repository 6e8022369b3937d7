"""What all checks together come to: the counts, and the exit code; pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from orch_gates.doctor.check import Result
from orch_gates.doctor.finding import State


@dataclass(frozen=True, slots=True)
class Summary:
    """How many checks came to which state."""

    counts: Mapping[State, int]

    @property
    def exit_code(self) -> int:
        """1 where something is bad, 2 where nothing is and something could not be told, else 0 (GATE-2).

        Where nothing was there to look at, nothing is known to be well.
        """
        if self.counts[State.BAD]:
            return 1
        looked = self.counts[State.OK] + self.counts[State.WARNING]
        return 2 if self.counts[State.UNKNOWN] or not looked else 0


def summary(results: Iterable[Result]) -> Summary:
    """Count."""
    counts = Counter(result.finding.state for result in results)
    return Summary({state: counts[state] for state in State})
