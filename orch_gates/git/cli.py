"""The only caller of the git program: isolated from user configuration, bounded in time."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from orch_gates import process
from orch_gates.errors import GitError, ShallowRepository, UnknownRevision
from orch_gates.settings import GIT_LOCATION

_KEPT = ("PATH", "TMPDIR", "SYSTEMROOT")

# What a hostile or careless configuration could change about reading objects is pinned here.
_PINNED_CONFIG = {
    "safe.directory": "*",
    "core.fsmonitor": "false",
    "core.hooksPath": "/dev/null",
    "core.attributesFile": "/dev/null",
    "advice.graftFileDeprecated": "false",
    # Whoever may push a branch named like an object id could make every answer about that id a warning.
    "core.warnAmbiguousRefs": "false",
    # A blob is streamed and a pack mapped in parts, so that no object decides how much memory git takes.
    "core.bigFileThreshold": "4m",
    "core.packedGitWindowSize": "16m",
    "core.packedGitLimit": "128m",
    "protocol.allow": "never",
}


def isolated_env(inherited: Mapping[str, str], *, inside_hook: bool) -> dict[str, str]:
    """An environment in which git reads objects and nothing else decides how.

    Inside a hook the variables that make quarantined objects visible are kept; for any other
    repository they are dropped (DESIGN §7).
    """
    env = {name: inherited[name] for name in _KEPT if name in inherited}
    if inside_hook:
        env |= {name: inherited[name] for name in GIT_LOCATION if name in inherited}
    env |= {
        "LC_ALL": "C",
        "HOME": "/nonexistent",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_GRAFT_FILE": "/dev/null",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_CONFIG_COUNT": str(len(_PINNED_CONFIG)),
    }
    for index, (key, value) in enumerate(_PINNED_CONFIG.items()):
        env[f"GIT_CONFIG_KEY_{index}"] = key
        env[f"GIT_CONFIG_VALUE_{index}"] = value
    return env


@dataclass(frozen=True, slots=True)
class Git:
    """Git commands on one repository, read-only; each takes at most `timeout` seconds and `memory` bytes (0: any)."""

    directory: Path
    env: Mapping[str, str]
    timeout: float
    memory: int = 0

    def with_env(self, changes: Mapping[str, str | None]) -> Git:
        """The same repository with some variables set, or removed where the value is None."""
        env = {name: value for name, value in self.env.items() if name not in changes}
        env |= {name: value for name, value in changes.items() if value is not None}
        return replace(self, env=env)

    def run(self, *args: str, stdin: bytes | None = None) -> process.Completed:
        """Run `git ARGS` to its end, whatever its exit code.

        Raises:
            ProcessError: git could not be started or took longer than `timeout` seconds.
        """
        return process.run(
            ["git", "-C", str(self.directory), *args],
            env=self.env,
            timeout=self.timeout,
            stdin=stdin,
            memory=self.memory,
        )

    def read(self, *args: str, stdin: bytes | None = None) -> bytes:
        """The output of a command that must succeed and must not complain.

        A warning on stderr is an error here: a scan that git could only half perform looks like a
        clean one (reference/scanners.md §0.1).

        Raises:
            GitError: a non-zero exit code, or anything on stderr.
            ProcessError: as `run`.
        """
        done = self.run(*args, stdin=stdin)
        if done.returncode != 0 or done.stderr.strip():
            raise GitError(f"git {args[0]} failed ({done.returncode}): {done.complaint}")
        return done.stdout

    def text(self, *args: str) -> str:
        """As `read`, decoded and stripped."""
        return self.read(*args).decode("utf-8", "surrogateescape").strip()

    @contextlib.contextmanager
    def converse(self, *args: str, stdout: int = process.PIPE) -> Iterator[process.Child]:
        """A git process to write to and read from, or that writes to `stdout`; killed when the block is left."""
        argv = ["git", "-C", str(self.directory), *args]
        with process.converse(argv, env=self.env, timeout=self.timeout, memory=self.memory, stdout=stdout) as child:
            yield child

    def git_dir(self) -> Path:
        """The absolute path of the repository's git directory (common to all its worktrees).

        Raises:
            GitError: the directory is not inside a git repository.
        """
        found = Path(self.text("rev-parse", "--git-common-dir"))
        return (self.directory / found).resolve()

    def resolve(self, revision: str, kind: str = "commit") -> str:
        """The full object id of a revision.

        Raises:
            UnknownRevision: it does not name an object of that kind in this repository.
        """
        if not revision or revision.startswith("-") or "\0" in revision:
            raise UnknownRevision(f"{revision!r} is not a revision")
        done = self.run("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{{kind}}}")
        if done.returncode != 0:
            raise UnknownRevision(f"{revision!r} names no {kind} of this repository; fetch it first")
        return done.stdout.decode("ascii").strip()

    def refuse_shallow(self) -> None:
        """A range in a shallow clone may be empty without being clean (SEC-2).

        Raises:
            ShallowRepository: history is cut off here.
        """
        if self.text("rev-parse", "--is-shallow-repository") != "false":
            raise ShallowRepository(
                "this clone is shallow, so the range cannot be proven; "
                "fetch the whole history (git fetch --unshallow, or fetch-depth: 0 in CI)"
            )

    def has(self, revision: str) -> bool:
        """Whether a revision names any object here."""
        try:
            self.resolve(revision, "object")
        except UnknownRevision:
            return False
        return True

    def blob(self, revision: str, path: str) -> bytes | None:
        """The content of a file at a revision, or None where there is no such file.

        Raises:
            GitError: the revision's tree cannot be read.
        """
        listed = self.read("ls-tree", "-z", "--full-tree", revision, "--", path)
        if not listed:
            return None
        _, kind, oid = listed.split(b"\t", 1)[0].split(b" ")
        if kind != b"blob":
            return None
        return self.read("cat-file", "blob", oid.decode("ascii"))


def open_repository(directory: Path, inherited: Mapping[str, str], *, timeout: float, inside_hook: bool = False) -> Git:
    """Git on the repository that holds `directory`.

    Raises:
        GitError: there is none.
    """
    git = Git(directory, isolated_env(inherited, inside_hook=inside_hook), timeout)
    done = git.run("rev-parse", "--git-dir")
    if done.returncode != 0:
        raise GitError(f"{directory} is not inside a git repository: {done.complaint}")
    return git
