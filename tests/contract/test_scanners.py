"""The port of a secret scanner: the same promises from the real gitleaks and the real kingfisher (SEC-6)."""

from __future__ import annotations

import os
import secrets
import string
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from orch_gates.content.bundle import Bundles
from orch_gates.content.fragments import Fragment, Origin
from orch_gates.errors import ProcessError, ScannerError
from orch_gates.scanners.gitleaks import CONFIG, Gitleaks
from orch_gates.scanners.kingfisher import Kingfisher
from orch_gates.scanners.port import Engine, SecretScanner

ORDINARY = Path(os.__file__).read_bytes()
TIMEOUT = 120


@pytest.fixture(params=["gitleaks", "kingfisher"])
def scanner(
    request: pytest.FixtureRequest, real: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SecretScanner]:
    env = {"PATH": os.environ["PATH"]}
    path = str(real(request.param))
    if request.param == "gitleaks":
        yield Gitleaks(Engine("gitleaks", path, CONFIG), env)
    else:
        cache = tmp_path_factory.getbasetemp() / "kingfisher-rules"
        cache.mkdir(exist_ok=True)
        yield Kingfisher(Engine("kingfisher", path, None), env, cache)


def token() -> bytes:
    return b"ghp_" + "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(36)).encode()


def bundled(directory: Path, scanner: SecretScanner, *texts: bytes) -> Bundles:
    made = Bundles(directory, scanner.canary, 50_000_000)
    made.write(Fragment(Origin("file", f"{at}.py", "", str(at)), 1, text) for at, text in enumerate(texts))
    return made


def secrets_found(scanner: SecretScanner, directory: Path) -> set[bytes]:
    return {match.secret for match in scanner.scan(directory, timeout=TIMEOUT).matches}


def test_ordinary_text_holds_its_canaries_and_nothing_else(scanner: SecretScanner, tmp_path: Path) -> None:
    """Every bundle's canary is found in that bundle, nothing else is, and every byte is counted."""
    made = bundled(tmp_path, scanner, *[ORDINARY[at : at + 3_000] for at in range(0, 30_000, 3_000)])
    scan = scanner.scan(tmp_path, timeout=TIMEOUT)
    assert {(match.bundle, match.secret) for match in scan.matches} == set(made.canaries.items())
    assert scan.bytes_scanned == made.bytes_written


def test_a_token_is_found_where_it_stands(scanner: SecretScanner, tmp_path: Path) -> None:
    """The bundle and the line that the engine names lead back to the file and its line."""
    leak = token()
    made = bundled(tmp_path, scanner, ORDINARY[:5_000], b"one\ntwo\nkey = '" + leak + b"'\n", ORDINARY[:5_000])
    scan = scanner.scan(tmp_path, timeout=TIMEOUT)
    [match, *_] = [match for match in scan.matches if match.secret == leak]
    place = made.locate(match.bundle, match.line, match.secret)
    assert place is not None
    fragment, offset = place
    assert (fragment.origin.path, fragment.first_line + offset) == ("1.py", 3)


@pytest.mark.parametrize("comment", [b"gitleaks:allow", b"kingfisher:ignore", b"nosec", b"pragma: allowlist secret"])
def test_a_comment_allows_nothing(scanner: SecretScanner, tmp_path: Path, comment: bytes) -> None:
    """What stands beside a token in the judged text does not switch the rule off (SEC-4)."""
    leak = token()
    bundled(tmp_path, scanner, b"key = '" + leak + b"'  # " + comment + b"\n")
    assert leak in secrets_found(scanner, tmp_path)


def test_a_pushed_configuration_changes_nothing(
    scanner: SecretScanner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Configuration in the environment or around the process is not looked at (P5)."""
    allow_all = "[allowlist]\npaths = ['.*']\n"
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / ".gitleaks.toml").write_text(allow_all)
    (elsewhere / ".gitleaksignore").write_text("*\n")
    monkeypatch.setenv("GITLEAKS_CONFIG", str(elsewhere / ".gitleaks.toml"))
    monkeypatch.setenv("GITLEAKS_CONFIG_TOML", allow_all)
    monkeypatch.chdir(elsewhere)
    leak = token()
    directory = tmp_path / "bundles"
    directory.mkdir()
    bundled(directory, scanner, leak)
    assert leak in secrets_found(scanner, directory)


def test_the_same_secret_twice_is_two_matches(scanner: SecretScanner, tmp_path: Path) -> None:
    """Nothing is left out as a repetition: each place has to be mended."""
    leak = token()
    bundled(tmp_path, scanner, ORDINARY[:3_000] + b"\n" + leak, ORDINARY[:3_000] + b"\n" + leak)
    scan = scanner.scan(tmp_path, timeout=TIMEOUT)
    assert len({match.bundle for match in scan.matches if match.secret == leak}) == 2


def test_no_bundles_prove_nothing(scanner: SecretScanner, tmp_path: Path) -> None:
    """An empty folder is an error, never a clean scan."""
    with pytest.raises(ScannerError):
        scanner.scan(tmp_path, timeout=TIMEOUT)


def test_a_missing_folder_is_an_error(scanner: SecretScanner, tmp_path: Path) -> None:
    """An engine that was given nothing to read has scanned nothing."""
    with pytest.raises((ScannerError, ProcessError)):
        scanner.scan(tmp_path / "missing", timeout=TIMEOUT)


def test_a_scan_that_takes_too_long_is_ended(scanner: SecretScanner, tmp_path: Path) -> None:
    """The limit holds, and is an error (SEC-9)."""
    bundled(tmp_path, scanner, *[ORDINARY[:20_000]] * 300)
    started = time.monotonic()
    with pytest.raises(ProcessError, match="did not finish"):
        scanner.scan(tmp_path, timeout=0.02)
    assert time.monotonic() - started < 20


def test_canaries_are_never_the_same(scanner: SecretScanner) -> None:
    """A canary is made anew each time, so no list of known values can hold it."""
    assert len({scanner.canary() for _ in range(100)}) == 100
