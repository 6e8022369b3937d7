"""Every message of the program, by the module and the function that say it, so that they can be read together.

    python -m scripts.messages [PATH...]     # modules or folders; without any, all of it

What is filled in at run time is shown by its name in braces. Docstrings, help texts and descriptions of fields are on
pages of their own, and are left out.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
_LEAST_WORDS = 3
_ELSEWHERE = frozenset({"Field", "option", "argument", "command", "group", "Setting", "compile"})


@dataclass(frozen=True, slots=True)
class Message:
    """`where` is the function or class; `what` takes it: a call's name, or `text` for one that is kept."""

    line: int
    where: str
    what: str
    text: str


def messages(source: str) -> list[Message]:
    """The messages of a module, in the order of its lines."""
    return sorted(_below(ast.parse(source), "", "text"), key=lambda message: message.line)


def _below(node: ast.AST, where: str, what: str) -> Iterator[Message]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant):
            continue
        if isinstance(child, ast.expr) and (text := _text(child)) is not None:
            if len(text.split()) >= _LEAST_WORDS:
                yield Message(child.lineno, where, what, text)
        elif isinstance(child, ast.FunctionDef | ast.ClassDef):
            yield from _below(child, f"{where}.{child.name}".lstrip("."), "text")
        elif isinstance(child, ast.Call):
            name = ast.unparse(child.func).rpartition(".")[2]
            if name not in _ELSEWHERE:
                yield from _below(child, where, name)
        else:
            yield from _below(child, where, what)


def _text(node: ast.expr) -> str | None:
    """A string as it is read; None for anything else."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if not isinstance(node, ast.JoinedStr):
        return None
    parts = (
        str(part.value) if isinstance(part, ast.Constant) else f"{{{ast.unparse(part.value)}}}"
        for part in node.values
        if isinstance(part, ast.Constant | ast.FormattedValue)
    )
    return "".join(parts)


def _modules(paths: list[str]) -> Iterator[Path]:
    for path in map(Path, paths or [str(ROOT / "orch_gates")]):
        yield from sorted(path.rglob("*.py")) if path.is_dir() else [path]


def main(paths: list[str]) -> None:
    """Print them."""
    for path in _modules(paths):
        found = messages(path.read_text("utf-8"))
        if not found:
            continue
        print(f"\n{path.resolve().relative_to(ROOT)}")
        for message in found:
            shown = " ".join(message.text.split())
            print(f"  {message.line:>4} {message.where} {message.what}: {shown}")


if __name__ == "__main__":
    main(sys.argv[1:])
