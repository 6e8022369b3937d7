"""A merge on a real Gitea at the worst moments: what is merged is what was asked for, or nothing is (MRG-8, MRG-16)."""

from __future__ import annotations

import secrets
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from orch_gates.errors import ForgeRefused, ForgeUnavailable
from orch_gates.forge import check
from orch_gates.forge.gitea.connect import DIALECT, connect
from orch_gates.forge.http import ForgeCall
from orch_gates.forge.port.checks import CommitStatus, ReviewState, StatusState
from orch_gates.forge.port.forge import Forge
from orch_gates.forge.port.pulls import (
    Ambiguous,
    BaseMoved,
    Closed,
    Draft,
    Foreign,
    Merged,
    MergeOutcome,
    MergeRequest,
    NotReady,
    PullRequest,
    PullState,
    Retargeted,
    Transient,
)
from tests.e2e.gitea import Gitea, User
from tests.e2e.repository import Repository, eventually
from tests.fakes.fault_proxy import FaultProxy


def asked(repository: Repository, user: User | None = None, url: str = "") -> Forge:
    who = user or repository.owner
    return connect(url or repository.server.url, f"{repository.owner.name}/{repository.name}", who.token, 30)


def request(pull: PullRequest, repository: Repository, **changed: Any) -> MergeRequest:
    whole = MergeRequest(pull.head, repository.tip(pull.target), pull.target, "Land it", "Orch-Task: T-1")
    return replace(whole, **changed)


def merged(forge: Forge, number: int, wanted: MergeRequest) -> MergeOutcome:
    """The first outcome that is definite."""

    def definite() -> MergeOutcome | None:
        outcome = forge.pulls.merge(number, wanted)
        return None if isinstance(outcome, Ambiguous | Transient) else outcome

    found: MergeOutcome = eventually(definite, "a definite outcome")
    return found


def settled(forge: Forge, number: int) -> PullRequest:
    eventually(lambda: forge.pulls.get(number).mergeable, "mergeable")
    return forge.pulls.get(number)


@pytest.fixture
def pull(repository: Repository) -> PullRequest:
    """A pull request of `feature` that can be merged."""
    forge = asked(repository)
    return settled(forge, forge.pulls.open(Draft("feature", "main", "Land it")).number)


def branched(repository: Repository, name: str, path: str) -> None:
    """A branch with a file of its own, on top of main."""
    repository.write(path, "one\n", branch="main", new_branch=name).ok()


@pytest.mark.parametrize("hook", ["a slow one", "the product's own"])
def test_of_two_merges_at_once_the_later_has_another_base(repository: Repository, pull: PullRequest, hook: str) -> None:
    """The server says it in the words of git, which are no refusal."""
    branched(repository, "second", "second.txt")
    forges = [asked(repository), asked(repository)]
    second = settled(forges[1], forges[1].pulls.open(Draft("second", "main", "Land the second")).number)
    if hook == "a slow one":
        pre_receive(repository, "slow", "cat >/dev/null\nsleep 1.5\n")
    else:
        repository.install_hook()
    wanted = [(one.number, request(one, repository)) for one in (pull, second)]
    with ThreadPoolExecutor(2) as both:
        outcomes = list(both.map(lambda pair: pair[0].pulls.merge(*pair[1]), zip(forges, wanted, strict=True)))
    lost = [outcome for outcome in outcomes if not isinstance(outcome, Merged)]
    assert len(lost) == 1
    # Where both push in the very same moment, git finds the lock of the other one.
    assert isinstance(lost[0], BaseMoved | Transient), lost


def test_a_base_that_moved_before_our_hook_looked(repository: Repository, pull: PullRequest) -> None:
    """The hook says so before it judges anything: the base moved, and nobody forbids the merge."""
    branched(repository, "second", "second.txt")
    repository.install_hook()
    reached, go = repository.folder / "reached", repository.folder / "go"
    # By its name it runs before ours.
    pre_receive(repository, "a-slow-one", f"cat >/dev/null\ntouch {reached}\nwhile [ ! -e {go} ]; do sleep 0.1; done\n")
    wanted = request(pull, repository)
    with ThreadPoolExecutor(1) as other:
        outcome = other.submit(asked(repository).pulls.merge, pull.number, wanted)
        eventually(reached.exists, "the merge is pushed")
        repository.bare.git("update-ref", "refs/heads/main", repository.tip("second"))
        go.touch()
        assert outcome.result() == BaseMoved()


def test_a_pull_request_that_goes_elsewhere_is_not_merged(repository: Repository, pull: PullRequest) -> None:
    """Changed by a person between the validation and the merge."""
    branched(repository, "release", "release.txt")
    wanted, before = request(pull, repository), (repository.tip(), repository.tip("release"))
    repository.api().patch(f"/pulls/{pull.number}", {"base": "release"}).ok()
    assert merged(asked(repository), pull.number, wanted) == Retargeted("release")
    assert (repository.tip(), repository.tip("release")) == before


def test_a_pull_request_that_the_server_retargets_is_not_merged(repository: Repository) -> None:
    """Its base branch is deleted: the server lets it go to the default branch."""
    branched(repository, "below", "below.txt")
    forge = asked(repository)
    stacked = settled(forge, forge.pulls.open(Draft("feature", "below", "Stacked")).number)
    wanted, before = request(stacked, repository), repository.tip()
    repository.clone().git("push", "--quiet", "origin", ":below")
    eventually(lambda: forge.pulls.get(stacked.number).target == "main", "retargeted")
    assert merged(forge, stacked.number, wanted) == Retargeted("main")
    assert repository.tip() == before


def test_what_is_a_forks_is_not_merged(gitea: Gitea, repository: Repository) -> None:
    """By its number it looks like ours: the same name of the branch, the same target."""
    fork = gitea.bob.api.post(f"{repository.path}/forks", {"name": f"fork-{repository.name}"}).ok()["full_name"]
    eventually(lambda: gitea.bob.api.get(f"/repos/{fork}/branches/feature").status == 200, "the fork is made")
    theirs = {"head": "bob:feature", "base": "main", "title": "theirs"}
    number = gitea.bob.api.post(f"{repository.path}/pulls", theirs).ok()["number"]
    forge, before = asked(repository), repository.tip()
    found = forge.pulls.get(number)
    assert (found.branch, found.target, found.fork) == ("feature", "main", True)
    assert merged(forge, number, request(found, repository)) == Foreign()
    assert repository.tip() == before


def test_a_merge_deletes_no_branch(repository: Repository, pull: PullRequest) -> None:
    """Whatever the repository's default is: later gates judge the branch."""
    repository.api().patch("", {"default_delete_branch_after_merge": True, "has_pull_requests": True}).ok()
    assert isinstance(merged(asked(repository), pull.number, request(pull, repository)), Merged)
    assert repository.tip("feature") == pull.head


def test_one_that_was_closed_while_it_was_merged_is_in_the_target(
    gitea: Gitea, repository: Repository, pull: PullRequest
) -> None:
    """go-gitea#39254: only git knows, so closed is not gone."""
    forge, wanted = asked(repository), request(pull, repository)
    with ThreadPoolExecutor(1) as other, gitea.held("pr-merge-to-base") as reached:
        outcome = other.submit(forge.pulls.merge, pull.number, wanted)
        eventually(reached.exists, "the merge is made, and not pushed yet")
        repository.api().patch(f"/pulls/{pull.number}", {"state": "closed"}).ok()
        gitea.release("pr-merge-to-base")
        outcome.result()
    assert repository.bare.attempt("merge-base", "--is-ancestor", pull.head, "main").returncode == 0
    assert asked(repository).pulls.merge(pull.number, wanted) == Closed()


def test_a_rule_that_is_broken_while_it_merges_is_not_met_yet(
    gitea: Gitea, repository: Repository, pull: PullRequest
) -> None:
    """CI runs again between the server's own look and its push."""
    repository.add(gitea.bob)
    rule = {"enable_status_check": True, "status_check_contexts": ["ci"], "block_admin_merge_override": True}
    repository.protect("main", **rule)
    owner, bob = asked(repository), asked(repository, gitea.bob)
    owner.statuses.post(pull.head, CommitStatus("ci", StatusState.SUCCESS))
    with ThreadPoolExecutor(1) as other, gitea.held("pr-merge-to-base") as reached:
        # The server looks again whether it can be merged, as its rule is another one.
        outcome = other.submit(merged, bob, pull.number, request(pull, repository))
        eventually(reached.exists, "the merge is made, and not pushed yet")
        owner.statuses.post(pull.head, CommitStatus("ci", StatusState.PENDING))
        gitea.release("pr-merge-to-base")
        assert isinstance(outcome.result(), NotReady)
    owner.statuses.post(pull.head, CommitStatus("ci", StatusState.SUCCESS))
    assert isinstance(merged(bob, pull.number, request(pull, repository)), Merged)


@pytest.mark.parametrize("trouble", ["its own hook cannot reach it", "a hook is ended"])
def test_a_servers_own_trouble_passes(gitea: Gitea, repository: Repository, pull: PullRequest, trouble: str) -> None:
    """It restarts, its database is busy, the system ends a hook: asked again, it merges."""
    forge, wanted = asked(repository), request(pull, repository)
    if trouble == "a hook is ended":
        path = pre_receive(repository, "ended", "cat >/dev/null\nkill -9 $$\n")
        outcome = forge.pulls.merge(pull.number, wanted)
        path.unlink()
    else:
        config = gitea.folder / "app.ini"
        before = config.read_text()
        config.write_text(before.replace(f"LOCAL_ROOT_URL = {gitea.url}/", "LOCAL_ROOT_URL = http://127.0.0.1:1/"))
        try:
            outcome = forge.pulls.merge(pull.number, wanted)
        finally:
            config.write_text(before)
    assert isinstance(outcome, Transient)
    assert isinstance(merged(forge, pull.number, wanted), Merged)


PAGE = b"<html><body>x</body></html>"
HTML = {"Content-Type": "text/html"}


@pytest.mark.parametrize(
    ("status", "body", "headers"),
    [
        (404, b"404 page not found\n", {"Content-Type": "text/plain"}),
        (404, PAGE, HTML),
        (403, PAGE, HTML),
        (401, PAGE, {**HTML, "WWW-Authenticate": "Basic"}),
        (302, PAGE, {**HTML, "Location": "https://sso.example/login"}),
        (301, PAGE, {**HTML, "Location": "https://git.example/api/v1/repos/alice/x/pulls/1/merge"}),
        (422, PAGE, HTML),
        (423, PAGE, HTML),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_page_of_something_between_decides_nothing(
    repository: Repository, pull: PullRequest, method: str, status: int, body: bytes, headers: dict[str, str]
) -> None:
    """A proxy, a login portal, a server that restarts: neither gone nor forbidden."""
    with FaultProxy(repository.server.url) as proxy:
        proxy.on(method, f"/pulls/{pull.number}").answer(status, body, headers)
        forge = asked(repository, url=proxy.url)
        outcome = forge.pulls.merge(pull.number, request(pull, repository))
        assert isinstance(outcome, Ambiguous if method == "POST" else Transient)
        proxy.on("GET", r"/pulls\?").answer(status, body, headers)
        with pytest.raises(ForgeUnavailable) as told:
            forge.pulls.find("feature", "main")
        assert not isinstance(told.value, ForgeRefused)


def test_an_open_pull_request_is_found_while_others_come_and_go(repository: Repository) -> None:
    """One that is closed between two pages moves another to the page that was read."""
    for name in "abcde":
        branched(repository, name, f"{name}.txt")
    forge = asked(repository)
    numbers = {name: forge.pulls.open(Draft(name, "main", name)).number for name in "abcd"}
    did: list[int] = []

    def between(call: ForgeCall) -> None:
        if call.path.endswith("/pulls") and call.method == "GET" and not did:
            did.append(1)
            forge.pulls.close(numbers["a"])
            forge.pulls.open(Draft("e", "main", "e"))

    owner = repository.owner
    paged = replace(DIALECT, page_size=2)
    watched = connect(repository.server.url, f"{owner.name}/{repository.name}", owner.token, 30, between, paged)
    assert [found.number for found in watched.pulls.find("c", "main")] == [numbers["c"]]


def test_opened_by_many_at_once_there_is_one(repository: Repository) -> None:
    """The server does not lock (go-gitea#20906): whoever made another one closes it."""

    def opened(_: int) -> int:
        return asked(repository).pulls.open(Draft("feature", "main", "Land it")).number

    with ThreadPoolExecutor(8) as many:
        told = list(many.map(opened, range(8)))
    (found,) = asked(repository).pulls.find("feature", "main")
    assert set(told) == {found.number}


def test_a_label_made_by_many_at_once_is_one(repository: Repository) -> None:
    with ThreadPoolExecutor(6) as many:
        list(many.map(lambda n: asked(repository).issues.create(f"Issue {n}", labels=["orch: task"]), range(6)))
    assert len(repository.api().get("/labels?limit=50").ok()) == 1
    assert len(asked(repository).issues.list(label="orch: task")) == 6


def test_a_review_that_is_not_sent_yet_stops_nobody(gitea: Gitea, repository: Repository, pull: PullRequest) -> None:
    """The server counts it, and shows it to its author only."""
    for who in (gitea.bob, gitea.bot):
        repository.add(who)
    reviews = f"/pulls/{pull.number}/reviews"
    repository.api(gitea.bob).post(reviews, {"event": "APPROVED", "body": "x", "commit_id": pull.head}).ok()
    begun = {"path": "feature.txt", "body": "c", "new_position": 1}
    unsent = {"event": "PENDING", "body": "x", "commit_id": pull.head, "comments": [begun]}
    repository.api(gitea.bot).post(reviews, unsent).ok()
    found = asked(repository).reviews.latest("feature", "main")
    assert [(one.reviewer, one.state) for one in found] == [(gitea.bob.name, ReviewState.APPROVED)]


@pytest.mark.parametrize("then", ["asked again", "asked again, and not any more"])
def test_an_objection_stays_when_its_author_is_asked_again(
    gitea: Gitea, repository: Repository, pull: PullRequest, then: str
) -> None:
    """One click takes the server's mark off it; what was said is said."""
    for who, event in ((gitea.bob, "REQUEST_CHANGES"), (gitea.bot, "APPROVED")):
        repository.add(who)
        output = {"event": event, "body": "x", "commit_id": pull.head}
        repository.api(who).post(f"/pulls/{pull.number}/reviews", output).ok()
    again = f"/pulls/{pull.number}/requested_reviewers"
    repository.api().post(again, {"reviewers": [gitea.bob.name]}).ok()
    if then != "asked again":
        repository.api().delete(again, {"reviewers": [gitea.bob.name]}).ok()
    found = {one.reviewer: one.state for one in asked(repository).reviews.latest("feature", "main")}
    assert found == {gitea.bob.name: ReviewState.CHANGES_REQUESTED, gitea.bot.name: ReviewState.APPROVED}


@pytest.mark.parametrize(
    "message",
    [
        "a\x00b\n\nOrch-Task: T-1",
        "x " * 70_000 + "\n\nOrch-Task: T-1",
        "a\n# ------------------------ >8 ------------------------\nb\n\nOrch-Task: T-1",
    ],
    ids=["NUL", "140 KB", "scissors"],
)
def test_a_message_that_could_never_land_is_not_sent(repository: Repository, pull: PullRequest, message: str) -> None:
    """The server would answer `try again later` for ever, or hide the trailers."""
    with pytest.raises(ForgeRefused, match="no request was sent"):
        request(pull, repository, message=message)


def test_a_branch_of_no_commit_is_not_merged_as_any(repository: Repository, pull: PullRequest) -> None:
    """The server reads an empty head as one that does not matter."""
    before = repository.tip()
    for wrong in ({"head": ""}, {"head": secrets.token_hex(5)}, {"base": ""}):
        with pytest.raises(ForgeRefused):
            asked(repository).pulls.merge(pull.number, request(pull, repository, **wrong))
    assert repository.tip() == before


def test_a_repository_that_cannot_be_merged_into_says_so(gitea: Gitea, repository: Repository) -> None:
    """By its own settings, before anybody tries."""
    assert check.problems(check.look(asked(repository))) == ()
    repository.api().patch("", {"allow_merge_commits": False, "allow_squash_merge": True}).ok()
    (output,) = check.problems(check.look(asked(repository)))
    assert "merge commits are not allowed" in output
    gitea.alice.api.post("/user/repos", {"name": f"empty-{repository.name}"}).ok()
    empty = connect(gitea.url, f"alice/empty-{repository.name}", gitea.alice.token, 30)
    assert any("is empty" in output for output in check.problems(check.look(empty)))


def test_a_first_push_that_the_server_has_not_handled_is_waited_for(gitea: Gitea, repository: Repository) -> None:
    """Until then it knows no pull requests; that is no refusal, and passes by itself."""
    made = gitea.alice.api.post("/user/repos", {"name": f"empty-{repository.name}"}).ok()
    gitea.alice.api.post(f"/repos/{made['full_name']}/labels", {"name": "bug", "color": "#c00000"}).ok()
    pulls = connect(gitea.url, made["full_name"], gitea.alice.token, 30).pulls
    for ask in (lambda: pulls.open(Draft("feature", "main", "Land it")), lambda: pulls.labelled("bug")):
        with pytest.raises(ForgeUnavailable, match="until it has handled the first push"):
            ask()
    repository.clone().git(
        "push", "--quiet", made["clone_url"], "origin/main:refs/heads/main", "origin/feature:refs/heads/feature"
    )
    eventually(lambda: not gitea.alice.api.get(f"/repos/{made['full_name']}").ok()["empty"], "the push is noticed")
    assert pulls.open(Draft("feature", "main", "Land it")).state is PullState.OPEN


def pre_receive(repository: Repository, name: str, script: str) -> Path:
    """A hook of the server's administrator."""
    path = repository.bare.path / "hooks" / "pre-receive.d" / name
    path.write_text(f"#!/bin/sh\n{script}")
    path.chmod(0o755)
    return path
