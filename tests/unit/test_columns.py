"""Rows as columns: nothing is lost, and in a terminal every line fits it (UX-1)."""

from hypothesis import given
from hypothesis import strategies as st

from orch_gates.report.columns import columns

ROWS = [("TASK", "SINCE", "WHY"), ("T-1", "today", "the tests of the branch failed")]


def test_a_pipe_gets_one_line_for_each() -> None:
    """Whatever reads the lines finds each row on one of them."""
    assert columns(ROWS) == "TASK  SINCE  WHY\nT-1   today  the tests of the branch failed\n"


def test_a_terminal_gets_lines_that_fit() -> None:
    """The last column goes on below itself."""
    assert columns(ROWS, 30) == ("TASK  SINCE  WHY\nT-1   today  the tests of the\n             branch failed\n")
    assert columns(ROWS, 200) == columns(ROWS)


def test_an_address_can_be_copied() -> None:
    """What is longer than the terminal is one word all the same."""
    address = "https://git.example.org/acme/app/actions/runs/17"
    assert address in columns([("KEY", "VALUE"), ("url", f"see {address}")], 40)


@given(
    st.lists(st.tuples(*[st.text("ab-", max_size=9)] * 2, st.text("word ", max_size=90)), max_size=5),
    st.integers(40, 130),
)
def test_no_word_is_lost_and_no_line_is_too_long(rows: list[tuple[str, str, str]], width: int) -> None:
    """However wide the terminal is."""
    text = columns([("A", "B", "C"), *rows], width)
    assert all(len(line) <= width for line in text.splitlines() if max(map(len, line.split()), default=0) <= 16)
    assert "".join(text.split()) == "".join("".join(("A", "B", "C", *(cell for row in rows for cell in row))).split())
