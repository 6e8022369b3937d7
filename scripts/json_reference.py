"""Writes what is generated about the outputs of `--json`: their JSON Schemas, and the page that explains them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from orch_gates.cli.outputs.catalogue import OUTPUTS, CatalogueEntry
from orch_gates.document_kinds import KINDS
from orch_gates.report.machine import schema_name
from orch_gates.state.schema import dumped
from scripts.generated import renewed, table

ROOT = Path(__file__).parent.parent
SCHEMAS = ROOT / "docs" / "reference" / "schemas"
PAGE = ROOT / "docs" / "reference" / "json.md"
_DOCUMENTS = {kind.model.__name__: kind for kind in KINDS.rows}


def files() -> dict[Path, str]:
    """Everything that is published below `docs/reference/schemas/`."""
    return {SCHEMAS / f"{one.name}.json": dumped(one.schema) for one in OUTPUTS}


def page(text: str) -> str:
    """The page with everything generated renewed; the rest as it is."""
    return renewed(text, {"commands": _commands(), "outputs": "\n".join(map(_section, OUTPUTS))}, PAGE)


def _commands() -> str:
    rows = ((_printers(one), f"[`{schema_name(one.name)}`](#{one.name})", one.meaning) for one in OUTPUTS)
    return table(("printed by", "schema", "what it is"), rows)


def _printers(one: CatalogueEntry) -> str:
    return ", ".join(f"`{command} …`" if command == "gate" else f"`{command}`" for command in one.commands) or (
        one.otherwise
    )


def _section(one: CatalogueEntry) -> str:
    file = f"JSON Schema: [{one.name}.json](schemas/{one.name}.json)."
    head = f"### {one.name}\n\n`{schema_name(one.name)}`: {one.meaning} {file}\n\n"
    if one.name in KINDS.by_name and KINDS.by_name[one.name].model is one.model:
        return f"{head}The fields are those of [its document](state-format.md).\n"
    whole = one.schema
    rows = [(f"`{key}`", shape, meaning) for key, shape, meaning in _keys(whole, whole, "")]
    return head + table(("key", "value", "meaning"), rows)


def _keys(part: dict[str, Any], whole: dict[str, Any], before: str) -> Iterator[tuple[str, str, str]]:
    """The keys of an object, and those of the objects in it, each below the one that holds it."""
    for name, value in part["properties"].items():
        key = f"{before}{name}"
        absent = "" if name in part.get("required", ()) else "; may be absent"
        # A text that the object has too is said there alone.
        meaning = value.get("description") or whole["$defs"][_name(value)]["description"]
        yield key, _shape(value, whole) + absent, meaning.replace("|", "\\|")
        for inner, deeper in _objects(value, whole, key):
            yield from _keys(inner, whole, f"{deeper}.")


def _objects(value: dict[str, Any], whole: dict[str, Any], key: str) -> Iterator[tuple[dict[str, Any], str]]:
    for option in value.get("anyOf", [value]):
        if "$ref" in option:
            found = whole["$defs"][_name(option)]
            if "properties" in found and _name(option) not in _DOCUMENTS:
                yield found, key
        elif "items" in option:
            yield from _objects(option["items"], whole, f"{key}[]")


def _name(value: dict[str, Any]) -> str:
    return str(value["$ref"].rpartition("/")[2])


def _shape(value: dict[str, Any], whole: dict[str, Any]) -> str:
    match value:
        case {"anyOf": options} | {"oneOf": options}:
            return " or ".join(dict.fromkeys(_shape(option, whole) for option in options))
        case {"$ref": _} if _name(value) in _DOCUMENTS:
            return f"object, as [`{_DOCUMENTS[_name(value)].model.schema_name()}`](state-format.md)"
        case {"$ref": _}:
            return _shape(whole["$defs"][_name(value)], whole)
        case {"enum": words}:
            return ", ".join(f"`{word}`" if word != "" else "empty" for word in words)
        case {"const": word}:
            return f"`{word}`" if word != "" else "empty"
        case {"type": "array", "items": items}:
            shape = _shape(items, whole)
            return f"list of {shape}s" if shape in _PLURAL else f"list of {shape}"
        case {"type": "object", "additionalProperties": dict(inner)}:
            return f"object: {_shape(inner, whole)} by name"
        case _:
            return _text(value) if value["type"] == "string" else _PLAIN[value["type"]]


def _text(value: dict[str, Any]) -> str:
    pattern = value.get("pattern", "")
    if "{2}T" in pattern:
        return "time"
    return "commit" if "[0-9a-f]{40}" in pattern else str(value.get("format", "text"))


_PLURAL = {"object", "text", "number", "time", "commit"}
_PLAIN = {
    "null": "`null`",
    "object": "object",
    "integer": "number",
    "number": "number",
    "boolean": "`true` or `false`",
}


if __name__ == "__main__":
    for path, content in files().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, "utf-8")
    PAGE.write_text(page(PAGE.read_text("utf-8")), "utf-8")
