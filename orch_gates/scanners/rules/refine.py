"""Which raw matches count: entropy, placeholders, words and code, checksums. Pure, and fast for the common no."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence

from orch_gates.scanners.rules.checksums import CHECKSUMS
from orch_gates.scanners.rules.meta import RuleMeta
from orch_gates.scanners.rules.paths import exempt
from orch_gates.scanners.rules.plausible import plausible
from orch_gates.scanners.rules.structure import STRUCTURES
from orch_gates.scanners.rules.words import TOKEN_PLACEHOLDERS, looks_random

# A wrong checksum makes a token less likely, so it has to look more random; it never decides alone.
_DOUBT = 0.6
# Generic rules whose matches are judged first; the others follow, all in the order of their names.
_FIRST = ("generic-api-key", "generic-password", "generic-secret")
# Eight times one character; except A, which is base64 of nothing.
_REPEATED = re.compile(rb"([B-Zb-z0-9*._-])\1{7}")


def order(rule: RuleMeta) -> tuple[int, str]:
    """The order in which matches of one place are judged: a format before a provider's name before a generic rule."""
    if not rule.generic:
        return (1 if rule.named else 0, rule.id)
    return (2 + (_FIRST.index(rule.id) if rule.id in _FIRST else len(_FIRST)), rule.id)


def counts(rule: RuleMeta, secret: bytes, line: bytes, *, path: str, also: Sequence[str], decoded: bool) -> bool:
    """Whether a match of `rule` is a finding.

    `line` is the line of the match, `path` where it stands ("" in messages and names). `also` are the ids of the rules
    that count already at an overlapping place, judged in the order of `order`, the longest match first: where one
    does, a rule that rests on a name has nothing to add. `decoded` says that the text was encoded: then `line` is what
    it was decoded to.
    """
    if rule.helper or len(secret) < rule.least or not _applies(rule, path, also):
        return False
    if rule.require and not STRUCTURES[rule.require](secret):
        return False
    verified = CHECKSUMS[rule.checksum](secret) if rule.checksum else None
    if verified:
        return True
    if entropy(secret) <= rule.entropy + (_DOUBT if verified is False else 0.0):
        return False
    if not rule.require and _says_placeholder(secret):
        return False
    if rule.generic:
        return (not decoded or _drawn(secret)) and plausible(rule.id, secret, line, path)
    return not rule.named or _drawn(secret)


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


def _says_placeholder(secret: bytes) -> bool:
    low = secret.lower()
    return any(word in low for word in TOKEN_PLACEHOLDERS) or _REPEATED.search(secret) is not None


def _drawn(secret: bytes) -> bool:
    return looks_random(secret.decode("latin-1")) or sum(48 <= byte < 58 for byte in secret) >= 5
