"""GitHub's published OpenAPI description, and what in a request or an answer is against it."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import quote

from jsonschema import Draft4Validator, ValidationError, validators
from referencing import Registry
from referencing.jsonschema import DRAFT4

Document: TypeAlias = dict[str, Any]

_BASE = "urn:github"
_JSON = "application/json"
_DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
# GitHub gives these to any request, and describes them at few.
_ANYWHERE = {
    **dict.fromkeys((401, 403, 404, 405, 409, 410, 429, 451, 500, 502, 503), "basic-error"),
    422: "validation-error",
}
_MOST_PER_PAGE = 100


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path, as `METHOD /path/{template}`."""

    description: Description
    method: str
    template: str

    @property
    def _here(self) -> Document:
        found: Document = self.description.root["paths"][self.template][self.method.lower()]
        return found

    def wrong_request(self, query: Mapping[str, str], body: object | None) -> Iterator[str]:
        """What a request asks that the description does not have."""
        known = {one["name"]: one for one in self._parameters() if one["in"] == "query"}
        for name, value in query.items():
            if name not in known:
                yield f"query parameter {name} is not described"
            else:
                yield from self.description.wrong(known[name]["schema"], _typed(value, known[name]["schema"]), name)
        if int(query.get("per_page", 1)) > _MOST_PER_PAGE:
            yield "per_page is more than GitHub gives"
        described = self._here.get("requestBody")
        if described is None and body is not None:
            yield "no body is described"
        elif described is not None and (body is not None or described.get("required")):
            schema = described["content"][_JSON]["schema"]
            yield from self.description.wrong(schema, body, "body")
            yield from self.description.unknown(schema, body, "body")

    def wrong_answer(self, status: int, body: object | None) -> Iterator[str]:
        """What an answer says that GitHub would not."""
        schema = self._schema(status)
        if schema is None:
            if status not in _ANYWHERE and str(status) not in self._here["responses"]:
                yield f"status {status} is not described"
            elif status in {204, 304} and body is not None:
                yield f"{status} has no body"
            elif status in _ANYWHERE:
                ref = {"$ref": f"#/components/schemas/{_ANYWHERE[status]}"}
                yield from self.description.wrong(ref, body, f"answer {status}")
        else:
            yield from self.description.wrong(schema, body, f"answer {status}")

    def example(self, status: int = 200) -> Any:
        """GitHub's own example of an answer, to be changed at will."""
        examples = self.description.at(self._here["responses"][str(status)])["content"][_JSON]["examples"]
        return copy.deepcopy(self.description.at(next(iter(examples.values())))["value"])

    def _schema(self, status: int) -> Document | None:
        response = self._here["responses"].get(str(status))
        if response is None:
            return None
        schema: Document | None = self.description.at(response).get("content", {}).get(_JSON, {}).get("schema")
        return schema

    def _parameters(self) -> Iterator[Document]:
        shared = self.description.root["paths"][self.template].get("parameters", ())
        return (self.description.at(one) for one in (*shared, *self._here.get("parameters", ())))


class Description:
    """The whole of it, read once."""

    def __init__(self, path: Path) -> None:
        self.root: Document = json.loads(path.read_bytes())
        self.version: str = self.root["info"]["version"]
        self._registry: Registry[Any] = Registry().with_resource(_BASE, DRAFT4.create_resource(self.root))

    def operation(self, method: str, template: str) -> Operation:
        """One of its operations.

        Raises:
            KeyError: it has no such method or path.
        """
        self.root["paths"][template][method.lower()]
        return Operation(self, method, template)

    def at(self, part: Document) -> Document:
        """A part, which may be elsewhere."""
        while "$ref" in part:
            found: Any = self.root
            for step in part["$ref"].removeprefix("#/").split("/"):
                found = found[step.replace("~1", "/").replace("~0", "~")]
            part = found
        return part

    def wrong(self, schema: Document, value: Any, place: str) -> Iterator[str]:
        """Where a value is not what a schema asks for."""
        for error in self._validator(schema).iter_errors(value):
            where = "".join(f"[{step!r}]" for step in error.absolute_path)
            yield f"{place}{where}: {error.message[:200]}"

    def unknown(self, schema: Document, value: object, place: str) -> Iterator[str]:
        """Fields that a schema does not name: GitHub would ignore them without a word."""
        if isinstance(value, list):
            items = self.at(schema).get("items", {})
            for number, one in enumerate(value):
                yield from self.unknown(items, one, f"{place}[{number}]")
        elif isinstance(value, dict) and (known := self.properties(schema)) is not None:
            for name, one in value.items():
                if name not in known:
                    yield f"{place}: {name} is not described"
                else:
                    yield from self.unknown(known[name], one, f"{place}[{name!r}]")

    def properties(self, schema: Document) -> Document | None:
        """Every property that a schema names, in all its branches; None where it takes any."""
        schema = self.at(schema)
        if schema.get("additionalProperties"):
            return None
        found: Document = dict(schema.get("properties", {}))
        for branch in (one for kind in ("allOf", "anyOf", "oneOf") for one in schema.get(kind, ())):
            found |= self.properties(branch) or {}
        return found or None

    def _validator(self, schema: Document) -> Draft4Validator:
        made: Draft4Validator = _OPENAPI(_rebased(schema), registry=self._registry)
        return made


@cache
def described(path: Path) -> Description:
    """The description in a file, read once however often it is asked for."""
    return Description(path)


def _rebased(schema: Any) -> Any:
    """A schema out of its document, with its references pointing back into it."""
    if isinstance(schema, dict):
        ref = schema.get("$ref")
        if isinstance(ref, str) and ref.startswith("#"):
            return {"$ref": _BASE + quote(ref, safe="#/~")}
        return {name: _rebased(value) for name, value in schema.items()}
    return [_rebased(one) for one in schema] if isinstance(schema, list) else schema


def _typed(value: str, schema: Document) -> object:
    """What a text in a url stands for."""
    if schema.get("type") == "integer":
        return int(value) if value.isdecimal() else value
    if schema.get("type") == "boolean":
        return {"true": True, "false": False}.get(value, value)
    return value


def _nullable(check: Callable[..., Iterator[Any] | None]) -> Callable[..., Iterator[Any]]:
    """OpenAPI 3.0 has a keyword of its own for null."""

    def checked(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[Any]:
        if not (instance is None and schema.get("nullable") is True):
            yield from check(validator, value, instance, schema) or ()

    return checked


def _format(_: Any, wanted: str, instance: Any, __: Any) -> Iterator[Any]:
    if wanted == "date-time" and isinstance(instance, str) and not _DATE.fullmatch(instance):
        yield ValidationError(f"{instance!r} is no date-time")


_OPENAPI: Any = validators.extend(  # type: ignore[no-untyped-call]
    Draft4Validator,
    {name: _nullable(check) for name, check in {**Draft4Validator.VALIDATORS, "format": _format}.items()},
)
