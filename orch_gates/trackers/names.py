"""How each word of a person is called in the tracker: a label of the forge, or a state of Plane (TRK-1)."""

from __future__ import annotations

from collections.abc import Mapping

from orch_gates.engine import issues as task_issues
from orch_gates.errors import SettingsError
from orch_gates.model.effect import TrackerState
from orch_gates.variables.services import TrackerSettings


def names_of(settings: TrackerSettings) -> Mapping[TrackerState, str]:
    """The label or state for each word.

    Raises:
        SettingsError: two words have the same one, or one of them is a label that we set ourselves.
    """
    found = {
        TrackerState.IN_PROGRESS: settings.in_progress,
        TrackerState.APPROVED: settings.approved,
        TrackerState.REJECTED: settings.rejected,
        TrackerState.BLOCKED: settings.blocked,
        TrackerState.NEEDS_INPUT: settings.needs_input,
    }
    if len({name.casefold() for name in found.values()}) < len(found):
        raise SettingsError("two names of the tracker (ORCH_TRACKER_…) are the same; give each word one of its own")
    if taken := [name for name in found.values() if task_issues.is_ours(name)]:
        raise SettingsError(f"the name {taken[0]!r} of the tracker begins with orch/, as labels that we set; rename it")
    return found
