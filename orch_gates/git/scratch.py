"""A repository for one piece of work: it sees the objects of another one, which sees none of its own."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from orch_gates.errors import GitError
from orch_gates.git.cli import Git


@contextlib.contextmanager
def scratch(git: Git) -> Iterator[Git]:
    """Git on a new bare repository with the objects of `git`'s, while the block lasts.

    Raises:
        GitError: the other one cannot be read, or there is no room for a new one.
    """
    with contextlib.ExitStack() as stack:
        try:
            # What cannot be removed afterwards takes nothing back of what was done with it.
            made = tempfile.TemporaryDirectory(prefix="orch-gates-", ignore_cleanup_errors=True)
            bench = _made(Path(stack.enter_context(made)), git)
        except OSError as error:
            raise GitError(f"a repository to compare in cannot be made: {error}") from error
        yield bench


def _made(folder: Path, git: Git) -> Git:
    # A new repository has no grafts, and `merge-tree` warns of the variable that rules them out.
    made = Git(folder, git.env, git.timeout).with_env({"GIT_GRAFT_FILE": None})
    made.read("init", "--quiet", "--bare", "--template=", f"--object-format={git.object_format()}")
    (folder / "objects" / "info").mkdir(exist_ok=True)
    (folder / "objects" / "info" / "alternates").write_bytes(os.fsencode(git.git_dir() / "objects") + b"\n")
    return made
