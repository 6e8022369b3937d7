"""Which command prints what with `--json`, and the JSON Schema of each output (GATE-4)."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from orch_gates.cli.outputs import adopt, jobs, queue, setup, tasks, verdicts
from orch_gates.document_kinds import KINDS
from orch_gates.model.task import Task
from orch_gates.report.machine import schema_name
from orch_gates.state import schema as schemas


@dataclass(frozen=True, slots=True)
class CatalogueEntry:
    """An output with a schema; `commands` print it. A group stands for each of its commands.

    `otherwise` says where it is found if no command is named.
    """

    name: str
    model: type[BaseModel]
    commands: tuple[str, ...]
    otherwise: str = ""

    @property
    def meaning(self) -> str:
        """What it is, in a line or two."""
        return " ".join((inspect.getdoc(self.model) or "").split())

    @property
    def schema(self) -> dict[str, Any]:
        """Its JSON Schema; that of a document which is printed as it is recorded is the document's."""
        if self.name in KINDS.by_name and KINDS.by_name[self.name].model is self.model:
            return schemas.schema(KINDS.by_name[self.name])
        made = _without_defaults(schemas.portable(self.model.model_json_schema(by_alias=True)))
        marked = {"const": schema_name(self.name), "type": "string"}
        mark = {"schema": marked | {"description": f"Always `{schema_name(self.name)}`."}}
        return {
            "$schema": schemas.DIALECT,
            "$id": f"urn:orch-gates:output:{self.name}:1",
            "title": schema_name(self.name),
            **made,
            "properties": mark | made["properties"],
            "required": ["schema", *made["required"]],
        }

    def printed_by(self, command: str) -> bool:
        """Whether a command, or the group that it is in, prints it."""
        return any(f"{command} ".startswith(f"{one} ") for one in self.commands)


ERROR = CatalogueEntry("error", verdicts.Error, (), "every command that has no answer")
OUTPUTS: tuple[CatalogueEntry, ...] = (
    CatalogueEntry("verdict", verdicts.Verdict, ("gate", "merge", "image promote")),
    ERROR,
    CatalogueEntry("hook-status", verdicts.HookStatus, ("hook status",)),
    CatalogueEntry("secrets-baseline", verdicts.SecretsBaseline, ("secrets baseline",)),
    CatalogueEntry("secrets-list", verdicts.SecretsList, ("secrets list",)),
    CatalogueEntry("task-new", tasks.TaskNew, ("task new",)),
    CatalogueEntry("task", Task, ("task show",)),
    CatalogueEntry("task-list", tasks.TaskList, ("task list",)),
    CatalogueEntry("task-log", tasks.TaskLog, ("task log",)),
    CatalogueEntry("advance", tasks.Advance, ("advance",)),
    CatalogueEntry("job-list", jobs.JobList, ("job list",)),
    CatalogueEntry("job-show", jobs.JobShow, ("job show",)),
    CatalogueEntry("job-dispatch", jobs.JobDispatch, ("job dispatch",)),
    CatalogueEntry("watch-end", jobs.WatchEnd, ("watch",)),
    CatalogueEntry("env-list", jobs.EnvList, ("env list",)),
    CatalogueEntry("env-show", jobs.EnvShow, ("env show", "env settle")),
    CatalogueEntry("queue-list", queue.QueueList, ("queue list",)),
    CatalogueEntry(
        "queue-change",
        queue.QueueChange,
        ("queue add", "queue remove", "queue priority", "queue freeze", "queue thaw"),
    ),
    CatalogueEntry("queue-plan", queue.QueuePlan, ("queue run",)),
    CatalogueEntry("queue-run", queue.QueueRun, ("queue run", "event")),
    CatalogueEntry("event", queue.EventOutput, ("event",)),
    CatalogueEntry("tracker-sync", queue.TrackerSync, ("tracker sync", "event")),
    CatalogueEntry("tracker-states", queue.TrackerStates, ("tracker states",)),
    CatalogueEntry("lease-show", jobs.LeaseShow, ("lease show",)),
    CatalogueEntry("lease-change", jobs.LeaseChange, ("lease release", "lease reclaim", "lease break-glass")),
    CatalogueEntry("marker-list", queue.MarkerList, ("marker list",)),
    CatalogueEntry("marker-check", queue.MarkerCheck, ("marker check",)),
    CatalogueEntry("notify-run", setup.NotifyRun, ("notify run",)),
    CatalogueEntry("notify-test", setup.NotifyTest, ("notify test",)),
    CatalogueEntry("card-event", tasks.CardEvent, (), "the webhook of `notify run`"),
    CatalogueEntry("effects-list", tasks.EffectsList, ("effects list",)),
    CatalogueEntry("effects-run", jobs.EffectsRun, ("effects run",)),
    CatalogueEntry("tick", queue.Tick, ("sweep", "event")),
    CatalogueEntry("why", tasks.Why, ("why",)),
    CatalogueEntry("status", tasks.Status, ("status",)),
    CatalogueEntry("state-verify", setup.StateVerify, ("state verify",)),
    CatalogueEntry("state-lint", setup.StateLint, ("state lint",)),
    CatalogueEntry("prove", verdicts.Prove, ("prove",)),
    CatalogueEntry("forge-check", setup.ForgeCheck, ("forge check",)),
    CatalogueEntry("config-show", setup.ConfigShow, ("config show",)),
    CatalogueEntry("init", adopt.Init, ("init",)),
    CatalogueEntry("doctor", adopt.Doctor, ("doctor",)),
    CatalogueEntry("dashboard", adopt.Dashboard, ("status",)),
)
BY_NAME = {one.name: one for one in OUTPUTS}


def _without_defaults(value: Any) -> Any:
    """What is not printed has no value; the default of a model would claim one."""
    if isinstance(value, list):
        return [_without_defaults(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {key: _without_defaults(item) for key, item in value.items() if key != "default" or isinstance(item, dict)}
