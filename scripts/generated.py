"""Parts of pages that are made from the code: between `<!-- generated: NAME -->` and `<!-- end: NAME -->`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path


def renewed(text: str, tables: Mapping[str, str], path: Path) -> str:
    """The page with every table put in its place; the rest as it is."""
    for name, table_text in tables.items():
        start, end = f"<!-- generated: {name} -->\n", f"<!-- end: {name} -->"
        if text.count(start) != 1 or text.count(end) != 1:
            raise SystemExit(f"{path} has not exactly one place for the table {name!r}")
        before, _, rest = text.partition(start)
        text = before + start + table_text + end + rest.partition(end)[2]
    return text


def table(heading: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [heading, ["---"] * len(heading), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines).replace("| --- ", "|---").replace("--- |", "---|")
