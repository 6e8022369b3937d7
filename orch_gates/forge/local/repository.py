"""What git knows about the branches of a bare repository, and merging there as a server does.

This is the one place where the product moves a target branch: P4 says that only the forge merges,
and here it is the forge. It pushes, so that the repository's hooks judge the merge (MRG-5).
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from orch_gates.errors import ForgeUnavailable, GitError, ProcessError
from orch_gates.git.answers import PushAnswer
from orch_gates.git.cli import Git
from orch_gates.git.merges import contains, merged_tree
from orch_gates.git.remote import Remote, Update
from orch_gates.git.scratch import scratch

MERGED = "refs/orch/merged"

_TRIGGER = "pr-merge-to-base"


@dataclass(frozen=True, slots=True)
class PullRefs:
    """The commits at the refs of one pull request; empty where there is no such ref.

    `merged` is the merge commit that its merge put into the repository together with the target.
    """

    head: str
    target: str
    merged: str


@dataclass(frozen=True, slots=True)
class ScratchRepository:
    """A repository for one merge: it sees the objects of the bare one, which sees none of its objects."""

    git: Git
    remote: Remote

    def tree(self, target: str, head: str) -> str | None:
        """The tree of both merged; None where they conflict, or have nothing in common.

        Raises:
            GitError: git could not tell.
        """
        return merged_tree(self.git, target, head)

    def commit(self, tree: str, parents: tuple[str, ...], message: str, who: str, now: datetime) -> str:
        """A commit of this tree, by `who`, at `now`.

        Raises:
            GitError: git refused it.
        """
        identity: dict[str, str | None] = {}
        for role in ("AUTHOR", "COMMITTER"):
            identity[f"GIT_{role}_NAME"] = who
            identity[f"GIT_{role}_EMAIL"] = who if "@" in who else f"{who}@localhost"
            identity[f"GIT_{role}_DATE"] = f"{int(now.timestamp())} +0000"
        after = [argument for parent in parents for argument in ("-p", parent)]
        made = self.git.with_env(identity).read("commit-tree", *after, "-F", "-", tree, stdin=message.encode())
        return made.decode("ascii").strip()

    def push(self, updates: tuple[Update, ...], timeout: float) -> PushAnswer:
        """Push all updates or none, each a compare-and-swap; hooks run, and may refuse."""
        return self.remote.push(self.git.directory, updates, timeout=timeout)


class Repository:
    """The bare repository; its hooks see `who` as the pusher, and its `name` (`owner/name`) where it is known."""

    def __init__(self, git: Git, name: str, who: str, env: Mapping[str, str]) -> None:
        self._git = git
        self._name = name
        self._who = who
        self._env = env
        self.timeout = git.timeout

    def refs(self, branch: str, target: str, number: int = 0) -> PullRefs:
        """The refs of a pull request, read together.

        Raises:
            ForgeUnavailable: git did not answer.
        """
        names = (f"refs/heads/{branch}", f"refs/heads/{target}", f"{MERGED}/{number}")
        with git_errors():
            listed = self._git.read("for-each-ref", "--format=%(refname) %(objectname)", *names)
        found = dict(line.split(" ", 1) for line in listed.decode("utf-8", "surrogateescape").splitlines())
        return PullRefs(*(found.get(name, "") for name in names))

    def merged_into(self, target: str) -> frozenset[int]:
        """The numbers of the pull requests whose merge is in a commit.

        Raises:
            ForgeUnavailable: git did not answer.
        """
        return self._numbered(f"--merged={target}")

    def last_merged(self) -> int:
        """The highest number that a merge was ever made for, by pull requests of an earlier state branch too.

        Raises:
            ForgeUnavailable: git did not answer.
        """
        return max(self._numbered(), default=0)

    def contains(self, commit: str, ancestor: str) -> bool:
        """Whether a commit has another one in its history; an empty id is in none.

        Raises:
            ForgeUnavailable: git could not tell.
        """
        if not (commit and ancestor):
            return False
        with git_errors():
            return contains(self._git, commit, ancestor)

    def second_parent(self, merge: str) -> str:
        """The commit that a merge brought in.

        Raises:
            ForgeUnavailable: git could not tell.
        """
        with git_errors():
            return self._git.resolve(f"{merge}^2")

    def has_commit(self, commit: str) -> bool:
        """Whether there is such a commit.

        Raises:
            ForgeUnavailable: git did not answer.
        """
        with git_errors():
            return self._git.run("cat-file", "-e", f"{commit}^{{commit}}").returncode == 0

    def mergeable(self, refs: PullRefs) -> bool:
        """Whether both branches are there and merge without a conflict.

        Raises:
            ForgeUnavailable: git could not tell.
        """
        if not (refs.head and refs.target):
            return False
        with self.scratch_repository() as repository, git_errors():
            return repository.tree(refs.target, refs.head) is not None

    @contextlib.contextmanager
    def scratch_repository(self, number: int = 0) -> Iterator[ScratchRepository]:
        """A repository for the merge of a pull request, while the block lasts.

        Raises:
            ForgeUnavailable: it could not be made.
        """
        with contextlib.ExitStack() as stack:
            with git_errors():
                home, bench = self._git.git_dir(), stack.enter_context(scratch(self._git))
                config = bench.directory / "people"
                config.write_bytes(os.fsencode(_config(self._env, home / "hooks")))
            env = {**self._hook_env(number), "GIT_CONFIG_GLOBAL": str(config)}
            yield ScratchRepository(bench, Remote.at(str(home), env))

    def version(self) -> str:
        """The release of git that does the work.

        Raises:
            ForgeUnavailable: there is no git, or no repository any more.
        """
        with git_errors():
            self._git.git_dir()
            return self._git.text("version").removeprefix("git version ")

    def default_branch(self) -> str:
        """The branch that a clone begins with.

        Raises:
            ForgeUnavailable: git could not tell.
        """
        with git_errors():
            return self._git.text("symbolic-ref", "--short", "HEAD")

    def allows(self, mode: int) -> bool:
        """Whether the permissions of its files let this process read (`os.R_OK`) or write (`os.W_OK`) it.

        Raises:
            ForgeUnavailable: there is no repository any more.
        """
        with git_errors():
            folder = self._git.git_dir()
        return all(os.access(folder / name, mode | os.X_OK) for name in ("objects", "refs"))

    def _numbered(self, *which: str) -> frozenset[int]:
        with git_errors():
            listed = self._git.read("for-each-ref", *which, "--format=%(refname)", f"{MERGED}/")
        numbers = (line.rpartition("/")[2] for line in listed.decode("utf-8", "replace").splitlines())
        return frozenset(int(number) for number in numbers if number.isdecimal() and number.isascii())

    def _hook_env(self, number: int) -> dict[str, str]:
        """The environment that a server gives to the hooks of a merge (docs/reference/forges.md)."""
        owner, _, name = self._name.partition("/")
        named = {"GITEA_REPO_USER_NAME": owner, "GITEA_REPO_NAME": name} if owner and name else {}
        # The variables of another forge are not about this repository.
        ours = {name: value for name, value in self._env.items() if not name.startswith("GITEA_")}
        return {
            **ours,
            **named,
            "GITEA_PUSH_TRIGGER": _TRIGGER,
            "GITEA_PR_ID": str(number),
            "GITEA_PR_INDEX": str(number),
            "GITEA_PUSHER_NAME": self._who,
        }


def _config(env: Mapping[str, str], hooks: Path) -> str:
    """What people have configured, but for hooks of their own in place of the repository's."""
    home = env.get("HOME") or "/nonexistent"
    usual = (f"{env.get('XDG_CONFIG_HOME') or f'{home}/.config'}/git/config", f"{home}/.gitconfig")
    named = env.get("GIT_CONFIG_GLOBAL")
    theirs = usual if named is None else (named,) if named else ()
    included = "".join(f"[include]\n\tpath = {_quoted(path)}\n" for path in theirs)
    return f"{included}[core]\n\thooksPath = {_quoted(str(hooks))}\n"


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


@contextlib.contextmanager
def git_errors() -> Iterator[None]:
    """Raise an error of git as an error of the forge."""
    try:
        yield
    except (GitError, ProcessError, OSError) as error:
        raise ForgeUnavailable(f"the local forge: {error}") from error
