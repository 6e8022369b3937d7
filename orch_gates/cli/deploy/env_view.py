"""Environments as text and as JSON (P8)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from orch_gates.deploy.environments import EnvironmentPage
from orch_gates.documents import escape
from orch_gates.model.environment import Deployed, Environment, Running
from orch_gates.report import machine
from orch_gates.report.columns import columns
from orch_gates.report.tasks import logged, shown

_REVISION = 10
_LOG_LINES = 20


def list_text(environments: Sequence[Environment], width: int | None = None) -> str:
    """One line for each, in columns."""
    if not environments:
        return "nothing was ever deployed; `orch-gates deploy --task ID -- COMMAND` deploys a task\n"
    rows: list[tuple[str, ...]] = [("ENVIRONMENT", "RUNS", "TASK", "SINCE", "STANDING", "VERIFIED", "NOW")]
    for one in environments:
        current, verified = one.current, one.verified
        runs = ("-",) * 4 if current is None else (_short(current), current.task or "-", current.at, current.standing)
        rows.append((one.name, *runs, "-" if verified is None else _short(verified), _now(one)))
    return columns(rows, width)


def list_json(environments: Sequence[Environment]) -> str:
    """All that is recorded about each."""
    return machine.document("env-list", {"environments": [_fields(one) for one in environments]})


def show_text(page: EnvironmentPage, width: int | None = None) -> str:
    """What one environment runs, what it ran before, the last verified deploy, and the end of its log."""
    one = page.environment
    lines = [f"{one.name}: {_state(one)}"]
    if one.current is not None:
        lines += ["", "runs", *_deployed(one.current)]
    if one.running is not None:
        lines += ["", "under way", *_running(one.running)]
    if one.unsettled is not None:
        lines += ["", "no end recorded", *_running(one.unsettled)]
    lines += ["", "last verified", *(["  none"] if one.verified is None else _deployed(one.verified))]
    if one.history:
        inner = None if width is None else width - 2
        rows: list[tuple[str, ...]] = [("DEPLOY", "REVISION", "TASK", "SINCE", "STANDING", "BY")]
        rows += [
            (old.deploy, old.revision[:_REVISION], old.task or "-", old.at, old.standing.value, shown(old.by, 60))
            for old in one.history
        ]
        lines += ["", "history", *(f"  {row}" for row in columns(rows, inner).splitlines())]
    log = [line for line in page.body.splitlines() if line.startswith("- ")][-_LOG_LINES:]
    lines += ["", "log", *(f"  {logged(line, 1000)}" for line in log)]
    return "".join(f"{line}\n" for line in lines)


def show_json(page: EnvironmentPage) -> str:
    """The same for machines."""
    return machine.document("env-show", {**_fields(page.environment), "log": page.body})


def _fields(one: Environment) -> dict[str, Any]:
    recorded = {key: value for key, value in one.fields().items() if key != "schema"}
    return {**recorded, "state": _now(one)}


def _now(one: Environment) -> str:
    if one.running is not None:
        return "deploying"
    return "unknown" if one.unsettled is not None else "settled"


def _state(one: Environment) -> str:
    if one.running is not None:
        return f"deploy {one.running.deploy} is under way, generation {one.generation}"
    if one.unsettled is not None:
        settle = f"`orch-gates env settle {one.name} --runs DEPLOY|REVISION --reason TEXT`"
        return f"cannot tell what it runs: {escape.visible(one.unknown)}; look there, then run {settle}"
    if one.current is None:
        return "nothing was ever deployed there"
    return f"runs {_short(one.current)} of {one.current.task or 'no task'}, {one.current.standing}"


def _deployed(one: Deployed) -> list[str]:
    values = {
        "deploy": one.deploy,
        "task": one.task or "-",
        "revision": one.revision,
        "digest": one.digest or "-",
        "since": f"{one.at} by {shown(one.by, 100)}",
        "standing": one.standing.value,
        "rolls back": one.rollback_of,
        "only alerts": shown(one.alert_only),
    }
    return _table(values)


def _running(one: Running) -> list[str]:
    values = {
        "deploy": one.deploy,
        "task": one.task,
        "revision": one.revision,
        "digest": one.digest or "-",
        "since": f"{one.began} by {shown(one.by, 100)}",
        "until": one.until,
        "runner": shown(one.runner),
        "rolls back": one.rollback_of,
        "only alerts": shown(one.alert_only),
    }
    return _table(values)


def _table(values: dict[str, str]) -> list[str]:
    width = max(map(len, values))
    return [f"  {name:{width}}  {value}" for name, value in values.items() if value]


def _short(one: Deployed) -> str:
    return one.revision[:_REVISION]
