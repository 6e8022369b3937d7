"""`orch-gates gate image` and `orch-gates image promote` as a person and a runner call them."""

from __future__ import annotations

import json
import secrets
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import image_rig as rig
from tests.builders import Done, Repo, answered, orch
from tests.fakes import registry as fake
from tests.fakes import status_server
from tests.fakes.registry import FakeRegistry


@pytest.fixture
def registry() -> Iterator[FakeRegistry]:
    with fake.serving() as made:
        yield made


@pytest.fixture
def work(pair: tuple[Repo, Repo]) -> Repo:
    return pair[1]


def whole(work: Repo) -> rig.Built:
    labels = {rig.REVISION: work.git("rev-parse", "HEAD")}
    return rig.index(rig.image(labels), rig.image(labels, platform="linux/arm64"))


def gate(work: Repo, registry: FakeRegistry, *args: str, env: dict[str, str | None] | None = None) -> Done:
    return orch("gate", "image", f"--image={registry.host}/acme/app:staging", *args, cwd=work.path, env=env)


def test_the_report_is_what_the_gate_reads(work: Repo, registry: FakeRegistry) -> None:
    """Made alone, read by `gate image-freshness`; stale and unknown are told apart in it (GATE-1)."""
    digest = registry.push(whole(work), "staging")
    done = gate(work, registry, f"--tested={digest}", "--report=19-image-report.md")
    assert done.returncode == 0, done
    report = (work.path / "19-image-report.md").read_text()
    assert 'image_status: "FRESH"' in report
    assert orch("gate", "image-freshness", cwd=work.path).returncode == 0
    stale = gate(work, registry, "--revision=HEAD~1", "--report=19-image-report.md")
    assert stale.returncode == 1
    assert 'image_status: "STALE"' in (work.path / "19-image-report.md").read_text()
    # It is about the older commit.
    assert orch("gate", "image-freshness", cwd=work.path).returncode == 1
    read = orch("gate", "image-freshness", "--head=HEAD~1", "--json", cwd=work.path)
    assert (read.returncode, answered(read)["findings"][0]["rule"]) == (1, "other-revision")
    registry.documents.clear()
    unknown = gate(work, registry, "--report=19-image-report.md")
    assert unknown.returncode == 1
    report = (work.path / "19-image-report.md").read_text()
    assert "image_status" not in report
    assert 'reason: "could not check: ' in report


def test_a_runner_gets_the_digest(work: Repo, registry: FakeRegistry, tmp_path: Path) -> None:
    """Outputs, annotations, summary (GATE-4)."""
    digest = registry.push(whole(work), "staging")
    output, summary = tmp_path / "output", tmp_path / "summary"
    env: dict[str, str | None] = {"CI": "true", "GITHUB_OUTPUT": str(output), "GITHUB_STEP_SUMMARY": str(summary)}
    done = gate(work, registry, "--json", env=env)
    assert done.returncode == 0
    told = output.read_text()
    assert f"\n{digest}\n" in told.partition("digest<<")[2][:120]
    assert answered(done)["evidence"]["digest"] == digest
    assert "image-freshness" in summary.read_text()
    assert b"::warning" in done.stderr


def test_the_verdict_is_a_status_of_the_commit(work: Repo, registry: FakeRegistry) -> None:
    """On the commit that was judged, with the login of neither for the other (GATE-4, OWN-1)."""
    registry.push(whole(work), "staging")
    secret, token = secrets.token_hex(20), secrets.token_hex(20)
    registry.wants = 'Basic realm="x"'
    registry.authorization = f"Basic {b64encode(f'deployer:{secret}'.encode()).decode()}"
    env: dict[str, str | None] = {"ORCH_REGISTRY_USER": "deployer", "ORCH_REGISTRY_TOKEN": secret}
    env |= {"ORCH_FORGE_TOKEN": token, "ORCH_FORGE_REPOSITORY": "acme/app"}
    with status_server.serving() as forge:
        named = ("--forge=gitea", f"--url={forge.url}", "--status")
        assert gate(work, registry, *named, env=env).returncode == 0
        assert gate(work, registry, "--revision=HEAD~1", *named, env=env).returncode == 1
        rows = [(row["commit"], row["context"], row["status"]) for row in forge.rows]
    head, before = work.git("rev-parse", "HEAD"), work.git("rev-parse", "HEAD~1")
    context = "orch/image-freshness"
    assert rows == [(head, context, "success"), (before, context, "failure")]
    assert all(token not in str(asked.headers) for asked in registry.seen)


def test_out_of_scope_asks_nobody(work: Repo, registry: FakeRegistry) -> None:
    """SKIP: no request, no report, no tag (GATE-3); a promotion that was asked for did not happen."""
    registry.push(whole(work), "staging")
    off: dict[str, str | None] = {"ORCH_IMAGE_FRESHNESS_ENABLED": "false"}
    done = gate(work, registry, "--report=r.md", env=off)
    assert (done.returncode, (work.path / "r.md").exists()) == (0, False)
    asked = ("image", "promote", f"{registry.host}/acme/app:staging", "--tag=v1", f"--tested=sha256:{'0' * 64}")
    promoted = orch(*asked, cwd=work.path, env=off)
    assert promoted.returncode == 2
    assert registry.seen == []


def test_a_commit_that_is_not_here_is_compared_by_its_id(work: Repo, registry: FakeRegistry) -> None:
    """Its tree is not known then; a short or wrong name is an error."""
    commit = secrets.token_hex(20)
    registry.push(rig.image({rig.REVISION: commit}), "staging")
    done = gate(work, registry, f"--revision={commit}", "--json")
    assert (done.returncode, answered(done)["evidence"]["tree"]) == (0, None)
    assert gate(work, registry, f"--revision={commit[:10]}").returncode == 2


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--tested=v1"], b"--tested v1: a digest is sha256:"),
        (["--base=python:3"], b"--base python:3: an image is named with its registry"),
        (["--report=/dev/null"], b"--report /dev/null"),
        (["--report=missing/r.md"], b"does not exist"),
    ],
)
def test_wrong_usage_is_two(args: list[str], message: bytes, work: Repo, registry: FakeRegistry) -> None:
    """Nothing is asked, nothing written (GATE-6)."""
    done = gate(work, registry, *args)
    assert done.returncode == 2
    assert message in done.stderr
    assert registry.seen == []


def test_promotion_waits_for_the_gate(work: Repo, registry: FakeRegistry) -> None:
    """Stale: nothing is tagged. Fresh: the tested digest is, whatever the tag leads to a moment later."""
    source = f"{registry.host}/acme/app:staging"
    digest = registry.push(whole(work), "staging")
    refused = orch("image", "promote", source, "--tag=v1", f"--tested=sha256:{'0' * 64}", cwd=work.path)
    assert refused.returncode == 1
    assert {asked.method for asked in registry.seen} == {"GET"}
    tested = f"--tested={digest}"
    wrong = orch("image", "promote", source, tested, "--tag=-v", cwd=work.path)
    assert wrong.returncode == 2
    untested = orch("image", "promote", source, "--tag=v1", cwd=work.path)
    assert (untested.returncode, b"--tested DIGEST is missing" in untested.stderr) == (2, True)
    done = orch("image", "promote", source, tested, "--tag=v1", "--tag=production", "--json", cwd=work.path)
    assert done.returncode == 0, done
    commit = work.git("rev-parse", "HEAD")
    assert answered(done)["evidence"]["tags"] == f"rev-{commit}, v1, production"
    for tag in ("v1", "production", f"rev-{commit}"):
        assert rig.digest(registry.documents[f"manifests/{tag}"][1]) == digest
    other = rig.index(rig.image({rig.REVISION: commit, "built": "again"}))
    newer = registry.push(other, "staging")
    again = orch("image", "promote", source, f"--tested={newer}", "--tag=v1", cwd=work.path)
    assert again.returncode == 1
    assert b"one image for good" in again.stderr


def test_a_run_that_breaks_leaves_no_older_report(work: Repo, registry: FakeRegistry, tmp_path: Path) -> None:
    """The image was fresh once; whether it is now was not found out."""
    registry.push(whole(work), "staging")
    assert gate(work, registry, "--report=r.md").returncode == 0
    (tmp_path / "config.json").write_text("{")
    registry.wants = 'Basic realm="x"'
    assert gate(work, registry, "--report=r.md", env={"DOCKER_CONFIG": str(tmp_path)}).returncode == 2
    assert not (work.path / "r.md").exists()


@pytest.fixture
def docker(tmp_path: Path) -> Path:
    folder = tmp_path / "docker"
    folder.mkdir()
    return folder


def asked(work: Repo, registry: FakeRegistry, docker: Path, config: object) -> Done:
    text = config if isinstance(config, str) else json.dumps(config)
    (docker / "mounted").write_text(text)
    (docker / "config.json").unlink(missing_ok=True)
    # As a cluster mounts a secret.
    (docker / "config.json").symlink_to("mounted")
    return gate(work, registry, env={"DOCKER_CONFIG": str(docker)})


def test_what_docker_login_wrote_counts(work: Repo, registry: FakeRegistry, docker: Path) -> None:
    """By host, in each spelling; a helper is not run, and that is said (IMG-1)."""
    registry.push(whole(work), "staging")
    secret = secrets.token_urlsafe(12)
    packed = b64encode(f"deployer:{secret}".encode()).decode()
    registry.wants, registry.authorization = 'Basic realm="x"', f"Basic {packed}"
    for name in (registry.host, f"https://{registry.host}/v2/", f"http://{registry.host}"):
        assert asked(work, registry, docker, {"auths": {name: {"auth": packed}}}).returncode == 0
    plain = {"username": "deployer", "password": secret}
    assert asked(work, registry, docker, {"auths": {registry.host: plain}}).returncode == 0
    for config in ({"credsStore": "pass", "auths": {registry.host: {}}}, {"credHelpers": {registry.host: "pass"}}):
        done = asked(work, registry, docker, config)
        assert done.returncode == 1
        assert b"leaves the login for" in b" ".join(done.stdout.split())
    elsewhere = asked(work, registry, docker, {"auths": {"127.0.0.1:1": {"auth": packed}}})
    assert b"no login is given" in b" ".join(elsewhere.stdout.split())


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ("{", b"is not a JSON object"),
        ("[]", b"is not a JSON object"),
        ("[" * 100_000, b"is not a JSON object"),
        ('{"auths": {"HOST": {"auth": "?"}}}', b"not a user and a password in base64"),
        ('{"auths": {"HOST": {"identitytoken": "x"}}}', b"has an identity token"),
    ],
)
def test_a_file_of_docker_that_cannot_be_used_is_said(
    config: str, message: bytes, work: Repo, registry: FakeRegistry, docker: Path
) -> None:
    """Instead of asking as nobody."""
    registry.push(whole(work), "staging")
    registry.wants = 'Basic realm="x"'
    done = asked(work, registry, docker, config.replace("HOST", registry.host))
    assert done.returncode == 2
    assert message in done.stderr
