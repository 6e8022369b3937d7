"""Catching a branch up with its target: in a repository and a folder of its own, a function of two commits (MRG-2).

No clone, no index, no ref and no configuration of anybody is touched, and nothing of it reaches a server.
"""

from __future__ import annotations

import contextlib
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TypeAlias

from orch_gates.errors import GitError
from orch_gates.git.cli import Git
from orch_gates.merge.steps import CaughtUp
from orch_gates.process import Completed

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
# What attributes of the tree would make of files on the disk: git then takes them for changed, and refuses to begin.
# Those that say how files are merged stay.
_AS_THEY_ARE = "* -text -ident !working-tree-encoding\n"
# The last second of the year 9999: beyond it git reads no date that it is handed.
_LAST_DATE = 253_402_300_799
_SHOWN = 50
_COMMITTED = re.compile(rb"committer .*> ([0-9]{1,12}) [+-][0-9]{4}", re.DOTALL)


class How(StrEnum):
    """How a branch is caught up; `up to date`: it has its target already."""

    NOTHING = "up to date"
    REBASE = "rebase"
    MERGE = "merge"


@dataclass(frozen=True, slots=True)
class CatchUpConflict:
    """The branch and its target changed the same: `files` are those to look at, as many as are shown."""

    files: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Empty:
    """Nothing of the branch is left: all that it changes is in the target already."""


@dataclass(frozen=True, slots=True)
class Unrelated:
    """The branch and its target have no common commit."""


Result: TypeAlias = CaughtUp | CatchUpConflict | Empty | Unrelated


def catch_up(git: Git, base: str, head: str, wanted: How) -> Result:
    """The branch's commit `head` together with `base`, which need not be on any server; `git` is a scratch repository.

    A rebase would drop what only a merge commit of the branch holds, and the signatures of signed commits: a branch
    with either is caught up by a merge. Filters, hooks and drivers of a configuration do not run; `merge=union` and
    the like in `.gitattributes` count.

    Raises:
        GitError: git could not tell.
    """
    common = git.run("merge-base", base, head)
    if common.returncode == 1 and not common.stderr.strip():
        return Unrelated()
    if common.returncode != 0:
        raise GitError(f"could not tell whether {head} contains {base}: {common.complaint}")
    fork = common.stdout.decode("ascii").split()[0]
    facts = _facts(git, base, head)
    if fork == head or facts.trees[0] == facts.trees[1]:
        # All of the branch is in the target, or nothing of it is left there.
        return Empty()
    if fork == base:
        return CaughtUp(base, head, facts.trees[1], How.NOTHING, facts.depends)
    how = How.MERGE if wanted is How.MERGE or _keeps_commits(git, base, head) else How.REBASE
    with _files(git, facts.date) as work:
        done = _rebased(work, base, head) if how is How.REBASE else _merged(work, base, head)
        if isinstance(done, CatchUpConflict):
            return done
        commit, tree = work.text("rev-parse", "HEAD^{commit}", "HEAD^{tree}").split()
    if tree == facts.trees[0]:
        return Empty()
    return CaughtUp(base, commit, tree, how, facts.depends)


@dataclass(frozen=True, slots=True)
class _Facts:
    """Trees of base and head, the newest of their dates in seconds, and what the result depends on besides them."""

    trees: tuple[str, str]
    date: int
    depends: str


def _facts(git: Git, base: str, head: str) -> _Facts:
    """Read both commits and their attributes at once.

    Raises:
        GitError: a commit cannot be read.
    """
    names = [base, head, f"{base}:.gitattributes", f"{head}:.gitattributes"]
    answer = git.read("cat-file", "--batch", stdin="".join(f"{one}\n" for one in names).encode())
    trees, dates, attributes, rest = [], [], [git.version()], answer
    for name in ("", "", "target", "branch"):
        line, _, rest = rest.partition(b"\n")
        fields = line.split()
        if fields[-1] == b"missing":
            continue
        size = int(fields[2])
        body, rest = rest[:size], rest[size + 1 :]
        if name:
            attributes.append(f".gitattributes of the {name} {fields[0].decode('ascii')[:10]}")
            continue
        header = body.partition(b"\n\n")[0].split(b"\n")
        trees += [line.split()[1].decode("ascii") for line in header if line.startswith(b"tree ")]
        # Of a commit whose date cannot be read, git makes none.
        dates += [int(found[1]) for line in header if (found := _COMMITTED.fullmatch(line))]
    if len(trees) != 2:
        raise GitError(f"{base} and {head} cannot be read")
    return _Facts((trees[0], trees[1]), max([0, *dates]), ", ".join(attributes))


def _keeps_commits(git: Git, base: str, head: str) -> bool:
    """Whether the branch has commits that a rebase would not keep as they are: merges, or signed ones."""
    listed = git.read("rev-list", "--header", f"{base}..{head}").split(b"\0")
    headers = [one.partition(b"\n\n")[0] for one in listed]
    return any(b"\ngpgsig" in header or header.count(b"\nparent ") > 1 for header in headers)


@contextlib.contextmanager
def _files(git: Git, date: int) -> Iterator[Git]:
    """The scratch repository with a folder for files, gone after the block, and a fixed identity at a fixed date."""
    try:
        with tempfile.TemporaryDirectory(prefix="orch-gates-", ignore_cleanup_errors=True) as name:
            env: dict[str, str | None] = {
                "GIT_DIR": str(git.directory),
                "GIT_WORK_TREE": name,
                "GIT_ATTR_NOSYSTEM": "1",
                "GIT_GRAFT_FILE": None,
                "GIT_OPTIONAL_LOCKS": None,
                "GIT_EDITOR": "true",
                "GIT_SEQUENCE_EDITOR": "true",
                "GIT_COMMITTER_NAME": _NAME,
                "GIT_COMMITTER_EMAIL": _EMAIL,
                "GIT_COMMITTER_DATE": f"@{min(date, _LAST_DATE)} +0000",
            }
            count = int(git.env.get("GIT_CONFIG_COUNT", "0"))
            for index, (key, value) in enumerate(_QUIET.items(), count):
                env[f"GIT_CONFIG_KEY_{index}"] = key
                env[f"GIT_CONFIG_VALUE_{index}"] = value
            env["GIT_CONFIG_COUNT"] = str(count + len(_QUIET))
            (git.directory / "info").mkdir(exist_ok=True)
            (git.directory / "info" / "attributes").write_text(_AS_THEY_ARE)
            try:
                yield Git(Path(name), git.env, git.timeout).with_env(env)
            finally:
                # What is tested afterwards has files as any checkout has them.
                (git.directory / "info" / "attributes").unlink(missing_ok=True)
    except OSError as error:
        raise GitError(f"cannot use a temporary folder to catch the branch up in: {error}") from error


def _rebased(work: Git, base: str, head: str) -> CatchUpConflict | None:
    # Authors and their dates are the commits' own; only who commits is ours.
    work.read("checkout", "--quiet", "--detach", head)
    return _done(work, work.run("rebase", "--quiet", "--no-fork-point", "--empty=drop", "--no-gpg-sign", base))


def _merged(work: Git, base: str, head: str) -> CatchUpConflict | None:
    by = work.with_env({f"GIT_AUTHOR_{part}": work.env[f"GIT_COMMITTER_{part}"] for part in ("NAME", "EMAIL", "DATE")})
    by.read("checkout", "--quiet", "--detach", head)
    message = f"Merge {base[:10]} of the target into the branch"
    return _done(by, by.run("merge", "--quiet", "--no-ff", "--no-gpg-sign", "-m", message, base))


def _done(work: Git, done: Completed) -> CatchUpConflict | None:
    """None where it was done, else the files in conflict.

    Raises:
        GitError: it failed, and not by a conflict.
    """
    if done.returncode == 0:
        return None
    # The index alone is asked: files with conflict marks in them may be what git reads for attributes or modules.
    listed = work.run("ls-files", "--unmerged", "-z").stdout.decode("utf-8", "replace")
    files = tuple(dict.fromkeys(row.partition("\t")[2] for row in listed.split("\0") if row))
    if not files:
        raise GitError(f"the branch could not be caught up: {done.complaint}")
    return CatchUpConflict(files[:_SHOWN])
