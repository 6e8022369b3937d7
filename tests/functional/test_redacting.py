"""Taking secrets out of what a command wrote, before it is kept anywhere (SEC-5)."""

from __future__ import annotations

import base64
import itertools
import time
from pathlib import Path

import pytest

from orch_gates import settings
from orch_gates.errors import OrchError
from orch_gates.gates.security.redacting import Redactor
from tests.builders import characters, github_token, private_key

OWN = b"[[rules]]\nid = 'our-badge'\nregex = '''badge-[0-9]{12}'''\n"


def test_each_secret_is_replaced_by_the_rule_that_found_it(tmp_path: Path) -> None:
    """Also what is encoded, coloured, or goes over several lines; all else stays as it was."""
    token, key = github_token(), private_key(tmp_path)
    coded = base64.b64encode(f"token = {token}".encode()).decode()
    text = f"one\ntoken {token} and {token}\n{key}\ndata: {coded}\nlast \udcff\n"
    redactor = Redactor(settings.load())
    shown = redactor.redact(text)
    assert token not in shown
    assert coded not in shown
    assert key.split("\n")[1] not in shown
    assert shown.startswith("one\ntoken [removed: github-pat] and [removed: github-pat]\n[removed: ")
    assert shown.endswith("\nlast \udcff\n")


def test_what_is_clean_is_as_it_was() -> None:
    text = "".join(f"test {number} passed\n" for number in range(3000))
    assert Redactor(settings.load()).redact(text) == text


def test_the_repositorys_own_rules_count_too() -> None:
    """A server that judges the state branch by them would refuse it; a wrong file of them hides nothing."""
    badge, token = f"badge-{characters(12, '0123456789')}", github_token()
    shown = Redactor(settings.load(), OWN).redact(f"{badge} {token}")
    assert shown == "[removed: our-badge] [removed: github-pat]"
    assert Redactor(settings.load(), b"[[").redact(f"{badge} {token}") == f"{badge} [removed: github-pat]"


def test_an_engine_that_loads_meanwhile_is_used_once() -> None:
    """A text that comes soon is not waited for; every later one has an engine of its own."""
    token, redactor = github_token(), Redactor(settings.load())
    with redactor.loading():
        time.sleep(1.5)
        moments = [time.monotonic()]
        for _ in range(2):
            assert redactor.redact(token) == "[removed: github-pat]"
            moments.append(time.monotonic())
        first, second = (after - before for before, after in itertools.pairwise(moments))
        assert first * 2 < second
    assert redactor.redact(token) == "[removed: github-pat]"


def test_without_an_engine_nothing_is_told_to_be_clean() -> None:
    """Who asks keeps no text then (P2)."""
    redactor = Redactor(settings.load(overrides={"ORCH_SECURITY_ENGINE": "gitleaks", "ORCH_GITLEAKS_BIN": "/none"}))
    with redactor.loading(), pytest.raises(OrchError, match="ORCH_GITLEAKS_BIN"):
        redactor.redact("a text")
