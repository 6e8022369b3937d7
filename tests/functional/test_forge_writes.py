"""Something is to be done at a forge: once, and it is known whether it was done, was not, or may have been (P2)."""

from __future__ import annotations

import json
import secrets
import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from orch_gates.errors import ForgeRefused, ForgeUnavailable, ForgeUnclear
from orch_gates.forge.gitea import connect as gitea
from orch_gates.forge.gitea.connect import DIALECT
from orch_gates.forge.github import connect as github
from orch_gates.forge.http import Api
from orch_gates.forge.port.forge import Forge
from orch_gates.forge.port.pulls import (
    AlreadyMerged,
    Ambiguous,
    Forbidden,
    Merged,
    MergedOther,
    MergeRequest,
    Transient,
)
from tests.fakes.fault_proxy import FaultProxy, Rule
from tests.fakes.scripted_http import Answer, certificate, cut_off, drips, hangs, resets, says, sends, serving

PAGE = b"<html>a proxy's page</html>"


def ask(url: str, timeout: float = 5) -> Api:
    return Api(url, "", timeout, DIALECT)


def test_what_is_sent() -> None:
    """The document as JSON, and none where there is none; the answer's document comes back."""
    with serving(says(201, {"id": 1}), says(204)) as server:
        api = ask(server.url)
        assert api.write("POST", "/x", {"title": "é", "open": None}) == {"id": 1}
        assert api.write("DELETE", "/x") is None
    post, delete = server.seen
    assert (post.method, json.loads(post.body)) == ("POST", {"title": "é", "open": None})
    assert post.headers["Content-Type"] == "application/json"
    assert (delete.method, delete.body, "Content-Type" in delete.headers) == ("DELETE", b"", False)


@pytest.mark.parametrize("document", [{"a": 1}, {}, None], ids=["document", "empty document", "no document"])
@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (says(500, {}), "500"),
        (says(502, PAGE), "502"),
        (says(503, {}, Retry_After="0"), "503"),
        (says(504, {}), "504"),
        (says(200, PAGE), "did not answer with JSON"),
        (cut_off, "broke off"),
        (resets, "broke off"),
        (sends(b""), "broke off"),
        (sends(b"not HTTP\r\n\r\n"), "broke off"),
        (sends(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}"), "broke off"),
        (hangs, "did not answer within 0.5 s"),
        (drips, "did not answer within 0.5 s"),
        (says(200, b" " * (17 * 1024 * 1024)), "more than"),
    ],
)
def test_what_may_have_been_done(answer: Answer, words: str, document: object) -> None:
    """It was sent, and no whole good answer came; whatever it was, it is not sent again."""
    with serving(answer) as server:
        with pytest.raises(ForgeUnclear, match=words):
            ask(server.url, 0.5).write("POST", "/x", document)
        assert len(server.seen) == 1


@pytest.mark.parametrize("status", [401, 403, 404, 409, 422, 423])
def test_what_the_forge_says_no_to(status: int) -> None:
    with serving(says(status, {"message": "no"})) as server:
        with pytest.raises(ForgeRefused, match=str(status)):
            ask(server.url).write("POST", "/x", {})
        assert len(server.seen) == 1


def test_what_the_forge_puts_off() -> None:
    """Too many requests: nothing was done, and whoever asked decides about the next time."""
    with serving(says(429, {}, Retry_After="0")) as server:
        with pytest.raises(ForgeUnavailable, match="429") as raised:
            ask(server.url).write("POST", "/x", {})
        assert type(raised.value) is ForgeUnavailable
        assert len(server.seen) == 1


def test_the_answer_as_it_is() -> None:
    """For those who know what the forge's own words mean."""
    with serving(says(409, {"message": "head out of date"}), says(200, PAGE)) as server:
        api = ask(server.url)
        refused = api.ask("POST", "/x", {})
        assert (refused.status, refused.message, refused.ok) == (409, "head out of date", False)
        page = api.ask("POST", "/x", {})
        assert (page.ok, page.body, page.message) == (True, PAGE, "")


@contextmanager
def refused(_: Path) -> Iterator[str]:
    """Nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{free.getsockname()[1]}"


@contextmanager
def full(_: Path) -> Iterator[str]:
    """Nobody accepts, and no more connections are kept waiting."""
    with socket.socket() as busy, socket.socket() as first:
        busy.bind(("127.0.0.1", 0))
        busy.listen(0)
        first.connect(busy.getsockname())
        yield f"http://127.0.0.1:{busy.getsockname()[1]}"


@contextmanager
def plain(_: Path) -> Iterator[str]:
    """A server without TLS."""
    with serving(says(200, {})) as server:
        yield server.url.replace("http:", "https:")


@contextmanager
def distrusted(folder: Path) -> Iterator[str]:
    """A certificate that nobody vouches for."""
    with serving(says(200, {}), certificate=certificate(folder)) as server:
        yield server.url


@contextmanager
def mute(_: Path) -> Iterator[str]:
    """A server that never shakes hands."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        yield f"https://127.0.0.1:{silent.getsockname()[1]}"


@contextmanager
def misspelt(_: Path) -> Iterator[str]:
    yield "http//127.0.0.1"


@contextmanager
def too_long(_: Path) -> Iterator[str]:
    """A name that no resolver is asked for."""
    yield f"http://{'a' * 64}.invalid"


@pytest.mark.parametrize(
    ("server", "words", "certain"),
    [
        (refused, "nothing answers there", True),
        (full, "did not answer within 0.5 s", True),
        (plain, "does not speak TLS", False),
        (distrusted, "REQUESTS_CA_BUNDLE", True),
        (mute, "did not answer within 0.5 s", False),
        (misspelt, "the URL is not valid", True),
        (too_long, "the URL is not valid", True),
    ],
)
def test_what_was_never_sent(
    server: Callable[[Path], AbstractContextManager[str]], words: str, tmp_path: Path, *, certain: bool
) -> None:
    """Nobody can have done it: later it may be asked for again.

    Of a request without a body, nobody knows how much of it was sent when TLS broke.
    """
    with server(tmp_path) as url:
        with pytest.raises(ForgeUnavailable, match=words) as raised:
            ask(url, 0.5).write("POST", "/x", {})
        assert type(raised.value) is ForgeUnavailable
        with pytest.raises(ForgeUnavailable, match=words) as raised:
            ask(url, 0.5).write("DELETE", "/x")
        assert type(raised.value) is (ForgeUnavailable if certain else ForgeUnclear)


def test_tls_that_breaks_after_the_request(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error of TLS is not always one of its beginning."""

    def garbage(handler: BaseHTTPRequestHandler) -> None:
        handler.close_connection = True
        with socket.socket(fileno=handler.connection.detach()) as bare:
            bare.sendall(b"this is no TLS record, and long enough to be looked at")

    made = certificate(tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(made[0]))
    documents: tuple[object, ...] = ({}, None)
    for document in documents:
        with serving(garbage, certificate=made) as server:
            with pytest.raises(ForgeUnclear, match="does not speak TLS"):
                ask(server.url).write("POST", "/x", document)
            assert len(server.seen) == 1


@pytest.fixture
def behind(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Api]:
    """A client that reaches its forge through a proxy."""

    def made(proxy: str) -> Api:
        for name in ("HTTP_PROXY", "http_proxy"):
            monkeypatch.setenv(name, proxy)
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        return ask("http://forge.invalid")

    return made


@pytest.mark.parametrize("document", [{"a": 1}, None], ids=["document", "no document"])
@pytest.mark.parametrize("answer", [resets, sends(b""), sends(b"not HTTP\r\n\r\n")], ids=["reset", "end", "no HTTP"])
def test_a_proxy_that_goes_away_may_have_passed_it_on(
    behind: Callable[[str], Api], answer: Answer, document: object
) -> None:
    with serving(answer) as proxy:
        with pytest.raises(ForgeUnclear, match="broke off"):
            behind(proxy.url).write("POST", "/x", document)
        assert len(proxy.seen) == 1


def test_a_proxy_that_is_not_there_has_passed_nothing_on(behind: Callable[[str], Api], tmp_path: Path) -> None:
    with refused(tmp_path) as url, pytest.raises(ForgeUnavailable, match="the proxy between") as raised:
        behind(url).write("DELETE", "/x")
    assert type(raised.value) is ForgeUnavailable


def test_a_bundle_that_is_not_there_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "nothing.pem"))
    with pytest.raises(ForgeUnavailable, match=r"nothing\.pem") as raised:
        ask("https://127.0.0.1:1").write("DELETE", "/x")
    assert type(raised.value) is ForgeUnavailable


@pytest.mark.parametrize("tail", ["\n", " ", "\r\nX-Other: 1", "é", "\u2028"])
def test_a_token_that_cannot_be_one_is_not_shown(tail: str) -> None:
    """A secret that was saved with its line end, for one; it is nowhere in the error or in what caused it."""
    token = secrets.token_hex(20)
    with serving(says(200, {})) as server:
        with pytest.raises(ForgeRefused, match="copy it again") as raised:
            Api(server.url, token + tail, 5, DIALECT).write("POST", "/x", {})
        assert server.seen == []
    assert token not in repr(raised.getrepr(chain=True, showlocals=False))


HEAD, BASE = "a" * 40, "b" * 40


def shown(**changed: object) -> Answer:
    """A pull request as Gitea shows it."""
    side = {"label": "topic", "ref": "topic", "sha": HEAD, "repo_id": 1}
    row = {
        "number": 1,
        "title": "Land it",
        "body": "",
        "state": "open",
        "draft": False,
        "merged": False,
        "mergeable": True,
        "merge_commit_sha": None,
        "labels": [],
        "html_url": "",
        "user": {"login": "alice"},
        "head": side,
        "base": {**side, "label": "main", "ref": "main", "sha": BASE},
    }
    return says(200, row | changed)


@pytest.mark.parametrize(
    "told", [says(200, b""), says(405, {"message": "The PR is already merged"})], ids=["200", "405"]
)
@pytest.mark.parametrize(
    ("after", "outcome"),
    [
        (shown(), Ambiguous),
        (shown(state="closed"), Ambiguous),
        (says(502, b""), Ambiguous),
        (shown(number=2, state="closed", merged=True), Ambiguous),
        (shown(state="closed", merged=True, merge_commit_sha="c" * 40), (Merged, AlreadyMerged)),
        (shown(state="closed", merged=True, base={"ref": "release", "sha": BASE, "repo_id": 1}), MergedOther),
    ],
    ids=["open", "closed", "no answer", "another one", "merged", "merged elsewhere"],
)
def test_a_merge_counts_where_the_pull_request_says_so_too(told: Answer, after: Answer, outcome: type) -> None:
    """Something between can answer a request for a merge; what it does not confirm, git has to say (MRG-8, MRG-16)."""
    with serving(shown(), told, after) as server:
        made = gitea.connect(server.url, "alice/project", "", 5)
        assert isinstance(made.pulls.merge(1, MergeRequest(HEAD, BASE, "main", "Merge it")), outcome)


def test_another_pull_request_than_was_asked_for_is_no_answer() -> None:
    """What lies between may answer with what it kept; then nothing is asked for."""
    with serving(shown(number=2)) as server:
        made = gitea.connect(server.url, "alice/project", "", 5)
        assert isinstance(made.pulls.merge(1, MergeRequest(HEAD, BASE, "main", "Merge it")), Transient)
        assert len(server.seen) == 1


@pytest.mark.parametrize("connect", [gitea.connect, github.connect], ids=["gitea", "github"])
def test_a_merge_with_such_a_token_is_forbidden(connect: Callable[[str, str, str, float], Forge]) -> None:
    """Asking again does not help."""
    with serving(says(200, {})) as server:
        made = connect(server.url, "alice/project", f"{secrets.token_hex(20)}\n", 5)
        outcome = made.pulls.merge(1, MergeRequest(secrets.token_hex(20), secrets.token_hex(20), "main", "Merge it"))
        assert isinstance(outcome, Forbidden)
        assert server.seen == []


def test_a_connection_that_was_closed_meanwhile() -> None:
    """It is opened again before anything is sent, so nothing is sent twice."""
    with serving(says(200, {}, Connection="close")) as server:
        api = ask(server.url)
        for _ in range(3):
            api.write("POST", "/x", {})
        assert len(server.seen) == server.connections == 3


@pytest.mark.parametrize(
    ("fault", "done"),
    [(Rule.reset_before, 0), (Rule.reset_after, 1), (Rule.truncated, 1), (lambda rule: rule.html(502, acted=True), 1)],
    ids=["reset before", "reset after", "truncated", "page after"],
)
def test_nothing_is_sent_again_by_itself(fault: Callable[[Rule], None], done: int) -> None:
    """On a connection that was used before too, where a client may take a reset for one that had grown old."""
    with serving(says(200, {"ok": True})) as server, FaultProxy(server.url) as proxy:
        api = ask(proxy.url)
        api.write("POST", "/x", {"turn": 0})
        fault(proxy.on("POST", "/x"))
        with pytest.raises(ForgeUnclear):
            api.write("POST", "/x", {"turn": 1})
        assert [json.loads(one.body)["turn"] for one in server.seen] == [0, *[1] * done]
        assert proxy.asked("POST", "/x") == 2
