"""`orch-gates tracker sync` and events of issues, on a server with the hook: labels are words of people (TRK-1)."""

from __future__ import annotations

import json
import secrets
import time
from pathlib import Path

import pytest

from tests import tracker_rig
from tests.blocks import Shell, shown
from tests.fakes import telegram
from tests.hand_edits import edit_state
from tests.tracker_rig import TrackerRig


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tracker_rig.template(tmp_path_factory.mktemp("tracker"))


@pytest.fixture
def rig(made: Path, tmp_path: Path) -> TrackerRig:
    return tracker_rig.copy(made, tmp_path / "project")


def test_an_issues_life(rig: TrackerRig) -> None:
    """From the label to the end: task, approvals, rejection; one comment, one label of ours, and a legal history."""
    number = rig.issue("Greet the user", "bug", "in progress")
    assert rig.sync() == (0, {number: "created"})
    task = rig.task_of(number)
    assert (task["title"], task["stage"], task["created_by"]) == ("Greet the user", "analysis", f"issue {number}")
    assert rig.labels(number) == {"bug", "in progress", "orch/analysis"}
    for stage in ("design", "development"):
        rig.label(number, "approved")
        assert rig.sync() == (0, {number: "approved"})
        assert rig.labels(number) == {"bug", "in progress", f"orch/{stage}"}
    tip = rig.tip
    assert rig.sync() == (0, {})
    assert rig.tip == tip, "a second look at the same issues wrote something"
    rig.branch(f"task/ISSUE-{number}", {"greet.txt": "Hello\n"})
    with rig.forge("bob") as forge:
        forge.issues.comment(number, "Say hello *first*, @ann.")
    rig.label(number, "rejected")
    assert rig.sync() == (0, {number: "rejected"})
    assert rig.task_of(number)["reason"].startswith(f"rejected on issue #{number}")
    rig.ok("task", "cancel", f"ISSUE-{number}", "--reason", "no need")
    assert rig.labels(number) == {"bug", "orch/cancelled"}
    ours = [text for text in rig.comments(number) if "orch-gates" in text]
    assert len(ours) == 1
    assert "is cancelled: no need" in ours[0]
    rig.label(number, "in progress")
    assert rig.sync() == (0, {number: "refused"})
    assert rig.labels(number) == {"bug", "orch/cancelled"}
    rig.ok("state", "verify")


def test_an_event_and_a_sync_make_one_task(rig: TrackerRig) -> None:
    """REC-5: many at once, each a process of its own; one creates, nobody fails, and one label approves one stage."""
    number = rig.issue("Greet the user", "in progress")
    heard = dict(rig.told(number, "labeled"))
    commands = [(("event",), heard), (("tracker", "sync"), {})] * 3
    for label, events in (("", ["new"]), ("approved", ["new", "advance"])):
        if label:
            rig.label(number, label)
        running = [rig.started(*args, **env) for args, env in commands]
        output = [one.communicate(timeout=240) for one in running]
        assert [one.returncode for one in running] == [0] * len(running), output
        assert b"Traceback" not in b"".join(out + err for out, err in output)
        rig.sync()
        assert rig.events(number) == events
    assert rig.task_of(number)["stage"] == "design"
    assert len(rig.comments(number)) == 1
    assert rig.labels(number) == {"in progress", "orch/design"}
    rig.ok("state", "verify")


def test_an_event_of_an_issue_shows_the_card_of_its_task(rig: TrackerRig) -> None:
    """As soon as the task is made, and once."""
    token = f"{secrets.randbelow(10**9) + 10**8}:{secrets.token_urlsafe(26)}"
    number = rig.issue("Greet the user", "in progress")
    with telegram.serving(token) as server:
        chat = {"ORCH_TELEGRAM_URL": server.url, "ORCH_TELEGRAM_CHAT": "-100500", "ORCH_TELEGRAM_TOKEN": token}
        for _ in range(2):
            assert rig.say("event", **rig.told(number, "labeled"), **chat).returncode == 0
    (message,) = server.messages.values()
    assert message.text.startswith(f"<b>ISSUE-{number}</b> Greet the user")


def test_killed_at_any_time_it_converges(rig: TrackerRig) -> None:
    """P7: whenever it is killed, the next one ends where it would have; one label never approves two stages."""
    number = rig.issue("Greet the user", "in progress")
    rig.sync()
    rig.label(number, "approved")
    begun = time.monotonic()
    probe = rig.started("tracker", "sync", "--dry-run")
    probe.communicate(timeout=60)
    whole = time.monotonic() - begun
    for part in (0.7, 0.9, 1.1, 1.3, 1.6, 2.0):
        process = rig.started("tracker", "sync")
        time.sleep(whole * part)
        process.kill()
        process.communicate(timeout=60)
    assert rig.sync()[0] == 0
    assert rig.sync() == (0, {})
    assert (rig.task_of(number)["stage"], rig.events(number)) == ("design", ["new", "advance"])
    assert rig.labels(number) == {"in progress", "orch/design"}
    assert len(rig.comments(number)) == 1
    rig.ok("state", "verify")


def test_an_event_looks_at_its_issue_only(rig: TrackerRig) -> None:
    """What is read in it is a hint: the issue is asked again, so an event that is late or wrong changes nothing."""
    first, second = (rig.issue(title, "in progress") for title in ("First", "Second"))
    done = rig.happened(first, label="in progress")
    assert (done.returncode, f"#{first} ISSUE-{first}: created" in done.stdout.decode()) == (0, True), done.stderr
    assert rig.events(first) == ["new"]
    assert rig.say("task", "show", f"ISSUE-{second}").returncode == 2
    tip = rig.tip
    late = rig.happened(first, label="approved")
    assert (late.returncode, rig.tip) == (0, tip)
    assert "nothing to do" in late.stdout.decode()
    rig.label(second, remove=("in progress",))
    assert (rig.happened(second, label="in progress").returncode, rig.tip != "") == (0, True)
    assert rig.say("task", "show", f"ISSUE-{second}").returncode == 2


def test_events_that_say_nothing_to_the_tracker(rig: TrackerRig) -> None:
    """What we label ourselves wakes nobody, and the step is green; an issue that is gone cannot be told."""
    number = rig.issue("Greet the user", "in progress")
    tip = rig.tip
    for action, label in (("labeled", "orch/analysis"), ("unlabeled", "bug"), ("deleted", "")):
        done = rig.happened(number, action=action, label=label)
        assert (done.returncode, done.stdout.decode().startswith("nothing to do")) == (0, True)
    dry = rig.happened(number, "--dry-run", "--json", label="in progress")
    assert json.loads(dry.stdout)["runs"] is True
    assert rig.tip == tip
    assert rig.happened(999, label="in progress").returncode == 2


def test_blocked_stops_a_task(rig: TrackerRig) -> None:
    """Nothing is approved while it is so, and the sweep is told which; a dry run says what would be done."""
    number = rig.issue("Greet the user", "in progress")
    rig.sync()
    for label in ("blocked", "needs input"):
        rig.label(number, "approved", label)
        tip = rig.tip
        done = rig.say("tracker", "sync", "--json")
        assert json.loads(done.stdout) == {"schema": "orch.tracker-sync/1", "done": [], "stopped": [f"ISSUE-{number}"]}
        assert (done.returncode, rig.tip) == (0, tip)
        rig.label(number, remove=(label,))
    tip = rig.tip
    assert rig.ok("tracker", "sync", "--dry-run") == f"#{number} ISSUE-{number}: approve\n"
    assert rig.tip == tip
    assert rig.sync() == (0, {number: "approved"})


def test_no_work_of_a_blocked_task_begins_or_moves_it(rig: TrackerRig) -> None:
    """REC-5: a dispatch that arrives meanwhile waits; what ended meanwhile is recorded, and its gate is not asked."""
    number = rig.issue("Greet the user", "in progress")
    rig.sync()
    for _ in range(2):
        rig.label(number, "approved")
        rig.sync()
    work = ("job", "run", "--task", f"ISSUE-{number}", "--role", "developer")
    rig.label(number, "blocked")
    done = rig.say(*work, "--attempt", "f" * 16, "--", "true")
    assert (done.returncode, b"a person stopped it on issue" in done.stderr) == (75, True)
    done = rig.say(*work, "--", "true")
    assert (done.returncode, b"not advanced: a person stopped it on issue" in done.stderr) == (0, True)
    rig.label(number, remove=("blocked",))
    done = rig.say(*work, "--", "true")
    assert (done.returncode, b"not advanced" in done.stderr, b"ci-green" in done.stderr) == (0, False, True)


def test_a_lookup_that_failed_touches_nothing(rig: TrackerRig) -> None:
    """P2: one issue cannot be read, so that the list is not whole; it is said, and nothing is written."""
    number = rig.issue("Greet the user", "in progress")
    rig.sync()
    rig.label(number, "approved")
    listed = rig.server.git("ls-tree", "-r", "--name-only", "orch-state", "forge").split()
    path = next(name for name in listed if "issues" in name)
    edit_state(rig.server, {path: "no document\n"})
    tip = rig.tip
    done = rig.say("tracker", "sync")
    assert (done.returncode, rig.tip) == (2, tip)
    assert path in done.stderr.decode()


def test_without_a_tracker_nothing_is_followed(rig: TrackerRig) -> None:
    """P9: the default. Switched off later, tasks of issues go on, and nothing is written to issues."""
    off = {"ORCH_TRACKER": "none"}
    number = rig.issue("Greet the user", "in progress")
    done = rig.say("tracker", "sync", **off)
    assert (done.returncode, b"tracker: {kind: forge}" in done.stderr) == (2, True)
    heard = rig.say("event", **rig.told(number, "labeled", "in progress"), **off)
    assert (heard.returncode, "nothing to do" in heard.stdout.decode()) == (0, True)
    rig.sync()
    before = rig.comments(number)
    rig.ok("advance", f"ISSUE-{number}", "--approve", **off)
    assert (rig.comments(number), rig.task_of(number)["stage"]) == (before, "design")
    assert "orch/analysis" in rig.labels(number)
    rig.ok("effects", "run", **off)
    assert rig.ok("effects", "list").strip() == "TASK  KIND  SINCE  SUBJECT"


def test_labels_that_contradict_each_other_are_refused(rig: TrackerRig) -> None:
    done = rig.say("tracker", "sync", ORCH_TRACKER_APPROVED="rejected")
    assert (done.returncode, b"are the same" in done.stderr) == (2, True)


def test_a_lost_event_is_found_as_the_how_to_shows(rig: TrackerRig) -> None:
    """The commands as written, and what they print, but for the number (DOC-1)."""
    page = "docs/how-to/use-issues-as-tasks.md"
    number = rig.issue("Greet the user", "in progress")
    shell = Shell(rig.folder / "person", {key: value for key, value in rig.env.items() if value})
    shell.here = rig.work.path
    output = shell.series(page, "sync", 1)
    assert output == shown(page)[0].replace("#12", f"#{number}").replace("ISSUE-12", f"ISSUE-{number}")
