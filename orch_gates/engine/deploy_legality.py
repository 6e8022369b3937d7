"""Which changes of an environment and of a watch are legal, whoever made them (DEP-1, WCH-3, OWN-3)."""

from __future__ import annotations

from collections.abc import Iterator

from orch_gates.engine.legality import Violation, unchanged
from orch_gates.model.environment import MAX_HISTORY, Deployed, Environment, Running, Standing, empty
from orch_gates.model.watch import Act, Watch, WatchState, WatchVerdict

_ACTS: dict[Act, frozenset[Act]] = {
    Act.NONE: frozenset({Act.NONE, Act.PLANNED, Act.BEGAN, Act.ALERT}),
    Act.PLANNED: frozenset({Act.PLANNED, Act.BEGAN, Act.ALERT}),
    Act.BEGAN: frozenset({Act.BEGAN, Act.DONE, Act.ALERT}),
    Act.DONE: frozenset({Act.DONE}),
    Act.ALERT: frozenset({Act.ALERT}),
}
_CLAIMED = frozenset({Act.BEGAN, Act.DONE})
_WATCHED = ("deploy", "environment", "task", "revision", "digest", "rollback_of", "alert_only")
_WINDOW = ("armed", "deadline", "every_s")


def environment_alone(environment: Environment) -> tuple[Violation, ...]:
    """What an environment must be, whatever it was before."""
    return tuple(_environment_alone(environment))


def _environment_alone(one: Environment) -> Iterator[Violation]:
    if (one.unknown != "") is not (one.unsettled is not None):
        yield Violation("unknown", "must be set while a deploy is unsettled, and empty otherwise")
    if one.running is not None and one.unsettled is not None:
        yield Violation("running", "must be empty until a person has settled what runs")
    if one.running is not None and one.running.rollback_of and one.current is None:
        yield Violation("running.rollback_of", "must be empty while nothing runs that could be rolled back")
    if one.history[:1] != (() if one.current is None else (one.current,)):
        yield Violation("history", "must begin with the deploy that runs now")
    if one.verified is not None and one.verified.standing is not Standing.VERIFIED:
        yield Violation("verified", "must be a verified deploy")
    verified = one.current is not None and one.current.standing is Standing.VERIFIED
    if verified and one.current != one.verified:
        yield Violation("verified", "must be the deploy that runs now, once that is verified")


def environment_change(before: Environment | None, after: Environment) -> tuple[Violation, ...]:
    """What is wrong with an environment that was made (`before` is None) or changed."""
    found = list(_environment_alone(after))
    before = before or empty(after.name)
    found += unchanged(before, after, ("name",))
    found += _begun(before, after)
    found += _over(before, after)
    found += _runs(before, after)
    kept = after.verified == before.verified
    if not kept and (after.verified is None or after.verified != after.current):
        found.append(Violation("verified", "may only be replaced by the deploy that runs now, and must not be emptied"))
    return tuple(found)


def _begun(before: Environment, after: Environment) -> Iterator[Violation]:
    new = after.running is not None and (before.running is None or before.running.deploy != after.running.deploy)
    if after.generation != before.generation + new:
        yield Violation("generation", "must grow by one with every deploy that begins, and must not change otherwise")
    if not new or after.running is None:
        return
    if before.running is not None:
        yield Violation("running", "must not change to another deploy while one is under way")
    if before.unsettled is not None:
        yield Violation("running", "must be empty until a person has settled what runs")
    if after.running.deploy in {one.deploy for one in before.history}:
        yield Violation("running.deploy", "must not be the id of an earlier deploy")
    if after.running.rollback_of:
        yield from _rollback(before, after.running)


def _rollback(before: Environment, running: Running) -> Iterator[Violation]:
    """Only from what runs, only to the last verified deploy, never of a rollback (WCH-3)."""
    runs, verified = before.current, before.verified
    if runs is None or runs.deploy != running.rollback_of:
        yield Violation("running.rollback_of", "must be the deploy that runs now")
    elif runs.rollback_of:
        yield Violation("running.rollback_of", "must not be a rollback itself")
    if verified is None or (verified.revision, verified.digest) != (running.revision, running.digest):
        yield Violation("running.revision", "must be that of the last verified deploy in a rollback")
    elif runs is not None and runs.deploy == verified.deploy:
        yield Violation("running.rollback_of", "must be another deploy than the last verified one")


def _over(before: Environment, after: Environment) -> Iterator[Violation]:
    """A deploy ends as it began, or nobody knows how; only a person says what it came to then."""
    if before.running is not None and after.running is not None and before.running.deploy == after.running.deploy:
        yield from unchanged(before, after, ("running", "unknown", "unsettled"))
        if _deploy(before.current) != _deploy(after.current):
            yield Violation("current", "must not change while a deploy is under way")
    if after.unsettled is not None and after.unsettled not in (before.unsettled, before.running):
        yield Violation("unsettled", "must be the deploy that was under way")
    if after.unsettled is not None and before.unsettled is None and _deploy(before.current) != _deploy(after.current):
        yield Violation("current", "must not change while it is unknown what runs")
    if before.unsettled is not None and after.unsettled is not None:
        yield from unchanged(before, after, ("unknown", "unsettled"))


def _runs(before: Environment, after: Environment) -> Iterator[Violation]:
    was, now = before.current, after.current
    if now is None:
        if was is not None:
            yield Violation("current", "may be replaced, but must not be emptied")
        return
    same = was is not None and was.deploy == now.deploy
    if same and was is not None and was.model_copy(update={"standing": now.standing}) != now:
        yield Violation("current", "may change only its standing while the deploy stays the same")
    if not same and before.running is not None:
        yield from _from(before.running, now)
    kept = before.history[1:] if same else tuple(one.replaced for one in before.history[:1]) + before.history[1:]
    if after.history != (now, *kept)[:MAX_HISTORY]:
        yield Violation("history", "must get the deploy that runs now in front, and keep the others")


def _from(running: Running, now: Deployed) -> Iterator[Violation]:
    for field in ("deploy", "task", "revision", "digest", "rollback_of", "alert_only"):
        if getattr(running, field) != getattr(now, field):
            yield Violation(f"current.{field}", "must equal that of the deploy that was under way")


def _deploy(one: Deployed | None) -> str:
    return "" if one is None else one.deploy


def watch_alone(watch: Watch) -> tuple[Violation, ...]:
    """What a watch must be, whatever it was before."""
    return tuple(_watch_alone(watch))


def _watch_alone(watch: Watch) -> Iterator[Violation]:
    if (watch.verdict is WatchVerdict.OPEN) is (watch.state is WatchState.OVER):
        yield Violation("verdict", "must be given when the watch is over, and not before")
    if watch.deadline < watch.armed:
        yield Violation("deadline", "must not be before the watch was armed")
    if watch.state is WatchState.OVER and watch.watcher is not None:
        yield Violation("watcher", "must be empty once the watch is over")
    if (watch.reaction.deploy != "") is not (watch.reaction.what in _CLAIMED) and watch.reaction.what is not Act.ALERT:
        yield Violation("reaction.deploy", "must be set once a rollback is claimed, and not before")
    if watch.reaction.what in {Act.PLANNED, *_CLAIMED}:
        if watch.rollback_of or watch.alert_only:
            yield Violation("reaction", "must not roll back a rollback, or a deploy that only alerts")
        if watch.reaction.deploy == watch.deploy:
            yield Violation("reaction.deploy", "must be the id of another deploy than the watched one")


def watch_change(before: Watch | None, after: Watch) -> tuple[Violation, ...]:
    """What is wrong with a watch that was armed (`before` is None) or changed."""
    found = list(_watch_alone(after))
    if before is None:
        if after.state is not WatchState.WATCHING or after.reaction.what is not Act.NONE:
            found.append(Violation("state", "a new watch must be watching, and must have no reaction"))
        return tuple(found)
    found += unchanged(before, after, (*_WATCHED, *_WINDOW))
    if before.baseline is not None:
        found += unchanged(before, after, ("baseline",))
    if before.state is WatchState.OVER:
        found += unchanged(before, after, ("state", "verdict", "reason"))
    if after.samples[: len(before.samples)] != before.samples:
        found.append(Violation("samples", "may only be added to"))
    found += _reacted(before, after)
    return tuple(found)


def _reacted(before: Watch, after: Watch) -> Iterator[Violation]:
    was, now = before.reaction, after.reaction
    if now.what not in _ACTS[was.what]:
        yield Violation("reaction.what", f"must not change from {was.what} to {now.what}")
    if was.deploy not in {"", now.deploy}:
        yield Violation("reaction.deploy", "must not change once a rollback is claimed")
    closed = after.verdict in {WatchVerdict.HEALTHY, WatchVerdict.SUPERSEDED}
    if closed and now.what in {Act.PLANNED, *_CLAIMED}:
        yield Violation("reaction.what", f"must not be {now.what}, as the watch is {after.verdict}")
