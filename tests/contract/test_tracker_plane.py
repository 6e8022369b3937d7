"""Plane as a tracker: what every tracker promises, and what only Plane does (TRK-1)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest
import requests

from orch_gates.errors import ForgeRefused, ForgeUnavailable, ForgeUnclear, SettingsError
from orch_gates.model.effect import TrackerState
from orch_gates.trackers.plane import states
from tests.contract.forge_rig import Who
from tests.contract.plane_rig import TIMEOUT, PlaneTracked
from tests.contract.tracker_suite import TrackerPromises
from tests.fakes import scripted_http
from tests.fakes.plane import PROJECT, RECORDED, Plane, serve

# Nothing of ours makes projects or work items, and no request is behind the last.
_NOT_SERVED = {"create project", "create item 0", "429"}
_UNSTORED = {"error": "Something went wrong please try again later"}


@pytest.fixture
def plane() -> Iterator[Plane]:
    with serve() as made:
        yield made


@pytest.fixture
def tracked(plane: Plane) -> PlaneTracked:
    return PlaneTracked(plane)


class TestPlane(TrackerPromises):
    """The port's suite on Plane."""


@pytest.mark.parametrize("name", [name for name in RECORDED if name not in _NOT_SERVED])
def test_the_scripted_plane_answers_as_the_real_one_was_recorded(plane: Plane, name: str) -> None:
    """The status, and the fields of the answer and of its first row."""
    method, path, body = RECORDED[name]["request"]
    owner = plane.member("alice")
    who = plane.tokens[owner]
    for number in range(3):
        plane.make(f"item {number}", who, id=RECORDED["create item 0"]["body"]["id"] if number == 0 else "")
    if name in {"create state twice", "activities"}:
        plane.states.append(RECORDED["create state"]["body"])
        plane.move(plane.numbered(1), plane.state("In Progress"), who)
    token = {"bad token": {"X-API-Key": "x"}, "no token": {}}.get(name, {"X-API-Key": owner})
    url = f"{plane.url}{path.partition(':5142')[2]}" if "://" in path else f"{plane.url}/api/v1/workspaces/t/{path}"
    found = requests.request(method, url, json=body, headers=token, timeout=TIMEOUT, allow_redirects=False)
    assert (found.status_code, _shape(found)) == (RECORDED[name]["status"], _shape_of(RECORDED[name]["body"]))
    plane.violations.clear()


def _shape(answer: requests.Response) -> object:
    return _shape_of(json.loads(answer.content) if answer.content else "")


def _shape_of(body: object) -> object:
    if not isinstance(body, dict):
        return body
    rows = body.get("results") or [{}]
    return (set(body), len(body.get("results", [])), set(rows[0]))


@pytest.mark.parametrize("change", ["come", "go", "both"])
def test_rows_that_move_while_a_list_is_read_hide_none(tracked: PlaneTracked, change: str) -> None:
    """The cursor is an offset: where an item comes or goes between two pages, the list is read again."""
    made = [tracked.make(f"Issue {number}", TrackerState.BLOCKED) for number in range(5)]
    server = tracked.server
    done: list[str] = []

    def meanwhile(asked: str) -> None:
        if "work-items/" in asked and "cursor=" in asked and not done:
            done.append(asked)
            if change != "come":
                server.items.remove(server.numbered(made.pop()))
            if change != "go":
                made.append(tracked.make("New", TrackerState.BLOCKED))

    server.meanwhile = meanwhile
    assert [item.number for item in tracked.tracker(page=2).items()] == made
    assert done


def test_a_list_that_never_stands_still_is_no_list(tracked: PlaneTracked) -> None:
    """It could not be told, after a bounded number of readings (P2)."""
    for number in range(3):
        tracked.make(f"Issue {number}", TrackerState.BLOCKED)

    def meanwhile(asked: str) -> None:
        if "work-items/" in asked and "cursor=" in asked:
            tracked.make("New")

    tracked.server.meanwhile = meanwhile
    with pytest.raises(ForgeUnavailable, match="changed during each read"):
        tracked.tracker(page=2).items()
    assert len(tracked.server.asked) < 60


def test_states_are_filtered_here_and_whatever_their_capitals(tracked: PlaneTracked) -> None:
    """Plane ignores filters without a word, so none is sent."""
    tracked.make("No word")
    number = tracked.make("Blocked", TrackerState.BLOCKED)
    (found,) = tracked.tracker(more={"ORCH_TRACKER_BLOCKED": "bLOCKED"}).items()
    assert (found.number, found.words) == (number, frozenset({TrackerState.BLOCKED}))
    assert not [asked for asked in tracked.server.asked if "state=" in asked]


def test_an_archived_item_is_not_open(tracked: PlaneTracked) -> None:
    number = tracked.make("Old", TrackerState.BLOCKED)
    tracked.server.numbered(number)["archived_at"] = "2026-11-26"
    assert tracked.tracker().items() == ()
    assert not tracked.tracker().item(number).open


def test_states_that_do_not_exist_are_named_and_nothing_follows(plane: Plane) -> None:
    """A state that was renamed would let go whom it stopped."""
    tracked = PlaneTracked(plane, complete=False)
    tracked.make("First", TrackerState.IN_PROGRESS)
    with pytest.raises(ForgeRefused, match=r"'approved', 'rejected', 'blocked', 'needs input'.*--create"):
        tracked.tracker().items()
    asked = tracked.tracker()
    assert states.complete(asked.api, asked.names).missing == ()
    assert [item.title for item in tracked.tracker().items()] == ["First"]
    before = len(plane.states)
    assert states.complete(asked.api, asked.names).missing == ()
    assert len(plane.states) == before


def test_a_state_that_was_made_though_plane_answered_500_is_not_made_again(plane: Plane) -> None:
    tracked = PlaneTracked(plane, complete=False)
    plane.says(500, _UNSTORED, "POST", "states/", after=True)
    asked = tracked.tracker()
    assert states.complete(asked.api, asked.names).missing == ()
    assert len(plane.states) == 5 + 4


@pytest.mark.parametrize(
    ("label", "clears", "state"),
    [
        ("orch/review", [TrackerState.APPROVED], "In Progress"),
        ("orch/done", [TrackerState.APPROVED, TrackerState.IN_PROGRESS], "Done"),
        ("orch/cancelled", [TrackerState.APPROVED, TrackerState.IN_PROGRESS], "Cancelled"),
        ("orch/review", [TrackerState.REJECTED], "Approved"),
    ],
)
def test_where_an_item_goes_when_its_word_was_acted_on(
    tracked: PlaneTracked, label: str, clears: list[TrackerState], state: str
) -> None:
    """On with the work, or where the work is over; a word that was not acted on stays."""
    number = tracked.make("First", TrackerState.APPROVED)
    for _ in range(2):
        tracked.tracker().show(number, label, "as it is", generation=3, clears=clears)
        assert tracked.state(number) == state


def test_in_progress_is_taken_back_to_where_all_begins(tracked: PlaneTracked) -> None:
    number = tracked.make("First", TrackerState.IN_PROGRESS)
    tracked.tracker().clear(number, TrackerState.IN_PROGRESS)
    assert tracked.state(number) == "Backlog"


@pytest.mark.parametrize("method", ["PATCH", "POST"])
def test_what_was_done_though_plane_answered_500_is_done_once(tracked: PlaneTracked, method: str) -> None:
    """It looks before it repeats: the state is set, and there is one comment (P7)."""
    number = tracked.make("First", TrackerState.APPROVED)
    tracked.server.says(500, _UNSTORED, method, after=True)
    assert tracked.tracker().show(number, "orch/review", "in review", generation=5, clears=[TrackerState.APPROVED])
    assert tracked.state(number) == "In Progress"
    assert len(tracked.comments(number)) == 1


@pytest.mark.parametrize("method", ["PATCH", "POST"])
def test_what_was_not_done_is_unclear_and_done_by_the_next_run(tracked: PlaneTracked, method: str) -> None:
    number = tracked.make("First", TrackerState.APPROVED)
    tracked.server.says(500, _UNSTORED, method)
    with pytest.raises(ForgeUnclear):
        tracked.tracker().show(number, "orch/review", "in review", generation=5, clears=[TrackerState.APPROVED])
    assert tracked.tracker().show(number, "orch/review", "in review", generation=5, clears=[TrackerState.APPROVED])
    assert (tracked.state(number), len(tracked.comments(number))) == ("In Progress", 1)


@pytest.mark.parametrize(("method", "look"), [("PATCH", "/work-items/"), ("POST", "/comments/")])
def test_what_can_be_neither_done_nor_looked_at_is_unclear(tracked: PlaneTracked, method: str, look: str) -> None:
    """It may have been done; a question that fails afterwards does not make it undone (P2)."""
    number = tracked.make("First", TrackerState.APPROVED)

    def meanwhile(asked: str) -> None:
        if asked.startswith(method):
            tracked.server.says(404, RECORDED["get unknown"]["body"], "GET", look)

    tracked.server.meanwhile = meanwhile
    tracked.server.says(500, _UNSTORED, method)
    with pytest.raises(ForgeUnclear):
        tracked.tracker().show(number, "orch/review", "in review", generation=5, clears=[TrackerState.APPROVED])


def test_an_edit_that_came_through_though_plane_answered_500_is_done(tracked: PlaneTracked) -> None:
    number = tracked.make("First", TrackerState.IN_PROGRESS)
    tracked.tracker().show(number, "orch/review", "in review", generation=5)
    tracked.server.says(500, _UNSTORED, "PATCH", "comments/", after=True)
    assert tracked.tracker().show(number, "orch/done", "done", generation=6)
    assert "done" in tracked.comments(number)[0][1]


def test_nobody_is_asked_again_until_the_limit_is_over(tracked: PlaneTracked) -> None:
    """429 is never waited for: it could not be told, and further questions are not sent (P2)."""
    number = tracked.make("First", TrackerState.APPROVED)
    tracked.server.says(429, RECORDED["429"]["body"], path="states/", Retry_After="53")
    asked = tracked.tracker()
    with pytest.raises(ForgeUnavailable, match="53 s"):
        asked.items()
    before = list(tracked.server.asked)
    for ask in (asked.items, lambda: asked.item(number), lambda: asked.clear(number, TrackerState.APPROVED)):
        with pytest.raises(ForgeUnavailable, match="takes no more requests"):
            ask()
    assert tracked.server.asked == before
    assert len(before) == 1


@pytest.mark.parametrize(
    ("env", "words"),
    [
        ({"ORCH_TRACKER_TOKEN": "plane_api_no"}, "the token is wrong"),
        ({"ORCH_TRACKER_WORKSPACE": "zzz"}, "the workspace or project does not exist"),
        ({"ORCH_TRACKER_PROJECT": PROJECT.replace("d", "e")}, "the workspace or project does not exist"),
    ],
)
def test_403_says_what_may_be_wrong(tracked: PlaneTracked, env: dict[str, str], words: str) -> None:
    """Plane answers so for a project that there is not, too."""
    with pytest.raises(ForgeRefused, match=words):
        tracked.tracker(more=env).items()


def test_a_redirect_is_not_followed_so_the_token_goes_to_no_other_host(tracked: PlaneTracked) -> None:
    with scripted_http.serving(scripted_http.says(200, {})) as other:
        tracked.server.says(301, "", Location=f"{other.url}/api/v1/")
        with pytest.raises(ForgeUnavailable, match="301"):
            tracked.tracker().items()
        assert other.seen == []


def test_every_path_ends_with_a_slash(tracked: PlaneTracked) -> None:
    """Plane redirects all others, which makes a change a question."""
    number = tracked.make("First", TrackerState.APPROVED)
    asked = tracked.tracker()
    asked.items()
    asked.who(number, TrackerState.APPROVED)
    asked.show(number, "orch/review", "in review", generation=5, clears=[TrackerState.APPROVED])
    asked.show(number, "orch/review", "in review", generation=6)
    assert all(one.partition("?")[0].endswith("/") for one in tracked.server.asked)
    assert not [one for one in tracked.server.asked if "/issues/" in one]


def test_a_change_that_plane_has_not_written_down_yet_is_nobodys(tracked: PlaneTracked) -> None:
    """Its activities come a little later; whoever made the item did not approve it (ENG-11)."""
    number = tracked.make("First")
    item = tracked.server.numbered(number)
    item["state"], item["updated_by"] = tracked.server.state("Approved"), tracked.ids[Who.WRITER]
    assert tracked.tracker().who(number, TrackerState.APPROVED) == ""


def test_the_change_before_is_not_taken_for_the_last(tracked: PlaneTracked) -> None:
    """Whoever moved the item earlier did not approve it."""
    number = tracked.make("First")
    tracked.say(number, TrackerState.IN_PROGRESS)
    tracked.server.numbered(number)["state"] = tracked.server.state("Approved")
    assert tracked.tracker().who(number, TrackerState.APPROVED) == ""


def test_a_word_may_be_a_state_of_completed_work(tracked: PlaneTracked) -> None:
    """The item is open all the same, as there is something to do about it."""
    number = tracked.make("First")
    tracked.close(number)
    (found,) = tracked.tracker(more={"ORCH_TRACKER_APPROVED": "Done"}).items()
    assert (found.number, found.open) == (number, True)
    assert tracked.tracker().items() == ()


def test_two_members_of_one_name_are_told_apart(tracked: PlaneTracked) -> None:
    tracked.server.member("bob")
    number = tracked.make("First")
    tracked.say(number, TrackerState.APPROVED, Who.WRITER)
    assert tracked.tracker().who(number, TrackerState.APPROVED) == f"bob ({tracked.ids[Who.WRITER][:8]})"


@pytest.mark.parametrize("given", ["ORCH_TRACKER_URL", "ORCH_TRACKER_PROJECT", "ORCH_TRACKER_TOKEN"])
def test_what_is_not_set_is_named(tracked: PlaneTracked, given: str) -> None:
    with pytest.raises(SettingsError, match=given):
        tracked.tracker(more={given: ""})


def broken(*path: str) -> Callable[[dict[str, object]], dict[str, object]]:
    """A page without one of its fields."""
    return lambda page: {name: value for name, value in page.items() if name not in path}


@pytest.mark.parametrize("missing", ["results", "next_page_results", "total_count"])
def test_a_page_that_is_no_page_is_not_the_end(tracked: PlaneTracked, missing: str) -> None:
    """An answer that lacks a field is no answer (P2)."""
    page = broken(missing)(RECORDED["list"]["body"])
    tracked.server.says(200, page, "GET", "work-items/")
    with pytest.raises(ForgeUnavailable, match=f"has no {missing}"):
        tracked.tracker().items()
