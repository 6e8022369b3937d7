"""What a command stands on, found out once: repository, origin, settings, configuration, now."""

from __future__ import annotations

import os
import pwd
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, assert_never

from orch_gates import clock
from orch_gates import settings as settings_module
from orch_gates.config import file as config_file
from orch_gates.config.file import Config
from orch_gates.errors import ConfigError, SettingsError
from orch_gates.gates import range as ranges
from orch_gates.git import clone as clones
from orch_gates.git.cli import Git, default_branch_commit, open_repository
from orch_gates.git.clone import Clone
from orch_gates.settings import Settings

if TYPE_CHECKING:
    from orch_gates.effects.outbox import Outbox
    from orch_gates.engine.stages import Pipeline
    from orch_gates.forge.detect import ForgeAddress
    from orch_gates.forge.http import ForgeCall, Observe
    from orch_gates.forge.port.forge import Forge
    from orch_gates.git.heads import Heads
    from orch_gates.git.remote import Remote
    from orch_gates.state.branch.git_store import GitStore
    from orch_gates.state.branch.remote import RemoteUrl
    from orch_gates.tasks.configured import Configured
    from orch_gates.trackers.port import Tracker

_DEFAULT_REF = "refs/remotes/origin/HEAD"
# Of a clone that does not know the server's default branch.
_USUAL_DEFAULTS = ("main", "master")


def unobserved(_call: ForgeCall) -> None:
    """Show no request."""


# Not slotted: what is dear is found out when it is first asked for, and kept.
@dataclass(frozen=True)
class Workspace:
    """One repository as one command sees it: a clone, or the bare repository itself.

    `observe` is shown each request to a forge. `problem` is what keeps the configuration from being used, where that
    stops nobody. `tests`: test commands may be run, as a tick of the sweep runs none (SWP-1).
    """

    settings: Settings
    git: Git
    now: datetime
    config: Config = field(default_factory=Config)
    observe: Observe = unobserved
    problem: str = ""
    tests: bool = True

    def at(self, now: datetime) -> Workspace:
        """The same at another moment: what was found out is kept, as is who was connected to."""
        later = replace(self, now=now)
        # None of it rests on the moment.
        later.__dict__.update({name: value for name, value in self.__dict__.items() if name not in later.__dict__})
        return later

    @cached_property
    def pipeline(self) -> Pipeline:
        """The stages and gates that count here."""
        return config_file.effective(self.config, self.settings)

    @cached_property
    def configured(self) -> Configured:
        """The pipeline, and what configures it; a bare repository's own default branch is the server's (ENG-10).

        Raises:
            GitError: the configuration file cannot be found where it was read.
        """
        from orch_gates.config.history import file_at
        from orch_gates.git.heads import DefaultBranch
        from orch_gates.tasks.configured import Configured

        commit = self.config.revision
        file = file_at(self.git, commit) if self.config.present else ""

        if self.git.is_bare():
            here = DefaultBranch("HEAD", commit)
            return Configured(self.pipeline, file, here, lambda: here)
        # Which branch configures is the server's to say: a clone may know another one by that name, or guess it.
        branch = ranges.target_name(self.git, self.settings)
        return Configured(self.pipeline, file, DefaultBranch(branch, commit), self.heads.default)

    @cached_property
    def target(self) -> str:
        """The branch that tasks are merged into: the named one, else the default branch, as the hook has it too."""
        if named := self.settings.target or self.settings.usual_target:
            return named
        bare = self.git.is_bare()
        default = self.git.leads_to("HEAD").removeprefix("refs/heads/") if bare else ""
        return default or ranges.target_name(self.git, self.settings) or "main"

    @cached_property
    def by(self) -> str:
        """Who causes what this command records (ENG-11): named, the CI event's actor, who commits here, the user."""
        named = self.settings.state.by or self._clone.identity(self.settings.inherited_env)
        return " ".join(named.split()) or _user(self.settings.inherited_env)

    @cached_property
    def origin(self) -> RemoteUrl:
        """Where this clone pushes, or this bare repository itself.

        Raises:
            SettingsError: there is no such place, or there are several.
            GitError: the clone cannot be read.
        """
        from orch_gates.state.branch import remote

        return remote.origin(self.git, self._clone)

    @cached_property
    def store(self) -> GitStore:
        """The state branch: where ORCH_STATE_REMOTE says, else at the origin.

        Raises:
            SettingsError: nothing says where it is.
            GitError: the clone cannot be read.
        """
        # pygit2 costs every command that does not need it.
        from orch_gates.document_kinds import KINDS
        from orch_gates.git.tree import Author
        from orch_gates.state.branch import remote
        from orch_gates.state.branch.git_store import CommitIdentity, GitStore

        wanted = self.settings.state
        found = remote.named(wanted.remote, self.git, self._clone) if wanted.remote else self.origin
        folder, inherited = self.settings.tools.cache_dir, self.settings.inherited_env
        source = remote.source(found, wanted.branch, folder, inherited, self.target)
        author = Author(wanted.author_name, wanted.author_email)
        return GitStore(source, CommitIdentity(author, self.by), wanted.timeout, KINDS)

    @cached_property
    def heads(self) -> Heads:
        """The branches with the tasks' code, at the origin.

        Raises:
            SettingsError: nothing says where they are.
            GitError: the clone cannot be read.
        """
        from orch_gates.git.heads import Heads
        from orch_gates.git.remote import Remote
        from orch_gates.state.branch import remote

        server = Remote.at(self.origin.url, self.settings.inherited_env, self.origin.config)
        return Heads(server, remote.local(self.origin), self.settings.state.timeout)

    @cached_property
    def code(self) -> Remote:
        """The server's repository with the task branches, to fetch from and push to; never to the target (P4).

        Raises:
            SettingsError: there is none.
            GitError: the clone cannot be read.
        """
        from orch_gates.git.remote import Remote

        # Also where tasks are merged into another branch, the default branch is one that only the forge moves.
        ref, folder = ("HEAD", "refs/heads/") if self.git.is_bare() else (_DEFAULT_REF, "refs/remotes/origin/")
        default = self.git.leads_to(ref).removeprefix(folder)
        never = (self.target, self.settings.state.branch, *([default] if default else _USUAL_DEFAULTS))
        return Remote.at(self.origin.url, self.settings.inherited_env, self.origin.config, partial=False, never=never)

    @cached_property
    def upstream(self) -> Remote:
        """The server's repository, as this clone fetches it; what is missing there is an error.

        Raises:
            SettingsError: there is none.
            GitError: the clone cannot be read.
        """
        from orch_gates.git.remote import Remote
        from orch_gates.state.branch import remote

        found = remote.upstream(self.git, self._clone)
        return Remote.at(found.url, self.settings.inherited_env, found.config, partial=False)

    @cached_property
    def forge(self) -> Forge | None:
        """The forge that is asked here; None where none is known, and recorded reports are read instead.

        Raises:
            SettingsError: what is set about it cannot be used.
            ForgeUnavailable: it had to be asked which kind it is, and did not answer.
        """
        return None if self.forge_place is None else self._connected(self.forge_place)

    @cached_property
    def forge_place(self) -> ForgeAddress | None:
        """Which forge is asked here, and where it is; None where none is known.

        Raises:
            SettingsError: what is set about it cannot be used.
            GitError: the clone cannot be read.
        """
        from orch_gates.forge.detect import CiJob, ForgeOptions, resolve_forge

        wanted, ci = self.settings.forge, self.settings.ci
        if not wanted.token and wanted.token_env != "ORCH_FORGE_TOKEN":
            # The value is not repeated: somebody may have given the token itself.
            need = "ORCH_FORGE_TOKEN_ENV (--token-env) must name a variable that is set; do not give the token itself"
            raise SettingsError(need)
        try:
            origin = self.origin.url
        except SettingsError:
            origin = ""
        options = ForgeOptions(wanted.kind, wanted.url, wanted.repository, bool(wanted.token))
        return resolve_forge(options, CiJob(ci.forge, ci.server_url), origin)

    def need_forge(self) -> Forge:
        """The forge that is asked here.

        Raises:
            SettingsError: none is known, with what to do about it; or as `forge`.
            ForgeUnavailable: as `forge`.
        """
        if self.forge is None:
            raise SettingsError(self.why_no_forge)
        return self.forge

    @cached_property
    def outbox(self) -> Outbox:
        """Where planned effects are performed (P7)."""
        from orch_gates.effects.outbox import Outbox

        wanted, run = self.settings.statuses.enabled, self.settings.ci.run_url
        return Outbox(lambda: self.writable_forge, wanted, run, lambda: self.tracker)

    @cached_property
    def tracker(self) -> Tracker | None:
        """Where people keep the issues of tasks; None where no tracker is turned on (TRK-1).

        Raises:
            SettingsError: its names contradict each other, or it is not said where it is.
            GitError, ForgeUnavailable: as `forge`.
        """
        if self.settings.tracker.kind == "none":
            return None
        if self.settings.tracker.kind == "plane":
            from orch_gates.trackers.plane.tracker import connect as plane

            return plane(self.settings.tracker, self.observe)
        from orch_gates.trackers.forge_issues import connect

        kind = self.forge_place.kind if self.forge_place is not None else None
        return connect(self.settings.tracker, self.need_forge(), kind, self.pipeline.names)

    def need_writable_forge(self) -> None:
        """See that there is a forge that may be written to from here.

        Raises:
            SettingsError: there is none, with what to do about it; or as `forge`.
            GitError, ForgeUnavailable: as `forge`.
        """
        if self.writable_forge is None:
            self.need_forge()
            raise SettingsError(f"no token is given; put one into {self.settings.forge.token_env} (--token-env)")

    @property
    def writable_forge(self) -> Forge | None:
        """The forge; None without a token, without which no server can be written to.

        Raises:
            SettingsError, GitError, ForgeUnavailable: as `forge`.
        """
        from orch_gates.forge.port.server import ForgeKind

        found = self.forge_place
        writable = found is not None and (found.kind is ForgeKind.LOCAL or self.settings.forge.token != "")
        return self.forge if writable else None

    @property
    def why_no_forge(self) -> str:
        """Why no forge is asked here, and what to do about it."""
        if self.settings.forge.kind == "none":
            return "ORCH_FORGE (--forge) is none; unset it to use a forge"
        if self.settings.ci.forge:
            return f"no forge is known here; to use that of the job, put a token into {self.settings.forge.token_env}"
        from orch_gates.forge.detect import maybe_at

        told = self.git.run("config", "--get", "remote.origin.url").stdout
        return f"no forge is known here; set ORCH_FORGE_URL (--url) to its url{maybe_at(told)}, or to a bare repository"

    @cached_property
    def _clone(self) -> Clone:
        return clones.read(self.git, self.settings.inherited_env)

    def _connected(self, found: ForgeAddress) -> Forge:
        """A forge, ready to be asked; each adapter is loaded only where it is used."""
        from orch_gates.forge import probe
        from orch_gates.forge.port.server import ForgeKind

        wanted, ci = self.settings.forge, self.settings.ci
        kind = found.kind or probe.kind(found.url, wanted.timeout, self.observe)
        match kind:
            case ForgeKind.GITEA | ForgeKind.FORGEJO:
                from orch_gates.forge.gitea import connect as gitea

                return gitea.connect(found.url, found.repository, wanted.token, wanted.timeout, self.observe)
            case ForgeKind.GITHUB:
                from orch_gates.forge.github import connect as github

                # A job on a GitHub of one's own is told where the API is.
                api = ci.api_url if ci.forge == kind and found.url == ci.server_url.rstrip("/") else ""
                return github.connect(found.url, found.repository, wanted.token, wanted.timeout, self.observe, api=api)
            case ForgeKind.LOCAL:
                return self._local_forge(found.url)
            case _:
                assert_never(kind)

    def _local_forge(self, path: str) -> Forge:
        from orch_gates.forge.local import connect as local

        bare = Path(path).expanduser().resolve()
        if not bare.is_dir():
            # Without a `/` it may be anything, also a token in the wrong variable.
            where = str(bare) if "/" in path else "the path in ORCH_FORGE_URL (--url)"
            raise SettingsError(f"no bare repository is at {where}; the URL of a server begins with https://")
        settings = self.settings
        # Its hooks are told the name of a user, as those of a server are.
        login = settings.state.by or _user(settings.inherited_env)
        return local.connect(
            bare, self.store, login, settings.inherited_env, settings.forge.timeout, settings.forge.repository
        )


def open_workspace(
    directory: Path,
    overrides: Mapping[str, str] | None = None,
    observe: Observe = unobserved,
    *,
    before_push: bool = False,
    reading: bool = False,
) -> Workspace:
    """The workspace of a repository, configured by its default branch (P5); `overrides` are the command line's.

    `before_push`: in a CI run for a push to that branch, what was there before it counts, as the push itself is judged.
    `reading`: nothing is decided, so a file that cannot be used stops nobody; `problem` says what is wrong with it.

    Raises:
        OrchError: there is no repository, or its configuration is wrong.
    """
    settings = settings_module.load(overrides=overrides or {})
    git = repository(settings, directory)
    trusted = configuring_commit(settings, git, before_push=before_push)
    try:
        settings, config = config_file.configured(settings, git, trusted)
    except ConfigError as error:
        problem = (
            f"the configuration of the default branch, at {trusted[:10]}, cannot be used: {error}; "
            "`orch-gates config check` in a checkout of it names every problem; if it is fixed, run `git fetch`"
        )
        if not reading:
            raise ConfigError([problem]) from error
        return Workspace(settings, git, clock.utc_now(), Config(trusted), observe, problem)
    return Workspace(settings, git, clock.utc_now(), config, observe)


def repository(settings: Settings, directory: Path, *, inside_hook: bool = False) -> Git:
    """Git on the repository that holds a directory.

    Raises:
        NoRepository: there is none.
        GitError: git cannot read it.
    """
    timeout = settings.security.budget.seconds
    return open_repository(directory, settings.inherited_env, timeout=timeout, inside_hook=inside_hook)


def configuring_commit(settings: Settings, git: Git, *, before_push: bool) -> str:
    """The commit that configures a repository, see `open_workspace`; empty where there is none (P5).

    Raises:
        UnknownRevision: the branch that it should be on is not here.
    """
    if git.is_bare():
        return default_branch_commit(git)
    return ranges.trusted(git, settings, base="", head="") if before_push else ranges.newest(git, settings)


def _user(inherited: Mapping[str, str]) -> str:
    """The user of the operating system, by name where it has one."""
    if named := inherited.get("LOGNAME", "").strip() or inherited.get("USER", "").strip():
        return named
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid {os.getuid()}"
