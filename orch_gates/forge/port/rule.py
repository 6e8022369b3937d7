"""What a forge's rule for a branch lets happen, whoever made it: read only, and more than is ever written."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Who(StrEnum):
    """How many may do something to a branch."""

    NOBODY = "nobody"
    SOME = "some"
    EVERYBODY = "everybody"


@dataclass(frozen=True, slots=True)
class BranchRule:
    """The rule in force for a branch.

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
