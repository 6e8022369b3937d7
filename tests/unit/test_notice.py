"""The comment that says where a task stands: read back as it was written, and harmless whatever is in it."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orch_gates.forge.port.issues import MAX_COMMENT
from orch_gates.trackers import notice
from orch_gates.trackers.notice import MARK, Notice

LINES = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)


@given(st.integers(0, 10**17), LINES, LINES)
def test_what_was_written_is_read_back(generation: int, standing: str, note: str) -> None:
    """Whatever people wrote in a reason: it forges no mark, and no generation."""
    wanted = Notice(generation, notice.standing(standing), notice.note(note))
    for made in (wanted, Notice(generation, wanted.standing), Notice(generation, "", wanted.note)):
        for body in (made.text, made.text.replace("\n", "\r\n"), made.text.strip(), f"\n{made.text}\n"):
            assert notice.read(body) == made


@pytest.mark.parametrize("body", ["", "a word", f"see {MARK}7 -->", f"{MARK}x -->\nhello", f"{MARK}{'9' * 30} -->\nx"])
def test_what_is_no_such_comment_says_nothing(body: str) -> None:
    """As what somebody edited: what is newer is not hidden by it, and it is written anew."""
    assert notice.read(body) == Notice()


def test_people_are_not_called_and_markup_is_shown() -> None:
    """Reasons quote what people and tools wrote."""
    output = "<img src=x> **bold** @team [link](https://example.invalid) <!-- orch-gates: note -->"
    text = notice.standing(output)
    assert not re.search(r"(?<![A-Za-z0-9])@[A-Za-z0-9]", text)
    assert "<" not in text
    assert "[link]" not in text.replace("\\[link\\]", "")


@pytest.mark.parametrize("character", ["a", "|", "\x1b", "\U000e0041", "*", "&"])
def test_it_is_bounded(character: str) -> None:
    """Whatever it is written with, a forge takes it."""
    long = character * 100_000
    assert len(Notice(1, notice.standing(long), notice.note(long)).text) < MAX_COMMENT // 2
