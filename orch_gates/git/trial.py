"""Git, and hooks of a clone, tried in a repository that is thrown away."""

from __future__ import annotations

import contextlib
import secrets
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from orch_gates import process
from orch_gates.errors import GitError, OrchError
from orch_gates.git.cli import isolated_env
from orch_gates.settings import GIT_LOCATION

_TIMEOUT_S = 20
_WHO = {f"GIT_{role}_{part}": "orch-gates@localhost" for role in ("AUTHOR", "COMMITTER") for part in ("NAME", "EMAIL")}


def version(inherited: Mapping[str, str]) -> str:
    """The release of the git on PATH, as it prints it.

    Raises:
        OrchError: there is none.
    """
    env = isolated_env(inherited, inside_hook=False)
    return _git(Path("/"), env, "version").decode("utf-8", "replace").strip()


def problem(inherited: Mapping[str, str]) -> str:
    """What the git on PATH does not do of what everything here rests on; empty where it does all of it."""
    env = isolated_env(inherited, inside_hook=False)
    # Random, so that no program that only pretends can know the answer.
    content = secrets.token_hex(32).encode() + b"\n"
    try:
        with _folder() as folder:
            _git(folder, env, "init", "--quiet", "--bare", "--template=", ".")
            oid = _git(folder, env, "hash-object", "-w", "--stdin", stdin=content).decode().strip()
            if _git(folder, env, "cat-file", "blob", oid) != content:
                return "git returns other content than it was given"
            _git(folder, env, "rev-parse", "--git-common-dir", "--is-bare-repository", "--show-object-format")
    except (OrchError, ValueError) as error:
        return str(error)
    return ""


def merges(inherited: Mapping[str, str]) -> bool:
    """Whether git can merge two trees without files, which it can since 2.38."""
    env = {**isolated_env(inherited, inside_hook=False), **_WHO}
    # Since it knows the variable that rules grafts out, `merge-tree` warns of it.
    env.pop("GIT_GRAFT_FILE", None)
    with _folder() as folder:
        _git(folder, env, "init", "--quiet", "--bare", "--template=", ".")
        tree = _git(folder, env, "mktree").decode().strip()
        commit = _git(folder, env, "commit-tree", "-m", "a trial", tree).decode().strip()
        try:
            return _git(folder, env, "merge-tree", "--write-tree", commit, commit).decode().strip() == tree
        except GitError:
            return False


def hook_of(top: Path, inherited: Mapping[str, str], name: str) -> tuple[Path, Path, str]:
    """Where git looks for a hook when its user commits in a clone, the place in its .git, and what sets core.hooksPath.

    Git itself is asked: the setting may be in any of its files, in one that they include, or in the environment.

    Raises:
        OrchError: git does not say.
    """
    env = _around(inherited)
    path, own = (
        top / _git(top, env, "rev-parse", *query).decode("utf-8", "surrogateescape").removesuffix("\n")
        for query in (("--git-path", f"hooks/{name}"), ("--git-common-dir",))
    )
    query = ["git", "config", "--show-origin", "--null", "--get", "core.hooksPath"]
    done = process.run(query, env=env, timeout=_TIMEOUT_S, cwd=top)
    origin = done.stdout.decode("utf-8", "surrogateescape").split("\0")[0].removeprefix("file:")
    return path, own / "hooks" / name, "the environment" if origin == "command line:" else origin


def commit(hooks: Path, inherited: Mapping[str, str], content: bytes, beside: Mapping[Path, Path]) -> process.Completed:
    """A commit of a file under the hooks in a folder, as their user would make it; nothing of it is kept.

    `beside` are files that a hook may look for, by their paths in a clone.

    Raises:
        OrchError: it could not be tried.
    """
    env = _around(inherited) | _WHO
    with _folder() as folder:
        _git(folder, env, "init", "--quiet", "--template=", ".")
        for place, file in beside.items():
            (folder / place).parent.mkdir(parents=True, exist_ok=True)
            (folder / place).symlink_to(file)
        (folder / "trial.txt").write_bytes(content)
        _git(folder, env, "add", "trial.txt")
        query = ["git", "-c", f"core.hooksPath={hooks}", "-c", "commit.gpgSign=false", "commit", "-m", "a trial"]
        return process.run(query, env=env, timeout=_TIMEOUT_S, cwd=folder)


def _around(inherited: Mapping[str, str]) -> dict[str, str]:
    env = {name: value for name, value in inherited.items() if name not in GIT_LOCATION}
    return env | {"GIT_TERMINAL_PROMPT": "0"}


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    try:
        made = tempfile.TemporaryDirectory(prefix="orch-gates-trial-", ignore_cleanup_errors=True)
    except OSError as error:
        raise GitError(f"a repository to try git in cannot be made: {error}") from error
    with made as folder:
        yield Path(folder)


def _git(folder: Path, env: Mapping[str, str], *args: str, stdin: bytes = b"") -> bytes:
    done = process.run(["git", *args], env=env, timeout=_TIMEOUT_S, cwd=folder, stdin=stdin)
    if done.returncode != 0:
        raise GitError(f"git {args[0]} failed ({done.returncode}): {done.complaint}")
    return done.stdout
