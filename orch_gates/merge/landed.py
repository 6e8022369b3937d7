"""What git knows about a commit and the branch that it should be on, as the server has it now (MRG-9)."""

from __future__ import annotations

from dataclasses import replace

from orch_gates.errors import GitError, UnknownRevision, UsageError
from orch_gates.git.answers import FetchOutcome
from orch_gates.git.cli import Git
from orch_gates.git.merges import contains, merged_tree
from orch_gates.git.remote import Remote
from orch_gates.git.scratch import scratch
from orch_gates.merge.proof import AncestryFacts
from orch_gates.model.ids import OID

_TARGET = "refs/heads/target"
# A squash is looked for among as many of the branch's newest commits.
_MOST_TWINS = 50
_MOST_MERGES = 200
_TWO = 2


def facts(
    git: Git, remote: Remote, branch: str, commit: str, base: str, *, timeout: float, made: bool = False
) -> AncestryFacts:
    """Fetch the branch and compare; nothing of it is written into the repository.

    `made`: the commit is known to exist, so where the branch's whole history lacks it, it is not there.

    Raises:
        ShallowRepository: history is cut off here, so nothing can be told.
        UnknownRevision: a commit is neither here nor on the branch.
        UsageError: there is no such branch on the server.
        GitError, ProcessError: it could not be told.
    """
    git.refuse_shallow()
    with scratch(git) as bench:
        answer = remote.fetch(bench.directory, [f"+refs/heads/{branch}:{_TARGET}"], timeout=timeout)
        if answer.meaning is FetchOutcome.ABSENT:
            raise UsageError(f"branch {branch} does not exist on the server; push it, or name another one")
        if answer.meaning is not FetchOutcome.DONE:
            raise GitError(f"{branch} could not be fetched: {answer.reason}")
        tip = bench.resolve(_TARGET)
        if (bench.directory / "shallow").exists():
            raise GitError("the server's repository is shallow, so nothing can be proven")
        tested = _named(git, bench, base) if base else ""
        try:
            named = _named(git, bench, commit)
        except UnknownRevision:
            if not made:
                raise
            return AncestryFacts(commit, branch, tip, ancestor=False, base=tested)
        return _compared(bench, named, branch, tip, tested)


def _named(git: Git, bench: Git, commit: str) -> str:
    """A revision of the repository itself, or the full id of a commit that only the branch has."""
    try:
        return git.resolve(git.unambiguous(commit))
    except UnknownRevision:
        # Any shorter name would be one of the scratch repository, which knows the branch by a name of its own.
        if not OID.fullmatch(commit):
            raise
        return bench.resolve(commit)


def _compared(bench: Git, commit: str, branch: str, tip: str, base: str) -> AncestryFacts:
    found = AncestryFacts(commit, branch, tip, ancestor=contains(bench, tip, commit), base=base)
    if base:
        own = int(bench.text("rev-list", "--count", f"{base}..{commit}"))
        found = replace(found, own=own, changed=merged_tree(bench, base, commit) != _tree(bench, base))
    if not found.ancestor:
        return replace(found, twin=_twin(bench, tip, commit))
    first = _brought_in(bench, tip, commit)
    if not first:
        return found
    if contains(bench, _parents(bench, first)[0], commit):
        return replace(found, lost=first if _is_other_side(bench, first, commit) else "")
    lost, unjudged = _content(bench, first, commit)
    return replace(found, merge=first, lost=lost, unjudged=unjudged)


def _brought_in(bench: Git, tip: str, commit: str) -> str:
    """The oldest other commit of the branch's own line that has this one in its history; empty where it is the tip."""
    line = bench.text("rev-list", "--first-parent", f"{commit}..{tip}").split()
    # Newest first: from some place on, none has it any more.
    low, high = 0, len(line)
    while low < high:
        middle = (low + high) // 2
        if contains(bench, line[middle], commit):
            low = middle + 1
        else:
            high = middle
    return line[low - 1] if low else ""


def _content(bench: Git, first: str, commit: str) -> tuple[str, str]:
    """The first merge on the way from a commit to another one that lost content, and one that cannot be judged.

    Raises:
        GitError: git could not tell, or there are too many of them.
    """
    listed = bench.text(
        "rev-list", "--ancestry-path", "--merges", "--reverse", f"--max-count={_MOST_MERGES + 1}", f"{commit}..{first}"
    ).split()
    if len(listed) > _MOST_MERGES:
        raise GitError(f"more than {_MOST_MERGES} merges lie between {commit[:10]} and {first[:10]}, too many to judge")
    unjudged = ""
    for merge in listed:
        parents = _parents(bench, merge)
        made = merged_tree(bench, *parents) if len(parents) == _TWO else None
        if made is None:
            if _is_other_side(bench, merge, commit):
                return merge, unjudged
            unjudged = unjudged or merge
        elif made != _tree(bench, merge):
            return merge, unjudged
    return "", unjudged


def _is_other_side(bench: Git, merge: str, commit: str) -> bool:
    """Whether a merge holds just what a parent without the commit holds, so nothing of this side."""
    tree = _tree(bench, merge)
    return any(tree == _tree(bench, one) and not contains(bench, one, commit) for one in _parents(bench, merge))


def _parents(bench: Git, commit: str) -> list[str]:
    return bench.text("rev-list", "--parents", "--max-count=1", commit).split()[1:]


def _twin(bench: Git, tip: str, commit: str) -> str:
    """A newer commit of the branch's own line that has what a merge of this one there would have; empty for none."""
    line = bench.text("rev-list", "--first-parent", f"--max-count={_MOST_TWINS}", f"{commit}..{tip}").split()
    for found in line:
        parents = _parents(bench, found)
        tree = _tree(bench, found)
        if parents and tree != _tree(bench, parents[0]) and tree == merged_tree(bench, parents[0], commit):
            return found
    return ""


def _tree(bench: Git, commit: str) -> str:
    return bench.resolve(commit, "tree")
