"""What "could not tell" means for each gate and guard (SPEC §4.3): the one place it is decided."""

from __future__ import annotations

from dataclasses import dataclass

from orch_gates.model.verdict import Outcome


@dataclass(frozen=True, slots=True)
class Policy:
    """A gate or part of one, and the outcome of not knowing. PASS is always with a warning."""

    subject: str
    unknown: Outcome
    meaning: str


SECRETS = Policy("security: secrets", Outcome.FAIL, "FAIL, under every flag")
DEPENDENCIES = Policy(
    "security: dependencies",
    Outcome.PASS,
    "warn and pass; FAIL if strict (ORCH_SECURITY_DEP_AUDIT_FAIL_CLOSED)",
)
CI_GREEN = Policy("ci-green", Outcome.FAIL, "FAIL; a forge that does not answer decides nothing")
REVIEW_APPROVED = Policy("review-approved", Outcome.FAIL, "FAIL; a forge that does not answer decides nothing")
TESTS_PASSED = Policy("tests-passed", Outcome.FAIL, "FAIL")
STAGING_STATUS = Policy("staging-status", Outcome.FAIL, "FAIL")
MERGE = Policy("merge", Outcome.ERROR, "ERROR: deferred, then escalated; never pass")
IMAGE_FRESHNESS = Policy("image-freshness", Outcome.FAIL, "FAIL")
DEPLOY_STATUS = Policy("deploy-status", Outcome.FAIL, "FAIL")
CONFIGURATION = Policy(
    "configuration file",
    Outcome.ERROR,
    "ERROR; the hooks judge by the defaults, and say so",
)

POLICIES = (
    SECRETS,
    DEPENDENCIES,
    CI_GREEN,
    REVIEW_APPROVED,
    TESTS_PASSED,
    STAGING_STATUS,
    MERGE,
    IMAGE_FRESHNESS,
    DEPLOY_STATUS,
    CONFIGURATION,
)
