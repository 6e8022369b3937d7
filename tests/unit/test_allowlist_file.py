"""The list of exceptions as a file: what is written is read back, what is not understood excepts nothing (SEC-4)."""

from __future__ import annotations

import hashlib
import re
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orch_gates.errors import ExceptionListError
from orch_gates.gates.security import allowlist, allowlist_file
from orch_gates.gates.security.allowlist import AllowedFinding

FIRST, SECOND = "hmac-sha256:", "hmac-sha256-path:"
TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20).filter(str.strip)
PATHS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
HASHES = st.builds(
    lambda kind, made: kind + hashlib.sha256(made).hexdigest(), st.sampled_from([FIRST, SECOND]), st.binary()
)
ENTRIES = st.lists(st.builds(AllowedFinding, HASHES, PATHS, TEXT, TEXT, TEXT, st.dates()), max_size=4)


@given(entries=ENTRIES)
def test_a_written_list_is_read_back(entries: list[AllowedFinding]) -> None:
    """Paths with any character, names and reasons in any script, and entries of both kinds survive."""
    assert allowlist_file.decode(allowlist_file.encode(entries)) == tuple(entries)


def entry(kind: str = SECOND, owner: str = "Ann") -> AllowedFinding:
    made = kind + hashlib.sha256(b"some").hexdigest()
    return AllowedFinding(made, "a/file", "github-pat", owner, "a test fixture", date(2026, 3, 1))


def test_a_list_of_the_first_schema_is_still_read() -> None:
    """What older versions wrote keeps its entries as they are, and the next entry does not change them."""
    old = entry(FIRST)
    text = allowlist_file.encode([old]).replace("orch.allowed-secrets/2", "orch.allowed-secrets/1")
    assert allowlist_file.decode(text) == (old,)
    assert allowlist_file.decode(allowlist_file.encode([*allowlist_file.decode(text), entry()])) == (old, entry())


@pytest.mark.parametrize("field", ["owner", "path"])
def test_a_list_that_could_not_be_read_is_not_written(field: str) -> None:
    """An owner of nothing but blanks, or a path without a character, is refused before the list is broken."""
    bad = entry(owner=" ") if field == "owner" else AllowedFinding("", "", "", "", "", date(2026, 3, 1))
    with pytest.raises(ExceptionListError, match="empty"):
        allowlist_file.encode([entry(), bad])


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        (r"orch.allowed-secrets/2", "orch.allowed-secrets/3", "schema"),
        (r"owner:", "holder:", "exactly"),
        (r"Ann", " ", "empty"),
        (r"2026-03-01", "someday", "date"),
        (r"2026-03-01", "2026-02-30", "date"),
        (r"---", "***", "allowed-secrets"),
        (r"hmac-sha256-path:", "hmac-md5:", "entry 1: hash"),
        (r"(hmac-sha256-path:.{63}).", r"\1", "entry 1: hash"),
        (r"(hmac-sha256-path:.{63}).", r"\1G", "entry 1: hash"),
    ],
)
def test_a_malformed_list_is_refused_with_the_place(old: str, new: str, complaint: str) -> None:
    """A list that is not understood excepts nothing; the message says what is wrong."""
    text = allowlist_file.encode([entry()])
    assert re.search(old, text)
    with pytest.raises(ExceptionListError, match=complaint) as error:
        allowlist_file.decode(re.sub(old, new, text))
    assert allowlist.PATH in str(error.value)
