"""The matcher in this process: Kingfisher's library with the bundle's rules, never with its own (SEC-6)."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orch_gates.errors import BudgetExceeded, ScannerError
from orch_gates.scanners import native

CANARY_RULE = "github-pat"
_ALPHABET = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_TO_ALPHABET = bytes(_ALPHABET[number % len(_ALPHABET)] for number in range(256))


@dataclass(frozen=True, slots=True)
class Raw:
    """A rule's match: the secret's place in the buffer and its bytes, which are others where it was `decoded`."""

    rule: str
    start: int
    end: int
    secret: bytes
    decoded: bool = False


@dataclass(frozen=True, slots=True)
class MatcherOutput:
    """What an engine read of one text: its bytes, the canaries that it found, and its matches by their places."""

    bytes: int
    canaries: int
    matches: list[Raw]


def canary() -> bytes:
    """A fresh random token of the form of a GitHub personal access token."""
    return b"ghp_" + os.urandom(36).translate(_TO_ALPHABET)


class Matcher:
    """A compiled set of rules. Every call plants a canary and has to find it."""

    def __init__(self, scanner: Any, *, decides: bool, cache_status: str) -> None:
        self._scanner = scanner
        self.decides = decides
        self.cache_status = cache_status

    def scan(self, data: bytes, *, timeout: float) -> MatcherOutput:
        """Every match in at most one piece of text.

        Raises:
            ScannerError: the canary was not found, so nothing is known about the text.
            BudgetExceeded: the time was up.
        """
        token = canary()
        # A buffer that begins with a byte order mark would be read as UTF-16, whatever it is; so it begins with a line.
        buffer = b"\n%b\n~ %b ~\n%b\n" % (data, os.urandom(4).hex().encode(), token)
        try:
            found = self._scanner.scan_bytes(buffer, timeout=timeout)
        except TimeoutError as error:
            raise BudgetExceeded("the scan ran out of time") from error
        except (RuntimeError, ValueError) as error:
            raise ScannerError(f"the matcher stopped: {error}") from error
        planted = len(buffer) - len(token) - 1
        matches: list[Raw] = []
        seen = False
        for item in found:
            place = item.location
            start, end = place["start_offset"], place["end_offset"]
            if end > len(data) + 1:
                seen = seen or (start == planted and item.rule_id == CANARY_RULE)
                # What runs over the end begins in the text all the same.
                if start > len(data):
                    continue
                end = len(data) + 1
            decoded = item.is_base64_encoded
            secret = item.secret.encode("utf-8", "surrogateescape") if decoded else buffer[start:end]
            matches.append(Raw(item.rule_id, start - 1, end - 1, secret, decoded))
        if not seen:
            raise ScannerError("the matcher did not find a token that was planted for it")
        matches.sort(key=lambda raw: (raw.start, raw.rule, raw.end))
        return MatcherOutput(len(data), 1, matches)


def load(rules: Path, cache: Path | None, scratch: Path, *, decides: bool = False) -> Matcher:
    """A matcher with the rules of a file, one of which finds canaries; their compiled form is kept in a `cache`.

    Where the rules alone decide, nothing else judges their matches.

    Raises:
        ScannerError: the library is not installed, or does not take the rules.
    """
    scanner, status = native.compiled(os.fspath(rules), os.fspath(cache) if cache else "", os.fspath(scratch))
    return Matcher(scanner, decides=decides, cache_status=status)
