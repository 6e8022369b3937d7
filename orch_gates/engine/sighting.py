"""What one look saw of a process that does recorded work: pure values (REAP-1, P2)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto


class Life(Enum):
    """What one look saw of running work."""

    ALIVE = auto()
    DEAD = auto()
    ENDED = auto()
    UNKNOWN = auto()


@dataclass(frozen=True, slots=True)
class Sighting:
    """What one look saw, and why; `exit_code` is that of the command, of one that ENDED only."""

    life: Life
    why: str = ""
    exit_code: int | None = None


UNKNOWN = Sighting(Life.UNKNOWN)
