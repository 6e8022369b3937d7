"""Where git looks for the hooks of a repository when somebody pushes, and what is there."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from orch_gates import process
from orch_gates.errors import OrchError, UsageError
from orch_gates.git.cli import Git, open_repository
from orch_gates.hooks.server_hook import kinds, script
from orch_gates.hooks.server_hook import owner as owners
from orch_gates.hooks.server_hook.filesystem import explained, telling
from orch_gates.hooks.server_hook.kinds import HookFileKind
from orch_gates.hooks.server_hook.owner import Owner
from orch_gates.settings import Settings

_PLAIN = "pre-receive"
_FOLDER = "pre-receive.d"
_TIMEOUT_S = 60
_MOST = 1_000_000
_ROOT = 0


@dataclass(frozen=True, slots=True)
class HookFile:
    """What is at a hook's path; `link` is where a symbolic link there leads."""

    path: Path
    kind: HookFileKind
    content: bytes = b""
    link: str = ""
    executable: bool = False


@dataclass(frozen=True, slots=True)
class BareRepository:
    """Where the hooks of a bare repository are.

    `configured` is the file that sets core.hooksPath, empty where none does; `writer` is whose rights a hook is
    written with.
    """

    git: Git
    git_dir: Path
    hooks: Path
    configured: str
    owner: Owner
    writer: Owner
    env: dict[str, str]

    @property
    def plain(self) -> Path:
        """The one file that git runs."""
        return hook_paths(self.hooks)[0]

    @property
    def below_dispatcher(self) -> Path:
        """Where Gitea's own hook looks for others."""
        return hook_paths(self.hooks)[1]

    @property
    def shared(self) -> bool:
        """Whether other repositories may have their hooks in the same folder."""
        return not self.hooks.is_relative_to(self.git_dir)

    def server(self) -> Git:
        """Git as a push finds it here: as the owner, with the owner's and the machine's configuration."""
        return replace(self.git, env=self.env)

    def look(self, path: Path) -> HookFile:
        """What is at a hook's path.

        Raises:
            UsageError: it cannot be read.
        """
        with self.owner.acting(), telling("read", path):
            return look(path)

    def dispatches(self) -> bool:
        """Whether git runs another's hook here that calls a folder of them, as Gitea's does."""
        found = self.look(self.plain)
        with self.owner.acting():
            beside = (self.hooks / _FOLDER).is_dir()
        return found.kind is HookFileKind.DISPATCHER or (found.kind is HookFileKind.OTHER and beside)


def hook_paths(hooks: Path) -> tuple[Path, Path]:
    """Where a hook of ours may be: the file that git runs, and the one that Gitea's hook calls."""
    return hooks / _PLAIN, hooks / _FOLDER / script.NAME


def find(settings: Settings, repository: Path, command: list[str]) -> BareRepository:
    """The bare repository, and where its hooks are; `command` is what another user would have to run.

    Raises:
        UsageError: it is not a bare repository, or not one of this user.
        OrchError: git does not say where the hooks are.
    """
    if not os.path.lexists(repository):
        raise UsageError(f"{repository} does not exist, or is in a folder that this user may not enter")
    owner = owners.of(repository)
    if not repository.is_dir():
        raise UsageError(f"{repository} is not a folder; give the folder of a bare repository")
    if not os.access(repository, os.R_OK | os.X_OK):
        owners.require(owner, repository, command)
    # Not Path.resolve, which takes a loop of links for a bug.
    git = open_repository(Path(os.path.realpath(repository)), settings.inherited_env, timeout=_TIMEOUT_S)
    if not git.is_bare():
        way = "give the path of the one on the server, like /srv/git/app.git"
        raise UsageError(f"{repository} is not a bare repository; {way}")
    git_dir = git.git_dir()
    owner = owners.of(git_dir)
    owners.require(owner, git_dir, command)
    env = owner.environment(settings.inherited_env)
    git = replace(git, directory=git_dir, user=owner.user())
    hooks = _hooks(git, env)
    configured = _configured(git, env)
    return BareRepository(git, git_dir, hooks, configured, owner, _writer(git_dir, hooks, configured, owner), env)


def require_usable(bare: BareRepository) -> None:
    """Refuse a folder in which no hook of ours can be trusted.

    Raises:
        UsageError: core.hooksPath leads to nothing, or to somebody who could change the hook.
    """
    where = f"core.hooksPath (in {bare.configured}) names" if bare.configured else "the hooks of this repository are in"
    undo = "; name another folder there, or unset it" if bare.configured else ""
    with bare.owner.acting(), telling("looked at", bare.hooks):
        exists, is_folder, parent = bare.hooks.exists(), bare.hooks.is_dir(), bare.hooks.parent.is_dir()
    if exists and not is_folder:
        raise UsageError(f"{where} {bare.hooks}, which is not a folder, so git runs no hook here{undo}")
    if not exists and not parent:
        raise UsageError(f"{where} {bare.hooks}, which is not there; make that folder{undo}")
    holder = owners.of(bare.hooks if exists else bare.hooks.parent) if bare.shared else bare.owner
    if holder.uid not in {_ROOT, bare.owner.uid}:
        raise UsageError(
            f"{where} {bare.hooks}, a folder of {holder.name}, who could change the hook at any time; give it to root "
            f"or {bare.owner.name}{undo}"
        )


def bare_repositories(root: Path, refused: list[str]) -> Iterator[Path]:
    """The git directories below a folder, in order; folders in it that cannot be read are put into `refused`.

    Raises:
        UsageError: the folder itself cannot be read.
    """

    def note(error: OSError) -> None:
        refused.append(str(explained("read", Path(error.filename), error)))

    with telling("read", root):
        os.scandir(root).close()
    for folder, names, _ in os.walk(root, onerror=note):
        names.sort()
        if {"objects", "refs"} <= set(names):
            yield Path(folder)
            names.clear()


def look(path: Path) -> HookFile:
    """What is at a hook's path, with the rights that this process has now; raises OSError where it cannot be read."""
    try:
        link = str(path.readlink()) if path.is_symlink() else ""
        about = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        # A link to nothing is in the way of a file.
        if path.is_symlink():
            return HookFile(path, HookFileKind.NOT_A_FILE, link=str(path.readlink()))
        return HookFile(path, HookFileKind.ABSENT)
    if not stat.S_ISREG(about.st_mode):
        return HookFile(path, HookFileKind.NOT_A_FILE, link=link)
    executable = os.access(path, os.X_OK, effective_ids=True)
    with path.open("rb") as file:
        content = file.read(_MOST)
    return HookFile(path, kinds.of_content(content), content, link, executable)


def _writer(git_dir: Path, hooks: Path, configured: str, owner: Owner) -> Owner:
    """With whose rights hooks are written: the owner's, also where root runs this.

    Only a folder that root's own configuration names is root's to write in: a link, or a configuration that the owner
    can change, would choose where root writes.
    """
    if hooks.is_relative_to(git_dir) or not owner.is_other or not configured.startswith("/"):
        return owner
    with telling("looked at", hooks):
        folder = hooks if hooks.exists() else hooks.parent
        trusted = Path(configured).stat().st_uid == _ROOT and folder.is_dir()
    return owners.of(folder) if trusted else owner


def _hooks(git: Git, env: dict[str, str]) -> Path:
    """Where git looks, which the machine's, the user's or the repository's configuration may say."""
    done = _ask(git, env, "rev-parse", "--git-path", "hooks")
    if done.returncode != 0:
        raise OrchError(f"git does not say where the hooks of {git.directory} are: {done.complaint}")
    path = os.fsdecode(done.stdout.removesuffix(b"\n"))
    # git takes a relative path from the folder in which it runs hooks: the repository itself.
    return Path(os.path.realpath(git.directory / path))


def _configured(git: Git, env: dict[str, str]) -> str:
    done = _ask(git, env, "config", "--show-origin", "--null", "--get", "core.hooksPath")
    if done.returncode != 0:
        return ""
    origin = os.fsdecode(done.stdout.split(b"\0")[0])
    return str(git.directory / origin.removeprefix("file:")) if origin.startswith("file:") else origin


def _ask(git: Git, env: dict[str, str], *args: str) -> process.Completed:
    # The owner asks, or root; a push by anybody else is git's to refuse.
    argv = ["git", "-c", "safe.directory=*", "-C", str(git.directory), *args]
    return process.run(argv, env=env, timeout=_TIMEOUT_S, cwd=Path("/"), user=git.user)
