"""What some secrets have to be made of, beyond what a pattern can say. Each function answers whether it holds."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping

from orch_gates.scanners.rules.words import PLACEHOLDERS, looks_random

_BASE64_RUN = re.compile(rb"[A-Za-z0-9+/]{16,}={0,2}")
_MARKER = re.compile(rb"(?i)-----?[ ]?(?:BEGIN|END)[ \w-]{0,110}-----?")
_REFERENCE = re.compile(rb"[$%#]\{|\{\{|<[%\w]|\$[A-Za-z_(]|^[$%@&{<(\[]|%[sdv]|%\(")
_COMMON = frozenset(
    b"password passwd pass secret token admin root user username guest test postgres mysql redis mongo mongodb "
    b"rabbitmq pwd credentials credential pw key value none null true false string".split()
)

# Keys of a manifest that hold no secret, where its metadata comes last.
_MANIFEST = frozenset({b"name", b"namespace", b"type", b"kind", b"apiVersion", b"app", b"uid", b"creationTimestamp"})


def no_placeholder(secret: bytes) -> bool:
    """It is none of the words that stand where a secret belongs, and no reference to a variable."""
    low = secret.lower()
    if low in _COMMON or len(set(low)) < 3 or _REFERENCE.search(secret):
        return False
    return not any(word in low for word in PLACEHOLDERS)


def user_password(secret: bytes) -> bool:
    """Base64 of a user and a password with a colon between them."""
    try:
        user, colon, password = base64.b64decode(secret + b"=" * (-len(secret) % 4)).partition(b":")
    except (ValueError, binascii.Error):
        return False
    return bool(colon) and len(password) >= 4 and (user + password).isascii() and no_placeholder(password)


def kubernetes(secret: bytes) -> bool:
    """A key with a value that is either base64 or typed in, and no placeholder."""
    key, _, value = secret.partition(b":")
    value = value.strip(b" \t\r\n|>+-\"'")
    return key not in _MANIFEST and len(value) >= 6 and no_placeholder(value)


def key_body(secret: bytes) -> bool:
    """Between the markers of a private key stand at least 40 characters of base64, and not of words."""
    body = _MARKER.sub(b"", secret)
    runs = [run for run in _BASE64_RUN.findall(body) if looks_random(run.decode("ascii"))]
    return sum(map(len, runs)) >= 40


STRUCTURES: Mapping[str, Callable[[bytes], bool]] = {
    "no-placeholder": no_placeholder,
    "user-password": user_password,
    "kubernetes": kubernetes,
    "key-body": key_body,
}
