"""What a reader of the actions and the copy-paste workflows may rely on without running them."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
import yaml

from scripts import house_rules
from tests import blocks
from tests.blocks import FENCE

ROOT = house_rules.ROOT
ACTIONS = sorted([ROOT / "action.yml", *ROOT.glob("actions/*/action.yml")])
EXAMPLES = sorted(ROOT.glob("docs/examples/*.yml"))
SCRIPTS = sorted([ROOT / "actions/front-door", ROOT / "actions/setup/ensure", *ROOT.glob("actions/*/run")])
MERGES = [path for path in EXAMPLES if path.name.endswith("-merge.yml")]
RELEASES = [path for path in EXAMPLES if path.name.endswith("-release.yml")]
ISSUES = [path for path in EXAMPLES if path.name.endswith("-issues.yml")]
SWEEPS = [path for path in EXAMPLES if path.name.endswith("-sweep.yml")]
QUEUES = [path for path in EXAMPLES if path.name.endswith("-queue.yml")]
# Of each of these runs the file is one of the base or default branch. Not `pull_request`, whose file is the head's, nor
# `pull_request_review`: Gitea 1.26.4 takes the head's, a fork's as well, and gives it the secrets.
WAKES = {
    "gitea": {"pull_request_target", "workflow_run", "workflow_dispatch", "schedule"},
    "forgejo": {"pull_request_target", "workflow_dispatch", "schedule"},
    "github": {"pull_request_target", "workflow_run", "check_suite", "workflow_dispatch", "schedule"},
}


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


actions = pytest.mark.parametrize("action", ACTIONS, ids=named)
workflows = pytest.mark.parametrize("workflow", EXAMPLES, ids=named)


def test_there_are_actions_and_workflows() -> None:
    """The tests below judge something."""
    assert len(ACTIONS) >= 4
    assert len(EXAMPLES) >= 5
    assert {path.name for path in QUEUES} == {f"{forge}-queue.yml" for forge in WAKES}
    assert {path.name for path in RELEASES} == {f"{forge}-release.yml" for forge in WAKES}
    assert {path.name for path in ISSUES} == {f"{forge}-issues.yml" for forge in WAKES}
    assert {path.name for path in SWEEPS} == {f"{forge}-sweep.yml" for forge in WAKES}


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
    given = step.get("env", {})
    # What a bot's token is compared with: a job's own is refused.
    assert given.pop("GITHUB_TOKEN", "${{ github.token }}") == "${{ github.token }}"
    handed = {re.sub(r"^ORCH_INPUT_", "", name).lower(): value for name, value in given.items()}
    assert handed == {name: f"${{{{ inputs.{name} }}}}" for name in inputs}
    read = "".join(path.read_text() for path in SCRIPTS)
    assert all(f"ORCH_INPUT_{name.upper()}" in read for name in inputs)


def test_the_front_door_offers_what_the_actions_offer() -> None:
    """It takes the inputs of both actions and gives their outputs; what a token is for is said for both at once."""
    door, *behind = (
        yaml.safe_load((ROOT / name / "action.yml").read_text()) for name in ("", "actions/security", "actions/merge")
    )
    assert door["outputs"] == {name: spec for one in behind for name, spec in one["outputs"].items()}
    told = {name: spec for one in behind for name, spec in one["inputs"].items() if name != "token"}
    assert {name: spec for name, spec in door["inputs"].items() if name not in {"run", "token"}} == told
    assert "token" in door["inputs"]


@pytest.mark.parametrize("script", SCRIPTS, ids=named)
def test_scripts_can_be_run_as_committed(script: Path) -> None:
    """The executable bit is part of the commit, and the script is valid for a plain POSIX shell."""
    mode = subprocess.run(
        ["git", "ls-files", "--stage", named(script)], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.split()[0]
    assert mode == "100755"
    assert script.read_text().startswith("#!/bin/sh\n")
    subprocess.run(["sh", "-n", script], check=True)


# Gitea knows no right to post a status alone.
POSTING = {
    "gitea-security.yml": {"contents": "write"},
    "github-security.yml": {"contents": "read", "statuses": "write"},
    "github-image.yml": {"contents": "read", "packages": "write"},
    "github-release.yml": {"contents": "read", "packages": "write"},
    "github-dashboard.yml publish": {"pages": "write", "id-token": "write"},
}
# What may ask for another secret than the bot's token, or for none.
SECRETS: dict[str, set[str]] = {
    "gitea-security.yml": set(),
    "github-security.yml": set(),
    "gitea-image.yml": {"ORCH_REGISTRY_TOKEN"},
    "github-image.yml": set(),
    **{f"{forge}-release.yml": {"ORCH_TOKEN", "ORCH_REGISTRY_TOKEN"} for forge in ("gitea", "forgejo")},
    "gitea-monorepo.yml": set(),
    "gitea-staging.yml": set(),
    "github-staging.yml": set(),
}


@workflows
def test_workflows_ask_for_little(workflow: Path) -> None:
    """Every action is pinned to a commit, and the job may do no more than it has to (OWN-1)."""
    document = yaml.safe_load(workflow.read_text())
    assert document["permissions"] == {}
    for name, job in document["jobs"].items():
        usual = POSTING.get(workflow.name, {"contents": "read"})
        assert job["permissions"] == POSTING.get(f"{workflow.name} {name}", usual)
        assert all(re.search(r"@[0-9a-f]{40}$", step["uses"]) for step in job["steps"] if "uses" in step)
    named = set(re.findall(r"secrets\.(\w+)", workflow.read_text()))
    assert named == SECRETS.get(workflow.name, {"ORCH_TOKEN"})


@pytest.mark.parametrize("workflow", MERGES, ids=named)
def test_merges_are_started_by_the_target_only(workflow: Path) -> None:
    """The bot's token is in no run that a branch's own workflow file could change, nor in any variable of the job."""
    document = yaml.safe_load(workflow.read_text())
    assert set(document[True]) == {"workflow_dispatch", "schedule"}
    (job,) = document["jobs"].values()
    assert "env" not in document
    assert "env" not in job
    assert [sorted(step["with"]) for step in job["steps"]] == [
        ["fetch-depth", "persist-credentials"],
        ["task", "token"],
    ]


@pytest.mark.parametrize("workflow", SWEEPS, ids=named)
def test_a_sweep_is_scheduled_in_a_file_of_its_own(workflow: Path) -> None:
    """A schedule that a forge switches off takes nothing else with it (faults.md T13, T14)."""
    document = yaml.safe_load(workflow.read_text())
    assert set(document[True]) == {"workflow_dispatch", "schedule"}
    (schedule,) = document[True]["schedule"]
    assert not re.match(r"(\*|0)\b|\*/", schedule["cron"])
    (job,) = document["jobs"].values()
    assert job["timeout-minutes"] <= 10
    _, sweep = job["steps"]
    assert (set(sweep), sweep["with"]) == ({"uses", "with"}, {"token": "${{ secrets.ORCH_TOKEN }}"})


def test_a_sweep_that_publishes_is_the_usual_one() -> None:
    """The tick is that of the other workflow, and the job that publishes has no secret and runs nothing of ours."""
    usual, published = (
        yaml.safe_load((ROOT / "docs" / "examples" / f"github-{name}.yml").read_text())
        for name in ("sweep", "dashboard")
    )
    publish = published["jobs"].pop("publish")
    upload = published["jobs"]["sweep"]["steps"].pop()
    folder = published["jobs"]["sweep"]["steps"][-1]["with"].pop("dashboard")
    assert published == usual
    assert (upload["with"], upload["if"]) == ({"path": folder}, publish["if"])
    assert [set(step) for step in publish["steps"]] == [{"uses"}]
    assert publish["environment"] != usual["jobs"]["sweep"]["environment"]


@pytest.mark.parametrize("workflow", QUEUES, ids=named)
def test_queues_run_no_code_of_a_pull_request(workflow: Path) -> None:
    """The file and all that is checked out are the base's; the bot's token is in one step only (MRG-13, OWN-1)."""
    document = yaml.safe_load(workflow.read_text())
    wakes = document[True]
    assert set(wakes) == WAKES[workflow.name.removesuffix("-queue.yml")]
    # `synchronize` would put a status of the queue on each commit that it pushes.
    assert wakes["pull_request_target"] == {"types": ["labeled", "unlabeled", "closed"]}
    # Without names it would wake itself.
    assert wakes.get("workflow_run", {"workflows": ["ci"], "types": ["completed"]}) == {
        "workflows": ["ci"],
        "types": ["completed"],
    }
    (clock,) = wakes["schedule"]
    assert re.fullmatch(r"\*/(5|15) \* \* \* \*", clock["cron"])
    # One group for several pull requests would leave a red status on one, or a pending one on another.
    assert document["concurrency"] == {
        "group": "queue-${{ github.event.pull_request.head.sha }}",
        "cancel-in-progress": False,
    }
    (job,) = document["jobs"].values()
    assert "env" not in document
    assert "env" not in job
    assert "if" not in job
    checkout, queue = job["steps"]
    assert checkout["with"] == {"fetch-depth": 0, "persist-credentials": False}
    assert (set(queue), queue["with"]) == ({"uses", "with"}, {"token": "${{ secrets.ORCH_TOKEN }}"})
    assert workflow.read_text().count("secrets.") == 1


@pytest.mark.parametrize("workflow", RELEASES, ids=named)
def test_releases_keep_their_tokens_apart(workflow: Path) -> None:
    """Started by hand; no token is a variable of the job, and none of the bot's is in a step that runs a script."""
    document = yaml.safe_load(workflow.read_text())
    assert set(document[True]) == {"workflow_dispatch"}
    (job,) = document["jobs"].values()
    assert "env" not in document
    assert "env" not in job
    for step in job["steps"]:
        assert "run" not in step or "ORCH_TOKEN" not in str(step)
    called = [step["uses"].partition("@")[0].rpartition("/")[2] for step in job["steps"] if "uses" in step]
    order = ["checkout", "merge", "checkout", "staging", "image", "report", "deploy", "merge", "watch"]
    assert called == order


@pytest.mark.parametrize("workflow", ISSUES, ids=named)
def test_issues_are_followed_by_the_default_branch(workflow: Path) -> None:
    """Its file, started by what people do on issues; the bot's token is in one step only (TRK-1, OWN-1)."""
    document = yaml.safe_load(workflow.read_text())
    assert document[True] == {"issues": {"types": ["labeled", "unlabeled", "reopened"]}, "workflow_dispatch": None}
    # Runs for one issue follow each other; those of different issues do not wait.
    assert document["concurrency"] == {"group": "issues-${{ github.event.issue.number }}", "cancel-in-progress": False}
    (job,) = document["jobs"].values()
    assert "env" not in document
    assert "env" not in job
    checkout, issues = job["steps"]
    assert checkout["with"] == {"fetch-depth": 0, "persist-credentials": False}
    assert (set(issues), issues["with"]) == ({"uses", "with"}, {"token": "${{ secrets.ORCH_TOKEN }}"})
    assert workflow.read_text().count("secrets.") == 1


def test_zizmor_finds_nothing(real: Callable[[str], Path]) -> None:
    """Actions and workflows are clean in its strictest mode; what it is told to ignore says why in its line."""
    options = ["--quiet", "--pedantic", "--offline", "--no-progress"]
    done = subprocess.run([real("zizmor"), *options, *ACTIONS, *EXAMPLES], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    for path in [*ACTIONS, *EXAMPLES]:
        ignored = [line for line in path.read_text().splitlines() if "zizmor: ignore" in line]
        assert all(re.search(r"# zizmor: ignore\[[a-z-]+\] \w+", line) for line in ignored), ignored


def test_actionlint_finds_nothing(real: Callable[[str], Path]) -> None:
    """The workflows are correct as written."""
    done = subprocess.run(
        [real("actionlint"), "-shellcheck=", "-pyflakes=", *EXAMPLES], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


SHOWN = [
    (f"{page.relative_to(ROOT)} {number}", made)
    for page in sorted((ROOT / "docs").rglob("*.md"))
    for number, found in enumerate(FENCE.finditer(page.read_text("utf-8")))
    if found["language"] == "yaml" and (made := blocks.workflow(found["text"]))
]


@pytest.mark.parametrize("made", [made for _, made in SHOWN], ids=[name for name, _ in SHOWN])
def test_steps_that_pages_show_are_clean(made: str, real: Callable[[str], Path], tmp_path: Path) -> None:
    """They can be pasted into a workflow as they are."""
    workflow = tmp_path / ".github" / "workflows" / "shown.yml"
    workflow.parent.mkdir(parents=True)
    workflow.write_text(made)
    lints = {"actionlint": "-shellcheck= -pyflakes=", "zizmor": "--quiet --pedantic --offline --no-progress"}
    for name, options in lints.items():
        argv: list[str | Path] = [real(name), *options.split(), workflow]
        done = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, f"{made}\n{done.stdout}{done.stderr}"
    assert list(house_rules.expressions_in_shell(made)) == []


# Which tests run an example as written, but for the bundle's address.
RUN_BY = {
    "gitea-image.yml": "e2e/test_image_workflow.py",
    "gitea-issues.yml": "e2e/test_tracker_workflow.py",
    "gitea-merge.yml": "e2e/test_merge_workflow.py",
    "gitea-monorepo.yml": "bundle/test_monorepo_example.py",
    "gitea-queue.yml": "e2e/queue_workflow.py",
    "gitea-release.yml": "e2e/test_release_workflow.py",
    "gitea-security.yml": "e2e/test_actions.py",
    "gitea-staging.yml": "bundle/test_staging_act.py",
    "gitea-sweep.yml": "e2e/test_sweep_workflow.py",
    "github-dashboard.yml": "bundle/test_merge_act.py",
    "github-deploy.yml": "bundle/test_deploy_act.py",
    "github-image.yml": "bundle/test_image_act.py",
    "github-job.yml": "bundle/test_job_act.py",
}
# What differs between forges, and not in what the steps do.
OF_A_FORGE = {
    "ghcr.io": "git.example.org",
    "${{ github.actor }}": "deploy-bot",
    "${{ github.token }}": "${{ secrets.ORCH_REGISTRY_TOKEN }}",
}


@cache
def jobs_of(example: str) -> str:
    jobs = yaml.safe_load((ROOT / "docs" / "examples" / example).read_text())["jobs"]
    kept = {
        name: {k: v for k, v in job.items() if k not in {"environment", "permissions"}} for name, job in jobs.items()
    }
    text = json.dumps(kept, sort_keys=True)
    for there, here in OF_A_FORGE.items():
        text = text.replace(there, here)
    return text


@workflows
def test_each_example_is_run(workflow: Path) -> None:
    """By a test that names it, or its jobs are those of an example that one runs, but for the forge's rights."""
    kind = workflow.stem.partition("-")[2]
    run = {name: module for name, module in RUN_BY.items() if jobs_of(name) == jobs_of(workflow.name)}
    assert run
    for name, module in run.items():
        text = (ROOT / "tests" / module).read_text("utf-8")
        made = {name, f"{{forge}}-{kind}.yml", f"*-{kind}.yml", f"{{name}}-{kind}.yml", "gitea-{name}.yml"}
        assert any(one in text for one in made), f"{module} does not name {name}"
