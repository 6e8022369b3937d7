"""What a forge lets nobody do to a branch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from orch_gates.forge.port.rule import BranchRule


@dataclass(frozen=True, slots=True)
class Protection:
    """The rule for one branch: nobody deletes or forces it, and nobody pushes to it unless `pushes` says so.

    `contexts` are statuses that a merge needs, `approvals` how many it needs. `mergers` are the only
    users who may merge; empty: all who may write. `admins` are held to it too. `up_to_date`: a branch that is behind is
    not merged.
    """

    branch: str
    contexts: tuple[str, ...] = ()
    approvals: int = 0
    mergers: tuple[str, ...] = ()
    pushes: bool = False
    admins: bool = True
    up_to_date: bool = False


class Protections(Protocol):
    """The protection of branches."""

    def get(self, branch: str) -> Protection | None:
        """The rule in force for a branch, a pattern that matches it included; None where there is none.

        Raises:
            ForgeUnavailable: the forge did not answer, or the token may not see rules.
        """
        ...

    def rule(self, branch: str) -> BranchRule | None:
        """What the rule in force for a branch lets happen, all of it; None where there is no rule.

        Raises:
            ForgeRefused: the token may not see rules.
            ForgeUnavailable: the forge did not answer.
        """
        ...

    def put(self, wanted: Protection) -> None:
        """Make or replace the rule of this very branch.

        Raises:
            ForgeRefused: no permission.
            ForgeUnclear, ForgeUnavailable: doing it again is safe.
        """
        ...

    def whole(self, branch: str) -> Mapping[str, Any]:
        """All that the forge says of the rule of this very branch, by the forge's own names; empty where there is none.

        It tells whether a rule was changed, and puts it back. JSON can keep it.

        Raises:
            ForgeRefused: the token may not see rules.
            ForgeUnavailable: the forge did not answer.
        """
        ...

    def restore(self, branch: str, whole: Mapping[str, Any]) -> None:
        """Put the rule of this very branch back as `whole` told it; where there was none, take it away.

        Raises:
            ForgeRefused, ForgeUnclear, ForgeUnavailable: as `put`.
        """
        ...

    def require(self, branch: str, contexts: Sequence[str], *, up_to_date: bool) -> None:
        """Let merges need exactly these statuses; all else of the rule of this very branch, which is there, stays.

        Raises:
            ForgeRefused, ForgeUnclear, ForgeUnavailable: as `put`.
        """
        ...

    def remove(self, branch: str) -> None:
        """Take the rule of this very branch away; where there is none, nothing happens.

        Raises:
            ForgeRefused: no permission.
            ForgeUnclear, ForgeUnavailable: doing it again is safe.
        """
        ...
