"""The card as the one comment of ours on the pull request of a task's branch: edited, never repeated (NTF-1)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from orch_gates.errors import ForgeRefused, ForgeUnavailable, ForgeUnclear
from orch_gates.forge import own_comment
from orch_gates.forge.port.forge import Forge
from orch_gates.forge.port.server import ForgeKind
from orch_gates.notify.delivery import Delivery, DeliveryResult

# Invisible where the comment is shown; with the author it tells ours from what others wrote.
MARK = "<!-- orch-gates: card -->"


@dataclass(frozen=True, slots=True)
class PullComments:
    """The pull requests of a repository into one target."""

    forge: Forge
    kind: ForgeKind | None
    target: str

    @property
    def place(self) -> str:
        """Which repository this is."""
        return f"{self.forge.repository} {self.target}"

    def check(self) -> Delivery:
        """Whether the forge says who we are there; nothing is written."""
        try:
            own_comment.ours_at(self.forge, self.kind)
        except ForgeRefused as error:
            return Delivery(DeliveryResult.REFUSED, str(error))
        except ForgeUnavailable as error:
            return Delivery(DeliveryResult.LATER, str(error))
        return Delivery(DeliveryResult.SHOWN)

    def show(self, branch: str, markdown: str, pull: int, claim: Callable[[], bool]) -> Delivery:
        """Let the comment say this; `pull` is the pull request that it is on, 0 where that is still to be found.

        `claim` is asked once before a comment is made or edited: False where another process does. Never raises for
        the forge.
        """
        try:
            return self._shown(branch, f"{MARK}\n{markdown}", pull, claim)
        except ForgeRefused as error:
            return Delivery(DeliveryResult.REFUSED, str(error), pull)
        except ForgeUnclear as error:
            return Delivery(DeliveryResult.UNKNOWN, str(error), pull)
        except ForgeUnavailable as error:
            return Delivery(DeliveryResult.LATER, str(error), pull)

    def _shown(self, branch: str, text: str, pull: int, claim: Callable[[], bool]) -> Delivery:
        number = pull or next((one.number for one in self.forge.pulls.find(branch, self.target) if not one.fork), 0)
        if not number:
            return Delivery(DeliveryResult.ABSENT)
        ours = own_comment.ours_at(self.forge, self.kind)
        found = own_comment.find(self.forge.issues.comments(number), MARK, ours)
        if found is not None and found.body.strip() == text.strip():
            return Delivery(DeliveryResult.SHOWN, "", number)
        if not claim():
            return Delivery(DeliveryResult.LEFT, "", pull)
        if found is None:
            found = own_comment.make(self.forge.issues, number, MARK, ours, text)
        if found is not None and found.body.strip() != text.strip():
            self.forge.issues.edit_comment(number, found.id, text)
        return Delivery(DeliveryResult.SHOWN, "", number)
