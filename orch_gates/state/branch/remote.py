"""Where the state branch lives: the url of its repository, and what a clone's configuration adds to reach it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from orch_gates.errors import SettingsError
from orch_gates.git.cli import Git
from orch_gates.git.clone import Clone
from orch_gates.git.remote import Remote
from orch_gates.state.branch.source import StateRemote

_URL = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*::?|[^/]*:")
_NO_ORIGIN = "this clone has no remote `origin`; add it: `git remote add origin URL`"


@dataclass(frozen=True, slots=True)
class RemoteUrl:
    """The url of a repository, and entries of the clone's configuration that are needed to reach it."""

    url: str
    config: tuple[tuple[str, str], ...]


def named(wanted: str, git: Git, clone: Clone) -> RemoteUrl:
    """The repository that ORCH_STATE_REMOTE names by its url or path.

    Raises:
        GitError: the clone cannot be read.
    """
    return RemoteUrl(_absolute(wanted, git.directory), clone.handed_over)


def origin(git: Git, clone: Clone) -> RemoteUrl:
    """Where a clone pushes; the bare repository here is its own.

    Raises:
        SettingsError: there is none, or several.
        GitError: the clone cannot be read.
    """
    if git.is_bare():
        return RemoteUrl(str(git.git_dir()), ())
    if url := clone.push_url():
        return _resolved(url, git, clone)
    raise SettingsError(_NO_ORIGIN)


def upstream(git: Git, clone: Clone) -> RemoteUrl:
    """The repository that a clone fetches from, a bare one as well; one without a remote is the server itself.

    Raises:
        SettingsError: a clone has no remote.
        GitError: the clone cannot be read.
    """
    if url := clone.fetch_url():
        return _resolved(url, git, clone)
    if git.is_bare():
        return RemoteUrl(str(git.git_dir()), ())
    raise SettingsError(_NO_ORIGIN)


def _resolved(url: str, git: Git, clone: Clone) -> RemoteUrl:
    if _URL.match(url) or url.startswith("/") or git.is_bare():
        return RemoteUrl(_absolute(url, git.directory), clone.handed_over)
    # git takes it from the top of the work tree.
    return RemoteUrl(_absolute(url, Path(git.text("rev-parse", "--show-toplevel"))), clone.handed_over)


def source(
    remote: RemoteUrl, branch: str, cache_dir: Path | None, inherited: Mapping[str, str], target: str = ""
) -> StateRemote:
    """What the store reads from and writes to; the branch that tasks merge into is never written (P4)."""
    never = (target,) if target else ()
    return StateRemote(Remote.at(remote.url, inherited, remote.config, never=never), branch, cache_dir, local(remote))


def local(remote: RemoteUrl) -> Path | None:
    """The git directory of a repository on this disk; None for one on a server."""
    return None if _URL.match(remote.url) else git_directory(Path(remote.url))


def git_directory(path: Path) -> Path | None:
    """The git directory of a repository on this disk whose objects can be used in remote."""
    for candidate in (path / ".git", path, path.with_name(path.name + ".git")):
        if (candidate / "objects").is_dir() and (candidate / "HEAD").is_file():
            return candidate.resolve()
    return None


def _absolute(url: str, base: Path) -> str:
    return url if _URL.match(url) else str((base / Path(url).expanduser()).resolve())
