"""The reference of what forges do says nothing that no test shows."""

from __future__ import annotations

import json
import re

import pytest

from tests.e2e.gitea import ROOT, pinned

REFERENCE = ROOT / "docs" / "reference" / "forges.md"
TESTS = ROOT / "tests"
OPENAPI = ROOT / "tools" / "openapi" / "package.json"


def shown() -> set[tuple[str, str]]:
    """Name and file of every test that a row of the tables names."""
    text = REFERENCE.read_text("utf-8")
    return set(re.findall(r"\[`(test_\w+)`\]\(\.\./\.\./tests/((?:e2e|contract|functional|unit)/test_\w+\.py)\)", text))


def test_the_releases_that_were_looked_at_are_named() -> None:
    described = json.loads(OPENAPI.read_text("utf-8"))["dependencies"]["@octokit/openapi"]
    assert f"Gitea {pinned()}" in REFERENCE.read_text("utf-8")
    assert f"runner {pinned('runner', 'gitea.com/gitea/runner')} " in REFERENCE.read_text("utf-8")
    assert f"`@octokit/openapi` {described}" in REFERENCE.read_text("utf-8")


def test_every_fact_names_a_test_that_shows_it() -> None:
    rows = [row for row in re.findall(r"^\| .* \|$", REFERENCE.read_text("utf-8"), re.M) if not row.endswith(" test |")]
    assert rows
    assert [row for row in rows if not re.search(r"\[`test_\w+`\]\([^)]*\) \|$", row)] == []
    for test, file in shown():
        assert f"def {test}(" in (TESTS / file).read_text("utf-8"), test


@pytest.mark.parametrize("file", ["e2e/test_gitea_facts.py", "e2e/test_actions_facts.py", "e2e/test_events.py"])
def test_every_established_fact_is_in_the_reference(file: str) -> None:
    text = (TESTS / file).read_text("utf-8")
    assert set(re.findall(r"^def (test_\w+)", text, re.M)) == {test for test, named in shown() if named == file}
