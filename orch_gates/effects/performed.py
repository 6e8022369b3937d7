"""What came of performing an effect."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from orch_gates.model.effect import Effect


class EffectResult(StrEnum):
    """How it ended; the last two leave the effect pending."""

    DONE = "done"
    SUPERSEDED = "superseded"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Performed:
    """An effect, how performing it ended, and why it is not done."""

    effect: Effect
    result: EffectResult
    reason: str = ""

    @property
    def settled(self) -> bool:
        """Nothing is left to be done."""
        return self.result in {EffectResult.DONE, EffectResult.SUPERSEDED}
