"""A verdict as JSON for programs: stable keys in a stable order (GATE-4)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, TypeAlias

from orch_gates.documents.escape import well_formed
from orch_gates.model.verdict import Verdict

SCHEMA = "orch.verdict/1"
ERROR_SCHEMA = "orch.error/1"

Json: TypeAlias = "str | int | bool | list[Json] | dict[str, Json] | None"


def as_json(verdict: Verdict, code: int | None = None) -> str:
    """The whole verdict, nothing clipped; ASCII only, with a newline at the end.

    `code` is the command's exit code where that is not the verdict's own.
    """
    return dumps(
        {
            "schema": SCHEMA,
            "gate": verdict.gate,
            "outcome": verdict.outcome.value,
            "exit_code": verdict.outcome.exit_code if code is None else code,
            "reason": verdict.reason,
            "next_step": verdict.next_step,
            "findings": [{**asdict(finding), "commands": list(finding.commands)} for finding in verdict.findings],
            "notices": list(verdict.notices),
            "evidence": dict(verdict.evidence),
        }
    )


def error_as_json(message: str, code: int) -> str:
    """Why a command gives no other document, as JSON of its own kind."""
    return dumps({"schema": ERROR_SCHEMA, "error": {"message": message, "exit_code": code}})


def document(name: str, values: Mapping[str, Any]) -> str:
    """What a command with `--json` prints: an object whose first key says which published schema it has."""
    return dumps({"schema": schema_name(name), **values})


def schema_name(name: str) -> str:
    """How an output of this name calls its schema."""
    return f"orch.{name}/1"


def dumps(value: Json) -> str:
    """JSON that is safe to print in a CI log: a runner would obey `##[command]` inside a string."""
    text = json.dumps(_text_only(value), indent=2, ensure_ascii=True)
    return text.replace("##[", "#\\u0023[") + "\n"


def _text_only(value: Json) -> Json:
    match value:
        case str():
            return well_formed(value)
        case list():
            return [_text_only(item) for item in value]
        case dict():
            return {well_formed(key): _text_only(item) for key, item in value.items()}
        case _:
            return value
