"""Every JSON output that a test sees is held against its published schema (GATE-4)."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator

from orch_gates.cli.outputs.catalogue import ERROR, OUTPUTS
from orch_gates.report.machine import schema_name


def check(args: Sequence[str], stdout: bytes) -> None:
    """Refuse what `orch-gates ARGS` printed, where JSON was asked for and it is none, or has other keys than published.

    Nothing at all is left alone: the command may have been killed.
    """
    given = list(itertools.takewhile(lambda word: word != "--", args))
    if "--json" not in given or "--help" in given or not stdout.strip():
        return
    for document in documents(stdout.decode()):
        if problems := [*broken(document), *misplaced(given, document)]:
            raise AssertionError(f"orch-gates {' '.join(args)} breaks its schema: {'; '.join(problems)}")


def documents(text: str) -> Iterator[Any]:
    """One after another, as `sweep --loop` prints them."""
    decoder, at = json.JSONDecoder(), 0
    while at < len(text.rstrip()):
        document, at = decoder.raw_decode(text, at)
        at += len(text[at:]) - len(text[at:].lstrip())
        yield document


def broken(document: Any) -> Iterator[str]:
    """What keeps a document from having the schema that it names."""
    if not isinstance(document, dict) or next(iter(document), "") != "schema":
        yield "it is no object whose first key is `schema`"
        return
    found = validators().get(document["schema"])
    if found is None:
        yield f"no schema {document['schema']!r} is published"
        return
    for error in found.iter_errors(document):
        yield f"{error.json_path}: {error.message[:500]}"


def misplaced(given: Sequence[str], document: Any) -> Iterator[str]:
    """That the catalogue names another command for it; wrong usage is answered by the error alone."""
    command = " ".join(itertools.takewhile(lambda word: not word.startswith("-"), given))
    named = document.get("schema") if isinstance(document, dict) else None
    found = next((one for one in OUTPUTS if schema_name(one.name) == named), None)
    if found is not None and found is not ERROR and not found.printed_by(command):
        yield f"{command} is not said to print {named}"


@cache
def validators() -> dict[str, Draft202012Validator]:
    """By the name of the schema; formats count."""
    checker = Draft202012Validator.FORMAT_CHECKER
    return {schema_name(one.name): Draft202012Validator(one.schema, format_checker=checker) for one in OUTPUTS}
