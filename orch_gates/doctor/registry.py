"""Every check, in the order in which they are run and shown; a new one is a row of its group's module."""

from __future__ import annotations

from typing import Any

from orch_gates.doctor import (
    actions,
    clone_hook,
    delivery,
    forge,
    left_open,
    machine,
    repository,
    schedule,
    server_hook,
    state_branch,
    tracker,
    workflow_secrets,
)
from orch_gates.doctor.check import Check

CHECKS: tuple[Check[Any], ...] = (
    *machine.CHECKS,
    *server_hook.CHECKS,
    *clone_hook.CHECKS,
    *forge.CHECKS,
    *actions.CHECKS,
    *workflow_secrets.CHECKS,
    *tracker.CHECKS,
    *state_branch.CHECKS,
    *schedule.CHECKS,
    *repository.CHECKS,
    *delivery.CHECKS,
    *left_open.CHECKS,
)
