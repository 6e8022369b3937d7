"""kingfisher, the embedded engine (SEC-6): a wheel, so it is there where gitleaks is not."""

from __future__ import annotations

import json
import secrets
import string
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orch_gates import process
from orch_gates.errors import ScannerError
from orch_gates.scanners.port import Engine, Match, Scan

FOUND = frozenset({200, 205})
_ALPHABET = string.ascii_letters + string.digits


@dataclass(frozen=True, slots=True)
class Kingfisher:
    """The kingfisher binary at `engine.path`.

    `rule_cache` is a directory for its compiled rules, without which each run takes seconds.
    """

    engine: Engine
    env: Mapping[str, str]
    rule_cache: Path | None

    def canary(self) -> bytes:
        """A random token of the form of a GitHub personal access token."""
        return b"ghp_" + "".join(secrets.choice(_ALPHABET) for _ in range(36)).encode("ascii")

    def scan(self, directory: Path, *, timeout: float) -> Scan:
        """See `SecretScanner.scan`."""
        cache = ["--no-rule-cache"] if self.rule_cache is None else [f"--rule-cache-dir={self.rule_cache}"]
        done = process.run(
            [
                self.engine.path,
                "scan",
                "--no-validate",
                "--no-update-check",
                "--no-dedup",
                "--no-ignore",
                "--no-extract-archives",
                "--git-history=none",
                *cache,
                "--format=json",
                str(directory),
            ],
            env={"PATH": self.env.get("PATH", ""), "HOME": "/nonexistent", "LC_ALL": "C"},
            cwd=directory,
            timeout=timeout,
        )
        return parse(done.returncode, done.stdout)


def parse(returncode: int, stdout: bytes) -> Scan:
    """Read kingfisher's answer; every bundle holds canaries, so a scan that worked found some.

    Raises:
        ScannerError: an exit code without findings, or no usable JSON.
    """
    if returncode not in FOUND:
        raise ScannerError(f"kingfisher did not finish a scan (exit {returncode})")
    try:
        report, _ = json.JSONDecoder().raw_decode(stdout.decode("utf-8", "surrogateescape"))
        scanned = int(report["metadata"]["summary"]["bytes_scanned"])
        matches = tuple(_match(item) for item in report["findings"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ScannerError(f"kingfisher printed no usable report: {type(error).__name__}") from error
    return Scan(scanned, matches)


def _match(item: Mapping[str, Any]) -> Match:
    rule, place = item["rule"], item["finding"]
    secret = str(place["snippet"]).encode("utf-8", "surrogateescape")
    return Match(
        bundle=Path(str(place["path"])).name,
        line=int(place["line"]),
        # The rules that both engines share keep one name, so that an exception fits either.
        rule=str(rule["id"]).removeprefix("betterleaks."),
        description=str(rule.get("description") or rule["name"]),
        secret=secret,
        text=secret,
        generic="generic" in str(rule["id"]),
    )
