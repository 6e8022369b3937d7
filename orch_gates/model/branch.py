"""How a branch is named, where settings can read it without what makes documents dear to import."""

from __future__ import annotations

import re

# What git takes as a branch's name, and no option, traversal or lock file besides.
BRANCH = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]|/(?=[A-Za-z0-9_-])|\.(?![./]|lock(?:/|\Z)|\Z)){0,199}")
# Where a server shows the commit of a pull request, also of one whose branch is in a fork.
_PULL = re.compile(r"refs/pull/([1-9][0-9]{0,9})/head")


def pull_branch(number: int) -> str:
    """What a task names as its branch whose pull request comes from a fork."""
    return f"refs/pull/{number}/head"


def pull_of(branch: str) -> int:
    """The pull request whose commit is meant, which nobody can push to from here; 0 for a branch of this repository."""
    found = _PULL.fullmatch(branch)
    return int(found[1]) if found is not None else 0


def code_ref(branch: str) -> str:
    """The ref on the server where a task's code is."""
    return branch if pull_of(branch) else f"refs/heads/{branch}"
