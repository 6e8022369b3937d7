"""One merge at the local forge: what stands in its way, and the push that does it (MRG-5, MRG-8)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import assert_never

from orch_gates.documents import escape
from orch_gates.errors import ForgeUnavailable
from orch_gates.forge.local.documents import Pull, Rule, Status
from orch_gates.forge.local.records import Ledger
from orch_gates.forge.local.repository import MERGED, PullRefs, Repository, git_errors
from orch_gates.forge.port.pulls import (
    AlreadyMerged,
    Ambiguous,
    BaseMoved,
    Closed,
    Conflict,
    Forbidden,
    Gone,
    HeadMoved,
    Merged,
    MergedOther,
    MergeOutcome,
    MergeRequest,
    NotReady,
    Retargeted,
    Transient,
)
from orch_gates.git.answers import PushAnswer, PushOutcome
from orch_gates.git.remote import Update

_DRAFT = ("WIP:", "[WIP]")


@dataclass(frozen=True, slots=True)
class LocalMerge:
    """A requested merge, who requested it, and the documents with the rules that it has to meet."""

    ledger: Ledger
    number: int
    request: MergeRequest
    who: str


@dataclass(frozen=True, slots=True)
class MergeResult:
    """The outcome; `commit` and `head` where the merge is in the target and has to be recorded."""

    outcome: MergeOutcome
    commit: str = ""
    head: str = ""


def is_draft(title: str) -> bool:
    """Whether a title says that it is work in progress, as Gitea reads it."""
    return title.lstrip().upper().startswith(_DRAFT)


def merge(repository: Repository, context: LocalMerge, now: datetime) -> MergeResult:
    """Merge a pull request as a server would: check its rule first, then push through the repository's hooks.

    Raises:
        ForgeUnavailable: nothing was pushed, as something could not be read.
    """
    page = context.ledger.pull(context.number)
    if page is None:
        return MergeResult(Gone(f"there is no pull request {context.number}"))
    pull = page.document
    if pull.state == "merged":
        return MergeResult(_ended(pull, pull.last_head, pull.merge_commit, context.request))
    refs = repository.refs(pull.branch, pull.target, pull.number)
    if repository.contains(refs.target, refs.merged):
        head = repository.second_parent(refs.merged)
        return MergeResult(_ended(pull, head, refs.merged, context.request), refs.merged, head)
    if (outcome := _not_mergeable(pull, refs, context.request)) is not None:
        return MergeResult(outcome)
    if repository.contains(refs.target, refs.head):
        return MergeResult(AlreadyMerged(refs.target), refs.target, refs.head)
    if refs.target != context.request.base:
        return MergeResult(BaseMoved())
    rule, statuses = context.ledger.rule(pull.target), context.ledger.statuses(refs.head)
    if (refused := refusal(pull, refs.head, rule, statuses, context.who)) is not None:
        return MergeResult(refused)
    return _pushed(repository, refs, context, now)


def _ended(pull: Pull, head: str, commit: str, request: MergeRequest) -> AlreadyMerged | MergedOther:
    expected = (head, pull.target) == (request.head, request.target)
    return AlreadyMerged(commit) if expected else MergedOther(head, pull.target, commit)


def _not_mergeable(pull: Pull, refs: PullRefs, request: MergeRequest) -> MergeOutcome | None:
    if pull.state == "closed":
        return Closed()
    if pull.target != request.target:
        return Retargeted(pull.target)
    for branch, commit in ((pull.branch, refs.head), (pull.target, refs.target)):
        if not commit:
            return Gone(f"branch {branch} of pull request {pull.number} is gone")
    return None if refs.head == request.head else HeadMoved()


def refusal(
    pull: Pull, head: str, rule: Rule | None, statuses: Sequence[Status], who: str
) -> NotReady | Forbidden | None:
    """Why the rule of the target, or the pull request itself, does not let `who` merge `head`; None: it does (pure)."""
    if is_draft(pull.title):
        return NotReady("it is work in progress, as its title says")
    if rule is None:
        return None
    if rule.mergers and who not in rule.mergers:
        return Forbidden(f"{who} may not merge into {rule.branch}; {', '.join(rule.mergers)} may")
    green = {status.context for status in statuses if status.state == "success"}
    if missing := [context for context in rule.contexts if context not in green]:
        return NotReady(f"status not green: {', '.join(missing)}")
    approved = {
        review.reviewer
        for review in pull.reviews
        if review.state == "approved" and review.commit == head and review.reviewer != pull.author
    }
    if len(approved) < rule.approvals:
        return NotReady(f"{len(approved)} of {rule.approvals} approvals of this very commit")
    return None


def _pushed(repository: Repository, refs: PullRefs, context: LocalMerge, now: datetime) -> MergeResult:
    """Make the merge commit and push it, with the ref that says whose merge it is, past the hooks.

    Both refs are compared and swapped together: of any number of merges of one pull request at
    the same time, one lands.
    """
    title, message = (escape.well_formed(text) for text in (context.request.title, context.request.message))
    with repository.scratch_repository(context.number) as scratch:
        with git_errors():
            tree = scratch.tree(refs.target, refs.head)
            if tree is None:
                return MergeResult(Conflict())
            text = f"{title}\n\n{message}" if message else title
            commit = scratch.commit(tree, (refs.target, refs.head), text, context.who, now)
        page = context.ledger.pull(context.number)
        assert page is not None
        target = page.document.target
        updates = (
            Update(f"refs/heads/{target}", refs.target, commit),
            Update(f"{MERGED}/{context.number}", refs.merged, commit),
        )
        answer = scratch.push(updates, repository.timeout)
    try:
        now_at = repository.refs(page.document.branch, target, context.number)
        landed = now_at.merged if repository.contains(now_at.target, now_at.merged) else ""
        head = repository.second_parent(landed) if landed else ""
    except ForgeUnavailable as error:
        return (
            MergeResult(Merged(commit)) if answer.meaning is PushOutcome.LANDED else MergeResult(Ambiguous(str(error)))
        )
    ended = _ended(page.document, head, landed, context.request) if landed else None
    return MergeResult(push_outcome(answer, commit, ended), landed, head)


def push_outcome(answer: PushAnswer, commit: str, ended: AlreadyMerged | MergedOther | None) -> MergeOutcome:
    """The outcome of a push and of a look after it; `ended` is the merge that is in the target now (pure)."""
    match answer.meaning:
        case PushOutcome.LANDED:
            return Merged(commit)
        case PushOutcome.TWIN:
            return ended or Ambiguous(escape.visible(answer.reason))
        case PushOutcome.LOST:
            return ended or BaseMoved()
        case PushOutcome.REFUSED:
            return Forbidden(escape.visible(answer.hook_output or answer.reason))
        case PushOutcome.UNSENT:
            return ended or Transient(escape.visible(answer.reason))
        case PushOutcome.UNCLEAR if ended is not None:
            return Merged(commit) if ended.commit == commit else ended
        case PushOutcome.UNCLEAR:
            reason = escape.visible(answer.reason)
            return Transient(reason) if answer.declined else Ambiguous(reason)
        case _:
            assert_never(answer.meaning)
