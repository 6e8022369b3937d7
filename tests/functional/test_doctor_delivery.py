"""`orch-gates doctor`: the image that a rollback needs, in a real registry; and probes that are not what users see."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from tests import deploy_rig
from tests import image_rig as images
from tests.builders import Repo, bare, clone
from tests.deploy_rig import DeployRig
from tests.doctor_rig import Found, looked, only
from tests.fakes import scripted_http
from tests.fakes.scripted_http import Answer
from tests.image_rig import Client

PROBED = "environments:\n  production:\n{users}    watch:\n      probes:\n        - url: {url}\n"


@pytest.fixture(scope="module")
def client(real: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with images.debian(real("docker-registry"), tmp_path_factory.mktemp("registry") / "made") as running:
        yield running


@pytest.fixture
def rig(tmp_path: Path) -> DeployRig:
    return deploy_rig.copy(deploy_rig.template(tmp_path / "template"), tmp_path / "project")


def verify(rig: DeployRig, digest: str, image: str) -> None:
    """Deploy with a report about an image, and verify it as a watch would."""
    path = rig.folder / "19-image-report.md"
    evidence = f"{{digest: '{digest}'{f', image: {image!r}' if image else ''}}}"
    path.write_text(
        f"---\nschema: orch.report/1\ngate: image-freshness\nimage_status: FRESH\nhead: {rig.head()}\n"
        f"reason: proven\nevidence: {evidence}\n---\n"
    )
    rig.ok("task", "report", "T-1", "--file", str(path))
    rig.deploy("", "--no-advance", "--digest", digest)
    rig.mark_verified()


def test_the_image_that_a_rollback_needs(rig: DeployRig, client: Client) -> None:
    """There, gone, and there again, by its digest; without a login nothing can be told."""

    def look(**env: str) -> Found:
        login = {"ORCH_REGISTRY_HOST": client.host, "ORCH_REGISTRY_USER": client.user}
        return only(
            rig.work.path, "rollback-image", env={**rig.env, **login, "ORCH_REGISTRY_TOKEN": client.secret, **env}
        )

    assert look()["state"] == "not used"
    built = images.index(images.image(), images.image(platform="linux/arm64"))
    digest = client.push("acme/app", built, "staging")
    verify(rig, digest, f"{client.host}/acme/app")
    assert look()["state"] == "ok"
    found = look(ORCH_REGISTRY_TOKEN="")
    assert (found["state"], client.secret in str(found)) == ("unknown", False)
    assert client.ask("DELETE", "acme/app", f"manifests/{digest}")[0] == 202
    found = look()
    assert (found["state"], "is no longer in its registry" in found["seen"]) == ("bad", True)
    client.push("acme/app", built, "again")
    assert look()["state"] == "ok"


def test_an_image_of_which_no_report_tells(rig: DeployRig) -> None:
    """In which repository it is nobody knows, so nothing can be told."""
    verify(rig, "sha256:" + "ab" * 32, "")
    assert only(rig.work.path, "rollback-image", env=rig.env)["state"] == "unknown"


def production(handler: BaseHTTPRequestHandler) -> None:
    """An application behind a login, as a proxy is asked for it: some paths are open, one leads away."""
    path = handler.path.partition("example.test")[2] or handler.path
    status, location = {
        "/health": (200, ""),
        "/down": (503, ""),
        "/": (302, "/user/login?next=%2F"),
        "/away": (302, "http://other.example.test/health"),
        "/moved": (302, "/health"),
        "/sso": (302, "http://id.example.test/oauth2/authorize"),
    }.get(path, (200, ""))
    scripted_http.says(status, b"well", **({"Location": location} if location else {}))(handler)


def probing(folder: Path, url: str, users: str = "") -> Repo:
    """A project whose production is probed there, and where its users go."""
    work = clone(bare(folder / "app.git"), folder / "work")
    work.commit(files={".orch-gates.yaml": PROBED.format(url=url, users=f"    url: {users}\n" if users else "")})
    work.git("push", "--quiet", "origin", "HEAD:refs/heads/main")
    work.git("remote", "set-head", "origin", "--auto")
    return work


@pytest.mark.parametrize(
    ("path", "state", "words"),
    [
        ("/health", "ok", "answers 200"),
        ("/moved", "ok", "answers 200"),
        ("/", "bad", "redirects to a login page, http://app.example.test/user/login,"),
        ("/sso", "bad", "redirects to a login page, http://id.example.test/oauth2/authorize,"),
        ("/away", "bad", "which is another host"),
        ("/down", "warning", "answers 503 now"),
    ],
)
def test_what_is_probed_is_what_users_see(path: str, state: str, words: str, tmp_path: Path) -> None:
    """A login page is well whatever the application does; it is seen also where the redirect stays on its host."""
    answer: Answer = production
    with scripted_http.serving(answer) as server:
        work = probing(tmp_path, f"http://app.example.test{path}")
        found = only(work.path, "health-url", env={"http_proxy": server.url, "no_proxy": ""})
    assert (found["state"], words in found["seen"]) == (state, True), found
    assert state == "ok" or found["mend"]


@pytest.mark.parametrize(("host", "state"), [("app", "ok"), ("www", "bad")])
def test_users_go_where_a_probe_goes(host: str, state: str, tmp_path: Path) -> None:
    """A probe that is well says nothing of another host, where the environment says that its users go there."""
    with scripted_http.serving(production) as server:
        work = probing(tmp_path, "http://app.example.test/health", f"http://{host}.example.test/shop")
        found = only(work.path, "health-url", env={"http_proxy": server.url, "no_proxy": ""})
    assert (found["state"], "no probe requests it" in found["seen"]) == (state, state == "bad")


def test_an_address_that_users_cannot_reach(tmp_path: Path) -> None:
    """This machine, though it is well; and an address where nobody answers could not be told."""
    with scripted_http.serving(production) as server:
        work = probing(tmp_path / "here", f"{server.url}/health")
        found = only(work.path, "health-url")
        assert (found["state"], "this machine" in found["seen"]) == ("warning", True)
    code, all_found = looked(work.path, "--only", "health-url")
    assert (code, all_found["health-url"]["state"]) == (2, "unknown")
    plain = clone(bare(tmp_path / "plain.git"), tmp_path / "plain")
    assert only(plain.path, "health-url")["state"] == "not used"
