"""What `--json` prints is published: a schema for each command, and no output that differs from it (GATE-4)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner
from jsonschema import Draft202012Validator

from orch_gates.cli.main import cli
from orch_gates.cli.outputs.catalogue import BY_NAME, OUTPUTS, CatalogueEntry
from orch_gates.cli.outputs.parts import Part
from orch_gates.cli.queue.view import PLANNED
from orch_gates.hooks.server_hook.hook_status import HookState
from orch_gates.model.verdict import Outcome
from orch_gates.report import machine
from scripts import json_reference
from tests import published

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"


def commands(command: click.Command = cli, path: str = "") -> Iterator[str]:
    """Every command that takes `--json`."""
    if any("--json" in param.opts for param in command.params):
        yield path
    if isinstance(command, click.Group):
        ctx = click.Context(command)
        for name in command.list_commands(ctx):
            inner = command.get_command(ctx, name)
            assert inner is not None
            yield from commands(inner, f"{path} {name}".strip())


COMMANDS = tuple(commands())
FILES = json_reference.files()


def parts(of: type[Part] = Part) -> Iterator[str]:
    """The objects of outputs that are ours; others are parts of documents."""
    for part in of.__subclasses__():
        yield part.__name__
        yield from parts(part)


PARTS = frozenset(parts())


@pytest.mark.parametrize("command", COMMANDS)
def test_every_output_has_a_published_schema(command: str) -> None:
    """A new command with `--json` comes with a schema, and the reference of the command links to it."""
    names = [one.name for one in OUTPUTS if one.printed_by(command)]
    assert names
    sections = re.split(r"^(?=#+ )", (REFERENCE / "cli.md").read_text("utf-8"), flags=re.M)
    section = next(part for part in sections if re.match(rf"#+ `orch-gates {command}`\n", part))
    row = re.search(r"^\| `--json` \| (.*) \|$", section, re.M)
    assert row is not None
    assert re.findall(r"\(json\.md#([a-z-]+)\)", row[1]) == names


def test_a_schema_names_only_commands_that_take_json() -> None:
    for one in OUTPUTS:
        assert all(any(found == name or found.startswith(f"{name} ") for found in COMMANDS) for name in one.commands)
        assert one.commands or one.otherwise
    assert len(BY_NAME) == len(OUTPUTS)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_the_published_files_are_those_of_the_code(path: Path) -> None:
    """`python -m scripts.json_reference` renews them."""
    assert path.read_text("utf-8") == FILES[path]


def test_nothing_else_is_published() -> None:
    assert set(json_reference.SCHEMAS.iterdir()) == set(FILES)


def test_the_page_is_that_of_the_code() -> None:
    """`python -m scripts.json_reference` renews it."""
    text = json_reference.PAGE.read_text("utf-8")
    assert json_reference.page(text) == text


@pytest.mark.parametrize("one", OUTPUTS, ids=lambda one: one.name)
def test_a_schema_says_all_that_a_reader_needs(one: CatalogueEntry) -> None:
    """What every key means; other keys only where a document of the state branch may have them (ST-1)."""
    Draft202012Validator.check_schema(one.schema)
    assert one.meaning
    assert one.schema["properties"]["schema"]["const"] == machine.schema_name(one.name)
    ours = one.model.model_config.get("extra") == "forbid"
    assert one.schema["additionalProperties"] is not ours
    inner = [part for name, part in one.schema.get("$defs", {}).items() if name in PARTS]
    assert all(part["additionalProperties"] is False for part in inner)
    for part in (one.schema, *inner) if ours else inner:
        for name, value in part.get("properties", {}).items():
            assert value.get("description") or "$ref" in value, name


def enum_of(name: str, *keys: str) -> set[Any]:
    part: dict[str, Any] = BY_NAME[name].schema
    for key in keys:
        part = part["$defs"][key] if key in part.get("$defs", {}) else part["properties"][key]
    return set(part["enum"])


def test_words_are_those_of_the_code() -> None:
    """Where an output has a word that is no enum of the code itself, the two are compared here."""
    assert enum_of("queue-plan", "PlannedPart", "what") == set(PLANNED.values())
    assert enum_of("hook-status", "HookPart", "state") == {state.name.lower() for state in HookState}
    assert enum_of("verdict", "exit_code") == {outcome.exit_code for outcome in Outcome}
    assert enum_of("verdict", "Outcome") == {outcome.value for outcome in Outcome}


def lint(**changed: object) -> bytes:
    return machine.document("state-lint", {"files": 1, "problems": [], **changed}).encode()


def test_the_rig_of_the_tests_takes_what_is_published() -> None:
    """Also one document after another, and those of a command that was killed before it said anything."""
    asked = ("state", "lint", "--json")
    published.check(asked, lint())
    published.check(asked, lint() + lint())
    published.check(asked, b"")
    published.check(("state", "lint"), b"all are valid\n")
    published.check(("gate", "staging", "--", "jest", "--json"), b"1 passed\n")


@pytest.mark.parametrize(
    "stdout",
    [
        lint(more=1),
        lint(files="1"),
        lint(problems=[{"path": "a", "field": "", "rule": "x", "line": 3}]),
        b'{"schema": "orch.state-lint/1", "files": 1}\n',
        b'{"files": 1, "problems": [], "schema": "orch.state-lint/1"}\n',
        b'{"schema": "orch.no-such/1"}\n',
        b"[]\n",
        lint() + b'{"files": 1}\n',
        machine.document("state-verify", {"commits": 1, "generation": 1, "witnessed": True, "bad": []}).encode(),
    ],
    ids=["extra key", "type", "inner", "missing", "order", "unknown", "list", "second", "of another command"],
)
def test_the_rig_of_the_tests_refuses_what_is_not_published(stdout: bytes) -> None:
    """So that every functional test proves the schemas."""
    with pytest.raises(AssertionError, match="breaks its schema"):
        published.check(("state", "lint", "--json"), stdout)


def test_text_where_json_is_asked_for_is_refused() -> None:
    with pytest.raises(json.JSONDecodeError):
        published.check(("state", "lint", "--json"), b"all are valid\n")


def test_the_command_lists_and_prints_them() -> None:
    """A name with and without its version; another one is wrong usage, with what to do."""
    listed = CliRunner().invoke(cli, ["schema"]).output
    assert [line.split()[0] for line in listed.splitlines()[1:]] == [machine.schema_name(one.name) for one in OUTPUTS]
    for name in ("task-list", "orch.task-list/1"):
        assert json.loads(CliRunner().invoke(cli, ["schema", name]).output) == BY_NAME["task-list"].schema
    wrong = CliRunner().invoke(cli, ["schema", "task-lists"])
    assert (wrong.exit_code, "`orch-gates schema` lists them" in wrong.output) == (2, True)


def test_a_document_has_the_schema_that_the_state_branch_has() -> None:
    """`task show` prints the document as it is."""
    state = json.loads((REFERENCE.parents[1] / "state" / "schema" / "task.json").read_text("utf-8"))
    assert BY_NAME["task"].schema == state
