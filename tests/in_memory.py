"""Where the files of the tests are kept: in memory, if there is enough of it.

A run makes and deletes very many small files. For each new one ext4 looks for an inode past all that were deleted in
the last seconds; in a job's checkout that was more than half of the processor time of Gitea's runner.
"""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path

_MEMORY = Path("/dev/shm")
_FOLDER = "orch-gates"
# Programs are run from there, some as another user, and root file systems are made there.
_FORBIDS = os.ST_NOEXEC | os.ST_NOSUID | os.ST_NODEV
_NEEDED_BYTES = 8_000_000_000


def use() -> None:
    """Let temporary files be made in memory, by this process and what it starts; not where TMPDIR says where."""
    if "TMPDIR" in os.environ or not _has_room():
        return
    folder = _MEMORY / f"{_FOLDER}-{os.getuid()}"
    folder.mkdir(mode=0o711, exist_ok=True)
    if folder.lstat().st_uid != os.getuid():
        return
    os.environ["TMPDIR"] = str(folder)
    tempfile.tempdir = None


def _has_room() -> bool:
    try:
        found = os.statvfs(_MEMORY)
        memory = re.search(r"^MemAvailable: +(\d+) kB$", Path("/proc/meminfo").read_text("ascii"), re.M)
    except OSError:
        return False
    usable = os.access(_MEMORY, os.W_OK | os.X_OK) and not found.f_flag & _FORBIDS
    free = found.f_bavail * found.f_frsize
    return usable and memory is not None and min(free, int(memory[1]) * 1024) > _NEEDED_BYTES
