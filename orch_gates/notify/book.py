"""The cards on the state branch: read, claimed before a message is sent, and recorded after it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from orch_gates.errors import StateDocumentError
from orch_gates.model.card import Card, Claim, ShownIn
from orch_gates.model.ids import TaskId
from orch_gates.notify import plan
from orch_gates.notify.claims import Claims
from orch_gates.notify.delivery import Delivery
from orch_gates.state import codec, layout
from orch_gates.state.card_kind import CARD
from orch_gates.state.outcome import Committed
from orch_gates.state.snapshot import Snapshot
from orch_gates.state.store import Change, Store


def card(snapshot: Snapshot, task: TaskId) -> Card:
    """What was shown of a task; nothing where there is no document yet.

    Raises:
        StateDocumentError: it is malformed: nothing is shown before it is mended, as it would come twice.
    """
    path = layout.card_path(task)
    text = snapshot.text(path)
    return Card(task=task, shown=()) if text is None else codec.decode(CARD, path, text)[0]


@dataclass(frozen=True, slots=True)
class ShownCard:
    """One card in one channel: what was shown when this was read, which text now, and by whom it is sent."""

    task: TaskId
    before: ShownIn
    digest: str
    nonce: str
    claims: Claims

    def claim(self, store: Store) -> bool:
        """Claim the message; False where another process sends it, has sent it, or the task is archived.

        Raises:
            StateError: it could not be recorded, so nothing may be sent.
        """
        # The forge is asked before anything is decided on the branch.
        self.claims.date()
        return self._changed(
            store, "claim", lambda shown: plan.claimed(shown, self.before, self.claims.made(self.digest, self.nonce))
        )

    def date(self, store: Store, claim: Claim) -> None:
        """Let what is claimed count from a moment that the forge says.

        Raises:
            StateError: it could not be recorded.
        """
        self._changed(
            store, "dated", lambda shown: shown.model_copy(update={"claim": claim}) if shown == self.before else None
        )

    def record(self, store: Store, delivery: Delivery) -> None:
        """Record how it was delivered.

        Raises:
            StateError: it could not be recorded; a message that was sent stays claimed for a while.
        """
        self._changed(
            store,
            str(delivery.result),
            lambda shown: plan.after(shown, self.before, self.digest, self.nonce, delivery, self.claims.now()),
        )

    def _changed(self, store: Store, what: str, change: Callable[[ShownIn], ShownIn | None]) -> bool:
        def decide(snapshot: Snapshot) -> Change | None:
            if snapshot.text(layout.task_path(self.task)) is None:
                return None
            try:
                before = card(snapshot, self.task)
            except StateDocumentError:
                return None
            shown = change(before.on(self.before.channel, self.before.place))
            if shown is None:
                return None
            text = codec.encode(before.having(shown), f"\n# {self.task}: what people were shown\n")
            subject = f"card: {self.task} in {self.before.channel}: {what}"
            return Change("card", self.task, subject, {layout.card_path(self.task): text})

        return isinstance(store.transact(decide, others_wait=True), Committed)
