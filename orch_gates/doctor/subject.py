"""What checks look at: one repository as a command sees it; what several of them need is asked once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import TypeVar, cast

from orch_gates import settings as settings_module
from orch_gates import workspace as workspaces
from orch_gates.adopt import bundle
from orch_gates.doctor.finding import NotUsedError, TooLongError
from orch_gates.errors import GitError, MissingState, NoRepository, OrchError, SettingsError, WipedState
from orch_gates.forge.check import ForgeFacts, look
from orch_gates.forge.http import Observe
from orch_gates.forge.port.server import ForgeKind
from orch_gates.git import clone as clones
from orch_gates.git.cli import Git
from orch_gates.settings import Settings
from orch_gates.state.branch import remote
from orch_gates.state.snapshot import Snapshot
from orch_gates.workspace import Workspace, unobserved

WORKFLOWS = (".gitea/workflows", ".forgejo/workflows", ".github/workflows")
_T = TypeVar("_T")
# Most seconds of one question, so that one server that is down does not use up the time of every check.
_ANSWER_S = 8.0


@dataclass(slots=True)
class DoctorSubject:
    """A directory, and what the command line sets; `observe` is shown each request to a forge."""

    directory: Path
    overrides: Mapping[str, str] = field(default_factory=dict)
    observe: Observe = unobserved
    _known: dict[str, object] = field(default_factory=dict)

    def once(self, name: str, ask: Callable[[], _T]) -> _T:
        """The answer to a question that several checks ask; an error is an answer too.

        Raises:
            OrchError, NotUsedError, TooLongError: what asking raised the first time.
        """
        if name not in self._known:
            try:
                self._known[name] = ask()
            except (OrchError, NotUsedError, TooLongError) as error:
                self._known[name] = error
        found = self._known[name]
        if isinstance(found, OrchError | NotUsedError | TooLongError):
            raise found
        return cast("_T", found)

    @property
    def settings(self) -> Settings:
        """The settings of the environment alone; each question takes less time than elsewhere.

        Raises:
            SettingsError: one of them is unusable.
        """
        return self.once("settings", lambda: _bounded(settings_module.load(overrides=self.overrides)))

    @property
    def git(self) -> Git:
        """The repository here.

        Raises:
            NotUsedError: there is none.
        """

        def ask() -> Git:
            try:
                return workspaces.repository(self.settings, self.directory)
            except NoRepository as error:
                raise NotUsedError("no git repository is here") from error
            except GitError as error:
                # The check `repository` says why.
                raise NotUsedError("git cannot read the repository here") from error

        return self.once("git", ask)

    def in_workflows(self, *arguments: str) -> str:
        """What `git grep` prints about the workflows of the default branch; nothing where no such branch is known.

        Raises:
            NotUsedError: there is no repository.
            GitError: git could not look at all of them, so that nothing found says nothing.
        """
        if not (trusted := self.workspace.config.revision):
            return ""
        done = self.git.run("grep", *arguments, trusted, "--", *WORKFLOWS)
        # It tells of a file that it cannot read, goes on, and ends as if it had found nothing there.
        if done.returncode not in {0, 1} or done.stderr.strip():
            raise GitError(f"the workflows of the default branch could not be read: {done.complaint}")
        return done.stdout.decode("utf-8", "replace")

    @property
    def workspace(self) -> Workspace:
        """What a command would stand on; a configuration that cannot be used is `problem` there.

        Raises:
            NotUsedError: there is no repository.
            OrchError: a setting is unusable.
        """

        def ask() -> Workspace:
            self.git  # noqa: B018 - without a repository there is nothing to open
            found = workspaces.open_workspace(self.directory, self.overrides, self.observe, reading=True)
            return replace(found, settings=_bounded(found.settings))

        return self.once("workspace", ask)

    @property
    def now(self) -> datetime:
        """When the command began."""
        return self.workspace.now

    @property
    def server(self) -> Path | None:
        """The bare repository that is pushed to, where it is on this disk; None where it is not, or there is none.

        Raises:
            SettingsError: there are several.
        """
        workspace = self.workspace
        if workspace.git.is_bare():
            return workspace.git.git_dir()
        if not self._has_remote():
            return None
        found = remote.local(workspace.origin)
        return found if found is not None and found.name != ".git" else None

    @property
    def forge(self) -> ForgeFacts:
        """What the forge says of itself, the token and the repository.

        Raises:
            NotUsedError: no forge is known here, or no token for it.
            ForgeUnavailable: it did not answer.
        """

        def ask() -> ForgeFacts:
            self.need_forge()
            return look(self.workspace.need_forge())

        return self.once("forge", ask)

    def need_forge(self) -> None:
        """See that a forge can be asked.

        Raises:
            NotUsedError: none is known here, or no token for it.
            SettingsError: the same, and the configuration rests on one.
        """
        workspace = self.workspace
        place, settings = workspace.forge_place, workspace.settings
        if place is None:
            why = workspace.why_no_forge
        elif place.kind is not ForgeKind.LOCAL and not settings.forge.token:
            why = f"no token for {place.url}; put one into {settings.forge.token_env}"
        else:
            return
        relied = {
            "merge.fence: status": settings.merge.fence == "status",
            "tracker.kind: forge": settings.tracker.kind == "forge",
            "statuses.enabled: true": settings.statuses.enabled,
            "notify.comment: true": settings.notify.comment,
            "the merge queue": workspace.config.queue != "",
        }
        if used := [name for name, is_used in relied.items() if is_used]:
            raise SettingsError(f"{', '.join(used)}: {why}")
        raise NotUsedError(why)

    @property
    def state(self) -> Snapshot:
        """The state branch as it is now, for checks of what is on it.

        Raises:
            NotUsedError: there never was one.
            OrchError: it cannot be read, of which a check of its own tells more.
        """
        try:
            return self.snapshot()
        except WipedState as error:
            raise OrchError("the state branch is gone: see the check state-branch") from error
        except MissingState as error:
            raise NotUsedError("no state branch") from error
        except NotUsedError:
            raise
        except OrchError as error:
            raise OrchError("the state branch could not be read: see state-branch") from error

    def snapshot(self) -> Snapshot:
        """The state branch as it is now.

        Raises:
            NotUsedError: this clone has no remote that it could be at.
            MissingState, StateError, GitError: as `Store.load`.
        """

        def ask() -> Snapshot:
            workspace = self.workspace
            if not (workspace.settings.state.remote or workspace.git.is_bare() or self._has_remote()):
                raise NotUsedError("this clone has no remote `origin` that a state branch could be at")
            return workspace.store.load()

        return self.once("snapshot", ask)

    def _has_remote(self) -> bool:
        """Whether this clone is one of something."""
        return self.once("remote", lambda: bool(clones.read(self.git, self.settings.inherited_env).fetch_url()))

    def page(self, path: str) -> str:
        """Where a page of the docs is read."""

        def ask() -> bundle.Bundle:
            try:
                inherited = self.settings.inherited_env
            except SettingsError:
                return bundle.Bundle()
            return bundle.installed(inherited, _ANSWER_S)

        return self.once("bundle", ask).page(path)

    def close(self) -> None:
        """Let go of what was opened."""
        found = self._known.get("workspace")
        if isinstance(found, Workspace) and "store" in found.__dict__:
            found.store.close()


def _bounded(settings: Settings) -> Settings:
    return replace(
        settings,
        forge=replace(settings.forge, timeout=min(settings.forge.timeout, _ANSWER_S)),
        state=replace(settings.state, timeout=min(settings.state.timeout, 2 * _ANSWER_S)),
    )
