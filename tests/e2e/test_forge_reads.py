"""What gates ask of a forge: the same answers from the fake in memory and from a real Gitea."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest

from orch_gates.errors import ForgeRefused, ForgeUnavailable
from orch_gates.forge.gitea.checks import GiteaReviews, GiteaStatuses
from orch_gates.forge.gitea.connect import api as gitea_api
from orch_gates.forge.port.checks import CommitStatus, CommitStatuses, Reviews, ReviewState, StatusState
from tests.builders import orch
from tests.e2e.gitea import Gitea, User
from tests.e2e.repository import Pull, Repository
from tests.fakes.forge import MemoryForge

ALICE, BOB = "alice", "bob"


class Rig(Protocol):
    """Somebody's project on a forge, with the branch `topic` pushed."""

    @property
    def statuses(self) -> CommitStatuses: ...
    @property
    def reviews(self) -> Reviews: ...
    def head(self) -> str: ...
    def post(self, context: str, state: StatusState) -> None: ...
    def open(self) -> None: ...
    def close(self) -> None: ...
    def say(self, reviewer: str, state: ReviewState) -> None: ...
    def push(self) -> None: ...


class MemoryRig:
    def __init__(self) -> None:
        self.forge = MemoryForge()
        self.statuses, self.reviews = self.forge.statuses, self.forge.reviews
        self._head = secrets.token_hex(20)

    def head(self) -> str:
        return self._head

    def post(self, context: str, state: StatusState) -> None:
        self.forge.statuses.post(self._head, CommitStatus(context, state))

    def open(self) -> None:
        self.forge.reviews.open("topic", "main")

    def close(self) -> None:
        self.forge.reviews.close("topic", "main")

    def say(self, reviewer: str, state: ReviewState) -> None:
        self.forge.reviews.say("topic", "main", reviewer, state, self._head, by_author=reviewer == ALICE)

    def push(self) -> None:
        self._head = secrets.token_hex(20)


class GiteaRig:
    """Alice's repository; Bob may write to it."""

    def __init__(self, server: Gitea, repository: Repository) -> None:
        self.server, self.repository = server, repository
        repository.add(server.bob)
        name = f"{repository.owner.name}/{repository.name}"
        api = gitea_api(server.url, server.token(server.alice, ["read:repository"]), 30)
        self.statuses, self.reviews = GiteaStatuses(api, name), GiteaReviews(api, name)
        self.work = repository.clone()
        self.work.git("switch", "--quiet", "-c", "topic")
        self.push()
        self.pull: Pull | None = None

    def head(self) -> str:
        return self.repository.tip("topic")

    def post(self, context: str, state: StatusState) -> None:
        document = {"state": state.value, "context": context}
        self.repository.api().post(f"/statuses/{self.head()}", document).ok()

    def open(self) -> None:
        self.pull = self.repository.pull("topic")

    def close(self) -> None:
        assert self.pull is not None
        self.repository.api().patch(f"/pulls/{self.pull.number}", {"state": "closed"}).ok()

    def say(self, reviewer: str, state: ReviewState) -> None:
        assert self.pull is not None
        words = {ReviewState.APPROVED: "APPROVED", ReviewState.CHANGES_REQUESTED: "REQUEST_CHANGES"}
        document = {"event": words.get(state, "COMMENT"), "body": "read it", "commit_id": self.head()}
        self.repository.api(self._user(reviewer)).post(f"/pulls/{self.pull.number}/reviews", document).ok()

    def push(self) -> None:
        self.work.commit("work", {"code.py": f"# {secrets.token_hex(4)}\n"})
        self.work.git("push", "--quiet", "origin", "topic")

    def _user(self, name: str) -> User:
        return {ALICE: self.server.alice, BOB: self.server.bob}[name]


@pytest.fixture(params=["memory", "gitea"])
def rig(request: pytest.FixtureRequest) -> Iterator[Rig]:
    if request.param == "memory":
        yield MemoryRig()
    else:
        yield GiteaRig(request.getfixturevalue("gitea"), request.getfixturevalue("repository"))


def test_the_latest_status_of_every_context_counts(rig: Rig) -> None:
    assert rig.statuses.latest(rig.head()) == ()
    rig.post("build", StatusState.PENDING)
    rig.post("test [linux]", StatusState.FAILURE)
    rig.post("build", StatusState.SUCCESS)
    found = {status.context: status.state for status in rig.statuses.latest(rig.head())}
    assert found == {"build": StatusState.SUCCESS, "test [linux]": StatusState.FAILURE}


def test_statuses_belong_to_their_commit(rig: Rig) -> None:
    rig.post("build", StatusState.SUCCESS)
    rig.push()
    assert rig.statuses.latest(rig.head()) == ()


def test_every_page_of_statuses_is_read(rig: Rig) -> None:
    """More of them than a page holds (faults.md: the first page is not all)."""
    for number in range(60):
        rig.post(f"job {number:02}", StatusState.SUCCESS)
    assert len(rig.statuses.latest(rig.head())) == 60


def test_reviews_are_those_of_the_open_pull_request(rig: Rig) -> None:
    assert rig.reviews.latest("topic", "main") == ()
    rig.open()
    assert rig.reviews.latest("topic", "main") == ()
    rig.say(BOB, ReviewState.APPROVED)
    (review,) = rig.reviews.latest("topic", "main")
    assert (review.reviewer, review.state, review.commit) == (BOB, ReviewState.APPROVED, rig.head())
    assert not review.by_author
    assert rig.reviews.latest("topic", "another") == rig.reviews.latest("another", "main") == ()
    rig.close()
    assert rig.reviews.latest("topic", "main") == ()


def test_a_reviewers_latest_word_counts(rig: Rig) -> None:
    rig.open()
    rig.say(BOB, ReviewState.CHANGES_REQUESTED)
    (review,) = rig.reviews.latest("topic", "main")
    assert review.state is ReviewState.CHANGES_REQUESTED
    rig.say(BOB, ReviewState.APPROVED)
    (review,) = rig.reviews.latest("topic", "main")
    assert review.state is ReviewState.APPROVED


def test_an_approval_names_the_commit_that_was_read(rig: Rig) -> None:
    """A push after it makes it stale; whether it is, is the gate's to say."""
    rig.open()
    rig.say(BOB, ReviewState.APPROVED)
    approved = rig.head()
    rig.push()
    (review,) = rig.reviews.latest("topic", "main")
    assert review.commit == approved != rig.head()


def test_a_word_without_a_vote_does_not_count(gitea: Gitea, repository: Repository) -> None:
    """On a public repository anybody may press the button; only those who may write decide."""
    made = GiteaRig(gitea, repository)
    made.open()
    assert made.pull is not None
    document = {"event": "APPROVED", "body": "nice", "commit_id": made.head()}
    repository.api(gitea.bot).post(f"/pulls/{made.pull.number}/reviews", document).ok()
    assert made.reviews.latest("topic", "main") == ()


def test_a_comment_changes_no_verdict(gitea: Gitea, repository: Repository) -> None:
    made = GiteaRig(gitea, repository)
    made.open()
    made.say(BOB, ReviewState.APPROVED)
    made.say(BOB, ReviewState.COMMENTED)
    (review,) = made.reviews.latest("topic", "main")
    assert review.state is ReviewState.APPROVED


def test_a_wrong_name_or_token_is_no_empty_answer(gitea: Gitea, repository: Repository) -> None:
    """P2: each says what to do."""
    name = f"alice/{repository.name}"
    head = repository.tip()
    url = gitea.url
    wrong = gitea_api(url, secrets.token_hex(20), 30)
    narrow = gitea_api(url, gitea.token(gitea.alice, ["read:user"]), 30)
    right = gitea_api(url, gitea.alice.token, 30)
    for api, repo, words in (
        (wrong, name, "the token is wrong"),
        (narrow, name, "lacks a scope"),
        (right, f"alice/{secrets.token_hex(4)}", "may not see it"),
    ):
        for ask in (
            lambda api=api, repo=repo: GiteaStatuses(api, repo).latest(head),
            lambda api=api, repo=repo: GiteaReviews(api, repo).latest("topic", "main"),
        ):
            with pytest.raises(ForgeRefused, match=words):
                ask()
    repository.api().patch("", {"name": f"{repository.name}-new"}).ok()
    with pytest.raises(ForgeUnavailable, match="has moved"):
        GiteaStatuses(right, name).latest(head)


def test_a_task_is_judged_by_what_the_forge_says(gitea: Gitea, repository: Repository, tmp_path: Path) -> None:
    """ENG-1: development is left when CI is green, review when somebody else approves this very commit."""
    made = GiteaRig(gitea, repository)
    work = made.work
    work.git("branch", "--quiet", "-m", "task/T-1")
    work.git("push", "--quiet", "origin", "task/T-1")
    head = repository.tip("task/T-1")
    env = {
        "ORCH_CACHE_DIR": str(tmp_path / "cache"),
        "ORCH_FORGE_URL": gitea.url,
        "ORCH_FORGE_REPOSITORY": f"alice/{repository.name}",
        "ORCH_FORGE_TOKEN": gitea.token(gitea.alice, ["read:repository"]),
    }

    def run(*args: str, code: int = 0) -> str:
        done = orch(*args, cwd=work.path, env=env)
        said = done.stdout.decode() + done.stderr.decode()
        assert done.returncode == code, said
        assert env["ORCH_FORGE_TOKEN"] not in said
        return said

    run("state", "init")
    run("task", "new", "T-1", "Greet the user")
    run("advance", "T-1", "--approve")
    run("advance", "T-1")
    assert "0 statuses" in run("advance", "T-1", code=1)
    repository.api().post(f"/statuses/{head}", {"state": "success", "context": "build"}).ok()
    assert "now active in review" in run("advance", "T-1")
    document = {"head": "task/T-1", "base": "main", "title": "T-1"}
    number = repository.api().post("/pulls", document).ok()["number"]
    review = {"event": "APPROVED", "body": "reads well", "commit_id": head}
    repository.api(gitea.bob).post(f"/pulls/{number}/reviews", review).ok()
    assert "now active in testing" in run("advance", "T-1")
    assert head in run("task", "show", "T-1", "--json")
