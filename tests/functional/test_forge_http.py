"""A forge that is slow, broken, elsewhere or says no: one line that says what to do, and never an empty answer."""

from __future__ import annotations

import gzip
import json
import secrets
from dataclasses import replace

import pytest

from orch_gates.errors import ForgeRefused, ForgeUnavailable, ForgeUnclear
from orch_gates.forge.gitea.connect import DIALECT
from orch_gates.forge.github.connect import DIALECT as GITHUB
from orch_gates.forge.http import Api, Dialect, ForgeCall
from orch_gates.oci.transport import Transport
from tests.fakes.scripted_http import Answer, chunked, cut_off, drips, drips_all, hangs, resets, says, sends, serving

# Pages that say how they end by links or by their length, as GitHub's do.
LINKED = replace(DIALECT, page="per_page", page_size=2, short_page_ends=True)


def ask(url: str, dialect: Dialect = DIALECT, timeout: float = 5) -> Api:
    return Api(url, "", timeout, dialect)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422, 500])
@pytest.mark.parametrize("dialect", [DIALECT, GITHUB], ids=["gitea", "github"])
def test_a_token_that_the_server_repeats_is_not_shown(dialect: Dialect, status: int) -> None:
    """As a proxy does that shows the request it could not pass on (SEC-5)."""
    token = secrets.token_hex(20)
    with serving(says(status, {"message": f"tried with token {token}"})) as server:
        api = Api(server.url, token, 5, dialect)
        with pytest.raises(ForgeUnavailable) as read:
            api.get("/x")
        with pytest.raises(ForgeUnavailable) as written:
            api.write("POST", "/x", {})
    assert token not in f"{read.value} {written.value}"


@pytest.mark.parametrize(("status", "shown"), [(401, False), (500, False), (200, True)])
def test_a_login_that_a_registry_repeats_is_not_kept_of_an_error(status: int, shown: bool) -> None:
    """What has a digest is not touched (SEC-5)."""
    token = secrets.token_hex(20)
    with serving(says(status, {"errors": [{"message": token}]})) as server:
        answer = Transport(2, (), lambda *_: None).get(f"{server.url}/v2/", {}, f"Bearer {token}", 10_000)
    assert (answer.status, token in answer.body.decode()) == (status, shown)


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        (says(401, {"message": "no"}), ForgeRefused, "the token is wrong or has expired"),
        (says(403, {"message": "no"}), ForgeRefused, "lacks a scope"),
        (says(404, {"message": "no"}), ForgeRefused, "may not see it"),
        (says(301, {}, Location="/api/v1/repos/a/new"), ForgeRefused, "a/new; name the new one"),
        (says(500, {}), ForgeUnavailable, "500"),
        (says(502, {}), ForgeUnavailable, "502"),
        (says(429, {}, Retry_After="3600"), ForgeUnavailable, "429"),
        (says(200, b"<html>a proxy's page</html>"), ForgeUnavailable, "did not answer with JSON"),
        (says(200, b""), ForgeUnavailable, "did not answer with JSON"),
        (says(200, b" " * (17 * 1024 * 1024)), ForgeUnavailable, "more than 16777216 bytes"),
        (says(200, b"[" * 100_000), ForgeUnavailable, "did not answer with JSON"),
        (says(304), ForgeUnavailable, "304"),
        (says(200, b"no gzip", Content_Encoding="gzip"), ForgeUnavailable, "broke off"),
        (cut_off, ForgeUnavailable, "broke off"),
        (resets, ForgeUnavailable, "broke off"),
        (sends(b""), ForgeUnavailable, "broke off"),
        (sends(b"not HTTP\r\n\r\n"), ForgeUnavailable, "broke off"),
        (hangs, ForgeUnavailable, "did not answer within 0.5 s"),
        (drips, ForgeUnavailable, "did not answer within 0.5 s"),
    ],
)
def test_every_trouble_has_its_words(answer: Answer, error: type[Exception], words: str) -> None:
    """P2: and none of them is an empty list."""
    token = secrets.token_hex(20)
    with serving(answer) as server:
        for read in (lambda api: api.get("/x"), lambda api: list(api.rows("/x"))):
            with pytest.raises(error) as raised:
                read(Api(server.url, token, 0.5, DIALECT))
            assert words in str(raised.value)
            assert not isinstance(raised.value, ForgeUnclear)
            assert "\n" not in str(raised.value)
            assert token not in str(raised.value)


@pytest.mark.parametrize(
    "trickle",
    [
        drips,
        drips_all(b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 100),
        drips_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;" + b"x" * 100),
    ],
    ids=["body", "head", "chunk"],
)
def test_a_trickle_is_not_waited_out(trickle: Answer) -> None:
    """Bytes that keep every single read alive do not keep a request alive for longer than it may take."""
    with serving(trickle) as server:
        with pytest.raises(ForgeUnavailable, match=r"within 0\.5 s"):
            ask(server.url, timeout=0.5).get("/x")
        assert 0 < server.dripped < 100


def test_a_forge_that_is_busy_is_asked_again() -> None:
    """After the time that it names, and never for longer than a request may take."""
    with serving(says(503, {}, Retry_After="0"), says(429, {}, Retry_After="1"), says(200, {"ok": True})) as server:
        assert Api(server.url, "", 10, DIALECT).get("/x") == {"ok": True}
        assert len(server.seen) == 3


@pytest.mark.parametrize("seconds", ["3600", "9" * 400])
def test_no_forge_is_waited_for_without_end(seconds: str) -> None:
    """Who asks for more time than one request may take is not waited for at all."""
    with serving(says(503, {}, Retry_After=seconds)) as server:
        with pytest.raises(ForgeUnavailable):
            ask(server.url).get("/x")
        assert len(server.seen) == 1


@pytest.mark.parametrize("dialect", [DIALECT, GITHUB], ids=["gitea", "github"])
def test_no_forge_is_asked_again_at_once(dialect: Dialect) -> None:
    """Not even where it asks for that: here a second is more than there is."""
    with serving(says(429, {"message": "slow down"}, Retry_After="0")) as server:
        with pytest.raises(ForgeUnavailable, match="429"):
            ask(server.url, dialect, 0.5).get("/x")
        assert len(server.seen) == 1


@pytest.mark.parametrize("seconds", ["-5", "soon", "Wed, 21 Oct 2015 07:28:00 GMT"])
def test_a_time_that_is_no_number_of_seconds_is_not_read(seconds: str) -> None:
    """Clocks differ; it is asked again after a second."""
    with serving(says(503, {}, Retry_After=seconds), says(200, {"ok": True})) as server:
        assert ask(server.url).get("/x") == {"ok": True}


def test_a_list_is_read_to_its_end() -> None:
    """By the total where the server says one, else to the first empty page."""
    pages = [says(200, [{"id": 1}, {"id": 2}], X_Total_Count="3"), says(200, [{"id": 3}], X_Total_Count="3")]
    with serving(*pages) as server:
        assert [row["id"] for row in ask(server.url).rows("/x", state="open")] == [1, 2, 3]
        assert [one.path for one in server.seen] == [f"/x?state=open&limit=50&page={page}" for page in (1, 2)]
    for output in ("", "-1", "many", "9" * 5000):
        with serving(*(says(200, [{"id": page}], X_Total_Count=output) for page in (1, 2)), says(200, [])) as server:
            assert [row["id"] for row in ask(server.url).rows("/x")] == [1, 2]


def test_a_list_inside_a_document_is_read_to_its_end() -> None:
    """By the total in the document, which is no row."""
    pages = [{"total_count": 3, "runs": [{"id": 1}, {"id": 2}]}, {"total_count": 3, "runs": [{"id": 3}]}]
    with serving(*(says(200, page) for page in pages)) as server:
        assert [row["id"] for row in ask(server.url).rows("/x", key="runs")] == [1, 2, 3]
        assert len(server.seen) == 2


def test_a_list_ends_where_its_links_do() -> None:
    """A last page that is full needs no other to be asked for; a short one with a link is not the last."""
    more = '<http://127.0.0.1/x?page=2>; rel="next", <http://127.0.0.1/x?page=2>; rel="last"'
    last = '<http://127.0.0.1/x?page=1>; rel="first", <http://127.0.0.1/x?page=1>; rel="prev"'
    pages = [says(200, [{"id": 1}], Link=more), says(200, [{"id": 2}, {"id": 3}], Link=last)]
    with serving(*pages) as server:
        assert [row["id"] for row in ask(server.url, LINKED).rows("/x")] == [1, 2, 3]
        assert [one.path for one in server.seen] == [f"/x?per_page=2&page={page}" for page in (1, 2)]


def test_a_link_to_something_else_ends_no_list() -> None:
    """One that a proxy has put there, say."""
    page = '<https://127.0.0.1/style.css>; rel="preload"'
    pages = [says(200, [{"id": number}], Link=page) for number in (1, 2)]
    with serving(*pages, says(200, [], Link=page)) as server:
        assert [row["id"] for row in ask(server.url, LINKED).rows("/x")] == [1, 2]


def test_a_short_page_ends_a_list_where_the_forge_promises_it() -> None:
    """Elsewhere a server may give fewer rows than it was asked for."""
    with serving(says(200, [{"id": 1}])) as server:
        assert len(list(ask(server.url, LINKED).rows("/x"))) == 1
        assert len(server.seen) == 1
    with serving(says(200, [{"id": 1}]), says(200, [{"id": 2}]), says(200, [])) as server:
        assert len(list(ask(server.url).rows("/x"))) == 2


def test_a_list_that_grows_is_read_on() -> None:
    pages = [says(200, [{"id": 1}], X_Total_Count="2"), says(200, [{"id": 2}, {"id": 3}], X_Total_Count="3")]
    with serving(*pages) as server:
        assert len(list(ask(server.url).rows("/x"))) == 3


@pytest.mark.parametrize(
    "pages",
    [
        [says(200, [{"id": 1}], X_Total_Count="3"), says(200, [], X_Total_Count="3")],
        [says(200, [{"id": 1}, {"id": 2}], X_Total_Count="4"), says(200, [{"id": 4}], X_Total_Count="3")],
        [says(200, {"message": "no list"})],
        [says(200, ["no row"])],
        [says(200, [{"id": 1}])],
    ],
    ids=["shorter than it says", "a row went while it was read", "no list", "no rows", "without an end"],
)
def test_a_list_that_is_not_whole_is_none(pages: list[Answer]) -> None:
    """faults.md: the first page is never taken for all of it."""
    with serving(*pages) as server, pytest.raises(ForgeUnavailable):
        list(ask(server.url).rows("/x"))


def test_a_body_may_come_in_any_way() -> None:
    """Compressed or in chunks: the same document."""
    document = {"words": "x" * 200_000}
    data = json.dumps(document).encode()
    answers = [
        says(200, gzip.compress(data), Content_Encoding="gzip"),
        chunked(data[:7], data[7:]),
        sends(b"HTTP/1.1 200 OK\r\n\r\n" + data),
    ]
    with serving(*answers) as server:
        api = ask(server.url)
        assert [api.get("/x") for _ in answers] == [document] * 3


def test_a_small_answer_that_unpacks_to_a_big_one_is_refused() -> None:
    bomb = gzip.compress(b" " * 40_000_000)
    with (
        serving(says(200, bomb, Content_Encoding="gzip")) as server,
        pytest.raises(ForgeUnavailable, match="more than"),
    ):
        ask(server.url).get("/x")


def test_somebody_may_watch_every_request() -> None:
    """Each one that was sent, those that are sent again and those that had no answer too (`--timings`)."""
    calls: list[ForgeCall] = []
    with serving(says(503, {}), says(200, {}), says(201, {}), says(404, {}), resets) as server:
        api = Api(server.url, "", 5, DIALECT, calls.append)
        api.get("/a", page=1)
        api.write("POST", "/b", {})
        for path in ("/c", "/d"):
            with pytest.raises(ForgeUnavailable):
                api.get(path)
    assert [(call.method, call.path, call.status) for call in calls] == [
        ("GET", "/a", 503),
        ("GET", "/a", 200),
        ("POST", "/b", 201),
        ("GET", "/c", 404),
        ("GET", "/d", 0),
    ]
    assert all(call.seconds >= 0 for call in calls)
