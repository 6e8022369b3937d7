"""gitleaks, the canonical engine (SEC-6): default rules, nothing taken from the judged tree.

It is run over bundles, not over a repository: its git mode exits 0 when git fails underneath it,
and its default rules leave out whole paths (reference/scanners.md §0, §1).
"""

from __future__ import annotations

import json
import re
import secrets
import string
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orch_gates import process
from orch_gates.errors import ScannerError
from orch_gates.scanners.port import Engine, Match, Scan

CONFIG = Path(__file__).with_name("gitleaks.toml")
LEAKS_FOUND = 42
_GENERIC_RULES = frozenset({"generic-api-key"})
_SCANNED = re.compile(r"scanned ~(\d+) bytes")
_ALPHABET = string.ascii_letters + string.digits


@dataclass(frozen=True, slots=True)
class Gitleaks:
    """The gitleaks binary at `engine.path`."""

    engine: Engine
    env: Mapping[str, str]

    def canary(self) -> bytes:
        """A random token of the form of a GitHub personal access token."""
        return b"ghp_" + "".join(secrets.choice(_ALPHABET) for _ in range(36)).encode("ascii")

    def scan(self, directory: Path, *, timeout: float) -> Scan:
        """See `SecretScanner.scan`."""
        done = process.run(
            [
                self.engine.path,
                "dir",
                "--no-banner",
                "--no-color",
                "--log-level=info",
                f"--exit-code={LEAKS_FOUND}",
                f"--config={CONFIG}",
                "--ignore-gitleaks-allow",
                "--report-format=json",
                "--report-path=-",
                str(directory),
            ],
            env={"PATH": self.env.get("PATH", ""), "HOME": "/nonexistent", "LC_ALL": "C"},
            cwd=directory,
            timeout=timeout,
        )
        return parse(done.returncode, done.stdout, done.stderr)


def parse(returncode: int, stdout: bytes, stderr: bytes) -> Scan:
    """Read gitleaks' answer.

    Every bundle holds canaries, so a scan that worked always exits with `LEAKS_FOUND`; its other
    exit codes are errors, whatever the report says.

    Raises:
        ScannerError: any other exit code, no JSON, or no count of bytes.
    """
    log = stderr.decode("utf-8", "replace")
    counted = _SCANNED.search(log)
    if returncode != LEAKS_FOUND or counted is None or "partial scan" in log:
        raise ScannerError(f"gitleaks did not finish a scan (exit {returncode}): {_last_line(log)}")
    try:
        report = json.loads(stdout)
        matches = tuple(_match(item) for item in report)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ScannerError(f"gitleaks printed no usable report: {type(error).__name__}") from error
    return Scan(int(counted.group(1)), matches)


def _match(item: Mapping[str, Any]) -> Match:
    rule = str(item["RuleID"])
    return Match(
        bundle=Path(str(item["File"])).name,
        line=int(item["StartLine"]),
        rule=rule,
        description=str(item["Description"]),
        secret=str(item["Secret"]).encode("utf-8", "surrogateescape"),
        text=str(item["Match"]).encode("utf-8", "surrogateescape"),
        generic=rule in _GENERIC_RULES,
    )


def _last_line(log: str) -> str:
    lines = [line for line in log.splitlines() if line.strip()]
    return lines[-1][-200:] if lines else "it said nothing"
