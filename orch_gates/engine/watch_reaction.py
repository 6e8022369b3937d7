"""What a watch does next, and how it reacts to a deploy that made production ill: pure (WCH-3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from orch_gates.engine.watch_assessment import Assessment
from orch_gates.model.watch import WatchVerdict

RECORD_EVERY_S = 300


@dataclass(frozen=True, slots=True)
class Release:
    """What a deploy brought into an environment."""

    deploy: str
    revision: str
    digest: str = ""


@dataclass(frozen=True, slots=True)
class InEnvironment:
    """What an environment runs, as it was just read; `running` is the deploy under way, empty for none.

    `overdue`: it has taken longer than it ever may.
    `unknown`: why it is not known what runs; empty where it is. `verified` was watched and found healthy last.
    """

    current: Release | None
    running: str = ""
    unknown: str = ""
    verified: Release | None = None
    overdue: bool = False


@dataclass(frozen=True, slots=True)
class Watched:
    """The deploy that is watched, and what was decided about it before.

    `rollback_of`: the deploy that it rolled back, empty for none. `alert_only`: why nothing is ever rolled back here,
    empty where it may be. `can_roll_back`: a rollback command is configured. `reacted`: a reaction was recorded before.
    `recorded_at`: how many seconds of the window were recorded last.
    """

    release: Release
    window: int
    rollback_of: str = ""
    alert_only: str = ""
    can_roll_back: bool = False
    over: bool = False
    reacted: bool = False
    recorded_at: int = 0
    failure_recorded: bool = False


@dataclass(frozen=True, slots=True)
class NoReaction:
    """Nothing is to be done about it."""


@dataclass(frozen=True, slots=True)
class Alert:
    """A person is told, once."""

    why: str


@dataclass(frozen=True, slots=True)
class Rollback:
    """The environment is to run `target` again; to be claimed before it begins."""

    target: Release
    why: str


Reaction: TypeAlias = NoReaction | Alert | Rollback


@dataclass(frozen=True, slots=True)
class GoOn:
    """The next sample is taken when it is due."""


@dataclass(frozen=True, slots=True)
class Record:
    """What was observed is recorded, and the watch goes on."""

    why: str


@dataclass(frozen=True, slots=True)
class Finish:
    """The watch is over."""

    verdict: WatchVerdict
    reason: str
    reaction: Reaction


@dataclass(frozen=True, slots=True)
class Over:
    """It ended before: whoever ended it decided what follows."""


NextStep: TypeAlias = GoOn | Record | Finish | Over


def decide(watched: Watched, environment: InEnvironment, judged: Assessment, elapsed: int, *, failed: bool) -> NextStep:
    """What follows `elapsed` seconds after the watch began; `failed`: something counts against production so far.

    It is the same in every phase of the window: there is none in which a sick production is left alone. While another
    deploy is under way nothing is decided, though the window be over: one that its host refuses has changed nothing.
    """
    if watched.over:
        return Over()
    if gone := _replaced(watched, environment):
        return Finish(WatchVerdict.SUPERSEDED, gone, NoReaction())
    if unknown := _unknown(environment):
        why = f"what the environment runs is not known: {unknown}"
        return Finish(WatchVerdict.UNOBSERVED, why, Alert(why))
    if not environment.running:
        if judged.verdict is WatchVerdict.DEGRADED:
            return Finish(judged.verdict, judged.reason, react(watched, environment, judged.reason))
        if elapsed >= watched.window:
            return _at_the_end(judged)
    if failed and not watched.failure_recorded:
        return Record("the first failure")
    if elapsed - watched.recorded_at >= RECORD_EVERY_S:
        return Record("five minutes went by")
    return GoOn()


def _at_the_end(judged: Assessment) -> Finish:
    """How a window ends in which production was not found ill."""
    if judged.verdict is not WatchVerdict.HEALTHY:
        return Finish(judged.verdict, judged.reason, Alert(judged.reason))
    rest = f"; not verified: {judged.unverified}" if judged.unverified else ""
    return Finish(judged.verdict, judged.reason + rest, NoReaction())


def superseded(watched: Watched, environment: InEnvironment) -> str:
    """Why the environment does not run the watched deploy alone any more; empty where it does, as far as is known."""
    return _under_way(environment) or _replaced(watched, environment)


def _unknown(environment: InEnvironment) -> str:
    late = f"deploy {environment.running} should have ended by now, but no end is recorded"
    return environment.unknown or (late if environment.running and environment.overdue else "")


def _under_way(environment: InEnvironment) -> str:
    return f"deploy {environment.running} began" if environment.running else ""


def _replaced(watched: Watched, environment: InEnvironment) -> str:
    current = environment.current
    if current is None:
        return "the environment runs no deploy"
    return "" if current.deploy == watched.release.deploy else f"the environment runs deploy {current.deploy}"


def react(watched: Watched, environment: InEnvironment, why: str) -> Reaction:
    """The one reaction to a sick production: a rollback to what was verified last, or a person is told."""
    if watched.reacted:
        return NoReaction()
    if kept := _kept(watched, environment):
        return Alert(f"{why}; not rolled back: {kept}")
    assert environment.verified is not None
    return Rollback(environment.verified, why)


def _kept(watched: Watched, environment: InEnvironment) -> str:
    """Why the deploy is not rolled back; empty where it is."""
    verified, own = environment.verified, watched.release
    if watched.rollback_of:
        return f"it is itself the rollback of deploy {watched.rollback_of}"
    if watched.alert_only:
        return watched.alert_only
    if not watched.can_roll_back:
        return "no rollback command is configured for the environment"
    if verified is None:
        return "no deploy of the environment was ever verified"
    if (verified.revision, verified.digest) == (own.revision, own.digest):
        return "the last verified deploy has the same revision and digest"
    return ""
