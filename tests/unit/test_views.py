"""Text is found in any of the encodings that a line scanner passes over (SEC-3)."""

from __future__ import annotations

import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orch_gates.content.views import SHORTEST_RUN, Segment, segments

WIDE = ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"]
TOKENS = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=SHORTEST_RUN, max_size=60)


def shown(data: bytes) -> list[bytes]:
    return [segment.data for segment in segments(data)]


@pytest.mark.parametrize("encoding", ["ascii", *WIDE])
@given(prefix=st.binary(max_size=9), token=TOKENS, suffix=st.binary(max_size=9))
def test_a_token_is_shown_whatever_surrounds_it(encoding: str, prefix: bytes, token: str, suffix: bytes) -> None:
    """In binary data a token is readable at any alignment, with or without a byte order mark."""
    data = prefix + token.encode(encoding) + suffix + b"\0"
    assert any(token.encode() in view for view in shown(data))


@pytest.mark.parametrize("encoding", WIDE)
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_lines_are_counted_in_wide_text(encoding: str, mark: str) -> None:
    """The line of a segment is the line of the file, in wide encodings too."""
    token = secrets.token_hex(20)
    found = segments(f"{mark}one\u0100\ntwo\u0100\nthree\u0100 {token}".encode(encoding))
    holding = [part for part in found if token.encode() in part.data]
    numbers = {part.first_line + part.data[: part.data.index(token.encode())].count(b"\n") for part in holding}
    assert numbers == {3}


@given(data=st.binary(max_size=300).filter(lambda data: data and b"\0" not in data))
def test_text_without_nul_is_shown_as_it_is(data: bytes) -> None:
    """Latin-1, UTF-8 and anything else without NUL bytes goes to the scanner byte for byte."""
    assert segments(data) == [Segment(1, data)]


def test_an_empty_object_has_nothing_to_show() -> None:
    """An empty file adds nothing."""
    assert segments(b"") == []


def test_a_nul_byte_hides_nothing() -> None:
    """One NUL byte makes git call a file binary; its lines are still shown under their numbers."""
    token = secrets.token_hex(20).encode()
    found = segments(b"\0\nfirst line\n" + token + b"\n\0")
    assert any(part.first_line == 1 and part.data.split(b"\n")[2] == token for part in found)


@given(data=st.binary(max_size=400))
def test_runs_never_grow(data: bytes) -> None:
    """Whatever the bytes are, all the views together are at most a few times their size."""
    assert sum(map(len, shown(data))) <= 3 * len(data)
