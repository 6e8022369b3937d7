"""The loop of every call that writes: read, act, push; after a lost race again, until the deadline (ST-2, ST-3)."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar, assert_never

from orch_gates.documents import escape
from orch_gates.errors import StateBusy, StateDenied, StateError, StateUnreachable
from orch_gates.git.answers import PushAnswer, PushOutcome
from orch_gates.state import outcome
from orch_gates.state.branch.timing import Deadline
from orch_gates.state.branch.writer import PushAttempt

_SHORTEST = 0.04
_LONGEST = 30.0
_DOUBLINGS = 5

B = TypeVar("B")
D = TypeVar("D")
D_co = TypeVar("D_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Sent:
    """A commit that was pushed, and what git answered."""

    attempt: PushAttempt
    answer: PushAnswer


@dataclass(frozen=True, slots=True)
class Concluded(Generic[D_co]):
    """The last word of a call that pushed nothing."""

    value: D_co


@dataclass(frozen=True, slots=True)
class LandedCommit:
    """A commit that is on the branch; `late` where that was found out only after its push."""

    commit: str
    attempts: int
    late: bool


class StoreCall(Protocol[B, D_co]):
    """One call of the store: what it reads, what it does with that, and what it answers."""

    def look(self, sent: Mapping[str, PushAttempt], deadline: Deadline) -> tuple[B, str]:
        """What the call stands on, freshly read, and the commit among `sent` that is on the branch, if one is.

        Raises:
            StateError: it cannot be read; only StateUnreachable is tried again.
        """
        ...

    def tip(self, base: B) -> str:
        """Where the branch stands there; empty where there is none."""
        ...

    def act(self, base: B) -> Sent | Concluded[D_co]:
        """Decide, and push what was decided; or have the last word without a push.

        Raises:
            StateError: nothing can be decided; only StateUnreachable is tried again.
        """
        ...

    def settle(self, landed: LandedCommit) -> D_co:
        """The answer once a commit has landed."""
        ...


class PushAttempts(Generic[B, D]):
    """The attempts of one call, until one has the last word or time is up."""

    def __init__(self, call: StoreCall[B, D], deadline: Deadline, *, patient: bool = True) -> None:
        """`patient`: a server that cannot be reached at all is asked again until the deadline."""
        self._call = call
        self._deadline = deadline
        self._patient = patient
        self._attempts = 0
        self._sent: dict[str, PushAttempt] = {}
        self._unclear = False
        self._may_land: list[tuple[PushAttempt, str]] = []
        self._trouble = ""
        self._stale: tuple[str, ...] = ()
        self._asked = 0.0

    def run(self, early: Sent | None = None) -> D:
        """Attempt until the end; `early` is a push of this call that stood on what was read before.

        Raises:
            StateDenied: the server refused.
            StateUnreachable: it did not answer until the deadline; nothing was written.
            StateExhausted: others were faster until the deadline; nothing was written.
            StateUnclear: a commit was sent, and whether the server took it could not be found out.
            StateError: as the call raises it.
        """
        if early is not None and (ended := self._heard(early)) is not None:
            return ended.value
        for number in itertools.count(1):
            begun, self._asked = self._deadline.spent(), 0.0
            if (ended := self._attempt()) is not None:
                return ended.value
            if self._deadline.over():
                break
            # Others need as long as this took, so a wait of some such times finds the branch quiet.
            took = max(self._deadline.spent() - begun, _SHORTEST)
            self._deadline.back_off(min(number, _DOUBLINGS), took, _LONGEST, least=self._asked)
        return self._late()

    def _attempt(self) -> Concluded[D] | None:
        looked = self._look(self._deadline)
        if looked is None or isinstance(looked, Concluded):
            return looked
        try:
            acted = self._call.act(looked[0])
        except StateUnreachable as error:
            self._note(error)
            return None
        if isinstance(acted, Concluded):
            self._refuse_unclear()
            return acted
        return self._heard(acted)

    def _look(self, deadline: Deadline) -> tuple[B] | Concluded[D] | None:
        """What was read, or what ends the call; None where the remote does not answer."""
        try:
            base, found = self._call.look(self._sent, deadline)
        except StateUnreachable as error:
            self._note(error)
            return None
        except StateDenied as error:
            if self._unclear or self._may_land:
                raise self._unclear_error(str(error)) from error
            raise
        self._unclear = False
        # Its lease keeps a push from landing anywhere but on its parent.
        self._may_land = [sent for sent in self._may_land if sent[0].parent == self._call.tip(base)]
        return Concluded(self._call.settle(LandedCommit(found, self._attempts, late=True))) if found else (base,)

    def _heard(self, sent: Sent) -> Concluded[D] | None:
        attempt, answer = sent.attempt, sent.answer
        self._attempts += 1
        words = escape.visible(answer.reason)
        self._asked = answer.retry_after
        match answer.meaning:
            case PushOutcome.LANDED:
                return Concluded(self._call.settle(LandedCommit(attempt.commit, self._attempts, late=False)))
            case PushOutcome.REFUSED:
                self._refuse_unclear()
                raise outcome.denied(escape.visible(answer.hook_output) or words)
            case PushOutcome.TWIN:
                # Never ours, as it was sent only once: so it is not looked for either.
                self._trouble = ""
            case PushOutcome.UNSENT:
                self._trouble = words
            case PushOutcome.LOST:
                self._sent[attempt.commit] = attempt
                self._refuse_hidden(sent)
                self._trouble = ""
            case PushOutcome.UNCLEAR:
                self._sent[attempt.commit] = attempt
                self._unclear = True
                # A last push has little time; what an earlier one was told says more than that it was up.
                self._trouble = (self._trouble or words) if answer.cut_off else words
                if not answer.declined:
                    self._may_land.append((attempt, self._trouble))
            case _:
                assert_never(answer.meaning)
        return None

    def _note(self, error: StateUnreachable) -> None:
        if not (self._patient or self._sent or isinstance(error, StateBusy)):
            raise error
        self._trouble = str(error)
        if isinstance(error, StateBusy):
            self._asked = error.retry_after

    def _refuse_hidden(self, sent: Sent) -> None:
        """A ref that a fetch shows where it was expected, and a push does not, twice: no other writer did that."""
        stale = tuple(f"{ref} {sent.attempt.parent}" for ref in sent.answer.stale)
        if stale and stale == self._stale:
            raise outcome.denied(
                f"{', '.join(sent.answer.stale)} is visible to a fetch, but hidden from a push; an administrator must "
                "remove refs/orch and the branch from receive.hideRefs"
            )
        self._stale = stale

    def _late(self) -> D:
        trouble = self._trouble
        if self._unclear or self._may_land:
            looked = self._look(self._deadline.extended())
            if looked is None:
                raise self._unclear_error(self._trouble)
            if isinstance(looked, Concluded):
                return looked.value
        self._refuse_unclear()
        if trouble:
            raise StateUnreachable(trouble)
        raise outcome.exhausted(self._attempts, self._deadline.spent())

    def _refuse_unclear(self) -> None:
        """That nothing was written is not said while a push that got no answer may land yet (ST-3)."""
        if self._may_land:
            attempt, words = self._may_land[-1]
            raise outcome.unclear(attempt.op, self._trouble or words)

    def _unclear_error(self, reason: str) -> StateError:
        last = next(reversed(self._sent.values()))
        return outcome.unclear(last.op, reason)
