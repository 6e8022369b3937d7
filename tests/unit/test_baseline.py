"""A baseline lets old findings pass, by their secret or by their object, until one day, and nothing else (SEC-11)."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orch_gates.errors import ExceptionListError
from orch_gates.gates.security import baseline, baseline_file
from orch_gates.gates.security.baseline import Baseline
from orch_gates.gates.security.findings import SecretFinding
from orch_gates.model.finding import Finding
from orch_gates.scanners import rule_ids

TODAY = date(2026, 3, 1)
KEY = secrets.token_bytes(32)
Change = Callable[[SecretFinding], SecretFinding]


def found(path: str = "a/file", line: int = 3, rule: str = "github-pat") -> SecretFinding:
    finding = Finding("an id", rule, path, line, "c" * 40, "a token", "take it out")
    return SecretFinding(finding, secrets.token_bytes(20), secrets.token_hex(20))


def lot(*items: SecretFinding, key: bytes = KEY, expires: date = TODAY) -> Baseline:
    return baseline.make(key, items, owner="Ann", reason="revoked", expires=expires)


def stands(item: SecretFinding, known: Baseline, key: bytes) -> bool:
    return bool(baseline.sort([item], [known], key, TODAY).standing)


@pytest.mark.parametrize(("days", "stands_again"), [(-1, True), (0, False), (400, False)])
@pytest.mark.parametrize("key", [KEY, b""], ids=["key", "no key"])
def test_it_holds_through_its_last_day(days: int, stands_again: bool, key: bytes) -> None:
    """On that day all pass and one note tells of them; on the next all stand, and the note says why."""
    items = [found(), found()]
    result = baseline.sort(items, [lot(*items, expires=TODAY + timedelta(days))], key, TODAY)
    assert result.standing == (tuple(items) if stands_again else ())
    assert result.known == (0 if stands_again else 2)
    [notice] = result.notices
    assert notice.startswith("2 old findings ")
    assert "Ann" in notice
    assert ("secrets baseline" in notice) is stands_again


@pytest.mark.parametrize(
    ("change", "with_key", "without_key"),
    [
        (lambda item: replace(item, secret=item.secret + b"x"), True, False),
        (lambda item: replace(item, oid="e" * 40), False, True),
        (lambda item: replace(item, finding=replace(item.finding, line=4)), False, True),
        (lambda item: replace(item, finding=replace(item.finding, path="another")), True, True),
        (lambda item: replace(item, finding=replace(item.finding, rule="another")), True, True),
        (lambda item: replace(item, finding=replace(item.finding, id="x", commit="d" * 40)), False, False),
    ],
    ids=["secret", "object", "line", "path", "rule", "commit"],
)
def test_what_fits_and_what_does_not(change: Change, with_key: bool, without_key: bool) -> None:
    """With the key it is secret and path, wherever the line went; without it object, line and path; the rule always."""
    item = found()
    known = lot(item)
    assert (stands(item, known, KEY), stands(item, known, b"")) == (False, False)
    assert stands(change(item), known, KEY) is with_key
    assert stands(change(item), known, b"") is without_key


def test_another_key_is_no_key() -> None:
    """Hashes of another key say nothing, so the objects do."""
    item = found()
    other = secrets.token_bytes(32)
    assert not stands(item, lot(item), other)
    assert stands(replace(item, oid="e" * 40), lot(item), other)


def test_what_is_in_no_object_needs_the_key() -> None:
    """The name of a ref is no proof that it is the old one."""
    item = replace(found("(ref name)", 0), oid="")
    assert not stands(item, lot(item), KEY)
    assert stands(item, lot(item), b"")


def test_a_rule_that_has_another_id_today_still_fits() -> None:
    """An upgrade of the rules does not bring the past back."""
    old, now = next((old, now[0]) for old, now in rule_ids.SUCCESSORS.items() if rule_ids.retired(old))
    item = found(rule=old)
    renamed = replace(item, finding=replace(item.finding, rule=now))
    for key in (KEY, b""):
        assert not stands(renamed, lot(item), key)


TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)
PATHS = st.one_of(TEXT, st.binary(min_size=1, max_size=20).map(lambda raw: raw.decode("utf-8", "surrogateescape")))


@given(st.lists(PATHS, min_size=1, max_size=4, unique=True), TEXT.filter(str.strip))
def test_the_file_says_what_was_meant(paths: list[str], reason: str) -> None:
    """Whatever a path is called, it comes back and still fits, with the key and without."""
    items = [found(path) for path in paths]
    made = baseline.make(KEY, items, owner="Ann", reason=reason, expires=TODAY)
    read = baseline_file.decode(baseline_file.encode(made))
    assert read == made
    for key in (KEY, b""):
        assert baseline.sort(items, [read], key, TODAY).standing == ()


def test_an_altered_line_fits_nothing() -> None:
    """What is shown is what is compared: a new path is not covered by the old hash, a new rule not by the old id."""
    item = found("a/file")
    text = baseline_file.encode(lot(item))
    for old, new in (("a/file", "b/file"), ("github-pat", "jwt")):
        read = baseline_file.decode(text.replace(old, new))
        assert stands(item, read, KEY)
        assert stands(item, read, b"")
    moved = replace(item, finding=replace(item.finding, path="b/file"))
    assert stands(moved, baseline_file.decode(text.replace("a/file", "b/file")), KEY)


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("baseline/1", "baseline/9", "schema"),
        ('owner: "Ann"\n', "", "exactly these"),
        ('"Ann"', '" "', "exactly these"),
        ('"2026-03-01"', '"soon"', "no date|must be a date"),
        ("```text\n", "```text\n<<<<<<< HEAD\n", "line 1[0-9]: "),
        ("```text\n", "", "between two lines"),
        ("hmac-sha256-path:", "sha256:", "line 1[0-9]: "),
        (" 3 github", " three github", "line number"),
    ],
)
def test_a_broken_file_is_told_with_its_line(old: str, new: str, why: str) -> None:
    """A list that cannot be read says where; it never counts in part."""
    text = baseline_file.encode(lot(found()))
    assert old in text
    with pytest.raises(ExceptionListError, match=why):
        baseline_file.decode(text.replace(old, new))
