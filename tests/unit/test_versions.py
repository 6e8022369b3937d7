"""Of a file's versions only what changes is scanned again, and nothing is passed over for it (SEC-3)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orch_gates.content.pieces import OVERLAP_BYTES
from orch_gates.scanners.worker.versions import Versions

LINES = st.lists(st.sampled_from([b"a line of text\n" * 40, b"x = 1\n" * 150, b"\n" * 20]), min_size=12, max_size=60)


def held(data: bytes) -> Versions:
    """The clean version of a file, just scanned."""
    versions = Versions()
    versions.hold("a.py", data)
    return versions


@given(before=LINES, at=st.integers(0, 60), taken=st.integers(0, 5), added=st.binary(max_size=300))
def test_what_is_left_out_stands_in_the_version_before(before: list[bytes], at: int, taken: int, added: bytes) -> None:
    """Everything outside of the part to scan is the same in both, as far around as a rule reaches."""
    old = b"".join(before)
    new = b"".join([*before[:at], added, *before[at + taken :]])
    start, stop = held(old).changed("a.py", new)
    if (start, stop) == (0, len(new)):
        return
    around = OVERLAP_BYTES
    assert start == 0 or new[: start + around] == old[: start + around]
    rest = len(new) - stop
    assert rest == 0 or new[-rest - around :] == old[-rest - around :]
    # What both begin and end with may not be one and the same part of the old version.
    assert start + rest <= len(old)


def test_a_small_change_of_a_large_file_is_a_small_part() -> None:
    """That is what it is for."""
    old = b"".join(b"line %d of this file\n" % number for number in range(5_000))
    new = old.replace(b"line 2500 of", b"line two of")
    start, stop = held(old).changed("a.py", new)
    assert stop - start < 3 * OVERLAP_BYTES
    assert start < new.index(b"line two of") < stop


@pytest.mark.parametrize(
    "part", [b"\0", b"-----BEGIN RSA PRIVATE KEY-----", b"-----begin private key-----", b"---- BEGIN SSH2 ENCRYPTED"]
)
def test_a_file_that_may_hold_a_key_is_scanned_whole(part: bytes) -> None:
    """A key reaches further than any other rule; and a binary file is shown in other pieces."""
    old = b"a line\n" * 3_000
    new = old + part
    assert held(old).changed("a.py", new) == (0, len(new))


def test_nothing_is_known_of_other_files_and_of_those_with_findings() -> None:
    """Only a clean version of the same file excuses anything."""
    old = b"a line\n" * 3_000
    versions = held(old)
    assert versions.changed("b.py", old) == (0, len(old))
    versions.drop("a.py")
    assert versions.changed("a.py", old) == (0, len(old))


def test_what_is_held_is_bounded() -> None:
    """Very many large files are not kept in memory; the latest are."""
    versions = Versions()
    large = b"a line of text\n" * 100_000
    for number in range(40):
        versions.hold(f"{number}.py", large)
    known = [number for number in range(40) if versions.changed(f"{number}.py", large)[0] > 0]
    assert known == list(range(40 - len(known), 40))
    assert 0 < len(known) * len(large) < 10_000_000


def test_a_file_over_the_bound_is_not_held() -> None:
    """It would push all others out."""
    assert held(b"x" * 4_000_000).changed("a.py", b"x" * 4_000_000)[0] == 0
