"""Writes and removes the files of a plan, each whole or not at all."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path

from orch_gates import clock
from orch_gates.adopt.look import present
from orch_gates.adopt.plan import Deed, FileChange
from orch_gates.errors import ReportError, UsageError
from orch_gates.report import files

_WRITTEN = {Deed.CREATE, Deed.UPDATE}


def refuse_unwritable(top: Path, changes: Sequence[FileChange]) -> None:
    """See that every file may be written before the first one is.

    Raises:
        UsageError: a folder or file may not be written.
    """
    for change in changes:
        if change.deed not in {*_WRITTEN, Deed.DELETE}:
            continue
        path = (top / change.path).parent
        while not path.exists():
            path = path.parent
        if not path.is_dir():
            why = f"{path} is not a folder, but {change.path} has to go there; move it away"
            raise UsageError(f"nothing was written: {why}")
        if not os.access(path, os.W_OK | os.X_OK):
            raise UsageError(f"nothing was written: {path} is not writable; change its permissions")


def write(top: Path, changes: Sequence[FileChange]) -> None:
    """Do what is planned; a file that somebody changed meanwhile stays.

    Raises:
        UsageError: a file is no longer as it was looked at.
        ReportError: a file cannot be written; those before it are.
    """
    for folder in {(top / change.path).parent for change in changes}:
        files.remove_drafts(folder, clock.utc_now().timestamp())
    for change in changes:
        if change.deed not in {*_WRITTEN, Deed.DELETE}:
            continue
        texts, obstacles = present(top, [change.path])
        if texts.get(change.path) != change.before or obstacles:
            raise UsageError(f"{change.path} was changed meanwhile; run `orch-gates init` again")
        target = top / change.path
        if change.after is None:
            files.remove(target)
            _remove_empty(top, target.parent)
        else:
            files.make_folder(target.parent)
            files.replace(target, change.after)


def _remove_empty(top: Path, folder: Path) -> None:
    """Folders that hold nothing any more; git keeps none of them."""
    with contextlib.suppress(OSError, ReportError):
        while folder != top:
            folder.rmdir()
            folder = folder.parent
