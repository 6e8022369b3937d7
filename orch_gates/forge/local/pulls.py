"""`PullRequests` of a bare repository."""

from __future__ import annotations

from typing import Any

from orch_gates.errors import ForgeRefused, ForgeUnavailable
from orch_gates.forge.local import kinds, records
from orch_gates.forge.local import merge as merging
from orch_gates.forge.local.documents import Pull
from orch_gates.forge.local.records import Ledger, RecordPage, Records
from orch_gates.forge.local.repository import PullRefs, Repository
from orch_gates.forge.port.issues import require_label
from orch_gates.forge.port.pulls import Draft, Forbidden, MergeOutcome, MergeRequest, PullRequest, PullState, Transient
from orch_gates.state.store import Change


class LocalPulls:
    """Pull requests whose text is on the state branch and whose commits are in the repository.

    Whether one is merged is what git says: its merge moved the target and a ref of its own in one
    push. The document follows; where a process died in between, the next merge or close mends it.
    """

    def __init__(self, records: Records, repository: Repository) -> None:
        self._records = records
        self._repository = repository

    def open(self, draft: Draft) -> PullRequest:
        """Open one; where one of the same branches is open already, that one."""
        refs = self._repository.refs(draft.branch, draft.target)
        for branch, commit in ((draft.branch, refs.head), (draft.target, refs.target)):
            if not commit:
                raise ForgeRefused(f"there is no branch {branch}; push it first")
        if draft.branch == draft.target:
            raise ForgeRefused(f"{draft.branch} cannot be merged into itself")
        landed, last = self._repository.merged_into(refs.target), self._repository.last_merged()
        present: RecordPage[Pull] | None = None

        def decide(ledger: Ledger) -> Change | None:
            nonlocal present
            present = next(iter(ledger.open_pulls(draft.branch, draft.target, landed)), None)
            if present is not None:
                return None
            present = RecordPage(self._drafted(ledger.free_number(last), draft, refs), draft.body)
            return _written("pull-open", "opened", present)

        self._records.change(decide)
        assert present is not None
        return self._seen(present)

    def find(self, branch: str, target: str) -> tuple[PullRequest, ...]:
        """The open ones of exactly these branches, oldest first."""
        refs = self._repository.refs(branch, target)
        landed = self._repository.merged_into(refs.target) if refs.target else frozenset()
        return tuple(self._seen(page) for page in self._records.ledger().open_pulls(branch, target, landed))

    def labelled(self, label: str) -> tuple[PullRequest, ...]:
        """Every open one with exactly this label, lowest number first."""
        require_label(label)
        found = (self._seen(page) for page in self._records.ledger().labelled_pulls(label))
        return tuple(pull for pull in found if pull.state is PullState.OPEN)

    def get(self, number: int) -> PullRequest:
        """One, freshly."""
        return self._seen(needed(self._records.ledger(), number))

    def edit(self, number: int, *, title: str | None = None, body: str | None = None) -> PullRequest:
        """Change what it says."""

        def decide(ledger: Ledger) -> Change | None:
            page = needed(ledger, number)
            wanted = page.document.title if title is None else title
            edited = RecordPage(records.changed(page.document, title=wanted), page.body if body is None else body)
            return None if edited == page else _written("pull-edit", "edited", edited)

        self._records.change(decide)
        return self.get(number)

    def close(self, number: int) -> PullRequest:
        """Close it unmerged; one that is closed or merged stays what it is."""
        pull = needed(self._records.ledger(), number).document
        refs = self._repository.refs(pull.branch, pull.target, number)
        if self._repository.contains(refs.target, refs.merged):
            self._record_merge(number, self._repository.second_parent(refs.merged), refs.merged)
            return self.get(number)

        def decide(ledger: Ledger) -> Change | None:
            page = needed(ledger, number)
            if page.document.state != "open":
                return None
            ended = records.changed(page.document, state="closed", last_head=refs.head or page.document.first_head)
            return _written("pull-close", "closed", RecordPage(ended, page.body))

        self._records.change(decide)
        return self.get(number)

    def merge(self, number: int, request: MergeRequest) -> MergeOutcome:
        """Ask for the merge, once."""
        try:
            ledger = self._records.ledger()
            context = merging.LocalMerge(ledger, number, request, self._records.who)
            done = merging.merge(self._repository, context, self._records.now())
        except ForgeRefused as error:
            return Forbidden(str(error))
        except ForgeUnavailable as error:
            return Transient(str(error))
        if done.commit:
            self._follow(number, done.head, done.commit)
        return done.outcome

    def _follow(self, number: int, head: str, commit: str) -> None:
        """Write down a merge that is in the repository; the ref says it as long as this cannot be done."""
        try:
            self._record_merge(number, head, commit)
        except ForgeUnavailable:
            return

    def _record_merge(self, number: int, head: str, commit: str) -> None:
        def decide(ledger: Ledger) -> Change | None:
            page = needed(ledger, number)
            if page.document.state == "merged":
                return None
            ended = records.changed(page.document, state="merged", last_head=head, merge_commit=commit)
            return _written("pull-merge", f"merged as {commit[:10]}", RecordPage(ended, page.body))

        self._records.change(decide)

    def _drafted(self, number: int, draft: Draft, refs: PullRefs) -> Pull:
        values: dict[str, Any] = {
            "number": number,
            "title": draft.title,
            "branch": draft.branch,
            "target": draft.target,
            "state": "open",
            "author": self._records.who,
            "created": self._records.at(),
            "first_head": refs.head,
            "last_head": "",
            "merge_commit": "",
            "reviews": [],
            "comments": [],
        }
        return records.made(Pull, values)

    def _seen(self, page: RecordPage[Pull]) -> PullRequest:
        """A pull request as git and its document say together."""
        pull = page.document
        state, head, commit, mergeable = PullState(pull.state), pull.last_head, pull.merge_commit, None
        base = ""
        if state is not PullState.MERGED:
            refs = self._repository.refs(pull.branch, pull.target, pull.number)
            base = refs.target
            if self._repository.contains(refs.target, refs.merged):
                state, commit = PullState.MERGED, refs.merged
                head = self._repository.second_parent(commit)
            elif state is PullState.OPEN:
                head, mergeable = refs.head or pull.first_head, self._repository.mergeable(refs)
        return PullRequest(
            number=pull.number,
            title=pull.title,
            body=page.body,
            branch=pull.branch,
            target=pull.target,
            head=head,
            state=state,
            author=pull.author,
            draft=merging.is_draft(pull.title),
            base=base,
            mergeable=mergeable,
            merge_commit=commit,
            labels=pull.labels,
        )


def needed(ledger: Ledger, number: int) -> RecordPage[Pull]:
    """A pull request that has to be there.

    Raises:
        ForgeRefused: it is not.
    """
    page = ledger.pull(number)
    if page is None:
        raise ForgeRefused(f"there is no pull request {number}")
    return page


def _written(event: str, what: str, page: RecordPage[Pull]) -> Change:
    pull = page.document
    subject = f"pull {pull.number}: {what} ({pull.branch} → {pull.target})"
    return records.write(event, subject, kinds.PULL.at(number=pull.number), pull, page.body)
