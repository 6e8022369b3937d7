"""Patterns as Gitea reads them; tests/e2e/test_forge_gitea.py compares them with the server."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orch_gates.forge.gitea.glob import literal, matches, meant


@pytest.mark.parametrize(
    ("rule", "branch", "expected"),
    [
        ("main", "main", True),
        ("Main", "mAIN", True),
        ("main", "main2", False),
        ("m*", "main", True),
        ("m*", "Main", False),
        ("m*", "m/x", False),
        ("**", "a/b/c", True),
        ("a/**", "a/b/c", True),
        ("a/**", "a", False),
        ("v?", "v1", True),
        ("v?", "v/", False),
        ("v[0-9]", "v7", True),
        ("v[!0-9]", "v7", False),
        ("v[!0-9]", "vx", True),
        ("x[[&]", "x[", True),
        ("{one,t*}-x", "two-x", True),
        ("{one,two}-x", "three-x", False),
        ("a,b?", "a,bc", True),
        ("a.b*", "axb", False),
        ("a.b*", "a.bc", True),
        (r"a\*b", "a*b", True),
        (r"a\*b", "axb", False),
        ("broken[", "broken[", True),
        ("broken[*", "broken", False),
        ("b[z-a]*", "b[z-a]*", True),
        ("b}*", "b}x", True),
    ],
)
def test_which_branches_a_rule_is_for(rule: str, branch: str, expected: bool) -> None:
    assert matches(rule, branch) is expected


@given(st.text(max_size=40))
def test_a_literal_means_itself(text: str) -> None:
    assert meant(literal(text)) == text


@given(st.text(alphabet="a*?[]{}\\,/!-^.", min_size=1, max_size=12), st.text(alphabet="ab*[]\\/", max_size=6))
def test_a_literal_matches_nothing_else(text: str, other: str) -> None:
    assert matches(literal(text), text)
    assert matches(literal(text), other) == (text.lower() == other.lower() if literal(text) == text else text == other)


@given(st.text(max_size=20), st.text(max_size=20))
def test_any_pattern_has_an_answer(rule: str, branch: str) -> None:
    assert matches(rule, branch) in {True, False}
