"""Pull requests on GitHub (MRG-7, MRG-8)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from orch_gates.errors import ForgeRefused, ForgeUnavailable
from orch_gates.forge.answer import ForgeResponse
from orch_gates.forge.fields import Row, document, flag, number, optional_text, part, text, written
from orch_gates.forge.github import errors
from orch_gates.forge.github.rows import author, has_label, is_pull, label_names
from orch_gates.forge.http import Api
from orch_gates.forge.merge_client import MergeClient, there_already
from orch_gates.forge.port.issues import require_label
from orch_gates.forge.port.pulls import (
    Ambiguous,
    BaseMoved,
    Conflict,
    Draft,
    MergeOutcome,
    MergeRequest,
    NotReady,
    PullRequest,
    PullState,
    Transient,
    unfit,
)

_STATES = {"open": PullState.OPEN, "closed": PullState.CLOSED}


@dataclass(frozen=True, slots=True)
class GithubPulls:
    """`PullRequests` of one repository; `path` is its path in the API, `owner` the account that it belongs to."""

    api: Api
    path: str
    owner: str

    def open(self, draft: Draft) -> PullRequest:
        """Open one; GitHub refuses a second one of the same branches, and then that one is the answer.

        To GitHub a colon would name a fork's branch.
        """
        if ":" in draft.branch:
            raise ForgeRefused(f"{draft.branch!r} would be a branch of another repository; nothing was opened")
        document = {"head": draft.branch, "base": draft.target, "title": draft.title, "body": draft.body}
        try:
            return written(pull_request, self.api.write("POST", f"{self.path}/pulls", document))
        except ForgeRefused as error:
            return there_already(error, self.find(draft.branch, draft.target))

    def find(self, branch: str, target: str) -> tuple[PullRequest, ...]:
        """The open ones of exactly these branches, oldest first; what the filter lets through is looked at again."""
        rows = self.api.rows(
            f"{self.path}/pulls",
            state="open",
            head=f"{self.owner}:{branch}",
            base=target,
            sort="created",
            direction="asc",
        )
        found = [pull_request(row) for row in rows if _at_home(row)]
        return tuple(pull for pull in found if (pull.branch, pull.target) == (branch, target))

    def labelled(self, label: str) -> tuple[PullRequest, ...]:
        """Every open one with this label, lowest number first.

        The list of pull requests has no filter for labels, and that of issues shows no heads: each is asked for then.
        To the filter a comma would make two labels of one: there, all open ones are read.
        """
        require_label(label)
        oldest_first: dict[str, Any] = {"state": "open", "sort": "created", "direction": "asc"}
        if "," in label:
            found = [pull_request(row) for row in self.api.settled(f"{self.path}/pulls", **oldest_first)]
        else:
            rows = self.api.settled(f"{self.path}/issues", labels=label, **oldest_first)
            found = [self.get(number(row, "number")) for row in rows if is_pull(row)]
        # Looked at again: it may be closed, or lack the label, since the list was read.
        wanted = {pull.number: pull for pull in found if pull.state is PullState.OPEN and has_label(label, pull.labels)}
        return tuple(wanted[key] for key in sorted(wanted))

    def get(self, number: int) -> PullRequest:
        """One, freshly; GitHub begins to look whether it can be merged when it is asked for."""
        return pull_request(self.api.get(self._at(number)))

    def edit(self, number: int, *, title: str | None = None, body: str | None = None) -> PullRequest:
        """Change what it says."""
        wanted = {"title": title, "body": body}
        document = {name: value for name, value in wanted.items() if value is not None}
        return written(pull_request, self.api.write("PATCH", self._at(number), document))

    def close(self, number: int) -> PullRequest:
        """Close it unmerged, if it is open."""
        found = self.get(number)
        if found.state is not PullState.OPEN:
            return found
        return written(pull_request, self.api.write("PATCH", self._at(number), {"state": "closed"}))

    def merge(self, number: int, request: MergeRequest) -> MergeOutcome:
        """Ask for a merge commit of exactly this head; GitHub itself compares nothing else."""
        client = MergeClient(self.api, f"{self.path}/pulls", errors.merge_outcome, pull_request)
        seen = client.pull(number)
        if not isinstance(seen, PullRequest):
            return seen
        if (outcome := unfit(seen, request) or self._base_moved(client, request)) is not None:
            return outcome
        wanted = {
            "sha": request.head,
            "merge_method": "merge",
            "commit_title": request.title,
            "commit_message": request.message,
        }
        answer = client.send("PUT", f"{self._at(number)}/merge", wanted)
        if not isinstance(answer, ForgeResponse):
            return answer
        outcome = errors.merge_outcome(answer)
        if not (isinstance(outcome, Ambiguous) and 400 <= answer.status < 500):
            return client.confirmed(outcome, number, request)
        now = client.pull(number)
        return explained(outcome, now, request) if isinstance(now, PullRequest) else outcome

    def _base_moved(self, client: MergeClient, request: MergeRequest) -> MergeOutcome | None:
        """The target has to be where it was tested, as far as GitHub can be asked for that."""
        answer = client.look(f"{self.path}/branches/{quote(request.target, safe='')}")
        if not isinstance(answer, ForgeResponse):
            return answer
        try:
            found = text(part(document(answer.document), "commit"), "sha")
        except (ValueError, ForgeUnavailable) as error:
            return Transient(str(error))
        return None if found == request.base else BaseMoved()

    def _at(self, number: int) -> str:
        return f"{self.path}/pulls/{number}"


def explained(outcome: Ambiguous, pull: PullRequest, request: MergeRequest) -> MergeOutcome:
    """Why a merge was refused without a reason: GitHub says `not mergeable` to all of these."""
    if (found := unfit(pull, request)) is not None:
        return found
    if pull.draft:
        return NotReady(f"{outcome.reason}: it is a draft")
    return Conflict() if pull.mergeable is False else outcome


def pull_request(found: object) -> PullRequest:
    """A row of a list, or the document of one.

    Raises:
        ForgeUnavailable: something is missing in it.
    """
    row = document(found)
    head, state = part(row, "head"), _state(row)
    return PullRequest(
        number=number(row, "number"),
        title=text(row, "title"),
        body=optional_text(row, "body"),
        branch=text(head, "ref"),
        target=text(part(row, "base"), "ref"),
        head=text(head, "sha"),
        state=state,
        author=author(row),
        url=optional_text(row, "html_url"),
        draft=flag(row, "draft") if "draft" in row else False,
        mergeable=_mergeable(row),
        # Of an open one this is the commit of a merge that was only tried.
        merge_commit=optional_text(row, "merge_commit_sha") if state is PullState.MERGED else "",
        fork=not _at_home(row),
        labels=label_names(row),
    )


def _state(row: Row) -> PullState:
    state = text(row, "state")
    if state not in _STATES:
        raise ForgeUnavailable(f"the forge calls a pull request {state!r}, which is not known here")
    return PullState.MERGED if state == "closed" and optional_text(row, "merged_at") else _STATES[state]


def _mergeable(row: Row) -> bool | None:
    if row.get("mergeable_state") == "unknown" or row.get("mergeable") is None:
        return None
    return flag(row, "mergeable")


def _at_home(row: Row) -> bool:
    """Whether the branch is one of this repository, not of a fork, which may be gone by now."""
    head, base = part(row, "head").get("repo"), part(row, "base").get("repo")
    return isinstance(head, dict) and isinstance(base, dict) and number(head, "id") == number(base, "id")
