"""How two commits stand to each other, and what git makes of them: nothing is checked out, no ref moves."""

from __future__ import annotations

from orch_gates.errors import GitError
from orch_gates.git.cli import Git

_USAGE = 129


def contains(git: Git, commit: str, ancestor: str) -> bool:
    """Whether a commit has another one in its history; 128 of git is neither yes nor no.

    Raises:
        GitError: git could not tell.
    """
    done = git.run("merge-base", "--is-ancestor", ancestor, commit)
    if done.returncode not in {0, 1} or done.stderr.strip():
        raise GitError(f"could not check whether {ancestor} is in {commit}: {done.complaint}")
    return done.returncode == 0


def merged_tree(git: Git, first: str, second: str) -> str | None:
    """The tree of both merged; None where they conflict, or have nothing in common.

    Raises:
        GitError: git could not tell.
    """
    done = git.run("merge-tree", "--write-tree", "--no-messages", first, second)
    if done.returncode == 0 and not done.stderr.strip():
        return done.stdout.decode("ascii").strip()
    if done.returncode == 1 or b"unrelated histories" in done.stderr:
        return None
    if done.returncode == _USAGE:
        raise GitError(f"{git.text('version')} cannot merge in a bare repository; install git 2.38 or newer")
    raise GitError(f"git merge-tree failed ({done.returncode}): {done.complaint}")
