"""What is encoded is read as what it says (SEC-3)."""

from __future__ import annotations

import base64
import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orch_gates.content.views import decode

TEXTS = st.binary(min_size=1, max_size=60)


@given(TEXTS)
def test_hex_digits_spell_bytes(text: bytes) -> None:
    """In either case."""
    assert decode("decode-hex", text.hex().encode()) == text
    assert decode("decode-hex", text.hex().upper().encode()) == text


@given(TEXTS)
def test_percent_signs_spell_bytes(text: bytes) -> None:
    """Every byte, or only those that a url has to write so."""
    assert decode("decode-percent", b"".join(b"%%%02X" % byte for byte in text)) == text
    some = b"".join(bytes((b,)) if chr(b).isalnum() and b < 128 else b"%%%02x" % b for b in text)
    assert decode("decode-percent", some) == text


@pytest.mark.parametrize(
    ("rule", "form"),
    [
        ("decode-escape", "\\x{:02x}"),
        ("decode-escape", "\\u00{:02X}"),
        ("decode-escape", "\\u{{{:02x}}}"),
        ("decode-escape", "\\U000000{:02x}"),
        ("decode-array", "0x{:02x}, "),
        ("decode-entity", "&#x{:02x};"),
        ("decode-entity", "&#{};"),
    ],
)
def test_escapes_spell_characters(rule: str, form: str) -> None:
    """As string literals of most languages, lists of bytes, and XML write them."""
    token = secrets.token_hex(12).encode()
    assert decode(rule, "".join(form.format(byte) for byte in token).encode()) == token


@given(st.binary(min_size=20, max_size=20))
def test_base64_digits_spell_bytes(text: bytes) -> None:
    """With the sign at their end, or without it."""
    digits = base64.b64encode(text)
    assert decode("decode-base64", digits) == decode("decode-base64", digits.rstrip(b"=")) == text
