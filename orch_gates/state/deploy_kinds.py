"""The documents of deploys on the state branch: what each environment runs, and the watch over each deploy."""

from __future__ import annotations

from typing import Any

from orch_gates.engine import deploy_legality
from orch_gates.model.environment import Environment
from orch_gates.model.watch import Watch
from orch_gates.state import layout
from orch_gates.state.kinds import Body, DocumentKind, Example

_AT = "2026-01-31T12:00:00Z"
_HEAD = "0123456789abcdef0123456789abcdef01234567"
_DIGEST = "sha256:" + "ab" * 32
_DEPLOYED = {
    "deploy": "0123456789abcdef",
    "task": "T-1",
    "revision": _HEAD,
    "digest": _DIGEST,
    "at": _AT,
    "by": "alice",
    "standing": "watching",
    "rollback_of": "",
    "alert_only": "",
}

# Each deploy writes a few lines, and there is no end to deploys: the log keeps the last of them, as that of a lease.
ENVIRONMENT = DocumentKind(
    model=Environment,
    path=layout.ENVIRONMENT_PATH,
    keys={"environment": "name"},
    alone=deploy_legality.environment_alone,
    change=lambda before, after, _: deploy_legality.environment_change(before, after),
    ours=tuple(name for name in Environment.model_fields if name != "schema_"),
    ours_alone=True,
    example=Example(
        {
            "name": "production",
            "generation": 7,
            "running": None,
            "current": _DEPLOYED,
            "unknown": "",
            "unsettled": None,
            "verified": None,
            "history": [_DEPLOYED],
        },
        f"\n- {_AT} deploy 0123456789abcdef of T-1 at 0123456789 deployed\n",
    ),
)
WATCH = DocumentKind(
    model=Watch,
    path=layout.WATCH_PATH,
    keys={"deploy": "deploy"},
    alone=deploy_legality.watch_alone,
    change=lambda before, after, _: deploy_legality.watch_change(before, after),
    ours=tuple(name for name in Watch.model_fields if name != "schema_"),
    ours_alone=True,
    body=Body.LOG,
    example=Example(
        {
            "deploy": "0123456789abcdef",
            "environment": "production",
            "task": "T-1",
            "revision": _HEAD,
            "digest": _DIGEST,
            "rollback_of": "",
            "alert_only": "",
            "armed": _AT,
            "deadline": "2026-01-31T12:15:00Z",
            "every_s": 30,
            "state": "watching",
            "verdict": "",
            "reason": "",
            "watcher": None,
            "baseline": None,
            "samples": [],
            "reaction": {"what": "none", "deploy": "", "why": ""},
        },
        f"\n- {_AT} armed until 2026-01-31T12:15:00Z\n",
    ),
)
DEPLOYS: tuple[DocumentKind[Any], ...] = (ENVIRONMENT, WATCH)
