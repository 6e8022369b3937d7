"""What can be wrong with a forge: one line that says what to do, exit code 2, and nothing half done (issue 5)."""

from __future__ import annotations

import json
import secrets
import socket
import ssl
import subprocess
import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from tests.e2e.api import Api
from tests.e2e.gitea import Gitea
from tests.e2e.repository import Repository
from tests.e2e.waiting_task import READ, WaitingTask
from tests.fakes.fault_proxy import FaultProxy

COMMANDS = (("forge", "check"), ("advance", "T-1"), ("advance", "T-1", "--dry-run"))
JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def shared(gitea: Gitea, tmp_path_factory: pytest.TempPathFactory) -> WaitingTask:
    """For tests that leave it as it is: making it takes longer than most of them."""
    return WaitingTask.make(gitea, Repository(gitea, gitea.alice, tmp_path_factory.mktemp("bad")))


@pytest.fixture
def task(gitea: Gitea, repository: Repository) -> WaitingTask:
    return WaitingTask.make(gitea, repository)


def all_say(task: WaitingTask, words: str, **env: str) -> None:
    """Every command says it, in one line, and changes nothing."""
    for args in COMMANDS:
        assert words in task.refused(*args, env=env), args


def test_the_forge_is_asked_where_nothing_is_wrong(shared: WaitingTask) -> None:
    """What the tests below spoil does work."""
    shared.done("forge", "check")
    assert b"0 statuses" in shared.run("advance", "T-1", "--dry-run").stdout


@pytest.mark.parametrize("kind", ["auto", "gitea", "github"])
def test_nothing_listens_there(shared: WaitingTask, kind: str) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    all_say(shared, "nothing answers there", ORCH_FORGE=kind, ORCH_FORGE_URL=url, **named(shared))


def test_the_name_is_not_known(shared: WaitingTask) -> None:
    all_say(shared, "its host name does not resolve", ORCH_FORGE_URL="http://forge.invalid", **named(shared))


def test_the_token_is_wrong(shared: WaitingTask) -> None:
    all_say(shared, "the token is wrong or has expired; make a new one", ORCH_FORGE_TOKEN=secrets.token_hex(20))


def test_the_token_was_deleted(gitea: Gitea, shared: WaitingTask) -> None:
    """What an expired one looks like."""
    token = gitea.token(gitea.alice, READ)
    login = b64encode(f"alice:{gitea.alice.password}".encode()).decode()
    basic = Api(gitea.url, f"Basic {login}")
    (number,) = [row["id"] for row in basic.get("/users/alice/tokens").ok() if row["token_last_eight"] == token[-8:]]
    basic.call("DELETE", f"/users/alice/tokens/{number}").ok()
    all_say(shared, "the token is wrong or has expired; make a new one", ORCH_FORGE_TOKEN=token)


def test_a_scope_is_missing(gitea: Gitea, shared: WaitingTask) -> None:
    token = gitea.token(gitea.alice, ["read:user"])
    all_say(shared, "the token lacks the scope", ORCH_FORGE_TOKEN=token)


def test_there_is_no_token_to_check(shared: WaitingTask) -> None:
    assert "no token is given" in shared.refused("forge", "check", env={"ORCH_FORGE_TOKEN": ""})


def test_the_variable_of_the_token_is_not_set(shared: WaitingTask) -> None:
    """Somebody who gives the token itself does not see it again."""
    token = secrets.token_hex(20)
    for args in COMMANDS:
        output = shared.refused(*args, "--token-env", token)
        assert "--token-env" in output
        assert token not in output


def test_somebody_elses_private_repository(gitea: Gitea, shared: WaitingTask, tmp_path: Path) -> None:
    other = Repository(gitea, gitea.bob, tmp_path, branches={})
    other.api().patch("", {"private": True}).ok()
    all_say(shared, "or the token may not see it", ORCH_FORGE_REPOSITORY=f"bob/{other.name}")


def test_there_is_no_such_repository(shared: WaitingTask) -> None:
    all_say(
        shared, "404, not found, or the token may not see it", ORCH_FORGE_REPOSITORY=f"alice/{secrets.token_hex(4)}"
    )


def test_the_repository_was_renamed(task: WaitingTask) -> None:
    """Git follows to the new name; whom the gates judge has to be said."""
    new = f"{task.repository.name}-new"
    task.repository.api().patch("", {"name": new}).ok()
    task.repository.bare.path = task.repository.bare.path.with_name(f"{new}.git")
    all_say(task, "has moved to")
    task.done("forge", "check", env={"ORCH_FORGE_REPOSITORY": f"alice/{new}"})


def test_the_repository_is_archived(task: WaitingTask) -> None:
    """Reading goes on; the state cannot be written, and is as it was."""
    task.post("build")
    task.repository.api().patch("", {"archived": True}).ok()
    assert "the repository is archived" in task.refused("forge", "check")
    task.done("advance", "T-1", "--dry-run")
    assert "archived" in task.refused("advance", "T-1")


def test_too_many_requests(shared: WaitingTask) -> None:
    with FaultProxy(shared.server.url) as proxy:
        proxy.on("GET", "/repos/", times=None).too_many(retry_after=3600)
        env = {"ORCH_FORGE_URL": proxy.url, "ORCH_FORGE": "gitea", **named(shared)}
        all_say(shared, "429, too many requests; try again later", **env)
        before = proxy.asked("GET", "/statuses")
        shared.refused("advance", "T-1", env=env)
        assert proxy.asked("GET", "/statuses") == before + 1


def test_too_many_requests_to_say_what_it_is(shared: WaitingTask) -> None:
    with FaultProxy(shared.server.url) as proxy:
        proxy.on("GET", "/version", times=None).too_many(retry_after=3600)
        all_say(shared, "429, too many requests", ORCH_FORGE_URL=proxy.url, **named(shared))


def test_a_page_in_between(shared: WaitingTask) -> None:
    with FaultProxy(shared.server.url) as proxy:
        proxy.on("GET", "/repos/", times=None).html(200)
        env = {"ORCH_FORGE_URL": proxy.url, "ORCH_FORGE": "gitea", **named(shared)}
        all_say(shared, "did not answer with JSON", **env)


def test_no_forge_answers_there(shared: WaitingTask) -> None:
    with FaultProxy(shared.server.url) as proxy:
        proxy.on("GET", "/api/", times=None).html(404)
        all_say(shared, "no Gitea, Forgejo or GitHub answers", ORCH_FORGE_URL=proxy.url, **named(shared))


@pytest.mark.parametrize(
    ("hours", "words"),
    [(1, "the forge's clock is 3"), (-1, "this machine's clock is 3")],
    ids=["ahead", "behind"],
)
def test_clocks_differ(shared: WaitingTask, hours: int, words: str) -> None:
    """ST-7: leases compare with the forge's; gates ask no clock, so they go on."""
    date = format_datetime(datetime.now(UTC) + timedelta(hours=hours), usegmt=True)
    with FaultProxy(shared.server.url) as proxy:
        proxy.on("GET", "/version", times=None).answer(200, b'{"version": "1.26.4"}', {**JSON, "Date": date})
        env = {"ORCH_FORGE_URL": proxy.url, "ORCH_FORGE": "gitea", **named(shared)}
        output = shared.refused("forge", "check", env=env)
        assert words in output
        assert "correct the wrong one" in output
        document = json.loads(shared.run("forge", "check", "--json", env=env).stdout)
        assert abs(abs(document["clock_ahead_s"]) - 3600) < 60
        assert len(document["problems"]) == 1
        assert b"0 statuses" in shared.run("advance", "T-1", "--dry-run", env=env).stdout


def test_its_certificate_is_its_own(shared: WaitingTask, tmp_path: Path) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=127.0.0.1"]
        + ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)],
        check=True,
        capture_output=True,
        timeout=60,
    )
    with tls(key, certificate) as url:
        all_say(shared, "REQUESTS_CA_BUNDLE", ORCH_FORGE_URL=url, **named(shared))


@contextmanager
def tls(key: Path, certificate: Path) -> Iterator[str]:
    """A server that shows a certificate; nobody who does not trust it says anything to it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def greet() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                with closing(connection):
                    try:
                        context.wrap_socket(connection, server_side=True)
                    except OSError:
                        continue

        threading.Thread(target=greet, daemon=True).start()
        yield f"https://127.0.0.1:{listening.getsockname()[1]}"
        listening.shutdown(socket.SHUT_RDWR)


def named(task: WaitingTask) -> dict[str, str]:
    """The repository by name: the clone is not from where the url leads."""
    return {"ORCH_FORGE_REPOSITORY": f"alice/{task.repository.name}"}
