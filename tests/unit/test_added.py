"""What counts as added: no line that was not there before is ever left out (SEC-2, SEC-3)."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from orch_gates.content.added import CONTEXT_LINES, Run, added, added_to_text
from orch_gates.content.views import Segment

LINES = st.lists(st.sampled_from([b"", b"a", b"b", b"ab", b"c c", b"d", b"\r", b"e\xff"]), max_size=30)
TEXTS = LINES.map(b"\n".join)


def fresh_lines(runs: list[Run]) -> dict[int, bytes]:
    """The lines marked as new, by number, read from the runs themselves."""
    found: dict[int, bytes] = {}
    for run, numbers in runs:
        for offset, line in enumerate(run.data.split(b"\n")):
            if run.first_line + offset in numbers:
                found[run.first_line + offset] = line
    return found


@given(old=TEXTS, new=TEXTS)
@example(old=b"a\nb", new=b"b\na\nc c")
@example(old=b"abc", new=b"ab")
def test_every_line_that_was_not_there_is_fresh(old: bytes, new: bytes) -> None:
    """A line whose bytes stood nowhere in the old version is marked new, under its own number."""
    numbered = dict(enumerate(new.split(b"\n"), 1))
    wanted = {number: line for number, line in numbered.items() if line and line not in old.split(b"\n")}
    found = fresh_lines(added_to_text(new, [old]))
    assert wanted.items() <= found.items()
    assert found.items() <= numbered.items()


@given(olds=st.lists(TEXTS, min_size=2, max_size=3), new=TEXTS)
def test_of_several_parents_each_may_know_a_line(olds: list[bytes], new: bytes) -> None:
    """In a merge exactly the lines that no parent has are new: the evil ones (SEC-3)."""
    known = {line for old in olds for line in old.split(b"\n")}
    numbered = enumerate(new.split(b"\n"), 1)
    wanted = {number: line for number, line in numbered if line and line not in known}
    assert fresh_lines(added_to_text(new, olds)) == wanted


@given(new=TEXTS)
def test_nothing_before_means_all_is_new(new: bytes) -> None:
    """Without an earlier version every line that is not empty is new."""
    wanted = {number: line for number, line in enumerate(new.split(b"\n"), 1) if line}
    assert fresh_lines(added_to_text(new, [])) == wanted


@given(text=TEXTS)
def test_the_same_text_adds_nothing(text: bytes) -> None:
    """A version that equals the old one gives the scanner nothing to do."""
    assert added_to_text(text, [text]) == []


@given(before=LINES, new=LINES, first=st.integers(1, 1000))
def test_runs_are_cut_from_the_text_in_order(before: list[bytes], new: list[bytes], first: int) -> None:
    """Runs hold consecutive lines as they stand, do not share a new line, and never go back."""
    runs = added(Segment(first, b"\n".join(new)), set(before))
    position = 0
    for run, numbers in runs:
        lines = run.data.split(b"\n")
        start = run.first_line - first
        assert new[start : start + len(lines)] == lines
        assert numbers
        assert min(numbers) - first >= position
        position = max(numbers) - first + 1


@given(at=st.integers(0, 39), first=st.integers(1, 99))
def test_a_new_line_comes_with_its_surroundings(at: int, first: int) -> None:
    """A value added under a name that was there before is shown together with that name."""
    lines = [b"line %d" % number for number in range(40)]
    new = [*lines[:at], b"value", *lines[at:]]
    [(run, numbers)] = added(Segment(first, b"\n".join(new)), set(lines))
    assert numbers == {first + at}
    start, stop = max(0, at - CONTEXT_LINES), at + CONTEXT_LINES + 1
    assert run == Segment(first + start, b"\n".join(new[start:stop]))


@given(at=st.integers(0, 200))
def test_surroundings_are_kept_when_the_ends_are_skipped(at: int) -> None:
    """What both versions begin and end with is passed over, except for the context."""
    lines = [b"line %d" % number for number in range(200)]
    new = [*lines[:at], b"value", *lines[at:]]
    [(run, numbers)] = added_to_text(b"\n".join(new), [b"\n".join(lines)])
    assert at + 1 in numbers
    shown = run.data.split(b"\n")
    assert set(new[max(0, at - CONTEXT_LINES) : at + CONTEXT_LINES + 1]) <= set(shown)
    assert len(shown) <= 4 * CONTEXT_LINES
