"""Writes the tables of the rules into their reference page."""

from __future__ import annotations

import tomllib
from pathlib import Path

from orch_gates.scanners.rules import derive, table
from scripts.generated import renewed
from scripts.generated import table as rows_of

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "reference" / "rules.md"
_RULES = Path(table.__file__).parent


def page(text: str) -> str:
    """The page with every generated table renewed; the rest as it is."""
    return renewed(text, {"own": _own(), "ways": _ways(), "catalogue": _catalogue()}, PAGE)


def _own() -> str:
    tokens = tomllib.loads((_RULES / "own.toml").read_text("utf-8"))["token"]
    told = {row["id"]: row for row in reversed(tokens)}
    rows = (
        (f"`{name}`", row["what"], row.get("checksum", "").replace("-", " "), row["source"])
        for name, row in sorted(told.items())
    )
    return rows_of(("rule", "what it finds", "checksum", "source of the format"), rows)


def _ways() -> str:
    listed: dict[str, list[str]] = {}
    for row in table.rows():
        if not row.shapes and row.kind != "helper":
            listed.setdefault(row.id, []).append(row.what)
    rows = ((f"`{name}`", "; ".join(dict.fromkeys(whats))) for name, whats in sorted(listed.items()))
    return rows_of(("rule", "what it finds"), rows)


def _catalogue() -> str:
    chosen = tomllib.loads((_RULES / "catalogue.toml").read_text("utf-8"))["ids"]
    names = sorted({derive.stable_id(name) for name in chosen})
    return ", ".join(f"`{name}`" for name in names) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text("utf-8")), "utf-8")
