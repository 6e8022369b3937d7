"""Catching a branch up with its target: in a repository and a folder of its own, a function of two commits (MRG-2).

No clone, no index, no ref and no configuration of anybody is touched, and nothing of it reaches a server.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TypeAlias

from orch_gates.errors import GitError
from orch_gates.git.cli import Git
from orch_gates.git.merges import contains
from orch_gates.merge.steps import CaughtUp

# A fixed identity: the same two commits give the same result wherever and whenever they are caught up.
_NAME, _EMAIL = "orch-gates", "orch-gates@localhost"
_QUIET = {
    "advice.detachedHead": "false",
    "commit.gpgSign": "false",
    "core.editor": "true",
    "gc.auto": "0",
    "merge.conflictStyle": "merge",
    "merge.renames": "true",
    "rebase.autoSquash": "false",
    "rebase.autoStash": "false",
    "rebase.backend": "merge",
    "rebase.rebaseMerges": "false",
    "rebase.updateRefs": "false",
    "rerere.enabled": "false",
    "sequence.editor": "true",
    "submodule.recurse": "false",
}
_SHOWN = 50


class How(StrEnum):
    """How a branch is caught up; `up to date`: it has its target already."""

    NOTHING = "up to date"
    REBASE = "rebase"
    MERGE = "merge"


@dataclass(frozen=True, slots=True)
class Conflict:
    """The branch and its target changed the same: `files` are those to look at, as many as are shown."""

    files: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Empty:
    """Nothing of the branch is left: all that it changes is in the target already."""


@dataclass(frozen=True, slots=True)
class Unrelated:
    """The branch and its target have no common commit."""


Result: TypeAlias = CaughtUp | Conflict | Empty | Unrelated


def catch_up(git: Git, base: str, head: str, wanted: How) -> Result:
    """The branch's commit `head` together with `base`, which need not be on any server.

    A rebase would drop what only a merge commit of the branch holds, and the signatures of signed commits: a branch
    with either is caught up by a merge. Filters, hooks and drivers of a configuration do not run; `merge=union` and
    the like in `.gitattributes` count.

    Raises:
        GitError: git could not tell.
    """
    if contains(git, head, base):
        if head == base or not _own(git, base, head):
            return Empty()
        return CaughtUp(base, head, _tree(git, head), How.NOTHING, _depends(git, base, head))
    if contains(git, base, head):
        return Empty()
    common = git.run("merge-base", base, head)
    if common.returncode == 1 and not common.stderr.strip():
        return Unrelated()
    how = How.MERGE if wanted is How.MERGE or _keeps_commits(git, base, head) else How.REBASE
    with _folder(git) as work:
        result = _rebased(work, base, head) if how is How.REBASE else _merged(work, base, head)
        if isinstance(result, Conflict):
            return result
        commit = work.resolve(result)
        # Objects that only the folder has are of no use after it.
        _take_over(git, work, commit, base, head)
    if commit == base or _tree(git, commit) == _tree(git, base):
        return Empty()
    return CaughtUp(base, commit, _tree(git, commit), how, _depends(git, base, head))


def _own(git: Git, base: str, head: str) -> bool:
    return _tree(git, base) != _tree(git, head)


def _keeps_commits(git: Git, base: str, head: str) -> bool:
    """Whether the branch has commits that a rebase would not keep as they are: merges, or signed ones."""
    if git.text("rev-list", "--merges", "--max-count=1", f"{base}..{head}"):
        return True
    listed = git.read("rev-list", "--header", f"{base}..{head}")
    return any(b"\ngpgsig" in one.partition(b"\n\n")[0] for one in listed.split(b"\0"))


@contextlib.contextmanager
def _folder(git: Git) -> Iterator[Git]:
    """A repository with files, that sees the objects of `git`'s; gone after the block."""
    try:
        with tempfile.TemporaryDirectory(prefix="orch-gates-", ignore_cleanup_errors=True) as name:
            folder = Path(name) / "work"
            folder.mkdir()
            env: dict[str, str | None] = {
                "GIT_GRAFT_FILE": None,
                "GIT_OPTIONAL_LOCKS": None,
                "GIT_EDITOR": "true",
                "GIT_SEQUENCE_EDITOR": "true",
                "HOME": str(Path(name)),
            }
            count = int(git.env.get("GIT_CONFIG_COUNT", "0"))
            for index, (key, value) in enumerate(_QUIET.items(), count):
                env[f"GIT_CONFIG_KEY_{index}"] = key
                env[f"GIT_CONFIG_VALUE_{index}"] = value
            env["GIT_CONFIG_COUNT"] = str(count + len(_QUIET))
            work = Git(folder, git.env, git.timeout).with_env(env)
            work.read("init", "--quiet", "--template=", f"--object-format={git.object_format()}")
            info = folder / ".git" / "objects" / "info"
            info.mkdir(exist_ok=True)
            (info / "alternates").write_text(f"{git.git_dir() / 'objects'}\n")
            yield work
    except OSError as error:
        raise GitError(f"there is no room to catch the branch up in: {error}") from error


def _dated(work: Git, *commits: str) -> Git:
    """Git as the fixed identity, at the newest of the dates that the commits have."""
    dates = (work.text("show", "--no-patch", "--format=%ct", commit) for commit in commits)
    said: dict[str, str | None] = {}
    date = f"{max(int(one) for one in dates)} +0000"
    for role in ("AUTHOR", "COMMITTER"):
        said |= {f"GIT_{role}_NAME": _NAME, f"GIT_{role}_EMAIL": _EMAIL, f"GIT_{role}_DATE": date}
    return work.with_env(said)


def _rebased(work: Git, base: str, head: str) -> str | Conflict:
    by = _dated(work, base, head)
    # Authors and their dates are the commits' own; only who commits is ours.
    by = by.with_env(dict.fromkeys(("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_AUTHOR_DATE")))
    by.read("checkout", "--quiet", "--detach", head)
    return _done(by, by.run("rebase", "--quiet", "--no-fork-point", "--empty=drop", "--no-gpg-sign", base))


def _merged(work: Git, base: str, head: str) -> str | Conflict:
    by = _dated(work, base, head)
    by.read("checkout", "--quiet", "--detach", head)
    message = f"Merge {base[:10]} of the target into the branch"
    return _done(by, by.run("merge", "--quiet", "--no-ff", "--no-gpg-sign", "-m", message, base))


def _done(work: Git, done: object) -> str | Conflict:
    from orch_gates.process import Completed

    assert isinstance(done, Completed)
    if done.returncode == 0:
        return "HEAD"
    listed = work.read("diff", "--name-only", "--diff-filter=U", "-z").decode("utf-8", "replace")
    files = tuple(name for name in listed.split("\0") if name)
    if not files:
        raise GitError(f"the branch could not be caught up: {done.complaint}")
    return Conflict(files[:_SHOWN])


def _take_over(git: Git, work: Git, commit: str, base: str, head: str) -> None:
    """Bring the new objects into `git`'s own store, which is a scratch repository."""
    wanted = f"{commit}\n^{base}\n^{head}\n".encode()
    pack = work.read("pack-objects", "--revs", "--stdout", "--quiet", "--thin", stdin=wanted)
    git.read("index-pack", "--stdin", "--fix-thin", stdin=pack)


def _tree(git: Git, commit: str) -> str:
    return git.resolve(f"{commit}^{{tree}}", "tree")


def _depends(git: Git, base: str, head: str) -> str:
    """What the result rests on besides the two commits."""
    said = [git.text("version")]
    for name, commit in (("target", base), ("branch", head)):
        done = git.run("rev-parse", "--verify", "--quiet", f"{commit}:.gitattributes")
        if done.returncode == 0:
            said.append(f".gitattributes of the {name} {done.stdout.decode('ascii').strip()[:10]}")
    return ", ".join(said)
