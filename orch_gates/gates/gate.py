"""What a gate is: facts are gathered through ports, then judged purely; used alone and on an edge alike (GATE-1)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar, assert_never

from orch_gates.model.verdict import Outcome, Verdict

if TYPE_CHECKING:
    from orch_gates.forge.port.checks import CommitStatus, Review
    from orch_gates.gates.policy import Policy
    from orch_gates.gates.recorded import ReportContract
    from orch_gates.settings import Settings

Facts = TypeVar("Facts")


@dataclass(frozen=True, slots=True)
class Subject:
    """What is judged: the commit `head` of `branch`, which shall go into `target`; no `head`: there is no branch.

    `earlier` are commits of which ours made `head` by catching them up: what was said about them counts (ENG-12).
    """

    head: str
    branch: str = ""
    target: str = ""
    earlier: tuple[str, ...] = ()


class ReadsStatuses(Protocol):
    """The part of `CommitStatuses` that reads."""

    def latest(self, commit: str, /) -> tuple[CommitStatus, ...]:
        """See `CommitStatuses.latest`."""
        ...


class ReadsReviews(Protocol):
    """The part of `Reviews` that reads."""

    def latest(self, branch: str, target: str, /) -> tuple[Review, ...]:
        """See `Reviews.latest`."""
        ...


class ReadsForge(Protocol):
    """The part of a `Forge` that gates read."""

    @property
    def repository(self) -> str:
        """Which repository it answers about, as `owner/name`."""
        ...

    @property
    def statuses(self) -> ReadsStatuses:
        """Statuses of commits."""
        ...

    @property
    def reviews(self) -> ReadsReviews:
        """Reviews of pull requests."""
        ...


@dataclass(frozen=True, slots=True)
class Ports:
    """Where facts come from.

    `report` gives a recorded report's text by its file name, None where there is none. `forge` connects to the forge,
    and gives None where none is known. `named` is the name of the file that is read in place of the usual one.
    """

    settings: Settings
    report: Callable[[str], str | None]
    forge: Callable[[], ReadsForge | None]
    named: str = ""


class UnknownKind(StrEnum):
    """What kept the facts from being gathered."""

    UNANSWERED = "the forge gave no usable answer"
    REFUSED = "the forge refused"
    UNUSABLE = "the input cannot be used"


@dataclass(frozen=True, slots=True)
class Unknown:
    """The facts could not be gathered, which is nobody's fault: on an edge nothing follows from it (P2)."""

    kind: UnknownKind
    reason: str

    def as_verdict(self, gate: str) -> Verdict:
        """What a gate answers that is used alone."""
        return Verdict(gate, Outcome.ERROR, f"{self.kind}: {self.reason}", next_step=self._next_step())

    def _next_step(self) -> str:
        match self.kind:
            case UnknownKind.UNANSWERED:
                return "Run the gate again when the forge answers."
            case UnknownKind.REFUSED:
                way = "`orch-gates forge check` shows what the token may do"
                return f"Fix what the reason names ({way}), then run the gate again."
            case UnknownKind.UNUSABLE:
                return "Fix the named input, then run the gate again."
            case _:
                assert_never(self.kind)


@dataclass(frozen=True, slots=True)
class Gate(Generic[Facts]):
    """A gate: the one place where it is declared.

    `about` is one line that says what a PASS means. `policy` says what "could not tell" means, `parts` the same for
    parts of the gate that differ. `record` is the report that the gate reads, where it reads one. `settings` are the
    groups of settings that it has besides its switch and its scope. `asks_forge`: a forge is asked instead, where one
    is known. `of_a_branch`: the facts are about a branch, not only about a commit.
    """

    name: str
    about: str
    policy: Policy
    gather: Callable[[Subject, Ports], Facts | Unknown]
    judge: Callable[[Facts, Policy], Verdict]
    record: ReportContract | None = None
    parts: tuple[Policy, ...] = ()
    settings: tuple[type[Any], ...] = ()
    asks_forge: bool = False
    of_a_branch: bool = False


def out_of_scope(gate: str, settings: Settings) -> Verdict | None:
    """A SKIP where a gate is switched off or meant for other repositories (GATE-3).

    Raises:
        SettingsError: the value of its switch is neither true nor false.
    """
    reason = settings.scope(gate).excludes(settings.ci.repository)
    return Verdict(gate, Outcome.SKIP, reason) if reason else None
