"""Whether a commit landed on a branch: pure, three-valued, with the rung of the ladder that decided (MRG-9)."""

from __future__ import annotations

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
class Merge:
    """The commit of the branch's own line that brought another one in.

    `tree` is what it holds, `made` what git makes of its parents: empty where they conflict, or where git cannot merge
    as many. `second` is the parent that was merged.
    """

    commit: str
    second: str
    tree: str
    made: str


@dataclass(frozen=True, slots=True)
class Facts:
    """What git says about `commit` and a branch that stands at `tip` on the server now.

    `ancestor`: the branch has it in its history; then `merge` brought it in, or it is one of the branch's own line.
    `base` is the commit that it was tested with, empty where nobody names it; `own` are its commits beyond that, and
    `changed` says whether its tree is another one. `twin` is a commit of the branch with the content that a merge would
    have given: a squash or a rebase.
    """

    commit: str
    branch: str
    tip: str
    ancestor: bool
    merge: Merge | None = None
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


def prove(facts: Facts) -> Proof:
    """Climb the ladder. Only ancestry makes a commit landed; the others see that it is not so in name only."""
    at = f"{facts.branch} at {facts.tip[:10]}"
    if not facts.ancestor:
        other = f"; its content is there as {facts.twin[:10]}, which is another commit" if facts.twin else ""
        return Proof(Landed.NOT_LANDED, Rung.ANCESTRY, f"{at} does not have {facts.commit[:10]} in its history{other}")
    if facts.base and not (facts.own and facts.changed):
        what = "no change" if facts.own else "no commit"
        return Proof(
            Landed.NOT_LANDED,
            Rung.NOT_EMPTY,
            f"{facts.commit[:10]} has {what} of its own beyond {facts.base[:10]}, so there was nothing to land",
        )
    merge = facts.merge
    if merge is None:
        reason = f"{facts.commit[:10]} is one of the commits of {at} itself, without a merge"
        return Proof(Landed.LANDED, Rung.ANCESTRY, reason)
    if merge.second != facts.commit:
        reason = f"{at} has {facts.commit[:10]} in its history, by the merge {merge.commit[:10]} of {merge.second[:10]}"
        return Proof(Landed.LANDED, Rung.ANCESTRY, reason)
    if not merge.made:
        reason = f"{at} has it by the merge {merge.commit[:10]}, whose conflicts were resolved by hand"
        return Proof(Landed.LANDED, Rung.ANCESTRY, reason)
    if merge.made != merge.tree:
        name = merge.commit[:10]
        return Proof(
            Landed.UNKNOWN,
            Rung.TREE,
            f"the merge {name} of {at} has {facts.commit[:10]} as a parent, and not the content that merging it gives: "
            f"see `git fetch origin {facts.branch}` and `git show --remerge-diff {name}`",
        )
    return Proof(Landed.LANDED, Rung.TREE, f"{at} has it by the merge {merge.commit[:10]}, with all of its content")
