"""`roles` of the configuration file: how the work of each role is started (JOB-1)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from orch_gates.config.pipeline import SLUG
from orch_gates.config.problems import Problems, spelled
from orch_gates.documents.yaml_read import Path, Placed, Value
from orch_gates.model.branch import BRANCH

if TYPE_CHECKING:
    from orch_gates.engine.work import Role

KEY = "roles"
ROLE_KEYS = ("dispatch", "max_concurrency")
DISPATCH_KEYS = ("command", "workflow", "ref")
WORKFLOW = re.compile(r"[A-Za-z0-9_.-]{1,100}\.ya?ml")
MOST = 1000


def roles(placed: Placed, problems: Problems) -> Mapping[str, Role]:
    """The roles that the file says how to start; none where it names none."""
    if KEY not in placed.mapping:
        return {}
    value = placed.mapping[KEY]
    if not isinstance(value, dict):
        problems.add((KEY,), f"{spelled(value)} is not a mapping of roles")
        return {}
    found = {name: _role(name, item, (KEY, name), problems) for name, item in value.items()}
    return {name: role for name, role in found.items() if role is not None}


def _role(name: str, item: Value, path: Path, problems: Problems) -> Role | None:
    from orch_gates.engine.work import Role
    from orch_gates.model.job import Way

    if not SLUG.fullmatch(name):
        problems.add(path, f"{spelled(name)} must be 1 to 40 small letters, digits and `-`, a letter first")
        return None
    if not isinstance(item, dict):
        problems.add(path, f"{spelled(item)} is not a mapping with dispatch")
        return None
    for key in item.keys() - set(ROLE_KEYS):
        problems.unknown_key((*path, key), ROLE_KEYS)
    most = item.get("max_concurrency", 0)
    if "max_concurrency" in item and (isinstance(most, bool) or not isinstance(most, int) or not 1 <= most <= MOST):
        problems.add((*path, "max_concurrency"), f"{spelled(most)} is not a whole number from 1 to {MOST}")
        return None
    dispatch = item.get("dispatch")
    if not isinstance(dispatch, dict):
        what = "a role needs a way to start its work" if dispatch is None else f"{spelled(dispatch)} is not a mapping"
        at = path if dispatch is None else (*path, "dispatch")
        problems.add(at, f"{what}: dispatch: {{command: ...}} or dispatch: {{workflow: FILE.yml}}")
        return None
    if (texts := _texts(dispatch, (*path, "dispatch"), problems)) is None:
        return None
    assert isinstance(most, int)
    way = Way.COMMAND if "command" in texts else Way.WORKFLOW
    return Role(name, way, texts.get("command", ""), texts.get("workflow", ""), texts.get("ref", ""), most)


def _texts(dispatch: Mapping[str, Value], path: Path, problems: Problems) -> Mapping[str, str] | None:
    for key in dispatch.keys() - set(DISPATCH_KEYS):
        problems.unknown_key((*path, key), DISPATCH_KEYS)
    if ("command" in dispatch) is ("workflow" in dispatch):
        problems.add(path, "needs one of: command, workflow")
        return None
    if "command" in dispatch and "ref" in dispatch:
        problems.add((*path, "ref"), "is only for a workflow; a command runs where the sweep runs")
        return None
    texts = {key: value for key, value in dispatch.items() if key in DISPATCH_KEYS}
    wrong = {key: value for key, value in texts.items() if not _is_fit(key, value)}
    for key, value in wrong.items():
        expected = {
            "command": "a command for sh, as text",
            "workflow": "the file name of a workflow, like develop.yml",
            "ref": "the name of a branch without refs/heads/",
        }
        problems.add((*path, key), f"{spelled(value)} is not {expected[key]}")
    return None if wrong else {key: str(value) for key, value in texts.items()}


def _is_fit(key: str, value: Value) -> bool:
    if not isinstance(value, str) or not value.strip() or "\0" in value:
        return False
    if key == "workflow":
        return WORKFLOW.fullmatch(value) is not None
    return key != "ref" or BRANCH.fullmatch(value) is not None
