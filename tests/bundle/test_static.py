"""What a reader of the actions and the copy-paste workflows may rely on without running them."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from scripts import house_rules

ROOT = house_rules.ROOT
ACTIONS = sorted([ROOT / "action.yml", *ROOT.glob("actions/*/action.yml")])
EXAMPLES = sorted(ROOT.glob("docs/examples/*-security.yml"))
SCRIPTS = sorted([ROOT / "actions/front-door", ROOT / "actions/setup/ensure", ROOT / "actions/security/run"])


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


actions = pytest.mark.parametrize("action", ACTIONS, ids=named)
workflows = pytest.mark.parametrize("workflow", EXAMPLES, ids=named)


def test_there_are_actions_and_workflows() -> None:
    """The tests below judge something."""
    assert len(ACTIONS) >= 3
    assert len(EXAMPLES) >= 2


@pytest.mark.parametrize("path", [*ACTIONS, *EXAMPLES], ids=named)
def test_no_value_is_pasted_into_a_script(path: Path) -> None:
    """An input cannot become a command: values reach scripts through the environment (OWN-1)."""
    assert list(house_rules.expressions_in_shell(path.read_text())) == []


@actions
def test_every_step_is_one_script(action: Path) -> None:
    """There is no inline logic: a step calls an executable of the bundle by its path."""
    for step in yaml.safe_load(action.read_text())["runs"]["steps"]:
        called = re.findall(r'"\$GITHUB_ACTION_PATH/([^"]+)"', step["run"])
        assert step["run"] == " ".join(f'"$GITHUB_ACTION_PATH/{name}"' for name in called)
        assert all(os.access(action.parent / name, os.X_OK) for name in called)


@actions
def test_every_input_and_output_is_described(action: Path) -> None:
    """The reference can be read from the action itself."""
    document = yaml.safe_load(action.read_text())
    described = [document, *document.get("inputs", {}).values(), *document.get("outputs", {}).values()]
    assert all(item["description"].strip() for item in described)


@actions
def test_no_input_is_forgotten(action: Path) -> None:
    """What is declared is handed to the script, and the script reads it."""
    document = yaml.safe_load(action.read_text())
    inputs = set(document.get("inputs", {}))
    (step,) = document["runs"]["steps"]
    handed = {re.sub(r"^ORCH_INPUT_", "", name).lower(): value for name, value in step.get("env", {}).items()}
    assert handed == {name: f"${{{{ inputs.{name} }}}}" for name in inputs}
    read = "".join(path.read_text() for path in SCRIPTS)
    assert all(f"ORCH_INPUT_{name.upper()}" in read for name in inputs)


def test_the_front_door_offers_what_the_gate_offers() -> None:
    """`run: gates` takes the inputs of the security action and gives its outputs."""
    door, security = (
        yaml.safe_load((ROOT / name).read_text()) for name in ("action.yml", "actions/security/action.yml")
    )
    assert door["outputs"] == security["outputs"]
    assert {name: spec for name, spec in door["inputs"].items() if name != "run"} == security["inputs"]


@pytest.mark.parametrize("script", SCRIPTS, ids=named)
def test_scripts_can_be_run_as_committed(script: Path) -> None:
    """The executable bit is part of the commit, and the script is valid for a plain POSIX shell."""
    mode = subprocess.run(
        ["git", "ls-files", "--stage", named(script)], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.split()[0]
    assert mode == "100755"
    assert script.read_text().startswith("#!/bin/sh\n")
    subprocess.run(["sh", "-n", script], check=True)


@workflows
def test_workflows_ask_for_little(workflow: Path) -> None:
    """Every action is pinned to a commit, and the job may read the contents and nothing else (OWN-1)."""
    document = yaml.safe_load(workflow.read_text())
    assert document["permissions"] == {}
    for job in document["jobs"].values():
        assert job["permissions"] == {"contents": "read"}
        assert all(re.search(r"@[0-9a-f]{40}$", step["uses"]) for step in job["steps"] if "uses" in step)
    assert "secrets." not in workflow.read_text()


def test_zizmor_finds_nothing(real: Callable[[str], Path]) -> None:
    """Actions and workflows are clean in its strictest mode."""
    options = ["--quiet", "--pedantic", "--offline", "--no-progress"]
    done = subprocess.run([real("zizmor"), *options, *ACTIONS, *EXAMPLES], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_actionlint_finds_nothing(real: Callable[[str], Path]) -> None:
    """The workflows are correct as written."""
    done = subprocess.run(
        [real("actionlint"), "-shellcheck=", "-pyflakes=", *EXAMPLES], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
