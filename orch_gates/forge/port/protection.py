"""The rules for branches: what one in force lets happen, and the one that we ask for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol


class Who(StrEnum):
    """How many may do something to a branch."""

    NOBODY = "nobody"
    SOME = "some"
    EVERYBODY = "everybody"


@dataclass(frozen=True, slots=True)
class BranchRule:
    """The rule in force for a branch, whoever made it: read only, and more than is ever written.

    `pushers` may push to it, of those who may write. `forced` and `deleted`: somebody may do that to it. `contexts` are
    statuses that a merge needs, as the forge means them. `up_to_date`: a branch that is behind is not merged. `admins`
    are held to all of it; None where the forge does not tell.
    """

    branch: str
    pushers: Who
    forced: bool
    deleted: bool
    contexts: tuple[str, ...]
    up_to_date: bool
    admins: bool | None


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


@dataclass(frozen=True, slots=True)
class Demand:
    """What a rule has to ask for besides all that it asks for already; nobody may force or delete the branch, either.

    `dropped` are statuses that it needs no more. `pushes`: it says nothing of pushes; otherwise nobody may push.
    `up_to_date` stays as it is where it is None.
    """

    branch: str
    contexts: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    pushes: bool = False
    up_to_date: bool | None = None


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

    def tightened(self, demand: Demand) -> Mapping[str, Any]:
        """The rule of this very branch with what is demanded, for `restore`; nothing is changed yet.

        Where there is none, it begins with the rule that is in force, a pattern's. All that is not demanded, known here
        or not, is as it is there.

        Raises:
            ForgeRefused, ForgeUnavailable: as `whole`.
        """
        ...

    def without(self, branch: str, contexts: Sequence[str], *, up_to_date: bool) -> Mapping[str, Any]:
        """The rule of this very branch, which is there, without these statuses, for `restore`; nothing is changed yet.

        `up_to_date`: nor does it hold branches that are behind.

        Raises:
            ForgeRefused, ForgeUnavailable: as `whole`.
        """
        ...

    def restore(self, branch: str, whole: Mapping[str, Any]) -> None:
        """Make the rule of this very branch what `whole` told; where that is empty, take it away.

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
