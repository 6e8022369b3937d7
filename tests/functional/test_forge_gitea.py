"""Servers that are not here to be asked: Forgejo, a Gitea of another release, and what is neither."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from orch_gates.errors import ForgeRefused, ForgeUnavailable, ForgeUnclear
from orch_gates.forge.gitea.connect import connect
from orch_gates.forge.port.checks import CommitStatus, StatusState
from orch_gates.forge.port.forge import Forge
from orch_gates.forge.port.pulls import Draft, PullState
from orch_gates.forge.port.server import About, ForgeKind
from orch_gates.forge.port.workflows import Run, RunState
from tests.fakes.scripted_http import Answer, Scripted, says, sends, serving

NOTHING = says(404, {"message": "not found"})


def asked(server: Scripted) -> Forge:
    return connect(server.url, "alice/project", "", 5)


def page(*rows: object, key: str = "") -> Answer:
    """A list that is all there is."""
    return says(200, {key: rows, "total_count": len(rows)} if key else list(rows), X_Total_Count=str(len(rows)))


def pull(number: int, **changed: Any) -> dict[str, Any]:
    """A pull request as the server writes it, with what a test changes."""
    return {
        "number": number,
        "title": "Land topic",
        "body": "",
        "state": "open",
        "draft": False,
        "merged": False,
        "mergeable": True,
        "merge_commit_sha": None,
        "labels": [],
        "user": {"login": "alice"},
        "html_url": f"https://forge.example/alice/project/pulls/{number}",
        "head": {"label": "topic", "ref": "topic", "sha": "a" * 40, "repo_id": 1},
        "base": {"label": "main", "ref": "main", "sha": "b" * 40, "repo_id": 1},
        **changed,
    }


def version(said: str, date: str = "Sun, 01 Mar 2026 10:00:00 GMT") -> Answer:
    """With a date of its own."""
    body = json.dumps({"version": said})
    return sends(f"HTTP/1.1 200 OK\r\nDate: {date}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())


@pytest.mark.parametrize(
    ("answers", "kind"),
    [
        ([version("12.0.1+gitea-1.22.0")], ForgeKind.FORGEJO),
        (
            [
                version("1.22.0"),
                says(200, {"version": "12.0.1+gitea-1.22.0"}),
            ],
            ForgeKind.FORGEJO,
        ),
        ([version("1.24.6"), NOTHING], ForgeKind.GITEA),
    ],
)
def test_forgejo_is_told_from_gitea(answers: list[Answer], kind: ForgeKind) -> None:
    """It names the Gitea that it is like, or has an API that Gitea has not; the time is the server's own."""
    with serving(*answers) as server:
        about = asked(server).server.about()
    assert (about.kind, about.date) == (kind, datetime(2026, 3, 1, 10, tzinfo=UTC))
    assert [seen.path for seen in server.seen] == ["/api/v1/version", "/api/forgejo/v1/version"][: len(answers)]


@pytest.mark.parametrize("date", ["yesterday", ""])
def test_a_server_that_tells_no_time(date: str) -> None:
    with serving(version("1.26.4", date), NOTHING) as server:
        assert asked(server).server.about() == About(ForgeKind.GITEA, "1.26.4", None)


@pytest.mark.parametrize(
    "answer", [NOTHING, says(200, b"<html>"), says(200, []), says(200, {}), says(200)], ids=range(5)
)
def test_what_is_no_forge_is_named(answer: Answer) -> None:
    with serving(answer) as server, pytest.raises(ForgeUnavailable, match="check the URL"):
        asked(server).server.about()


def test_a_forge_that_cannot_tell_which_it_is() -> None:
    """No answer is not the answer that there is no such thing."""
    with serving(says(200, {"version": "1.26.4"}), says(500, {})) as server, pytest.raises(ForgeUnavailable):
        asked(server).server.about()


def test_a_token_that_is_wrong_is_no_wrong_url() -> None:
    wrong = says(401, {"message": "invalid username, password or token"})
    with serving(wrong) as server, pytest.raises(ForgeRefused, match="token is wrong"):
        asked(server).server.about()


def test_a_server_that_knows_no_filter_is_read_all_the_same() -> None:
    """Forgejo 12 gives the open ones of every target."""
    elsewhere = {"label": "release", "ref": "release", "sha": "c" * 40, "repo_id": 1}
    theirs = {"label": "topic", "ref": "topic", "sha": "c" * 40, "repo_id": 2}
    other = {"label": "topics", "ref": "topics", "sha": "c" * 40, "repo_id": 1}
    rows = [pull(1, base=elsewhere), pull(2, head=theirs), pull(3, head=other), pull(4)]
    with serving(page(*rows)) as server:
        assert [found.number for found in asked(server).pulls.find("topic", "main")] == [4]


def test_a_branch_of_nobody_knows_which_repository_is_not_taken_for_ours() -> None:
    side = {"label": "topic", "ref": "topic", "sha": "a" * 40}
    bare = {"label": "main", "ref": "main", "sha": "b" * 40}
    with serving(page(pull(1, head=side, base=bare))) as server, pytest.raises(ForgeUnavailable, match="repo_id"):
        asked(server).pulls.find("topic", "main")


def test_a_list_in_which_one_is_there_twice_is_not_whole() -> None:
    """It moved to a later page, and so another one may have moved past."""
    rows = [{"id": 1, **pull(1)}, {"id": 2, **pull(2)}]
    first, second = (says(200, found, X_Total_Count="3") for found in (rows, rows[1:]))
    with serving(*[first, second] * 5) as server, pytest.raises(ForgeUnavailable, match="changed during each read"):
        asked(server).pulls.find("topic", "main")


@pytest.mark.parametrize(
    ("teams", "hidden"),
    [
        (says(405, {"message": "repo is not owned by an organization"}), False),
        (says(405, b"<html>"), True),
        (says(403, {"message": "no"}), True),
        (says(200, []), True),
    ],
    ids=["person", "page", "refused", "organisation"],
)
def test_a_label_that_may_be_hidden_is_looked_for_on_all(teams: Answer, hidden: bool) -> None:
    """An organisation's labels are shown to whoever may see the organisation, and are on pull requests all the same."""
    there = pull(1, labels=[{"id": 7, "name": "queue"}])
    with serving(page(), NOTHING, teams, page(there, pull(2))) as server:
        found = asked(server).pulls.labelled("queue")
    assert [pull.number for pull in found] == ([1] if hidden else [])
    assert [seen.path.partition("?")[0].endswith("/pulls") for seen in server.seen[3:]] == ([True] if hidden else [])


def test_what_came_without_a_branch_is_never_ours() -> None:
    """Whoever may read can push to `refs/for/main`; Gitea 1.26.4 then says that it is this repository's."""
    side = {"label": "", "ref": "refs/pull/1/head", "sha": "a" * 40, "repo_id": 1}
    with serving(page(pull(1, head=side))) as server:
        for branch in ("", "topic", "refs/pull/1/head"):
            assert asked(server).pulls.find(branch, "main") == ()


def test_no_pull_request_is_opened_for_a_branch_of_a_fork() -> None:
    """To the server `mallory:topic` is one; no branch of ours has such a name."""
    with serving(says(201, pull(1))) as server:
        for branch in ("mallory:topic", "mallory/project:topic"):
            with pytest.raises(ForgeRefused, match="another repository"):
                asked(server).pulls.open(Draft(branch, "main", "Land topic"))
        assert server.seen == []


def test_what_is_not_known_to_merge_is_not_called_a_conflict() -> None:
    """The server says false while it looks, too; and a merged one is not there to be merged."""
    gone = {"label": "topic", "ref": "refs/pull/1/head", "sha": "a" * 40, "repo_id": 1}
    landed = {"state": "closed", "merged": True, "merge_commit_sha": "d" * 40}
    answers = [
        says(200, pull(1)),
        says(200, pull(1, mergeable=False)),
        says(200, pull(1, head=gone, **landed)),
        says(200, pull(1, state="closed")),
    ]
    with serving(*answers) as server:
        pulls = asked(server).pulls
        found = [pulls.get(1) for _ in answers]
    assert [(one.state, one.mergeable) for one in found] == [
        (PullState.OPEN, True),
        (PullState.OPEN, None),
        (PullState.MERGED, None),
        (PullState.CLOSED, None),
    ]
    assert {one.branch for one in found} == {"topic"}
    assert [one.merge_commit for one in found] == ["", "", "d" * 40, ""]


@pytest.mark.parametrize(
    "row",
    [
        [],
        {},
        pull(1, state="locked"),
        pull(1, merged=None),
        pull(1, mergeable="yes"),
        pull(1, head=None),
        pull(1, user=None),
        pull(1) | {"number": True},
        pull(1, labels=7),
        pull(1, labels=[{"name": "red"}]),
        {name: value for name, value in pull(1).items() if name != "labels"},
    ],
    ids=range(11),
)
def test_a_pull_request_that_is_not_whole_is_no_answer(row: object) -> None:
    with serving(says(200, row)) as server, pytest.raises(ForgeUnavailable):
        asked(server).pulls.get(1)


def test_runs_of_forgejo() -> None:
    """Its fields have other names, and one word says whether a run ended and how."""
    rows: list[dict[str, Any]] = [
        {
            "id": number,
            "workflow_id": "gates.yml",
            "commit_sha": commit * 40,
            "prettyref": "main",
            "event": "push",
            "status": status,
            "html_url": f"https://forge.example/{number}",
        }
        for number, commit, status in (
            (7, "a", "success"),
            (8, "a", "running"),
            (9, "a", "blocked"),
            (10, "a", "a new word"),
            (11, "b", "failure"),
        )
    ]
    with serving(page(*rows, key="workflow_runs")) as server:
        workflows = asked(server).workflows
        found = workflows.runs(commit="a" * 40)
        assert workflows.runs(branch="topic") == workflows.runs(event="schedule") == ()
        assert len(workflows.runs(branch="main", event="push")) == len(rows)
    assert [run.state for run in found] == [
        RunState.UNKNOWN,
        RunState.WAITING,
        RunState.RUNNING,
        RunState.SUCCESS,
    ]
    url = "https://forge.example/7"
    assert found[-1] == Run(7, "gates.yml", "push", "a" * 40, "main", RunState.SUCCESS, url)


def test_a_server_without_a_list_of_runs() -> None:
    """Gitea 1.24: it could not be told, which is not that there are none."""
    there = says(200, {"name": "project"})
    with serving(NOTHING, there) as server, pytest.raises(ForgeUnavailable, match=r"from 1\.25 on") as raised:
        asked(server).workflows.runs()
    assert not isinstance(raised.value, ForgeRefused)


def test_runs_of_a_repository_that_cannot_be_seen() -> None:
    with serving(NOTHING) as server, pytest.raises(ForgeRefused, match="may not see it"):
        asked(server).workflows.runs()


@pytest.mark.parametrize("answer", [says(201, {}), says(201, []), says(201), says(201, {"number": "1"})], ids=range(4))
def test_an_answer_to_a_write_that_cannot_be_read_is_unclear(answer: Answer) -> None:
    """It was done, perhaps: whoever takes it for not done does it twice."""
    with serving(answer) as server:
        here = asked(server)
        for write in (
            lambda: here.pulls.open(Draft("topic", "main", "Land topic")),
            lambda: here.pulls.edit(1, title="Another"),
            lambda: here.pulls.close(1),
            lambda: here.issues.create("Greet the user"),
        ):
            with pytest.raises(ForgeUnclear):
                write()


def test_a_status_that_may_have_been_posted_stays_unclear() -> None:
    """Only where the commit is known to be missing it is a refusal."""
    green = CommitStatus("build", StatusState.SUCCESS)
    for second, expected in ((NOTHING, ForgeRefused), (says(200, {}), ForgeUnclear), (says(500, {}), ForgeUnclear)):
        with serving(says(500, {"message": ""}), second) as server, pytest.raises(expected) as raised:
            asked(server).statuses.post("a" * 40, green)
        assert type(raised.value) is expected
        assert json.loads(server.seen[0].body)["state"] == "success"
