"""A rotten wire before a real Gitea: nothing is called done that was not, asking again ends well (MRG-8, P2, P7)."""

from __future__ import annotations

import re
import secrets
import socket
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import pytest

from orch_gates.errors import ForgeUnavailable, ForgeUnclear
from orch_gates.forge.gitea.connect import connect
from orch_gates.forge.port.checks import CommitStatus, StatusState
from orch_gates.forge.port.forge import Forge
from orch_gates.forge.port.pulls import (
    AlreadyMerged,
    Ambiguous,
    Draft,
    Merged,
    MergeOutcome,
    MergeRequest,
    PullRequest,
    PullState,
    Transient,
)
from tests.builders import Repo
from tests.e2e.gitea import Gitea
from tests.e2e.repository import FEATURE, Repository, eventually
from tests.fakes.fault_proxy import FaultProxy, Rule

_PATIENCE_S = 30
_IMPATIENCE_S = 1
_PAIRS = 40


@dataclass(frozen=True, slots=True)
class Fault:
    """How a request is spoiled, how often the server is given it, and what is known of it then."""

    spoil: Callable[[Rule], None]
    delivered: int
    error: type[ForgeUnavailable] = ForgeUnclear
    outcome: type[Ambiguous | Transient] = Ambiguous
    timeout: float = _PATIENCE_S


Shared = tuple[Repository, Iterator[Draft]]

FAULTS = {
    "reset before": Fault(Rule.reset_before, 0),
    "reset after": Fault(Rule.reset_after, 1),
    "500 before": Fault(lambda rule: rule.answer(500), 0),
    "500 after": Fault(lambda rule: rule.answer(500, b'{"message": ""}', acted=True), 1),
    "503 after": Fault(lambda rule: rule.answer(503, acted=True), 1),
    "truncated": Fault(Rule.truncated, 1),
    "page 200 before": Fault(lambda rule: rule.html(200), 0),
    "page 200 after": Fault(lambda rule: rule.html(200, acted=True), 1),
    "page 502 after": Fault(lambda rule: rule.html(502, acted=True), 1),
    "late answer": Fault(lambda rule: rule.delay_after(600), 1, timeout=_IMPATIENCE_S),
    "late request": Fault(lambda rule: rule.delay_before(_IMPATIENCE_S + 0.5), 1, timeout=_IMPATIENCE_S),
    "too many": Fault(lambda rule: rule.too_many(retry_after=7), 0, ForgeUnavailable, Transient),
}
EVERY = pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)


class Wire:
    """A repository of the server, and the way to it that is to be spoiled."""

    def __init__(self, gitea: Gitea, shared: Shared, proxy: FaultProxy) -> None:
        self.gitea, self.proxy = gitea, proxy
        self.repository, self._drafts = shared
        self.name = f"{self.repository.owner.name}/{self.repository.name}"
        self.straight = connect(gitea.url, self.name, gitea.alice.token, _PATIENCE_S)

    def rotten(self, fault: Fault | None = None) -> Forge:
        """The adapter, through the proxy."""
        timeout = fault.timeout if fault else _PATIENCE_S
        return connect(self.proxy.url, self.name, self.gitea.alice.token, timeout)

    def branches(self) -> Draft:
        """Two branches that nobody else uses, and that merge without a conflict."""
        return next(self._drafts)

    def pull(self) -> PullRequest:
        """An open pull request that can be merged."""
        made = self.straight.pulls.open(self.branches())
        eventually(lambda: self.straight.pulls.get(made.number).mergeable, "mergeable")
        return made

    def open(self, draft: Draft) -> list[int]:
        """What the server itself says is open."""
        return [one.number for one in self.straight.pulls.find(draft.branch, draft.target)]

    def settled(self, fault: Fault, method: str, path: str) -> None:
        """The server has been given what it is given of a spoiled request, though nobody waits for it any more."""
        eventually(lambda: self.proxy.delivered(method, path) >= fault.delivered, "delivered")
        assert self.proxy.delivered(method, path) == fault.delivered

    def merges(self, pull: PullRequest) -> list[str]:
        """The heads that were merged into the target."""
        git = self.repository.bare.git
        return git("log", "--merges", "--format=%P", f"refs/heads/{pull.target}").split()[1::2]

    def until_merged(self, forge: Forge, pull: PullRequest) -> MergeOutcome:
        """The outcome that ends the asking, as those who merge do it: git says whether it has landed."""
        last: list[MergeOutcome] = []

        def ended() -> bool:
            last[:] = [merge(forge, pull)]
            assert not isinstance(last[0], Merged) or self.merges(pull) == [pull.head]
            return isinstance(last[0], Merged | AlreadyMerged)

        eventually(ended, "merged")
        return last[0]


def merge(forge: Forge, pull: PullRequest) -> MergeOutcome:
    return forge.pulls.merge(pull.number, MergeRequest(pull.head, pull.base, pull.target, "Merge it", "Orch-Task: T-1"))


class Branching(Repository):
    """With a pair of branches for each of these tests, made before the server knows of the repository."""

    def _fill(self, files: Mapping[str, str], branches: Mapping[str, Mapping[str, str]]) -> None:
        super()._fill(files, branches)
        refs = [f"feature:refs/heads/work-{number}" for number in range(_PAIRS)]
        refs += [f"main:refs/heads/target-{number}" for number in range(_PAIRS)]
        Repo(self.folder / f"seed-{self.name}").git("push", "--quiet", "origin", *refs)


@pytest.fixture(scope="module")
def shared(gitea: Gitea, tmp_path_factory: pytest.TempPathFactory) -> Shared:
    """One repository for all of these."""
    branches = {**FEATURE, "busy": {"busy.txt": "one\n"}}
    repository = Branching(gitea, gitea.alice, tmp_path_factory.mktemp("faults"), branches=branches)
    return repository, (Draft(f"work-{number}", f"target-{number}", "A title") for number in range(_PAIRS))


@pytest.fixture
def wire(gitea: Gitea, shared: Shared) -> Iterator[Wire]:
    with FaultProxy(gitea.url) as proxy:
        yield Wire(gitea, shared, proxy)


@EVERY
def test_a_pull_request_is_opened_once(wire: Wire, fault: Fault) -> None:
    """Whatever became of the first request, asking again gives the one there is."""
    draft = wire.branches()
    fault.spoil(wire.proxy.on("POST", "/pulls$"))
    with pytest.raises(ForgeUnavailable) as raised:
        wire.rotten(fault).pulls.open(draft)
    assert type(raised.value) is fault.error
    wire.settled(fault, "POST", "/pulls$")
    assert wire.proxy.asked("POST", "/pulls$") == 1
    made = wire.rotten().pulls.open(draft)
    assert wire.open(draft) == [made.number]


@EVERY
def test_a_status_is_posted(wire: Wire, fault: Fault) -> None:
    """Saying it again is safe: the latest word of a context is one."""
    commit = wire.repository.tip()
    status = CommitStatus(f"orch/{secrets.token_hex(4)}", StatusState.SUCCESS, "all of it")
    fault.spoil(wire.proxy.on("POST", "/statuses/"))
    with pytest.raises(ForgeUnavailable) as raised:
        wire.rotten(fault).statuses.post(commit, status)
    assert type(raised.value) is fault.error
    wire.settled(fault, "POST", "/statuses/")
    assert wire.proxy.asked("POST", "/statuses/") == 1
    wire.rotten().statuses.post(commit, status)
    found = [one for one in wire.straight.statuses.latest(commit) if one.context == status.context]
    assert [(one.state, one.description) for one in found] == [(status.state, status.description)]


@EVERY
def test_a_merge_is_never_called_one_that_is_not(wire: Wire, fault: Fault) -> None:
    """One request, an outcome that says that git has to be looked at, and in the end exactly one merge."""
    pull = wire.pull()
    fault.spoil(wire.proxy.on("POST", "/merge$"))
    outcome = merge(wire.rotten(fault), pull)
    assert type(outcome) is fault.outcome
    if isinstance(outcome, Transient):
        assert outcome.wait == 7
    wire.settled(fault, "POST", "/merge$")
    assert wire.proxy.asked("POST", "/merge$") == 1
    assert wire.merges(pull) == [pull.head] * fault.delivered
    ended = wire.until_merged(wire.rotten(), pull)
    assert type(ended) is (AlreadyMerged if fault.delivered else Merged)
    assert wire.merges(pull) == [pull.head]
    assert wire.straight.pulls.get(pull.number).state is PullState.MERGED


def test_a_forge_that_is_away_did_nothing(wire: Wire) -> None:
    """Nothing was sent, so nothing can have been done."""
    pull = wire.pull()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        away = connect(f"http://127.0.0.1:{free.getsockname()[1]}", wire.name, wire.gitea.alice.token, _PATIENCE_S)
        assert isinstance(merge(away, pull), Transient)
        with pytest.raises(ForgeUnavailable) as raised:
            away.statuses.post(pull.head, CommitStatus("orch/x", StatusState.SUCCESS))
        assert type(raised.value) is ForgeUnavailable
    assert wire.merges(pull) == []


def test_a_request_that_is_delivered_twice(wire: Wire) -> None:
    """Only the answer to the second is seen: a refusal of what the first did, which is no failure."""
    for path in ("/pulls$", "/statuses/", "/merge$"):
        wire.proxy.on("POST", path).twice()
    forge, draft = wire.rotten(), wire.branches()
    made = forge.pulls.open(draft)
    assert wire.open(draft) == [made.number]
    forge.statuses.post(made.head, CommitStatus(draft.branch, StatusState.FAILURE))
    assert [one.context for one in forge.statuses.latest(made.head)].count(draft.branch) == 1
    eventually(lambda: wire.straight.pulls.get(made.number).mergeable, "mergeable")
    assert isinstance(merge(forge, made), AlreadyMerged | Ambiguous)
    assert wire.proxy.delivered("POST", "/merge$") == 2
    assert wire.merges(made) == [made.head]
    assert isinstance(wire.until_merged(forge, made), AlreadyMerged)
    assert wire.merges(made) == [made.head]


def test_a_list_that_is_stale_opens_no_second_pull_request(wire: Wire) -> None:
    """The list says that there is none; the server itself knows better."""
    forge, draft = wire.rotten(), wire.branches()
    made = forge.pulls.open(draft)
    target = re.escape(f"base_branch={draft.target}")
    none = {"Content-Type": "application/json", "X-Total-Count": "0"}
    wire.proxy.on("GET", target).answer(200, b"[]", none)
    assert forge.pulls.find(draft.branch, draft.target) == ()
    assert forge.pulls.open(draft).number == made.number
    assert wire.open(draft) == [made.number]


def test_a_pull_request_that_is_stale_is_not_merged_twice(wire: Wire) -> None:
    """It says open, and was merged meanwhile."""
    forge, pull = wire.rotten(), wire.pull()
    assert forge.pulls.get(pull.number).state is PullState.OPEN
    assert isinstance(wire.until_merged(wire.straight, pull), Merged)
    wire.proxy.on("GET", f"/pulls/{pull.number}$").stale()
    assert forge.pulls.get(pull.number).state is PullState.OPEN
    assert isinstance(merge(forge, pull), AlreadyMerged)
    assert wire.merges(pull) == [pull.head]


@pytest.mark.parametrize(
    "spoil",
    [Rule.reset_before, Rule.truncated, Rule.html, lambda rule: rule.html(200), lambda rule: rule.answer(500)],
    ids=["reset", "truncated", "page 502", "page 200", "500"],
)
@pytest.mark.parametrize("page", [1, 2])
def test_a_list_with_a_page_that_does_not_come_is_none(
    wire: Wire, statuses: str, page: int, spoil: Callable[[Rule], None]
) -> None:
    """No part of a list is taken for it; a forge that is busy for a moment is asked again."""
    rule = wire.proxy.on("GET", f"/statuses.*page={page}")
    spoil(rule)
    forge = wire.rotten()
    if rule.fault == "502":
        assert len(forge.statuses.latest(statuses)) == 60
        return
    with pytest.raises(ForgeUnavailable):
        forge.statuses.latest(statuses)
    assert len(forge.statuses.latest(statuses)) == 60


@pytest.fixture(scope="module")
def statuses(shared: Shared) -> str:
    """A commit with more contexts than a page of the list has."""
    repository, _ = shared
    commit = repository.tip("busy")
    for number in range(60):
        repository.api().post(f"/statuses/{commit}", {"state": "success", "context": f"job {number}"}).ok()
    return commit
