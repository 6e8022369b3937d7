"""One repository on one forge: the ports together."""

from __future__ import annotations

from dataclasses import dataclass

from orch_gates.forge.port.checks import CommitStatuses, Reviews
from orch_gates.forge.port.issues import Issues
from orch_gates.forge.port.labels import Labels
from orch_gates.forge.port.protection import Protections
from orch_gates.forge.port.pulls import PullRequests
from orch_gates.forge.port.server import Server
from orch_gates.forge.port.workflows import Workflows


@dataclass(frozen=True, slots=True)
class Forge:
    """All that is asked of a forge about the repository `owner/name`.

    `labels` is None where labels are only words on issues.
    """

    repository: str
    server: Server
    pulls: PullRequests
    statuses: CommitStatuses
    reviews: Reviews
    protections: Protections
    issues: Issues
    labels: Labels | None
    workflows: Workflows
