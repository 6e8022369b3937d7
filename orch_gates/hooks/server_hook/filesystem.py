"""What the file system refuses, told with the file and what to do: a missing permission is no bug."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator
from pathlib import Path

from orch_gates.errors import UsageError

_ADVICE = {
    errno.EACCES: "look at the owner and the rights of it and of its folders",
    errno.EPERM: "look at the owner and the rights of it and of its folders",
    errno.EROFS: "the file system is mounted read-only: mount it writable, or install where it is",
    errno.ENOSPC: "make room on that file system",
    errno.EDQUOT: "make room within the quota of its owner",
    errno.ENOTDIR: "a part of that path is not a folder: move it away",
    errno.ELOOP: "symbolic links lead in a circle: remove one",
    errno.ENOENT: "check the path, or make the folder that it should be in",
}


def explained(deed: str, path: Path, error: OSError) -> UsageError:
    """What could not be done with which file, why, and what to do."""
    reason = (error.strerror or str(error)).lower()
    advice = _ADVICE.get(error.errno or 0, "")
    return UsageError(f"{path} cannot be {deed}: {reason}{f'; {advice}' if advice else ''}")


@contextlib.contextmanager
def telling(deed: str, path: Path) -> Iterator[None]:
    """Turn what the file system refuses into an error that names the file.

    Raises:
        UsageError: the file system refused.
    """
    try:
        yield
    except OSError as error:
        raise explained(deed, path, error) from error
