"""Runs our own rows in the real matcher and judges what it reports, for the tests of the rules."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import kingfisher_sdk

from orch_gates.scanners.rules import derive, meta, refine, shapes, table
from orch_gates.scanners.rules.meta import RuleMeta

OWN = table.rows()


@dataclass(frozen=True, slots=True)
class Hit:
    """A match as the engine reports it; `rule` is the engine's id."""

    rule: str
    start: int
    end: int
    secret: bytes
    decoded: bool


class Matcher:
    """The engine with our own rows; the catalogue would only add seconds."""

    def __init__(self, folder: Path) -> None:
        derived = derive.render(OWN)
        file = folder / "rules.yml"
        file.write_bytes(derived.rules)
        self.meta: Mapping[str, RuleMeta] = meta.load(derived.meta)
        loaded = kingfisher_sdk.Rules([file], builtins=False, confidence="low", cache=False)
        self._scanner = kingfisher_sdk.Scanner(loaded)

    def hits(self, data: bytes) -> list[Hit]:
        """Every raw match."""
        found = []
        for finding in self._scanner.scan(data):
            start, end = finding.location["start_offset"], finding.location["end_offset"]
            encoded = finding.is_base64_encoded
            secret = finding.secret.encode() if encoded else data[start:end]
            found.append(Hit(finding.rule_id, start, end, secret, encoded))
        return found

    def findings(self, data: bytes, path: str = "") -> list[tuple[str, bytes]]:
        """What counts of them, as (stable id, secret)."""
        counted: list[Hit] = []
        for hit in sorted(self.hits(data), key=lambda hit: (refine.order(self.meta[hit.rule]), -len(hit.secret))):
            also = [self.meta[o.rule].id for o in counted if o.start < hit.end and hit.start < o.end]
            line = data[data.rfind(b"\n", 0, hit.start) + 1 :].partition(b"\n")[0] if not hit.decoded else hit.secret
            if refine.counts(self.meta[hit.rule], hit.secret, line, path=path, also=also, decoded=hit.decoded):
                counted.append(hit)
        return [(self.meta[hit.rule].id, hit.secret) for hit in counted]


def token(row: table.RuleRow, shape: str, seed: int) -> str:
    """A random token of a row; the same for the same seed."""
    dice = random.Random(seed)

    def choose(alphabet: str, least: int, most: int | None) -> str:
        return "".join(dice.choice(alphabet) for _ in range(dice.randint(least, most or least + 40)))

    return shapes.example(shapes.parse(shape), choose)


def drawn(alphabet: str, length: int, seed: int) -> str:
    """A random text; the same for the same seed."""
    dice = random.Random(seed)
    return "".join(dice.choice(alphabet) for _ in range(length))


def secrets(found: Sequence[tuple[str, bytes]]) -> set[bytes]:
    """The secrets of findings."""
    return {secret for _, secret in found}
