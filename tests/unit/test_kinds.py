"""A kind of document is one row: layout, reading, guard, schema and templates find a new one there (ST-1)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field

from orch_gates.engine.legality import Violation
from orch_gates.git.draft import TreeDraft
from orch_gates.git.tree import Author, Objects
from orch_gates.model.document import Document
from orch_gates.model.root import Root
from orch_gates.state import codec, schema
from orch_gates.state.history import files
from orch_gates.state.history.check import CommitChecker
from orch_gates.state.kinds import CORE, ROOT, Body, DocumentKind, Example, Kinds, Location
from orch_gates.state.paths import PathPattern
from scripts import state_reference


class Toy(Document):
    """A document that nothing but its row knows."""

    KIND: ClassVar[str] = "toy"

    schema_: Literal["orch.toy/1"] = Field(default="orch.toy/1", alias="schema", description="Always `orch.toy/1`.")
    name: str = Field(description="Its name.")
    size: int = Field(description="How big it is.")


def _only_grows(before: Toy | None, after: Toy, _root: Root) -> tuple[Violation, ...]:
    return (Violation("size", "never shrinks"),) if before is not None and after.size < before.size else ()


TOY = DocumentKind(
    model=Toy,
    path=PathPattern("toys/{name}.md"),
    keys={"name": "name"},
    alone=lambda toy: (Violation("size", "is above zero"),) if toy.size < 1 else (),
    change=_only_grows,
    body=Body.LOG,
    example=Example({"name": "ball", "size": 3}, "\n- made\n"),
)
KINDS = Kinds((*CORE, TOY))
PATH = "toys/ball.md"


def toy(size: int, body: str = "\n- made\n") -> str:
    return codec.encode(codec.validated(Toy, {"schema": "orch.toy/1", "name": "ball", "size": size}), body)


def committed(objects: Objects, texts: Mapping[str, str], parent: str = "") -> str:
    draft = TreeDraft(objects, objects.commit(parent).tree if parent else None)
    for path, text in texts.items():
        draft.put(path, text.encode())
    return objects.put_commit(draft.write(), (parent,) if parent else (), Author("a", "a@b"), 0, "by hand\n")


def test_a_path_leads_to_it_and_back() -> None:
    found = KINDS.locate(PATH)
    assert isinstance(found, Location)
    assert (found.kind, dict(found.keys)) == (TOY, {"name": "ball"})
    assert TOY.at(name="ball") == PATH


def test_lint_knows_its_rules() -> None:
    """What it must be by itself, and that its name is that of its file."""
    assert files.alone(KINDS, PATH, toy(3).encode()) == ()
    assert [found.field for found in files.alone(KINDS, PATH, toy(0).encode())] == ["size"]
    assert "'kite' is expected" in files.alone(KINDS, "toys/kite.md", toy(3).encode())[0].rule


def test_guard_and_verify_know_what_may_change(tmp_path: Path) -> None:
    """Its own rule, its log, and that it is never removed."""
    (tmp_path / "pack").mkdir()
    objects = Objects(tmp_path)
    root = codec.encode(codec.validated(Root, ROOT.example.fields), "")
    first = committed(objects, {"orch-state.md": root, PATH: toy(3)})
    checker = CommitChecker(objects, KINDS, configured=lambda _: True)
    assert checker.check(first).problems == ()
    grown = committed(objects, {PATH: toy(4, "\n- made\n- grew\n")}, first)
    assert checker.check(grown).problems == ()
    shrunk = committed(objects, {PATH: toy(2, "\n- rewritten\n")}, first)
    assert [problem.line for problem in checker.check(shrunk).problems] == [
        f"{PATH}: size: never shrinks",
        f"{PATH}: below the frontmatter, lines may only be added",
    ]
    assert Kinds(CORE).locate(PATH) != KINDS.locate(PATH)


def test_schema_template_and_page_are_made_from_it() -> None:
    """`state schema` and everything that is published."""
    assert '"orch.toy/1"' in schema.all_text(KINDS)
    published = {path.name: text for path, text in state_reference.files(KINDS).items()}
    assert published["toy.md"] == toy(3)
    assert '"How big it is."' in published["toy.json"]
    places = "".join(f"<!-- generated: {name} -->\n<!-- end: {name} -->\n" for name in KINDS.by_name)
    assert "| `size` | number | How big it is. |" in state_reference.page(places, KINDS)
