"""The workflows that promote an image, run as written by a real runner, with a registry that wants a login."""

from __future__ import annotations

import os
import secrets
import sys
from base64 import b64encode
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import image_rig as rig
from tests.builders import Repo, bare, clone, seed
from tests.bundle.acting import ROOT, Run, Runner
from tests.fakes import registry as fake
from tests.fakes.registry import FakeRegistry

EXAMPLES = {name: (ROOT / "docs" / "examples" / f"{name}-image.yml").read_text("utf-8") for name in ("gitea", "github")}
IMAGES = {"gitea": "git.example.org/acme/app", "github": "ghcr.io/acme/app"}
KEPT = """
      - if: always()
        env:
          SEEN: ${{ toJSON(steps.image.outputs) }}
        run: printf '%s' "$SEEN" >"$OUT/outputs.json"
"""


@pytest.fixture
def registry() -> Iterator[FakeRegistry]:
    with fake.serving() as made:
        yield made


@pytest.fixture
def work(tmp_path: Path) -> Repo:
    server = bare(tmp_path / "server.git")
    seed(server, tmp_path / "seed")
    return clone(server, tmp_path / "work")


@pytest.fixture
def runner(work: Repo, real: Callable[[str], Path], bundle: Path, tmp_path: Path) -> Runner:
    """The clone on a runner that has `orch-gates` on its PATH."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    env = {"ORCH_FORGE": "none", "PYTHONPATH": str(ROOT)}
    tokens = {name: secrets.token_hex(20) for name in ("ORCH_REGISTRY_TOKEN", "GITHUB_TOKEN")}
    return Runner(real("act"), bundle, tmp_path, path, env, "image", "work", tokens)


def promoted(
    runner: Runner, registry: FakeRegistry, tested: str, revision: str, *, name: str = "github", change: str = ""
) -> Run:
    """Run an example as it stands, but for the host of the image."""
    workflow = EXAMPLES[name].replace(IMAGES[name], f"{registry.host}/acme/app")
    workflow = workflow.replace(
        "        with:\n          command:", "        id: image\n        with:\n          command:"
    )
    if change:
        key = change.partition(":")[0]
        lines = [line for line in workflow.splitlines() if not line.startswith(f"          {key}: ")]
        workflow = "\n".join(lines).replace(
            "        id: image\n        with:", f"        id: image\n        with:\n          {change}"
        )
    payload: dict[str, Any] = {
        "inputs": {"tested": tested, "revision": revision},
        "repository": {"default_branch": "main"},
    }
    return runner.run("workflow_dispatch", payload, workflow + KEPT)


@pytest.mark.parametrize(
    ("name", "user", "secret"),
    [
        ("github", "nektos/act", "GITHUB_TOKEN"),
        ("gitea", "deploy-bot", "ORCH_REGISTRY_TOKEN"),
    ],
)
def test_the_tested_image_is_promoted(
    name: str, user: str, secret: str, runner: Runner, registry: FakeRegistry, work: Repo
) -> None:
    """With the login of the workflow, to the registry alone; the digest is an output (IMG-1, OWN-1)."""
    commit = work.git("rev-parse", "HEAD")
    digest = registry.push(rig.index(rig.image({rig.REVISION: commit})), "staging")
    password = runner.secrets[secret]
    basic = b64encode(f"{user}:{password}".encode()).decode()
    registry.wants, registry.authorization = 'Basic realm="x"', f"Basic {basic}"
    run = promoted(runner, registry, digest, commit, name=name)
    assert run.passed, run.log
    assert rig.digest(registry.documents["manifests/production"][1]) == digest
    outputs = run.outputs
    assert (outputs["outcome"], outputs["digest"], outputs["exit-code"]) == ("PASS", digest, "0")
    assert password not in run.log
    assert basic not in run.log


def test_a_stale_image_is_red(runner: Runner, registry: FakeRegistry, work: Repo) -> None:
    """Nothing is tagged, and what to do is in the log."""
    digest = registry.push(rig.image({rig.REVISION: work.git("rev-parse", "HEAD~1")}), "staging")
    run = promoted(runner, registry, digest, work.git("rev-parse", "HEAD"))
    assert not run.passed
    assert (run.outputs["outcome"], run.outputs["exit-code"]) == ("FAIL", "1")
    assert "Build the image again" in run.log
    assert {asked.method for asked in registry.seen} == {"GET"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("command: '`touch pwned`'", "neither gate nor promote"),
        ("command: gate", "the input tags is for the command promote"),
        ("tags: ''", "the input tags is empty"),
        ("tags: '$(touch pwned) *'", "--tag $(touch"),
        ("tested: $(touch pwned)", "a digest is sha256:"),
        ("image: $(touch pwned)", "an image is named with its registry"),
        ("image: ''", "the input image is empty"),
        ("user: ''", "one of the inputs user and password is empty"),
        ("status: true", "the input status is for the command gate"),
    ],
)
def test_what_cannot_work_is_refused_in_one_sentence(
    change: str, message: str, runner: Runner, registry: FakeRegistry, work: Repo
) -> None:
    """The registry is not asked, and no input becomes a script (OWN-1)."""
    run = promoted(runner, registry, f"sha256:{'0' * 64}", work.git("rev-parse", "HEAD"), change=change)
    assert not run.passed, run.log
    assert message in run.log
    assert registry.seen == []
    assert "pwned" not in {path.name for path in work.path.iterdir()}
