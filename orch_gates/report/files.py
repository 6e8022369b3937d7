"""Report files on disk: whole or absent, and read without trust (SEC-8, OWN-3, P7)."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from pathlib import Path

from orch_gates.errors import ReportError

SECURITY_REPORT = "17-security-report.md"


def replace(path: Path, text: str) -> None:
    """Put `text` at `path`, atomically; a symbolic link there is replaced, not followed.

    Killed at any point, there is the whole new file or what was there before.

    Raises:
        ReportError: the file could not be written.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with temporary.open("x", encoding="utf-8", newline="") as stream:
                stream.write(text)
                stream.flush()
                os.fsync(stream.fileno())
            temporary.replace(path)
        finally:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
        _sync_folder(path.parent)
    except (OSError, ValueError) as error:
        raise ReportError(f"cannot write {path}: {_cause(error)}") from error


def remove(path: Path) -> None:
    """Make sure that there is no file at `path`; a link is removed, not followed.

    Raises:
        ReportError: something is there and stays.
    """
    try:
        path.unlink(missing_ok=True)
    except (OSError, ValueError) as error:
        raise ReportError(f"cannot remove {path}: {_cause(error)}") from error


def read(path: Path, limit: int) -> str:
    """The text of a regular file of at most `limit` bytes of UTF-8; line ends as they are.

    Raises:
        ReportError: absent, a link, no regular file, too long, or not UTF-8.
    """
    try:
        # Without O_NONBLOCK a pipe put in the report's place would be waited for without end.
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(handle, "rb") as stream:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise ReportError(f"{path} is not a regular file")
            data = stream.read(limit + 1)
        if len(data) > limit:
            raise ReportError(f"{path} is longer than {limit} bytes")
        return data.decode("utf-8")
    except (OSError, ValueError) as error:
        raise ReportError(f"cannot read {path}: {_cause(error)}") from error


def append(path: Path, text: str) -> None:
    """Add `text` to a file that the CI runner collects, on a line of its own.

    Raises:
        ReportError: the file could not be written.
    """
    try:
        with path.open("a+b") as stream:
            if stream.tell():
                stream.seek(-1, os.SEEK_END)
                if stream.read(1) != b"\n":
                    text = "\n" + text
            stream.write(text.encode("utf-8"))
    except (OSError, ValueError) as error:
        raise ReportError(f"cannot write {path}: {_cause(error)}") from error


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _cause(error: OSError | ValueError) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
