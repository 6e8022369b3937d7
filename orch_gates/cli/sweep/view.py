"""What a tick did, and what the sweep remembers, for people and machines (OBS-1)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from orch_gates.documents.escape import visible
from orch_gates.model.sweep import Alert
from orch_gates.report import machine
from orch_gates.sweep.lag import Lag
from orch_gates.sweep.tick import TickReport

# What a tick does after its plan is recorded, each by a look of its own.
NOT_LOOKED_AT = "a dry run does not look at merges and leases, deploys and watches, markers"


def as_text(report: TickReport, *, dry_run: bool) -> str:
    """A line for each thing that was done; problems are for stderr."""
    lines = [f"would do: {line}" if dry_run else line for line in report.lines]
    lines += [f"needs a person: {alert.line}" for alert in report.opened]
    lines += [f"resolved: {alert.line}" for alert in report.closed]
    if dry_run:
        lines += [] if report.lines else ["nothing to record or start"]
        lines.append(NOT_LOOKED_AT)
    nothing = "nothing to do" if not report.problems else ""
    return "".join(f"{visible(line)}\n" for line in lines or [nothing] if line)


def as_json(report: TickReport, *, dry_run: bool) -> str:
    """The same for machines."""
    value = {
        "dry_run": dry_run,
        "done": list(report.lines),
        "problems": list(report.problems),
        "counts": {name: more for name, more in report.counts.items() if more},
        "opened": _alerts(report.opened),
        "closed": _alerts(report.closed),
        "alerts": _alerts(report.alerts),
        "before": lag_value(report.lag),
        "busy": report.busy,
        "exit_code": report.exit_code,
    }
    return machine.document("tick", value)


def lag_value(lag: Lag) -> dict[str, Any]:
    """How the schedule does."""
    return {
        "schedule": lag.schedule.value,
        "last": lag.last or None,
        "seconds": int(lag.ago.total_seconds()) if lag.last else None,
    }


def _alerts(alerts: Sequence[Alert]) -> list[dict[str, str]]:
    return [{"key": alert.key, "since": alert.since, "line": alert.line} for alert in alerts]
