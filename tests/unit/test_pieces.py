"""Pieces overlap so that no border hides a token or a key (SEC-3, SEC-9)."""

from __future__ import annotations

import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orch_gates.content.pieces import KEY_BYTES, OVERLAP_BYTES, PIECE_BYTES, Piece, plain


def test_a_small_object_is_one_piece() -> None:
    """Most objects are read as they are."""
    assert list(plain(b"one\ntwo\n")) == [Piece(b"one\ntwo\n", ((0, 0),))]


def test_an_empty_object_has_no_piece() -> None:
    """Nothing has to be scanned where there is nothing."""
    assert list(plain(b"")) == []


@pytest.mark.parametrize("filler", [b"x", b"a line\n", b"\n"])
@given(where=st.integers(-OVERLAP_BYTES, OVERLAP_BYTES), length=st.integers(1, OVERLAP_BYTES))
def test_what_is_shorter_than_the_overlap_is_whole_in_a_piece(filler: bytes, where: int, length: int) -> None:
    """Wherever a token stands at a border, some piece has all of it, and says where it is."""
    token = secrets.token_bytes(8).hex().encode().ljust(length, b"k")[:length]
    before = (filler * (PIECE_BYTES // len(filler) + 1))[: PIECE_BYTES + where]
    data = before + token + filler * 20_000
    holding = [piece for piece in plain(data) if token in piece.data]
    assert any(piece.origin(piece.data.index(token)) == data.index(token) for piece in holding)


@pytest.mark.parametrize("label", ["PRIVATE KEY", "rsa private key", "X-Y PRIVATE KEY", "PGP PRIVATE KEY BLOCK"])
@pytest.mark.parametrize("before", [100, 900, 20_000])
def test_a_private_key_is_whole_in_a_piece(label: str, before: int) -> None:
    """A key is longer than the overlap, and is repeated from its first line."""
    key = f"-----BEGIN {label}-----\n{secrets.token_hex(9_000)}\n-----END {label}-----\n".encode()
    assert OVERLAP_BYTES < len(key) < KEY_BYTES
    data = b"x\n" * ((PIECE_BYTES - before) // 2) + key + b"y\n" * 40_000
    assert any(key in piece.data for piece in plain(data))


def test_markers_without_an_end_do_not_multiply() -> None:
    """A file of lone BEGIN lines is read a bounded number of times."""
    data = b"-----BEGIN RSA PRIVATE KEY-----\n" * 30_000
    assert sum(len(piece.data) for piece in plain(data)) < 2 * len(data)


@given(st.lists(st.integers(1, 50), min_size=1, max_size=20), st.sampled_from([1, 2, 4]))
def test_an_offset_leads_back_to_the_object(gaps: list[int], step: int) -> None:
    """The place of a match in a piece put together of runs is its place in the object."""
    anchors, text, origin = [], 0, 0
    for gap in gaps:
        origin += gap
        anchors.append((text, origin))
        text += 10
        origin += 10 * step
    piece = Piece(b"x" * text, tuple(anchors), step)
    for start, where in anchors:
        assert [piece.origin(start + at) for at in range(10)] == [where + at * step for at in range(10)]
