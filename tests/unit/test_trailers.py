"""What a merge says about itself: only its last block of trailers counts, and each key once (MRG-5)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orch_gates.merge import trailers
from orch_gates.merge.trailers import Validated

BASE, COMMIT, TREE = "a" * 40, "b" * 40, "c" * 40
OURS = Validated("T-1", 7, BASE, COMMIT, TREE)
BLOCK = trailers.render(OURS)
KEYS = ("Orch-Task", "Orch-Generation", "Orch-Base", "Orch-Commit", "Orch-Tree")
SUBJECT = "T-1: Rename the function (#12)"


def message(*paragraphs: str) -> str:
    return "\n\n".join([SUBJECT, *paragraphs])


def without(key: str) -> str:
    return "\n".join(line for line in BLOCK.split("\n") if not line.startswith(f"{key}:"))


def test_the_block_is_the_one_in_the_docs() -> None:
    """Task, generation, base, commit and tree, a line each, in this order."""
    lines = [f"Orch-Task: T-1\nOrch-Generation: 7\nOrch-Base: {BASE}\nOrch-Commit: {COMMIT}\nOrch-Tree: {TREE}"]
    assert lines == [BLOCK]


@pytest.mark.parametrize(
    "text",
    [
        message(BLOCK),
        message(BLOCK) + "\n",
        message(BLOCK) + "\n\n \n\t\n",
        message("A body\nof two lines.", BLOCK),
        message("Orch-Task: T-2\nOrch-Generation: 8", BLOCK),
        BLOCK,
        message(BLOCK).replace("\n\n", "\n \t\n"),
        message(BLOCK).replace("\n\n", "\n\n\n"),
        # as servers and disks end lines
        message(BLOCK).replace("\n", "\r\n"),
        message("A body.", BLOCK).replace("\n", "\r\n") + "\r\n\r\n",
        message(BLOCK.replace("\n", "\r\n")),
        # what forges add to the block
        message(f"Reviewed-on: https://git.example/o/r/pulls/12\n{BLOCK}\nReviewed-by: Ann <ann@example.invalid>"),
        message(f"{BLOCK}\nCo-authored-by: Bob <bob@example.invalid>\nCo-authored-by: Cid <cid@example.invalid>"),
        message(f"{BLOCK}\nX: Orch-Task: T-2"),
        # as people and programs space and spell them
        message(BLOCK.replace(": ", ":")),
        message(BLOCK.replace(": ", ":\t  ").replace("\n", "  \n")),
        message(BLOCK.upper().replace("A" * 40, BASE).replace("B" * 40, COMMIT).replace("C" * 40, TREE)),
        message("\n".join(reversed(BLOCK.split("\n")))),
    ],
)
def test_the_last_block_is_read(text: str) -> None:
    """Whatever stands above it, beside it, and however its lines end."""
    assert trailers.parse(text) == OURS


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n\n",
        "A plain subject",
        message(BLOCK, "A word after it."),
        message(BLOCK, "A word after it.").replace("\n", "\r\n"),
        message(f"{BLOCK}\nand more"),
        message(f"A sentence of its own.\n{BLOCK}"),
        message(f"{BLOCK}\n Orch-Tree: {COMMIT}"),
        message(BLOCK.replace("Orch-Base", " Orch-Base")),
        message(BLOCK.replace("Orch-Base", "Orch Base")),
        message(BLOCK.replace("Orch-Base:", "Orch-Base ")),
        SUBJECT.replace(":", "") + "\n" + BLOCK,
    ],
)
def test_no_other_end_of_a_message_is_a_block(text: str) -> None:
    """A line that is no trailer makes the paragraph one of prose; folded lines are none of ours."""
    assert trailers.parse(text) == "its message does not end with a block of trailers"


@pytest.mark.parametrize("key", KEYS)
def test_every_key_is_needed(key: str) -> None:
    """Also where an earlier block has it."""
    for text in (message(without(key)), message(BLOCK, without(key))):
        assert trailers.parse(text) == f"its message has no trailer {key}"
    # A subject can look like a trailer.
    assert trailers.parse(SUBJECT) == "its message has no trailer Orch-Task"
    assert trailers.parse(message(BLOCK, "Reviewed-by: Ann")) == "its message has no trailer Orch-Task"


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("spelled", [str, str.lower, str.upper, str.title])
@pytest.mark.parametrize("value", [None, "x", ""])
def test_no_key_is_there_twice(key: str, spelled: Any, value: str | None) -> None:
    """Two readers could take two values: not even the same value twice, in any case, at either end."""
    line = next(line for line in BLOCK.split("\n") if line.startswith(f"{key}:"))
    again = f"{spelled(key)}: {line.partition(': ')[2] if value is None else value}"
    for text in (message(f"{BLOCK}\n{again}"), message(f"{again}\n{BLOCK}"), message(f"{BLOCK}\r\n{again}\r")):
        assert trailers.parse(text) == f"its message has {key} twice"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("Orch-Task", ""),
        ("Orch-Task", "T/1"),
        ("Orch-Task", "T-1 T-2"),
        ("Orch-Task", "T-1\rOrch-Task: T-2"),
        ("Orch-Task", "-T"),
        ("Orch-Task", "x" * 65),
        ("Orch-Generation", "0"),
        ("Orch-Generation", "07"),
        ("Orch-Generation", "-7"),
        ("Orch-Generation", "+7"),
        ("Orch-Generation", "7.0"),
        ("Orch-Generation", "\u0667"),
        ("Orch-Generation", "7" * 19),
        ("Orch-Base", "a" * 39),
        ("Orch-Base", "a" * 41),
        ("Orch-Base", "A" * 40),
        ("Orch-Commit", "main"),
        ("Orch-Commit", "b" * 10),
        ("Orch-Tree", "g" * 40),
        ("Orch-Tree", f"{TREE} {TREE}"),
        ("Orch-Tree", "\u0441" * 40),
    ],
)
def test_a_value_has_one_spelling(key: str, value: str) -> None:
    """Whole object ids, a plain number, a task's id; anything else is refused, not guessed."""
    line = next(line for line in BLOCK.split("\n") if line.startswith(f"{key}:"))
    text = message(BLOCK.replace(line, f"{key}: {value}"))
    assert trailers.parse(text) == f"the trailer {key} in its message cannot be read"


IDS = st.sampled_from(["0123456789abcdef" * 4, "f" * 40, "0" * 64, BASE])
VALIDATED = st.builds(
    Validated,
    st.from_regex(r"\A[A-Za-z0-9][A-Za-z0-9_-]{0,63}\Z"),
    st.integers(1, 10**18 - 1),
    IDS,
    IDS,
    IDS,
)


@given(VALIDATED, st.text(max_size=60))
def test_what_was_rendered_is_read_again(validated: Validated, body: str) -> None:
    """Below any text, with any line ends."""
    text = f"{body}\n\n{trailers.render(validated)}\n"
    assert trailers.parse(text) == validated
    assert trailers.parse(text.replace("\n", "\r\n")) == validated
    assert trailers.mentioned(text)


@given(st.text(alphabet="ORCH-Taskbsetr: \r\n\t-1a", max_size=200))
def test_any_message_gets_an_answer_of_one_line(text: str) -> None:
    """What is read was mentioned, in plain words."""
    found = trailers.parse(text)
    assert trailers.mentioned(text) or isinstance(found, str)
    assert not isinstance(found, str) or (found and "\n" not in found)


@pytest.mark.parametrize(
    "text",
    [
        message(BLOCK),
        message(BLOCK, "A word after it."),
        message("orch-task: T-1", "A word."),
        message("  ORCH-GENERATION:7  "),
        message("Orch-Tree:").replace("\n", "\r\n"),
        "Orch-Commit: x",
    ],
)
def test_any_trace_of_an_attempt_is_noticed(text: str) -> None:
    """A merge of one must not pass where a person broke the glass for another change (MRG-15)."""
    assert trailers.mentioned(text)


@pytest.mark.parametrize(
    "text", ["", SUBJECT, message("Orch-Tasks: T-1"), message("I say Orch-Task: T-1"), "Orch-Op: 1"]
)
def test_other_words_are_none(text: str) -> None:
    """A person's message may speak of the project."""
    assert not trailers.mentioned(text)
