"""The only caller of the git program: isolated from user configuration, bounded in time."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from orch_gates import process
from orch_gates.errors import GitError, NoRepository, ShallowRepository, UnknownRevision
from orch_gates.settings import GIT_LOCATION

_KEPT = ("PATH", "TMPDIR", "SYSTEMROOT")

# The name that a revision begins with, before what leads on from there (`~2`, `^{tree}`, `@{1}`, `:path`).
_NAME = re.compile(r"([^~^:@{\s]*)(.*)", re.DOTALL)
_WHOLE = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
# By the PATH that it is found on.
_VERSIONS: dict[str, str] = {}
# A broken link of a work tree is none of these: git names its folder instead.
_IN_NONE = b"not a git repository (or any"
_ABBREVIATED = re.compile(r"[0-9a-fA-F]{4,63}")

# What a hostile or careless configuration could change about reading objects is pinned here.
_PINNED_CONFIG = {
    "safe.directory": "*",
    "core.fsmonitor": "false",
    "core.hooksPath": "/dev/null",
    "core.attributesFile": "/dev/null",
    "advice.graftFileDeprecated": "false",
    # Whoever may push a branch named like an object id could make every answer about that id a warning.
    "core.warnAmbiguousRefs": "false",
    # A blob is streamed and a pack mapped in parts, so that no repository decides how much memory git takes; measured
    # on 5,000 commits it is a third of what it was, in the same time.
    "core.bigFileThreshold": "4m",
    "core.packedGitWindowSize": "4m",
    "core.packedGitLimit": "16m",
    "core.deltaBaseCacheLimit": "32m",
    "protocol.allow": "never",
}


def isolated_env(inherited: Mapping[str, str], *, inside_hook: bool) -> dict[str, str]:
    """An environment in which git reads objects and nothing else decides how.

    Inside a hook the variables that make quarantined objects visible are kept; for any other
    repository they are dropped.
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


# About settings of how a repository writes, whole: a pusher chooses names that stand in other warnings.
_HARMLESS = re.compile(
    rb"warning: (?:core\.fsyncObjectFiles is deprecated; use core\.fsync instead"
    rb"|ignoring unknown core\.fsync component '[^']*'|ignoring unknown core\.fsyncMethod value '[^']*')"
)


def failed(command: str, code: int, message: str) -> GitError:
    """The error of a command that failed, with what to do where its words say that."""
    if "promisor remote" in message or "lazy fetching" in message:
        return GitError(
            "this clone was made with --filter and lacks content that has to be judged; fetch it with "
            "`git fetch --refetch --no-filter origin`, and in CI take `filter` out of the checkout step"
        )
    return GitError(f"git {command} failed ({code}): {message}")


def complaint(stderr: bytes) -> bytes:
    """What git said on stderr, on one line, without what has nothing to do with reading."""
    return b" ".join(b" ".join(line for line in stderr.split(b"\n") if not _HARMLESS.fullmatch(line)).split())


@dataclass(frozen=True, slots=True)
class Git:
    """Git commands on one repository, read-only; each takes at most `timeout` seconds and `memory` bytes (0: any).

    They run as `user`, where that is somebody else.
    """

    directory: Path
    env: Mapping[str, str]
    timeout: float
    memory: int = 0
    user: process.User | None = None
    _known: dict[str, str] = field(default_factory=dict, compare=False, repr=False)

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
            user=self.user,
        )

    def read(self, *args: str, stdin: bytes | None = None) -> bytes:
        """The output of a command that must succeed and must not complain.

        A warning on stderr is an error here: a scan that git could only half perform looks like a
        clean one.

        Raises:
            GitError: a non-zero exit code, or anything on stderr.
            ProcessError: as `run`.
        """
        done = self.run(*args, stdin=stdin)
        if done.returncode != 0 or complaint(done.stderr):
            raise failed(args[0], done.returncode, done.complaint)
        return done.stdout

    def text(self, *args: str) -> str:
        """As `read`, decoded and stripped."""
        return self.read(*args).decode("utf-8", "surrogateescape").strip()

    @contextlib.contextmanager
    def converse(self, *args: str, stdout: int = process.PIPE) -> Iterator[process.Child]:
        """A git process to write to and read from, or that writes to `stdout`; killed when the block is left."""
        argv = ["git", "-C", str(self.directory), *args]
        with process.converse(
            argv, env=self.env, timeout=self.timeout, memory=self.memory, stdout=stdout, user=self.user
        ) as child:
            yield child

    def git_dir(self) -> Path:
        """The absolute path of the repository's git directory (common to all its worktrees).

        Raises:
            NoRepository: the directory is in none.
            GitError: git cannot read it.
        """
        return (self.directory / self._property("common-dir")).resolve()

    def object_format(self) -> str:
        """The hash that names objects here: sha1 or sha256."""
        return self._property("object-format")

    def version(self) -> str:
        """The release of git, as it prints it; asked once in a process.

        Raises:
            GitError: there is no git.
        """
        where = self.env.get("PATH", "")
        if where not in _VERSIONS:
            _VERSIONS[where] = self.text("version")
        return _VERSIONS[where]

    def is_bare(self) -> bool:
        """Whether the repository has no work tree."""
        return self._property("bare") == "true"

    def _property(self, what: str) -> str:
        """What does not change while a command runs is asked once, all of it.

        Raises:
            NoRepository: the directory is in none.
            GitError: git cannot read it.
        """
        if what not in self._known:
            done = self.run(
                *("rev-parse", "--git-common-dir", "--is-shallow-repository", "--is-bare-repository"),
                "--show-object-format",
            )
            # The path comes first and may hold line breaks.
            lines = done.stdout.decode("utf-8", "surrogateescape").rstrip("\n").rsplit("\n", 3)
            if done.returncode != 0 or len(lines) != 4:
                if _IN_NONE not in done.stderr:
                    raise GitError(f"git cannot read the repository at {self.directory}: {done.complaint}")
                if damaged := _looks_like_one(self.directory):
                    raise GitError(f"git cannot read {damaged}, which is damaged or forbidden: {done.complaint}")
                raise NoRepository(f"{self.directory} is not inside a git repository: {done.complaint}")
            self._known.update(zip(("common-dir", "shallow", "bare", "object-format"), lines, strict=True))
        return self._known[what]

    def resolve(self, revision: str, kind: str = "commit") -> str:
        """The full object id of a revision.

        Raises:
            UnknownRevision: it does not name an object of that kind in this repository.
            GitError: git could not tell.
        """
        if not revision or revision.startswith("-") or "\0" in revision:
            raise UnknownRevision(f"{revision!r} is not the name of a commit, branch or tag")
        if (known := self._known.get(key := f"{revision}^{{{kind}}}")) is not None:
            if not known:
                raise UnknownRevision(f"{revision!r} names no {kind} of this repository; fetch it first")
            return known
        done = self.run("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{{kind}}}")
        # Only this answer says so; git that was killed knows of nothing.
        if done.returncode not in {0, 1}:
            raise GitError(f"git rev-parse {revision} failed ({done.returncode}): {done.complaint}")
        if done.returncode == 1:
            raise UnknownRevision(f"{revision!r} names no {kind} of this repository; fetch it first")
        self._known[key] = done.stdout.decode("ascii").strip()
        return self._known[key]

    def look_up(self, *refs: str) -> None:
        """Ask for refs, by their full names, at once: what they hold, or that there is none, is then known.

        What git complains about stays unknown: asked for alone, it has an answer of its own.
        """
        form = "--format=%(refname) %(objectname) %(objecttype) %(symref)"
        done = self.run("for-each-ref", form, *refs)
        if done.returncode != 0 or complaint(done.stderr):
            return
        rows = (row.split(" ") for row in done.stdout.decode("utf-8", "surrogateescape").splitlines())
        found = {name: (oid, kind, leads_to) for name, oid, kind, leads_to in rows}
        for ref in refs:
            oid, kind, leads_to = found.get(ref, ("", "commit", ""))
            self._known[f"{ref}^{{object}}"] = oid
            if kind == "commit":
                self._known[f"{ref}^{{commit}}"] = oid
            if leads_to:
                self._known[f"{ref} leads to"] = leads_to

    def leads_to(self, ref: str) -> str:
        """The ref that a symbolic ref points to, also where that is gone; empty for any other ref, and for none."""
        if (key := f"{ref} leads to") not in self._known:
            done = self.run("symbolic-ref", "--quiet", ref)
            self._known[key] = done.stdout.decode("utf-8", "surrogateescape").strip() if done.returncode == 0 else ""
        return self._known[key]

    def is_ref(self, name: str) -> bool:
        """Whether there is a ref of exactly this whole name; `main~1` names a commit, and no ref."""
        return self.run("show-ref", "--verify", "--quiet", "--", name).returncode == 0

    def unambiguous(self, revision: str) -> str:
        """A revision as a person writes it, with the ref that it begins with spelled out.

        git takes a tag before a branch of the same name, and whoever may push can make a tag `origin/main`; here a
        branch that was fetched comes first, then one of the clone, then a tag.

        Raises:
            UnknownRevision: its name is that of a ref and the beginning of an object id as well.
        """
        if (key := f"{revision} unambiguous") in self._known:
            return self._known[key]
        found_name = _NAME.match(revision)
        assert found_name is not None
        name, suffix = found_name.groups()
        if not name or _WHOLE.fullmatch(name) or name.startswith(("refs/", "-")) or name.isupper():
            return revision
        places = [f"refs/{kind}/{name}" for kind in ("remotes", "heads", "tags")]
        found = set(self.text("for-each-ref", "--format=%(refname)", *places).split("\n"))
        ref = next((place for place in places if place in found), "")
        if ref and _ABBREVIATED.fullmatch(name) and self._names_object(name):
            raise UnknownRevision(f"{name!r} is {ref} and the beginning of an object id; write the whole id, or {ref}")
        self._known[key] = f"{ref}{suffix}" if ref else revision
        return self._known[key]

    def _names_object(self, abbreviated: str) -> bool:
        """Whether any object's id begins so; git itself would take the ref."""
        return bool(self.run("rev-parse", f"--disambiguate={abbreviated}").stdout.strip())

    def is_shallow(self) -> bool:
        """Whether history is cut off here."""
        return self._property("shallow") != "false"

    def refuse_shallow(self) -> None:
        """A range in a shallow clone may be empty without being clean (SEC-2).

        Raises:
            ShallowRepository: history is cut off here.
        """
        if self.is_shallow():
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
        found = self._at_top(revision) if "/" not in path else self._listed(revision, path)
        if (oid := found.get(path)) is None:
            return None
        return self.read("cat-file", "blob", oid)

    def _at_top(self, revision: str) -> dict[str, str]:
        """The files in the top folder of a revision; several are asked for, and mostly there is none."""
        if (key := f"{revision} top") not in self._known:
            listed = self._listed(revision)
            self._known[key] = "\0".join(f"{oid} {name}" for name, oid in listed.items())
        return {name: oid for oid, _, name in (row.partition(" ") for row in self._known[key].split("\0"))}

    def _listed(self, revision: str, *paths: str) -> dict[str, str]:
        listed = self.read("ls-tree", "-z", "--full-tree", revision, "--", *paths).decode("utf-8", "surrogateescape")
        rows = (row.partition("\t") for row in listed.split("\0") if row)
        return {name: about.split(" ")[2] for about, _, name in rows if about.split(" ")[1] == "blob"}


def open_repository(directory: Path, inherited: Mapping[str, str], *, timeout: float, inside_hook: bool = False) -> Git:
    """Git on the repository that holds `directory`.

    Raises:
        GitError: there is none.
    """
    git = Git(directory, isolated_env(inherited, inside_hook=inside_hook), timeout)
    git.git_dir()
    return git


def default_branch_commit(git: Git) -> str:
    """The commit of a server repository's default branch, or empty before its first push.

    Raises:
        GitError: there is a branch, and its commit cannot be read.
    """
    try:
        return git.resolve("HEAD")
    except UnknownRevision:
        # A branch whose commit is gone is no empty repository.
        if named := git.text("for-each-ref", "--format=%(refname)", git.text("symbolic-ref", "HEAD")):
            raise GitError(f"{named} cannot be read, so the repository's configuration is unknown") from None
        return ""


def _looks_like_one(directory: Path) -> str:
    """What here is a repository by its name or its folders, whatever git says; git passes over a damaged one."""
    for folder in (directory.absolute(), *directory.absolute().parents):
        if os.path.lexists(folder / ".git"):
            return str(folder / ".git")
        if all(os.path.lexists(folder / name) for name in ("objects", "refs", "config")):
            return str(folder)
    return ""
