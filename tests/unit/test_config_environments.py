"""`environments` of the configuration file: what is read, and that each mistake is named with its place (WCH-1)."""

from __future__ import annotations

import json
from fractions import Fraction

import pytest

from orch_gates import settings
from orch_gates.cli.config import view as config_view
from orch_gates.config.file import Config
from orch_gates.config.listing import listing
from orch_gates.config.parse import parse
from orch_gates.engine.watch_assessment import WatchRules
from orch_gates.engine.watch_plan import EnvironmentPlan, ProbePlan, SourceKind, SourcePlan, WatchPlan
from orch_gates.errors import ConfigError

LOG = "/var/log/nginx/access.log"
FULL = """
environments:
  production:
    url: https://shop.example/
    deploy_timeout_s: 600
    rollback: ./deploy.sh
    watch:
      window_s: 600
      every_s: 20
      failures: 2
      min_requests: 50
      max_ratio: 0.1
      warmup_s: 15
      control: https://status.example/
      probes:
        - url: https://shop.example/
          status: [200, 301]
          body: Welcome|Hello
          latency_s: 2.5
          timeout_s: 5
          follow: true
        - url: https://shop.example/cart
          status: 401
      sources:
        - kind: access-log
          path: /var/log/nginx/access.log
        - kind: metrics
          name: the app
          url: http://127.0.0.1:9000/metrics
          total: requests_total
          errors: requests_total{code=~"5.."}
        - kind: prometheus
          url: http://127.0.0.1:9090
          total: sum(increase(requests_total[$window]))
          errors: sum(increase(requests_total{code=~"5.."}[$window]))
  staging: {}
"""


def read(text: str) -> Config:
    return parse(text.encode())


def test_everything_can_be_said() -> None:
    """And what is not said has the default."""
    found = read(FULL).environments
    assert found["staging"] == EnvironmentPlan("staging")
    assert found["production"] == EnvironmentPlan(
        "production",
        600,
        "./deploy.sh",
        WatchPlan(
            WatchRules(window=600, every=20, failures=2, min_requests=50, max_ratio=Fraction(1, 10), warmup=15),
            (
                ProbePlan("https://shop.example/", (200, 301), "Welcome|Hello", 2.5, 5.0, anywhere=True),
                ProbePlan("https://shop.example/cart", (401,)),
            ),
            "https://status.example/",
            (
                SourcePlan("access-log /var/log/nginx/access.log", SourceKind.ACCESS_LOG, "/var/log/nginx/access.log"),
                SourcePlan(
                    "the app",
                    SourceKind.METRICS,
                    "http://127.0.0.1:9000/metrics",
                    "requests_total",
                    'requests_total{code=~"5.."}',
                ),
                SourcePlan(
                    "prometheus http://127.0.0.1:9090",
                    SourceKind.PROMETHEUS,
                    "http://127.0.0.1:9090",
                    "sum(increase(requests_total[$window]))",
                    'sum(increase(requests_total{code=~"5.."}[$window]))',
                ),
            ),
        ),
        "https://shop.example/",
    )


def test_a_probe_is_enough() -> None:
    """The window is a quarter of an hour, three failures in a row are too many, and so is more than one in twenty."""
    plan = read("environments: {a: {watch: {probes: [{url: 'http://x/'}]}}}").environments["a"].watch
    assert plan == WatchPlan(WatchRules(), (ProbePlan("http://x/"),))
    assert (plan.rules.window, plan.rules.every, plan.rules.failures) == (900, 30, 3)
    assert (plan.rules.min_requests, plan.rules.max_ratio, plan.rules.due) == (100, Fraction(1, 20), 30)


def watched(more: str, probe: str = "url: http://x/") -> str:
    return f"environments: {{a: {{watch: {{probes: [{{{probe}}}], {more}}}}}}}"


def sourced(text: str) -> str:
    return watched(f"sources: [{{{text}}}]")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("environments: []", "environments: a list is not a mapping of environments"),
        ("environments: {A: {}}", "environments.A: 'A' must be 1 to 40 small letters"),
        ("environments: {a: x}", "environments.a: 'x' must be a mapping"),
        ("environments: {a: {rolback: x}}", "environments.a: unknown key 'rolback'; did you mean rollback?"),
        ("environments: {a: {rollback: ' '}}", "environments.a.rollback: ' ' is not a command for sh"),
        ("environments: {a: {url: shop}}", "url: 'shop' is not a url"),
        ("environments: {a: {deploy_timeout_s: 0}}", "deploy_timeout_s: 0 is not a whole number from 1 to 86400"),
        ("environments: {a: {watch: {}}}", "environments.a.watch: watches nothing"),
        (watched("window_s: true"), "window_s: true is not a whole number"),
        (watched("max_ratio: 5"), "max_ratio: 5 is not a share from 0 to 1"),
        (watched("max_ratio: 1.1"), "max_ratio: '1.1' is not a share"),
        (
            watched("window_s: 60, warmup_s: 60"),
            "warmup_s: nothing is watched, as the warm-up is as long as the window",
        ),
        (watched("window_s: 900, every_s: 1"), "900 samples are more than can be recorded"),
        (watched("control: 'http://u:p@x/'"), "control: 'http://u:p@x/' is not a url"),
        (watched("failures: 0"), "failures: 0 is not a whole number from 1 to 100"),
        (watched("", "url: ftp://x/"), "probes[0].url: 'ftp://x/' is not a url"),
        (watched("", "status: 200"), "probes[0]: needs url"),
        (watched("", "url: http://x/, status: 99"), "probes[0].status: 99 is not a status"),
        (watched("", "url: http://x/, status: []"), "probes[0].status: a list is not a status"),
        (watched("", "url: http://x/, body: '('"), "probes[0].body: '(' is not a regular expression"),
        (watched("", "url: http://x/, timeout_s: 0.0"), "probes[0].timeout_s: '0.0' is not a number of seconds"),
        (watched("", "url: http://x/, follow: 1"), "probes[0].follow: 1 is not true or false"),
        (watched("probes: x").replace("probes: [{url: http://x/}], ", ""), "probes: 'x' is not a list of at most 10"),
        (watched("", "url: http://x/}, {url: http://x/"), "two probes or sources have the same name, or the same URL"),
        (sourced("kind: access-log, path: /x, name: probes"), "sources: the name probes is reserved for the counts"),
        (sourced("kind: log"), "sources[0].kind: needs one of these kinds: access-log, metrics, prometheus"),
        (sourced("path: /x"), "sources[0]: needs one of these kinds"),
        (sourced("kind: access-log"), "sources[0]: needs path"),
        (sourced("kind: access-log, path: x"), "sources[0].path: 'x' is not an absolute path"),
        (sourced("kind: access-log, path: /x, url: http://x/"), "sources[0]: unknown key 'url'"),
        (sourced("kind: metrics, url: http://y/, total: sum(x), errors: x"), "total: 'sum(x)' is not a counter"),
        (sourced("kind: prometheus, url: http://y/, total: up, errors: up"), "total: 'up' is not a query"),
    ],
)
def test_each_mistake_is_named(text: str, message: str) -> None:
    """A watch that watches something else than was meant would be worse than none."""
    with pytest.raises(ConfigError) as refused:
        read(text)
    assert any(message in problem for problem in refused.value.problems), refused.value.problems


def test_they_are_shown_by_the_keys_of_the_file() -> None:
    """With the defaults in their places, so that what counts is seen without the reference (OBS-1)."""
    found = read(FULL)
    shown = json.loads(config_view.as_json(listing(settings.load({}), found), found))["environments"]
    assert shown[1] == {"name": "staging", "url": None, "deploy_timeout_s": None, "rollback": None, "watch": None}
    assert shown[0] == {
        "name": "production",
        "url": "https://shop.example/",
        "deploy_timeout_s": 600,
        "rollback": "./deploy.sh",
        "watch": {
            "window_s": 600,
            "every_s": 20,
            "failures": 2,
            "min_requests": 50,
            "max_ratio": 0.1,
            "warmup_s": 15,
            "control": "https://status.example/",
            "probes": [
                {
                    "url": "https://shop.example/",
                    "status": [200, 301],
                    "body": "Welcome|Hello",
                    "latency_s": 2.5,
                    "timeout_s": 5.0,
                    "follow": True,
                },
                {
                    "url": "https://shop.example/cart",
                    "status": [401],
                    "body": None,
                    "latency_s": None,
                    "timeout_s": 10.0,
                    "follow": False,
                },
            ],
            "sources": [
                {
                    "kind": "access-log",
                    "name": "access-log /var/log/nginx/access.log",
                    "path": "/var/log/nginx/access.log",
                },
                {
                    "kind": "metrics",
                    "name": "the app",
                    "url": "http://127.0.0.1:9000/metrics",
                    "total": "requests_total",
                    "errors": 'requests_total{code=~"5.."}',
                },
                {
                    "kind": "prometheus",
                    "name": "prometheus http://127.0.0.1:9090",
                    "url": "http://127.0.0.1:9090",
                    "total": "sum(increase(requests_total[$window]))",
                    "errors": 'sum(increase(requests_total{code=~"5.."}[$window]))',
                },
            ],
        },
    }


def test_people_see_a_row_for_each_key() -> None:
    """Nothing of a file that other people wrote gets to a terminal as it is."""
    found = read(FULL.replace("./deploy.sh", '"./deploy.sh\\e[2J"'))
    text = config_view.as_text(listing(settings.load({}), found), found, origins=False)
    rows = [line.split(maxsplit=2) for line in text.splitlines()]
    for row in (
        ["ENVIRONMENT", "KEY", "VALUE"],
        ["production", "deploy_timeout_s", "600"],
        ["production", "watch.every_s", "20"],
        ["production", "watch.probes[0].status", "200, 301"],
        ["production", "watch.probes[0].follow", "true"],
        ["production", "watch.probes[1].body", "-"],
        ["production", "watch.sources[0].path", "/var/log/nginx/access.log"],
        ["staging", "watch", "-"],
    ):
        assert row in rows
    assert "\x1b" not in text
    assert "./deploy.sh" in text
    assert "ENVIRONMENT" not in config_view.as_text(listing(settings.load({}), Config()), Config(), origins=False)
