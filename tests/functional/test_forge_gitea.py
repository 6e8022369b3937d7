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
from orch_gates.forge.port.pulls import Draft
from orch_gates.forge.port.server import About, Kind
from orch_gates.forge.port.workflows import Run, RunState
from tests.fakes.scripted_http import Answer, Scripted, forge, says, sends

NOTHING = says(404, {"message": "not found"})


def asked(server: Scripted) -> Forge:
    return connect(server.url, "alice/project", "", 5)


def page(*rows: object, key: str = "") -> Answer:
    """A list that is all there is."""
    return says(200, {key: rows, "total_count": len(rows)} if key else list(rows), X_Total_Count=str(len(rows)))


def version(said: str, date: str = "Sun, 01 Mar 2026 10:00:00 GMT") -> Answer:
    """With a date of its own."""
    body = json.dumps({"version": said})
    return sends(f"HTTP/1.1 200 OK\r\nDate: {date}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())


@pytest.mark.parametrize(
    ("answers", "kind"),
    [
        ([version("12.0.1+gitea-1.22.0")], Kind.FORGEJO),
        (
            [
                version("1.22.0"),
                says(200, {"version": "12.0.1+gitea-1.22.0"}),
            ],
            Kind.FORGEJO,
        ),
        ([version("1.24.6"), NOTHING], Kind.GITEA),
    ],
)
def test_forgejo_is_told_from_gitea(answers: list[Answer], kind: Kind) -> None:
    """It names the Gitea that it is like, or has an API that Gitea has not; the time is the server's own."""
    with forge(*answers) as server:
        about = asked(server).server.about()
    assert (about.kind, about.date) == (kind, datetime(2026, 3, 1, 10, tzinfo=UTC))
    assert [seen.path for seen in server.seen] == ["/api/v1/version", "/api/forgejo/v1/version"][: len(answers)]


@pytest.mark.parametrize("date", ["yesterday", ""])
def test_a_server_that_tells_no_time(date: str) -> None:
    with forge(version("1.26.4", date), NOTHING) as server:
        assert asked(server).server.about() == About(Kind.GITEA, "1.26.4", None)


@pytest.mark.parametrize(
    "answer", [NOTHING, says(200, b"<html>"), says(200, []), says(200, {}), says(200)], ids=range(5)
)
def test_what_is_no_forge_is_named(answer: Answer) -> None:
    with forge(answer) as server, pytest.raises(ForgeUnavailable, match="is the url right"):
        asked(server).server.about()


def test_a_forge_that_cannot_tell_which_it_is() -> None:
    """No answer is not the answer that there is no such thing."""
    with forge(says(200, {"version": "1.26.4"}), says(500, {})) as server, pytest.raises(ForgeUnavailable):
        asked(server).server.about()


def test_a_token_that_is_wrong_is_no_wrong_url() -> None:
    wrong = says(401, {"message": "invalid username, password or token"})
    with forge(wrong) as server, pytest.raises(ForgeRefused, match="token is wrong"):
        asked(server).server.about()


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
    with forge(page(*rows, key="workflow_runs")) as server:
        found = asked(server).workflows.runs(commit="a" * 40)
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
    with forge(NOTHING, there) as server, pytest.raises(ForgeUnavailable, match=r"from 1\.25 on") as raised:
        asked(server).workflows.runs()
    assert not isinstance(raised.value, ForgeRefused)


def test_runs_of_a_repository_that_cannot_be_seen() -> None:
    with forge(NOTHING) as server, pytest.raises(ForgeRefused, match="may not see it"):
        asked(server).workflows.runs()


@pytest.mark.parametrize("answer", [says(201, {}), says(201, []), says(201), says(201, {"number": "1"})], ids=range(4))
def test_an_answer_to_a_write_that_cannot_be_read_is_unclear(answer: Answer) -> None:
    """It was done, perhaps: whoever takes it for not done does it twice."""
    with forge(answer) as server:
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
        with forge(says(500, {"message": ""}), second) as server, pytest.raises(expected) as raised:
            asked(server).statuses.post("a" * 40, green)
        assert type(raised.value) is expected
        assert json.loads(server.seen[0].body)["state"] == "success"
