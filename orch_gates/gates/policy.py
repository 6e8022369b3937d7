"""What "could not tell" means for each gate and guard: the one place it is decided."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from orch_gates.model.verdict import Outcome

if TYPE_CHECKING:
    from orch_gates.gates.gate import Gate


@dataclass(frozen=True, slots=True)
class Policy:
    """A gate or part of one, and the outcome of not knowing. PASS is always with a warning."""

    subject: str
    unknown: Outcome
    meaning: str


SECRETS = Policy("security: secrets", Outcome.FAIL, "FAIL, whatever the options")
DEPENDENCIES = Policy(
    "security: dependencies",
    Outcome.PASS,
    "warn and pass; FAIL if strict (ORCH_SECURITY_DEP_AUDIT_FAIL_CLOSED)",
)
CI_GREEN = Policy("ci-green", Outcome.FAIL, "FAIL; nothing is decided when the forge does not answer")
REVIEW_APPROVED = Policy("review-approved", Outcome.FAIL, "FAIL; nothing is decided when the forge does not answer")
TESTS_PASSED = Policy("tests-passed", Outcome.FAIL, "FAIL")
STAGING_STATUS = Policy("staging-status", Outcome.FAIL, "FAIL")
MERGE = Policy("merge", Outcome.ERROR, "ERROR: deferred, then escalated; never pass")
MERGE_PROOF = Policy("merge proof (commit in the target)", Outcome.HOLD, "HOLD")
REGRESSION_GUARD = Policy("regression guard", Outcome.PASS, "warn and pass; a marker that is gone is HOLD")
IMAGE_FRESHNESS = Policy("image-freshness", Outcome.FAIL, "FAIL")
DEPLOY_STATUS = Policy("deploy-status", Outcome.FAIL, "FAIL")
CONFIGURATION = Policy(
    "configuration file",
    Outcome.ERROR,
    "ERROR; the hooks use the defaults, and say so",
)


def policy_table(gates: Iterable[Gate[Any]]) -> tuple[Policy, ...]:
    """What not knowing means for each gate and its parts, and at last for what stands before all of them."""
    return (*(policy for gate in gates for policy in (gate.policy, *gate.parts)), CONFIGURATION)
