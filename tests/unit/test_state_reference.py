"""What is published about the state branch is what the code does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from orch_gates.document_kinds import KINDS
from orch_gates.state import schema
from orch_gates.state.history import files
from orch_gates.state.kinds import DocumentKind
from scripts import state_reference

FILES = state_reference.files()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_published_files_are_those_of_the_code(path: Path) -> None:
    """`python -m scripts.state_reference` renews them."""
    assert path.read_text("utf-8") == FILES[path]


def test_the_reference_is_generated_from_the_code() -> None:
    """`python -m scripts.state_reference` renews it."""
    text = state_reference.PAGE.read_text("utf-8")
    assert state_reference.page(text) == text


def test_nothing_else_is_published() -> None:
    """A schema of a kind that is gone would be believed."""
    published = {path for path in state_reference.STATE.rglob("*") if path.is_file()}
    config = state_reference.STATE / "schema" / "config.json"
    assert published == {*FILES, config}


every_kind = pytest.mark.parametrize("kind", KINDS.rows, ids=lambda kind: kind.name)


@every_kind
def test_every_template_is_a_legal_document(kind: DocumentKind[Any]) -> None:
    path, text = state_reference.template(kind)
    assert files.alone(KINDS, path, text.encode()) == ()


@every_kind
def test_a_schema_knows_every_field_by_its_name_in_documents(kind: DocumentKind[Any]) -> None:
    """ST-1: unknown fields are allowed, `schema` is not optional, and anchors are those of JSON Schema."""
    made = schema.schema(kind)
    assert made["additionalProperties"] is True
    assert "schema" in made["required"]
    assert set(made["required"]) <= set(made["properties"])
    assert all(field["description"] for field in made["properties"].values())
    assert r"\\A" not in json.dumps(made)
    assert r"\\z" not in json.dumps(made, ensure_ascii=False).lower()
