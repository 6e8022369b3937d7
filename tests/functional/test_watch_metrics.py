"""Counters, read from a program itself and from a real Prometheus that scrapes it (WCH-2, faults.md T17)."""

from __future__ import annotations

import json
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from orch_gates.deploy.sources.metrics import Metrics
from orch_gates.deploy.sources.prometheus import Prometheus
from orch_gates.engine import counters
from orch_gates.engine.watch_assessment import Count, NoData, Reading
from tests.fakes.scripted_http import hangs, says, serving

Real = Callable[[str], Path]
TOTAL, ERRORS = "http_requests_total", 'http_requests_total{code=~"5.."}'


def exposed(good: float, bad: float | None = None) -> bytes:
    lines = [f'{TOTAL}{{code="200"}} {good}'] + ([] if bad is None else [f'{TOTAL}{{code="500"}} {bad}'])
    return "\n".join([*lines, ""]).encode()


def metrics(url: str, timeout: float = 5) -> Metrics:
    return Metrics(url, counters.selector(TOTAL), counters.selector(ERRORS), "metrics", timeout)


def prometheus(url: str) -> Prometheus:
    return Prometheus(url, f"sum(increase({TOTAL}[$window]))", f"sum(increase({ERRORS}[$window]))", "prom", 900, 5)


def why(reading: Reading) -> str:
    assert isinstance(reading, NoData)
    return reading.why


def test_counters_count_from_the_begin_and_from_zero_after_a_restart() -> None:
    """A program that never failed has no counter of errors, and counts none."""
    pages = (exposed(351), exposed(400), exposed(410, 6), exposed(3, 2))
    with serving(*(says(200, page) for page in pages)) as server:
        source = metrics(server.url)
        source.begin()
        assert [source.read() for _ in range(3)] == [
            Count("metrics", 49, 0),
            Count("metrics", 16, 6),
            Count("metrics", 5, 2),
        ]
    with serving(says(200, exposed(90, 10))) as server:
        assert metrics(server.url).before() == Count("metrics", 100, 10)


def test_an_endpoint_that_tells_nothing_is_no_data() -> None:
    """Down, hanging, an error page, another format, no such counter, no number: none of them is zero requests."""
    answers = (
        says(200, exposed(1)),
        says(503),
        says(200, b"<html>\n"),
        says(200, b"up 1\n"),
        says(200, exposed(1, float("nan"))),
    )
    with serving(*answers, hangs) as server:
        source = metrics(server.url, timeout=0.5)
        source.begin()
        assert [why(source.read()) for _ in range(5)] == [
            "answered 503",
            "the answer is not in the text format of Prometheus, line 1",
            "there is no counter http_requests_total, but up",
            "no counter http_requests_total with these labels has a value",
            "did not answer within 0.5 s",
        ]


def test_an_endpoint_that_comes_late_counts_from_its_first_answer() -> None:
    """What it counted before is not of this deploy."""
    with serving(says(503), says(200, exposed(1000, 900)), says(200, exposed(1001, 901))) as server:
        source = metrics(server.url)
        source.begin()
        assert "counting begins here" in why(source.read())
        assert source.read() == Count("metrics", 2, 1)


@pytest.mark.parametrize(
    ("errors", "why_not"),
    [
        ('http_errors_total{code=~"5.."}', "there is no counter http_errors_total, but http_requests_total"),
        ('http_requests_total{status=~"5.."}', "http_requests_total has no label status, but code"),
        ('http_requests_total{code="5.."}', "label code of http_requests_total is never 5.., but 200"),
    ],
)
def test_errors_that_nothing_is_named_as_are_a_mistake_in_the_configuration(errors: str, why_not: str) -> None:
    """Not one of them was ever counted, so that there were none is no fact."""
    with serving(says(200, exposed(1)), says(200, exposed(9))) as server:
        source = Metrics(server.url, counters.selector(TOTAL), counters.selector(errors), "metrics", 5)
        source.begin()
        assert source.read() == NoData("metrics", why_not, misconfigured=True)


def test_a_series_that_stands_there_twice_is_no_data() -> None:
    """As of two processes whose answers were put together: which of them counts?"""
    with serving(says(200, exposed(1)), says(200, exposed(9, 1) + exposed(9, 1))) as server:
        source = metrics(server.url)
        source.begin()
        assert "line 3 repeats a name" in why(source.read())


def vector(*values: str) -> dict[str, Any]:
    return {
        "status": "success",
        "data": {"resultType": "vector", "result": [{"metric": {}, "value": [1700000000, one]} for one in values]},
    }


@pytest.mark.parametrize(
    ("total", "errors", "expected"),
    [
        (vector("207.06"), vector("12"), Count("prom", 207, 12)),
        (vector("100", "50"), vector("1", "2"), Count("prom", 150, 3)),
        ({"status": "success", "data": {"resultType": "scalar", "result": [1, "7"]}}, vector("1"), Count("prom", 7, 1)),
    ],
)
def test_two_numbers_are_asked_for(total: object, errors: object, expected: Count) -> None:
    """Values are texts; several series are added up."""
    with serving(says(200, total), says(200, errors)) as server:
        source = prometheus(server.url)
        source.begin()
        assert source.read() == expected
        assert "%5B1s%5D" in server.seen[0].path


@pytest.mark.parametrize(
    ("answer", "why_not"),
    [
        (says(200, vector()), "no value for sum(increase(http_requests_total[1s]))"),
        (says(200, vector("NaN")), "is nan"),
        (says(200, vector("+Inf")), "is inf"),
        (
            says(200, {"status": "success", "data": {"resultType": "matrix", "result": []}}),
            "did not return numbers",
        ),
        (says(200, {"status": "success"}), "did not return numbers"),
        (says(200, b"<html>"), "but not as Prometheus does"),
        (says(200, b"[" * 100_000), "but not as Prometheus does"),
        (says(503, {"status": "error", "errorType": "unavailable", "error": "starting"}), "unavailable: starting"),
    ],
)
def test_what_is_no_number_is_no_data(answer: Any, why_not: str) -> None:
    """Never zero, and never healthy."""
    with serving(answer) as server:
        source = prometheus(server.url)
        source.begin()
        found = source.read()
    assert why_not in why(found)
    assert isinstance(found, NoData)
    assert not found.misconfigured


def series(*labels: dict[str, str]) -> dict[str, Any]:
    found = [{"metric": one, "value": [1700000000, "3"]} for one in labels]
    return {"status": "success", "data": {"resultType": "vector", "result": found}}


def test_no_series_of_errors_is_none_where_the_label_is_understood() -> None:
    """It is asked for once; from then on no series of errors is a fact."""
    answers = [vector("200"), vector(), series({"code": "200"}, {"code": "404"}), vector("300"), vector()]
    with serving(*(says(200, one) for one in answers)) as server:
        source = prometheus(server.url)
        source.begin()
        assert [source.read(), source.read()] == [Count("prom", 200, 0), Count("prom", 100, 0)]
        assert len(server.seen) == len(answers)


@pytest.mark.parametrize(
    ("answers", "why_not"),
    [
        ([series({"code": "OK"})], "label code of http_requests_total is never 5.., but OK"),
        (
            [series({}), series({"__name__": TOTAL, "status": "200", "job": "a"})],
            "http_requests_total has no label code, but job, status",
        ),
        (
            [series(), series({"__name__": "http_request_total"})],
            "there is no counter http_requests_total, but http_request_total",
        ),
        ([series(), series()], "there is no counter http_requests_total"),
    ],
)
def test_a_misspelled_query_for_errors_is_a_mistake_in_the_configuration(answers: list[Any], why_not: str) -> None:
    """What is there instead is said."""
    with serving(*(says(200, one) for one in [vector("200"), vector(), *answers])) as server:
        assert prometheus(server.url).read() == NoData("prom", why_not, misconfigured=True)


def test_a_zero_that_stands_in_for_no_series_proves_nothing() -> None:
    """As of `or vector(0)`, for requests and for errors."""
    with serving(*(says(200, one) for one in (vector("200"), vector("0"), series({"code": "OK"})))) as server:
        source = prometheus(server.url)
        source.errors += " or vector(0)"
        assert "is never 5.., but OK" in why(source.read())
    with serving(*(says(200, one) for one in (vector("0"), vector("0"), series(), series()))) as server:
        source = prometheus(server.url)
        source.total += " or vector(0)"
        assert why(source.read()) == "there is no counter http_requests_total"
    with serving(says(200, vector("200")), says(200, vector())) as server:
        source = prometheus(server.url)
        source.errors = 'sum(increase({__name__=~"x"}[$window]))'
        assert "has no counter" in why(source.read())


def test_a_prometheus_that_does_not_say_which_series_there_are_is_no_data() -> None:
    """Which a later answer may mend."""
    broken = says(503, {"status": "error", "errorType": "unavailable", "error": "starting"})
    with serving(says(200, vector("200")), says(200, vector()), broken) as server:
        found = prometheus(server.url).read()
    assert isinstance(found, NoData)
    assert not found.misconfigured


def test_a_query_that_prometheus_cannot_read_is_a_mistake_in_the_configuration() -> None:
    """A person has to mend it; it is not a lack of traffic."""
    with serving(says(400, {"status": "error", "errorType": "bad_data", "error": "parse error"})) as server:
        found = prometheus(server.url).read()
    assert isinstance(found, NoData)
    assert found.misconfigured
    assert "parse error" in found.why


def test_each_reading_tells_what_came_since_the_last_one() -> None:
    """Estimates that shrink take nothing back, and small ones are not lost by rounding each for itself."""
    totals = ["10.4", "20.9", "19", "30"]
    answers = [answer for one in totals for answer in (says(200, vector(one)), says(200, vector("0.3")))]
    with serving(*answers) as server:
        source = prometheus(server.url)
        source.begin()
        assert [source.read() for _ in totals] == [Count("prom", many, 0) for many in (10, 11, 0, 9)]


@contextmanager
def exposing() -> Iterator[str]:
    """An application that counts its own answers by status."""
    counts = {"200": 0, "500": 0}

    def answer(handler: BaseHTTPRequestHandler) -> None:
        if handler.path == "/metrics":
            lines = "".join(f'{TOTAL}{{code="{code}"}} {n}\n' for code, n in counts.items())
            says(200, lines.encode(), Content_Type="text/plain; version=0.0.4")(handler)
            return
        status = 500 if handler.path == "/ill" else 200
        counts[str(status)] += 1
        says(status)(handler)

    with serving(answer) as server:
        yield server.url


def _hit(url: str, path: str, times: int) -> None:
    for _ in range(times):
        try:
            urllib.request.urlopen(url + path, timeout=10).close()
        except urllib.error.HTTPError as error:
            error.close()


def _is_told_apart_from_misspelled(source: Prometheus) -> None:
    """Of a server that counts 200 and 500: that there is no 503 is a fact, and what is misspelled is none."""
    source.errors = f'sum(increase({TOTAL}{{code="418"}}[$window]))'
    assert why(source.read()) == f"label code of {TOTAL} is never 418, but 200, 500"
    source.errors = f'sum(increase({TOTAL}{{code="503"}}[$window]))'
    assert isinstance(source.read(), Count)
    source.errors = f'sum(increase({TOTAL}{{status=~"5.."}}[$window])) or vector(0)'
    assert why(source.read()) == f"{TOTAL} has no label status, but code, instance, job"
    source.errors = 'sum(increase(http_errors_total{status=~"5.."}[$window]))'
    assert why(source.read()) == f"there is no counter http_errors_total, but {TOTAL}"
    source.errors = f'sum(increase({TOTAL}{{code=~"5.."}}[$window]))'


@pytest.mark.slow
def test_a_real_prometheus(tmp_path: Path, real: Real) -> None:
    """It estimates, so numbers are near; before its first scrape it has none, and a broken query is told apart."""
    program = real("prometheus")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with exposing() as url:
        config = {
            "global": {"scrape_interval": "1s"},
            "scrape_configs": [{"job_name": "app", "static_configs": [{"targets": [url.removeprefix("http://")]}]}],
        }
        (tmp_path / "p.yml").write_text(json.dumps(config))
        options = (
            f"--config.file={tmp_path}/p.yml",
            f"--storage.tsdb.path={tmp_path}/data",
            f"--web.listen-address=127.0.0.1:{port}",
        )
        server = subprocess.Popen([program, *options], stderr=subprocess.DEVNULL)
        try:
            source = prometheus(f"http://127.0.0.1:{port}")
            source.begin()
            assert "refused" in why(source.read())
            # What is counted before Prometheus has asked twice is never seen by it.
            for _ in range(300):
                if isinstance(source.read(), Count):
                    break
                time.sleep(0.1)
            source.begin()
            direct = metrics(f"{url}/metrics")
            direct.begin()
            _hit(url, "/", 150)
            _hit(url, "/ill", 50)
            exact = direct.read()
            assert exact == Count("metrics", 200, 50)
            requests = errors = 0
            for _ in range(40):
                found = source.read()
                if isinstance(found, Count):
                    requests, errors = requests + found.requests, errors + found.errors
                if requests >= 150:
                    break
                time.sleep(0.25)
            # From few values it estimates up to twice as many; the share of errors is right all the same.
            assert 150 <= requests <= 400
            assert 0.2 <= errors / requests <= 0.3
            _is_told_apart_from_misspelled(source)
            source.total = "sum(increase(no_such_counter[$window]))"
            assert "no value for" in why(source.read())
            source.total = "sum(increase("
            broken = source.read()
            assert isinstance(broken, NoData)
            assert broken.misconfigured
        finally:
            server.kill()
            server.wait()
