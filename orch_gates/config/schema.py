"""The JSON Schema of `.orch-gates.yaml`, made from the table of settings; for editors and other programs."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from orch_gates.config.pipeline import SLUG, USUAL_REWORK, known_gates
from orch_gates.config.roles import MOST, WORKFLOW
from orch_gates.config.table import BY_KEY
from orch_gates.engine.stages import OnRed
from orch_gates.gates.gate import Gate
from orch_gates.gates.registry import GATES
from orch_gates.model.branch import BRANCH
from orch_gates.model.task import MERGE_QUEUE
from orch_gates.variables.setting import Kind, Setting

DRAFT = "https://json-schema.org/draft/2020-12/schema"
_WORD = r"^[^\s,](?:[^,\n]*[^\s,])?$"
_TEXT = r"^\S(?:.*\S)?$"


def text() -> str:
    """The schema as it is published."""
    return json.dumps(schema(), indent=2) + "\n"


def schema(gates: Iterable[Gate[Any]] = GATES) -> dict[str, Any]:
    """The schema as plain values; what it accepts is what `orch-gates config check` accepts, but for references."""
    return {
        "$schema": DRAFT,
        "$id": "urn:orch-gates:config:1",
        "title": ".orch-gates.yaml",
        "description": "Configuration of a repository for orch-gates, read from its default branch only.",
        **_mapping({**_settings(), **_pipeline()}),
        "$defs": {
            "stage": _stage(),
            "gate": _gate(gates),
            "role": _role(),
            "slug": {"type": "string", "pattern": f"^{SLUG.pattern}$"},
        },
    }


def _settings() -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, setting in BY_KEY.items():
        section, _, name = key.rpartition(".")
        if section:
            found.setdefault(section, _mapping({}))["properties"][name] = _setting(setting)
        else:
            found[name] = _setting(setting)
    return found


def _setting(setting: Setting) -> dict[str, Any]:
    default = list(setting.default) if isinstance(setting.default, tuple) else setting.default
    beside = "adds to it" if setting.additive else "overrides it"
    told = {"description": f"{setting.help} {setting.variable} {beside}."}
    return told | _kind(setting) | ({"default": default} if default != "" else {})


def _kind(setting: Setting) -> dict[str, Any]:
    match setting.kind:
        case Kind.FLAG:
            return {"type": "boolean"}
        case Kind.NUMBER:
            return {"type": "integer", "minimum": setting.least, "maximum": setting.most}
        case Kind.NAMES:
            return {"type": "array", "items": {"type": "string", "pattern": _WORD}}
        case Kind.CHOICE:
            return {"enum": list(setting.choices)}
        case Kind.TEXT:
            return {"type": "string", "pattern": _spelled(setting.spelling.pattern) if setting.spelling else _TEXT}


def _spelled(pattern: str) -> str:
    # JSON Schema knows `$` for the end of a text, and no `\\Z`.
    return f"^(?:{pattern.replace(chr(92) + 'Z', '$')})$"


def _pipeline() -> dict[str, Any]:
    return {
        "pipeline": {
            "description": (
                "`merge-queue`: pull requests are tasks, and are merged in turn when somebody asks for it. "
                "Other tasks keep the stages below."
            ),
            "const": MERGE_QUEUE,
        },
        "stages": {
            "description": "The stages in order, in place of the default pipeline. After the last a task is done.",
            "type": "array",
            "minItems": 1,
            "items": {"$ref": "#/$defs/stage"},
        },
        "rework": {
            "description": "The stage that a red gate sends a task back to.",
            "$ref": "#/$defs/slug",
            "default": USUAL_REWORK,
        },
        "roles": {
            "description": "How the work of each role is started; a role that is not named is a person's.",
            "type": "object",
            "propertyNames": {"$ref": "#/$defs/slug"},
            "additionalProperties": {"$ref": "#/$defs/role"},
        },
    }


def _stage() -> dict[str, Any]:
    properties = {
        "name": {"description": "Any name but done, once.", "$ref": "#/$defs/slug", "not": {"const": "done"}},
        "role": {"description": "Who works in it.", "$ref": "#/$defs/slug"},
        "human": {"description": "Left by a person's approval only.", "type": "boolean", "default": False},
        "gates": {
            "description": "The gates on the edge out of it, in the order in which they are judged.",
            "type": "array",
            "items": {"$ref": "#/$defs/gate"},
            "default": [],
        },
    }
    return _mapping(properties, "name", "role")


def _gate(gates: Iterable[Gate[Any]]) -> dict[str, Any]:
    name = {"enum": sorted(known_gates(gates))}
    reaction = {"enum": [reaction.value for reaction in OnRed]}
    properties = {
        "name": {"description": "The gate.", **name},
        "on_fail": {"description": "What a FAIL does to the task.", **reaction},
        "on_absent": {"description": "What it does that nothing is recorded for the commit yet.", **reaction},
    }
    return {"anyOf": [name, _mapping(properties, "name")]}


def _role() -> dict[str, Any]:
    command = {"description": "A command for sh, run where the sweep runs.", "type": "string", "pattern": "\\S"}
    workflow = {
        "description": "The file name of a workflow with the trigger workflow_dispatch.",
        "type": "string",
        "pattern": f"^{WORKFLOW.pattern}$",
    }
    ref = {
        "description": "The branch that it runs on; without it the target.",
        "type": "string",
        "pattern": _spelled(BRANCH.pattern),
    }
    most = {"description": "Most jobs of this role at once.", "type": "integer", "minimum": 1, "maximum": MOST}
    ways = [
        _mapping({"command": command}, "command"),
        _mapping({"workflow": workflow, "ref": ref}, "workflow"),
    ]
    return _mapping({"dispatch": {"anyOf": ways}, "max_concurrency": most}, "dispatch")


def _mapping(properties: dict[str, Any], *required: str) -> dict[str, Any]:
    made: dict[str, Any] = {"type": "object", "additionalProperties": False, "properties": properties}
    return made | {"required": list(required)} if required else made
