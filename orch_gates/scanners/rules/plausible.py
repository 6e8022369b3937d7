"""Whether the value of a generic rule is a secret: not a placeholder, a reference, a name, a version, or code."""

from __future__ import annotations

import re

from orch_gates.scanners.rules.paths import is_program, is_settings
from orch_gates.scanners.rules.words import PLACEHOLDERS, looks_random, unknown

# Behind names as common as "key" and "token" stand so many words that only what looks drawn counts.
_KEYS = frozenset({"generic-api-key", "generic-secret", "authorization-token"})
_QUOTES = frozenset({b'"', b"'", b"`", b";"})
# A longer line is no line that a person wrote; looking through all of it would cost more than it tells.
_LONG = 2_000
# A longer one is no version or date.
_LONGEST_PLAIN = 32
_NEAR = 120

# A value that names where the secret is, not what it is.
_REFERENCE = re.compile(
    rb"^encrypted:|^\$\w+$|^[$%@&#]\w+[%@#]?$|^[<{\[(].*[>}\])]$|[$%#@]\{|\{\{|\}\}|<[%/]|^<\w|\$\(|^%[sdv]|%\("
    rb"|^(?:self|this|os|process|config|env|settings|args|request|req|params|options|opts|ctx|context|data|user|secrets"
    rb"|var|local|module|each|Values|credentials|vault)[.\[]"
)
_PATH = re.compile(
    rb"^(?:\.{0,2}/|~/|[A-Za-z]:\\|[a-z][a-z0-9+.-]*://|www\.)"
    rb"|\.(?:py|js|ts|json|ya?ml|xml|html?|css|txt|md|pem|crt|key|pub|go|rb|java|sh|cfg|conf|ini|toml|php|png|svg|jpe?g"
    rb"|so|com|org|net|io|zip|gz|log|lock|cs|proto|sql|csv|properties|local)$|^\.[a-z]+$"
)
# A number, version, date, algorithm or media type.
_PLAIN = re.compile(
    rb"^(?:0x)?[0-9]+[.,:_/+-][0-9.,:_/+-]*$|^v?[0-9]+\.[0-9]+(?:\.[0-9]+)*(?:[-.]?[a-z]++[0-9]*+)*+$|(?:^|/)v[0-9]+(?:(?:alpha|beta)[0-9]*)?$"
    rb"|^(?:sha|aes|rsa|md|utf|iso|ecdsa|ed|hmac|des|pbkdf|base|tls|ssl|http|oauth|ipv|int|uint|float|str|u?char|bytes)"
    rb"[-_]?[0-9]{1,4}(?:[-_.][a-z0-9]{1,12})*$"
    rb"|^[0-9]{4}-[0-9]{2}-[0-9]{2}|^[au]rn:|^data:|^(?:application|text|image)/"
)
# Words, joined as names are; perhaps with a number at the end.
_WORDS = re.compile(
    rb"^[~@:!&*]?[0-9]?[A-Za-z_*]+(?:(?:\.|::|->|/|-|:|=)[A-Za-z_]+)*[!?:.]?$|^[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+$"
)
_NUMBERED = re.compile(rb"^[A-Za-z]+(?:[-_.][A-Za-z]+)*[-_.][A-Za-z]*[0-9]{0,3}$")
# Digits with a word behind them: no language has such a name, and a number only as `0x` or with its unit.
_NO_NAME = re.compile(rb"^(?!0[xXbBoO])[0-9]+(?![eE]?[0-9_])[A-Za-z]\w{7,}$")
_CODE = re.compile(rb"\w\(|\)$|\(\)|^[A-Za-z_]\w*\[|^\W+$|->|::|&&|\|\||=>|(?:%[0-9A-Fa-f]{2}.*){2}|\\[wdsb]|[aA]-[zZ]")
# Names of what is no secret though "key" or "token" stands in them.
_NO_SECRET = re.compile(
    rb"(?i)(?:public_?key|[a-z](?-i:I[dD]s?|Name)|[_.-](?:ids?|name)|arn|ur[il]|path|type|version|algorithm|prefix"
    rb"|(?:next|page|continuation|pagination)[_-]?token)[\"'\])\x60]{0,3}[ \t]{0,8}[:=>]{1,3}[ \t]{0,8}[\"'\x60]?$"
)
_PASSWORD_NAME = re.compile(rb"(?i)(?:pass(?:w(?:or)?d)?|pwd|pw)[\"'\])]{0,3}[ \t]{0,8}[:=>]{1,3}[ \t]{0,8}[\"']?$")
# In an address, what follows a name in place of the password is the host.
_STAND_IN = re.compile(rb":<[\w.-]+>$")
_COUNTING = b"01234567890123456789"


def plausible(rule: str, secret: bytes, line: bytes, path: str) -> bool:
    """Whether `secret` in `line` of a file at `path` can be one, given that a generic rule with this id matched it."""
    low = secret.lower()
    if any(word in low for word in PLACEHOLDERS) or len(set(low)) < 5:
        return False
    if _REFERENCE.search(secret) or _PATH.search(secret) or (len(secret) <= _LONGEST_PLAIN and _PLAIN.search(low)):
        return False
    at = max(line.find(secret), 0)
    before = line[max(at - _NEAR, 0) : at]
    if secret.startswith(b"@") and _STAND_IN.search(before):
        return False
    # In quotes it is a text, whatever it looks like.
    code = before[-1:] not in _QUOTES and _CODE.search(secret) is not None
    bare = before[-1:] not in _QUOTES and not _inside(before)
    expression = is_program(path) and bare and not _NO_NAME.match(secret)
    if expression and len(line) < _LONG and line.count(secret) > 1:
        return False
    if rule in _KEYS:
        drawn = looks_random(secret.decode("latin-1"), strict=expression or _listed(before) or before[-1:] == b">")
        return drawn and not (code or _NO_SECRET.search(before))
    return _password(secret, strict=expression, code=code) or (not expression and _typed(secret, before, path))


def _password(secret: bytes, *, strict: bool, code: bool) -> bool:
    """Passwords are typed as often as drawn, so words with something added count, words alone do not."""
    text = secret.decode("utf-8", "replace")
    if not text.isascii() and (text.isalpha() or sum(not c.isascii() for c in text) * 4 > len(text)):
        return False
    if _NUMBERED.match(secret) and unknown(text) <= 4:
        return False
    random = looks_random(text, strict=strict) and len(secret) >= 8
    if strict or _WORDS.match(secret):
        return random
    if code or not any(c.isalpha() for c in text):
        return False
    if _CODE.search(secret):
        return random
    return random or unknown(text) > 2 or any(c.isdigit() for c in text)


def _typed(secret: bytes, before: bytes, path: str) -> bool:
    """Passwords of digits alone, and of letters alone in files of settings: `petclinic` there is no word of a text."""
    if secret.isdigit():
        return len(secret) >= 6 and secret not in _COUNTING and secret not in _COUNTING[::-1]
    text = secret.decode("latin-1")
    if not (secret.isalpha() and text.islower() and is_settings(path)):
        return False
    return unknown(text) >= 3 and _PASSWORD_NAME.search(before) is not None


def _inside(before: bytes) -> bool:
    """Whether a string that was opened earlier in the line goes on."""
    return before.count(b'"') % 2 == 1 or before.count(b"'") % 2 == 1 or before.count(b"`") % 2 == 1


def _listed(before: bytes) -> bool:
    """Whether the secret follows a comma or begins its line in quotes, as the next item of a list does."""
    bare = before.rstrip(b" \t\"'`")
    return bare.endswith(b",") or (not bare.strip() and before[-1:] in (b'"', b"'"))
