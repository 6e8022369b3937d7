"""Reports as workflows and people write them: what the gates that read one are tested with."""

from __future__ import annotations

from orch_gates.documents import frontmatter
from orch_gates.gates.recorded import ReportContract
from orch_gates.gates.registry import GATES

HEAD, OLDER = "a" * 40, "b" * 40
RECORDED = {gate.name: gate.record for gate in GATES if gate.record is not None}
TESTS = RECORDED["tests-passed"]
RED = {
    "id": "test_greets",
    "rule": "pytest",
    "path": "tests/test_app.py",
    "line": 3,
    "commit": HEAD,
    "description": "greets nobody",
    "fix": "Greet.",
    "carrier": "test",
}


def report(gate: ReportContract = TESTS, /, *without: str, **stated: object) -> str:
    """A report about `HEAD`; it states nothing yet."""
    fields = {"schema": "orch.report/1", "gate": gate.name, "head": HEAD} | stated
    return frontmatter.encode({name: value for name, value in fields.items() if name not in without}, "")


def passed(gate: ReportContract = TESTS, /, *without: str, **stated: object) -> str:
    """A report about `HEAD` that says PASS."""
    return report(gate, *without, **{"verdict": "PASS"} | stated)
