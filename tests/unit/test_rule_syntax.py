"""Go's regular expressions are spelled so that the matcher reads them alike, or refused with the reason (SEC-6)."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orch_gates.scanners.rule_syntax import MAX_LENGTH, SyntaxProblem, translate


@pytest.mark.parametrize(
    ("source", "spelled"),
    [
        ("abc_1", "abc_1"),
        ("a b#c/", r"a\x20b\x23c\x2f"),
        (r"a\.\/\_\-b", r"a\x2e\x2f_\x2db"),
        (r"\x41\x{42}\n\t\v\f\a\r", r"AB\x0a\x09\x0b\x0c\x07\x0d"),
        (r"\d\D\s\S\b\w\W", r"\d\D\s\S\b\w\W"),
        (r"\Qa.b\E+", None),
        (r"\Qa.b\Ec", r"a\x2ebc"),
        (r"\Q.", r"\x2e"),
        ("a{2}b{2,}c{2,3}?d*?e+?f??g", "a{2}b{2,}c{2,3}?d*?e+?f??g"),
        ("a{b}c{,5}d{", r"a\x7bb\x7dc\x7b\x2c5\x7dd\x7b"),
        ("[]a]", r"[\x5da]"),
        ("[^]a]", r"[^\x5da]"),
        ("[[a&&b~~c]", r"[\x5ba\x26\x26b\x7e\x7ec]"),
        (r"[\w.=-]", r"[\w\x2e\x3d\x2d]"),
        (r"[a-f0-9\x2d-\x2f]", r"[a-f0-9\x2d-\x2f]"),
        ("[[:alpha:][:^digit:]_]", "[[:alpha:][:^digit:]_]"),
        ("(?i)a(?s:.)(?i-s:b)", "(?i)a(?s:.)(?i-s:b)"),
        ("(?m)^a$", "^a$"),
        ("(?m:a)", "(?:a)"),
        ("(a)", "(a)"),
        ("(?P<token>a)", "(a)"),
        ("(?<token>a)", "(a)"),
        ("a|b(?:|c)", "a|b(?:|c)"),
    ],
)
def test_what_both_read_alike_is_spelled_plainly(source: str, spelled: str | None) -> None:
    """Every character that is not a letter, a digit or `_` is its number: no engine takes it for a sign of its own."""
    if spelled is None:
        with pytest.raises(SyntaxProblem):
            translate(source)
    else:
        assert translate(source).text == f"(?m){spelled}"


@pytest.mark.parametrize(
    ("source", "why"),
    [
        (r"(?=a)b", "looks ahead or behind"),
        (r"(?<!a)b", "looks ahead or behind"),
        (r"(?>a)b", "looks ahead or behind"),
        (r"(a)\1", r"has \1"),
        (r"a\z", r"has \z, the edge of a text"),
        (r"\Aa", r"has \A, the edge of a text"),
        (r"\pL", "class of Unicode"),
        (r"[\pL]", "class of Unicode"),
        (r"\C", r"has \C"),
        (r"[\b]", r"has \b"),
        (r"\é", "not ASCII"),
        ("é", "not ASCII"),
        ("[é]", "not ASCII"),
        (r"\xe9", "not ASCII"),
        (r"\x{110000}", "not ASCII"),
        (r"\xg1", r"has \x"),
        ("(?U)a", "has the flag U; there are i, m and s"),
        ("(?x)a", "has the flag x"),
        ("(?-m)^a", "switches m off"),
        ("(?)a", "empty (?)"),
        ("(?P<1>a)", "neither a group nor a flag"),
        ("(?", "neither a group nor a flag"),
        ("a*", "matches the empty text"),
        ("(?:|a)", "matches the empty text"),
        (r"\b", "matches the empty text"),
        ("", "matches the empty text"),
        ("*a", "repeats nothing"),
        ("a|{2}", "repeats nothing"),
        ("a**", "repeats a repetition"),
        ("a{2}{3}", "repeats a repetition"),
        ("a*+b", "repeats a repetition"),
        ("^*a", "cannot be repeated"),
        (r"a\b+", "cannot be repeated"),
        ("a{3,2}", "has a repetition whose least count is above its most"),
        ("a{1001}", "more than 1000"),
        ("(?:a{30}b){40}", "more than 1000"),
        ("(a", "( without its )"),
        ("a)", ") without its ("),
        ("[a", "[ without its ]"),
        ("[", "[ without its ]"),
        ("[]", "[ without its ]"),
        ("[z-a]", "runs backwards"),
        (r"[a-\d]", "runs backwards, or to a class"),
        ("[[:foo:]]", "has an unknown class [:name:]"),
        ("a\\", "ends with a backslash"),
        ("(?:" * 60 + "a" + ")" * 60, "nested deeper"),
        ("a" * (MAX_LENGTH + 1), "longer than"),
    ],
)
def test_what_would_be_read_differently_is_refused(source: str, why: str) -> None:
    """A rule that silently misses is worse than one that is refused; the reason says what to write."""
    with pytest.raises(SyntaxProblem) as problem:
        translate(source)
    assert why in str(problem.value)


@pytest.mark.parametrize(
    ("source", "group", "spelled"),
    [
        ("(user)=([a-z]+)", 2, r"(?:user)\x3d([a-z]+)"),
        ("(user)=([a-z]+)", 1, r"(user)\x3d(?:[a-z]+)"),
        ("((a)b)", 1, "((?:a)b)"),
        ("((a)b)", 2, "(?:(a)b)"),
        ("(a)(b)", None, "(?:a)(?:b)"),
    ],
)
def test_the_secret_is_the_one_group(source: str, group: int | None, spelled: str) -> None:
    """The matcher's span is that of its first group, so there is no other."""
    assert translate(source, group).text == f"(?m){spelled}"


@pytest.mark.parametrize(("source", "group", "why"), [("(a)(b)", 0, "has 2 groups"), ("(a)", 2, "has no group 2")])
def test_which_group_is_the_secret_has_to_be_clear(source: str, group: int, why: str) -> None:
    """gitleaks would take whichever group is not empty; here the file says it."""
    with pytest.raises(SyntaxProblem, match=why):
        translate(source, group)


HANGING = r"(?:[\s\S]|$)"


@pytest.mark.parametrize(
    ("source", "reaches"),
    [
        (r"[a-z]+\b", False),
        (r"[\w]{3}\b", False),
        (r"a(?:b|1)?\b", False),
        (r"[\w-]{3}\b", True),
        (r".\b", True),
        (r"a=?\b", True),
        (r"a\B", True),
        (r"(?:\ba|\B)b", False),
        (r"a-\bb", False),
        (r"a-\bb?", True),
        (r"a-\b$", False),
        (r"a-\b(?:$|b)", False),
        (r"a(?:-\b|b)", True),
        (r"[^a]\b", True),
        (r"[[:alpha:]]\b", False),
        (r"[[:punct:]]\b", True),
    ],
)
def test_a_match_reaches_over_the_byte_that_it_depends_on(source: str, reaches: bool) -> None:
    """The matcher confirms a match on the text up to its end: a boundary there needs what comes behind."""
    text = translate(source).text
    assert text.endswith(HANGING) is reaches
    if reaches:
        assert len(re.findall(r"\((?!\?)", text)) == 1


@given(source=st.text(st.sampled_from(r"ab1()[]{}|*+?^$.\-,:=<>PQEdwbBmisUxA" + "\n"), max_size=30))
def test_any_text_is_translated_or_refused(source: str) -> None:
    """Never a crash; what comes out is plain and has one group at most."""
    try:
        made = translate(source)
    except SyntaxProblem as problem:
        assert "\n" not in str(problem)
        return
    assert re.fullmatch(r"[\x20-\x7e]+", made.text)
    assert len(re.findall(r"\((?!\?)", made.text)) <= 1
