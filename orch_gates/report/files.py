"""Report files on disk: whole or absent, never in the place of a device, and read without trust (GATE-6, SEC-8)."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path

from orch_gates.errors import ReportError

SECURITY_REPORT = "17-security-report.md"
STAGING_REPORT = "15-staging-report.md"
_PERMISSIONS = 0o777
_DRAFT = re.compile(r"\.orch-gates-[0-9a-f]{16}\.tmp")
# Of a process that was killed; one that writes now takes less.
_STALE_S = 60
_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISLNK, "a link"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def kind(mode: int) -> str:
    """What a file is that is no regular one, in words; empty for a regular file."""
    return next((kind for test, kind in _KINDS if test(mode)), "" if stat.S_ISREG(mode) else "not a regular file")


def replace(path: Path, text: str) -> None:
    """Put `text` at `path`, atomically; a file that was there gives its permissions to the new one.

    Killed at any point, there is the whole new file or what was there before. The folder has to be
    there, and what is replaced has to be a regular file: a rename would replace a device as well.

    Raises:
        ReportError: the file could not be written; nothing changed then.
    """
    with _refusals(path, "write"), _folder(path) as folder, _draft(folder, text, 0o666) as (draft, handle):
        before = _regular(path, folder)
        if before is not None:
            os.fchmod(handle, before.st_mode & _PERMISSIONS)
        os.replace(draft, path.name, src_dir_fd=folder, dst_dir_fd=folder)
        os.fsync(folder)


def create(path: Path, text: str, mode: int) -> bool:
    """Put `text` at `path`, atomically, unless something is there; tells whether it did.

    Raises:
        ReportError: the file could not be written.
    """
    with _refusals(path, "write"), _folder(path) as folder, _draft(folder, text, mode) as (draft, _):
        try:
            os.link(draft, path.name, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=False)
        except FileExistsError:
            return False
        os.fsync(folder)
    return True


def remove(path: Path) -> None:
    """Make sure that there is no file at `path`; only a regular file is ever removed.

    Raises:
        ReportError: something is there and stays.
    """
    with _refusals(path, "remove"), contextlib.suppress(FileNotFoundError), _folder(path) as folder:
        if _regular(path, folder) is not None:
            os.unlink(path.name, dir_fd=folder)


def remove_older(folder: Path, suffixes: tuple[str, ...], oldest: float) -> None:
    """Remove the regular files of a folder with these suffixes that nobody wrote since `oldest`, in seconds of 1970.

    It is housekeeping: what cannot be removed stays.
    """
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            with contextlib.suppress(OSError):
                old = entry.is_file(follow_symlinks=False) and entry.stat(follow_symlinks=False).st_mtime < oldest
                if old and entry.name.endswith(suffixes):
                    Path(entry.path).unlink()


def remove_drafts(folder: Path | int, now: float) -> None:
    """Remove what killed processes left of files that they were writing there; `now` is in seconds of 1970.

    It is housekeeping: what cannot be removed stays.
    """
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            with contextlib.suppress(OSError):
                ours = _DRAFT.fullmatch(entry.name) and entry.is_file(follow_symlinks=False)
                if ours and entry.stat(follow_symlinks=False).st_mtime < now - _STALE_S:
                    os.unlink(entry.path, dir_fd=folder if isinstance(folder, int) else None)


def make_folder(path: Path) -> None:
    """Make sure that there is a folder of our own at `path`.

    Raises:
        ReportError: it cannot be made.
    """
    with _refusals(path, "make the folder"):
        path.mkdir(parents=True, exist_ok=True)


def read(path: Path, limit: int) -> str:
    """The text of a regular file of at most `limit` bytes of UTF-8; line ends as they are.

    Raises:
        ReportError: absent, a link, no regular file, too long, or not UTF-8.
    """
    with _refusals(path, "read"):
        # Without O_NONBLOCK a pipe put in the report's place would be waited for without end.
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(handle, "rb") as stream:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise ReportError(f"{path} is not a regular file")
            data = stream.read(limit + 1)
        if len(data) > limit:
            raise ReportError(f"{path} is longer than {limit} bytes")
        return data.decode("utf-8")


def append(path: Path, text: str) -> None:
    """Add `text` to a file that the CI runner collects, on a line of its own.

    Raises:
        ReportError: it is no regular file, or could not be written.
    """
    with _refusals(path, "write"):
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NONBLOCK | os.O_CLOEXEC
        with open(os.open(path, flags, 0o666), "a+b") as stream:
            if found := kind(os.fstat(stream.fileno()).st_mode):
                raise ReportError(f"{path} is {found}, not a regular file")
            if stream.tell():
                stream.seek(-1, os.SEEK_END)
                if stream.read(1) != b"\n":
                    text = "\n" + text
            stream.write(text.encode("utf-8"))


@contextlib.contextmanager
def _refusals(path: Path, verb: str) -> Iterator[None]:
    """Every reason why the system refuses is one error, which names the file."""
    try:
        yield
    except (OSError, ValueError) as error:
        cause = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise ReportError(f"cannot {verb} {path}: {cause}") from error


@contextlib.contextmanager
def _folder(path: Path) -> Iterator[int]:
    """The folder of a file, held open: what is done in it does not follow a path that changes meanwhile."""
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield folder
    finally:
        os.close(folder)


@contextlib.contextmanager
def _draft(folder: int, text: str, mode: int) -> Iterator[tuple[str, int]]:
    """A new file with all of the text, by its name and open; gone at the end unless it was renamed.

    A killed process leaves it, and whoever writes there next takes it away.
    """
    # Its own name, not the target's with more at the end: that could be too long.
    name = f".orch-gates-{secrets.token_hex(8)}.tmp"
    handle = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode, dir_fd=folder)
    try:
        # The time of the file system, which is that of the others.
        remove_drafts(folder, os.fstat(handle).st_mtime)
        with open(handle, "w", encoding="utf-8", newline="") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(handle)
            yield name, handle
    finally:
        with contextlib.suppress(OSError):
            os.unlink(name, dir_fd=folder)


def _regular(path: Path, folder: int) -> os.stat_result | None:
    """The regular file at `path`; None where nothing is.

    Raises:
        ReportError: something else is there.
    """
    try:
        found = os.stat(path.name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None
    if other := kind(found.st_mode):
        raise ReportError(f"{path} is {other}, not a regular file; remove it or name another path")
    return found
