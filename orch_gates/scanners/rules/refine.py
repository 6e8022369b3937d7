"""Which raw matches count: entropy, placeholders, words and code, checksums. Pure, and fast for the common no."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence

from orch_gates.scanners.rules.checksums import CHECKSUMS
from orch_gates.scanners.rules.meta import RuleMeta
from orch_gates.scanners.rules.paths import exempt
from orch_gates.scanners.rules.structure import STRUCTURES
from orch_gates.scanners.rules.words import PLACEHOLDERS, TOKEN_PLACEHOLDERS, looks_random, unknown

# A wrong checksum makes a token less likely, so it has to look more random; it never decides alone.
_DOUBT = 0.6
# Generic rules whose matches are judged first; the others follow, all in the order of their names.
_FIRST = ("generic-api-key", "generic-password", "generic-secret")
# Behind names as common as "key" and "token" stand so many words that only what looks drawn counts.
_KEYS = frozenset({"generic-api-key", "generic-secret", "authorization-token"})

# A value that names where the secret is, not what it is.
_REFERENCE = re.compile(
    rb"^\$\w+$|^[$%@&#]\w+[%@#]?$|^[<{\[(].*[>}\])]$|[$%#@]\{|\{\{|\}\}|<[%/]|^<\w|\$\(|^%[sdv]|%\("
    rb"|^(?:self|this|os|process|config|env|settings|args|request|req|params|options|opts|ctx|context|data|user|secrets"
    rb"|var|local|module|each|Values|credentials|vault)[.\[]"
)
_PATH = re.compile(
    rb"^(?:\.{0,2}/|~/|[A-Za-z]:\\|[a-z][a-z0-9+.-]*://|www\.)"
    rb"|\.(?:py|js|ts|json|ya?ml|xml|html?|css|txt|md|pem|crt|key|pub|go|rb|java|sh|cfg|conf|ini|toml|php|png|svg|jpe?g|so"
    rb"|com|org|net|io|zip|gz|log|lock|cs|proto|sql|csv|properties|local)$"
)
_NAME = re.compile(rb"^[~@:!&*]?[A-Za-z_]+(?:(?:\.|::|->|/|-|:|=)[A-Za-z_]+)*[!?:.]?$")
# Words joined to a name, perhaps with a number at its end.
_IDENTIFIER = re.compile(rb"^[A-Za-z]+(?:[-_.][A-Za-z]+)*[-_.][A-Za-z]*[0-9]{0,3}$")
_API_VERSION = re.compile(rb"(?:^|/)v[0-9]+(?:(?:alpha|beta)[0-9]*)?$")
_DOTTED = re.compile(rb"^[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+$")
_CODE = re.compile(rb"\w\(|\)$|\(\)|^[A-Za-z_]\w*\[|^\W+$|->|::|&&|\|\||=>|(?:%[0-9A-Fa-f]{2}.*){2}|\\[wdsb]")
_PLAIN = re.compile(
    rb"^(?:0x)?[0-9][0-9.,:_/+-]*$|^v?[0-9]+\.[0-9]+(?:\.[0-9]+)*(?:[-.]?[a-z]+[0-9]*)?$"
    rb"|^(?:sha|aes|rsa|md|utf|iso|ecdsa|ed|hmac|des|pbkdf|base|tls|ssl|http|oauth|ipv|int|uint|float|str|u?char|bytes)"
    rb"[-_]?[0-9]{1,4}(?:[-_.][a-z0-9]{1,12})*$"
    rb"|^[ar]n:|^data:|^(?:application|text|image)/"
)
# In these files a value without quotes is an expression.
_PROGRAMS = """
    .py .js .mjs .cjs .jsx .ts .tsx .go .java .kt .kts .scala .c .h .cc .cpp .hpp .cs .rs .rb .php .swift .m .lua .pl
    .pm .ex .exs .erl .hs .clj .dart .groovy .vue .svelte .sol .zig .nim .jl .r .vb .fs .ipynb
"""
_PROGRAM_ENDINGS = tuple(_PROGRAMS.split())


def order(rule: RuleMeta) -> tuple[int, str]:
    """The order in which matches of one place are judged: a format before a provider's name before a generic rule."""
    if not rule.generic:
        return (1 if rule.named else 0, rule.id)
    return (2 + (_FIRST.index(rule.id) if rule.id in _FIRST else len(_FIRST)), rule.id)


def counts(rule: RuleMeta, secret: bytes, line: bytes, *, path: str, also: Sequence[str], decoded: bool) -> bool:
    """Whether a match of `rule` is a finding.

    `line` is the line of the match, `path` where it stands ("" in messages and names). `also` are the ids of the rules
    that count already at an overlapping place, judged in the order of `order`, the longest first: where one does, a rule that rests on a
    name has nothing to add. `decoded` says that the text was encoded: then the line is not the one around it.
    """
    if rule.helper or len(secret) < rule.least or not _applies(rule, path, also):
        return False
    if rule.require and not STRUCTURES[rule.require](secret):
        return False
    verified = CHECKSUMS[rule.checksum](secret) if rule.checksum else None
    if verified:
        return True
    floor = rule.entropy + (_DOUBT if verified is False else 0.0)
    if entropy(secret) <= floor:
        return False
    low = secret.lower()
    if any(word in low for word in TOKEN_PLACEHOLDERS):
        return False
    if rule.generic:
        if decoded and not _not_written(secret):
            return False
        return _plausible(rule, secret, low, line, path)
    return not rule.named or _not_written(secret)


def _applies(rule: RuleMeta, path: str, also: Sequence[str]) -> bool:
    if rule.id in also:
        return False
    if rule.paths and path and not path.lower().endswith(rule.paths):
        return False
    if rule.generic:
        return not also and not exempt(path)
    return not (rule.named and also)


def entropy(secret: bytes) -> float:
    """Shannon entropy, in bits a byte."""
    size = len(secret)
    return -sum(n / size * math.log2(n / size) for n in Counter(secret).values()) if size else 0.0


def _not_written(secret: bytes) -> bool:
    return looks_random(secret.decode("latin-1")) or sum(48 <= byte < 58 for byte in secret) >= 5


def _plausible(rule: RuleMeta, secret: bytes, low: bytes, line: bytes, path: str) -> bool:
    if any(word in low for word in PLACEHOLDERS) or len(set(low)) < 5:
        return False
    if _REFERENCE.search(secret) or _PATH.search(secret) or _PLAIN.search(low):
        return False
    if line.count(secret) > 1 and not _quoted(secret, line):
        return False
    text = secret.decode("utf-8", "replace")
    random = looks_random(text)
    if rule.id in _KEYS:
        return random and not _CODE.search(secret) and not _API_VERSION.search(secret)
    if not text.isascii() and (text.isalpha() or sum(not c.isascii() for c in text) * 4 > len(text)):
        return False
    if _IDENTIFIER.match(secret) and unknown(text) <= 4:
        return False
    if _NAME.match(secret) or _DOTTED.match(secret):
        return random and len(secret) >= 8
    if _CODE.search(secret) or not any(c.isalpha() for c in text):
        return False
    if path.lower().endswith(_PROGRAM_ENDINGS) and not _quoted(secret, line):
        return random and len(secret) >= 8
    return random or unknown(text) > 2 or any(c.isdigit() for c in text)


def _quoted(secret: bytes, line: bytes) -> bool:
    at = line.find(secret)
    return at > 0 and line[at - 1 : at] in b"\"'`;"
