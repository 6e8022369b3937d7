"""What somebody left open: an emergency, effects and work that nobody took, and alerts (MRG-15, P7, JOB-1)."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from orch_gates.doctor.check import Check, Group
from orch_gates.doctor.finding import CheckFinding, NotUsedError, bad, ok, warning, worst
from orch_gates.doctor.subject import DoctorSubject
from orch_gates.hooks.fence import GLASS
from orch_gates.jobs import overview
from orch_gates.merge.fence import broken_glass
from orch_gates.model.ids import moment
from orch_gates.model.job import JobStatus
from orch_gates.model.lease import Lease
from orch_gates.model.sweep import Alert
from orch_gates.state import layout
from orch_gates.tasks import book
from orch_gates.tasks.pending import pending

_SHOWN = 5
# A few ticks may be late; after that nothing comes for it by itself.
_TICKS = 3


@dataclass(frozen=True, slots=True)
class GlassFacts:
    """The leases, where each target stands, and the administrator's words in the bare repository's configuration."""

    now: datetime
    leases: tuple[tuple[Lease, str], ...] = ()
    configured: tuple[str, ...] = ()
    repository: str = ""


@dataclass(frozen=True, slots=True)
class WaitingFacts:
    """What is planned or queued, each with the moment since when and what it is; `patience` before it is stuck."""

    now: datetime
    patience: timedelta
    effects: tuple[tuple[str, datetime], ...] = ()
    jobs: tuple[tuple[str, datetime], ...] = ()


def _gather_glass(subject: DoctorSubject) -> GlassFacts:
    server = subject.server
    configured: tuple[str, ...] = ()
    if server is not None:
        output = subject.git.run("-C", str(server), "config", "--local", "--get-all", GLASS).stdout
        configured = tuple(output.decode("utf-8", "replace").splitlines())
    try:
        leases = book.read(subject.state, layout.LEASES).leases
    except NotUsedError:
        if not configured:
            raise
        leases = ()
    broken = [lease for lease in leases if lease.break_glass is not None]
    tips = subject.workspace.heads.of_all([lease.target for lease in broken])
    return GlassFacts(
        subject.now, tuple((lease, tips[lease.target]) for lease in broken), configured, str(server or "")
    )


def glass_finding(facts: GlassFacts) -> CheckFinding:
    """No emergency is open, and each that there was has been looked at."""
    return worst(*_of_glass(facts), ok("no break-glass override is open, and each earlier one was acknowledged"))


def _of_glass(facts: GlassFacts) -> Iterator[CheckFinding]:
    for lease, tip in facts.leases:
        glass = lease.break_glass
        assert glass is not None
        override = f"break-glass override by {glass.by} for {lease.target}: {glass.reason}"
        acknowledge = f"orch-gates lease break-glass --acknowledge --target {shlex.quote(lease.target)}"
        if broken_glass(lease, tip, facts.now):
            yield bad(
                f"{override}; until {glass.expires} one push passes the fence",
                f"it ends then, or with the next push to {lease.target}; afterwards: {acknowledge}",
            )
        elif not glass.acknowledged:
            yield warning(f"{override}; it has expired, but nobody has reviewed its use", acknowledge)
    for word in facts.configured:
        yield _of_word(word, facts)


def _of_word(word: str, facts: GlassFacts) -> CheckFinding:
    unset = f"git -C {shlex.quote(facts.repository)} config --unset-all {GLASS}"
    try:
        over = moment(word.split()[2]) <= facts.now
    except (IndexError, ValueError):
        return warning(f"the repository's git config has an invalid {GLASS}: {word}", unset)
    if over:
        return warning(f"the repository's git config still has an expired {GLASS}: {word}", unset)
    return bad(f"an administrator's {GLASS} lets a push pass the fence: {word}", unset)


def _gather_waiting(subject: DoctorSubject) -> WaitingFacts:
    everything = overview.read(subject.state)
    patience = timedelta(seconds=_TICKS * subject.workspace.settings.sweep.every)
    planned = pending(tuple(everything.tasks.values()))
    effects = tuple((f"{one.effect.key} of {one.task}", moment(one.effect.planned)) for one in planned)
    queued = (job for jobs in everything.jobs.values() for job in jobs if job.status is JobStatus.QUEUED)
    jobs = tuple(
        (f"{job.role} of {job.task}{f' ({job.reason})' if job.reason else ''}", moment(job.created)) for job in queued
    )
    if not effects and not jobs:
        raise NotUsedError("nothing is planned or queued")
    return WaitingFacts(subject.now, patience, effects, jobs)


def waiting_finding(facts: WaitingFacts) -> CheckFinding:
    """What a step planned is done soon after it, and queued work begins."""
    return worst(
        *_of_waiting(facts), ok(f"{len(facts.effects)} effects and {len(facts.jobs)} jobs wait, none for long")
    )


def _of_waiting(facts: WaitingFacts) -> Iterator[CheckFinding]:
    for what, found, mend in (
        ("pending, outcome unknown", facts.effects, "orch-gates effects run"),
        ("queued, but not started", facts.jobs, "orch-gates job list; `orch-gates job retry TASK` starts a new one"),
    ):
        stuck = [(name, since) for name, since in found if facts.now - since > facts.patience]
        if stuck:
            named = ", ".join(f"{name} since {since:%Y-%m-%d %H:%M}" for name, since in stuck[:_SHOWN])
            more = f", and {len(stuck) - _SHOWN} more" if len(stuck) > _SHOWN else ""
            yield warning(f"{what}: {named}{more}", mend)


def _gather_alerts(subject: DoctorSubject) -> tuple[Alert, ...]:
    subject.state  # noqa: B018 - the sweep remembers beside the branch
    memory = subject.workspace.store.memory.read().memory
    if memory is None:
        raise NotUsedError("no sweep has ever run")
    return memory.alerts


def alerts_finding(alerts: tuple[Alert, ...]) -> CheckFinding:
    """What the sweep found that only a person can mend."""
    if not alerts:
        return ok("the sweep has no open alert")
    more = f"; and {len(alerts) - _SHOWN} more" if len(alerts) > _SHOWN else ""
    return warning("; ".join(alert.line for alert in alerts[:_SHOWN]) + more, "orch-gates status (names all of them)")


CHECKS = (
    Check("break-glass", Group.OPEN, _gather_glass, glass_finding, seconds=60),
    Check("waiting", Group.OPEN, _gather_waiting, waiting_finding, seconds=60),
    Check("alerts", Group.OPEN, _gather_alerts, alerts_finding, seconds=60),
)
