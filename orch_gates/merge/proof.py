"""Whether a commit landed on a branch: pure, three-valued, with the rung of the ladder that decided (MRG-9)."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from enum import StrEnum


class Landed(StrEnum):
    """The answer; what could not be told is neither."""

    LANDED = "landed"
    NOT_LANDED = "not landed"
    UNKNOWN = "unknown"

    @property
    def exit_code(self) -> int:
        """0 landed, 1 not, 2 could not tell (GATE-2)."""
        return {Landed.LANDED: 0, Landed.NOT_LANDED: 1, Landed.UNKNOWN: 2}[self]


class Rung(StrEnum):
    """What decided: the later ones are asked only where those before let it pass."""

    ANCESTRY = "ancestry"
    NOT_EMPTY = "not empty"
    TREE = "tree identity"


@dataclass(frozen=True, slots=True)
class AncestryFacts:
    """What git says about `commit` and a branch that stands at `tip` on the server now.

    `ancestor`: the branch has it in its history; then the merge `merge` of the branch's own line brought it in, or
    that is empty: the commit is one of that line. `lost` is a merge on the way that has not the content which its
    parents give, `unjudged` one of which git cannot say what they give: a conflict, or more than two parents. `base` is
    the commit that it was tested with, empty where nobody names it; `own` are its commits beyond that, and `changed`
    says whether they change anything there. `twin` is a commit of the branch with the content that a merge would have
    given: a squash or a rebase.
    """

    commit: str
    branch: str
    tip: str
    ancestor: bool
    merge: str = ""
    lost: str = ""
    unjudged: str = ""
    base: str = ""
    own: int = 0
    changed: bool = True
    twin: str = ""


@dataclass(frozen=True, slots=True)
class Proof:
    """The answer and why, in one line."""

    landed: Landed
    rung: Rung
    reason: str


def prove(facts: AncestryFacts) -> Proof:
    """Climb the ladder. Only ancestry makes a commit landed; the others see that it is not so in name only."""
    at, name = f"{facts.branch} at {facts.tip[:10]}", facts.commit[:10]
    if not facts.ancestor:
        other = f"; its content is there as {facts.twin[:10]}, which is another commit" if facts.twin else ""
        return Proof(Landed.NOT_LANDED, Rung.ANCESTRY, f"{at} does not have {name} in its history{other}")
    if facts.base and not (facts.own and facts.changed):
        what = "no change" if facts.own else "no commit"
        reason = f"{name} has {what} of its own beyond {facts.base[:10]}, so there was nothing to land"
        return Proof(Landed.NOT_LANDED, Rung.NOT_EMPTY, reason)
    if facts.lost:
        fetch = f"git fetch origin {shlex.quote(facts.branch)}"
        return Proof(
            Landed.UNKNOWN,
            Rung.TREE,
            f"{at} contains {name}, but the merge {facts.lost[:10]} between them does not have the content of its "
            f"parents: see `{fetch}` and `git show --remerge-diff {facts.lost[:10]}`",
        )
    if not facts.merge:
        return Proof(Landed.LANDED, Rung.ANCESTRY, f"{name} is one of the commits of {at} itself, without a merge")
    reason = f"{at} has {name} by the merge {facts.merge[:10]}"
    if facts.unjudged:
        why = (
            f"{facts.unjudged[:10]} merged it by hand (after a conflict, or several branches at once), so its content "
            "is not proven"
        )
        return Proof(Landed.LANDED, Rung.ANCESTRY, f"{reason}; {why}")
    return Proof(Landed.LANDED, Rung.TREE, f"{reason}, with all of its content")
