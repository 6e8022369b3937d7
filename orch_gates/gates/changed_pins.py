"""The files of pins that a range of commits changes, as they were and as they are."""

from __future__ import annotations

from orch_gates.errors import BudgetExceeded, GitError
from orch_gates.gates.dependencies import ChangedFile
from orch_gates.git.cli import Git
from orch_gates.scanners.lockfiles import is_audited

MOST_FILES = 100
MOST_BYTES = 5_000_000


def changed_pins(git: Git, base: str, head: str) -> tuple[ChangedFile, ...]:
    """Compare the head with where it left the base; everything is new where there is no base.

    Raises:
        GitError: the trees cannot be read.
        BudgetExceeded: more files than an audit takes, or larger ones.
    """
    left = _merge_base(git, base, head)
    if left:
        listed = git.read("diff-tree", "-r", "-z", "--no-renames", "--name-only", left, head)
    else:
        listed = git.read("ls-tree", "-r", "-z", "--full-tree", "--name-only", head)
    names = [name.decode("utf-8", "surrogateescape") for name in listed.split(b"\0") if name]
    audited = [name for name in names if is_audited(name)]
    if len(audited) > MOST_FILES:
        raise BudgetExceeded(f"{len(audited)} changed files pin dependencies, more than {MOST_FILES}")
    found, remains = [], False
    for name in audited:
        after = git.blob(head, name)
        before = git.blob(left, name) if left else None
        if len(after or b"") > MOST_BYTES or len(before or b"") > MOST_BYTES:
            raise BudgetExceeded(f"{name} has more than {MOST_BYTES} bytes")
        # What a file that is gone had pinned is not new where it was moved to.
        found.append(ChangedFile(name, before, after or b""))
        remains = remains or after is not None
    return tuple(found) if remains else ()


def _merge_base(git: Git, base: str, head: str) -> str:
    """Where head left base; empty for no base and for unrelated histories, which git answers with 1."""
    if not base:
        return ""
    done = git.run("merge-base", base, head)
    if done.returncode not in {0, 1}:
        raise GitError(f"git merge-base failed ({done.returncode}): {done.complaint}")
    return done.stdout.decode("ascii").strip()
