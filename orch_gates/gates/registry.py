"""Every gate, once (ENG-2): what has to know of the gates is derived from this tuple."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from orch_gates.gates import ci_green, merge, policy, review_approved
from orch_gates.gates.gate import Gate
from orch_gates.gates.recorded import ReportContract, recorded
from orch_gates.model.verdict import Outcome
from orch_gates.variables.groups import Budget, SecuritySettings, StagingSettings

_PASSED = {"PASSED": Outcome.PASS, "FAILED": Outcome.FAIL}
_SUCCESS = {"SUCCESS": Outcome.PASS, "FAILED": Outcome.FAIL}

GATES: tuple[Gate[Any], ...] = (
    ci_green.GATE,
    review_approved.GATE,
    recorded(
        ReportContract("tests-passed", "12-test-report.md", "tests_status", _PASSED),
        "The tester's tests passed.",
        policy.TESTS_PASSED,
    ),
    recorded(
        ReportContract("staging-status", "15-staging-report.md", "staging_status", _SUCCESS, exact=True),
        "The checks on staging passed.",
        policy.STAGING_STATUS,
        settings=(StagingSettings,),
    ),
    recorded(
        ReportContract("security", "17-security-report.md", "security_status", _PASSED, sealed=True),
        "The branch adds no secret and no new known vulnerability.",
        policy.SECRETS,
        parts=(policy.DEPENDENCIES,),
        settings=(Budget, SecuritySettings),
    ),
    merge.GATE,
    recorded(
        ReportContract(
            "image-freshness",
            "19-image-report.md",
            "image_status",
            {"FRESH": Outcome.PASS, "STALE": Outcome.FAIL},
            exact=True,
        ),
        "The image that was tested on staging is the image of this commit.",
        policy.IMAGE_FRESHNESS,
    ),
    recorded(
        ReportContract(
            "deploy-status",
            "20-deploy-report.md",
            "deploy_status",
            # The three exit codes of a deploy command (DEP-1).
            {"DEPLOYED": Outcome.PASS, "FAILED": Outcome.FAIL, "REFUSED": Outcome.HOLD},
            exact=True,
        ),
        "The commit is deployed.",
        policy.DEPLOY_STATUS,
    ),
    merge.PROOF_GATE,
)
NAMES = tuple(gate.name for gate in GATES)


def find(name: str, gates: Sequence[Gate[Any]] = GATES) -> Gate[Any] | None:
    """The gate of that name; None where there is none."""
    return next((gate for gate in gates if gate.name == name), None)
