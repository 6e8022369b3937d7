"""Reading git's raw diffs: what became of each path, and what stood there before (SEC-3)."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orch_gates.errors import GitError
from orch_gates.git.changes import CommitChange, parse_raw

A, B, C, D = (letter * 40 for letter in "abcd")
NONE = "0" * 40
COMMIT = "1" * 40


def fields(*texts: str) -> list[bytes]:
    return [text.encode("utf-8", "surrogateescape") for text in texts]


@pytest.mark.parametrize(
    ("given_fields", "wanted"),
    [
        ([COMMIT, f":000000 100644 {NONE} {A} A", "new"], [CommitChange(COMMIT, "new", A, ())]),
        ([COMMIT, f":100644 100644 {A} {B} M", "changed"], [CommitChange(COMMIT, "changed", B, (A,))]),
        ([COMMIT, f":100644 100755 {A} {B} M", "mode"], [CommitChange(COMMIT, "mode", B, (A,))]),
        ([COMMIT, f":100644 000000 {A} {NONE} D", "gone"], [CommitChange(COMMIT, "gone", "", (A,))]),
        ([COMMIT, f":160000 160000 {A} {B} M", "module"], [CommitChange(COMMIT, "module", "", ())]),
        ([COMMIT, f":160000 100644 {A} {B} T", "was module"], [CommitChange(COMMIT, "was module", B, ())]),
        ([COMMIT, f":120000 100644 {A} {B} T", "was link"], [CommitChange(COMMIT, "was link", B, (A,))]),
        ([COMMIT, f"::100644 100644 100644 {A} {B} {C} MM", "evil"], [CommitChange(COMMIT, "evil", C, (A, B))]),
        ([COMMIT, f"::000000 100644 100644 {NONE} {B} {C} AM", "half"], [CommitChange(COMMIT, "half", C, (B,))]),
        ([COMMIT, f"::000000 000000 100644 {NONE} {NONE} {C} AA", "both"], [CommitChange(COMMIT, "both", C, ())]),
        (
            [COMMIT, f":::100644 100644 100644 100644 {A} {B} {C} {D} MMM", "octopus"],
            [CommitChange(COMMIT, "octopus", D, (A, B, C))],
        ),
        (
            [A, f":000000 100644 {NONE} {B} A", "one", C, f":000000 100644 {NONE} {D} A", "two"],
            [CommitChange(A, "one", B, ()), CommitChange(C, "two", D, ())],
        ),
        ([COMMIT, f":000000 100644 {NONE} {A} A", "a\nb\t\udcff é"], [CommitChange(COMMIT, "a\nb\t\udcff é", A, ())]),
        (["2" * 64, f":000000 100644 {'0' * 64} {'a' * 64} A", "x"], [CommitChange("2" * 64, "x", "a" * 64, ())]),
        ([], []),
    ],
)
def test_every_form_of_a_raw_diff_is_read(given_fields: list[str], wanted: list[CommitChange]) -> None:
    """Additions, removals, merges of any number of parents, modules, odd names, SHA-256."""
    assert list(parse_raw(iter(fields(*given_fields)))) == wanted


@pytest.mark.parametrize(
    "cut",
    [
        [COMMIT, f":000000 100644 {NONE} {A} A"],
        [COMMIT, f":000000 100644 {NONE} {A}", "path"],
        [COMMIT, f"::100644 100644 {A} {B} MM", "path"],
        [f":000000 100644 {NONE} {A} A", "no commit"],
        [COMMIT, ":", "path"],
    ],
)
def test_a_diff_that_is_cut_off_is_an_error(cut: list[str]) -> None:
    """Half a diff is never taken for a whole one."""
    with pytest.raises(GitError):
        list(parse_raw(iter(fields(*cut))))


@given(data=st.binary(max_size=200))
def test_garbage_is_an_error_or_nothing(data: bytes) -> None:
    """No bytes make the reader fail in another way."""
    with contextlib.suppress(GitError):
        list(parse_raw(iter(data.split(b"\0"))))
