"""The alphabets that token formats are written in, by the names that `own.toml` uses."""

from __future__ import annotations

import string

_DIGITS, _LOWER, _UPPER = string.digits, string.ascii_lowercase, string.ascii_uppercase

ALPHABETS = {
    "digit": _DIGITS,
    "lower": _LOWER,
    "upper": _UPPER,
    "letter": _UPPER + _LOWER,
    "lowernum": _DIGITS + _LOWER,
    "uppernum": _DIGITS + _UPPER,
    "alnum": _DIGITS + _UPPER + _LOWER,
    "word": _DIGITS + _UPPER + _LOWER + "_",
    "hex": _DIGITS + "abcdef",
    "HEX": _DIGITS + "ABCDEF",
    "anyhex": _DIGITS + "abcdefABCDEF",
    "base32": _UPPER + "234567",
    "lowbase32": _LOWER + "234567",
    "base58": "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz",
    "base64": _DIGITS + _UPPER + _LOWER + "+/",
    "base64pad": _DIGITS + _UPPER + _LOWER + "+/=",
    "base64url": _DIGITS + _UPPER + _LOWER + "-_",
    "urlsafe": _DIGITS + _UPPER + _LOWER + "-_=.",
    "bech32": "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L",
    "azuread": _DIGITS + _UPPER + _LOWER + "_~.",
    "azureadtail": _DIGITS + _UPPER + _LOWER + "_~.-",
    "escaped": _DIGITS + _UPPER + _LOWER + "%",
    "dns": _DIGITS + _LOWER + "-",
}


def regex_class(alphabet: str) -> str:
    """A character class for the characters of `alphabet`, with its runs folded to ranges."""
    codes = sorted({ord(character) for character in alphabet})
    runs: list[list[int]] = []
    for code in codes:
        if runs and code == runs[-1][1] + 1:
            runs[-1][1] = code
        else:
            runs.append([code, code])
    return "[" + "".join(_run(first, last) for first, last in runs) + "]"


def _run(first: int, last: int) -> str:
    if last - first < 2:
        return "".join(_literal(code) for code in range(first, last + 1))
    return f"{_literal(first)}-{_literal(last)}"


def _literal(code: int) -> str:
    character = chr(code)
    return character if character.isalnum() or character == "_" else "\\" + character
