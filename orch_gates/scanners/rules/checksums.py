"""Checksums inside tokens: a right one proves a token, a wrong one makes it less likely."""

from __future__ import annotations

import base64
import binascii
import json
import string
import zlib
from collections.abc import Callable, Mapping

_BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase
_BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_BECH32_STEPS = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)


def github(secret: bytes) -> bool | None:
    """GitHub and npm: the last six characters are the CRC32 of the random part in base62."""
    body = secret.rpartition(b"_")[2]
    if len(body) != 36:
        return None
    return base62(zlib.crc32(body[:-6])).encode("ascii") == body[-6:]


def base62(number: int) -> str:
    """A CRC32 in base62, six characters."""
    digits = ""
    for _ in range(6):
        number, rest = divmod(number, 62)
        digits = _BASE62[rest] + digits
    return digits


def grafana(secret: bytes) -> bool:
    """Grafana service accounts: eight hexadecimal digits are the CRC32 of what stands before them."""
    body, _, check = secret.rpartition(b"_")
    crc = zlib.crc32(body)
    return check.lower() in {crc.to_bytes(4, order).hex().encode("ascii") for order in ("big", "little")}


def pypi(secret: bytes) -> bool:
    """PyPI: base64 of a macaroon that names its location and ends in a signature."""
    raw = _unbase64url(secret.removeprefix(b"pypi-"))
    return raw is not None and raw[:2] == b"\x02\x01" and raw[-34:-32] == b"\x06\x20"


def jwt(secret: bytes) -> bool:
    """JSON Web Tokens: the first two parts are JSON objects, and the first names an algorithm."""
    parts = secret.split(b".")
    if len(parts) < 2:
        return False
    header, claims = (_json(part) for part in parts[:2])
    return isinstance(header, dict) and "alg" in header and isinstance(claims, dict)


def bech32(secret: bytes) -> bool:
    """age: Bech32 with its checksum of six characters."""
    text = secret.decode("ascii", "replace").lower()
    prefix, one, data = text.rpartition("1")
    if not one or any(character not in _BECH32 for character in data):
        return False
    values = [ord(c) >> 5 for c in prefix] + [0] + [ord(c) & 31 for c in prefix] + [_BECH32.index(c) for c in data]
    check = 1
    for value in values:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for bit, step in enumerate(_BECH32_STEPS):
            check ^= step if top >> bit & 1 else 0
    return check == 1


def _json(part: bytes) -> object:
    raw = _unbase64url(part)
    try:
        return json.loads(raw) if raw is not None else None
    except (ValueError, RecursionError):
        return None


def _unbase64url(text: bytes) -> bytes | None:
    try:
        return base64.urlsafe_b64decode(text + b"=" * (-len(text) % 4))
    except (ValueError, binascii.Error):
        return None


CHECKSUMS: Mapping[str, Callable[[bytes], bool | None]] = {
    "github": github,
    "grafana": grafana,
    "pypi": pypi,
    "jwt": jwt,
    "bech32": bech32,
}
