"""The words in which a store says that a change was not recorded, or that nobody can tell (ST-2, ST-3)."""

from __future__ import annotations

import pytest

from orch_gates.errors import StateError
from orch_gates.state import outcome


@pytest.mark.parametrize(
    ("error", "exit_code", "message"),
    [
        (
            outcome.denied("only the bot may write here"),
            2,
            "the server refused the change of the state branch: only the bot may write here",
        ),
        (
            outcome.exhausted(7, 119.6),
            75,
            "others changed the state branch 7 times within 120 s; nothing was written, try again",
        ),
        (
            outcome.unclear("5-ab", "git did not finish within 9 s"),
            2,
            "could not check whether change 5-ab was recorded: git did not finish within 9 s; run the command again",
        ),
    ],
)
def test_each_answer_has_its_words_and_its_exit_code(error: StateError, exit_code: int, message: str) -> None:
    """Scripts and people rely on both."""
    assert (str(error), error.exit_code) == (message, exit_code)
