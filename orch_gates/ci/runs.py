"""Events of commits and of workflows: pushes, statuses, checks, runs that end, and what starts one by itself."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from orch_gates.ci import fields
from orch_gates.ci.event import (
    ChecksChanged,
    Dispatched,
    Event,
    Pushed,
    Scheduled,
    StatusChanged,
    WorkflowEnded,
)
from orch_gates.ci.received import Received

_MAX_INPUTS = 100
_MAX_INT = 2**63
# The path of a run at Gitea ends in the ref that it is for: `ci.yml@refs/pull/1/head`.
_PULL_OF_PATH = re.compile(r"@refs/pull/([1-9][0-9]{0,17})/head\Z")


def push(received: Received) -> Event:
    """`push`; the removal of a branch too, which only GitHub calls a push."""
    ref = fields.text(received.payload, "ref", limit=fields.MAX_BODY) or received.ref
    if not ref.startswith("refs/heads/"):
        return received.nothing("it changed no branch") if ref else received.unreadable("the payload names no ref")
    raw = fields.at(received.payload, "after")
    after = fields.commit(raw) or (received.commit if raw is None else "")
    zeros = isinstance(raw, str) and raw != "" and raw.strip("0") == ""
    deleted = zeros or fields.at(received.payload, "deleted") is True
    if not after and not deleted:
        return received.unreadable("the payload names no commit")
    return Pushed(
        actor=received.actor,
        branch=fields.branch_of_ref(ref),
        before=fields.commit(received.payload, "before"),
        after="" if deleted else after,
        deleted=deleted,
        forced=fields.at(received.payload, "forced") is True,
    )


def status(received: Received) -> Event:
    """`status`, which only GitHub has."""
    commit = fields.commit(received.payload, "sha")
    state = fields.text(received.payload, "state").lower()
    if not commit or not state:
        return received.unreadable("the payload has no commit or no state")
    return StatusChanged(received.actor, commit, fields.text(received.payload, "context"), state)


def checks(received: Received) -> Event:
    """`check_run` and `check_suite`, which only GitHub has."""
    found = fields.at(received.payload, received.name)
    commit = fields.commit(found, "head_sha")
    if not commit:
        return received.unreadable("the payload names no commit")
    return ChecksChanged(received.actor, commit, _pulls(received, found), fields.text(found, "conclusion").lower())


def workflow_run(received: Received) -> Event:
    """`workflow_run`, of a run that has ended."""
    if received.action != "completed":
        if not received.action:
            return received.unreadable("the payload has no action")
        return received.nothing("the workflow run is not finished")
    run = fields.at(received.payload, "workflow_run")
    commit = fields.commit(run, "head_sha")
    if not commit:
        return received.unreadable("the payload names no commit")
    of_path = _PULL_OF_PATH.search(fields.text(run, "path", limit=fields.MAX_BODY))
    return WorkflowEnded(
        actor=received.actor,
        name=fields.text(run, "name") or fields.text(received.payload, "workflow", "name"),
        commit=commit,
        branch="" if _is_of_fork(received, run) else fields.branch(run, "head_branch"),
        event=fields.text(run, "event"),
        conclusion=fields.text(run, "conclusion").lower(),
        pulls=(int(of_path[1]),) if of_path else _pulls(received, run),
    )


def dispatch(received: Received) -> Event:
    """`workflow_dispatch` and `repository_dispatch`, which has a payload of any form in place of inputs."""
    by_hand = received.name == "workflow_dispatch"
    inputs = fields.at(received.payload, "inputs" if by_hand else "client_payload")
    if inputs is not None and not isinstance(inputs, Mapping):
        return received.unreadable("the inputs are not a mapping")
    return Dispatched(
        actor=received.actor,
        inputs=_inputs(inputs or {}),
        name="" if by_hand else received.action,
        branch=received.branch,
        commit=received.commit,
    )


def schedule(received: Received) -> Event:
    """`schedule`; Gitea sends the last push again with it, whose sender is not who caused this."""
    return Scheduled("", fields.text(received.payload, "schedule"), received.branch, received.commit)


def _pulls(received: Received, found: Any) -> tuple[int, ...]:
    """The numbers of this repository's; GitHub also lists those that go from here to the one it was forked from."""
    here = fields.at(received.payload, "repository")
    numbers = (
        fields.number(pull, "number")
        for pull in fields.items(found, "pull_requests")
        if fields.same_repository(fields.at(pull, "base", "repo"), here)
    )
    return tuple(dict.fromkeys(number for number in numbers if number))


def _is_of_fork(received: Received, run: Mapping[str, Any]) -> bool:
    """Gitea names no repository of the head, and no branch either where it may be a fork's."""
    if "head_repository" not in run:
        return False
    return not fields.same_repository(run["head_repository"], fields.at(received.payload, "repository"))


def _inputs(found: Mapping[Any, Any]) -> dict[str, str]:
    names = [name for name in found if isinstance(name, str)][:_MAX_INPUTS]
    return {fields.text(name): _input(found[name]) for name in names}


def _input(value: Any) -> str:
    """As a runner writes it; a list or a mapping is no text."""
    match value:
        case bool():
            return "true" if value else "false"
        case int() if -_MAX_INT < value < _MAX_INT:
            return str(value)
        case float():
            return str(value)
        case _:
            return fields.text(value, limit=fields.MAX_BODY)
