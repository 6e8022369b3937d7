"""The states of a Plane project, and which of them are words of a person (TRK-1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from orch_gates.engine import issues as task_issues
from orch_gates.errors import ForgeRefused, ForgeUnclear
from orch_gates.forge import fields
from orch_gates.model.effect import TrackerState
from orch_gates.model.task import TaskState
from orch_gates.trackers.plane.api import PlaneApi

_PATH = "states/"
_OVER = {"completed", "cancelled"}
# Plane shows the states of a group in one column of colour; all words are said while the work is under way.
_NEW = {"group": "started", "color": "#F59E0B"}


@dataclass(frozen=True, slots=True)
class PlaneState:
    """One state; `group` is what Plane takes it for."""

    id: str
    name: str
    group: str
    default: bool
    sequence: float


@dataclass(frozen=True, slots=True)
class States:
    """All states of a project, and the names of those that are words."""

    all: tuple[PlaneState, ...]
    names: Mapping[TrackerState, str]

    @property
    def missing(self) -> tuple[TrackerState, ...]:
        """The words that no state of the project says."""
        return tuple(word for word in self.names if self.of(word) is None)

    def of(self, word: TrackerState) -> PlaneState | None:
        """The state that says a word, whatever its capitals; the first where there are several."""
        return next((state for state in self.all if self._is(state, word)), None)

    def word(self, state: str) -> TrackerState | None:
        """What a state says, by its id; None for nothing."""
        found = next((one for one in self.all if one.id == state), None)
        return next((word for word in self.names if found is not None and self._is(found, word)), None)

    def is_over(self, state: str) -> bool:
        """Whether a state says that the work is completed or cancelled."""
        return self.word(state) is None and any(one.id == state and one.group in _OVER for one in self.all)

    def after(self, cleared: frozenset[TrackerState], label: str = "") -> str:
        """The id of the state to go to from a word that was acted on; `label` is what the task is shown as.

        Work goes on in progress. Where that was acted on too it is over: completed, cancelled, or where all begins.

        Raises:
            ForgeRefused: the project has no such state.
        """
        at_work = self.of(TrackerState.IN_PROGRESS)
        if TrackerState.IN_PROGRESS not in cleared and at_work is not None:
            return at_work.id
        group = {
            task_issues.label_for(TaskState.DONE): "completed",
            task_issues.label_for(TaskState.CANCELLED): "cancelled",
        }.get(label)
        free = [state for state in self.all if self.word(state.id) is None]
        fitting = [state for state in free if state.group == group] or [state for state in free if state.default]
        if not fitting:
            raise ForgeRefused("the project has no default state for an item; choose one in its settings")
        return fitting[0].id

    def _is(self, state: PlaneState, word: TrackerState) -> bool:
        return state.name.casefold() == self.names[word].casefold()


def read(api: PlaneApi, names: Mapping[TrackerState, str]) -> States:
    """The states that there are.

    Raises:
        ForgeRefused, ForgeUnavailable: they could not be read completely.
    """
    found = [
        PlaneState(
            fields.text(row, "id"),
            fields.text(row, "name"),
            fields.text(row, "group"),
            row.get("default") is True,
            float(row.get("sequence") or 0),
        )
        for row in api.rows(_PATH)
    ]
    return States(tuple(sorted(found, key=lambda state: state.sequence)), names)


def create(api: PlaneApi, name: str) -> None:
    """Make a state that is a word.

    Raises:
        ForgeRefused: Plane says no, also where there is one by now.
        ForgeUnclear: it may have been made.
        ForgeUnavailable: it was not made.
    """
    api.write("POST", _PATH, {"name": name, **_NEW})


def complete(api: PlaneApi, names: Mapping[TrackerState, str]) -> States:
    """Make the states that are missing, and look at what there is then.

    Raises:
        ForgeRefused, ForgeUnavailable: they could not be read, or one could not be made.
    """
    found = read(api, names)
    for word in found.missing:
        try:
            create(api, names[word])
        except (ForgeRefused, ForgeUnclear):
            # Somebody else may have made it, or it was made and no good answer came.
            if word in read(api, names).missing:
                raise
    return read(api, names)
