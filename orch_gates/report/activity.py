"""What moves by itself: jobs, the merge queue, the sweep; for people and machines (OBS-1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from orch_gates.model.sweep import Alert
from orch_gates.report.tasks import shown

_COUNTERS = {
    "reaped": ("job ended", "jobs ended"),
    "reclaimed": ("lease taken back", "leases taken back"),
    "unblocked": ("task unblocked", "tasks unblocked"),
    "dispatched": ("job started", "jobs started"),
    "escalated": ("person asked", "people asked"),
    "lost-races": ("race lost", "races lost"),
}


@dataclass(frozen=True, slots=True)
class Activity:
    """Active jobs by role and status, who is queued for a merge, and what the sweep remembers.

    `schedule` and `last` say how its schedule does, `line` the same for people; `problem` why that is not known.
    """

    jobs: Mapping[str, Mapping[str, int]]
    queued: int
    counters: Mapping[str, int]
    alerts: Sequence[Alert]
    schedule: str
    last: str
    line: str
    problem: str = ""

    def as_text(self) -> str:
        """A line for each."""
        roles = "; ".join(
            f"{shown(role)} {', '.join(f'{count} {status}' for status, count in counts.items())}"
            for role, counts in sorted(self.jobs.items())
        )
        did = ", ".join(
            f"{count} {one if count == 1 else many}"
            for name, (one, many) in _COUNTERS.items()
            if (count := self.counters.get(name, 0))
        )
        lines = [f"jobs: {roles}"] if roles else []
        lines += [f"merge queue: {self.queued}"] if self.queued else []
        lines.append(f"sweep: {self.problem or self.line}")
        lines += [f"sweeps did: {did}"] if did else []
        lines += [f"needs a person, since {alert.since}: {shown(alert.line, 400)}" for alert in self.alerts]
        return "".join(f"{line}\n" for line in lines)

    def as_value(self) -> dict[str, Any]:
        """The same for machines."""
        return {
            "jobs": {role: dict(counts) for role, counts in sorted(self.jobs.items())},
            "queued": self.queued,
            "sweep": {
                "schedule": None if self.problem else self.schedule,
                "last": self.last or None,
                "counters": dict(self.counters),
                "alerts": [{"key": alert.key, "since": alert.since, "line": alert.line} for alert in self.alerts],
            },
        }
