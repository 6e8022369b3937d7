"""What the report of the run before this one keeps for it."""

from __future__ import annotations

from orch_gates.errors import ReportError
from orch_gates.gates import recorded, registry
from orch_gates.gates.recorded import Record
from orch_gates.gates.staging import ran
from orch_gates.gates.staging.judge import GATE, USED, Before


def record() -> Record:
    """The report that the gate on an edge reads."""
    found = registry.find(GATE)
    assert found is not None
    assert found.record is not None
    return found.record


def parse(text: str) -> Before:
    """What a staging report keeps.

    Raises:
        ReportError: it is no staging report.
        UpgradeNeeded: a newer orch-gates wrote it.
    """
    from orch_gates.documents import frontmatter

    report, _ = recorded.read(record(), text)
    _, body = frontmatter.decode(text)
    used = {}
    for name, value in report.evidence.items():
        if name.startswith(USED):
            if type(value) is not int or value < 0:
                raise ReportError(f"evidence: {name} is no count")
            used[name.removeprefix(USED)] = value
    return Before(ran.parse(body), used)
