"""Probes on a real server: what each kind of answer is called, and what is never followed or sent (WCH-2)."""

from __future__ import annotations

import socket
from dataclasses import replace
from pathlib import Path

import pytest

from orch_gates.deploy.sources import probes, web
from orch_gates.deploy.sources.probes import Target
from orch_gates.deploy.sources.sampler import sampler_of
from orch_gates.engine.watch_assessment import Count
from orch_gates.engine.watch_plan import ProbePlan, WatchPlan
from orch_gates.model.watch import Probed
from tests.fakes.scripted_http import certificate, chunked, cut_off, drips, hangs, resets, says, sends, serving


def asked(target: Target) -> tuple[Probed, str]:
    (found,) = probes.ask([target]).probes
    return found.result, found.why


@pytest.mark.parametrize(
    ("status", "why"),
    [
        (200, ""),
        (204, ""),
        (304, "answered 304 Not Modified; expected 2xx"),
        (404, "answered 404 Not Found, a client error: check the probe"),
        (500, "answered 500 Internal Server Error, a server error"),
        (503, "answered 503 Service Unavailable, a server error"),
        (599, "answered 599, a server error"),
    ],
)
def test_a_status_is_called_by_its_name(status: int, why: str) -> None:
    """Any 2xx is right unless a status is named."""
    with serving(says(status)) as server:
        assert asked(Target(server.url)) == (Probed.FAILED if why else Probed.OK, why)


def test_only_a_status_that_is_named_is_right() -> None:
    """As of a page that is meant to ask for a password."""
    with serving(says(401), says(200)) as server:
        assert asked(Target(server.url, statuses=(401, 403)))[0] is Probed.OK
        assert asked(Target(server.url, statuses=(401, 403)))[1] == "answered 200 OK; expected 401 or 403"


def test_what_does_not_answer_is_told_apart() -> None:
    """Refused, hanging, cut off, reset and dripping are no server errors, and each has its name."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{unused.getsockname()[1]}/"
        assert asked(Target(nobody)) == (Probed.FAILED, "refused the connection")
    with serving(hangs, drips, resets, cut_off) as server:
        assert asked(Target(server.url, timeout=0.3))[1] == "did not answer within 0.3 s"
        assert asked(Target(server.url, body="x", timeout=0.5))[1] == "did not answer within 0.5 s"
        assert asked(Target(server.url, body="x"))[1].startswith("broke off")
        assert asked(Target(server.url, body="x"))[0] is Probed.FAILED
    with serving(sends(b"SSH-2.0-OpenSSH_9.2\r\n")) as server:
        assert asked(Target(server.url))[0] is Probed.FAILED


def test_a_certificate_that_is_not_trusted_is_a_failure_of_tls(tmp_path: Path) -> None:
    """Users see it too."""
    with serving(says(200), certificate=certificate(tmp_path)) as server:
        assert "a certificate that is not trusted" in asked(Target(server.url))[1]
    with serving(says(200)) as server:
        assert "TLS" in asked(Target(server.url.replace("http:", "https:")))[1]


def test_the_body_has_to_fit() -> None:
    """A green status over an error page is no health; the pattern is searched in what came."""
    with serving(says(200, b"<h1>Welcome</h1>"), says(200, b"<h1>Oops</h1>"), chunked(b"Wel", b"come")) as server:
        target = Target(server.url, body="Welcome|Hello")
        assert asked(target)[0] is Probed.OK
        assert asked(target) == (Probed.FAILED, "answered 200 OK without 'Welcome|Hello'")
        assert asked(target)[0] is Probed.OK


def test_a_huge_body_is_read_in_part_only() -> None:
    """What stands behind that counts as not there, and is said so."""
    with serving(says(200, b" " * 10_000_000 + b"Welcome")) as server:
        assert asked(Target(server.url, body="Welcome"))[1].endswith("in its first 262144 bytes")


def test_a_pattern_that_takes_too_long_proves_nothing() -> None:
    """It is a mistake in the configuration, and no failure of production."""
    with serving(says(200, b"a" * 5000 + b"!")) as server:
        result, why = asked(Target(server.url, body="(a+)+$"))
    assert result is Probed.NOT_MADE
    assert "takes more than 2 s" in why


def test_a_slow_answer_fails_where_a_bound_is_set() -> None:
    """The time of the whole answer counts."""
    with serving(drips) as server:
        page = web.get(server.url, timeout=5, most=3)
    assert isinstance(page, web.WebResponse)
    slow = web.WebResponse(200, b"", whole=True, seconds=2.01)
    assert probes.classify(Target("http://x/", latency=2), slow).why == "took 2.01 s; the limit is 2 s"
    assert probes.classify(Target("http://x/", latency=2.01), slow).result is Probed.OK
    assert probes.classify(Target("http://x/"), slow).result is Probed.OK


def test_a_redirect_is_followed_on_the_same_host_only() -> None:
    """Another host, or another port, answers for itself; following it has to be asked for."""
    with (
        serving(says(200, b"there")) as other,
        serving(says(302, Location=other.url), says(302, Location="/a"), says(200)) as it,
    ):
        result, why = asked(Target(it.url))
        assert result is Probed.FAILED
        assert why == (
            f"answered 302 Found, a redirect to {other.url}, which is another port of the same host: "
            "probe that address, or follow redirects"
        )
        assert other.seen == []
        assert asked(Target(it.url))[0] is Probed.OK
    with serving(says(200, b"there")) as other, serving(says(302, Location=other.url)) as it:
        assert asked(Target(it.url, body="there", anywhere=True))[0] is Probed.OK
    with serving(says(302, Location="/again")) as it:
        assert "more than 5 times" in asked(Target(it.url))[1]
        assert len(it.seen) == 6


@pytest.mark.parametrize(
    ("location", "to"),
    [
        ("https://127.0.0.1/", "https://127.0.0.1/, which is the same host over https"),
        ("https://127.0.0.1:8443/a?state=secret", "https://127.0.0.1:8443/a, which is the same host over https"),
        ("http://shop.example/login?back=/a#x", "http://shop.example/login, which is another host"),
        ("//shop.example/", "http://shop.example/, which is another host"),
        ("mailto:ann@shop.example?subject=x", "mailto:ann@shop.example, which is not a web address"),
        ("http://[::1/", "http://[::1/, which is not a web address"),
    ],
)
def test_a_redirect_that_is_not_followed_says_where_it_leads(location: str, to: str) -> None:
    """Most often to https of the very host, which is no other one; what its query holds is told to nobody."""
    with serving(says(301, Location=location)) as it:
        why = f"answered 301 Moved Permanently, a redirect to {to}: probe that address, or follow redirects"
        assert asked(Target(it.url)) == (Probed.FAILED, why)


def test_a_server_error_that_is_right_is_no_error() -> None:
    """As of a page that says that a shop is closed: the probe is well, so it counts for no ratio either."""
    with serving(says(503)) as closed, serving(says(500)) as ill:
        found = probes.ask([Target(closed.url, statuses=(503,)), Target(ill.url, statuses=(503,))])
    assert [one.result for one in found.probes] == [Probed.OK, Probed.FAILED]
    assert found.own == Count("probes", 2, 1)


def test_what_is_seen_before_a_deploy_asks_the_control_too() -> None:
    """Else an outage of the runner would excuse what the deploy breaks."""
    with socket.socket() as unused, serving(says(503)) as ill, serving(says(200)) as control:
        unused.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{unused.getsockname()[1]}/"
        plan = WatchPlan(probes=(ProbePlan(ill.url),), control=control.url)
        assert sampler_of(plan).before(1).control is True
        alone = sampler_of(replace(plan, control=nobody)).before(1)
    assert (alone.control, alone.readings) == (False, ())


def test_one_failure_before_a_deploy_is_looked_at_again() -> None:
    """A probe that flakes once excuses nothing; one that fails each time is what was there before."""
    with serving(says(503), says(200)) as flaky, serving(says(503), says(503), says(200)) as ill:
        assert sampler_of(WatchPlan(probes=(ProbePlan(flaky.url),))).before(2).probes[0].result is Probed.OK
        assert sampler_of(WatchPlan(probes=(ProbePlan(ill.url),))).before(2).probes[0].result is Probed.FAILED


def test_no_credential_is_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a netrc file of this machine has is for others."""
    (tmp_path / "netrc").write_text(f"machine 127.0.0.1 login me password {tmp_path.name}\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with serving(says(200)) as server:
        asked(Target(server.url))
        assert "Authorization" not in server.seen[0].headers
    assert Target("http://me:word@host.example/a?token=x").name == "http://host.example/a"


def test_several_targets_are_asked_at_once_and_counted() -> None:
    """One that hangs delays no other; server errors are counted for the ratio."""
    with serving(says(503)) as ill, serving(says(404)) as strange, serving(hangs) as stuck, serving(says(200)) as well:
        found = probes.ask([Target(one.url, timeout=2) for one in (ill, strange, stuck, well)])
    assert [one.result is Probed.OK for one in found.probes] == [False, False, False, True]
    assert found.own == Count("probes", 4, 1)


def test_the_control_target_tells_whether_anybody_is_reached() -> None:
    """Any answer does, also an error."""
    with serving(says(503)) as server:
        assert probes.reaches(server.url)
        url = server.url
    assert not probes.reaches(url, timeout=1)
