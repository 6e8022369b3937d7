"""The JSON Schema of `.orch-gates.yaml`, made from the table of settings; for editors and other programs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from orch_gates.config import environments
from orch_gates.config.environments import Whole
from orch_gates.config.pipeline import SLUG, USUAL_REWORK, known_gates
from orch_gates.config.roles import MOST, WORKFLOW
from orch_gates.config.table import BY_KEY
from orch_gates.engine.stages import OnRed
from orch_gates.gates.gate import Gate
from orch_gates.gates.registry import GATES
from orch_gates.model.branch import BRANCH
from orch_gates.model.task import MERGE_QUEUE
from orch_gates.variables.setting import Setting, ValueKind

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
            "environment": _environment(),
            "probe": _probe(),
            "source": _source(),
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
    described = {"description": f"{setting.help} {setting.variable} {beside}."}
    return described | _kind(setting) | ({"default": default} if default != "" else {})


def _kind(setting: Setting) -> dict[str, Any]:
    match setting.kind:
        case ValueKind.FLAG:
            return {"type": "boolean"}
        case ValueKind.NUMBER:
            return {"type": "integer", "minimum": setting.least, "maximum": setting.most}
        case ValueKind.NAMES:
            return {"type": "array", "items": {"type": "string", "pattern": _WORD}}
        case ValueKind.CHOICE:
            return {"enum": list(setting.choices)}
        case ValueKind.TEXT:
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
            "description": "How the work of each role is started; people do the work of a role that is not listed.",
            "type": "object",
            "propertyNames": {"$ref": "#/$defs/slug"},
            "additionalProperties": {"$ref": "#/$defs/role"},
        },
        "environments": {
            "description": "How deploys are watched and rolled back in each environment.",
            "type": "object",
            "propertyNames": {"$ref": "#/$defs/slug"},
            "additionalProperties": {"$ref": "#/$defs/environment"},
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
        "on_absent": {"description": "What a commit without a record does to the task.", **reaction},
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


_WATCH = {
    "window_s": "Seconds that a deploy is watched.",
    "every_s": "Seconds from one sample to the next.",
    "failures": "How many failures of one probe in a row make a deploy unhealthy.",
    "min_requests": "The fewest requests from which the share of errors is judged.",
    "warmup_s": "Seconds after the deploy in which failures do not count.",
}


def _environment() -> dict[str, Any]:
    watch: dict[str, Any] = {key: _whole(_WATCH[key], bounds) for key, bounds in environments.WATCH_NUMBERS.items()}
    watch |= {
        "max_ratio": _decimal(
            "The share of requests that may fail, on top of the share that failed before.",
            environments.RATIO,
            minimum=0,
            maximum=1,
        )
        | {"default": environments.DEFAULT_RATIO},
        "probes": _list("The URLs to request as users do.", "probe", environments.MOST_PROBES),
        "control": _url("The URL to request after a failed probe: without an answer, the outage is the runner's."),
        "sources": _list("The sources that count the requests of users.", "source", environments.MOST_SOURCES),
    }
    return _mapping(
        {
            "url": _url("The URL that its users open; `orch-gates doctor` compares the probes with it."),
            "deploy_timeout_s": _whole("Seconds that the deploy command may take.", environments.TIMEOUT),
            "rollback": {
                "description": "A command for sh that deploys what EXPECTED_REVISION and EXPECTED_DIGEST name.",
                "type": "string",
                "pattern": "\\S",
            },
            "watch": _mapping(watch),
        }
    )


def _probe() -> dict[str, Any]:
    status = {"type": "integer", "minimum": environments.STATUS.least, "maximum": environments.STATUS.most}
    properties = {
        "url": _url("The URL to request."),
        "status": {
            "description": "The statuses that are expected; by default any 2xx.",
            "anyOf": [status, {"type": "array", "minItems": 1, "items": status}],
        },
        "body": {"description": "A regular expression that must match in the body.", "type": "string", "pattern": "."},
        "latency_s": _decimal(
            "The most seconds that a good answer takes.", environments.DECIMAL, exclusiveMinimum=0, maximum=99_999
        ),
        "timeout_s": _decimal(
            "Seconds after which the request is given up.", environments.DECIMAL, exclusiveMinimum=0, maximum=99_999
        ),
        "follow": {"description": "Follow a redirect to another host.", "type": "boolean", "default": False},
    }
    return _mapping(properties, "url")


def _source() -> dict[str, Any]:
    name = {"description": "Its name, as people see it.", "type": "string", "pattern": "\\S"}
    path = {"description": "The log, in the common or combined format.", "type": "string", "pattern": "^/"}
    count = {"type": "string", "pattern": "\\S"}
    counts = {
        "total": {"description": "The counter of all requests.", **count},
        "errors": {"description": "The counter of the requests that ended with a server error.", **count},
    }
    ways = [_mapping({"kind": {"enum": ["access-log"]}, "name": name, "path": path}, "kind", "path")]
    for kind in ("metrics", "prometheus"):
        properties = {
            "kind": {"enum": [kind]},
            "name": name,
            "url": _url("The URL of the metrics, or of Prometheus."),
            **counts,
        }
        ways.append(_mapping(properties, "kind", "url", "total", "errors"))
    return {"anyOf": ways}


def _whole(description: str, bounds: Whole) -> dict[str, Any]:
    made = {"description": description, "type": "integer", "minimum": bounds.least, "maximum": bounds.most}
    return made | ({"default": bounds.default} if bounds.default else {})


def _decimal(description: str, pattern: re.Pattern[str], **bounds: int) -> dict[str, Any]:
    ways = [{"type": "number", **bounds}, {"type": "string", "pattern": f"^(?:{pattern.pattern})$"}]
    return {"description": description, "anyOf": ways}


def _url(description: str) -> dict[str, Any]:
    return {"description": description, "type": "string", "pattern": f"^{environments.URL.pattern}$"}


def _list(description: str, of: str, most: int) -> dict[str, Any]:
    return {"description": description, "type": "array", "maxItems": most, "items": {"$ref": f"#/$defs/{of}"}}


def _mapping(properties: dict[str, Any], *required: str) -> dict[str, Any]:
    made: dict[str, Any] = {"type": "object", "additionalProperties": False, "properties": properties}
    return made | {"required": list(required)} if required else made
