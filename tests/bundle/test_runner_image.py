"""The workflow of a release, run by `act` as far as it can be, and the image for runners that it pushes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import pytest

from tests import image_rig as rig
from tests.blocks import Shell, blocks
from tests.builders import TOKENS, Repo, orch
from tests.conftest import CACHE, REQUIRE_REAL, ROOT

pytestmark = pytest.mark.slow
WORKFLOW = ".github/workflows/release.yml"
PAGE = "docs/how-to/use-the-image-for-runners.md"
NAME = "acme/orch-gates"
NO_MIRROR = "as a server did not answer"
# Actions of others that the workflow uses; none can be fetched here, so each is a step that keeps what it is given.
OTHERS = {
    "actions/upload-artifact": "name: {}, path: {}, if-no-files-found: {}",
    "actions/download-artifact": "name: {}, path: {}",
    "actions/attest-build-provenance": "subject-path: {}, subject-name: {}, subject-digest: {}",
    "pypa/gh-action-pypi-publish": "packages-dir: {}",
}
# Without a network, and with the devices that a container has.
ENTER = """
mount --rbind /dev "$1/dev"
mount -t proc proc "$1/proc"
root=$1 user=$2
shift 2
exec chroot --userspec="$user" "$root" env -i "$@"
"""


def not_here(reason: str) -> NoReturn:
    """This machine cannot show it: no test in CI goes without."""
    if REQUIRE_REAL:
        pytest.fail(f"{reason}, and ORCH_REQUIRE_REAL=1 allows no stand-in")
    pytest.skip(reason)


@dataclass
class Released:
    """A run of the workflow on a tag."""

    code: int
    log: str
    kept: Path
    client: rig.Client

    @property
    def image(self) -> str:
        return f"{self.client.host}/{NAME}"

    @property
    def digest(self) -> str:
        """What the tag of the image leads to; a machine that no mirror answers has none."""
        if NO_MIRROR in self.log:
            not_here("Debian's packages cannot be fetched")
        return self.client.leads_to(NAME, "9.8.7")


def stand_ins(folder: Path, kept: Path, workflow: str) -> Iterator[str]:
    """Options of act for the actions of others."""
    for name, inputs in OTHERS.items():
        keeps = {
            "actions/upload-artifact": f'cp -r "$FOLDER" {kept}/"$NAME"',
            "actions/download-artifact": f'cp -r {kept}/"$NAME" .',
            "actions/attest-build-provenance": f'[ -z "$DIGEST" ] || echo "$GIVEN" >{kept}/attested.json',
        }.get(name, f"ls dist >{kept}/published")
        values = {"NAME": "inputs.name", "FOLDER": "inputs.path", "DIGEST": "inputs.subject-digest"}
        values["GIVEN"] = "toJSON(inputs)"
        env = ", ".join(f"{name}: '${{{{ {value} }}}}'" for name, value in values.items())
        step = f"runs: {{using: composite, steps: [{{shell: bash, run: '{keeps}', env: {{{env}}}}}]}}"
        (folder / name).mkdir(parents=True)
        text = f"name: {name}\ndescription: kept\ninputs: {{{inputs}}}\n{step}\n"
        (folder / name / "action.yml").write_text(text)
        commit = workflow.partition(f"uses: {name}@")[2][:40]
        yield f"--local-repository={name}@{commit}={folder / name}"


@pytest.fixture(scope="module")
def released(
    checkout: Repo, tmp_path_factory: pytest.TempPathFactory, real: Callable[[str], Path]
) -> Iterator[Released]:
    """Packages and image of a tag, built, tried, and as far as they go published."""
    folder = tmp_path_factory.mktemp("act")
    kept = folder / "kept"
    kept.mkdir()
    for program in ("mmdebstrap", "mmtarfilter", "umoci", "skopeo"):
        real(program)
    (folder / "event.json").write_text('{"ref": "refs/tags/v9.8.7"}')
    with rig.debian(real("docker-registry"), folder / "registry") as client:
        command = [real("act"), "push", "-W", checkout.path / ".github" / "workflows", "-e", folder / "event.json"]
        command += ["-P", "ubuntu-latest=-self-hosted", "--no-cache-server", "--artifact-server-addr", "127.0.0.1"]
        command += ["--actor", client.user, "--secret-file", folder / "secrets", "--env", f"GITHUB_REPOSITORY={NAME}"]
        command += ["--var", f"IMAGE={client.host}/{NAME}"]
        command += stand_ins(folder, kept, (checkout.path / WORKFLOW).read_text())
        (folder / "secrets").write_text(f"GITHUB_TOKEN={client.secret}\n")
        path = os.pathsep.join((f"{sys.base_prefix}/bin", str(CACHE / "bin"), os.environ["PATH"]))
        done = subprocess.run(
            [str(word) for word in command],
            cwd=checkout.path,
            env={**os.environ, "PATH": path, "HOME": str(folder)},
            capture_output=True,
            text=True,
            timeout=1200,
            check=False,
        )
        yield Released(done.returncode, done.stdout + done.stderr, kept, client)


def test_the_workflow_builds_and_tries_what_it_publishes(checkout: Repo, released: Released) -> None:
    """A runner builds and tries the packages of a tag; the actions of others get all of them, and nothing else."""
    (by_hand,) = blocks("CONTRIBUTING.md", "tried")
    assert f"run: {by_hand['script']}" in (checkout.path / WORKFLOW).read_text()
    assert released.log.count("try-release: the wheel works with Python") == 1, released.log
    published = (released.kept / "published").read_text().split()
    assert published == ["orch_gates-9.8.7-py3-none-any.whl", "orch_gates-9.8.7.tar.gz"]


def test_the_workflow_pushes_the_image_and_attests_that_one(released: Released) -> None:
    """The image has the version of the tag in its name, and no run ends green that did not push it."""
    digest = released.digest
    assert (released.code, bool(digest)) == (0, True), released.log
    attested = json.loads((released.kept / "attested.json").read_text())
    assert (attested["subject-name"], attested["subject-digest"]) == (released.image, digest)


@dataclass
class Pulled:
    """The image as a runner gets it, unpacked."""

    digest: str
    config: dict[str, Any]
    files: Path

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command as the user of the image, with its environment."""
        user = self.config["config"]["User"]
        ids = next(line for line in (self.files / "etc/passwd").read_text().splitlines() if line.startswith(f"{user}:"))
        apart = ["unshare", "--mount", "--net", "sh", "-euc", ENTER, "sh", str(self.files)]
        env = [*self.config["config"]["Env"], "HOME=/home/runner"]
        return subprocess.run(
            [*apart, ":".join(ids.split(":")[2:4]), *env, *command],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def sh(self, script: str) -> subprocess.CompletedProcess[str]:
        return self.run("sh", "-euc", script)


def blob(layout: Path, descriptor: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((layout / "blobs" / descriptor["digest"].replace(":", "/")).read_text())
    return found


@pytest.fixture(scope="module")
def pulled(
    released: Released, tmp_path_factory: pytest.TempPathFactory, real: Callable[[str], Path]
) -> Iterator[Pulled]:
    """Pulled from the registry and unpacked by a program that did not write it there."""
    assert released.digest, released.log
    if os.geteuid() != 0:
        not_here("a root file system is unpacked and entered as root only")
    folder = tmp_path_factory.mktemp("pulled")
    login = folder / "login.json"
    client = released.client
    pull = [real("skopeo"), "--insecure-policy", "copy", "--quiet", "--preserve-digests", "--src-tls-verify=false"]
    sign_in = [real("skopeo"), "login", "--tls-verify=false", "--authfile", login, "--username", client.user]
    done(sign_in + ["--password-stdin", client.host], stdin=client.secret)
    done([*pull, "--src-authfile", login, f"docker://{released.image}:9.8.7", f"oci:{folder}/layout:pulled"])
    done([real("umoci"), "raw", "unpack", "--image", f"{folder}/layout:pulled", folder / "files"])
    [manifest] = json.loads((folder / "layout/index.json").read_text())["manifests"]
    config = blob(folder / "layout", blob(folder / "layout", manifest)["config"])
    yield Pulled(manifest["digest"], config, folder / "files")
    shutil.rmtree(folder)


def done(command: Sequence[object], stdin: str = "") -> str:
    words = [str(word) for word in command]
    ended = subprocess.run(words, input=stdin, capture_output=True, text=True, timeout=300, check=False)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_what_is_pulled_is_what_was_built(released: Released, pulled: Pulled, checkout: Repo) -> None:
    """The digest is that of the push; the labels say of which commit, version and repository it is (IMG-1)."""
    assert pulled.digest == released.digest
    labels = pulled.config["config"]["Labels"]
    head = checkout.git("rev-parse", "HEAD")
    prefix = "org.opencontainers.image."
    assert labels == {
        f"{prefix}source": labels[f"{prefix}source"],
        f"{prefix}revision": head,
        f"{prefix}version": "9.8.7",
        f"{prefix}licenses": "Apache-2.0",
    }
    assert labels[f"{prefix}source"].endswith(f"/{NAME}")


def test_our_own_gate_takes_the_image_for_that_of_the_commit(released: Released, checkout: Repo) -> None:
    """`gate image` proves by the registry that it is fresh, as it does for yours (IMG-1)."""
    login = {"ORCH_REGISTRY_USER": released.client.user, "ORCH_REGISTRY_TOKEN": released.client.secret}
    named = (f"--image={released.image}:9.8.7", f"--tested={released.digest}")
    told = orch("gate", "image", *named, "--forge=none", cwd=checkout.path, env=login)
    assert told.returncode == 0, told


def test_a_job_in_the_image_has_its_programs_and_is_not_root(pulled: Pulled) -> None:
    """git, Python, node for the actions that need it, and `orch-gates`, all on PATH; it owns its home only."""
    told = pulled.sh("cd; orch-gates --version; id -u; git --version; python3 --version; node --version; touch made")
    assert told.returncode == 0, told.stderr
    version, uid, *programs = told.stdout.splitlines()
    assert (version.split()[-1], uid) == ("9.8.7", "1001")
    assert [line.split(".")[0] for line in programs] == ["git version 2", "Python 3", "v18"]
    assert pulled.sh("touch /opt/orch-gates/made").returncode != 0


def test_the_security_gate_works_in_the_image_without_a_network(pulled: Pulled) -> None:
    """A clean commit passes, one with a key that was made for this run does not, and the key is not shown."""
    token = TOKENS["GitHub"]()
    given = pulled.files / "home/runner/given"
    given.write_text(f'token = "{token}"\n')
    given.chmod(0o644)
    prepared = pulled.sh(
        "cd; git config --global user.name somebody; git config --global user.email somebody@example.invalid;"
        "git init -q -b main app; cd app; echo 'print(1)' >app.py; git add .; git commit -q -m 'Begin'"
    )
    assert prepared.returncode == 0, prepared.stderr
    clean = pulled.sh("cd ~/app; orch-gates gate security --all")
    assert clean.returncode == 0, clean.stdout + clean.stderr
    leaked = pulled.sh(
        "cd ~/app; cp ../given config.py; git add .; git commit -q -m 'Leak'; orch-gates gate security --all"
    )
    output = leaked.stdout + leaked.stderr
    assert (leaked.returncode, "config.py:1" in output, token in output) == (1, True, False), output


def test_nothing_of_the_machine_that_built_it_is_in_the_image(released: Released, pulled: Pulled) -> None:
    """Neither its login at the registry, its name, nor the server that it asks for names."""
    apart = ("--exclude-dir=proc", "--exclude-dir=dev")
    searched = ["grep", "-rqF", *apart, "-e", released.client.secret, str(pulled.files)]
    assert subprocess.run(searched, timeout=120, check=False).returncode == 1
    left = ("etc/resolv.conf", "etc/hostname", "build", "root/.cache", "home/runner/.cache", "var/log/dpkg.log")
    assert [name for name in left if (pulled.files / name).exists()] == []


def test_the_same_commit_makes_the_same_image_by_hand(
    checkout: Repo, released: Released, pulled: Pulled, tmp_path: Path
) -> None:
    """The commands of the page, with another umask and time zone, on the same packages of Debian: the same digest."""
    source = pulled.config["config"]["Labels"]["org.opencontainers.image.source"]
    client = released.client
    env = {"PYTHON": sys.executable, "SOURCE": source, "IMAGE": f"{client.host}/{NAME}", "TZ": "Pacific/Auckland"}
    env |= {"ORCH_REGISTRY_USER": client.user, "ORCH_REGISTRY_TOKEN": client.secret}
    shell = Shell(tmp_path, env)
    shell.here = checkout.path
    wheel, build, push = (block["script"] for block in blocks(PAGE, "image"))
    shell.run(f"umask 077\n{wheel}")
    built = shell.run(f"umask 077\n{build}")
    assert released.digest in built.split()
    assert shell.run(push).split() == [released.digest]
    assert client.leads_to(NAME, "1.2.3") == released.digest


def refusal(checkout: Repo, *args: str | Path) -> tuple[int, str]:
    command = [checkout.path / "scripts/build-image", *args]
    env = {**os.environ, "PYTHON": sys.executable}
    told = subprocess.run(command, env=env, capture_output=True, text=True, timeout=300, check=False)
    return told.returncode, told.stderr.splitlines()[-1]


def test_an_image_is_made_of_one_wheel_of_this_commit_only(checkout: Repo, released: Released, tmp_path: Path) -> None:
    """A wheel of other sources, no wheel, and a folder that is there are refused before anything is fetched."""
    none = refusal(checkout, tmp_path, tmp_path / "image", "https://git.example.org/orch/orch-gates")
    assert (none[0], "has to have one wheel" in none[1]) == (2, True)
    [wheel] = (released.kept / "dist").glob("*.whl")
    other = tmp_path / wheel.name
    shutil.copy2(wheel, other)
    with zipfile.ZipFile(other, "a") as opened:
        opened.writestr("orch_gates/more.py", "")
    told = refusal(checkout, tmp_path, tmp_path / "image", "https://git.example.org/orch/orch-gates")
    assert (told[0], "is not of the commit" in told[1]) == (2, True)
    there = refusal(checkout, released.kept / "dist", tmp_path, "https://git.example.org/orch/orch-gates")
    assert (there[0], "is there already" in there[1]) == (2, True)


def test_a_mirror_that_does_not_answer_is_told_apart(checkout: Repo, released: Released, tmp_path: Path) -> None:
    """Exit 75 says that nothing is wrong with what is built; no half image is left."""
    assert released.digest, released.log
    nobody = "http://127.0.0.1:9/debian"
    told = refusal(checkout, released.kept / "dist", tmp_path / "image", "https://git.example.org/orch/x", nobody)
    assert (told[0], NO_MIRROR in told[1]) == (75, True)
    assert not (tmp_path / "image").exists()


def test_a_push_that_the_registry_refuses_is_red(tmp_path: Path, real: Callable[[str], Path]) -> None:
    """A wrong login and a folder without an image are told, no secret is, and the right login gets the digest."""
    for step in (["init", "--layout", tmp_path / "empty"], ["new", "--image", f"{tmp_path}/empty:latest"]):
        done([real("umoci"), *step])
    real("skopeo")
    with rig.debian(real("docker-registry"), tmp_path / "registry") as client:

        def push(layout: Path, token: str) -> subprocess.CompletedProcess[str]:
            command = [str(ROOT / "scripts/push-image"), str(layout), f"{client.host}/{NAME}:1.0"]
            env = {**os.environ, "ORCH_REGISTRY_USER": client.user, "ORCH_REGISTRY_TOKEN": token}
            return subprocess.run(command, env=env, capture_output=True, text=True, timeout=120, check=False)

        none = push(tmp_path, client.secret)
        assert (none.returncode, "has no image" in none.stderr) == (2, True)
        wrong = push(tmp_path / "empty", client.secret[::-1])
        assert (wrong.returncode, wrong.stdout, client.secret[::-1] in wrong.stderr) == (1, "", False)
        right = push(tmp_path / "empty", client.secret)
        assert (right.returncode, right.stdout.strip()) == (0, client.leads_to(NAME, "1.0")), right.stderr
