"""Labels and comments on a running Gitea: ids of a name, scopes, and how often the server is asked."""

from __future__ import annotations

import secrets

import pytest

from orch_gates.errors import ForgeRefused, ForgeUnclear
from orch_gates.forge.gitea.connect import connect
from orch_gates.forge.http import ForgeCall, Observe, unobserved
from orch_gates.forge.port.forge import Forge
from orch_gates.forge.port.pulls import PullState
from tests.e2e.gitea import Gitea
from tests.e2e.repository import Pull, Repository, Scoped, eventually

QUEUED = "merge queue"


def asked(repository: Repository, token: str = "", name: str = "", observe: Observe = unobserved) -> Forge:
    """The port, as the owner uses it, or whoever has the token."""
    owner = repository.owner
    return connect(repository.server.url, name or f"{owner.name}/{repository.name}", token or owner.token, 30, observe)


def numbers(forge: Forge, label: str = QUEUED) -> list[int]:
    return [pull.number for pull in forge.pulls.labelled(label)]


def made(api: Scoped, branch: str, owner: str = "") -> int:
    """A pull request of a branch with a file of its own."""
    api.post("/contents/" + branch, {"content": "", "new_branch": branch, "branch": "main"}).ok()
    return int(api.post("/pulls", {"head": branch, "base": "main", "title": branch}).ok()["number"])


def test_a_label_of_the_organisation_counts_whoever_asks(gitea: Gitea, repository: Repository) -> None:
    """Beside one of the repository with the same name, and for a token that may not see the organisation's."""
    token = gitea.token(gitea.alice, ["write:organization", "write:repository", "write:issue", "write:user"])
    alice, org = gitea.api(token), f"org{secrets.token_hex(4)}"
    alice.post("/orgs", {"username": org}).ok()
    shared = alice.post(f"/orgs/{org}/labels", {"name": QUEUED, "color": "#ff0000"}).ok()["id"]
    alice.post(f"/orgs/{org}/repos", {"name": "project", "auto_init": True, "default_branch": "main"}).ok()
    api = Scoped(alice, f"/repos/{org}/project")
    first, second, third, _ = (made(api, f"topic-{place}") for place in range(4))
    own = api.post("/labels", {"name": QUEUED, "color": "#00ff00"}).ok()["id"]
    for number, ids in ((first, [shared]), (second, [own]), (third, [own, shared])):
        api.post(f"/issues/{number}/labels", {"labels": ids}).ok()
    blind = gitea.token(gitea.alice, ["write:repository", "write:issue"])
    calls: list[ForgeCall] = []
    for who in (token, blind):
        calls.clear()
        forge = asked(repository, who, f"{org}/project", calls.append)
        assert numbers(forge) == [first, second, third]
        assert forge.pulls.get(third).labels == (QUEUED,)
    assert [call.status for call in calls[:3]] == [200, 403, 200]
    # Both of them go.
    assert asked(repository, blind, f"{org}/project").issues.label(third, remove=[QUEUED]).labels == ()


def test_two_labels_of_one_name_are_one(repository: Repository, pull: Pull) -> None:
    """The server makes both; where the case differs, they are two."""
    other, third = (made(repository.api(), branch) for branch in ("other", "third"))
    for number, name in ((pull.number, QUEUED), (other, QUEUED), (third, QUEUED.title())):
        label = repository.api().post("/labels", {"name": name, "color": "#00ff00"}).ok()["id"]
        repository.api().post(f"/issues/{number}/labels", {"labels": [label]}).ok()
    assert numbers(asked(repository)) == [pull.number, other]
    assert numbers(asked(repository), QUEUED.title()) == [third]


def test_a_pull_request_of_a_fork_is_marked_as_one(gitea: Gitea, repository: Repository) -> None:
    """MRG-16; the server closes it when the fork is deleted."""
    fork = gitea.bob.api.post(f"{repository.path}/forks", {"name": f"fork-{repository.name}"}).ok()["full_name"]
    eventually(lambda: gitea.bob.api.get(f"/repos/{fork}/branches/feature").status == 200, "the fork is made")
    theirs = {"head": "bob:feature", "base": "main", "title": "theirs"}
    number = int(gitea.bob.api.post(f"{repository.path}/pulls", theirs).ok()["number"])
    forge, head = asked(repository), repository.tip("feature")
    forge.issues.label(number, add=[QUEUED])
    (found,) = forge.pulls.labelled(QUEUED)
    assert (found.number, found.fork, found.head, found.state) == (number, True, head, PullState.OPEN)
    assert gitea.bob.api.call("DELETE", f"/repos/{fork}").status == 204
    assert forge.pulls.labelled(QUEUED) == ()
    gone = forge.pulls.get(number)
    assert (gone.state, gone.fork, gone.head, gone.labels) == (PullState.CLOSED, True, head, (QUEUED,))


def test_unlabelled_pull_requests_cost_no_calls(repository: Repository, pull: Pull) -> None:
    """Labels of the repository, those of an organisation, whether there is one, and the list itself."""
    api = repository.api()
    asked(repository).issues.label(pull.number, add=[QUEUED])
    calls: list[ForgeCall] = []
    for count in (0, 3):
        for place in range(count):
            made(api, f"more-{place}")
        calls.clear()
        assert numbers(asked(repository, observe=calls.append)) == [pull.number]
        found = [(call.path.removeprefix("/api/v1"), call.status) for call in calls]
        assert found == [
            (f"{repository.path}/labels", 200),
            (f"/orgs/{repository.owner.name}/labels", 403),
            (f"{repository.path}/teams", 405),
            (f"{repository.path}/pulls", 200),
        ]
    calls.clear()
    assert numbers(asked(repository, observe=calls.append), "never made") == []
    assert len(calls) == 3


def test_scopes_of_labels_and_comments(gitea: Gitea, repository: Repository, pull: Pull) -> None:
    """Both take `write:issue`, also on a pull request, and no scope of the repository."""
    number = pull.number
    code = asked(repository, gitea.token(gitea.alice, ["write:repository"]))
    talk = asked(repository, gitea.token(gitea.alice, ["write:issue"]))
    reader = asked(repository, gitea.token(gitea.alice, ["read:issue", "read:repository"]))
    for ask in (
        lambda: code.issues.comments(number),
        lambda: code.pulls.labelled(QUEUED),
        lambda: code.issues.label(number, add=[QUEUED]),
        lambda: code.issues.comment(number, "Noted."),
        lambda: reader.issues.label(number, add=[QUEUED]),
        lambda: reader.issues.comment(number, "Noted."),
    ):
        with pytest.raises(ForgeRefused, match=r"lacks the scope (read|write):issue"):
            ask()
    assert talk.issues.label(number, add=[QUEUED]).labels == (QUEUED,)
    output = talk.issues.comment(number, "Noted.")
    assert talk.issues.edit_comment(number, output.id, "Done.").body == "Done."
    with pytest.raises(ForgeRefused, match="lacks the scope read:repository"):
        talk.pulls.labelled(QUEUED)
    assert (numbers(reader), [one.body for one in reader.issues.comments(number)]) == ([number], ["Done."])
    with pytest.raises(ForgeRefused, match="lacks the scope write:issue"):
        reader.issues.edit_comment(number, output.id, "Changed.")


def test_who_may_only_read_comments_and_changes_only_their_own(
    gitea: Gitea, repository: Repository, pull: Pull
) -> None:
    """The server refuses the rest without a word, as something between would: so it is unclear, and nothing changed."""
    stranger, owner = asked(repository, gitea.bot.token).issues, asked(repository).issues
    mine, theirs = stranger.comment(pull.number, "Mine."), owner.comment(pull.number, "Theirs.")
    owner.label(pull.number, add=[QUEUED])
    assert stranger.edit_comment(pull.number, mine.id, "Still mine.").author == gitea.bot.name
    with pytest.raises(ForgeUnclear):
        stranger.edit_comment(pull.number, theirs.id, "Changed.")
    with pytest.raises(ForgeUnclear):
        stranger.label(pull.number, remove=[QUEUED])
    assert [one.body for one in owner.comments(pull.number)] == ["Still mine.", "Theirs."]
    assert numbers(asked(repository)) == [pull.number]


def test_only_comments_are_comments(gitea: Gitea, repository: Repository, pull: Pull) -> None:
    """A review and the news of a label have ids of the same kind; a deleted comment has none any more."""
    api, issues = repository.api(), asked(repository).issues
    issues.label(pull.number, add=[QUEUED])
    repository.add(gitea.bob)
    repository.api(gitea.bob).post(f"/pulls/{pull.number}/reviews", {"event": "COMMENT", "body": "Read it."}).ok()
    first = issues.comment(pull.number, "First.")
    others = {row["id"] for row in api.get(f"/issues/{pull.number}/timeline").ok()} - {first.id}
    assert others
    api.delete(f"/issues/comments/{first.id}").ok()
    for number in (*others, first.id):
        with pytest.raises(ForgeRefused):
            issues.edit_comment(pull.number, number, "Changed.")
    assert issues.comments(pull.number) == ()


def test_a_label_that_somebody_else_deletes_meanwhile(repository: Repository, pull: Pull) -> None:
    """MRG-13: what is gone is gone, whoever took it away."""
    issues, api = asked(repository).issues, repository.api()

    def deleted(call: ForgeCall) -> None:
        """The label itself, between the look at the pull request and its removal."""
        if call.method == "GET" and call.path == f"{repository.path}/issues/{pull.number}":
            for row in api.get("/labels").ok():
                api.delete(f"/labels/{row['id']}").ok()

    issues.label(pull.number, add=[QUEUED])
    assert asked(repository, observe=deleted).issues.label(pull.number, remove=[QUEUED]).labels == ()


def test_the_timeline_of_an_issue_tells_no_total(repository: Repository) -> None:
    """ENG-11: the total is that of the page, an empty page is `null`, and what is asked for whole is the first page."""
    api = repository.api()
    ids = [api.post("/labels", {"name": f"label {place}", "color": "#00ff00"}).ok()["id"] for place in range(60)]
    number = api.post("/issues", {"title": "Greet the user", "labels": ids}).ok()["number"]
    api.delete(f"/issues/{number}/labels/{ids[0]}").ok()

    def page(query: str) -> tuple[int, str, list[tuple[str, str, str]]]:
        found = api.get(f"/issues/{number}/timeline{query}")
        rows = [(row["type"], row["body"], row["label"]["name"]) for row in found.json or []]
        return len(rows), found.headers["X-Total-Count"], rows

    count, total, _ = page("")
    assert count < 61
    assert str(count) == total
    assert page("?limit=50&page=1")[:2] == (50, "50")
    last = page("?limit=50&page=2")
    assert last[:2] == (11, "11")
    assert last[2][-2:] == [("label", "1", "label 59"), ("label", "", "label 0")]
    assert page("?limit=50&page=3")[:2] == (0, "0")
    assert asked(repository).issues.labelled_by(number, "label 59") == repository.owner.name
    assert asked(repository).issues.labelled_by(number, "label 0") == ""
