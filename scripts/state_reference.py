"""Writes what is generated about the state branch: JSON Schemas, templates, and the tables of its reference."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from orch_gates.document_kinds import KINDS
from orch_gates.model.root import Root
from orch_gates.state import codec, layout, schema
from orch_gates.state.branch.repair import branch_files
from orch_gates.state.kinds import DocumentKind, Kinds
from scripts.generated import renewed, table

ROOT = Path(__file__).parent.parent
STATE = ROOT / "state"
PAGE = ROOT / "docs" / "reference" / "state-format.md"


def template(kind: DocumentKind[Any]) -> tuple[str, str]:
    """The path of a kind's example on the branch, and its text."""
    fields = {"schema": kind.model.schema_name(), **kind.example.fields}
    document = codec.validated(kind.model, fields)
    keys = {key: fields[name] for key, name in kind.keys.items()}
    return kind.at(**keys, **kind.example.keys), codec.encode(document, kind.example.body)


def files(kinds: Kinds = KINDS) -> dict[Path, str]:
    """Everything that is published below `state/`."""
    found = {STATE / "schema" / f"{kind.name}.json": schema.text(kind) for kind in kinds.rows}
    for kind in kinds.rows:
        path, text = template(kind)
        found[STATE / "templates" / (path if "/" not in path else f"{kind.name}.md")] = text
    readme = branch_files(codec.validated(Root, kinds.by_name["state"].example.fields))[layout.README]
    return found | {STATE / "README.md": readme}


def page(text: str, kinds: Kinds = KINDS) -> str:
    """The page with every generated table renewed; the rest as it is."""
    return renewed(text, {kind.name: _fields(kind) for kind in kinds.rows}, PAGE)


def _fields(kind: DocumentKind[Any]) -> str:
    made = schema.schema(kind)
    rows = (
        (f"`{name}`", _shape(field, made) + ("" if name in made["required"] else "; optional"), field["description"])
        for name, field in made["properties"].items()
    )
    return table(("field", "value", "meaning"), rows)


def _shape(field: dict[str, Any], whole: dict[str, Any]) -> str:
    if "anyOf" in field:
        return " or ".join(_shape(option, whole) for option in field["anyOf"])
    if "$ref" in field:
        return _shape(whole["$defs"][field["$ref"].rpartition("/")[2]], whole)
    if "enum" in field:
        return ", ".join(f"`{word}`" for word in field["enum"])
    if "const" in field:
        return f"`{field['const']}`"
    return {
        "null": "`null`",
        "object": "mapping",
        "array": "list",
        "integer": "number",
        "string": "text",
        "boolean": "`true` or `false`",
    }.get(field.get("type", ""), "any")


if __name__ == "__main__":
    for path, content in files().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, "utf-8")
    PAGE.write_text(page(PAGE.read_text("utf-8")), "utf-8")
