"""An attempt to merge a task: a document, not a process; whoever comes next continues or ends it (MRG-14)."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar, Literal

from pydantic import Field, StringConstraints

from orch_gates.model.document import Document
from orch_gates.model.feedback import ReportedFinding
from orch_gates.model.finding import MAX_FINDINGS
from orch_gates.model.ids import BranchName, Line, Oid, OidOrNone, TaskName, Timestamp
from orch_gates.model.lease import AttemptId
from orch_gates.model.verdict import Outcome

MAX_EARLIER = 20


class Phase(StrEnum):
    """How far an attempt got, in this order; what is recorded in it was recorded before its effect (MRG-14).

    `caught-up`: the task branch is to be moved to the caught-up commit. `merging`: the forge is asked to merge.
    """

    ACQUIRED = "acquired"
    CAUGHT_UP = "caught-up"
    TESTING = "testing"
    VALIDATED = "validated"
    MERGING = "merging"
    LANDED = "landed"

    @property
    def number(self) -> int:
        """Its place in the order."""
        return tuple(Phase).index(self)


class Attempt(Document):
    """The newest attempt to merge one task; earlier ones are in the history of the branch."""

    KIND: ClassVar[str] = "attempt"
    ADDED: ClassVar[tuple[str, ...]] = ("held_as", "absent", "red_target")

    schema_: Literal["orch.attempt/1"] = Field(
        default="orch.attempt/1", alias="schema", description="Always `orch.attempt/1`."
    )
    id: AttemptId = Field(description="Random; no two attempts share it.")
    task: TaskName = Field(description="The task that is to be merged.")
    branch: BranchName = Field(description="Its branch.")
    target: BranchName = Field(description="The branch that it is to be merged into.")
    generation: int = Field(ge=1, description="The lease's fencing token when it was granted to this attempt.")
    phase: Phase = Field(strict=False, description="How far it got.")
    closing: bool = Field(description="Whether it is being given up: no merge of it is taken any more.")
    outcome: Outcome | None = Field(
        strict=False, description="How it ended; HOLD is no end, a person decides; `null` while it goes on."
    )
    reason: Line = Field(description="Why it stands where it stands.")
    next_step: Line = Field(description="What to do about it.")
    head: Oid = Field(description="The branch's commit when it began.")
    earlier: tuple[Oid, ...] = Field(
        max_length=MAX_EARLIER,
        strict=False,
        description="Commits that earlier attempts caught up to `head`: what was said about them counts (ENG-12).",
    )
    base: OidOrNone = Field(description="The target's commit that it was caught up with, and tested with.")
    commit: OidOrNone = Field(description="The caught-up commit: what is tested, and merged.")
    tree: OidOrNone = Field(description="Its tree, which is the tree of the merge.")
    how: Annotated[str, StringConstraints(pattern=r"\A(|up to date|rebase|merge)\z")] = Field(
        description="How it was caught up: `up to date`, `rebase` or `merge`."
    )
    depends: Line = Field(description="What the caught-up commit depends on besides the commits: git, attributes.")
    proven: Annotated[str, StringConstraints(pattern=r"\A(|command|cache|statuses)\z")] = Field(
        description="What proved the tree: the test `command`, an earlier run (`cache`), the forge's `statuses`."
    )
    runs: int = Field(ge=0, description="How often the test command ran, flaky runs included.")
    moved: bool = Field(description="Whether it ended because branch or target moved: it begins anew, uncharged.")
    rounds: int = Field(ge=1, description="One more for every attempt in a row whose target moved.")
    pull: int = Field(ge=0, description="The pull request; 0 before there is one.")
    merge: OidOrNone = Field(description="The commit of the target that brought it in, as git proves.")
    proof: Line = Field(description="The proof that it landed (MRG-9).")
    findings: tuple[ReportedFinding, ...] = Field(
        default=(), max_length=MAX_FINDINGS, strict=False, description="What is red."
    )
    held_as: Oid | None = Field(
        default=None,
        description="Of one that is held: a digest of where its task stood. Whoever finds it so has to hold it.",
    )
    absent: bool = Field(
        default=False,
        description="Whether it ended as nothing was there to be merged, which is nobody's fault (GATE-5).",
    )
    red_target: bool = Field(default=False, description="Whether it ended as the target itself is red at `base`.")
    started: Timestamp = Field(description="When it began, UTC.")
    updated: Timestamp = Field(description="When this document was last changed, UTC.")

    @property
    def over(self) -> bool:
        """Whether it ended; one that is held did not."""
        return self.outcome not in {None, Outcome.HOLD}

    def about(self, commit: str) -> bool:
        """Whether a commit is what it began with, or what it was caught up to."""
        return commit != "" and commit in {self.head, self.commit}

    def stands_for(self, commit: str) -> tuple[str, ...]:
        """The commits of which a commit is the catch-up: what was said about them counts for it (ENG-12)."""
        if commit == self.commit and self.how:
            return tuple(one for one in (self.head, *self.earlier) if one != commit)
        return self.earlier if commit == self.head else ()

    def together(self, reason: str, *, green: bool = False) -> str:
        """Why its commit is red, which neither branch nor target need be alone; `green`: the target is known to be."""
        alone = f", where {self.target} alone passes" if green else ""
        return f"{reason}, on {self.branch} together with {self.target} at {self.base[:10]}{alone}"
