"""`docs/reference/faults.md`, made from `tests/faults.py`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from scripts.generated import renewed, table
from tests import faults
from tests.faults import Fault

PAGE = Path(__file__).parent.parent / "docs" / "reference" / "faults.md"


def page(text: str) -> str:
    """The page with its tables renewed."""
    tables = {
        "proof": _rows(faults.PROOF),
        "answers": _rows(faults.ANSWERS),
        "merges": _rows(faults.MERGES),
        "sweeps": _rows(faults.SWEEPS),
    }
    return renewed(text, tables, PAGE)


def _rows(found: Sequence[Fault]) -> str:
    return table(
        ("what goes wrong", "what happens", "shown by"),
        ((one.what, one.then, "<br>".join(_test(name) for name in one.tests)) for one in found),
    )


def _test(name: str) -> str:
    file, _, test = name.partition("::")
    return f"`{file}`" if test == "*" else f"`{file}`: `{test}`"


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text("utf-8")), "utf-8")
