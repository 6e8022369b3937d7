"""`orch-gates forge check`: what it calls a problem, and how it shows what it saw."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orch_gates.cli.forge import view as forge_view
from orch_gates.forge.check import ForgeFacts, ahead, problems
from orch_gates.forge.port.protection import Protection
from orch_gates.forge.port.server import About, Access, ForgeKind

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
ACCESS = Access(
    "bot", ("read:repository",), can_read=True, can_write=True, is_admin=False, archived=False, default_branch="main"
)
SEEN = ForgeFacts(About(ForgeKind.GITEA, "1.26.4", NOON), ACCESS, None, "", 0.0)


def test_a_forge_without_a_problem() -> None:
    assert problems(SEEN) == ()
    assert problems(replace(SEEN, clock_ahead=None, protection_hidden="403")) == ()


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        (replace(SEEN, access=replace(ACCESS, can_read=False)), "may not read"),
        (replace(SEEN, access=replace(ACCESS, archived=True)), "unarchive it"),
        (replace(SEEN, access=replace(ACCESS, mirror=True)), "use the one that it mirrors"),
        (replace(SEEN, access=replace(ACCESS, empty=True)), "push its default branch"),
        (replace(SEEN, access=replace(ACCESS, merge_commits=False)), "allow them in the settings"),
        (replace(SEEN, access=replace(ACCESS, deletes_branches=True)), "switch that off in the repository settings"),
        (replace(SEEN, clock_ahead=61.0), "the forge's clock is 61 s ahead of this machine's"),
        (replace(SEEN, clock_ahead=-3600.0), "this machine's clock is 3600 s ahead of the forge's"),
    ],
)
def test_each_problem_says_what_to_do(seen: ForgeFacts, words: str) -> None:
    (problem,) = problems(seen)
    assert words in problem


@pytest.mark.parametrize("seconds", [-60.0, 0.0, 60.0])
def test_a_minute_is_no_difference(seconds: float) -> None:
    """Leases are given for longer than that (ST-7)."""
    assert problems(replace(SEEN, clock_ahead=seconds)) == ()


@given(took=st.floats(0, 30), off=st.integers(-10_000, 10_000), part=st.floats(0, 1))
def test_a_slow_answer_is_no_wrong_clock(took: float, off: int, part: float) -> None:
    """The header has whole seconds and was written somewhere between question and answer."""
    after = NOON + timedelta(seconds=took)
    written = NOON + timedelta(seconds=took * part + off)
    measured = ahead(written.replace(microsecond=0), NOON, after)
    assert abs(measured) <= abs(off) + 0.001
    assert abs(measured - off) <= took + 1.001


def test_it_can_be_read_by_people_and_by_programs() -> None:
    rule = Protection("main", contexts=("orch/security",), approvals=1, mergers=("bot",))
    checked = forge_view.Checked("https://git.example.org", "acme/app", replace(SEEN, protection=rule), 4)
    text = forge_view.as_text(checked)
    for row in (
        "kind            gitea",
        "scopes          read:repository",
        "may             read, write",
        "protection      main: no pushes; statuses: orch/security; approvals: 1; mergers: bot; applies to admins",
        "clock           as here",
        "requests        4",
    ):
        assert f"{row}\n" in text
    document = json.loads(forge_view.as_json(checked, ["something"]))
    assert (document["login"], document["protection"]["approvals"]) == ("bot", 1)
    assert (document["problems"], document["requests"]) == (["something"], 4)


def test_what_is_not_told_is_not_called_none() -> None:
    seen = replace(SEEN, access=replace(ACCESS, scopes=None, can_write=None), protection_hidden="403", clock_ahead=None)
    text = forge_view.as_text(forge_view.Checked("https://git.example.org", "acme/app", seen, 3))
    assert "scopes          unknown\n" in text
    assert "may             read; unknown: write\n" in text
    assert "protection      unknown: 403\n" in text
    assert "clock           unknown\n" in text
    assert "merge commits   unknown\n" in text


def test_nothing_that_a_terminal_obeys_comes_through() -> None:
    seen = replace(SEEN, access=replace(ACCESS, login="a\x1b[31m"))
    assert "\x1b" not in forge_view.as_text(forge_view.Checked("u", "r", seen, 1))
