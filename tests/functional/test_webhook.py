"""The signed webhook: who sent it, when, and once (NTF-1)."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time

import pytest

from orch_gates.notify.delivery import Delivery, DeliveryResult
from orch_gates.notify.webhook import Webhook
from tests.fakes import scripted_http
from tests.fakes.scripted_http import Answer, says

SECRET = secrets.token_hex(16)
NOW = 1_790_000_000
DOCUMENT = '{"schema": "orch.card-event/1", "title": "ü"}'


def send(*answers: Answer, timeout: float = 5) -> tuple[Delivery, list[scripted_http.Asked]]:
    with scripted_http.serving(*answers) as server:
        return Webhook(f"{server.url}/hook", SECRET, timeout).send(DOCUMENT, "T-1-abc", NOW), server.seen


def test_a_receiver_can_check_who_sent_it_and_when() -> None:
    """The signature is over the time and the very bytes of the body, with the shared secret."""
    delivery, seen = send(says(204))
    assert delivery.result is DeliveryResult.SHOWN
    (asked,) = seen
    assert asked.method == "POST"
    assert asked.body == DOCUMENT.encode()
    told = {name.lower(): value for name, value in asked.headers.items()}
    signed = f"{told['x-orch-timestamp']}.".encode() + asked.body
    wanted = hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()
    assert told["x-orch-signature-256"] == f"sha256={wanted}"
    assert told["x-orch-timestamp"] == str(NOW)
    assert told["x-orch-delivery"] == "T-1-abc"
    assert told["content-type"] == "application/json"


def test_the_secret_is_not_sent() -> None:
    """Neither in a header nor in the body."""
    _, (asked,) = send(says(200))
    assert SECRET not in f"{asked.path} {asked.headers} {asked.body!r}"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed(status: int) -> None:
    """The card goes where it was set to go, or nowhere."""
    with scripted_http.serving(says(200)) as other:
        delivery, _ = send(says(status, b"", Location=other.url))
        assert other.seen == []
    assert delivery.result is DeliveryResult.REFUSED
    assert "no redirect is followed" in delivery.reason


@pytest.mark.parametrize(
    ("answer", "result"),
    [
        (says(400, b""), DeliveryResult.REFUSED),
        (says(404, b""), DeliveryResult.REFUSED),
        (says(500, b""), DeliveryResult.UNKNOWN),
        (says(503, b""), DeliveryResult.LATER),
        (scripted_http.cut_off, DeliveryResult.UNKNOWN),
        (scripted_http.resets, DeliveryResult.UNKNOWN),
    ],
)
def test_what_an_answer_proves(answer: Answer, result: DeliveryResult) -> None:
    """Refused, certainly not taken, or not known: each posts once and raises nothing."""
    delivery, seen = send(answer)
    assert delivery.result is result
    assert delivery.reason
    assert len(seen) == 1


def test_a_limit_is_handed_on_and_not_slept() -> None:
    """The wait that a server asks for is somebody else's to keep."""
    began = time.monotonic()
    delivery, _ = send(says(429, b"", Retry_After="120"))
    assert (delivery.result, delivery.wait) == (DeliveryResult.LATER, 120)
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("answer", [scripted_http.hangs, scripted_http.drips])
def test_a_slow_server_costs_no_more_than_the_time(answer: Answer) -> None:
    """All of the answer has to be there in time, not each byte."""
    began = time.monotonic()
    delivery, _ = send(answer, timeout=0.5)
    assert delivery.result is DeliveryResult.UNKNOWN
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    ("url", "signed", "word"),
    [
        ("http://ci.example/hook", True, "https://"),
        ("ftp://ci.example/hook", True, "https://"),
        ("https://ci.example:port/", True, "https://"),
        ("https://ci.example/hook", False, "ORCH_WEBHOOK_SECRET"),
    ],
)
def test_what_cannot_be_signed_or_kept_secret_is_not_sent(url: str, signed: bool, word: str) -> None:
    """No secret, or a network that everybody reads: nothing is posted, and the message says what to set."""
    delivery = Webhook(url, SECRET if signed else "", 1).send(DOCUMENT, "T-1-abc", NOW)
    assert delivery.result is DeliveryResult.REFUSED
    assert word in delivery.reason


def test_an_address_with_a_token_is_not_shown() -> None:
    """Receivers put tokens into the path: a message names the host only."""
    token = secrets.token_hex(16)
    hook = Webhook(f"http://127.0.0.1:9/{token}", SECRET, 1)
    assert token not in f"{hook.send(DOCUMENT, 'd', NOW)} {hook.place} {hook!r}"
