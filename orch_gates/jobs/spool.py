"""How a job's command ended, kept on its machine until the state branch knows it; a sweep there reads it (REAP-1)."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from orch_gates.errors import ReportError
from orch_gates.model.ids import moment, timestamp
from orch_gates.report import files

_MOST_BYTES = 10_000
_ATTEMPT = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True, slots=True)
class ExitRecord:
    """What a command came to; without an `exit_code` it was ended by us, whatever it said of itself."""

    exit_code: int | None
    reason: str
    ended: datetime


def write(cache_dir: Path | None, attempt: str, record: ExitRecord) -> None:
    """Keep a record; nothing is kept where there is no folder for it.

    Raises:
        ReportError: it could not be written.
    """
    if cache_dir is None:
        return
    path = _path(cache_dir, attempt)
    values = {"exit_code": record.exit_code, "reason": record.reason, "ended": timestamp(record.ended)}
    files.make_folder(path.parent)
    files.remove(path)
    files.create(path, json.dumps(values) + "\n", 0o600)


def read(cache_dir: Path | None, attempt: str) -> ExitRecord | None:
    """The record of an attempt; None where there is none on this machine, or none that can be read."""
    if cache_dir is None or not _ATTEMPT.fullmatch(attempt):
        return None
    try:
        values = json.loads(files.read(_path(cache_dir, attempt), _MOST_BYTES))
        code, reason = values["exit_code"], values["reason"]
        if not (code is None or type(code) is int) or not isinstance(reason, str):
            return None
        return ExitRecord(code, reason, moment(values["ended"]))
    except (ReportError, ValueError, KeyError, TypeError, RecursionError):
        return None


def remove(cache_dir: Path | None, attempt: str) -> None:
    """Forget a record: the state branch knows it, or knows better.

    Raises:
        ReportError: it is there and stays.
    """
    if cache_dir is not None:
        files.remove(_path(cache_dir, attempt))


def _path(cache_dir: Path, attempt: str) -> Path:
    return cache_dir / "jobs" / f"{attempt}.json"
