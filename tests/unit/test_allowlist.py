"""Exceptions hold for one secret, in one place, until their last day (SEC-4)."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orch_gates.gates.security import allowlist, allowlist_file
from orch_gates.gates.security.allowlist import AllowedFinding, AllowList
from orch_gates.gates.security.findings import SecretFinding
from orch_gates.model.finding import Finding
from orch_gates.scanners import rule_ids

TODAY = date(2026, 3, 1)
KEY = secrets.token_bytes(32)


def found(path: str = "a/file", rule: str = "github-pat", secret: bytes = b"") -> SecretFinding:
    finding = Finding("an id", rule, path, 3, "c" * 40, "a token", "take it out")
    return SecretFinding(finding, secret or secrets.token_bytes(20))


def entry(item: SecretFinding, expires: date = TODAY, key: bytes = KEY) -> AllowedFinding:
    return allowlist.entry_for(key, item, owner="Ann", reason="a test fixture", expires=expires)


def first(item: SecretFinding, rule: str = "", expires: date = TODAY) -> AllowedFinding:
    """An entry as it was written by the first schema: the hash binds path, rule and secret."""
    finding = item.finding
    bound = b"\0".join((finding.path.encode("utf-8", "surrogateescape"), (rule or finding.rule).encode(), item.secret))
    made = "hmac-sha256:" + hmac.new(KEY, bound, hashlib.sha256).hexdigest()
    return AllowedFinding(made, finding.path, rule or finding.rule, "Ann", "a test fixture", expires)


def judged(item: SecretFinding, *entries: AllowedFinding) -> allowlist.AllowlistResult:
    return allowlist.sort([item], AllowList(entries, KEY), TODAY)


KINDS = pytest.mark.parametrize("kind", [entry, first])


@pytest.mark.parametrize(
    ("days", "stands"),
    [(-400, True), (-1, True), (0, False), (1, False), (400, False)],
)
def test_an_entry_holds_through_its_last_day(days: int, stands: bool) -> None:
    """On the day of `expires` it still holds, on the next it refuses and says so."""
    item = found()
    result = allowlist.sort([item], AllowList((entry(item, TODAY + timedelta(days)),), KEY), TODAY)
    assert result.standing == ((item,) if stands else ())
    [notice] = result.notices
    assert "Ann" in notice
    assert ("no longer" in notice) is stands


@KINDS
@pytest.mark.parametrize(
    "other",
    [
        lambda item: replace(item, secret=item.secret + b"x"),
        lambda item: replace(item, finding=replace(item.finding, path="another")),
        lambda item: replace(item, finding=replace(item.finding, rule="another")),
    ],
    ids=["secret", "path", "rule"],
)
def test_an_entry_holds_for_nothing_else(
    other: Callable[[SecretFinding], SecretFinding], kind: Callable[[SecretFinding], AllowedFinding]
) -> None:
    """Another secret in the same place, or the same elsewhere or by another rule, is refused."""
    item = found()
    assert judged(item, kind(item)).standing == ()
    changed = other(item)
    assert judged(changed, kind(item)).standing == (changed,)


@KINDS
@pytest.mark.parametrize(
    ("field", "shown"),
    [("path", "docs/example.md"), ("rule", "generic-api-key"), ("path", "A/file"), ("rule", "github-pat ")],
)
def test_an_entry_that_shows_something_else_allows_nothing(
    field: str, shown: str, kind: Callable[[SecretFinding], AllowedFinding]
) -> None:
    """Whoever reviews the list sees what is compared; the notice says what the entry shows, and that it was altered."""
    item = found()
    made = kind(item)
    result = judged(item, replace(made, path=shown) if field == "path" else replace(made, rule=shown))
    assert result.standing == (item,)
    [notice] = result.notices
    assert notice.startswith("a/file: github-pat is not allowed: the entry of Ann")
    assert "altered" in notice
    assert shown in notice


@KINDS
def test_an_altered_entry_beside_a_whole_one_is_not_told(kind: Callable[[SecretFinding], AllowedFinding]) -> None:
    """What an allowed finding needs is one entry that fits."""
    item = found()
    result = judged(item, replace(kind(item), path="elsewhere"), entry(item))
    assert result.standing == ()
    assert len(result.notices) == 1


@KINDS
def test_an_edited_hash_fits_nothing(kind: Callable[[SecretFinding], AllowedFinding]) -> None:
    """Neither another digit nor the mark of the other kind makes an entry count."""
    item = found()
    made = kind(item)
    edited = made.hash[:-1] + ("0" if made.hash[-1] != "0" else "1")
    digits = made.hash.partition(":")[2]
    for text in (edited, f"hmac-sha256:{digits}", f"hmac-sha256-path:{digits}"):
        if text != made.hash:
            assert judged(item, replace(made, hash=text)).standing == (item,)


@pytest.mark.parametrize(
    ("then", "now", "allowed"),
    [
        ("hashicorp-tf-password", "generic-password", True),
        ("generic-api-key", "generic-password", True),
        ("generic-api-key", "generic-api-key", True),
        ("generic-password", "generic-api-key", False),
        ("hashicorp-tf-password", "generic-api-key", False),
        ("github-pat", "generic-password", False),
    ],
)
def test_an_exception_does_not_depend_on_the_engine(then: str, now: str, allowed: bool) -> None:
    """What an engine once called otherwise stays allowed under our own id (SEC-10); no other rule is meant."""
    item = found(rule=now)
    assert (judged(item, first(item, then)).standing == ()) is allowed


@pytest.mark.parametrize(("shown", "allowed"), [("hashicorp-tf-password", True), ("generic-api-key", False)])
def test_an_id_of_today_stands_for_its_own_rule_only(shown: str, allowed: bool) -> None:
    """An entry with our ids may show a retired name of the rule, but not another rule that is in use."""
    item = found(rule="generic-password")
    assert (judged(item, replace(entry(item), rule=shown)).standing == ()) is allowed


def test_every_former_id_leads_to_ids_in_use() -> None:
    """No successor is itself a name of the past, so that one step is enough."""
    for old, now in rule_ids.SUCCESSORS.items():
        assert now
        assert not any(rule_ids.retired(rule) for rule in now)
        assert all(old in rule_ids.former(rule) for rule in now)


@given(
    path=st.text(min_size=1).map(lambda text: text.encode("utf-8", "replace").decode("utf-8"))
    | st.binary(min_size=1).map(lambda raw: raw.decode("utf-8", "surrogateescape"))
)
def test_any_path_can_be_allowed(path: str) -> None:
    """Control characters, bytes that are no text, blanks, redacted parts: the written list allows the finding."""
    item = found(path)
    [read] = allowlist_file.decode(allowlist_file.encode([entry(item)]))
    assert judged(item, read).standing == ()


@given(one=st.binary(min_size=1), other=st.binary(min_size=1))
def test_no_two_paths_are_shown_alike(one: bytes, other: bytes) -> None:
    """An odd byte and its spelling as text are two paths, and look it."""
    paths = [raw.decode("utf-8", "surrogateescape") for raw in (one, other)]
    assert (paths[0] == paths[1]) == (allowlist.spelled(paths[0]) == allowlist.spelled(paths[1]))


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("docs/Übung.txt", "docs/Übung.txt"),
        ("a\udcffb", "a\\xffb"),
        ("a\\xffb", "a\\\\xffb"),
        ("(commit)", "(commit)"),
        ("config/[redacted]/x", "config/[redacted]/x"),
    ],
)
def test_a_path_is_spelled_the_same_for_ever(path: str, shown: str) -> None:
    """The spelling is part of the hash: another one would make every such entry void."""
    assert allowlist.spelled(path) == shown


def test_the_hash_of_an_entry_stays_as_it_is() -> None:
    """Lists outlive versions: this hash, made of a fixed key, path and secret, may never change."""
    item = found("a/file", secret=b"not a secret")
    made = allowlist.entry_for(b"k" * 32, item, owner="Ann", reason="why", expires=TODAY)
    assert made.hash == "hmac-sha256-path:6b8db3a2b24b2cc422acb6226c3458568eb248f7409eb29cd41109b8943b5680"


def test_a_new_entry_takes_the_place_of_the_old_one() -> None:
    """Renewing replaces entries of either kind for the finding, and leaves all others as they are."""
    item, other = found(), found("b/file")
    elsewhere = replace(item, finding=replace(item.finding, rule="another-rule"))
    kept = [first(other), entry(other), entry(elsewhere), entry(item, key=secrets.token_bytes(32))]
    assert allowlist.without([first(item), *kept, entry(item), replace(entry(item), path="x")], KEY, item) == tuple(
        kept
    )


def test_notices_have_an_order_of_their_own() -> None:
    """However the engine orders its findings, the same things are said in the same order, once."""
    items = [found(path, rule) for path in ("b", "a") for rule in ("y", "x")]
    items += [replace(item, finding=replace(item.finding, line=9)) for item in items]
    allowed = AllowList(tuple(entry(item) for item in items), KEY)
    notices = allowlist.sort(items, allowed, TODAY).notices
    assert notices == allowlist.sort(items[::-1], allowed, TODAY).notices
    assert [notice[:4] for notice in notices] == ["a: x", "a: y", "b: x", "b: y"]


def test_a_move_of_the_line_keeps_the_exception() -> None:
    """The line and the commit of a finding are no part of the entry."""
    item = found()
    moved = replace(item, finding=replace(item.finding, line=90, commit="d" * 40, id="other"))
    assert allowlist.sort([moved], AllowList((entry(item),), KEY), TODAY).standing == ()


def test_another_key_allows_nothing() -> None:
    """Whoever does not have the key cannot write an entry that counts."""
    item = found()
    forged = entry(item, key=secrets.token_bytes(32))
    assert allowlist.sort([item], AllowList((forged,), KEY), TODAY).standing == (item,)


def test_without_a_key_nothing_is_allowed_and_that_is_said() -> None:
    """A list that cannot be checked excepts nothing; the notice names the setting."""
    item = found()
    empty = entry(item, key=b"")
    result = allowlist.sort([item], AllowList((empty,), b""), TODAY)
    assert result.standing == (item,)
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
    assert result.standing == (leak,)


def test_an_empty_list_allows_nothing() -> None:
    """No list, no exceptions, nothing to say."""
    item = found()
    assert allowlist.sort([item], AllowList(), TODAY) == allowlist.AllowlistResult((item,), ())


def test_a_finding_never_shows_its_secret() -> None:
    """The bytes beside a finding are not printed with it (SEC-5)."""
    item = found(secret=secrets.token_hex(20).encode())
    assert item.secret.decode() not in repr(item)
