"""The text format of counters: what is read, what a selector takes, and how a counter that began anew counts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orch_gates.deploy.sources.port import Totals, reading
from orch_gates.engine.counters import increase, parse, selector, selectors_in, unproven
from orch_gates.engine.watch_assessment import Count, NoData

TEXT = """# HELP http_requests_total Requests.
# TYPE http_requests_total counter
http_requests_total{code="200",path="/"} 351
http_requests_total{code="500",path="/a\\"b"} 50 1700000000000
http_requests_total{code="503",} 1e0
up 1
process_cpu_seconds_total 2.5 # {trace_id="x"} 1
"""


@pytest.mark.parametrize("line", ["m{" + 'a="b" ' * 5000, "m" + " " * 100_000 + "x y", 'm{a="' + "\\" * 100_000])
def test_a_hostile_line_is_no_series_and_costs_no_time(line: str) -> None:
    """Where blanks could stand in two places, thirty labels took for ever (OWN-3)."""
    with pytest.raises(ValueError, match="not in the text format"):
        parse(line)


@pytest.mark.parametrize("many", [float("inf"), 1e308, 10.0**30, -1.0, float("nan")])
def test_what_nobody_can_have_answered_is_no_data(many: float) -> None:
    """A number that no document can hold would end the watch over a production that is ill."""
    assert isinstance(reading("source", Totals(many, 0)), NoData)
    assert isinstance(reading("source", Totals(many, many)), NoData)
    assert reading("source", Totals(1e15, 0)) == Count("source", 10**15, 0)


def test_series_are_read_with_their_labels() -> None:
    """Escapes, a comma at the end, an exponent, a time and an exemplar are all of the format."""
    found = parse(TEXT)
    assert found["http_requests_total", frozenset({("code", "500"), ("path", '/a"b')})] == 50
    assert found["up", frozenset()] == 1
    assert found["process_cpu_seconds_total", frozenset()] == 2.5


@pytest.mark.parametrize(
    ("text", "grown"),
    [
        ("http_requests_total", 402),
        ('http_requests_total{code=~"5.."}', 51),
        ('http_requests_total{code!~"5..", path="/"}', 351),
        ('http_requests_total{code!="200"}', 51),
        ('http_requests_total{path=""}', 1),
        ('http_requests_total{code=~"5"}', None),
        ("http_requests", None),
    ],
)
def test_a_selector_takes_what_a_query_would(text: str, grown: float | None) -> None:
    """A regular expression has to fit the whole value; a label that is not there is an empty one."""
    assert increase({}, parse(TEXT), selector(text)) == grown


@pytest.mark.parametrize("text", ["", "sum(x)", 'x{code="5"', "x{code=5}", 'x{code=~"("}', "x{} y", "rate(x[5m])"])
def test_what_is_no_selector_is_refused(text: str) -> None:
    """A query of PromQL is not understood here, and nothing is guessed."""
    with pytest.raises(ValueError, match=r"counter with labels|regular expression"):
        selector(text)


def test_a_counter_that_went_down_began_anew() -> None:
    """After a restart all that it counts is new; a series that came is new, one that went is gone."""
    wanted = selector("x")
    before, now = parse('x{a="1"} 100\nx{a="2"} 7\n'), parse('x{a="1"} 30\nx{a="3"} 5\n')
    assert increase(before, now, wanted) == 35


@pytest.mark.parametrize("value", ["NaN", "+Inf", "-1"])
def test_what_is_no_count_is_no_number(value: str) -> None:
    """Not zero, and not the number of the other series."""
    assert increase({}, parse(f'x{{a="1"}} {value}\nx{{a="2"}} 3\n'), selector("x")) is None


def test_another_format_is_told_apart_from_no_counters() -> None:
    """A login page answers 200 too."""
    with pytest.raises(ValueError, match="not in the text format"):
        parse("<html>\n<body>\n")
    assert parse("\n# nothing yet\n") == {}


@pytest.mark.parametrize(
    "text",
    [
        'x{code="500"} 1\nx{code="500"} 2\n',
        'x{a="1",b="2"} 1\nx{b="2",a="1"} 1\n',
        'x{code="200",code="500"} 1\n',
        "x 1\nx 1\n",
        'x{code="200"} 9\nx{code="500"} many\n',
        'x{code="200"} 9\nx{code="500} 1\n',
    ],
)
def test_what_is_malformed_is_read_in_no_part(text: str) -> None:
    """Which of two numbers counts nobody knows, and what is left out could be the errors."""
    with pytest.raises(ValueError, match="not in the text format of Prometheus"):
        parse(text)


def test_names_in_quotes_are_left_out() -> None:
    """They are of the format, and no selector here can name them."""
    assert parse('{"http.requests",code="500"} 5\nup 1\n') == {("up", frozenset()): 1.0}


@pytest.mark.parametrize(
    ("wanted", "why"),
    [
        ('r{code=~"5.."}', ""),
        ('r{code="503"}', ""),
        ('r{code!~"[1-4].."}', ""),
        ('r{code=~"5..",path="/"}', ""),
        ('r{class="5xx"}', ""),
        ('r{result!="ok"}', ""),
        ('r{code=~"4..|9.."}', "label code of r is never 4..|9.., but 200, 301"),
        ('r{code="5xx"}', "label code of r is never 5xx, but 200, 301"),
        ('r{code="5.."}', "label code of r is never 5.., but 200, 301"),
        ('r{class=~"5.."}', ""),
        ('r{class="500"}', "label class of r is never 500, but 2xx"),
        ('r{result="error"}', "label result of r is never error, but ok"),
        ('r{status=~"5.."}', "r has no label status, but class, code, path, result"),
        ('r{code=~"5..",path="/a"}', "label path of r is never /a, but /"),
        ('r{code=~"5..",class="2xx",result="ok"}', "no series of r has all of these labels: code, class, result"),
        ("errors_total", "there is no counter errors_total, but r, up"),
        ("ups", "there is no counter ups, but up, r"),
    ],
)
def test_that_nothing_failed_takes_a_name_that_is_understood(wanted: str, why: str) -> None:
    """faults.md T17: a label of statuses proves that there are no others; a word proves nothing about another word."""
    there = parse('r{code="200",path="/"} 1\nr{code="301",path="/"} 1\nr{class="2xx"} 1\nr{result="ok"} 1\nup 1\n')
    assert unproven(selector(wanted), there) == why


def test_what_is_there_instead_is_bounded() -> None:
    """Another program names its series, as long and as many as it likes."""
    there = {(f"{'x' * 1_000_000}{number}", frozenset[tuple[str, str]]()): 1.0 for number in range(5)}
    assert unproven(selector("y"), there) == f"there is no counter y, but {', '.join(['x' * 30] * 4)}, …"


def test_the_counters_of_a_query_are_found() -> None:
    """Each that is counted in a time, with its labels; no function and no word of the language."""
    query = 'sum by (a) (increase(x{code=~"5.."}[$window])) + rate(job:y:z [5m]) or 0 * sum(increase(x[$window]))'
    assert selectors_in(query) == (selector('x{code=~"5.."}'), selector("job:y:z"), selector("x"))
    assert selectors_in("vector(0)") == ()


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    """It comes from another program."""
    try:
        parse(text)
    except ValueError as error:
        assert "text format" in str(error)
