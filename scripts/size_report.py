"""How large the modules, functions and folders of the product are."""

from __future__ import annotations

import ast
import statistics
import sys
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parent.parent / "orch_gates"
MEDIAN_BELOW = 120
MODULE_AT_MOST = 400
SMALL_BELOW = 40
FUNCTION_BELOW = 60
ROOMS_AT_MOST = 22


def long_functions(source: str) -> Iterator[tuple[str, int]]:
    """Name and length of every function that is too long."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length >= FUNCTION_BELOW:
                yield node.name, length


def late_imports(source: str) -> int:
    """How many statements import inside of a function: only what a hook should not wait for."""
    functions = (n for n in ast.walk(ast.parse(source)) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef))
    return len({s.lineno for f in functions for s in ast.walk(f) if isinstance(s, ast.Import | ast.ImportFrom)})


def main() -> int:
    """Print the sizes; 1 when one is over its limit."""
    sources = {path: path.read_text() for path in sorted(PACKAGE.rglob("*.py")) if path.name != "__init__.py"}
    lines = {path: source.count("\n") for path, source in sources.items()}
    median = statistics.median(lines.values())
    largest = max(lines, key=lines.__getitem__)
    folders = [path.parent for path in lines]
    single = sorted({str(folder.relative_to(PACKAGE.parent)) for folder in folders if folders.count(folder) == 1})
    print(f"modules: {len(lines)}, median {median:.0f} lines, largest {largest.name} with {lines[largest]}")
    print(f"folders with one module: {', '.join(single) or 'none'}")
    rooms = {folder: folders.count(folder) for folder in folders}
    widest = max(rooms, key=rooms.__getitem__)
    small = sum(count < SMALL_BELOW for count in lines.values())
    late = sum(late_imports(source) for source in sources.values())
    print(f"under {SMALL_BELOW} lines: {small}, imports inside functions: {late}")
    print(f"widest folder: {widest.relative_to(PACKAGE.parent)} with {rooms[widest]} modules")

    problems = [
        f"{path.relative_to(PACKAGE.parent)}: {count} lines, at most {MODULE_AT_MOST}"
        for path, count in lines.items()
        if count > MODULE_AT_MOST
    ]
    problems += [
        f"{path.relative_to(PACKAGE.parent)}: {name} has {length} lines, fewer than {FUNCTION_BELOW} wanted"
        for path, source in sources.items()
        for name, length in long_functions(source)
    ]
    problems += [
        f"{folder.relative_to(PACKAGE.parent)}: {count} modules, at most {ROOMS_AT_MOST}"
        for folder, count in rooms.items()
        if count > ROOMS_AT_MOST
    ]
    if median >= MEDIAN_BELOW:
        problems.append(f"median module of {median:.0f} lines, fewer than {MEDIAN_BELOW} wanted")
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
