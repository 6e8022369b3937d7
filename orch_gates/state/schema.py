"""The JSON Schema of every kind of document, made from the models (ST-1)."""

from __future__ import annotations

import json
from typing import Any

from orch_gates.state.kinds import DocumentKind, Kinds

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema(kind: DocumentKind[Any]) -> dict[str, Any]:
    """The schema of the frontmatter of one kind."""
    model = kind.model
    made = portable(model.model_json_schema(by_alias=True))
    return {
        "$schema": DIALECT,
        "$id": f"urn:orch-gates:{model.KIND}:{model.VERSION}",
        "title": model.schema_name(),
        **made,
        "required": ["schema", *made["required"]],
    }


def text(kind: DocumentKind[Any]) -> str:
    """The same as a file."""
    return dumped(schema(kind))


def all_text(kinds: Kinds) -> str:
    """All kinds, by name."""
    return dumped({kind.name: schema(kind) for kind in kinds.rows})


def portable(value: Any) -> Any:
    """Without the titles that repeat names, and with the anchors that every JSON Schema reader knows."""
    if isinstance(value, list):
        return [portable(item) for item in value]
    if not isinstance(value, dict):
        return value
    made = {name: portable(item) for name, item in value.items() if not (name == "title" and isinstance(item, str))}
    if isinstance(pattern := made.get("pattern"), str):
        made["pattern"] = pattern.replace(r"\A", "^").replace(r"\z", "$")
    return made


def dumped(value: object) -> str:
    """A schema as a file."""
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"
