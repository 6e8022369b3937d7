"""What messages tell people to type is a command with options that there are (DOC-1)."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from tests.unit.test_docs import LEAVES, ROOT, is_taken, words_of

SOURCES = sorted((ROOT / "orch_gates").rglob("*.py"))
# In backticks, or all that a message says, or what comes after a colon.
COMMAND = re.compile(r"`(orch-gates [a-z][^`]*)`|(?:\A|: )(?:[A-Z_]+=\S+ )?(orch-gates (?!has )[a-z][^`;(]*)")
# Whatever is put there when it runs.
VALUE = "VALUE"


def texts(tree: ast.AST) -> Iterator[str]:
    """Every text of a module that is no docstring, with a word for what is put into it."""
    prose = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    inner = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else VALUE for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose | inner:
            yield node.value


def advice(path: Path) -> list[str]:
    found = (hit for text in texts(ast.parse(path.read_text("utf-8"))) for hit in COMMAND.finditer(text))
    # `ONE|OTHER` is a choice of words, and no pipe.
    return [re.sub(r"(?<=[A-Z])\|(?=[A-Z])", "-", " ".join((hit[1] or hit[2]).split())) for hit in found]


def lacks(line: str) -> bool:
    """Whether an option or an argument is missing that the command cannot do without, of a line that names some."""
    words = words_of(line)
    path = next((name for end in range(len(words), 1, -1) if (name := " ".join(words[:end])) in LEAVES), "")
    if path in {"", line} or "--help" in words:
        return False
    try:
        LEAVES[path].make_context(path, words[len(path.split()) :])
    except click.MissingParameter:
        return True
    except click.UsageError:
        # What stands for a value is none of the values that it may have.
        pass
    return False


@pytest.mark.parametrize("folder", sorted({path.parent for path in SOURCES}), ids=lambda path: path.name)
def test_every_command_in_a_message_exists(folder: Path) -> None:
    """Who copies what doctor, a refusal or an error says is not told that there is no such option."""
    lines = [line for path in sorted(folder.glob("*.py")) for line in advice(path)]
    wrong = [line for line in lines if VALUE not in line.split()[1:3] and (not is_taken(words_of(line)) or lacks(line))]
    assert wrong == []


def test_doctor_names_commands() -> None:
    """So that the test above looks at something."""
    lines = [line for path in SOURCES if path.parent.name == "doctor" for line in advice(path)]
    assert {"orch-gates state restore", "orch-gates doctor --repo DIR", "orch-gates sweep"} <= set(lines)
    assert lacks("orch-gates gate image --report FILE")
    assert lacks("orch-gates job cancel VALUE")
    assert lacks("orch-gates task resume --reason WHY")
    assert not lacks("orch-gates task resume")
    assert not lacks("orch-gates job cancel VALUE --reason WHY")
    assert not is_taken(words_of("orch-gates gate image --task ID"))
