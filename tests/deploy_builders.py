"""Environments, deploys and watches to decide on; validated like those that were read."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from orch_gates.model.environment import Deployed, Environment, Running
from orch_gates.model.ids import timestamp
from orch_gates.model.watch import Watch
from tests.tasks_builders import BEFORE, HEAD, NOW

DIGEST = "sha256:" + "ab" * 32
OLD, NEW, NEXT = "1" * 16, "2" * 16, "3" * 16
OLD_HEAD = "b" * 40


def make_running(**changes: Any) -> Running:
    """The deploy NEW of T-1 at HEAD, which has an hour."""
    values: dict[str, Any] = {
        "deploy": NEW,
        "task": "T-1",
        "revision": HEAD,
        "digest": DIGEST,
        "rollback_of": "",
        "alert_only": "",
        "by": "ann",
        "runner": "ann on build-1",
        "process": {"host": "build-1 boot pid:[1]", "pid": 7, "started": "99"},
        "run": None,
        "began": BEFORE,
        "until": timestamp(NOW + timedelta(hours=1)),
    }
    return Running.model_validate(values | changes)


def make_deployed(**changes: Any) -> Deployed:
    """The deploy OLD of T-0, which was verified."""
    values: dict[str, Any] = {
        "deploy": OLD,
        "task": "T-0",
        "revision": OLD_HEAD,
        "digest": "",
        "at": BEFORE,
        "by": "ann",
        "standing": "verified",
        "rollback_of": "",
        "alert_only": "",
    }
    return Deployed.model_validate(values | changes)


def make_environment(**changes: Any) -> Environment:
    """`production`, which runs the verified deploy OLD; with another `current`, the history begins with that one."""
    current = changes.get("current", make_deployed())
    history = () if current is None else (current,)
    values: dict[str, Any] = {
        "schema": "orch.environment/1",
        "name": "production",
        "generation": 3,
        "running": None,
        "current": current,
        "unknown": "",
        "unsettled": None,
        "verified": make_deployed(),
        "history": history,
    }
    return Environment.model_validate(values | changes)


def make_watch(**changes: Any) -> Watch:
    """The watch over the deploy NEW, which somebody has yet to begin."""
    values: dict[str, Any] = {
        "schema": "orch.watch/1",
        "deploy": NEW,
        "environment": "production",
        "task": "T-1",
        "revision": HEAD,
        "digest": DIGEST,
        "rollback_of": "",
        "alert_only": "",
        "armed": timestamp(NOW),
        "deadline": timestamp(NOW + timedelta(minutes=15)),
        "every_s": 30,
        "state": "watching",
        "verdict": "",
        "reason": "",
        "watcher": None,
        "baseline": None,
        "samples": (),
        "reaction": {"what": "none", "deploy": "", "why": ""},
    }
    return Watch.model_validate(values | changes)
