"""Where the state branch lives: the url of its repository, and what a clone's configuration adds to reach it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from orch_gates.errors import GitError, SettingsError
from orch_gates.git.cli import Git, open_repository
from orch_gates.git.remote import HANDED_OVER, Remote
from orch_gates.state.source import Source

_URL = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*::?|[^/]*:")


@dataclass(frozen=True, slots=True)
class Place:
    """A repository, and entries of the clone's configuration that are needed to reach it."""

    url: str
    config: tuple[tuple[str, str], ...]


def find(wanted: str, directory: Path, inherited: Mapping[str, str], *, timeout: float) -> Place:
    """The repository `wanted` names; without a name the bare repository here, else this clone's origin.

    Raises:
        SettingsError: there is none.
        GitError: the clone cannot be read.
    """
    try:
        git = open_repository(directory, inherited, timeout=timeout)
    except GitError as error:
        if wanted:
            return Place(_absolute(wanted, directory), ())
        raise SettingsError("nothing says where the state branch is; set ORCH_STATE_REMOTE to a url or path") from error
    config = tuple(_config(git))
    if wanted:
        return Place(_absolute(wanted, directory), config)
    if git.is_bare():
        return Place(str(git.git_dir()), ())
    done = git.run("config", "--local", "--get", "remote.origin.url")
    url = done.stdout.decode("utf-8", "surrogateescape").rstrip("\n")
    if not url:
        raise SettingsError("this clone has no remote `origin`; set ORCH_STATE_REMOTE to a url or path")
    return Place(_absolute(url, Path(git.text("rev-parse", "--show-toplevel"))), config)


def source(place: Place, branch: str, cache_dir: Path | None, inherited: Mapping[str, str]) -> Source:
    """What the store reads from and writes to.

    Raises:
        SettingsError: that is no name of a branch.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._/-]*", branch) or re.search(r"\.\.|//|/\.|\.lock(/|$)|[./]$", branch):
        raise SettingsError(f"ORCH_STATE_BRANCH={branch!r} is not a name for a branch")
    return Source(Remote.at(place.url, inherited, place.config), branch, cache_dir, local(place))


def local(place: Place) -> Path | None:
    """The git directory of a place on this disk; None for one on a server."""
    return None if _URL.match(place.url) else git_directory(Path(place.url))


def git_directory(path: Path) -> Path | None:
    """The git directory of a repository on this disk whose objects can be used in place."""
    for candidate in (path / ".git", path, path.with_name(path.name + ".git")):
        if (candidate / "objects").is_dir() and (candidate / "HEAD").is_file():
            return candidate.resolve()
    return None


def _config(git: Git) -> list[tuple[str, str]]:
    done = git.run("config", "--local", "--includes", "--null", "--get-regexp", HANDED_OVER)
    entries = (entry.partition("\n") for entry in done.stdout.decode("utf-8", "surrogateescape").split("\0") if entry)
    return [(key, value) for key, _, value in entries]


def _absolute(url: str, base: Path) -> str:
    return url if _URL.match(url) else str((base / Path(url).expanduser()).resolve())
