"""How an environment changes: a deploy begins, ends, is lost, is settled by a person; pure (DEP-1, WCH-3)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import assert_never

from orch_gates.engine.sighting import Life, Sighting
from orch_gates.model.environment import MAX_HISTORY, Deployed, Environment, Running, Standing
from orch_gates.model.feedback import one_line
from orch_gates.model.ids import moment, timestamp
from orch_gates.model.watch import NO_REACTION, Sample, Watch, WatchState, WatchVerdict

_LEAST_NAMED = 7


class DeployEnd(StrEnum):
    """What a deploy came to; UNKNOWN is nobody's word: it may have deployed, in whole or in part."""

    DEPLOYED = "DEPLOYED"
    FAILED = "FAILED"
    REFUSED = "REFUSED"
    UNKNOWN = "UNKNOWN"

    @property
    def word(self) -> str:
        """What the deploy report says of it: whoever cannot tell holds the task, as whoever refuses (DEP-1)."""
        return DeployEnd.REFUSED.value if self is DeployEnd.UNKNOWN else self.value


@dataclass(frozen=True, slots=True)
class Conclusion:
    """How a deploy ended, why, and when."""

    end: DeployEnd
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Already:
    """Just this runs there already."""

    deployed: Deployed


@dataclass(frozen=True, slots=True)
class Busy:
    """Another deploy is under way."""

    running: Running


@dataclass(frozen=True, slots=True)
class Refused:
    """It must not begin; `reason` says what a person does about it."""

    reason: str


def end_of(exit_code: int, *, timed_out: bool) -> DeployEnd:
    """What the exit code of a deploy command means, negative for the signal that ended it (DEP-1)."""
    if timed_out:
        return DeployEnd.UNKNOWN
    match exit_code:
        case 0:
            return DeployEnd.DEPLOYED
        case 1:
            return DeployEnd.FAILED
        case 2:
            return DeployEnd.REFUSED
        case _:
            return DeployEnd.UNKNOWN


def taken(before: Environment, running: Running) -> Environment | Already | Busy | Refused:
    """The environment once a deploy has begun there; it is the lease, so there is never a second one."""
    if before.running is not None:
        return Busy(before.running)
    if before.unsettled is not None:
        return Refused(f"what {before.name} runs is not known: {before.unknown}; {_settle(before)}")
    if running.rollback_of:
        target = rollback_target(before, running.rollback_of)
        if isinstance(target, Refused):
            return target
        if (target.revision, target.digest) != (running.revision, running.digest):
            return Refused(f"a rollback of {before.name} can only go to {target.deploy}, its last verified deploy")
    elif before.current is not None and _brings(running) == _brings(before.current):
        return Already(before.current)
    return before.model_copy(update={"running": running, "generation": before.generation + 1})


def rollback_target(environment: Environment, deploy: str) -> Deployed | Refused:
    """What a deploy is rolled back to: the last verified one, and only while that deploy still runs (WCH-3, T20)."""
    name, runs, verified = environment.name, environment.current, environment.verified
    if environment.unsettled is not None:
        return Refused(f"what {name} runs is not known: {environment.unknown}; {_settle(environment)}")
    if runs is None or runs.deploy != deploy:
        now = "nothing" if runs is None else f"{runs.deploy} ({runs.revision[:10]})"
        return Refused(f"{name} no longer runs {deploy}; it runs {now}")
    if runs.rollback_of:
        return Refused(f"{deploy} is itself the rollback of {runs.rollback_of}, and a rollback is never rolled back")
    if verified is None:
        return Refused(f"no deploy to {name} was ever verified, so there is nothing to roll back to")
    if verified.deploy == deploy:
        return Refused(f"{deploy} is itself the last verified deploy of {name}")
    return verified


def finished(before: Environment, deploy: str, conclusion: Conclusion, *, watched: bool) -> Environment | None:
    """The environment once a deploy ended; None where that is not under way, or is known to be lost and still is.

    Its own word counts also where it was taken for lost meanwhile, until a person has settled what runs.
    """
    begun = _begun(before, deploy)
    if begun is None or (conclusion.end is DeployEnd.UNKNOWN and before.running is None):
        return None
    over: dict[str, object] = {"running": None, "unknown": "", "unsettled": None}
    match conclusion.end:
        case DeployEnd.DEPLOYED:
            standing = Standing.WATCHING if watched else Standing.UNWATCHED
            return _runs(before, deployed(begun, conclusion.at, standing)).model_copy(update=over)
        case DeployEnd.FAILED | DeployEnd.REFUSED:
            return before.model_copy(update=over)
        case DeployEnd.UNKNOWN:
            lost = {"running": None, "unknown": one_line(conclusion.reason), "unsettled": begun}
            return before.model_copy(update=lost)
        case _:
            assert_never(conclusion.end)


def seen(running: Running, sighting: Sighting, now: datetime) -> Conclusion | None:
    """What a deploy came to of which nobody recorded the end, as one look tells; None while it may go on.

    Where nobody can look, as on another machine, it has its time.
    """
    who = f"deploy {running.deploy} of {running.task}, which {running.runner} began at {running.began}"
    match sighting.life:
        case Life.ALIVE:
            return None
        case Life.ENDED if sighting.exit_code is not None:
            end = end_of(sighting.exit_code, timed_out=False)
            return Conclusion(end, one_line(f"{who}, could not record how it ended: {sighting.why}"), now)
        case Life.ENDED | Life.DEAD:
            return Conclusion(DeployEnd.UNKNOWN, one_line(f"{who}, was lost: {sighting.why}"), now)
        case Life.UNKNOWN:
            if now < moment(running.until):
                return None
            return Conclusion(DeployEnd.UNKNOWN, one_line(f"{who}, should have ended by {running.until}"), now)
        case _:
            assert_never(sighting.life)


def known(environment: Environment, named: str) -> tuple[Deployed, ...]:
    """The deploys that a person may mean by an id or the beginning of a commit, each once, the newest first."""
    lost = environment.unsettled
    every = [
        *([] if lost is None else [deployed(lost, moment(lost.began), Standing.UNWATCHED)]),
        *environment.history,
        *([] if environment.verified is None else [environment.verified]),
    ]
    once = {one.deploy: one for one in reversed(every)}
    found = list(dict.fromkeys(one.deploy for one in every))
    by_id = tuple(once[one] for one in found if one == named)
    if by_id or len(named) < _LEAST_NAMED:
        return by_id
    return tuple(once[one] for one in found if once[one].revision.startswith(named))


def settled(before: Environment, runs: Deployed) -> Environment | Refused:
    """The environment by a person's word for what it runs."""
    if before.running is not None:
        return Refused(
            f"deploy {before.running.deploy} of {before.running.task} is under way, by {before.running.runner}; "
            "wait for it, or end it"
        )
    same = before.current is not None and before.current.deploy == runs.deploy
    after = before if same else _runs(before, runs)
    return after.model_copy(update={"unknown": "", "unsettled": None})


def with_standing(before: Environment, deploy: str, standing: Standing) -> Environment | None:
    """The environment once a watch came to a verdict about what runs; None where that deploy does not run any more."""
    if before.current is None or before.current.deploy != deploy:
        return None
    current = before.current.model_copy(update={"standing": standing})
    update: dict[str, object] = {"current": current, "history": (current, *before.history[1:])}
    if standing is Standing.VERIFIED:
        update["verified"] = current
    return before.model_copy(update=update)


def armed(
    running: Running,
    environment: str,
    now: datetime,
    window: timedelta,
    every: timedelta,
    baseline: Sample | None = None,
) -> Watch:
    """The watch over a deploy that ended well just now; `baseline` is what was seen before its command."""
    return Watch(
        deploy=running.deploy,
        environment=environment,
        task=running.task,
        revision=running.revision,
        digest=running.digest,
        rollback_of=running.rollback_of,
        alert_only=running.alert_only,
        armed=timestamp(now),
        deadline=timestamp(now + window),
        every_s=max(1, round(every.total_seconds())),
        state=WatchState.WATCHING,
        verdict=WatchVerdict.OPEN,
        reason="",
        watcher=None,
        baseline=baseline,
        samples=(),
        reaction=NO_REACTION,
    )


def deployed(running: Running, at: datetime, standing: Standing) -> Deployed:
    """A deploy as what runs."""
    return Deployed(
        deploy=running.deploy,
        task=running.task,
        revision=running.revision,
        digest=running.digest,
        at=timestamp(at),
        by=running.by,
        standing=standing,
        rollback_of=running.rollback_of,
        alert_only=running.alert_only,
    )


def _begun(environment: Environment, deploy: str) -> Running | None:
    under_way = (environment.running, environment.unsettled)
    return next((one for one in under_way if one is not None and one.deploy == deploy), None)


def _runs(before: Environment, now: Deployed) -> Environment:
    kept = (*(one.replaced for one in before.history[:1]), *before.history[1:])
    history = (now, *kept)[:MAX_HISTORY]
    return before.model_copy(update={"current": now, "history": history})


def _brings(one: Running | Deployed) -> tuple[str, str, str]:
    return one.task, one.revision, one.digest


def _settle(environment: Environment) -> str:
    return (
        f"check what it runs, and record it: `orch-gates env settle {environment.name} --runs DEPLOY|REVISION "
        "--reason TEXT`"
    )
