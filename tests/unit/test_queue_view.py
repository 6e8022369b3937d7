"""What people and programs see of the merge queue; titles and reasons are written by others (MRG-13, P8)."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orch_gates.cli.queue import view as queue_view
from orch_gates.cli.queue.turns import QueueTurns, Turn, TurnOutcome
from orch_gates.cli.queue.view import QueueView
from orch_gates.engine.board import lines, queue_context, task_position
from orch_gates.engine.stages import QUEUE
from orch_gates.engine.why import Why, explain
from orch_gates.forge import own_comment
from orch_gates.forge.own_comment import Ours
from orch_gates.forge.port.issues import MAX_COMMENT, Comment
from orch_gates.forge.port.pulls import PullRequest, PullState
from orch_gates.merge.queue import comment as queue_comment
from orch_gates.merge.queue.plan import Action, Drop, Enqueue, Refuse, TakeOut, Unlabel, Unlabelled
from orch_gates.merge.queue.update import PullResult
from orch_gates.model.queue import Freeze
from orch_gates.model.task import MERGE_QUEUE, Task
from orch_gates.model.verdict import Outcome
from orch_gates.report import markdown
from tests.tasks_builders import BEFORE, HEAD, NOW, make_attempt, make_lease, make_task

HOSTILE = "\x1b[2J\x1b]8;;http://x\x07 @ann **bold** [a](http://x) <b>| `\u202e ::error::x ##[add-path]/tmp\nnext\u200b"
FROZEN = Freeze(reason="release day", by="ann", at=BEFORE, until=None)
NASTY = st.text(st.sampled_from("\x1b[\r\n\t\0\x9b|`\\*_<>&@:#]![~$ \u202e\u200b\ufeff\u2028\udcffaé"), max_size=40)


def task_of(number: int = 7, **changes: Any) -> Task:
    asked = {"target": "main", "pull": number, "head": HEAD, "by": "ann", "at": BEFORE} | changes.pop("enqueued", {})
    values = {"id": f"PR-{number}", "stage": "queued", "pipeline": MERGE_QUEUE, "enqueued": asked, "title": "a change"}
    return make_task(**values | changes)


def rows(*tasks: Task, holder: str = "") -> list[tuple[Task, Why]]:
    """The tasks with their places; the holder's attempt is being tested."""
    leases = [make_lease(holder=holder, attempt="0123456789abcdef")] if holder else []
    attempt = make_attempt(task=holder, phase="testing") if holder else None
    others = lines(task_position(one) for one in tasks)
    return [
        (one, explain(one, QUEUE, queue_context(task_position(one), others, leases, "main", attempt), NOW))
        for one in tasks
    ]


def tame(text: str) -> None:
    """No character of it acts on a terminal or a runner; lines end where ours do."""
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u200b-\u200f\ufeff\ud800-\udfff]", text)
    assert "##[" not in text
    assert not re.search(r"(?m)(?:^|\s)::", text)


# ---- the list


def test_the_queue_as_a_person_sees_it() -> None:
    """Who is next, how far it is, since when, and why."""
    first, second = task_of(7, reason="waits for CI: ci is pending"), task_of(12, enqueued={"priority": "low"})
    text = QueueView("main", rows(first, second, holder="PR-7"), None, on=True).as_text()
    head, one, two = text.splitlines()
    assert head.split() == ["PULL", "PRIORITY", "STATE", "SINCE", "TITLE", "WHY"]
    assert one.split()[:4] == ["1", "#7", "normal", "testing"]
    assert one.endswith("waits for CI: ci is pending")
    assert two.split()[:4] == ["2", "#12", "low", "active"]


def test_one_that_is_held_has_no_place() -> None:
    text = QueueView("main", rows(task_of(state="held"), task_of(9)), None, on=True).as_text()
    assert [line.split()[:2] for line in text.splitlines()[1:]] == [["-", "#7"], ["1", "#9"]]


def test_an_empty_queue_says_how_to_turn_it_on() -> None:
    """And a freeze is told before all else."""
    assert QueueView("main", [], None, on=True).as_text() == "nothing is queued for main\n"
    assert "`pipeline: merge-queue`" in QueueView("main", [], None, on=False).as_text()
    frozen = QueueView("main", rows(task_of()), FROZEN, on=True).as_text()
    assert frozen.startswith("main: frozen by ann until it is thawed: release day\n")
    assert QueueView("main", [], FROZEN, on=True).as_text().splitlines()[0].endswith("release day")


def test_the_queue_for_programs() -> None:
    """Whole and unescaped, as JSON is: the reader shows it."""
    found = json.loads(QueueView("main", rows(task_of(title=HOSTILE.replace("\n", " "))), FROZEN, on=True).as_json())
    assert (found["schema"], found["target"], found["on"]) == ("orch.queue-list/1", "main", True)
    assert found["freeze"]["reason"] == "release day"
    (entry,) = found["entries"]
    wanted = {
        "target": "main",
        "pull": 7,
        "head": HEAD,
        "by": "ann",
        "task": "PR-7",
        "position": 1,
        "phase": "",
        "priority": "normal",
    }
    assert wanted.items() <= entry.items()
    assert entry["why"].startswith("PR-7 is in the queue: new")
    assert json.loads(QueueView("main", [], None, on=False).as_json())["entries"] == []


@given(NASTY, NASTY)
def test_a_title_acts_on_no_terminal(title: str, reason: str) -> None:
    task = task_of().model_copy(update={"title": title, "reason": reason})
    freeze = FROZEN.model_copy(update={"reason": reason})
    text = QueueView("main", rows(task), freeze, on=True).as_text()
    tame(text)
    assert len(text.splitlines()) == 3


def test_a_long_title_is_clipped() -> None:
    text = QueueView("main", rows(task_of(title="t" * 200, reason="r" * 900)), None, on=True).as_text()
    assert len(text.splitlines()[1]) < 260


# ---- what would be done

PULL = PullRequest(7, HOSTILE, "", "topic", "main", HEAD, PullState.OPEN, "ann")
PLANNED: list[tuple[Action, str]] = [
    (Enqueue(replace(PULL, title="a change")), f"#7 would be queued at {HEAD[:10]}: a change\n"),
    (Refuse(7, "a draft"), "#7 would be refused, and its label taken off: a draft\n"),
    (TakeOut(7, "PR-7", "closed", unlabel=True), "#7 would be removed from the queue: closed\n"),
    (Drop(7, "PR-7", "merged"), "#7 would be removed from the queue: merged\n"),
    (Unlabel(7, "PR-7"), "#7 would lose the label of an older request\n"),
    (Unlabelled(7, "PR-7"), "#7 could be queued again\n"),
]


@pytest.mark.parametrize(("action", "line"), PLANNED)
def test_what_a_run_would_do(action: Action, line: str) -> None:
    assert queue_view.planned([action], [], "") == line
    tame(queue_view.planned([Enqueue(PULL), action], [1], HOSTILE))


def test_a_run_that_would_do_nothing() -> None:
    assert queue_view.planned([], [], "") == "nothing is queued, and nobody asked for a merge\n"
    assert queue_view.planned([], [7], "frozen by ann") == "nothing would be merged: frozen by ann\n"


def test_whose_turn_it_would_be() -> None:
    assert queue_view.planned([], [7, 3], "") == "their turns would come in this order: #7, #3\n"


def test_a_change_for_programs() -> None:
    found = json.loads(queue_view.change_json("main", "it is so", {"pull": 7}))
    assert found == {"schema": "orch.queue-change/1", "target": "main", "pull": 7, "said": "it is so"}


# ---- what was done


def turn(outcome: TurnOutcome, pull: int = 7, reason: str = "why") -> Turn:
    return Turn(pull, f"PR-{pull}", outcome, reason)


def done(what: str, pull: int = 7, *, problem: bool = False) -> PullResult:
    return PullResult(pull, what, "why", problem)


RUNS: list[tuple[QueueTurns, int, str]] = [
    (QueueTurns((), ()), 0, "nothing is queued"),
    (QueueTurns((done("queued"),), (turn(TurnOutcome.LANDED),)), 0, "1 queued, 1 landed"),
    (
        QueueTurns((), (turn(TurnOutcome.LANDED), turn(TurnOutcome.LANDED, 8), turn(TurnOutcome.WORKS, 9))),
        0,
        "2 landed, 1 works",
    ),
    (
        QueueTurns((), (turn(TurnOutcome.SENT_BACK), turn(TurnOutcome.PUT_OFF, 8), turn(TurnOutcome.WAITS, 9))),
        0,
        "1 sent back, 1 put off, 1 waits",
    ),
    (QueueTurns((done("out"),), ()), 0, "1 out"),
    (QueueTurns((done("problem", problem=True),), ()), 2, "1 problem"),
    (QueueTurns((), (turn(TurnOutcome.HELD),)), 2, "1 held"),
    (QueueTurns((), (turn(TurnOutcome.PROBLEM), turn(TurnOutcome.BUSY, 8))), 2, "1 problem, 1 busy"),
    (QueueTurns((), (turn(TurnOutcome.LANDED), turn(TurnOutcome.BUSY, 8))), 75, "1 landed, 1 busy"),
    (QueueTurns((), (turn(TurnOutcome.WAITS),), "main is red"), 0, "main is red"),
]


@pytest.mark.parametrize(("ran", "code", "reason"), RUNS)
def test_a_run_as_a_verdict(ran: QueueTurns, code: int, reason: str) -> None:
    """Landing, leaving and waiting are no failures of the job; a person is asked for with 2, patience with 75."""
    verdict = queue_view.verdict(ran, ["a comment"])
    wanted = {0: Outcome.PASS, 2: Outcome.HOLD, 75: Outcome.DEFER}[code]
    assert (ran.exit_code, verdict.outcome, verdict.reason, verdict.notices) == (code, wanted, reason, ("a comment",))
    assert wanted.exit_code == code
    found = json.loads(queue_view.ran_json(ran, ["a comment"]))
    assert (found["exit_code"], found["frozen"], found["problems"]) == (code, ran.frozen, ["a comment"])
    assert [one["pull"] for one in found["turns"]] == [one.pull for one in ran.turns]
    assert [one["what"] for one in found["done"]] == [one.what for one in ran.done]


def test_a_run_as_a_person_sees_it() -> None:
    ran = QueueTurns((done("queued"), done("out", 8)), (turn(TurnOutcome.WORKS),), "frozen")
    assert queue_view.ran_text(ran, ["later"]).splitlines() == [
        "#7 queued: why",
        "#8 out: why",
        "#7 works: why",
        "nothing is merged: frozen",
        "later",
    ]
    assert queue_view.ran_text(QueueTurns((), ()), []) == "nothing is queued\n"


def test_words_of_others_do_nothing_in_a_run() -> None:
    """Neither on the terminal, nor in the step summary, which is Markdown."""
    ran = QueueTurns((PullResult(7, "queued", HOSTILE),), (turn(TurnOutcome.HELD, reason=HOSTILE),), HOSTILE)
    tame(queue_view.ran_text(ran, [HOSTILE]))
    summary = markdown.body(queue_view.verdict(ran, [HOSTILE]), limit=30)
    tame(summary)
    prose = re.sub("`[^`]*`", "", summary)
    assert not re.search(r"@ann|<b>|(?<!\\)\*\*bold|(?<!\\)\[a\]", prose)


# ---- the comment


@given(NASTY | st.text(max_size=60))
def test_a_comment_mentions_nobody(line: str) -> None:
    """One line below the mark, and the mark is ours alone."""
    text = queue_comment.text(line)
    tame(text)
    mark, said = text.splitlines()
    assert mark == queue_comment.MARK
    assert said.startswith("**Merge queue**: ")
    assert "<" not in said
    assert not re.search(r"(?<![A-Za-z0-9])@[A-Za-z0-9]", said)


@pytest.mark.parametrize("character", ["a", "|", "\x1b", "\U000e0041", "*", "&"])
def test_a_comment_is_bounded(character: str) -> None:
    """Whatever it is written with, a forge takes it."""
    assert len(queue_comment.text(character * 100_000)) < MAX_COMMENT // 4


def said(author: str, body: str = f"{queue_comment.MARK}\nold", number: int = 1) -> Comment:
    return Comment(number, author, body)


OURS: list[tuple[str, list[Comment], int]] = [
    ("bot", [], 0),
    ("bot", [said("bot")], 1),
    ("bot", [said("mallory"), said("bot", number=2)], 2),
    ("bot", [said("bot", "a word"), said("bot", f"see {queue_comment.MARK}", 2)], 0),
    ("bot", [said("bot", f"\n {queue_comment.MARK}"), said("bot", number=2)], 1),
    # Of an account that was deleted.
    ("bot", [said("")], 0),
    ("bot", [said("bot[bot]"), said("Bot", number=2)], 0),
    # An app's token does not know its own name at GitHub, which only apps' have at their end.
    ("", [said(""), said("mallory", number=2), said("[bot]mallory", number=3)], 0),
    ("", [said("mallory"), said("queue[bot]", number=2)], 2),
]


@pytest.mark.parametrize(("login", "comments", "wanted"), OURS)
def test_which_comment_is_ours(login: str, comments: list[Comment], wanted: int) -> None:
    """Others may copy the mark, and not the author: theirs is neither edited nor believed."""
    found = own_comment.find(comments, queue_comment.MARK, Ours(login))
    assert (found.id if found is not None else 0) == wanted
