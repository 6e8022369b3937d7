"""`make bench`: what it all costs next to bare gitleaks, git and `requests`, as a Markdown table.

`python -m tests.bench [CASE...]` measures some cases only. Always exits 0: it measures, it does not judge.
"""

from __future__ import annotations

import os
import platform
import sys
import tempfile
from pathlib import Path

from tests.bench.cases import CASES, USUAL, imports, rows
from tests.bench.history import git
from tests.bench.row import Row


def main() -> None:
    names = [name for name in sys.argv[1:] if name in CASES] or list(USUAL)
    print(f"Python {platform.python_version()}, {git(Path(), '--version')}, {os.cpu_count()} CPUs.", end=" ")
    print("Medians of interleaved runs.\n\n| measured | bare | orch-gates | difference | goal | |")
    print("|---|---:|---:|---:|---|---|", flush=True)
    missed: list[str] = []
    for name in names:
        with tempfile.TemporaryDirectory(prefix="orch-gates-bench-") as directory:
            for row in rows(name, Path(directory)):
                print(f"| {row.what} | {row.bare} | {row.ours} | {row.figure} | {row.goal} | {_met(row)} |", flush=True)
                missed += [row.what] if row.met is False else []
    print(f"\nMissed: {'; '.join(missed) or 'no goal'}.")
    if "start" in names:
        print("\nDearest imports of `orch-gates --version`:\n")
        print("\n".join(f"- {line}" for line in imports()))


def _met(row: Row) -> str:
    return {True: "met", False: "**missed**", None: ""}[row.met]


if __name__ == "__main__":
    main()
