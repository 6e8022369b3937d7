"""Before a deploy: the image that it would be rolled back to is still in its registry, or that it is not is said."""

from __future__ import annotations

import re
import secrets
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import deploy_rig
from tests import image_rig as images
from tests.deploy_rig import DeployRig
from tests.fakes import registry as fake
from tests.fakes.registry import FakeRegistry
from tests.fakes.scripted_http import hangs, says
from tests.job_rig import Env

OTHER = "sha256:" + "cd" * 32


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return deploy_rig.template(tmp_path_factory.mktemp("environments"))


@pytest.fixture
def rig(made: Path, tmp_path: Path) -> DeployRig:
    return deploy_rig.copy(made, tmp_path / "project")


@pytest.fixture
def registry() -> Iterator[FakeRegistry]:
    with fake.serving() as server:
        yield server


def image() -> images.Built:
    return images.index(images.image(), images.image(platform="linux/arm64"))


def verified(rig: DeployRig, registry: FakeRegistry, task: str = "T-1") -> str:
    """An image in the registry, deployed with its report, and verified as a watch would; answers its digest."""
    digest = registry.push(image(), "staging")
    path = rig.folder / "19-image-report.md"
    path.write_text(
        f"---\nschema: orch.report/1\ngate: image-freshness\nimage_status: FRESH\nhead: {rig.head(task)}\n"
        f"reason: proven\nevidence: {{digest: '{digest}', image: '{registry.host}/acme/app'}}\n---\n"
    )
    rig.ok("task", "report", task, "--file", str(path))
    rig.deploy("", "--no-advance")
    rig.mark_verified()
    return digest


def deploy(rig: DeployRig, script: str = "", env: Env | None = None, code: int = 0) -> str:
    rig.new("T-2")
    return rig.deploy(script, "--digest", OTHER, "--no-advance", task="T-2", env=env or {}, code=code)


def test_an_image_that_is_there_is_said_nothing_of(rig: DeployRig, registry: FakeRegistry, tmp_path: Path) -> None:
    """By its digest, with every platform; the step's output says so."""
    digest = verified(rig, registry)
    registry.seen.clear()
    outputs = tmp_path / "outputs"
    outputs.touch()
    output = deploy(rig, env={"CI": "true", "GITHUB_OUTPUT": str(outputs)})
    assert "WARNING" not in output
    assert "not known" not in output
    assert [asked.path.rpartition("/")[2] for asked in registry.seen] == [
        digest,
        *(part.digest for part in image().parts),
    ]
    assert "kept" in outputs.read_text().split("rollback-image", 1)[1].split("\nreason")[0]


@pytest.mark.parametrize("gone", ["the index", "a platform"])
def test_an_image_that_is_gone_is_a_warning_before_the_deploy(
    gone: str, rig: DeployRig, registry: FakeRegistry, tmp_path: Path
) -> None:
    """Before the command runs, in the report and in the step summary; the deploy goes on."""
    digest = verified(rig, registry)
    lost = digest if gone == "the index" else image().parts[1].digest
    del registry.documents[f"manifests/{lost}"]
    outputs, summary = tmp_path / "outputs", tmp_path / "summary"
    outputs.touch()
    summary.touch()
    runner = {"CI": "true", "GITHUB_OUTPUT": str(outputs), "GITHUB_STEP_SUMMARY": str(summary)}
    output = deploy(rig, "echo now it runs >&2", runner)
    warning = f"WARNING: {registry.host}/acme/app@{digest} of deploy "
    assert output.index(warning) < output.index("now it runs")
    assert "so a rollback is impossible" in output
    assert "is no longer in its registry" in rig.report_text("T-2")
    assert "missing" in outputs.read_text().split("rollback-image", 1)[1].split("\nreason")[0]
    assert "WARNING: the last verified image" in summary.read_text()
    assert rig.environment()["current"]["digest"] == OTHER


def test_a_registry_that_does_not_say_stops_no_deploy(rig: DeployRig, registry: FakeRegistry) -> None:
    """That it is not known is said, and is no warning that it is gone."""
    verified(rig, registry)
    registry.bad[""] = says(500)
    output = deploy(rig)
    assert re.search("could not check whether .* is still in its registry: ", output)
    assert "WARNING" not in output


@pytest.mark.slow
def test_a_registry_that_hangs_is_not_waited_for_long(rig: DeployRig, registry: FakeRegistry) -> None:
    """A rollback is in a hurry, whatever the gates may wait for."""
    verified(rig, registry)
    registry.bad[""] = hangs
    assert "did not answer within 1.25 s" in deploy(rig, env={"ORCH_REGISTRY_TIMEOUT_S": "60"})


def test_the_login_goes_only_where_a_setting_says(rig: DeployRig, registry: FakeRegistry) -> None:
    """The state branch names the image, and does not choose who gets a password (OWN-1)."""
    verified(rig, registry)
    secret = secrets.token_urlsafe(18)
    registry.wants = 'Basic realm="x"'
    registry.authorization = f"Basic {b64encode(f'deployer:{secret}'.encode()).decode()}"
    registry.seen.clear()
    login = {"ORCH_REGISTRY_USER": "deployer", "ORCH_REGISTRY_TOKEN": secret}
    output = deploy(rig, env=login)
    assert "ORCH_REGISTRY_HOST says which registry the login is for" in output
    assert all("Authorization" not in asked.headers for asked in registry.seen)
    rig.new("T-3")
    output = rig.deploy("", "--no-advance", task="T-3", env={**login, "ORCH_REGISTRY_HOST": registry.host})
    assert "not known" not in output
    assert "WARNING" not in output
    assert registry.seen[-1].headers["Authorization"] == registry.authorization


def test_where_nothing_was_verified_nothing_is_asked(rig: DeployRig, registry: FakeRegistry) -> None:
    """Nor where nobody recorded in which registry the image is."""
    registry.push(image(), "staging")
    rig.deploy("", "--digest", OTHER, "--no-advance")
    deploy(rig)
    assert registry.seen == []


def test_a_rollback_is_told_too(rig: DeployRig, registry: FakeRegistry) -> None:
    """Before its command runs, so that a person knows why it fails."""
    digest = verified(rig, registry)
    plan = "{rollback: 'echo back to $EXPECTED_DIGEST >&2', watch: {probes: [{url: 'http://127.0.0.1:1/'}]}}"
    config = rig.work.git("show", "origin/main:.orch-gates.yaml")
    rig.work.git("switch", "--quiet", "--detach", "origin/main")
    rig.work.commit("Watch", {".orch-gates.yaml": f"{config}\nenvironments:\n  production: {plan}\n"})
    rig.work.git("push", "--quiet", "origin", "HEAD:main")
    rig.work.git("fetch", "--quiet", "origin")
    deploy(rig)
    del registry.documents[f"manifests/{digest}"]
    output = rig.ok("watch", "rollback", "T-2", "--reason", "customers cannot pay")
    assert output.index("WARNING: ") < output.index(f"back to {digest}")
    assert rig.environment()["current"]["digest"] == digest
