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
CONFIGURATION = Policy(
    "configuration file",
    Outcome.ERROR,
    "ERROR; the hooks judge by the defaults, and say so",
)

POLICIES = (SECRETS, DEPENDENCIES, CONFIGURATION)
