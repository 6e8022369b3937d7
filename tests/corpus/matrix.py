"""The evasion matrix: every carrier by engine and entry."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.builders import ENGINES, Template
from tests.corpus.carriers import CARRIERS
from tests.corpus.cells import BROKEN, ENTRIES, PASSED, cells


def main(words: Sequence[str]) -> int:
    """Print the matrix as a Markdown table, of the carriers whose names hold all words; 1 if anything passed."""
    os.environ |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    for role in ("AUTHOR", "COMMITTER"):
        os.environ |= {f"GIT_{role}_NAME": "A Tester", f"GIT_{role}_EMAIL": "tester@example.invalid"}
    wanted = [name for name in CARRIERS if all(word in name for word in words)]
    with tempfile.TemporaryDirectory(prefix="orch-gates-corpus-") as folder:
        templates = {engine: Template(Path(folder, engine), engine) for engine in ENGINES}
        for template in templates.values():
            template.folder.mkdir()
            template.make()
        columns = [(engine, entry) for engine in ENGINES for entry in ENTRIES]
        print("| carrier | " + " | ".join(f"{engine}, {entry}" for engine, entry in columns) + " |")
        print("|---" * (len(columns) + 1) + "|")

        def row(item: tuple[int, str]) -> dict[tuple[str, str], str]:
            number, name = item
            return {
                (engine, entry): answer
                for engine in ENGINES
                for entry, answer in cells(templates[engine], name, Path(folder, f"{number}-{engine}")).items()
            }

        passed = total = 0
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            for name, answers in zip(wanted, pool.map(row, enumerate(wanted)), strict=True):
                print(f"| {name} | " + " | ".join(answers[column] for column in columns) + " |", flush=True)
                passed += sum(answer in {PASSED, BROKEN} for answer in answers.values())
                total += sum(answer != "-" for answer in answers.values())
    print(f"\n{len(wanted)} carriers, {total} cells, {passed} passed or broken")
    return int(passed > 0)
