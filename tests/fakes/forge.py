"""A forge in memory: what the gates ask of one, and the ways in which one does not answer."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from orch_gates.errors import ForgeUnavailable
from orch_gates.forge.port.checks import CommitStatus, Review, ReviewState


@dataclass(slots=True)
class MemoryStatuses:
    """`CommitStatuses`; it answers with `failure` while there is one. `heard` are all statuses that were posted."""

    failure: Exception | None = None
    heard: list[CommitStatus] = field(default_factory=list)
    _posted: dict[tuple[str, str], CommitStatus] = field(default_factory=dict)

    def post(self, commit: str, status: CommitStatus) -> None:
        """What CI says; a later word of the same context replaces the earlier one."""
        if self.failure is not None:
            raise self.failure
        self.heard.append(status)
        self._posted[commit, status.context] = replace(status, id=str(len(self.heard)))

    def latest(self, commit: str) -> tuple[CommitStatus, ...]:
        if self.failure is not None:
            raise self.failure
        return tuple(status for (about, _), status in self._posted.items() if about == commit)


@dataclass(slots=True)
class MemoryReviews:
    """`Reviews`; it answers with `failure` while there is one."""

    failure: Exception | None = None
    _open: dict[tuple[str, str], dict[str, Review]] = field(default_factory=dict)

    def open(self, branch: str, target: str) -> None:
        """A pull request."""
        self._open.setdefault((branch, target), {})

    def close(self, branch: str, target: str) -> None:
        """The pull request is no longer open, and its reviews count for nothing."""
        self._open.pop((branch, target), None)

    def say(
        self, branch: str, target: str, reviewer: str, state: ReviewState, commit: str, *, by_author: bool = False
    ) -> None:
        """What a reviewer says on an open pull request; it replaces what they said before."""
        self._open[branch, target][reviewer] = Review(reviewer, state, commit, by_author)

    def latest(self, branch: str, target: str) -> tuple[Review, ...]:
        if self.failure is not None:
            raise self.failure
        return tuple(self._open.get((branch, target), {}).values())


@dataclass(slots=True)
class MemoryForge:
    """Both, as one server that is up or down."""

    repository: str = "acme/app"
    statuses: MemoryStatuses = field(default_factory=MemoryStatuses)
    reviews: MemoryReviews = field(default_factory=MemoryReviews)

    def down(self, why: str = "connection refused") -> None:
        """Nothing is answered from here on."""
        self.breaks(ForgeUnavailable(why))

    def breaks(self, failure: Exception) -> None:
        """Every question ends with this error: one of the port, or a bug of an adapter."""
        self.statuses.failure = self.reviews.failure = failure

    def up(self) -> None:
        """Everything is answered again."""
        self.statuses.failure = self.reviews.failure = None
