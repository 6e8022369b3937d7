"""What a worker does: scan a stream of objects, and read what will be shown to people."""

from __future__ import annotations

import base64
import signal
from collections.abc import Collection, Mapping
from typing import IO, Any

from orch_gates import clock
from orch_gates.content.pieces import plain
from orch_gates.errors import BudgetExceeded, OrchError, RepositoryRulesError, ScannerError
from orch_gates.scanners.rules.meta import RuleMeta
from orch_gates.scanners.worker.engines import Engines
from orch_gates.scanners.worker.hits import HitCollector
from orch_gates.scanners.worker.parallel import Files
from orch_gates.scanners.worker.stream import CutOff, ObjectFeed, StreamLimits


def answer(engines: Engines, command: Mapping[str, Any]) -> dict[str, Any]:
    """Do what a command says; every error is an answer too (P3)."""
    # A native loop that hangs is ended by the kernel; Python's own clock would not be looked at.
    signal.setitimer(signal.ITIMER_REAL, command["seconds"] + 1)
    try:
        match command["do"]:
            case "rules":
                engines.add_repository_rules(base64.b64decode(command["file"]))
                return {}
            case "bound":
                return {"bound": [engines.bound(path, timeout=command["seconds"]) for path in command["paths"]]}
            case "redact":
                return {"texts": [_redacted(engines, command, text) for text in command["texts"]]}
            case _:
                return _scan(engines, command)
    except BudgetExceeded as error:
        return {"error": str(error), "budget": True}
    except RepositoryRulesError as error:
        return {"error": str(error), "problems": error.problems}
    except OrchError as error:
        return {"error": str(error), "cut_off": isinstance(error, CutOff)}
    except MemoryError:
        return {"error": "the scan needed more memory than it may use", "budget": True}
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _collector(engines: Engines, command: Mapping[str, Any]) -> HitCollector:
    return HitCollector(engines.all, engines.rules, engines.own, clock.monotonic() + command["seconds"])


def _scan(engines: Engines, command: Mapping[str, Any]) -> dict[str, Any]:
    if command["content"] is None:
        return _scanned(engines, command, None)
    # Closed after an error too: else git would wait for somebody to read on.
    with open(command["content"], "rb", buffering=1 << 18) as stream:
        return _scanned(engines, command, stream)


def _scanned(engines: Engines, command: Mapping[str, Any], stream: IO[bytes] | None) -> dict[str, Any]:
    collector = _collector(engines, command)
    # Also where there is nothing to scan, the engine has to show that it works.
    collector.text("nothing", "", "", b"\n")
    for carrier, name, text in command["texts"]:
        collector.text(carrier, name, "", text.encode("utf-8", "surrogateescape"))
    objects = ObjectFeed(
        collector,
        Files(collector, lambda: _collector(engines, command)),
        StreamLimits(command["object_bytes"], command["content_bytes"]),
    )
    if stream is not None:
        objects.read(stream)
    counts = objects.counts
    return {
        "engine": engines.about,
        "objects": counts.objects,
        "commits": counts.commits,
        "bytes": counts.bytes,
        "ids": counts.digest,
        "bytes_given": collector.bytes_given,
        "bytes_scanned": collector.bytes_scanned,
        "bytes_repeated": collector.bytes_repeated,
        "canaries": collector.canaries,
        "canaries_found": collector.canaries_found,
        "hits": [hit.plain() for hit in collector.hits],
        "rules": _described(engines, {hit.rule for hit in collector.hits}),
    }


def _described(engines: Engines, found: Collection[str]) -> list[list[object]]:
    by_id: dict[str, RuleMeta] = {}
    for rule in engines.rules.values():
        # Several expressions look for one kind of secret; the first says what it is in general.
        if rule.id in found:
            by_id.setdefault(rule.id, rule)
    return [[id_, rule.description, rule.generic, engines.is_bound(id_)] for id_, rule in sorted(by_id.items())]


def _redacted(engines: Engines, command: Mapping[str, Any], text: str) -> str:
    """A text that will be shown, without anything in it that looks like a secret (SEC-5)."""
    data = text.encode("utf-8", "surrogateescape")
    collector = _collector(engines, command)
    spans = sorted(
        (piece.origin(match.raw.start), piece.origin(match.raw.end - 1) + 1, engines.rules[match.raw.rule].id)
        for piece in plain(data)
        for match in collector.matches(piece.data)
    )
    if collector.canaries_found != collector.canaries:
        raise ScannerError("the scanner missed its own test secret, so its results cannot be trusted")
    shown, position = bytearray(), 0
    for start, end, rule in spans:
        if start >= position:
            shown += data[position:start] + (f"[removed: {rule}]".encode() if command.get("named") else b"[redacted]")
        position = max(position, end)
    return bytes(shown + data[position:]).decode("utf-8", "surrogateescape")
