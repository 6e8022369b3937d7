"""What every answer of a forge to a merge means for the attempt (MRG-8, MRG-16)."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orch_gates.forge.port import pulls
from orch_gates.forge.port.pulls import MergeOutcome
from orch_gates.merge import retry
from orch_gates.merge.retry import Meaning, Then

HEAD = "a" * 40

# Answer, what is done next, words of the reason, words of the next step.
ROWS: list[tuple[MergeOutcome, Then, str, str]] = [
    (pulls.Merged(HEAD), Then.PROVE, "the forge reports that pull request 12 is merged", ""),
    (pulls.AlreadyMerged(), Then.PROVE, "the forge reports that pull request 12 is merged", ""),
    (pulls.Ambiguous("timed out"), Then.AGAIN, "did not say whether it merged pull request 12: timed out", ""),
    (pulls.Transient("busy", 9.0), Then.AGAIN, "could not merge pull request 12 now: busy", ""),
    (pulls.NotReady("1 approval"), Then.WAIT, "a rule of the forge is not met: 1 approval", ""),
    (pulls.BaseMoved(), Then.ANEW, "the target moved", ""),
    (pulls.HeadMoved(), Then.DROP, "somebody pushed to the branch of pull request 12", ""),
    (pulls.Retargeted("next"), Then.DROP, "was re-targeted to next", ""),
    (pulls.Conflict(), Then.FAIL, "the forge reports a conflict in", "Merge or rebase the target into the branch"),
    (pulls.Scheduled(), Then.HOLD, "only scheduled the merge", "Cancel the scheduled merge"),
    (pulls.MergedOther(HEAD, "next"), Then.HOLD, "was merged with aaaaaaaaaa into next", "Look at what was merged"),
    (pulls.Foreign(), Then.HOLD, "is in a fork", "Push the branch to this repository"),
    (pulls.Forbidden("no rights"), Then.HOLD, "refused to merge pull request 12: no rights", "Let the bot merge there"),
    (pulls.Closed(), Then.HOLD, "was closed", "Open it again"),
    (pulls.Gone("404"), Then.HOLD, "is not there: 404", "Check whether the token"),
]


@pytest.mark.parametrize(("outcome", "then", "reason", "step"), ROWS, ids=lambda value: type(value).__name__)
def test_each_answer_has_a_meaning(outcome: MergeOutcome, then: Then, reason: str, step: str) -> None:
    """Whoever has to act is told what to do, in one line."""
    found = retry.meaning(outcome, 12)
    assert found.then is then
    assert reason in found.reason
    assert step in found.next_step
    assert bool(found.next_step) is (then in {Then.FAIL, Then.HOLD})
    assert "\n" not in found.reason + found.next_step


def test_no_answer_is_missing_in_that_table() -> None:
    """One for each that a forge can give; a new one cannot be forgotten here."""
    assert {type(row[0]) for row in ROWS} == set(get_args(MergeOutcome))
    assert len(ROWS) == len(get_args(MergeOutcome))
    assert {row[1] for row in ROWS} == set(Then) - {Then.LATER}


def test_what_was_asked_for_does_not_keep_others_from_the_target() -> None:
    """In a queue a rule that is not met puts it off, and closing it takes it back; nothing is under way (MRG-13)."""
    assert retry.meaning(pulls.NotReady("1 approval"), 12, asked_for=True).then is Then.LATER
    assert retry.meaning(pulls.Closed(), 12, asked_for=True).then is Then.DROP
    same = [row for row in ROWS if not isinstance(row[0], pulls.NotReady | pulls.Closed)]
    assert all(retry.meaning(row[0], 12, asked_for=True).then is row[1] for row in same)


def test_only_what_passes_by_itself_is_asked_again() -> None:
    """A refusal, a conflict and a missing pull request fail at once; a person's act is never overruled."""
    again = {type(row[0]) for row in ROWS if row[1] is Then.AGAIN}
    assert again == {pulls.Ambiguous, pulls.Transient}


def test_nothing_the_forge_says_is_taken_for_landed() -> None:
    """There is no such meaning: git has to prove it (MRG-9)."""
    assert {then.name for then in Then} == {"PROVE", "AGAIN", "WAIT", "ANEW", "DROP", "LATER", "FAIL", "HOLD"}


def test_what_the_forge_asks_to_wait_is_kept() -> None:
    assert retry.meaning(pulls.Transient("rate limit", 42.0), 1).wait == 42.0
    assert Meaning(Then.AGAIN, "x").wait == 0


@pytest.mark.parametrize(
    ("number", "asked", "seconds"),
    [
        (1, 0, 2.0),
        (2, 0, 4.0),
        (3, 0, 5.0),
        (9, 0, 5.0),
        (1, 1.5, 2.0),
        (1, 3.0, 3.0),
        (1, 60.0, 60.0),
        (1, 61.0, 60.0),
        (3, 86400.0, 60.0),
    ],
)
def test_the_pause_doubles_up_to_a_bound(number: int, asked: float, seconds: float) -> None:
    """At least what the forge asked for, but a run waits no longer than a minute for it."""
    assert retry.pause(number, 2, 5, asked) == seconds


@given(st.integers(1, 100), st.integers(1, 3600), st.integers(1, 3600), st.floats(0, 1e9))
def test_no_pause_is_longer_than_it_may_be(number: int, base: int, most: int, asked: float) -> None:
    """Whatever a forge asks for, and whatever is configured."""
    assert 0 < retry.pause(number, base, most, asked) <= max(most, 60)
    assert retry.pause(number, base, most, asked) <= retry.pause(number + 1, base, most, asked)
