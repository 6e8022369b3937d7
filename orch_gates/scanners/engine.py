"""The parent's end of the worker that scans: started early, fed through a pipe, ended in any case (SEC-12)."""

from __future__ import annotations

import contextlib
import json
import os
import select
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from orch_gates import clock, process
from orch_gates.errors import BudgetExceeded, OrchError, RepositoryRulesError, ScannerError
from orch_gates.scanners import answer
from orch_gates.scanners.answer import Scan

_PROGRAM = "from orch_gates.scanners.worker.main import main; main()"
# The hits of a push that is refused anyway; more than this is no answer of ours.
_LONGEST_ANSWER = 80_000_000
_CHUNK = 1 << 16

Text = tuple[str, str, str]
"""A text that is in no object: its carrier, its name and itself."""


@dataclass(frozen=True, slots=True)
class ScanLimits:
    """The most that one scan may read, in bytes and in seconds."""

    object_bytes: int
    content_bytes: int


class Engine:
    """A worker with its rules loaded or being loaded; contract suite: tests/contract/test_engine.py."""

    def __init__(self, child: process.Child, content: _Pipe) -> None:
        self._child = child
        self._content = content
        self.about: Mapping[str, str] = {}

    @property
    def pin(self) -> str:
        """What the engine that answered is pinned by: its name, its version and the digest of its rules (SEC-10)."""
        return " ".join(self.about.get(part, "") for part in ("name", "version", "rules"))

    def scan(
        self, feed: Callable[[int], None] | None, texts: Sequence[Text], limits: ScanLimits, deadline: float
    ) -> Scan:
        """Scan some texts, and the objects that `feed` writes into the descriptor that it is given.

        Raises:
            BudgetExceeded: more bytes or more time than the limits allow.
            ScannerError: the scan failed, or did not prove that it read everything.
            OrchError: what the feed raises, where the worker itself has nothing to say.
        """
        self._send(
            {
                "do": "scan",
                "texts": texts,
                "content": self._content.read if feed else None,
                "object_bytes": limits.object_bytes,
                "content_bytes": limits.content_bytes,
            },
            deadline,
        )
        failed: OrchError | None = None
        try:
            if feed:
                feed(self._content.write)
        except OrchError as error:
            failed = error
        finally:
            self._content.close()
        try:
            found = self._answer(deadline)
        except _CutOff as error:
            raise failed or error from None
        if failed is not None:
            raise failed
        self.about = found.get("engine", {})
        return answer.read_scan(found)

    def add_rules(self, file: bytes, deadline: float) -> None:
        """Load the repository's own rules beside the bundle's.

        Raises:
            RepositoryRulesError: the file is wrong; without them everything goes on.
            ScannerError: they could not be given to the engine.
        """
        import base64

        self._send({"do": "rules", "file": base64.b64encode(file).decode("ascii")}, deadline)
        self._answer(deadline)

    def bound(self, paths: Sequence[str], deadline: float) -> list[list[str]]:
        """For each path, the ids of those of the repository's rules that judge files there.

        Raises:
            ScannerError: there is no answer of the right form.
        """
        self._send({"do": "bound", "paths": paths}, deadline)
        found = self._answer(deadline).get("bound")
        if not isinstance(found, list) or len(found) != len(paths) or not all(isinstance(ids, list) for ids in found):
            raise ScannerError("the scan's answer cannot be read")
        return found

    def redact(self, texts: Sequence[str], deadline: float, *, named: bool = False) -> list[str]:
        """The texts without anything in them that the rules take for a secret (SEC-5).

        In its place stands `[redacted]`, or which rule found it where that is to be `named`.

        Raises:
            ScannerError: there is no answer of the right form.
        """
        if not texts:
            return []
        self._send({"do": "redact", "texts": texts, "named": named}, deadline)
        found = self._answer(deadline).get("texts")
        if not isinstance(found, list) or len(found) != len(texts) or not all(isinstance(t, str) for t in found):
            raise ScannerError("the scan's answer cannot be read")
        return found

    def _send(self, command: Mapping[str, Any], deadline: float) -> None:
        assert self._child.stdin is not None
        line = json.dumps({**command, "seconds": max(deadline - clock.monotonic(), 0.001)})
        try:
            self._child.stdin.write(line.encode("ascii") + b"\n")
            self._child.stdin.flush()
        except OSError as error:
            raise self._ended() from error

    def _answer(self, deadline: float) -> dict[str, Any]:
        assert self._child.stdout is not None
        descriptor = self._child.stdout.fileno()
        received = bytearray()
        while not received.endswith(b"\n"):
            remaining = deadline - clock.monotonic()
            if remaining <= 0 or not select.select([descriptor], [], [], remaining)[0]:
                raise BudgetExceeded("the scan ran out of time")
            chunk = os.read(descriptor, _CHUNK)
            if not chunk:
                raise self._ended()
            received += chunk
            if len(received) > _LONGEST_ANSWER:
                raise ScannerError("the scanner's answer is too long")
        try:
            found = json.loads(received)
        except ValueError as error:
            raise ScannerError("the scan's answer cannot be read") from error
        if not isinstance(found, dict):
            raise ScannerError("the scan's answer cannot be read")
        if "problems" in found:
            raise RepositoryRulesError([str(problem) for problem in found["problems"]])
        if "error" in found:
            kind = BudgetExceeded if found.get("budget") else _CutOff if found.get("cut_off") else ScannerError
            raise kind(str(found["error"]))
        return found

    def _ended(self) -> ScannerError:
        assert self._child.stderr is not None
        code = self._child.wait()
        output = " ".join(self._child.stderr.read().decode("utf-8", "replace").split())[-200:]
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        return ScannerError(f"the process that scans ended with {how}{f': {output}' if output else ''}")


class _CutOff(ScannerError):
    """The content ended too early. Every other error of the worker is the cause itself, also where git broke off."""


@contextlib.contextmanager
def start(given: Mapping[str, str], env: Mapping[str, str], *, timeout: float) -> Iterator[Engine]:
    """A worker that begins to load what is `given`; it lives at most `timeout` seconds, and no longer than the block.

    Raises:
        ProcessError: it could not be started.
    """
    content = _Pipe()
    # Isolated: in a checkout, Python would take modules out of the very content that is judged.
    argv = [sys.executable, "-I", "-c", _PROGRAM, *(f"{name}={value}" for name, value in given.items())]
    try:
        with process.converse(argv, env=env, timeout=timeout, pass_fds=[content.read]) as child:
            content.leave_reading()
            yield Engine(child, content)
    finally:
        content.close()


class _Pipe:
    """Both ends of a pipe, closed once: a number that is closed twice may be somebody else's by then."""

    def __init__(self) -> None:
        self.read, self.write = os.pipe()
        self._open = {self.read, self.write}

    def leave_reading(self) -> None:
        """Leave the worker as the only reader: what it does not read, git cannot write, and need not wait for."""
        self._close(self.read)

    def close(self) -> None:
        """Close this process's ends."""
        self._close(self.read)
        self._close(self.write)

    def _close(self, descriptor: int) -> None:
        if descriptor in self._open:
            self._open.remove(descriptor)
            os.close(descriptor)
