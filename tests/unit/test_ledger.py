"""What an attempt leaves on the state branch stays small, however long a target lives (MRG-14)."""

from __future__ import annotations

from orch_gates.merge import ledger
from orch_gates.merge.ledger import LeasePage, LedgerWrite
from orch_gates.model.ids import TaskId
from orch_gates.state import layout
from tests.tasks_builders import NOW, make_attempt, make_lease

LEASE, ATTEMPT = layout.lease_path("main"), layout.attempt_path(TaskId("T-1"))


def test_logs_stay_small() -> None:
    """A document has a largest size: the log has the newest steps, the history of the branch has them all."""
    page = LeasePage(make_lease(), make_attempt())
    for number in range(500):
        change = ledger.change(page, LedgerWrite(f"step {number}", make_lease(), make_attempt()), "step", NOW)
        bodies = [change.writes[path].rpartition("---\n")[2] for path in (LEASE, ATTEMPT)]
        page = LeasePage(make_lease(), make_attempt(), *bodies)
    assert page.lease_body.count("\n") == 100
    assert page.attempt_body.count("\n") == 200
    assert page.lease_body.endswith("step 499 (generation 5)\n")


def test_a_new_attempt_begins_its_own_log() -> None:
    """Whoever reads it meets no step of another one."""
    before = LeasePage(make_lease(), make_attempt(), "", "- of before\n")
    begun = make_attempt(id="f" * 16, phase="acquired", base="", commit="", tree="", how="", proven="")
    change = ledger.change(before, LedgerWrite("acquired", make_lease(), begun), "attempt", NOW)
    assert "of before" not in change.writes[ATTEMPT]
    assert "acquired" in change.writes[ATTEMPT]
