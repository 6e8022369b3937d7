"""How a watch ends: what its environment runs, what its verdict makes of the deploy, what is recorded of it (WCH-3)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import assert_never

from orch_gates.engine import events
from orch_gates.engine.decide import decide
from orch_gates.engine.stages import Pipeline
from orch_gates.engine.watch_assessment import Assessment
from orch_gates.engine.watch_reaction import Alert, Finish, InEnvironment, NoReaction, Release, Rollback
from orch_gates.model.environment import Deployed, Environment, Standing
from orch_gates.model.feedback import one_line
from orch_gates.model.ids import moment
from orch_gates.model.task import Task
from orch_gates.model.watch import Act, Reaction, Watch, WatchState, WatchVerdict
from orch_gates.state.snapshot import Snapshot
from orch_gates.tasks import book
from orch_gates.tasks.change import recorded, with_effects

_STANDING: Mapping[WatchVerdict, Standing] = {
    WatchVerdict.HEALTHY: Standing.VERIFIED,
    WatchVerdict.DEGRADED: Standing.DEGRADED,
    WatchVerdict.UNOBSERVED: Standing.UNOBSERVED,
    WatchVerdict.STOPPED: Standing.STOPPED,
}


def standing(verdict: WatchVerdict, judged: Assessment) -> Standing | None:
    """What a deploy is after its watch; None where the watch says nothing about it."""
    found = _STANDING.get(verdict)
    return Standing.UNOBSERVED if found is Standing.VERIFIED and judged.unverified else found


def in_environment(environment: Environment, now: datetime) -> InEnvironment:
    """What an environment runs, as a watch decides on it."""
    running = environment.running
    return InEnvironment(
        _release(environment.current),
        running.deploy if running is not None else "",
        environment.unknown,
        _release(environment.verified),
        overdue=running is not None and now > moment(running.until),
    )


def _release(deployed: Deployed | None) -> Release | None:
    return None if deployed is None else Release(deployed.deploy, deployed.revision, deployed.digest)


def over(watch: Watch, finish: Finish) -> Watch:
    """The watch once it is finished."""
    match finish.reaction:
        case NoReaction():
            reaction = watch.reaction
        case Alert(why=why):
            reaction = Reaction(what=Act.ALERT, deploy="", why=one_line(why))
        case Rollback(why=why):
            reaction = Reaction(what=Act.PLANNED, deploy="", why=one_line(why))
        case _:
            assert_never(finish.reaction)
    update = {
        "state": WatchState.OVER,
        "verdict": finish.verdict,
        "reason": one_line(finish.reason),
        "watcher": None,
        "reaction": reaction,
    }
    return watch.model_copy(update=update)


def reaction_text(watch: Watch) -> str:
    """What followed from a watch, for people; empty where nothing did."""
    did, why = watch.reaction, watch.reaction.why.removeprefix(watch.reason).removeprefix("; ")
    match did.what:
        case Act.NONE:
            return ""
        case Act.PLANNED:
            return "a rollback follows"
        case Act.BEGAN:
            return f"the rollback began as deploy {did.deploy}"
        case Act.DONE:
            return f"rolled back by deploy {did.deploy}: {why}"
        case Act.ALERT:
            failed = f"the rollback {did.deploy} failed, and " if did.deploy else ""
            return f"{failed}a person is needed" + (f": {why}" if why else "")
        case _:
            assert_never(did.what)


def held(
    snapshot: Snapshot, watch: Watch, by: str, pipeline_of: Callable[[Task], Pipeline], now: datetime
) -> Mapping[str, str]:
    """The task, held where its deploy degraded production: else what was rolled back is merged again (WCH-3).

    Nothing of a task that is finished, waits for a person already, or was deployed again by a rollback.
    """
    page = book.find(snapshot, watch.task)
    ill = watch.verdict is WatchVerdict.DEGRADED and not watch.rollback_of
    if not ill or page is None or page.task.state.finished or page.task.state.waits_for_a_person:
        return {}
    task = page.task
    why = (
        f"deploy {watch.deploy} to {watch.environment} is {watch.verdict}: {watch.reason}; push a fix and run "
        f"`orch-gates task resume {task.id}`, or cancel the task"
    )
    event = events.HoldRequested(by, one_line(why))
    decided = decide(task, event, (), now, pipeline_of(task), generation=snapshot.generation + 1)
    return recorded(page, with_effects(decided, task, ()), by, now).writes
