"""The loop of one transaction: decide, commit, push; after a lost race decide again (ST-2, ST-3, P6)."""

from __future__ import annotations

import itertools
from typing import assert_never

from orch_gates.documents import escape
from orch_gates.errors import MissingState, RewoundState, StateDenied, StateUnreachable
from orch_gates.git.answers import Pushed
from orch_gates.state.outcome import (
    Committed,
    Denied,
    Exhausted,
    Missing,
    NothingToDo,
    Result,
    Rewound,
    Unknown,
    Unreachable,
)
from orch_gates.state.reading import Reader
from orch_gates.state.store import Change, Decide
from orch_gates.state.timing import Deadline
from orch_gates.state.writer import Attempt, Base, Writer

_SHORTEST = 0.04
_LONGEST = 30.0
_DOUBLINGS = 5


class Transaction:
    """One transaction, from the first decision to the last word on it."""

    def __init__(self, reader: Reader, writer: Writer, deadline: Deadline) -> None:
        self._reader = reader
        self._writer = writer
        self._deadline = deadline
        self._attempts = 0
        self._sent: dict[str, Attempt] = {}
        self._unclear = False
        self._may_land: list[tuple[Attempt, str]] = []
        self._trouble = ""

    def run(self, decide: Decide) -> Result:
        """Attempt until one has the last word, or time is up.

        Raises:
            StateError: the branch cannot be read for a reason that has no outcome.
        """
        # The push is the compare-and-swap, so a first attempt may stand on what was read before.
        base = self._reader.latest()
        if base is not None and (ended := self._attempt(base, decide, fresh=False)) is not None:
            return ended
        for number in itertools.count(1):
            begun = self._deadline.spent()
            looked = self._look(self._deadline)
            ended = self._attempt(looked, decide, fresh=True) if isinstance(looked, Base) else looked
            if ended is not None:
                return ended
            if self._deadline.over():
                break
            # Others need as long as this took, so a wait of some such times finds the branch quiet (faults.md T7).
            took = max(self._deadline.spent() - begun, _SHORTEST)
            self._deadline.back_off(min(number, _DOUBLINGS), took, _LONGEST)
        return self._late()

    def _look(self, deadline: Deadline) -> Base | Result | None:
        """The branch as it is now, or what ends the transaction; None where the remote does not answer."""
        try:
            base = self._reader.fresh(deadline)
        except StateUnreachable as error:
            self._trouble = str(error)
            return None
        except MissingState as error:
            return Missing(str(error))
        except RewoundState as error:
            return Rewound(str(error))
        except StateDenied as error:
            return self._unknown(str(error)) if self._unclear or self._may_land else Denied(str(error))
        found = self._landed(base)
        self._unclear = False
        # Its lease keeps a push from landing anywhere but on its parent.
        self._may_land = [sent for sent in self._may_land if sent[0].parent == base.snapshot.tip]
        return found or base

    def _attempt(self, base: Base, decide: Decide, *, fresh: bool) -> Result | None:
        try:
            change = decide(base.snapshot)
        except Exception:
            if fresh:
                raise
            return None
        if change is None:
            return self._unwritten(NothingToDo(base.snapshot.tip)) if fresh else None
        return self._write(base, change)

    def _write(self, base: Base, change: Change) -> Result | None:
        attempt = self._writer.commit(base, change, self._deadline.share())
        self._attempts += 1
        answer = self._writer.push(attempt, base.witness, self._deadline.share())
        words = escape.visible(answer.reason)
        match answer.meaning:
            case Pushed.LANDED:
                self._reader.after(attempt.commit)
                return Committed(attempt.commit, attempt.generation, attempt.op, self._attempts)
            case Pushed.REFUSED:
                return self._unwritten(Denied(words))
            case Pushed.TWIN:
                # Never ours, as it was sent only once: so it is not looked for either (faults.md T3).
                self._trouble = ""
            case Pushed.LOST:
                self._sent[attempt.commit] = attempt
                self._trouble = ""
            case Pushed.UNCLEAR:
                self._sent[attempt.commit] = attempt
                self._unclear = True
                # A last push has little time; what an earlier one was told says more than that it was up.
                self._trouble = (self._trouble or words) if answer.cut_off else words
                if not answer.declined:
                    self._may_land.append((attempt, self._trouble))
            case _:
                assert_never(answer.meaning)
        return None

    def _landed(self, base: Base) -> Committed | None:
        """An attempt of ours that is on the branch although its push said otherwise (ST-3)."""
        if not self._sent:
            return None
        oldest = next(iter(self._sent.values())).parent
        for commit in self._reader.since(base, oldest):
            if (attempt := self._sent.get(commit)) is not None:
                return Committed(commit, attempt.generation, attempt.op, self._attempts, confirmed_late=True)
        return None

    def _late(self) -> Result:
        trouble = self._trouble
        if self._unclear or self._may_land:
            looked = self._look(self._deadline.extended())
            if looked is None:
                return self._unknown(self._trouble)
            if not isinstance(looked, Base):
                return looked
        return self._unwritten(Unreachable(trouble) if trouble else Exhausted(self._attempts, self._deadline.spent()))

    def _unwritten(self, ended: Result) -> Result:
        """That nothing was written is not said while a push that got no answer may land yet (ST-3)."""
        if not self._may_land:
            return ended
        attempt, words = self._may_land[-1]
        return Unknown(attempt.op, self._trouble or words)

    def _unknown(self, reason: str) -> Unknown:
        last = next(reversed(self._sent.values()))
        return Unknown(last.op, reason)
