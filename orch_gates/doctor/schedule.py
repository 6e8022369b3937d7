"""The schedule of the sweep: whether it is alive, and how late (SWP-1)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from orch_gates.doctor.check import Check, Group
from orch_gates.doctor.finding import CheckFinding, bad, not_used, ok, unknown, warning
from orch_gates.doctor.subject import DoctorSubject
from orch_gates.sweep.lag import Lag, Schedule, lag

_SWEEPS = r"actions/sweep@|run: *['\"]?sweep|orch-gates sweep"
_PAGE = "docs/how-to/run-the-sweep.md"
_RUN = f"orch-gates sweep (once, with your own token; then find out why its schedule does not run: {_PAGE})"
# A person may have run it by hand, where nothing needs it.
_ELSEWHERE = f"if another machine should run it, find out why it does not: {_PAGE}"


@dataclass(frozen=True, slots=True)
class ScheduleFacts:
    """How long ago the last tick began; `workflow` is a file that should run it, `needed`: only it begins some work.

    `problem` is why what the sweep remembers cannot be read.
    """

    lag: Lag
    workflow: str = ""
    needed: bool = False
    problem: str = ""


def _gather(subject: DoctorSubject) -> ScheduleFacts:
    subject.state  # noqa: B018 - the sweep remembers beside the branch
    workspace = subject.workspace
    recalled = workspace.store.memory.read()
    ticks = recalled.memory.ticks if recalled.memory is not None else ()
    gap = lag(ticks, subject.now, timedelta(seconds=workspace.settings.sweep.every))
    config = workspace.config
    # A merge queue goes on by a workflow of its own.
    needed = bool(config.roles or workspace.settings.tracker.kind != "none")
    return ScheduleFacts(gap, _workflow(subject), needed, recalled.problem)


def _workflow(subject: DoctorSubject) -> str:
    """A workflow of the default branch that runs the sweep; empty where there is none."""
    return subject.in_workflows("--name-only", "-z", "-E", _SWEEPS).split("\0")[0].partition(":")[2]


def finding_of(facts: ScheduleFacts) -> CheckFinding:
    """A dead schedule leaves dead jobs, stale leases and stuck tasks as they are."""
    if facts.problem:
        return unknown(f"the record of the last sweep cannot be read: {facts.problem}", "orch-gates sweep")
    if facts.lag.ago < timedelta(0):
        return unknown(
            facts.lag.line, "correct the clock that is wrong; the next sweep then records when it really began"
        )
    return _lag_finding(facts)


def _lag_finding(facts: ScheduleFacts) -> CheckFinding:
    match facts.lag.schedule:
        case Schedule.NEVER if facts.workflow:
            return bad(f"{facts.workflow} should run the sweep, but no sweep has run yet", _RUN)
        case Schedule.NEVER if facts.needed:
            return bad("no sweep has run yet, but roles or a tracker in the configuration need one", _RUN)
        case Schedule.NEVER:
            return not_used("no sweep has ever run")
        case Schedule.DEAD | Schedule.LATE if not facts.workflow and not facts.needed:
            return warning(f"no workflow of the default branch runs the sweep; {facts.lag.line}", _ELSEWHERE)
        case Schedule.DEAD:
            return bad(facts.lag.line, _RUN)
        case Schedule.LATE:
            return warning(facts.lag.line, _RUN)
        case Schedule.ON_TIME:
            return ok(facts.lag.line)


CHECKS = (Check("schedule", Group.STATE, _gather, finding_of, seconds=60),)
