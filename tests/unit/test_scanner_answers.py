"""An engine's answer is believed only if it is one that it gives when all is well (SEC-2, SEC-6)."""

from __future__ import annotations

import json
import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orch_gates.errors import ScannerError
from orch_gates.scanners import gitleaks, kingfisher
from orch_gates.scanners.paths import applies
from orch_gates.scanners.port import Match, Scan

SECRET = secrets.token_hex(20)
LEAK = {
    "RuleID": "github-pat",
    "Description": "A token",
    "StartLine": 3,
    "File": "/some/where/bundle-000001.txt",
    "Secret": SECRET,
    "Match": f"token = {SECRET}",
}
LOG = b"INF scanned ~1234 bytes (1.23 KB) in 5ms\nWRN leaks found: 1\n"
FINDING = {
    "rule": {"id": "kingfisher.github.1", "name": "A token"},
    "finding": {"snippet": SECRET, "path": "/some/where/bundle-000001.txt", "line": 3},
}
REPORT = {"findings": [FINDING], "metadata": {"summary": {"bytes_scanned": 1234}}}


def test_a_finished_gitleaks_scan_is_read() -> None:
    """Rule, bundle, line and secret of a match, and the number of bytes that were scanned."""
    scan = gitleaks.parse(42, json.dumps([LEAK]).encode(), LOG)
    text = f"token = {SECRET}".encode()
    match = Match("bundle-000001.txt", 3, "github-pat", "A token", SECRET.encode(), text, generic=False)
    assert scan == Scan(1234, (match,))


def test_the_entropy_rule_is_known_as_generic() -> None:
    """Only that rule may be switched off by a path."""
    [match] = gitleaks.parse(42, json.dumps([{**LEAK, "RuleID": "generic-api-key"}]).encode(), LOG).matches
    assert match.generic


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
        (42, b'[{"RuleID": "x"}]', LOG),
        (42, b'["x"]', LOG),
        (42, json.dumps([{**LEAK, "StartLine": None}]).encode(), LOG),
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


@pytest.mark.parametrize("returncode", [200, 205])
def test_a_finished_kingfisher_scan_is_read(returncode: int) -> None:
    """The same of kingfisher, whose JSON may be followed by other lines."""
    scan = kingfisher.parse(returncode, json.dumps(REPORT).encode() + b"\nnote: done\n")
    secret = SECRET.encode()
    assert scan.bytes_scanned == 1234
    [match] = scan.matches
    assert (match.bundle, match.line, match.rule, match.secret) == (
        "bundle-000001.txt",
        3,
        "kingfisher.github.1",
        secret,
    )
    assert not match.generic


@pytest.mark.parametrize(
    ("returncode", "stdout"),
    [
        (0, json.dumps(REPORT).encode()),
        (1, json.dumps(REPORT).encode()),
        (2, b""),
        (-9, json.dumps(REPORT).encode()),
        (200, b""),
        (200, b"not JSON"),
        (200, b"[]"),
        (200, b"{}"),
        (200, json.dumps({"findings": [FINDING]}).encode()),
        (200, json.dumps({**REPORT, "findings": [{}]}).encode()),
        (200, json.dumps({**REPORT, "findings": None}).encode()),
        (200, json.dumps({**REPORT, "metadata": {"summary": {"bytes_scanned": None}}}).encode()),
        (200, json.dumps(REPORT).encode()[:-5]),
    ],
)
def test_any_other_kingfisher_answer_is_an_error(returncode: int, stdout: bytes) -> None:
    """Exit 0 is no finding, and there were canaries to find: nothing is proven."""
    with pytest.raises(ScannerError, match="kingfisher"):
        kingfisher.parse(returncode, stdout)


@given(returncode=st.sampled_from([0, 1, 42, 200, 205]), stdout=st.binary(max_size=60), log=st.binary(max_size=40))
def test_garbage_is_an_error_of_the_scanner(returncode: int, stdout: bytes, log: bytes) -> None:
    """No output makes the readers fail in another way, or succeed."""
    with pytest.raises(ScannerError):
        gitleaks.parse(returncode, b"x" + stdout, LOG + log)
    with pytest.raises(ScannerError):
        kingfisher.parse(returncode, b"x" + stdout)


@pytest.mark.parametrize(
    ("rule", "generic", "path", "wanted"),
    [
        ("github-pat", False, "src/main.py", True),
        ("github-pat", False, "package-lock.json", True),
        ("github-pat", False, "node_modules/a/index.js", True),
        ("github-pat", False, "image.png", True),
        ("generic-api-key", True, "src/main.py", True),
        ("generic-api-key", True, "package-lock.json", False),
        ("generic-api-key", True, "web/yarn.lock", False),
        ("generic-api-key", True, "go.sum", False),
        ("generic-api-key", True, "a/node_modules/b/index.js", False),
        ("generic-api-key", True, "my-node_modules.py", True),
        ("generic-api-key", True, "go.sum.py", True),
        ("generic-api-key", True, "", True),
        ("kubernetes-secret-yaml", False, "deploy/app.yaml", True),
        ("kubernetes-secret-yaml", False, "deploy/app.YML", True),
        ("kubernetes-secret-yaml", False, "deploy/app.py", False),
        ("kubernetes-secret-yaml", False, "", True),
        ("hashicorp-tf-password", False, "main.tf", True),
        ("hashicorp-tf-password", False, "main.py", False),
        ("freemius-secret-key", False, "a.php", True),
        ("freemius-secret-key", False, "a.txt", False),
        ("nuget-config-password", False, "NuGet.Config", True),
        ("nuget-config-password", False, "app.config", False),
    ],
)
def test_what_a_path_says_about_a_match(rule: str, generic: bool, path: str, wanted: bool) -> None:
    """A generated file quietens the entropy rule and no other; messages and names have no path."""
    assert applies(rule, generic, path) is wanted


@given(path=st.text(max_size=30))
def test_no_path_exempts_a_provider_rule(path: str) -> None:
    """Whatever a file is called, a token of a known form in it counts (SEC-4)."""
    assert applies("github-pat", False, path)
