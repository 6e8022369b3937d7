"""Private keys span lines; they are looked for in whole versions (SEC-3)."""

from __future__ import annotations

import base64
import secrets

import pytest

from orch_gates.content import keys


def key(kind: str = "RSA ", lines: int = 20) -> list[bytes]:
    """A block of the form of a private key, of random content."""
    body = [base64.b64encode(secrets.token_bytes(48)) for _ in range(lines)]
    dashes = b"-" * 5
    name = kind.encode() + b"PRIVATE KEY"
    return [dashes + b"BEGIN " + name + dashes, *body, dashes + b"END " + name + dashes]


@pytest.mark.parametrize("kind", ["", "RSA ", "EC ", "OPENSSH ", "ENCRYPTED "])
def test_a_new_key_is_found_with_its_line(kind: str) -> None:
    """A key of any usual kind is cut out whole, with the number of its first line."""
    block = b"\n".join(key(kind))
    assert keys.new_key_blocks(b"one\ntwo\n" + block + b"\nend\n", ()) == [(3, block)]


def test_a_pgp_block_is_a_key() -> None:
    """The end line of a PGP key, which says BLOCK, ends it."""
    dashes = b"-" * 5
    name = b"PGP PRIVATE KEY " + b"BLOCK"
    text = dashes + b"BEGIN " + name + dashes + b"\nabc\n" + dashes + b"END " + name + dashes
    assert keys.new_key_blocks(text, ()) == [(1, text)]


def test_a_key_that_was_there_is_not_new() -> None:
    """Editing something else in a file does not blame its author for an old key."""
    block = b"\n".join(key())
    assert keys.new_key_blocks(b"changed\n" + block, [b"before\n" + block]) == []


def test_a_key_put_together_from_old_lines_is_new() -> None:
    """All lines were there, in another order: no line is new, and the key is."""
    lines = key()
    apart = b"\n".join([*reversed(lines)])
    whole = b"\n".join(lines)
    assert keys.new_key_blocks(whole, [apart]) == [(1, whole)]


def test_a_key_kept_apart_in_two_parents_is_new() -> None:
    """A merge that joins the halves of a key adds the key (SEC-3)."""
    lines = key()
    halves = [b"\n".join(lines[:10]), b"\n".join(lines[10:])]
    assert len(keys.new_key_blocks(b"\n".join(lines), halves)) == 1


def test_two_keys_are_two_blocks() -> None:
    """One block never swallows the next."""
    first, second = b"\n".join(key()), b"\n".join(key("EC "))
    found = keys.new_key_blocks(first + b"\n\n" + second, ())
    assert [block for _, block in found] == [first, second]


def test_mentions_key_is_true_of_every_key() -> None:
    """The cheap question never says no to a key."""
    assert keys.mentions_key(b"\n".join(key()))
    assert not keys.mentions_key(b"a public key")
