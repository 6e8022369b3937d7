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
from orch_gates.forge.local.repository import MERGED, Repository, Stand, meant
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
from orch_gates.git.answers import PushAnswer, Pushed
from orch_gates.git.remote import Update

_DRAFT = ("WIP:", "[WIP]")


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asks for which merge, and the documents that it is judged by."""

    ledger: Ledger
    number: int
    request: MergeRequest
    who: str


@dataclass(frozen=True, slots=True)
class Done:
    """What came of it; `commit` and `head` where it is in the target and has to be written down."""

    outcome: MergeOutcome
    commit: str = ""
    head: str = ""


def is_draft(title: str) -> bool:
    """Whether a title says that it is work in progress, as Gitea reads it."""
    return title.lstrip().upper().startswith(_DRAFT)


def merge(repository: Repository, asked: Asked, now: datetime) -> Done:
    """Merge a pull request as a server would: judged first, then pushed past the repository's hooks.

    Raises:
        ForgeUnavailable: nothing was pushed, as something could not be read.
    """
    page = asked.ledger.pull(asked.number)
    if page is None:
        return Done(Gone(f"there is no pull request {asked.number}"))
    pull = page.document
    if pull.state == "merged":
        return Done(_ended(pull, pull.last_head, pull.merge_commit, asked.request))
    stand = repository.stand(pull.branch, pull.target, pull.number)
    if repository.contains(stand.target, stand.merged):
        head = repository.second_parent(stand.merged)
        return Done(_ended(pull, head, stand.merged, asked.request), stand.merged, head)
    if (hindrance := _hindrance(pull, stand, asked.request)) is not None:
        return Done(hindrance)
    if repository.contains(stand.target, stand.head):
        return Done(AlreadyMerged(stand.target), stand.target, stand.head)
    if stand.target != asked.request.base:
        return Done(BaseMoved())
    rule, said = asked.ledger.rule(pull.target), asked.ledger.statuses(stand.head)
    if (barred := judge(pull, stand.head, rule, said, asked.who)) is not None:
        return Done(barred)
    return _pushed(repository, stand, asked, now)


def _ended(pull: Pull, head: str, commit: str, request: MergeRequest) -> AlreadyMerged | MergedOther:
    expected = (head, pull.target) == (request.head, request.target)
    return AlreadyMerged(commit) if expected else MergedOther(head, pull.target, commit)


def _hindrance(pull: Pull, stand: Stand, request: MergeRequest) -> MergeOutcome | None:
    if pull.state == "closed":
        return Closed()
    if pull.target != request.target:
        return Retargeted(pull.target)
    for branch, commit in ((pull.branch, stand.head), (pull.target, stand.target)):
        if not commit:
            return Gone(f"branch {branch} of pull request {pull.number} is not there any more")
    return None if stand.head == request.head else HeadMoved()


def judge(
    pull: Pull, head: str, rule: Rule | None, statuses: Sequence[Status], who: str
) -> NotReady | Forbidden | None:
    """What the rule of the target, or the pull request itself, has against a merge of `head` by `who` (pure)."""
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


def _pushed(repository: Repository, stand: Stand, asked: Asked, now: datetime) -> Done:
    """Make the merge commit and push it, with the ref that says whose merge it is, past the hooks.

    Both refs are compared and swapped together: of any number of merges of one pull request at
    the same time, one lands.
    """
    title, message = (escape.well_formed(text) for text in (asked.request.title, asked.request.message))
    with repository.workshop(asked.number) as shop:
        with meant():
            tree = shop.tree(stand.target, stand.head)
            if tree is None:
                return Done(Conflict())
            text = f"{title}\n\n{message}" if message else title
            commit = shop.commit(tree, (stand.target, stand.head), text, asked.who, now)
        page = asked.ledger.pull(asked.number)
        assert page is not None
        target = page.document.target
        updates = (
            Update(f"refs/heads/{target}", stand.target, commit),
            Update(f"{MERGED}/{asked.number}", stand.merged, commit),
        )
        answer = shop.push(updates, repository.timeout)
    try:
        now_at = repository.stand(page.document.branch, target, asked.number)
        landed = now_at.merged if repository.contains(now_at.target, now_at.merged) else ""
        head = repository.second_parent(landed) if landed else ""
    except ForgeUnavailable as error:
        return Done(Merged(commit)) if answer.meaning is Pushed.LANDED else Done(Ambiguous(str(error)))
    ended = _ended(page.document, head, landed, asked.request) if landed else None
    return Done(meaning(answer, commit, ended), landed, head)


def meaning(answer: PushAnswer, commit: str, ended: AlreadyMerged | MergedOther | None) -> MergeOutcome:
    """What a push and a look after it come to; `ended` tells of the merge that is in the target now (pure)."""
    match answer.meaning:
        case Pushed.LANDED:
            return Merged(commit)
        case Pushed.TWIN:
            return ended or Ambiguous(escape.visible(answer.reason))
        case Pushed.LOST:
            return ended or BaseMoved()
        case Pushed.REFUSED:
            return Forbidden(escape.visible(answer.told or answer.reason))
        case Pushed.UNSENT:
            return ended or Transient(escape.visible(answer.reason))
        case Pushed.UNCLEAR if ended is not None:
            return Merged(commit) if ended.commit == commit else ended
        case Pushed.UNCLEAR:
            reason = escape.visible(answer.reason)
            return Transient(reason) if answer.declined else Ambiguous(reason)
        case _:
            assert_never(answer.meaning)
