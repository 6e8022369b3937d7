"""Decoding what a helper rule reports: text in hex digits, percent signs or escapes (SEC-3)."""

from __future__ import annotations

import binascii
import re

_HEX = re.compile(rb"[0-9A-Fa-f]{2}")
_PERCENT = re.compile(rb"%([0-9A-Fa-f]{2})")
_ESCAPE = re.compile(rb"\\(?:x|u00|u\{(?:00)?|U000000)([0-9A-Fa-f]{2})\}?")
_ARRAY = re.compile(rb"0x([0-9A-Fa-f]{2})")
_ENTITY = re.compile(rb"&#(?:x([0-9A-Fa-f]{2})|([0-9]{2,3}));")


def decode(rule: str, text: bytes) -> bytes:
    """The bytes that a run of encoded text spells; each helper rule names one encoding."""
    match rule:
        case "decode-hex":
            return bytes.fromhex(b"".join(_HEX.findall(text)).decode("ascii"))
        case "decode-base64":
            digits = text.rstrip(b"=")
            # A last digit alone spells nothing.
            digits = digits[: len(digits) - (len(digits) % 4 == 1)]
            return binascii.a2b_base64(digits + b"=" * (-len(digits) % 4))
        case "decode-percent":
            return _PERCENT.sub(_byte, text)
        case "decode-escape":
            return _ESCAPE.sub(_byte, text)
        case "decode-array":
            return bytes(int(digits, 16) for digits in _ARRAY.findall(text))
        case "decode-entity":
            return _ENTITY.sub(lambda found: _byte(found) if found[1] else bytes((int(found[2]) & 255,)), text)
        case _:
            raise ValueError(f"{rule} is no helper rule")


def _byte(found: re.Match[bytes]) -> bytes:
    return bytes((int(found[1], 16),))
