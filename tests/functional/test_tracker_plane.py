"""`orch-gates tracker` where the issues are work items of Plane: states are words of people (TRK-1)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from orch_gates.model.effect import TrackerState
from tests import tracker_rig
from tests.blocks import ROOT, Shell, shown
from tests.contract.forge_rig import Who
from tests.contract.plane_rig import PlaneTracked
from tests.doctor_rig import follow, only
from tests.fakes.plane import PROJECT, RECORDED, WORKSPACE, serve
from tests.tracker_rig import TrackerRig


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tracker_rig.template(tmp_path_factory.mktemp("tracker"))


@pytest.fixture
def plane() -> Iterator[PlaneTracked]:
    with serve() as server:
        yield PlaneTracked(server, complete=False)


@pytest.fixture
def rig(made: Path, tmp_path: Path, plane: PlaneTracked) -> TrackerRig:
    found = tracker_rig.copy(made, tmp_path / "project")
    found.env = {**found.env, **plane.env()}
    return found


def test_a_work_items_life(rig: TrackerRig, plane: PlaneTracked) -> None:
    """From no states to the end: states made, task, approval, rejection, cancelled; one comment, nothing twice."""
    number = plane.make("Greet the user", TrackerState.IN_PROGRESS)
    missing = rig.say("tracker", "states")
    assert missing.returncode == 1
    assert b"needs-input: missing" in missing.stdout
    refused = rig.say("tracker", "sync")
    assert (refused.returncode, b"no state" in refused.stderr) == (2, True)
    assert "in-progress: In Progress" in rig.ok("tracker", "states", "--create")
    assert all(one["there"] for one in json.loads(rig.ok("tracker", "states", "--json"))["states"])
    assert rig.sync() == (0, {number: "created"})
    task = rig.task_of(number)
    assert (task["title"], task["stage"], task["created_by"]) == ("Greet the user", "analysis", "alice")
    for stage in ("design", "development"):
        plane.say(number, TrackerState.APPROVED, Who.WRITER)
        assert rig.sync() == (0, {number: "approved"})
        assert (rig.task_of(number)["stage"], plane.state(number)) == (stage, "In Progress")
    tip = rig.tip
    assert rig.sync() == (0, {})
    assert rig.tip == tip, "a second look at the same items wrote something"
    rig.branch(f"task/ISSUE-{number}", {"greet.txt": "Hello\n"})
    plane.comment(number, "Say hello first.", Who.WRITER)
    plane.say(number, TrackerState.REJECTED, Who.WRITER)
    assert rig.sync() == (0, {number: "rejected"})
    assert "Say hello first." in rig.task_of(number)["reason"]
    rig.ok("task", "cancel", f"ISSUE-{number}", "--reason", "no need")
    assert plane.state(number) == "Cancelled"
    assert [text for _, text in plane.comments(number) if "is cancelled: no need" in text]
    assert len(plane.comments(number)) == 2
    assert rig.sync() == (0, {})
    rig.ok("state", "verify")


def test_nothing_follows_while_plane_takes_no_more_requests(rig: TrackerRig, plane: PlaneTracked) -> None:
    """Exit code 2, at once, and nothing was recorded (P2)."""
    rig.ok("tracker", "states", "--create")
    number = plane.make("Greet the user", TrackerState.IN_PROGRESS)
    tip = rig.tip
    plane.server.says(429, RECORDED["429"]["body"], Retry_After="53")
    limited = rig.say("tracker", "sync")
    assert (limited.returncode, b"in 53 s" in limited.stderr) == (2, True)
    assert rig.tip == tip
    assert rig.sync() == (0, {number: "created"})


def test_an_issue_of_the_forge_is_no_work_item(rig: TrackerRig, plane: PlaneTracked) -> None:
    """Its events say nothing to the tracker, whatever its number and labels are."""
    rig.ok("tracker", "states", "--create")
    number = rig.issue("Of the forge", "in progress")
    assert plane.make("Of Plane", TrackerState.IN_PROGRESS) == number
    asked = len(plane.server.asked)
    assert rig.happened(number, label="in progress").returncode == 0
    assert len(plane.server.asked) == asked


def test_states_are_those_of_plane_only(rig: TrackerRig) -> None:
    done = rig.say("tracker", "states", ORCH_TRACKER="forge")
    assert (done.returncode, b"only Plane has states" in done.stderr) == (2, True)


def test_the_token_is_in_no_output(rig: TrackerRig, plane: PlaneTracked) -> None:
    """Nor is it in what a wrong address answers (OWN-1)."""
    token = plane.tokens[Who.OWNER].encode()
    for done in (
        rig.say("config", "show", "--json"),
        rig.say("tracker", "states", ORCH_TRACKER_WORKSPACE="zzz"),
        rig.say("tracker", "states", ORCH_TRACKER_URL="http://127.0.0.1:9"),
    ):
        assert token not in done.stdout + done.stderr


def test_the_page_shows_what_the_command_says(rig: TrackerRig, plane: PlaneTracked) -> None:
    """With the configuration of the page, on a new project."""
    page = "docs/how-to/use-plane-as-the-tracker.md"
    (config,) = re.findall(r"```yaml\n(tracker:.*?)```", (ROOT / page).read_text("utf-8"), re.DOTALL)
    given = {"url": plane.server.url, "workspace": WORKSPACE, "project": PROJECT}
    for name, value in given.items():
        config = re.sub(rf"(?m)^  {name}: .*$", f"  {name}: {value}", config)
    # As a clone that has fetched it; the fence of this project lets nobody push it.
    rig.work.git("update-ref", "refs/remotes/origin/main", rig.work.commit("Use Plane", {".orch-gates.yaml": config}))
    set_by_page = {"ORCH_TRACKER", "ORCH_TRACKER_URL", "ORCH_TRACKER_WORKSPACE", "ORCH_TRACKER_PROJECT"}
    rig.env = {name: value for name, value in rig.env.items() if name not in set_by_page}
    shell = Shell(rig.folder / "person", {key: value for key, value in rig.env.items() if value})
    shell.here = rig.work.path
    assert shell.series(page, "states", 2).startswith(shown(page)[0])
    assert [one["name"] for one in plane.server.states[-4:]] == ["Approved", "Rejected", "Blocked", "Needs Input"]


def test_doctor_misses_states(rig: TrackerRig, plane: PlaneTracked) -> None:
    """A new project has not all of them; what is said makes them. A server that is down could not tell (UX-1)."""
    assert only(rig.work.path, "tracker", env=rig.env | {"ORCH_TRACKER": "none"})["state"] == "not used"
    found = only(rig.work.path, "tracker", env=rig.env)
    assert (found["state"], "needs-input" in found["seen"]) == ("bad", True)
    follow(found, rig.work.path, rig.env)
    assert only(rig.work.path, "tracker", env=rig.env)["state"] == "ok"
    down = {name: "http://127.0.0.1:9" for name, value in rig.env.items() if value == plane.server.url}
    assert down
    assert only(rig.work.path, "tracker", env=rig.env | down)["state"] == "unknown"
