"""What `act` is given for a task: a workflow, an environment, and the actions that the workflow uses."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.e2e.runner_protocol import Need, Task

# The job that is added to a workflow to learn how its only job ended.
_READING_JOB = "runner-reads"
_REMOTE = re.compile(r"(?P<repository>[\w.-]+/[\w.-]+)(?P<path>/[^@]*)?@(?P<ref>.+)")
_CHECKOUT = "actions/checkout"


@dataclass(frozen=True, slots=True)
class Action:
    """An action in another repository."""

    repository: str
    path: str
    ref: str


@dataclass(frozen=True, slots=True)
class Checkout:
    """How a job wants its repository; `depth` 0 is all of it."""

    depth: int
    credentials: bool


def job(text: str) -> tuple[str, dict[str, Any]]:
    """Name and definition of the only job of a workflow."""
    ((name, found),) = yaml.safe_load(text)["jobs"].items()
    return name, found


def actions(steps: list[dict[str, Any]]) -> Iterator[Action]:
    """The actions that steps take from other repositories; `act` brings its own checkout."""
    for step in steps:
        found = _REMOTE.fullmatch(step.get("uses", ""))
        if found and found["repository"] != _CHECKOUT:
            yield Action(found["repository"], (found["path"] or "").strip("/"), found["ref"])


def checkout(steps: list[dict[str, Any]]) -> Checkout | None:
    """What the first checkout asks for, with the defaults of that action."""
    for step in steps:
        if step.get("uses", "").startswith(f"{_CHECKOUT}@"):
            given = step.get("with", {})
            # The server hands over every value as a string.
            kept = str(given.get("persist-credentials", "true")).lower() == "true"
            return Checkout(int(given.get("fetch-depth", "1")), kept)
    return None


def runnable(task: Task, ended: Path) -> str:
    """The task's workflow with its needs as jobs that end as they did, and one that writes the end to a file."""
    tree = yaml.compose(task.workflow, yaml.SafeLoader)
    jobs = _value(tree, "jobs")
    name, _ = job(task.workflow)
    definition = _value(jobs, name)
    definition.value = [pair for pair in definition.value if pair[0].value != "needs"]
    _unquote(definition)
    if task.needs:
        _add(definition, "needs", list(task.needs))
    for needed, how in task.needs.items():
        _add(jobs, needed, _ended(how))
    _add(jobs, _READING_JOB, _reading(name, ended))
    return yaml.serialize(tree)


def environment(context: Mapping[str, Any]) -> dict[str, str]:
    """The variables that a runner sets from the `github` context."""
    names = ["sha", "ref", "ref_name", "ref_type", "base_ref", "head_ref", "repository", "repository_owner", "run_id"]
    names += ["run_number", "run_attempt", "actor", "event_name", "server_url", "api_url", "workflow"]
    made = {f"GITHUB_{name.upper()}": str(context.get(name, "")) for name in names}
    made["GITHUB_SERVER_URL"] = made["GITHUB_SERVER_URL"].rstrip("/")
    # `act` reads the context's sha from a variable of this name.
    return {**made, "SHA_REF": made["GITHUB_SHA"], "GITEA_ACTIONS": "true"}


def _ended(need: Need) -> dict[str, Any]:
    stub: dict[str, Any] = {"runs-on": "ubuntu-latest", "steps": [{"run": "true"}]}
    if need.result == "skipped":
        return {**stub, "if": False}
    if need.result != "success":
        stub["steps"] = [{"run": "false"}]
    return {**stub, "outputs": {name: _literal(value) for name, value in need.outputs.items()}}


def _reading(name: str, ended: Path) -> dict[str, Any]:
    step = {
        "run": 'printf %s "$READ" >"$ENDED"',
        "env": {"READ": f"${{{{ toJSON(needs['{name}']) }}}}", "ENDED": str(ended)},
    }
    return {"runs-on": "ubuntu-latest", "needs": [name], "if": "always()", "steps": [step]}


def _literal(value: str) -> str:
    """A value in which no expression is evaluated."""
    return f"${{{{ fromJSON({_quoted(json.dumps(value))}) }}}}" if "${{" in value else value


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _unquote(definition: yaml.MappingNode) -> None:
    """The server puts every timeout in quotes, which `act` refuses."""
    for key, value in definition.value:
        if key.value == "timeout-minutes" and value.value.isdecimal():
            value.tag, value.style = "tag:yaml.org,2002:int", None


def _value(mapping: yaml.Node | None, key: str) -> yaml.MappingNode:
    assert isinstance(mapping, yaml.MappingNode)
    (found,) = (value for name, value in mapping.value if name.value == key)
    assert isinstance(found, yaml.MappingNode)
    return found


def _add(mapping: yaml.MappingNode, key: str, value: object) -> None:
    # JSON is YAML, and node by node the rest stays as it is: `on` is no boolean here.
    mapping.value.append(
        (yaml.ScalarNode("tag:yaml.org,2002:str", key), yaml.compose(json.dumps(value), yaml.SafeLoader))
    )
