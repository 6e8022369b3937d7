"""The tracker: whether a Plane project has a state for each word that people say (TRK-1)."""

from __future__ import annotations

from orch_gates.doctor.check import Check, Group
from orch_gates.doctor.finding import CheckFinding, NotUsedError, bad, ok
from orch_gates.doctor.subject import DoctorSubject
from orch_gates.model.effect import TrackerState
from orch_gates.trackers.plane import states
from orch_gates.trackers.plane.tracker import connect


def _gather(subject: DoctorSubject) -> tuple[TrackerState, ...]:
    settings = subject.workspace.settings.tracker
    if settings.kind != "plane":
        raise NotUsedError("the tracker is not Plane; labels at a forge are created when they are needed")
    found = connect(settings)
    return states.read(found.api, found.names).missing


def finding_of(missing: tuple[TrackerState, ...]) -> CheckFinding:
    """Without one of them nothing is done in the tracker."""
    if missing:
        named = ", ".join(missing)
        return bad(
            f"the Plane project has no state for {named}, so orch-gates does nothing there",
            "orch-gates tracker states --create",
        )
    return ok("the Plane project has a state for each word")


CHECKS = (Check("tracker", Group.FORGE, _gather, finding_of, seconds=40),)
