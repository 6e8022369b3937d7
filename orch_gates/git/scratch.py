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
    """What `git init --bare` makes, without a process for it: git needs no more than this to take it for one."""
    names = git.object_format()
    version, extension = (0, "") if names == "sha1" else (1, f"[extensions]\n\tobjectformat = {names}\n")
    (folder / "HEAD").write_text("ref: refs/heads/main\n", "ascii")
    (folder / "config").write_text(
        f"[core]\n\trepositoryformatversion = {version}\n\tbare = true\n{extension}", "ascii"
    )
    (folder / "refs").mkdir()
    (folder / "objects" / "info").mkdir(parents=True)
    (folder / "objects" / "info" / "alternates").write_bytes(os.fsencode(git.git_dir() / "objects") + b"\n")
    # A new repository has no grafts, and `merge-tree` warns of the variable that rules them out.
    return Git(folder, git.env, git.timeout).with_env({"GIT_GRAFT_FILE": None})
