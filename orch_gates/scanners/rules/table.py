"""Our own table of rules: reads `own.toml` and `text.toml`, and builds the pattern of every row."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orch_gates.errors import ScannerError
from orch_gates.scanners.rules import shapes

_HERE = Path(__file__).parent
_PART = re.compile(r"<([a-z]+)>")
# A letter or digit before a token makes it part of a longer word, unless it is the n of an escaped line end.
_BEFORE = r"(?:^|[^0-9A-Za-z]|\\[nrt])"
# From a name to its value: the rest of the name, what closes it, an operator, what opens the value.
_NEAR = r"[\w.\-]{0,24}<shut><gap><op>[ \t=]{0,24}<open>?"


@dataclass(frozen=True, slots=True)
class RuleRow:
    """One rule of ours, ready for the engine.

    `kind` is `format` where the text alone proves the secret, `named` where a provider's name beside it is needed
    or the shape proves little,
    `generic` where a name like "password" is all there is, `helper` where the match is only worth decoding.
    """

    id: str
    what: str
    kind: str
    pattern: str
    entropy: float = 3.0
    least: int = 0
    digits: int = 0
    checksum: str = ""
    require: str = ""
    group: int = 0
    shapes: tuple[str, ...] = ()
    near: tuple[str, ...] = ()


def rows() -> tuple[RuleRow, ...]:
    """Every row of both files, in their order.

    Raises:
        ScannerError: a row that cannot be read.
    """
    text = _read("text.toml")
    parts: Mapping[str, str] = text["part"]
    tokens = [_token(row, parts) for row in _read("own.toml")["token"]]
    return (*tokens, *(_text(row, parts) for row in text["rule"]))


def _read(name: str) -> dict[str, Any]:
    try:
        return tomllib.loads((_HERE / name).read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ScannerError(f"{name} of the installed package cannot be read; install orch-gates again") from error


def _token(row: Mapping[str, Any], parts: Mapping[str, str]) -> RuleRow:
    near: tuple[str, ...] = tuple(row.get("near", ()))
    return RuleRow(
        id=row["id"],
        what=row["what"],
        kind="named" if near or row.get("weak") else "format",
        pattern=token_pattern(row["shape"], near, parts, anywhere=row.get("anywhere", False)),
        entropy=row.get("entropy", 3.0),
        checksum=row.get("checksum", ""),
        shapes=tuple(row["shape"]),
        near=near,
    )


def token_pattern(shape: Sequence[str], near: Sequence[str], parts: Mapping[str, str], *, anywhere: bool) -> str:
    """The pattern of a token: its shapes between edges, each in a group of its own; behind a name if `near` says so.

    A token that may stand `anywhere` has no edge before it, and none behind it where its shape has a longest length.
    """
    each = []
    for one in shape:
        parsed = shapes.parse(one)
        edge = "" if anywhere and shapes.has_end(parsed) else shapes.edge_after(parsed)
        each.append(f"({shapes.pattern(parsed)}){edge}")
    body = each[0] if len(each) == 1 else f"(?:{'|'.join(each)})"
    if near:
        return f"(?i:{'|'.join(re.escape(word) for word in near)}){expand(_NEAR, parts)}{body}"
    return body if anywhere else _BEFORE + body


def expand(pattern: str, parts: Mapping[str, str]) -> str:
    """A pattern of `text.toml` with the parts that it names put in.

    Raises:
        ScannerError: it names a part that there is none of.
    """
    unknown = {name for name in _PART.findall(pattern) if name not in parts and not pattern.count(f"P<{name}>")}
    if unknown:
        raise ScannerError(f"text.toml names unknown parts: {', '.join(sorted(unknown))}")
    return _PART.sub(lambda found: parts.get(found[1], found[0]), pattern)


def _text(row: Mapping[str, Any], parts: Mapping[str, str]) -> RuleRow:
    return RuleRow(
        id=row["id"],
        what=row["what"],
        kind=row["kind"],
        pattern=expand(row["pattern"], parts),
        entropy=row.get("entropy", 0.0),
        least=row.get("least", 0),
        digits=row.get("digits", 0),
        require=row.get("require", ""),
    )
