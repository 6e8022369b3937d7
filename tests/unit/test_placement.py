"""Reading git's raw diffs: what became of each path, and what stood there before (SEC-3)."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orch_gates.errors import GitError
from orch_gates.git.placement import Placement, parse_raw

A, B, C, D = (letter * 40 for letter in "abcd")
NONE = "0" * 40
COMMIT = "1" * 40


def raw(*fields: str) -> bytes:
    return "".join(f"{field}\0" for field in fields).encode("utf-8", "surrogateescape")


@pytest.mark.parametrize(
    ("fields", "wanted"),
    [
        ([COMMIT, f":000000 100644 {NONE} {A} A", "new"], [Placement(A, "new", COMMIT, ())]),
        ([COMMIT, f":100644 100644 {A} {B} M", "changed"], [Placement(B, "changed", COMMIT, (A,))]),
        ([COMMIT, f":100644 100755 {A} {B} M", "mode"], [Placement(B, "mode", COMMIT, (A,))]),
        ([COMMIT, f":100644 000000 {A} {NONE} D", "gone"], []),
        ([COMMIT, f":100644 100644 {A} {B} R090", "old", "new"], [Placement(B, "new", COMMIT, (A,))]),
        ([COMMIT, f":100644 100644 {A} {B} C100", "old", "new"], [Placement(B, "new", COMMIT, (A,))]),
        ([COMMIT, f":040000 040000 {A} {B} M", "dir"], [Placement(B, "dir", COMMIT, (A,))]),
        ([COMMIT, f":160000 160000 {A} {B} M", "module"], []),
        ([COMMIT, f":160000 100644 {A} {B} T", "was module"], [Placement(B, "was module", COMMIT, ())]),
        ([COMMIT, f":100644 160000 {A} {B} T", "becomes module"], []),
        ([COMMIT, f":120000 100644 {A} {B} T", "was link"], [Placement(B, "was link", COMMIT, (A,))]),
        ([COMMIT, f"::100644 100644 100644 {A} {B} {C} MM", "evil"], [Placement(C, "evil", COMMIT, (A, B))]),
        ([COMMIT, f"::000000 100644 100644 {NONE} {B} {C} AM", "half"], [Placement(C, "half", COMMIT, (B,))]),
        ([COMMIT, f"::000000 000000 100644 {NONE} {NONE} {C} AA", "both"], [Placement(C, "both", COMMIT, ())]),
        (
            [COMMIT, f":::100644 100644 100644 100644 {A} {B} {C} {D} MMM", "octopus"],
            [Placement(D, "octopus", COMMIT, (A, B, C))],
        ),
        (
            [A, f":000000 100644 {NONE} {B} A", "one", C, f":000000 100644 {NONE} {D} A", "two"],
            [Placement(B, "one", A, ()), Placement(D, "two", C, ())],
        ),
        ([COMMIT, f":000000 100644 {NONE} {A} A", "a\nb\t\udcff é"], [Placement(A, "a\nb\t\udcff é", COMMIT, ())]),
        (["2" * 64, f":000000 100644 {'0' * 64} {'a' * 64} A", "x"], [Placement("a" * 64, "x", "2" * 64, ())]),
        ([], []),
    ],
)
def test_every_form_of_a_raw_diff_is_read(fields: list[str], wanted: list[Placement]) -> None:
    """Additions, renames, merges of any number of parents, modules, odd names, SHA-256."""
    assert list(parse_raw(raw(*fields))) == wanted


@pytest.mark.parametrize(
    "cut",
    [
        raw(COMMIT, f":000000 100644 {NONE} {A} A"),
        raw(COMMIT, f":100644 100644 {A} {B} R090", "old"),
        raw(COMMIT, f":000000 100644 {NONE} {A}", "path"),
        raw(COMMIT, f"::100644 100644 {A} {B} MM", "path"),
        raw(f":000000 100644 {NONE} {A} A", "no commit"),
        raw(COMMIT, ":", "path"),
    ],
)
def test_a_diff_that_is_cut_off_is_an_error(cut: bytes) -> None:
    """Half a diff is never taken for a whole one."""
    with pytest.raises(GitError):
        list(parse_raw(cut))


@given(data=st.binary(max_size=200))
def test_garbage_is_an_error_or_nothing(data: bytes) -> None:
    """No bytes make the reader fail in another way."""
    with contextlib.suppress(GitError):
        list(parse_raw(data))


def test_staged_content_is_in_no_commit() -> None:
    """The same place, without the commit that does not exist yet."""
    assert Placement(A, "path", COMMIT, (B,)).uncommitted() == Placement(A, "path", "", (B,))
