"""Whom a repository belongs to: git runs its hooks as that user, so files are written and proven as that user."""

from __future__ import annotations

import contextlib
import os
import pwd
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from orch_gates.errors import UsageError
from orch_gates.hooks.server_hook.filesystem import telling
from orch_gates.process import User

_ROOT = 0
# Where git finds the configuration of a machine, and of the user who runs this.
_OF_MACHINE = ("GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM")
_OF_USER = ("HOME", "XDG_CONFIG_HOME", "GIT_CONFIG_GLOBAL")


@dataclass(frozen=True, slots=True)
class Owner:
    """The user that a file belongs to; one that is not `known` to the machine has neither a name nor a home."""

    uid: int
    gid: int
    groups: tuple[int, ...]
    name: str
    home: str
    known: bool

    @property
    def is_other(self) -> bool:
        """Whether this command runs as somebody else."""
        return self.uid != os.geteuid()

    @property
    def by(self) -> str:
        """This user in a message, where that is not who runs this."""
        return f" by {self.name}" if self.is_other else ""

    def user(self) -> User | None:
        """Whom to start a process as; None where that is who runs this."""
        return User(self.uid, self.gid, self.groups) if self.is_other else None

    def sudo(self, command: list[str]) -> str:
        """The command line that runs a command as this user."""
        return f"sudo -u {shlex.quote(self.name if self.known else f'#{self.uid}')} -H {shlex.join(command)}"

    @contextlib.contextmanager
    def acting(self) -> Iterator[None]:
        """Let this process touch files with this user's rights, and no more.

        Root that followed the links of a folder which somebody else owns would write wherever that one likes. No
        process may be started meanwhile: it could not take this user's groups.
        """
        if not self.is_other or os.geteuid() != _ROOT:
            yield
            return
        gid, groups = os.getegid(), os.getgroups()
        try:
            os.setgroups(self.groups)
            os.setegid(self.gid)
            os.seteuid(self.uid)
        except OSError as error:
            raise UsageError(
                f"this root may not act as {self.name}: {error.strerror}; run it as {self.name}"
            ) from error
        try:
            yield
        finally:
            os.seteuid(_ROOT)
            os.setegid(gid)
            os.setgroups(groups)

    def environment(self, inherited: Mapping[str, str]) -> dict[str, str]:
        """What git has around it when this user's server runs it, as far as that can be known: no setting of ours."""
        kept = _OF_MACHINE if self.is_other else (*_OF_MACHINE, *_OF_USER)
        env = {name: inherited[name] for name in kept if name in inherited}
        env |= {"PATH": inherited.get("PATH", os.defpath), "LC_ALL": "C"}
        if self.is_other and self.home:
            env["HOME"] = self.home
        return env


def of(path: Path) -> Owner:
    """The owner of a file or folder.

    Raises:
        UsageError: it cannot be looked at.
    """
    with telling("looked at", path):
        found = path.stat()
    try:
        entry = pwd.getpwuid(found.st_uid)
    except KeyError:
        return Owner(found.st_uid, found.st_gid, (found.st_gid,), f"user {found.st_uid}", "", False)
    groups = os.getgrouplist(entry.pw_name, entry.pw_gid)
    # A group that this user is not in would give the proof a right that a push does not have.
    gid = found.st_gid if found.st_gid in groups else entry.pw_gid
    return Owner(found.st_uid, gid, tuple(groups), entry.pw_name, entry.pw_dir, True)


def require(owner: Owner, path: Path, command: list[str]) -> None:
    """Let root and the owner pass.

    Raises:
        UsageError: somebody else runs this; the message holds the command to run.
    """
    if owner.is_other and os.geteuid() != _ROOT:
        raise UsageError(f"{path} belongs to {owner.name}; run it as {owner.name}:\n{owner.sudo(command)}")
