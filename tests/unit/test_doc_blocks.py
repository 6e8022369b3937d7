"""Each block of commands or YAML in the documents is run or judged by a test, or says why it cannot be (DOC-1)."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest
import yaml

from orch_gates.config.parse import TOP, parse
from tests.bench.cases import CASES
from tests.blocks import FENCE, ROOT, workflow

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").rglob("*.md"))]
LANGUAGES = {"sh", "yaml", "text", "toml", "json", "markdown", "mermaid", "dockerfile"}
RUN = re.compile(r"run: ([a-z]+)(?:, exit \d+)?")
LONG = "takes minutes"
# All that keeps a test from running what a page shows.
REASONS = {
    "it sets up or runs these tests",
    "needs a container engine",
    LONG,  # `make bench`: the test below knows its cases
}
Block = tuple[Path, re.Match[str]]


def blocks(*languages: str) -> list[Block]:
    found = [(page, block) for page in PAGES for block in FENCE.finditer(page.read_text("utf-8"))]
    return [(page, block) for page, block in found if not languages or block["language"] in languages]


def named(block: Block) -> str:
    page, found = block
    return f"{page.relative_to(ROOT)}:{found.string.count(chr(10), 0, found.start()) + 1}"


@cache
def texts_of_tests() -> tuple[frozenset[str], ...]:
    """Of each test module, the texts in its code."""
    sources = [path.read_bytes() for path in (ROOT / "tests").rglob("test_*.py") if path != Path(__file__)]
    trees = [ast.parse(source) for source in sources if b".md" in source]
    return tuple(
        frozenset(
            node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)
        )
        for tree in trees
    )


def run_by_a_test(page: Path, series: str) -> bool:
    """Whether a module of tests names both the page and the series."""
    return any(
        series in texts and any(text == page.name or text.endswith(f"/{page.name}") for text in texts)
        for texts in texts_of_tests()
    )


def test_every_fence_is_seen() -> None:
    """An indented block, or one that is not closed, would be judged by nothing."""
    for page in PAGES:
        text = page.read_text("utf-8")
        assert len(re.findall(r"^ *(?:```|~~~)", text, re.M)) == 2 * len(FENCE.findall(text)), page


def test_every_block_says_what_it_is() -> None:
    """Commands are `sh` everywhere; a language that is not in the list has nobody who judges it."""
    assert {named(block): block[1]["language"] for block in blocks() if block[1]["language"] not in LANGUAGES} == {}


@pytest.mark.parametrize("block", blocks("sh"), ids=named)
def test_commands_are_run_or_say_why_not(block: Block) -> None:
    """By a test that names the page and the series, or for a reason of the list."""
    page, found = block
    mark = found["mark"] or ""
    if reason := re.fullmatch(r"not run: (.*)", mark):
        assert reason[1] in REASONS
        return
    run = RUN.fullmatch(mark)
    assert run, "put `<!-- run: NAME -->` above it, and run that series in a test"
    assert run_by_a_test(page, run[1])


def test_a_series_that_no_test_names_is_run_by_nobody() -> None:
    """Nor is one of another page."""
    page = ROOT / "README.md"
    assert run_by_a_test(page, "server")
    assert not run_by_a_test(page, "neverheardof")
    assert not run_by_a_test(page, "pipeline")


def test_every_reason_is_used() -> None:
    """The list does not keep what is over."""
    assert {(block[1]["mark"] or "").removeprefix("not run: ") for block in blocks("sh")} >= REASONS


def test_what_takes_minutes_is_a_case_of_the_bench() -> None:
    """Each figure can be measured again by the command above it."""
    for block in blocks("sh"):
        if block[1]["mark"] == f"not run: {LONG}":
            for line in block[1]["text"].splitlines():
                _, _, cases = line.partition("python -m tests.bench ")
                assert cases, named(block)
                assert set(cases.split()) <= set(CASES), named(block)


@pytest.mark.parametrize("block", blocks("yaml"), ids=named)
def test_yaml_is_judged_by_what_reads_it(block: Block) -> None:
    """Settings by orch-gates itself; steps and jobs by the linters of workflows; the rest in a test that names it."""
    page, found = block
    value = yaml.safe_load(found["text"]) or {}
    if workflow(found["text"]) is not None:
        return
    if isinstance(value, dict) and set(value) <= TOP:
        parse(found["text"].encode())
    else:
        mark = found["mark"] or ""
        assert mark.startswith("read: "), "neither settings nor steps: put `<!-- read: NAME -->` above it"
        assert run_by_a_test(page, mark)
