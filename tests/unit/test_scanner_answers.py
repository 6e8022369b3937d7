"""An engine's answer is believed only if it is one that it gives when all is well (SEC-2, SEC-6)."""

from __future__ import annotations

import json
import secrets
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orch_gates.errors import ScannerError
from orch_gates.scanners import gitleaks
from orch_gates.scanners.answer import Hit, RuleAnswer, read_scan

SECRET = secrets.token_hex(20)
LEAK = {"RuleID": "github-pat", "StartLine": 3, "Secret": SECRET, "Match": f"token = {SECRET}"}
LOG = b"INF scanned ~1234 bytes (1.23 KB) in 5ms\nWRN leaks found: 1\n"
HIT = Hit("file", "1" * 40, "a \udcff.py", "github-pat", 3, 4, 7, b"\0\xff", frozenset({"other"}))
ANSWER: dict[str, Any] = {
    **dict.fromkeys(
        ("objects", "commits", "bytes", "bytes_given", "bytes_scanned", "bytes_repeated", "canaries", "canaries_found"),
        7,
    ),
    "ids": "abc",
    "hits": [HIT.plain()],
    "rules": [["github-pat", "A token", 0, 1]],
}


def test_a_finished_gitleaks_scan_is_read() -> None:
    """The number of bytes that were scanned, and the report."""
    assert gitleaks.parse(42, json.dumps([LEAK]).encode(), LOG) == (1234, [LEAK])


@pytest.mark.parametrize(
    ("returncode", "stdout", "stderr"),
    [
        (0, b"[]", LOG),
        (0, json.dumps([LEAK]).encode(), LOG),
        (1, json.dumps([LEAK]).encode(), LOG),
        (126, b"", b"Error: unknown flag: --config\n"),
        (-9, json.dumps([LEAK]).encode(), LOG),
        (42, b"", LOG),
        (42, b"not JSON", LOG),
        (42, b"null", LOG),
        (42, b"7", LOG),
        (42, json.dumps([LEAK]).encode(), b""),
        (42, json.dumps([LEAK]).encode(), b"WRN leaks found: 1\n"),
        (42, json.dumps([LEAK]).encode(), LOG + b"WRN partial scan completed in 1s\n"),
        (42, json.dumps([LEAK]).encode()[:-3], LOG),
    ],
)
def test_any_other_gitleaks_answer_is_an_error(returncode: int, stdout: bytes, stderr: bytes) -> None:
    """Exit 0, 1, 126, a signal, no report, half a report, no byte count, a partial scan: nothing is proven."""
    with pytest.raises(ScannerError, match="gitleaks"):
        gitleaks.parse(returncode, stdout, stderr)


@given(returncode=st.sampled_from([0, 1, 42, 200, 205]), stdout=st.binary(max_size=60), log=st.binary(max_size=40))
def test_garbage_is_an_error_of_the_scanner(returncode: int, stdout: bytes, log: bytes) -> None:
    """No output makes the reader fail in another way, or succeed."""
    with pytest.raises(ScannerError):
        gitleaks.parse(returncode, b"x" + stdout, LOG + log)


def test_a_workers_answer_is_read() -> None:
    """What was counted, and every hit with its bytes, whatever they are."""
    scan = read_scan(json.loads(json.dumps(ANSWER)))
    assert scan.hits == (HIT,)
    assert scan.rules == {"github-pat": RuleAnswer("A token", generic=False, bound=True)}
    assert (scan.objects, scan.ids) == (7, "abc")


@pytest.mark.parametrize(
    "change",
    [
        {"objects": None},
        {"objects": "seven"},
        {"hits": None},
        {"hits": [HIT.plain()[:-1]]},
        {"hits": [[7, *HIT.plain()[1:]]]},
        {"hits": [[*HIT.plain()[:7], "not base64!", ""]]},
        {"rules": []},
        {"rules": [["github-pat"]]},
        *({name: ...} for name in ANSWER),
    ],
)
def test_any_other_answer_of_a_worker_is_an_error(change: dict[str, Any]) -> None:
    """Native code has read hostile bytes there, so nothing about its answer is taken for granted."""
    changed = {name: value for name, value in {**ANSWER, **change}.items() if value is not ...}
    with pytest.raises(ScannerError, match="cannot be read"):
        read_scan(changed)
