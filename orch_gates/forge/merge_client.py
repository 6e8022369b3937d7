"""A merge at a forge over HTTP, with a look before and after it: forges compare only the head."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from orch_gates.errors import ForgeRefused, ForgeUnavailable, ForgeUnclear
from orch_gates.forge.answer import ForgeResponse
from orch_gates.forge.http import Api
from orch_gates.forge.port.pulls import (
    AlreadyMerged,
    Ambiguous,
    Forbidden,
    Merged,
    MergedOther,
    MergeOutcome,
    MergeRequest,
    PullRequest,
    Transient,
    unfit,
)


def there_already(refused: ForgeRefused, found: Sequence[PullRequest]) -> PullRequest:
    """The open pull request of the same branches, where another one was refused.

    Raises:
        ForgeUnclear: there is one, and the list is behind.
        ForgeRefused: there is none, and that was not why.
    """
    if found:
        return found[0]
    if "already exists" in str(refused):
        raise ForgeUnclear(f"{refused}, but the forge does not list it yet") from refused
    raise refused


@dataclass(frozen=True, slots=True)
class MergeClient:
    """Merges at one forge: `outcome_of` reads a response to a merge, `read` a pull request at `path` and its number."""

    api: Api
    path: str
    outcome_of: Callable[[ForgeResponse], MergeOutcome]
    read: Callable[[object], PullRequest]

    def pull(self, number: int) -> PullRequest | MergeOutcome:
        """A pull request as it is now, or what keeps it from being merged."""
        answer = self.look(f"{self.path}/{number}")
        if not isinstance(answer, ForgeResponse):
            return answer
        try:
            found = self.read(answer.document)
        except (ValueError, ForgeUnavailable) as error:
            return Transient(str(error))
        # What lies between may answer with what it kept.
        return found if found.number == number else Transient(f"{self.path} returned pull request {found.number}")

    def look(self, path: str) -> ForgeResponse | MergeOutcome:
        """A good answer to a question, or what it means for a merge that there is none: nothing was merged yet."""
        try:
            answer = self.api.ask("GET", path)
        except ForgeRefused as error:
            return Forbidden(str(error))
        except ForgeUnavailable as error:
            return Transient(str(error))
        if answer.ok:
            return answer
        outcome = self.outcome_of(answer)
        return Transient(outcome.reason) if isinstance(outcome, Ambiguous) else outcome

    def send(self, method: str, path: str, wanted: object) -> ForgeResponse | MergeOutcome:
        """The answer to the request for the merge, or what it means that there is none."""
        try:
            return self.api.ask(method, path, wanted)
        except ForgeUnclear as error:
            return Ambiguous(str(error))
        except ForgeRefused as error:
            return Forbidden(str(error))
        except ForgeUnavailable as error:
            return Transient(str(error))

    def confirmed(self, outcome: MergeOutcome, number: int, request: MergeRequest) -> MergeOutcome:
        """The outcome of a merge, checked in the pull request; where that shows no merge, git has to prove it."""
        if not isinstance(outcome, Merged | AlreadyMerged):
            return outcome
        now = self.pull(number)
        found = unfit(now, request) if isinstance(now, PullRequest) else None
        match found:
            case MergedOther():
                return found
            case AlreadyMerged():
                return Merged(found.commit) if isinstance(outcome, Merged) else found
            case _:
                return Ambiguous("the forge answered that it merged, but the pull request is not merged")
