"""What git knows about a commit and the branch that it should be on, as the server has it now (MRG-9)."""

from __future__ import annotations

from pathlib import Path

from orch_gates.errors import GitError, UnknownRevision, UsageError
from orch_gates.git.answers import Fetched
from orch_gates.git.cli import Git
from orch_gates.git.merge_tree import merged_tree
from orch_gates.git.remote import Remote
from orch_gates.git.scratch import scratch
from orch_gates.merge.proof import Facts, Merge

_TARGET = "refs/heads/target"
# A squash is looked for among as many of the branch's newest commits.
_MOST_TWINS = 50


def facts(git: Git, remote: Remote, branch: str, commit: str, base: str) -> Facts:
    """Fetch the branch and compare; nothing of it is written into the repository.

    Raises:
        ShallowRepository: history is cut off here, so nothing can be told.
        UnknownRevision: a commit is neither here nor on the branch.
        UsageError: there is no such branch on the server.
        GitError, ProcessError, OSError: it could not be told.
    """
    git.refuse_shallow()
    with scratch(git) as bench:
        answer = remote.fetch(bench.directory, [f"+refs/heads/{branch}:{_TARGET}"], timeout=git.timeout)
        if answer.meaning is Fetched.ABSENT:
            raise UsageError(f"there is no branch {branch} on the server")
        if answer.meaning is not Fetched.DONE:
            raise GitError(f"{branch} could not be fetched: {answer.reason}")
        tip = bench.resolve(_TARGET)
        if (Path(bench.directory) / "shallow").exists():
            raise GitError("the server's own history is cut off, so nothing can be told")
        named, tested = _named(git, bench, commit), _named(git, bench, base) if base else ""
        return _compared(bench, named, branch, tip, tested)


def _named(git: Git, bench: Git, commit: str) -> str:
    """A revision, of the repository itself, or a full id that only the branch has."""
    try:
        return git.resolve(git.unambiguous(commit))
    except UnknownRevision:
        return bench.resolve(commit)


def _compared(bench: Git, commit: str, branch: str, tip: str, base: str) -> Facts:
    ancestor = _contains(bench, tip, commit)
    own = int(bench.text("rev-list", "--count", f"{base}..{commit}")) if base else 0
    return Facts(
        commit=commit,
        branch=branch,
        tip=tip,
        ancestor=ancestor,
        merge=_merge(bench, tip, commit) if ancestor else None,
        base=base,
        own=own,
        changed=not base or _tree(bench, base) != _tree(bench, commit),
        twin="" if ancestor else _twin(bench, tip, commit),
    )


def _merge(bench: Git, tip: str, commit: str) -> Merge | None:
    """The first commit of the branch's own line that has the commit in its history, where that is a merge of it."""
    line = bench.text("rev-list", "--first-parent", f"{commit}..{tip}").split()
    # Newest first: from some place on, none has it any more.
    low, high = 0, len(line)
    while low < high:
        middle = (low + high) // 2
        if _contains(bench, line[middle], commit):
            low = middle + 1
        else:
            high = middle
    if low == 0:
        return None
    found = line[low - 1]
    first, *others = bench.text("rev-list", "--parents", "--max-count=1", found).split()[1:]
    if _contains(bench, first, commit):
        return None
    second = next(parent for parent in others if _contains(bench, parent, commit))
    made = merged_tree(bench, first, second) if len(others) == 1 else None
    return Merge(found, second, _tree(bench, found), made or "")


def _twin(bench: Git, tip: str, commit: str) -> str:
    """A newer commit of the branch's own line that has what a merge of this one there would have; empty for none."""
    line = bench.text("rev-list", "--first-parent", f"--max-count={_MOST_TWINS}", f"{commit}..{tip}").split()
    for found in line:
        parents = bench.text("rev-list", "--parents", "--max-count=1", found).split()[1:]
        tree = _tree(bench, found)
        if parents and tree != _tree(bench, parents[0]) and tree == merged_tree(bench, parents[0], commit):
            return found
    return ""


def _contains(bench: Git, commit: str, ancestor: str) -> bool:
    """Whether a commit has another one in its history; 128 is neither yes nor no.

    Raises:
        GitError: git could not tell.
    """
    done = bench.run("merge-base", "--is-ancestor", ancestor, commit)
    if done.returncode not in {0, 1} or done.stderr.strip():
        raise GitError(f"whether {ancestor[:10]} is in {commit[:10]} could not be told: {done.complaint}")
    return done.returncode == 0


def _tree(bench: Git, commit: str) -> str:
    return bench.resolve(commit, "tree")
