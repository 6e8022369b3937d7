"""The transition table: stages in order, who works in them, and the gates on each edge (ENG-1, ENG-2)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from orch_gates.model.task import DONE_STAGE, MERGE_QUEUE, Task

MERGE, MERGE_PROOF = "merge", "merge-proof"
CI_GREEN = "ci-green"
# Why a gate is not asked again that is on the same edge as the merge, once that landed.
BEFORE_MERGE = "it was judged before the merge"


class OnRed(StrEnum):
    """What a gate that is not green does to the task."""

    STAY = "stay"
    ROLLBACK = "rollback"


@dataclass(frozen=True, slots=True)
class EdgeGate:
    """A gate on the edge out of a stage.

    `on_fail` is for a FAIL that judged something red; `on_absent` for a FAIL because nothing is
    recorded for this commit yet, which is nobody's fault in most places.
    """

    name: str
    on_fail: OnRed = OnRed.ROLLBACK
    on_absent: OnRed = OnRed.STAY


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage, its role, and the gates on the edge out of it, in the order of their evaluation (ENG-3).

    `human` stages are left by a person's approval only (REC-1).
    """

    name: str
    role: str
    gates: tuple[EdgeGate, ...] = ()
    human: bool = False


@dataclass(frozen=True, slots=True)
class Caps:
    """How often a task may be sent back (ENG-4) and put off in one stage (ENG-5) before a person is asked."""

    max_developer_retries: int = 3
    defer_max_attempts: int = 10


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Stages in order; a red gate sends a task back to the stage `rework`.

    `by_asking`: a person asks for each try, so nothing is charged, and what is refused is asked for again (MRG-13).

    Raises:
        ValueError: no stage, two of one name, a stage named `done`, or `rework` is none of them.
    """

    stages: tuple[Stage, ...]
    rework: str
    caps: Caps = Caps()
    by_asking: bool = False

    def __post_init__(self) -> None:
        names = self.names
        if not names or len(set(names)) != len(names) or DONE_STAGE in names:
            raise ValueError(f"a pipeline has at least one stage, no two of one name, and none named {DONE_STAGE!r}")
        if self.rework not in names:
            raise ValueError(f"rework stage {self.rework!r} is none of: {', '.join(names)}")

    @property
    def names(self) -> tuple[str, ...]:
        """The stages' names in order, without `done`."""
        return tuple(stage.name for stage in self.stages)

    def stage(self, name: str) -> Stage | None:
        """The stage of that name; None where this pipeline has none."""
        return next((stage for stage in self.stages if stage.name == name), None)

    def after(self, name: str) -> str:
        """The stage that follows, `done` after the last."""
        following = self.names.index(name) + 1
        return self.names[following] if following < len(self.stages) else DONE_STAGE

    def merged_before(self, name: str) -> bool:
        """Whether the gate `merge` is on the edge out of an earlier stage."""
        earlier = self.stages[: self.names.index(name)] if name in self.names else ()
        return any(gate.name == MERGE for stage in earlier for gate in stage.gates)


def _sub_gate(name: str) -> EdgeGate:
    # A missing security or image report is as red as a bad one (SEC-8, IMG-1, ENG-4).
    return EdgeGate(name, on_fail=OnRed.ROLLBACK, on_absent=OnRed.ROLLBACK)


DEFAULT = Pipeline(
    stages=(
        Stage("analysis", "analyst", human=True),
        Stage("architecture", "architect"),
        Stage("development", "developer", (EdgeGate(CI_GREEN, on_fail=OnRed.STAY),)),
        Stage("review", "reviewer", (EdgeGate("review-approved"),)),
        Stage("testing", "tester", (EdgeGate("tests-passed"),)),
        Stage(
            "deploy-staging",
            "deployer",
            (
                EdgeGate("staging-status"),
                _sub_gate("security"),
                # An attempt that has not begun is nobody's fault.
                EdgeGate(MERGE),
                _sub_gate("image-freshness"),
            ),
        ),
        Stage("deploy", "deployer", (EdgeGate("deploy-status"), EdgeGate(MERGE_PROOF))),
    ),
    rework="development",
)

# Pull requests without tasks of their own (MRG-13).
QUEUE = Pipeline(
    stages=(
        Stage("open", "author", human=True),
        Stage(
            "queued",
            "queue",
            tuple(EdgeGate(name) for name in (CI_GREEN, "review-approved", "security", MERGE, MERGE_PROOF)),
        ),
    ),
    rework="open",
    by_asking=True,
)


def pipeline_of(task: Task, configured: Pipeline) -> Pipeline:
    """The pipeline that a task names: the repository's own `configured` one, or a preset with its limits."""
    return replace(QUEUE, caps=configured.caps) if task.pipeline == MERGE_QUEUE else configured
