"""Makes the rule file of the engine: rules chosen from the wheel's catalogue, cut down, and our own table."""

from __future__ import annotations

import json
import re
import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from orch_gates.errors import ScannerError
from orch_gates.scanners.rules import pin
from orch_gates.scanners.rules.table import RuleRow, rows

DISTRIBUTION = "kingfisher-secret-scanner"
_CATALOGUE = Path(__file__).with_name("catalogue.toml")
_ORIGIN = re.compile(r"^(?:betterleaks\.|veles\.secrets/)")
_NUMBER = re.compile(r"\.\d+\Z")
_WORD_START = re.compile(r"^((?:\(\?[a-z]+\))?)\\b(?=\()")
_BEFORE = r"(?:^|[^0-9A-Za-z_]|\\[nrt])"
_LETTERS = re.compile(r"[A-Za-z]{3}")
# The catalogue asks more of some formats than random tokens always have.
_MOST_ENTROPY = 3.0


@dataclass(frozen=True, slots=True)
class Derived:
    """`rules` is the file for the engine, `meta` the document that `meta.load` reads."""

    rules: bytes
    meta: bytes


def derive() -> Derived:
    """Derive the rules from the installed wheel and our own table; the same bytes on every machine.

    Raises:
        ScannerError: another wheel is installed, it lacks a rule, or the result is not what is committed.
    """
    derived = build()
    if pin.digest(derived.rules, derived.meta) != pin.DIGEST:
        raise ScannerError(
            f"the rules derived from {DISTRIBUTION} {pin.WHEEL} are not those that were committed; "
            "install orch-gates again"
        )
    return derived


def build() -> Derived:
    """Derive without comparing the digest: for the one who changes the table.

    Raises:
        ScannerError: another wheel is installed, or it lacks a rule.
    """
    try:
        installed = metadata.version(DISTRIBUTION)
    except metadata.PackageNotFoundError as error:
        raise ScannerError(f"{DISTRIBUTION} is not installed; run `pip install {DISTRIBUTION}=={pin.WHEEL}`") from error
    if installed != pin.WHEEL:
        raise ScannerError(
            f"{DISTRIBUTION} is {installed}, the rules are made for {pin.WHEEL}; "
            f"run `pip install {DISTRIBUTION}=={pin.WHEEL}`"
        )
    return render([*rows(), *_catalogue(_read()["ids"])])


def _read() -> dict[str, Any]:
    try:
        return tomllib.loads(_CATALOGUE.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ScannerError(
            f"{_CATALOGUE.name} of the installed package cannot be read; install orch-gates again"
        ) from error


def render(every: Sequence[RuleRow]) -> Derived:
    """The two documents for a sequence of rows; rows that share an id are told apart by a number."""
    seen: Counter[str] = Counter()
    engine: list[dict[str, object]] = []
    described: dict[str, dict[str, object]] = {"pkcs12-file": _description(_PKCS12)}
    for row in every:
        seen[row.id] += 1
        key = row.id if seen[row.id] == 1 else f"{row.id}.{seen[row.id]}"
        engine.append(_engine(key, row))
        described[key] = _description(row)
    return Derived(_json({"rules": engine}), _json({"rules": described}))


_PKCS12 = RuleRow("pkcs12-file", "PKCS#12 file, which holds a private key", "path", "", 0.0)


def _engine(key: str, row: RuleRow) -> dict[str, object]:
    rule: dict[str, object] = {
        "name": row.what,
        "id": key,
        "pattern": row.pattern,
        # A wrong guess here would be silent, so the exact floor is left to refine.counts.
        "min_entropy": 0.0 if row.checksum or row.kind == "helper" else round(max(row.entropy - 0.01, 0.0), 2),
        "confidence": "medium",
        "betterleaks_secret_group": row.group,
    }
    if row.kind == "helper":
        rule["visible"] = False
    if row.digits:
        rule["pattern_requirements"] = {"min_digits": row.digits}
    return rule


def _description(row: RuleRow) -> dict[str, object]:
    return {
        "id": row.id,
        "what": row.what,
        "kind": row.kind,
        "entropy": row.entropy,
        "least": row.least,
        "checksum": row.checksum,
        "require": row.require,
        "paths": [],
    }


def _json(document: Mapping[str, object]) -> bytes:
    # JSON is YAML, and is written in one way only.
    return json.dumps(document, ensure_ascii=True, separators=(",", ":"), sort_keys=True).encode("ascii") + b"\n"


def _catalogue(ids: Sequence[str]) -> list[RuleRow]:
    import kingfisher_sdk

    known = kingfisher_sdk.Rules(confidence="low", cache=False)
    try:
        details = [known.detail(name) for name in sorted(ids)]
    except ValueError as error:
        raise ScannerError(f"the catalogue of {DISTRIBUTION} lacks a rule; install orch-gates again") from error
    ending = _usual_ending([detail["pattern"] for detail in details])
    return [_row(detail, ending) for detail in details]


def _row(detail: Mapping[str, Any], ending: str) -> RuleRow:
    pattern = str(detail["pattern"])
    return RuleRow(
        id=stable_id(detail["id"]),
        what=str(detail["name"]).partition(",")[0].strip(),
        kind="named" if _needs_name(pattern) else "format",
        pattern=_unbound(pattern, ending),
        group=int(detail["betterleaks_secret_group"] or 0),
        entropy=min(_entropy(detail["betterleaks_filter"]), _MOST_ENTROPY),
    )


def stable_id(catalogued: str) -> str:
    """Our id of a rule of the catalogue: without where it comes from and which variant it is."""
    return _NUMBER.sub("", _ORIGIN.sub("", catalogued)).replace("/", "-")


def _usual_ending(patterns: Sequence[str]) -> str:
    """The group that most patterns end in: what may follow a token."""
    endings = Counter(pattern[start:] for pattern in patterns if (start := _last_group(pattern)) > 0)
    return endings.most_common(1)[0][0] if endings else ""


def _last_group(pattern: str) -> int:
    """Where the last group of a pattern that ends in one begins; 0 for none."""
    depth, at = 0, len(pattern) - 1
    while at > 0:
        escaped = pattern[at - 1] == "\\" and pattern[at - 2 : at - 1] != "\\"
        if not escaped:
            depth += (pattern[at] == ")") - (pattern[at] == "(")
        if depth == 0:
            return at if pattern[at] == "(" else 0
        at -= 1
    return 0


def _unbound(pattern: str, ending: str) -> str:
    """The pattern with wider edges: any character that cannot be part of a token, also in escaped text."""
    if ending and pattern.endswith(ending):
        pattern = pattern.removesuffix(ending) + r"(?:[^0-9A-Za-z_=\-]|$)"
    return _WORD_START.sub(lambda found: found[1] + _BEFORE, pattern)


def _needs_name(pattern: str) -> bool:
    """Whether text stands before the first group of a pattern: a name that has to be beside the token."""
    group = re.search(r"\((?!\?)", pattern)
    if group is None:
        return False
    before = re.sub(r"\\.|\[[^\]]*\]|\(\?[a-z-]*:?|\{[^}]*\}", " ", pattern[: group.start()])
    return _LETTERS.search(before) is not None


def _entropy(node: object) -> float:
    """The bits that the filter of a rule asks for: the constant that an entropy is compared with."""
    if isinstance(node, list):
        return max((_entropy(item) for item in node), default=0.0)
    if not isinstance(node, dict):
        return 0.0
    left = node.get("left")
    if node.get("operator") in {"<", "<="} and isinstance(left, dict) and left.get("kind") == "call":
        callee, right = left.get("callee"), node.get("right")
        if isinstance(callee, dict) and callee.get("value") == "entropy" and isinstance(right, dict):
            return float(right["value"])
    return max((_entropy(value) for value in node.values()), default=0.0)
