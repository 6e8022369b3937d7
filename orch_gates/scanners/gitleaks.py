"""gitleaks, where a setting names it (SEC-6): its own rules, each piece of text through its standard input.

It is never given a repository or refs: its git mode exits 0 when git fails underneath it, and its default rules leave
out whole paths. A piece is a process, so it takes about 45 ms for each; a long history is better judged without it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from orch_gates import process
from orch_gates.errors import ScannerError
from orch_gates.scanners.matcher import CANARY_RULE, MatcherOutput, Raw, canary
from orch_gates.scanners.rules.meta import RuleMeta

CONFIG = Path(__file__).with_name("gitleaks.toml")
LEAKS_FOUND = 42
_GENERIC_RULES = frozenset({"generic-api-key"})
_SCANNED = re.compile(r"scanned ~(\d+) bytes")
_OPTIONS = (
    *("stdin", "--no-banner", "--no-color", "--log-level=info", f"--exit-code={LEAKS_FOUND}", f"--config={CONFIG}"),
    *("--ignore-gitleaks-allow", "--report-format=json", "--report-path=-"),
)


class Gitleaks:
    """The gitleaks binary; every call plants a canary and has to find it."""

    decides = True

    def __init__(self, binary: str, path: str) -> None:
        self._binary, self._path = binary, path
        self.rules = _Described()

    def scan(self, data: bytes, *, timeout: float) -> MatcherOutput:
        """See `matcher.Matcher.scan`.

        Raises:
            ScannerError: gitleaks failed, or its answer is not one that it gives when all is well.
            ProcessError: it could not be started or took too long.
        """
        token = canary()
        text = b"%b\n\n%b\n" % (data, token)
        done = process.run(
            [self._binary, *_OPTIONS],
            env={"PATH": self._path, "HOME": "/nonexistent", "LC_ALL": "C"},
            timeout=timeout,
            stdin=text,
            session=False,
        )
        scanned, report = parse(done.returncode, done.stdout, done.stderr)
        if scanned != len(text):
            raise ScannerError(f"gitleaks scanned {scanned} of {len(text)} bytes")
        lines = _starts(text)
        found = [raw for item in report if (raw := _raw(item, text, lines)) is not None]
        if not any(raw.rule == CANARY_RULE and raw.secret == token for raw in found):
            raise ScannerError("gitleaks did not find a token that was planted for it")
        return MatcherOutput(scanned - len(text) + len(data), 1, [raw for raw in found if raw.start < len(data)])


def parse(returncode: int, stdout: bytes, stderr: bytes) -> tuple[int, list[Any]]:
    """Read gitleaks' answer: the bytes that it scanned, and its report.

    Every text holds a canary, so a scan that worked always exits with `LEAKS_FOUND`; its other
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
    except (ValueError, RecursionError) as error:
        raise ScannerError(f"gitleaks printed no usable report: {type(error).__name__}") from error
    if not isinstance(report, list):
        raise ScannerError("gitleaks printed no usable report: no list")
    return int(counted.group(1)), report


def config_digest() -> str:
    """The digest of the configuration that it is given."""
    return "sha256:" + hashlib.sha256(CONFIG.read_bytes()).hexdigest()


class _Described(dict[str, RuleMeta]):
    """What is said about its rules: they are inside the program, so each is met when it finds something."""

    def __missing__(self, rule: str) -> RuleMeta:
        self[rule] = RuleMeta(id=rule, description=rule.replace("-", " "), generic=rule in _GENERIC_RULES)
        return self[rule]


def _raw(item: Mapping[str, Any], text: bytes, lines: list[int]) -> Raw | None:
    """A finding as a span: its line is told, its bytes are looked for from there."""
    try:
        secret = str(item["Secret"]).encode("utf-8", "surrogateescape")
        line = int(item["StartLine"])
        rule = str(item["RuleID"])
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise ScannerError(f"gitleaks printed no usable report: {type(error).__name__}") from error
    # Its line may be off by one where a rule matches white space first.
    low = lines[min(max(line - 2, 0), len(lines) - 1)]
    start = text.find(secret, low)
    if start < 0:
        # What it decoded stands there in another form.
        return Raw(rule, low, low + 1, secret, decoded=True)
    return Raw(rule, start, start + len(secret), secret)


def _starts(text: bytes) -> list[int]:
    starts = [0]
    while (at := text.find(b"\n", starts[-1])) >= 0:
        starts.append(at + 1)
    return starts


def _last_line(log: str) -> str:
    lines = [line for line in log.splitlines() if line.strip()]
    return lines[-1][-200:] if lines else "it said nothing"
