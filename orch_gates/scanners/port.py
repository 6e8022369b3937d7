"""The port of a secret scanner: it reads bundles of text and says where a rule matched."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Match:
    """A rule's match in a bundle. `secret` and `text` stay in memory and are never shown (SEC-5).

    `line` counts from 1 and is the engine's; `text` is the whole match around the secret.
    """

    bundle: str
    line: int
    rule: str
    description: str
    secret: bytes
    text: bytes
    generic: bool


@dataclass(frozen=True, slots=True)
class Scan:
    """What an engine says it did: bytes read and every match, canaries included."""

    bytes_scanned: int
    matches: tuple[Match, ...]


@dataclass(frozen=True, slots=True)
class Engine:
    """Which program judges, by which rules: `config` is None for the rules inside the program."""

    name: str
    path: str
    config: Path | None


class SecretScanner(Protocol):
    """An engine over a directory of bundles; contract suite: tests/contract/test_scanners.py."""

    @property
    def engine(self) -> Engine:
        """The program and rules in use."""
        ...

    def canary(self) -> bytes:
        """A fresh random token that the engine's rules must find."""
        ...

    def scan(self, directory: Path, *, timeout: float) -> Scan:
        """Scan every file below a directory that holds nothing but bundles.

        Raises:
            ScannerError: the engine failed, or its answer is not one it gives when all is well.
            ProcessError: it could not be started or took longer than `timeout` seconds.
        """
        ...
