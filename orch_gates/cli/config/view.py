"""How `orch-gates config show` looks: columns, JSON."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from orch_gates.cli.config import environments
from orch_gates.config.file import PATH, Config
from orch_gates.config.listing import DEFAULT, Listing, origin_text, spelled
from orch_gates.documents.escape import visible
from orch_gates.report import machine
from orch_gates.report.columns import columns
from orch_gates.variables.resolve import Resolved

_SETTINGS = ("KEY", "VARIABLE", "VALUE")
_STAGES = ("STAGE", "ROLE", "GATE", "ON_FAIL", "ON_ABSENT")
_ROLES = ("ROLE", "STARTED BY", "AT MOST")
_ORIGIN = "ORIGIN"
_WIDE = 110

Table = tuple[Sequence[str], list[Sequence[str]]]


def as_text(listed: Listing, config: Config, *, origins: bool, width: int | None = None) -> str:
    """A table for settings, stages, roles and environments; variables have a column where there is room for it."""
    narrow = width is not None and width < _WIDE
    parts = [f"{_source(config)}\n"]
    for heading, rows in _tables(listed, config, origins=origins):
        table = [heading, *rows]
        if narrow and heading[: len(_SETTINGS)] == _SETTINGS:
            table = [(row[0], *row[2:]) for row in table]
        parts.append(columns(table, width))
    return "\n".join(parts)


def as_json(listed: Listing, config: Config) -> str:
    """Everything, for programs."""
    pipeline = listed.pipeline
    values = {
        "file": PATH if config.present else None,
        "revision": config.revision or None,
        "settings": [
            {"variable": row.setting.variable, "key": row.setting.key, "value": row.value} | _origin(row.origin)
            for row in listed.rows
        ],
        "merge_queue": {"value": listed.queue is not None} | _origin(listed.queue or DEFAULT),
        "pipeline": {
            "rework": _origin(listed.rework) | {"value": pipeline.rework},
            "stages": [
                _origin(listed.stages[stage.name])
                | {
                    "name": stage.name,
                    "role": stage.role,
                    "human": stage.human,
                    "gates": [
                        {"name": gate.name, "on_fail": gate.on_fail.value, "on_absent": gate.on_absent.value}
                        for gate in stage.gates
                    ],
                }
                for stage in pipeline.stages
            ],
        },
        "roles": [
            {"name": role.name, "way": role.way.value, "starts": role.starts, "max_concurrency": role.most or None}
            for role in config.roles.values()
        ],
        "environments": [environments.fields(one) for one in config.environments.values()],
    }
    return machine.document("config-show", values)


def _origin(origin: Resolved) -> dict[str, object]:
    return {"source": origin.source.value, "place": origin.place or None}


def _source(config: Config) -> str:
    if not config.revision:
        asks = "`git remote set-head origin --auto` asks the server"
        return f"this clone knows no default branch, so no {PATH} is read; {asks}"
    at = config.revision[:10]
    return f"{PATH} at commit {at}" if config.present else f"no {PATH} at commit {at}"


def _tables(listed: Listing, config: Config, *, origins: bool) -> Iterable[Table]:
    settings = [
        ((row.setting.key or "-", row.setting.variable, visible(spelled(row.value)) or "-"), row.origin)
        for row in listed.rows
    ]
    yield _with_origins(_SETTINGS, settings, origins=origins)
    stages = [
        ((stage.name, stage.role, *gate), listed.stages[stage.name])
        for stage in listed.pipeline.stages
        for gate in (
            [(gate.name, gate.on_fail.value, gate.on_absent.value) for gate in stage.gates]
            or [("(a person)" if stage.human else "-", "-", "-")]
        )
    ]
    yield _with_origins(_STAGES, stages, origins=origins)
    yield _with_origins(("REWORK",), [((listed.pipeline.rework,), listed.rework)], origins=origins)
    queue = [(("on" if listed.queue else "off",), listed.queue or DEFAULT)]
    yield _with_origins(("MERGE QUEUE",), queue, origins=origins)
    if config.roles:
        yield _ROLES, [(one.name, one.starts, str(one.most or "-")) for one in config.roles.values()]
    if config.environments:
        yield environments.HEADING, list(environments.rows(config.environments.values()))


def _with_origins(
    heading: tuple[str, ...], rows: Sequence[tuple[tuple[str, ...], Resolved]], *, origins: bool
) -> Table:
    if not origins:
        return heading, [cells for cells, _ in rows]
    return (*heading, _ORIGIN), [(*cells, origin_text(origin)) for cells, origin in rows]
