"""`CommitStatuses` and `Reviews` of a bare repository."""

from __future__ import annotations

from typing import Any

from orch_gates.errors import ForgeRefused
from orch_gates.forge.local import kinds, records
from orch_gates.forge.local.documents import Pull, Statuses
from orch_gates.forge.local.pulls import needed
from orch_gates.forge.local.records import Ledger, Records
from orch_gates.forge.local.repository import Repository
from orch_gates.forge.port.checks import CommitStatus, Review, ReviewState, StatusState, named
from orch_gates.model.ids import OID
from orch_gates.state.store import Change


class LocalStatuses:
    """The statuses of commits, a document for each commit."""

    def __init__(self, records: Records, repository: Repository) -> None:
        self._records = records
        self._repository = repository

    def latest(self, commit: str) -> tuple[CommitStatus, ...]:
        """The latest status of every context on a commit, sorted by context."""
        named(commit)
        found = self._records.ledger().statuses(commit)
        return tuple(
            CommitStatus(status.context, StatusState(status.state), status.description, status.url, str(status.number))
            for status in sorted(found, key=lambda status: status.context)
        )

    def post(self, commit: str, status: CommitStatus) -> None:
        """Say something about a commit."""
        if not (OID.fullmatch(commit) and self._repository.has_commit(commit)):
            raise ForgeRefused(f"the repository has no commit {commit}, so no status is posted on it")
        row: dict[str, Any] = {
            "context": status.context,
            "state": status.state.value,
            "description": status.description,
            "url": status.url,
            "by": self._records.who,
            "at": self._records.at(),
        }

        def decide(ledger: Ledger) -> Change:
            before = ledger.statuses(commit)
            others = [entry.model_dump() for entry in before if entry.context != status.context]
            number = 1 + max((entry.number for entry in before), default=0)
            rows = sorted([*others, row | {"number": number}], key=lambda one: str(one["context"]))
            document = records.made(Statuses, {"commit": commit, "statuses": rows})
            subject = f"status {commit[:10]}: {status.context} is {status.state}"
            return records.write("status", subject, kinds.STATUSES.at(commit=commit), document)

        self._records.change(decide)


class LocalReviews:
    """The reviews, in the documents of the pull requests; whoever may write the state branch has a vote."""

    def __init__(self, records: Records, repository: Repository) -> None:
        self._records = records
        self._repository = repository

    def latest(self, branch: str, target: str) -> tuple[Review, ...]:
        """Every reviewer's latest word on the open pull request of exactly these branches."""
        refs = self._repository.refs(branch, target)
        landed = self._repository.merged_into(refs.target) if refs.target else frozenset()
        pulls = (page.document for page in self._records.ledger().open_pulls(branch, target, landed))
        found = {review.reviewer: (pull, review) for pull in pulls for review in pull.reviews}
        return tuple(
            Review(who, ReviewState(review.state), review.commit, by_author=who == pull.author)
            for who, (pull, review) in sorted(found.items())
        )

    def say(self, number: int, state: ReviewState) -> None:
        """Say something about the head of a pull request; a comment is no vote, and changes nothing.

        Raises:
            ForgeRefused: there is no such open pull request.
            ForgeUnclear, ForgeUnavailable: saying it again is safe.
        """
        if state is ReviewState.COMMENTED:
            return
        pull = needed(self._records.ledger(), number).document
        head = self._repository.refs(pull.branch, pull.target).head
        review = {"reviewer": self._records.who, "state": state.value, "commit": head, "at": self._records.at()}

        def decide(ledger: Ledger) -> Change:
            page = needed(ledger, number)
            if page.document.state != "open":
                raise ForgeRefused(f"pull request {number} is {page.document.state}")
            others = [one.model_dump() for one in page.document.reviews if one.reviewer != self._records.who]
            reviewed: Pull = records.changed(page.document, reviews=[*others, review])
            subject = f"pull {number}: {state} by {self._records.who}"
            return records.write("review", subject, kinds.PULL.at(number=number), reviewed, page.body)

        self._records.change(decide)
