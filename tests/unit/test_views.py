"""Text is found in any of the encodings that a scanner of text passes over (SEC-3)."""

from __future__ import annotations

import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orch_gates.content.pieces import PIECE_BYTES
from orch_gates.content.views import SHORTEST_RUN, views

WIDE = ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"]
TOKENS = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=SHORTEST_RUN, max_size=60)


def places(data: bytes, token: bytes) -> set[int]:
    """Where views of the data say that the token begins."""
    return {piece.origin(piece.data.index(token)) for piece in views(data) if token in piece.data}


@pytest.mark.parametrize("encoding", ["ascii", *WIDE])
@given(prefix=st.binary(max_size=9), token=TOKENS, suffix=st.binary(max_size=9))
def test_a_token_is_shown_whatever_surrounds_it(encoding: str, prefix: bytes, token: str, suffix: bytes) -> None:
    """In binary data a token is readable at any alignment, with or without a byte order mark."""
    data = prefix + token.encode(encoding) + suffix + b"\0"
    assert any(token.encode() in piece.data for piece in views(data))


@pytest.mark.parametrize("encoding", WIDE)
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_the_place_of_wide_text_is_told(encoding: str, mark: str) -> None:
    """A match in wide text leads to the bytes of the file, so that its line can be counted there."""
    token = secrets.token_hex(20)
    data = f"{mark}one\u0100\ntwo\u0100\nthree\u0100 {token}".encode(encoding)
    start = data.index(token.encode(encoding))
    assert start in places(data, token.encode())


@given(data=st.binary(min_size=1, max_size=300).filter(lambda data: b"\0" not in data))
def test_text_without_nul_is_shown_as_it_is(data: bytes) -> None:
    """Latin-1, UTF-8 and anything else without NUL bytes goes to the scanner byte for byte."""
    assert [piece.data for piece in views(data)] == [data]


@pytest.mark.parametrize("between", [b"\0", b"\x0b\n", b"\x1b[32m\n", "\u043a\n".encode()])
def test_the_lines_of_a_key_in_a_binary_file_follow_one_another(between: bytes) -> None:
    """Strings of a program, colour codes or letters of another script between its lines do not hide a key."""
    lines = [secrets.token_hex(32).encode() for _ in range(12)]
    shown = b"\n".join(piece.data for piece in views(b"\177ELF\0\0" + between.join(lines)))
    positions = [shown.index(line) for line in lines]
    assert positions == sorted(positions)
    assert positions[-1] - positions[0] < 12 * 80


@pytest.mark.parametrize("unit", [b"A\0", b"abcdefgh\xff\0", b"\0\0\0A", b"A\0\0\0"])
def test_a_large_binary_file_is_shown_in_small_pieces(unit: bytes) -> None:
    """However the bytes are chosen, no piece is much larger than the others, and they are made one by one."""
    shown = views(unit * (2_000_000 // len(unit)))
    assert all(len(piece.data) < 2 * PIECE_BYTES for piece in shown)


@given(data=st.binary(max_size=400))
def test_runs_never_grow(data: bytes) -> None:
    """Whatever the bytes are, all the views together are at most a few times their size."""
    assert sum(len(piece.data) for piece in views(data)) <= 3 * len(data)
