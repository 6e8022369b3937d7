"""Exceptions hold for one secret, in one place, until their last day (SEC-4)."""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orch_gates.errors import ExceptionListError
from orch_gates.gates import allowlist
from orch_gates.gates.allowlist import AllowList, Entry
from orch_gates.gates.secret_scan import SecretFinding
from orch_gates.model.finding import Finding

TODAY = date(2026, 3, 1)
KEY = secrets.token_bytes(32)


def found(path: str = "a/file", rule: str = "github-pat", secret: bytes = b"") -> SecretFinding:
    finding = Finding("an id", rule, path, 3, "c" * 40, "a token", "take it out")
    return SecretFinding(finding, secret or secrets.token_bytes(20))


def entry(item: SecretFinding, expires: date = TODAY, key: bytes = KEY) -> Entry:
    digest = allowlist.entry_hash(key, item.finding, item.secret)
    return Entry(digest, item.finding.path, item.finding.rule, "Ann", "a test fixture", expires)


@pytest.mark.parametrize(
    ("days", "stands"),
    [(-400, True), (-1, True), (0, False), (1, False), (400, False)],
)
def test_an_entry_holds_through_its_last_day(days: int, stands: bool) -> None:
    """On the day of `expires` it still holds, on the next it refuses and says so."""
    item = found()
    result = allowlist.sort([item], AllowList((entry(item, TODAY + timedelta(days)),), KEY), TODAY)
    assert result.standing == ((item.finding,) if stands else ())
    [notice] = result.notices
    assert "Ann" in notice
    assert ("no longer" in notice) is stands


@pytest.mark.parametrize(
    "other",
    [
        lambda item: replace(item, secret=item.secret + b"x"),
        lambda item: replace(item, finding=replace(item.finding, path="another")),
        lambda item: replace(item, finding=replace(item.finding, rule="another")),
    ],
    ids=["secret", "path", "rule"],
)
def test_an_entry_holds_for_nothing_else(other: object) -> None:
    """Another secret in the same place, or the same elsewhere or by another rule, is refused."""
    item = found()
    assert callable(other)
    changed: SecretFinding = other(item)
    result = allowlist.sort([changed], AllowList((entry(item),), KEY), TODAY)
    assert result.standing == (changed.finding,)


def test_a_move_of_the_line_keeps_the_exception() -> None:
    """The line and the commit of a finding are no part of the entry."""
    item = found()
    moved = replace(item, finding=replace(item.finding, line=90, commit="d" * 40, id="other"))
    assert allowlist.sort([moved], AllowList((entry(item),), KEY), TODAY).standing == ()


def test_another_key_allows_nothing() -> None:
    """Whoever does not have the key cannot write an entry that counts."""
    item = found()
    forged = entry(item, key=secrets.token_bytes(32))
    assert allowlist.sort([item], AllowList((forged,), KEY), TODAY).standing == (item.finding,)


def test_without_a_key_nothing_is_allowed_and_that_is_said() -> None:
    """A list that cannot be checked excepts nothing; the notice names the setting."""
    item = found()
    empty = entry(item, key=b"")
    result = allowlist.sort([item], AllowList((empty,), b""), TODAY)
    assert result.standing == (item.finding,)
    assert any("ORCH_ALLOW_KEY" in notice for notice in result.notices)


def test_of_two_entries_the_longer_holds() -> None:
    """A renewed exception works although the old entry is still in the list."""
    item = found()
    old, new = entry(item, TODAY - timedelta(1)), entry(item, TODAY + timedelta(30))
    for entries in ((old, new), (new, old)):
        assert allowlist.sort([item], AllowList(entries, KEY), TODAY).standing == ()


def test_only_the_allowed_finding_is_taken_out() -> None:
    """An exception beside a real leak does not weaken the refusal."""
    item, leak = found(), found("b/file")
    result = allowlist.sort([leak, item], AllowList((entry(item),), KEY), TODAY)
    assert result.standing == (leak.finding,)


def test_an_empty_list_allows_nothing() -> None:
    """No list, no exceptions, nothing to say."""
    item = found()
    assert allowlist.sort([item], AllowList(), TODAY) == allowlist.Sorted((item.finding,), ())


TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20).filter(str.strip)
ENTRIES = st.lists(st.builds(Entry, TEXT, TEXT, TEXT, TEXT, TEXT, st.dates()), max_size=4)


@given(entries=ENTRIES)
def test_a_written_list_is_read_back(entries: list[Entry]) -> None:
    """Paths, names and reasons in any script survive."""
    assert allowlist.decode(allowlist.encode(entries)) == tuple(entries)


def written() -> str:
    return allowlist.encode([entry(found())])


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("orch.allowed-secrets/1", "orch.allowed-secrets/2", "schema"),
        ("owner:", "holder:", "exactly"),
        ("Ann", " ", "empty"),
        ("2026-03-01", "someday", "date"),
        ("2026-03-01", "2026-02-30", "date"),
        ("---", "***", "allowed-secrets"),
    ],
)
def test_a_malformed_list_is_refused_with_the_place(old: str, new: str, complaint: str) -> None:
    """A list that is not understood excepts nothing; the message says what is wrong."""
    text = written()
    assert old in text
    with pytest.raises(ExceptionListError, match=complaint) as error:
        allowlist.decode(text.replace(old, new))
    assert allowlist.PATH in str(error.value)


def test_a_finding_never_shows_its_secret() -> None:
    """The bytes beside a finding are not printed with it (SEC-5)."""
    item = found(secret=secrets.token_hex(20).encode())
    assert item.secret.decode() not in repr(item)
