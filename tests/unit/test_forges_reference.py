"""The reference of what forges do says nothing that no test shows."""

from __future__ import annotations

import re

from tests.e2e.gitea import ROOT, pinned

REFERENCE = ROOT / "docs" / "reference" / "forges.md"
TESTS = ROOT / "tests" / "e2e"


def shown() -> set[tuple[str, str]]:
    """File and name of every test that a row of the tables names."""
    return set(re.findall(r"\[`(test_\w+)`\]\(\.\./\.\./tests/e2e/(test_\w+\.py)\)", REFERENCE.read_text("utf-8")))


def test_the_release_that_was_looked_at_is_named() -> None:
    assert f"Gitea {pinned()}" in REFERENCE.read_text("utf-8")


def test_every_fact_names_a_test_that_shows_it() -> None:
    rows = [row for row in re.findall(r"^\| .* \|$", REFERENCE.read_text("utf-8"), re.M) if not row.endswith(" test |")]
    assert rows
    assert [row for row in rows if not re.search(r"\[`test_\w+`\]\([^)]*\) \|$", row)] == []
    for test, file in shown():
        assert f"def {test}(" in (TESTS / file).read_text("utf-8"), test


def test_every_established_fact_is_in_the_reference() -> None:
    text = (TESTS / "test_gitea_facts.py").read_text("utf-8")
    assert set(re.findall(r"^def (test_\w+)", text, re.M)) == {
        test for test, file in shown() if file == "test_gitea_facts.py"
    }
