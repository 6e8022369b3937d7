"""Which message a card became, kept on this machine until the state branch knows it (P7).

Telegram finds no message again: without this, one that was sent by a process that died before it recorded it would be
sent once more. Nothing here raises: what cannot be kept is recorded all the same by a process that lives.
"""

from __future__ import annotations

import contextlib
import re
from datetime import datetime, timedelta
from pathlib import Path

from orch_gates.errors import ReportError
from orch_gates.report import files

_SUFFIX = ".sent"
_MOST_BYTES = 100
_NONCE = re.compile(r"[0-9a-f]{16}")
_MESSAGE = re.compile(r"[0-9]{1,18}")
# A state branch that cannot be reached for longer is looked after by a person.
_KEPT = timedelta(days=7)


def write(cache_dir: Path | None, nonce: str, message: int) -> None:
    """Keep the message of a claim, where there is a folder for it."""
    if cache_dir is None:
        return
    path = _path(cache_dir, nonce)
    with contextlib.suppress(ReportError):
        files.make_folder(path.parent)
        files.create(path, f"{message}\n", 0o600)


def read(cache_dir: Path | None, nonce: str) -> int | None:
    """The message of a claim; None where it was not sent from here, or cannot be read."""
    if cache_dir is None or not _NONCE.fullmatch(nonce):
        return None
    try:
        text = files.read(_path(cache_dir, nonce), _MOST_BYTES).strip()
    except ReportError:
        return None
    return int(text) if _MESSAGE.fullmatch(text) else None


def remove(cache_dir: Path | None, nonce: str) -> None:
    """Forget it: the state branch knows it, or knows better."""
    if cache_dir is not None:
        with contextlib.suppress(ReportError):
            files.remove(_path(cache_dir, nonce))


def remove_old(cache_dir: Path | None, now: datetime) -> None:
    """Forget what processes left that died after they had recorded it."""
    if cache_dir is not None:
        files.remove_older(cache_dir / "cards", (_SUFFIX,), (now - _KEPT).timestamp())


def _path(cache_dir: Path, nonce: str) -> Path:
    return cache_dir / "cards" / f"{nonce}{_SUFFIX}"
