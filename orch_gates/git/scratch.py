"""A repository for one piece of work: it sees the objects of another one, which sees none of its own."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from orch_gates.git.cli import Git


@contextlib.contextmanager
def scratch(git: Git) -> Iterator[Git]:
    """Git on a new bare repository with the objects of `git`'s, while the block lasts.

    Raises:
        OSError: there is no room for it.
        GitError: the other one cannot be read.
    """
    objects, form = git.git_dir() / "objects", git.object_format()
    # What cannot be removed afterwards takes nothing back of what was done with it.
    with tempfile.TemporaryDirectory(prefix="orch-gates-", ignore_cleanup_errors=True) as folder:
        # A new repository has no grafts, and `merge-tree` warns of the variable that rules them out.
        made = Git(Path(folder), git.env, git.timeout).with_env({"GIT_GRAFT_FILE": None})
        made.read("init", "--quiet", "--bare", "--template=", f"--object-format={form}")
        (Path(folder) / "objects" / "info").mkdir(exist_ok=True)
        (Path(folder) / "objects" / "info" / "alternates").write_bytes(os.fsencode(objects) + b"\n")
        yield made
