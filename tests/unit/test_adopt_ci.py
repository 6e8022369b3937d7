"""Which statuses prove a commit, read from the workflows that a repository has (UX-1)."""

from __future__ import annotations

import pytest

from orch_gates.adopt.existing_ci import Ci, folder_of, pull_request_workflows
from orch_gates.forge.port.server import ForgeKind

CI = """\
name: ci
on:
  push:
  pull_request:
jobs:
  test:
    runs-on: ubuntu-latest
  lint:
    name: all lints
    runs-on: ubuntu-latest
"""
MATRIX = """\
on: [push, pull_request]
jobs:
  test:
    strategy: {matrix: {python: ["3.11", "3.14"]}}
"""


def test_the_statuses_of_gitea_have_workflow_job_and_event() -> None:
    """On a pull request by name, on any commit as a pattern."""
    found = pull_request_workflows(ForgeKind.GITEA, {".gitea/workflows/ci.yml": CI})
    assert found.contexts == ("ci / test (*)", "ci / all lints (*)")
    assert found.required == ("ci / test (pull_request)", "ci / all lints (pull_request)")
    assert found.workflows == ("ci",)


def test_the_statuses_of_github_are_the_jobs() -> None:
    found = pull_request_workflows(ForgeKind.GITHUB, {".github/workflows/ci.yml": CI})
    assert found.contexts == found.required == ("test", "all lints")


def test_jobs_of_a_matrix_have_more_to_their_names() -> None:
    """None of them can be required by name; a workflow without a name is called as its file."""
    assert pull_request_workflows(ForgeKind.GITEA, {".gitea/workflows/t.yml": MATRIX}).contexts == ("t.yml / test (*)",)
    github = pull_request_workflows(ForgeKind.GITHUB, {".github/workflows/t.yml": MATRIX})
    assert (github.contexts, github.required) == (("test (*)",), ())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            CI.replace("pull_request:", "pull_request: {paths: [src/**]}"),
            "runs for some paths only, so its status cannot be required",
        ),
        ("on: pull_request\njobs: [broken", "cannot be read"),
        ("on: pull_request\njobs: {a: {name: '${{ x }}'}}", "has a computed name, so its status is unknown"),
    ],
)
def test_what_may_never_report_is_left_out_and_told(text: str, words: str) -> None:
    """Such a status would be waited for without end."""
    found = pull_request_workflows(ForgeKind.GITEA, {".gitea/workflows/ci.yml": text})
    assert found.contexts == ()
    assert words in found.left_out[0]


@pytest.mark.parametrize("on", ["push", "[push]", "{schedule: [{cron: '0 0 * * *'}]}", "{push: {}}"])
def test_what_does_not_judge_pull_requests_does_not_count(on: str) -> None:
    found = pull_request_workflows(ForgeKind.GITEA, {".gitea/workflows/ci.yml": f"on: {on}\njobs: {{a: {{}}}}\n"})
    assert found == Ci(".gitea/workflows")


def test_workflows_go_where_the_forge_looks() -> None:
    """A folder that is made anew would hide the one that is used."""
    github = {".github/workflows/ci.yml": CI}
    assert folder_of(ForgeKind.GITEA, {}) == ".gitea/workflows"
    assert folder_of(ForgeKind.GITEA, github) == folder_of(ForgeKind.FORGEJO, github) == ".github/workflows"
    assert folder_of(ForgeKind.FORGEJO, {}) == ".forgejo/workflows"
    assert folder_of(ForgeKind.GITHUB, {".gitea/workflows/ci.yml": CI}) == ".github/workflows"
    both = {**github, ".gitea/workflows/other.yml": "on: push\njobs: {a: {}}\n"}
    assert pull_request_workflows(ForgeKind.GITEA, both).contexts == ()
