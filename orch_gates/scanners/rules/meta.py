"""What the run has to know about a rule, beside its pattern: small values, read fast."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from orch_gates.errors import ScannerError


@dataclass(frozen=True, slots=True)
class RuleMeta:
    """One rule of the engine.

    `id` is stable and what exceptions name; several rules of the engine may share it.
    `generic`: the name beside the text is all that makes it a secret; `named`: a provider's name does.
    `helper`: the match is no finding but text worth decoding. `by_path`: found by `paths.by_path`, not by the engine.
    `entropy` is what the secret must exceed, `least` its least length; `paths` are endings it is bound to, if any.
    `checksum` and `require` name functions in `checksums.py` and `structure.py`.
    """

    id: str
    description: str
    generic: bool = False
    named: bool = False
    helper: bool = False
    by_path: bool = False
    entropy: float = 0.0
    least: int = 0
    checksum: str = ""
    require: str = ""
    paths: tuple[str, ...] = ()


def load(meta: bytes) -> Mapping[str, RuleMeta]:
    """The rules by the id that the engine reports.

    Raises:
        ScannerError: the document is not what `derive` writes.
    """
    try:
        document = json.loads(meta)
        return MappingProxyType(
            {
                key: RuleMeta(
                    rule["id"],
                    rule["what"],
                    rule["kind"] == "generic",
                    rule["kind"] == "named",
                    rule["kind"] == "helper",
                    rule["kind"] == "path",
                    rule["entropy"],
                    rule["least"],
                    rule["checksum"],
                    rule["require"],
                    tuple(rule["paths"]),
                )
                for key, rule in document["rules"].items()
            }
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ScannerError("the rules of this installation cannot be read; run `orch-gates setup` again") from error
