"""Which changes of an environment and of a watch are legal: what orch-gates does, and no way past it (DEP-1, WCH-3)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from orch_gates.engine.deploy_legality import environment_alone, environment_change, watch_alone, watch_change
from orch_gates.engine.legality import Violation
from orch_gates.model.environment import MAX_HISTORY, Standing
from orch_gates.model.ids import timestamp
from tests.deploy_builders import (
    NEW,
    NEXT,
    OLD,
    OLD_HEAD,
    make_deployed,
    make_environment,
    make_running,
    make_watch,
)
from tests.tasks_builders import HEAD, NOW

Changes = dict[str, Any]
VERIFIED = make_deployed()
RUNNING = make_running()
SECOND = make_deployed(deploy=NEW, task="T-1", revision=HEAD, standing="watching", digest=RUNNING.digest)
ROLLBACK = make_running(deploy=NEXT, revision=OLD_HEAD, digest="", rollback_of=NEW)
TAKEN: Changes = {"generation": 4, "running": RUNNING}
UNKNOWN: Changes = {"generation": 4, "unknown": "its process is gone", "unsettled": RUNNING}
AFTER: Changes = {"generation": 4, "current": SECOND, "history": (SECOND, VERIFIED)}
AT = timestamp(NOW)
SAMPLE: Changes = {"at": AT, "control": "ok", "probes": [], "counted": []}
OTHER: Changes = SAMPLE | {"control": "failed"}
OVER: Changes = {"state": "over", "verdict": "DEGRADED", "reason": "3 of 3 failed"}


NOT_IT = [f"current.{field}" for field in ("deploy", "task", "revision", "digest")]


def running_as(**changes: Any) -> Changes:
    """What runs after the deploy NEW, told otherwise than it was begun."""
    now = SECOND.model_copy(update=changes)
    return {"current": now, "history": (now, VERIFIED)}


def fields(violations: tuple[Violation, ...]) -> list[str]:
    return [violation.field for violation in violations]


def changed(before: Changes | None, after: Changes) -> list[str]:
    was = None if before is None else make_environment(**before)
    return fields(environment_change(was, make_environment(**after)))


NOTHING: Changes = {"generation": 0, "current": None, "verified": None}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, NOTHING | TAKEN | {"generation": 1}),
        (None, {"generation": 0, "current": SECOND, "verified": None}),
        ({}, {}),
        ({}, TAKEN),
        (TAKEN, {"generation": 4}),
        (TAKEN, AFTER),
        (TAKEN, UNKNOWN),
        (UNKNOWN, AFTER),
        (UNKNOWN, {"generation": 4}),
        (NOTHING | UNKNOWN, NOTHING | {"generation": 4}),
        (AFTER, {"generation": 5, "running": ROLLBACK, "current": SECOND, "history": (SECOND, VERIFIED)}),
    ],
)
def test_what_a_deploy_does_is_legal(before: Changes | None, after: Changes) -> None:
    """It begins, and ends as deployed, as refused, or as nobody knows, which a person settles."""
    assert changed(before, after) == []


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"unknown": "it died"}, ["unknown"]),
        ({"unsettled": RUNNING}, ["unknown"]),
        (UNKNOWN | {"running": make_running(deploy=NEXT)}, ["running"]),
        (NOTHING | {"running": ROLLBACK}, ["running.rollback_of"]),
        ({"history": ()}, ["history"]),
        ({"history": (SECOND, VERIFIED)}, ["history"]),
        (NOTHING | {"history": (VERIFIED,)}, ["history"]),
        ({"verified": make_deployed(standing="degraded")}, ["verified", "verified"]),
        ({"verified": None}, ["verified"]),
        ({"current": make_deployed(deploy=NEW)}, ["verified"]),
    ],
)
def test_no_environment_may_stand_so(changes: Changes, found: list[str]) -> None:
    assert fields(environment_alone(make_environment(**changes))) == found


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ({}, {"generation": 2}, ["generation"]),
        ({}, {"generation": 4}, ["generation"]),
        ({}, TAKEN | {"generation": 3}, ["generation"]),
        ({}, TAKEN | {"generation": 5}, ["generation"]),
        (TAKEN, TAKEN | {"generation": 5}, ["generation"]),
        (None, NOTHING | {"generation": 1}, ["generation"]),
        ({}, TAKEN | {"running": make_running(deploy=OLD)}, ["running.deploy"]),
        (TAKEN, TAKEN | {"generation": 5, "running": make_running(deploy=NEXT)}, ["running"]),
        (TAKEN, TAKEN | {"running": make_running(until=AT)}, ["running"]),
        (TAKEN, TAKEN | {"running": make_running(process={"host": "h", "pid": 8, "started": "1"})}, ["running"]),
        (UNKNOWN, TAKEN | {"generation": 5, "running": make_running(deploy=NEXT)}, ["running"]),
        ({}, {"name": "staging"}, ["name"]),
    ],
)
def test_one_deploy_at_a_time(before: Changes | None, after: Changes, found: list[str]) -> None:
    """The generation tells every deploy from the one before, and nobody takes a place that is taken."""
    assert changed(before, after) == found


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        (TAKEN, {"generation": 4, "unknown": "it died", "unsettled": make_running(deploy=NEXT)}, ["unsettled"]),
        (TAKEN, UNKNOWN | AFTER, ["current"]),
        (UNKNOWN, UNKNOWN | {"unknown": "another"}, ["unknown"]),
        (UNKNOWN, UNKNOWN | {"unsettled": make_running(until=AT)}, ["unsettled", "unsettled"]),
        (TAKEN, TAKEN | AFTER, ["current"]),
        (TAKEN, running_as(deploy=NEXT, revision=OLD_HEAD, task="T-0", digest="") | {"generation": 4}, NOT_IT),
        (TAKEN, AFTER | running_as(revision=OLD_HEAD), ["current.revision"]),
        (TAKEN, AFTER | running_as(digest=""), ["current.digest"]),
        (TAKEN, AFTER | running_as(task="T-9"), ["current.task"]),
        (TAKEN, AFTER | running_as(rollback_of=OLD), ["current.rollback_of"]),
        (TAKEN, AFTER | running_as(alert_only="a migration"), ["current.alert_only"]),
        ({}, {"current": make_deployed(revision=HEAD), "verified": make_deployed(revision=HEAD)}, ["current"]),
        ({}, {"current": None, "verified": None}, ["current", "verified"]),
        (AFTER, AFTER | {"current": SECOND, "history": (SECOND,)}, ["history"]),
        (TAKEN, AFTER | {"history": (SECOND,)}, ["history"]),
    ],
)
def test_what_runs_is_never_made_up(before: Changes, after: Changes, found: list[str]) -> None:
    """It is the deploy that was under way, as it began; the history keeps what was there."""
    assert changed(before, after) == found


def test_a_verified_deploy_is_never_forgotten() -> None:
    """Only what runs now, once it is verified, takes its place (T20)."""
    healthy = SECOND.model_copy(update={"standing": Standing.VERIFIED})
    good: Changes = {"generation": 4, "current": healthy, "history": (healthy, VERIFIED), "verified": healthy}
    assert changed(AFTER, good) == []
    assert changed(AFTER, AFTER | {"verified": None}) == ["verified"]
    assert changed(AFTER, AFTER | {"verified": make_deployed(deploy=NEXT)}) == ["verified"]


def test_what_was_watched_ends_with_the_next_deploy() -> None:
    """The history tells that its watch came to no verdict."""
    watching = make_deployed(deploy="4" * 16, standing="watching")
    before: Changes = {"generation": 4, "running": RUNNING, "current": watching}
    after: Changes = {"generation": 4, "current": SECOND}
    assert changed(before, after | {"history": (SECOND, make_deployed(deploy="4" * 16, standing="stopped"))}) == []
    assert changed(before, after | {"history": (SECOND, watching)}) == ["history"]


def test_the_history_is_bounded() -> None:
    """The oldest goes, and nothing else."""
    full = tuple(make_deployed(deploy=f"{number:016x}") for number in range(MAX_HISTORY))
    before: Changes = {"generation": 4, "running": RUNNING, "current": full[0], "verified": full[0], "history": full}
    after: Changes = {"generation": 4, "current": SECOND, "verified": full[0]}
    assert changed(before, after | {"history": (SECOND, *full[:-1])}) == []
    assert changed(before, after | {"history": (SECOND, *full[:-2])}) == ["history"]


@pytest.mark.parametrize(
    ("before", "rollback", "found"),
    [
        (AFTER, {}, []),
        (AFTER, {"rollback_of": OLD}, ["running.rollback_of"]),
        (AFTER, {"revision": HEAD}, ["running.revision"]),
        (AFTER, {"digest": RUNNING.digest}, ["running.revision"]),
        ({"generation": 4}, {"rollback_of": OLD}, ["running.rollback_of"]),
        (AFTER | {"verified": None}, {}, ["running.revision"]),
    ],
)
def test_a_rollback_goes_from_what_runs_to_the_last_verified_deploy(
    before: Changes, rollback: Changes, found: list[str]
) -> None:
    """WCH-3, T20: whoever asks for it."""
    values = {name: getattr(ROLLBACK, name) for name in type(ROLLBACK).model_fields} | rollback
    after = before | {"generation": 5, "running": make_running(**values)}
    assert changed(before, after) == found


def test_a_rollback_is_never_rolled_back() -> None:
    """Else two bad deploys would take each other back for ever."""
    back = make_deployed(deploy=NEW, standing="degraded", rollback_of="4" * 16)
    before: Changes = {"generation": 4, "current": back, "history": (back, VERIFIED)}
    assert changed(before, before | {"generation": 5, "running": ROLLBACK}) == ["running.rollback_of"]


# ---- watches


def watched(before: Changes | None, after: Changes) -> list[str]:
    was = None if before is None else make_watch(**before)
    return fields(watch_change(was, make_watch(**after)))


def reaction(what: str, deploy: str = "") -> Changes:
    return {"reaction": {"what": what, "deploy": deploy, "why": "3 of 3 failed"}}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, {}),
        (None, {"deadline": AT}),
        ({}, {"samples": [SAMPLE]}),
        ({"samples": [SAMPLE]}, {"samples": [SAMPLE, OTHER]}),
        (OVER, OVER | {"samples": [SAMPLE]}),
        ({}, {"baseline": SAMPLE}),
        ({}, OVER | reaction("planned")),
        (OVER | reaction("planned"), OVER | reaction("began", NEXT)),
        (OVER, OVER | reaction("began", NEXT)),
        (OVER | reaction("began", NEXT), OVER | reaction("done", NEXT)),
        (OVER | reaction("began", NEXT), OVER | reaction("alert", NEXT)),
        (OVER | reaction("planned"), OVER | reaction("alert")),
        ({"rollback_of": OLD}, OVER | {"rollback_of": OLD} | reaction("alert")),
        ({}, OVER | {"verdict": "UNOBSERVED"} | reaction("alert")),
    ],
)
def test_what_a_watch_does_is_legal(before: Changes | None, after: Changes) -> None:
    assert watched(before, after) == []


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"state": "over"}, ["verdict"]),
        ({"verdict": "HEALTHY"}, ["verdict"]),
        ({"deadline": timestamp(NOW - timedelta(seconds=1))}, ["deadline"]),
        (
            OVER
            | {
                "watcher": {
                    "runner": "ann",
                    "process": {"host": "h", "pid": 1, "started": "1"},
                    "run": None,
                    "since": AT,
                }
            },
            ["watcher"],
        ),
        (OVER | reaction("began"), ["reaction.deploy"]),
        (OVER | reaction("planned", NEXT), ["reaction.deploy"]),
        (OVER | reaction("done", NEW), ["reaction.deploy"]),
        (OVER | {"rollback_of": OLD} | reaction("planned"), ["reaction"]),
        (OVER | {"rollback_of": OLD} | reaction("began", NEXT), ["reaction"]),
        (OVER | {"alert_only": "a migration"} | reaction("began", NEXT), ["reaction"]),
    ],
)
def test_no_watch_may_stand_so(changes: Changes, found: list[str]) -> None:
    """A rollback is never rolled back, and what only alerts does only that (WCH-3)."""
    assert fields(watch_alone(make_watch(**changes))) == found


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        (None, OVER, ["state"]),
        (None, reaction("alert"), ["state"]),
        ({}, {"deploy": OLD}, ["deploy"]),
        ({}, {"revision": OLD_HEAD}, ["revision"]),
        ({}, {"deadline": timestamp(NOW + timedelta(hours=1))}, ["deadline"]),
        ({}, {"alert_only": "a migration"}, ["alert_only"]),
        ({"baseline": SAMPLE}, {}, ["baseline"]),
        ({"samples": [SAMPLE]}, {}, ["samples"]),
        ({"samples": [SAMPLE]}, {"samples": [OTHER, SAMPLE]}, ["samples"]),
        (OVER, {}, ["state", "verdict", "reason"]),
        (OVER, OVER | {"verdict": "HEALTHY"}, ["verdict"]),
        (OVER | {"samples": [SAMPLE]}, OVER | {"samples": []}, ["samples"]),
        (OVER | reaction("began", NEXT), OVER | reaction("planned"), ["reaction.what", "reaction.deploy"]),
        (OVER | reaction("began", NEXT), OVER | reaction("began", OLD), ["reaction.deploy"]),
        (OVER | reaction("done", NEXT), OVER | reaction("began", NEXT), ["reaction.what"]),
        (OVER | reaction("alert"), OVER | reaction("planned"), ["reaction.what"]),
        (OVER | reaction("alert", NEXT), OVER | reaction("alert"), ["reaction.deploy"]),
        ({}, OVER | {"verdict": "HEALTHY"} | reaction("planned"), ["reaction.what"]),
        ({}, OVER | {"verdict": "SUPERSEDED"} | reaction("began", NEXT), ["reaction.what"]),
    ],
)
def test_a_watch_goes_forward_only(before: Changes | None, after: Changes, found: list[str]) -> None:
    """One verdict, one reaction, one deploy that takes it back; what was seen stays seen."""
    assert watched(before, after) == found
