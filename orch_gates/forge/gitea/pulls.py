"""Pull requests of Gitea and Forgejo (docs/reference/forges.md)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from orch_gates.errors import ForgeRefused, ForgeUnavailable, ForgeUnclear
from orch_gates.forge.answer import ForgeResponse
from orch_gates.forge.fields import Row, document, flag, number, optional_text, part, text, written
from orch_gates.forge.gitea import errors
from orch_gates.forge.gitea.labels import GiteaLabels
from orch_gates.forge.gitea.rows import label_names, login, repository_path
from orch_gates.forge.http import Api
from orch_gates.forge.merge_client import MergeClient, there_already
from orch_gates.forge.port.issues import require_label
from orch_gates.forge.port.pulls import (
    BaseMoved,
    Draft,
    MergeOutcome,
    MergeRequest,
    PullRequest,
    PullState,
    unfit,
)
from orch_gates.model.branch import pull_of

_STATES = {"open": PullState.OPEN, "closed": PullState.CLOSED}


class GiteaPulls:
    """`PullRequests` of one repository."""

    def __init__(self, api: Api, repository: str) -> None:
        """`repository` is `owner/name`."""
        self._api = api
        self._path = f"{repository_path(repository)}/pulls"
        self._repository = repository
        self._labels = GiteaLabels(api, repository)

    def open(self, draft: Draft) -> PullRequest:
        """Open one, or give the one that is open already; to the server a colon would name a fork's branch."""
        if ":" in draft.branch:
            raise ForgeRefused(f"{draft.branch!r} would be a branch of another repository; nothing was opened")
        wanted = {"head": draft.branch, "base": draft.target, "title": draft.title, "body": draft.body}
        try:
            made = written(_pull, self._api.write("POST", self._path, wanted))
        except ForgeRefused as error:
            return there_already(error, self.find(draft.branch, draft.target))
        return self._only(made)

    def _only(self, made: PullRequest) -> PullRequest:
        """The one to keep: the server makes several where several ask at once (go-gitea#20906), and the first counts.

        Raises:
            ForgeUnclear: it was opened, and whether another one was could not be found out.
        """
        try:
            first = next(iter(self.find(made.branch, made.target)), made)
            if first.number < made.number:
                self.close(made.number)
                return first
        except ForgeUnavailable as error:
            raise ForgeUnclear(f"pull request {made.number} was opened; {error}") from error
        return made

    def find(self, branch: str, target: str) -> tuple[PullRequest, ...]:
        """The open ones of exactly these branches."""
        with self._once_pushed():
            return tuple(_pull(row) for row in between(self._api, self._repository, branch, target))

    def labelled(self, label: str) -> tuple[PullRequest, ...]:
        """Every open one with this label, lowest number first.

        The server filters by an id. Where it may be hidden from the token, all open ones are read.
        """
        require_label(label)
        ids = self._labels.named(label)
        found: dict[int, PullRequest] = {}
        queries: list[dict[str, Any]] = [{}] if ids is None else [{"labels": one} for one in ids]
        for query in queries:
            with self._once_pushed():
                rows = list(self._api.settled(self._path, state="open", sort="oldest", **query))
            found |= {pull.number: pull for pull in map(_pull, rows) if label in pull.labels}
        return tuple(found[key] for key in sorted(found) if found[key].state is PullState.OPEN)

    @contextmanager
    def _once_pushed(self) -> Iterator[None]:
        """The server knows no pull requests, 404, until it has handled the first push, which it does in the background.

        Raises:
            ForgeUnavailable: so it is now.
        """
        try:
            yield
        except ForgeRefused as refused:
            if flag(document(self._api.get(repository_path(self._repository))), "empty"):
                why = "the server takes the repository for empty until it has handled the first push; try again"
                raise ForgeUnavailable(why) from refused
            raise

    def get(self, number: int) -> PullRequest:
        """One, freshly; unlike the list, this makes the server look whether it can be merged."""
        return _pull(document(self._api.get(f"{self._path}/{number}")))

    def edit(self, number: int, *, title: str | None = None, body: str | None = None) -> PullRequest:
        """Change what it says."""
        wanted = {name: value for name, value in (("title", title), ("body", body)) if value is not None}
        return written(_pull, self._api.write("PATCH", f"{self._path}/{number}", wanted))

    def close(self, number: int) -> PullRequest:
        """Close it; the server refuses this for a merged one."""
        try:
            return written(_pull, self._api.write("PATCH", f"{self._path}/{number}", {"state": "closed"}))
        except ForgeRefused:
            found = self.get(number)
            if found.state is PullState.OPEN:
                raise
            return found

    def merge(self, number: int, request: MergeRequest) -> MergeOutcome:
        """Ask for the merge once, of the expected head; the server itself compares nothing else."""
        client = MergeClient(self._api, self._path, errors.merge_outcome, lambda found: _pull(document(found)))
        seen = client.pull(number)
        if not isinstance(seen, PullRequest):
            return seen
        if (outcome := unfit(seen, request)) is not None:
            return outcome
        if seen.base != request.base:
            return BaseMoved()
        wanted = {
            "Do": "merge",
            "head_commit_id": request.head,
            "MergeTitleField": request.title,
            "MergeMessageField": request.message,
            # Later gates judge the branch, and the default of a repository may be to delete it.
            "delete_branch_after_merge": False,
        }
        answer = client.send("POST", f"{self._path}/{number}/merge", wanted)
        outcome = errors.merge_outcome(answer) if isinstance(answer, ForgeResponse) else answer
        return client.confirmed(outcome, number, request)


def between(api: Api, repository: str, branch: str, target: str) -> Iterator[Row]:
    """The open pull requests of exactly these branches of this repository; a fork's branch is another one.

    The list has no filter for the head, and `/pulls/{base}/{head}` may answer a closed one.
    A server that does not know `base_branch` gives them all.
    """
    path = f"{repository_path(repository)}/pulls"
    for row in api.settled(path, state="open", sort="oldest", base_branch=target):
        head, base = part(row, "head"), part(row, "base")
        if not _is_foreign(head, base) and branch and (_branch(head), text(base, "ref")) == (branch, target):
            yield row


def opened(api: Api, repository: str, branch: str, target: str) -> Iterator[Row]:
    """As `between`, or the one pull request that `refs/pull/N/head` names, whose branch may be in a fork."""
    if not (named := pull_of(branch)):
        yield from between(api, repository, branch, target)
        return
    row = document(api.get(f"{repository_path(repository)}/pulls/{named}"))
    if text(row, "state") == "open" and text(part(row, "base"), "ref") == target:
        yield row


def _is_foreign(head: Row, base: Row) -> bool:
    """Whether the branch is a fork's, or none: who may only read pushes a change to a ref of the server's own."""
    return number(head, "repo_id") != number(base, "repo_id") or not _branch(head)


def _branch(side: Row) -> str:
    """Where the branch was deleted, `ref` is the server's own, and only `label` still names it."""
    ref = text(side, "ref")
    return text(side, "label") if ref.startswith("refs/pull/") else ref


def _pull(row: Row) -> PullRequest:
    head, base = part(row, "head"), part(row, "base")
    word = text(row, "state")
    if word not in _STATES:
        raise ForgeUnavailable(f"the forge reports the unknown pull request state {word!r}")
    state = PullState.MERGED if flag(row, "merged") else _STATES[word]
    return PullRequest(
        number=number(row, "number"),
        title=text(row, "title"),
        body=text(row, "body"),
        branch=_branch(head),
        target=text(base, "ref"),
        head=text(head, "sha"),
        state=state,
        author=login(row),
        url=text(row, "html_url"),
        draft=flag(row, "draft"),
        # False is also what the server says while it looks.
        mergeable=True if state is PullState.OPEN and flag(row, "mergeable") else None,
        merge_commit=optional_text(row, "merge_commit_sha"),
        fork=_is_foreign(head, base),
        base=text(base, "sha"),
        labels=label_names(row),
    )
