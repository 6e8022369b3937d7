"""The memory after a tick: pure (SWP-1, REAP-2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from orch_gates.documents.escape import clip
from orch_gates.model.feedback import one_line
from orch_gates.model.ids import TaskId, timestamp
from orch_gates.model.sweep import MAX_TICKS, Alert, Memory, Streak, Tick

_LONGEST = 400


@dataclass(frozen=True, slots=True)
class EndedTick:
    """One tick that came to its end."""

    started: datetime
    ended: datetime
    by: str
    generation: int

    @property
    def tick(self) -> Tick:
        """As it is remembered."""
        by = clip(one_line(self.by), _LONGEST)
        return Tick(started=timestamp(self.started), ended=timestamp(self.ended), by=by, generation=self.generation)


def with_streaks(before: Memory, streaks: Sequence[Streak]) -> Memory:
    """The memory with what a look saw of running jobs."""
    return before.model_copy(update={"streaks": tuple(streaks)})


def after(
    before: Memory, counts: Mapping[str, int], alerts: Sequence[Alert], *, cursor: str | None, tick: EndedTick | None
) -> Memory:
    """The memory after a tick; one about an event's tasks leaves cursor and ticks as they are."""
    counters = dict(before.counters)
    for name, more in (*counts.items(), *([("ticks", 1)] if tick is not None else [])):
        counters[name] = counters.get(name, 0) + more
    ticks = before.ticks if tick is None else (*before.ticks, tick.tick)[-MAX_TICKS:]
    return before.model_copy(
        update={
            "ticks": ticks,
            "cursor": before.cursor if cursor is None else TaskId(cursor),
            "counters": counters,
            "alerts": tuple(alerts),
        }
    )
