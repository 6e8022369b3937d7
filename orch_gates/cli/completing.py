"""What a shell completes after a command: the tasks, stages and environments of the repository (UX-1)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem

from orch_gates.errors import OrchError

if TYPE_CHECKING:
    from orch_gates.workspace import Workspace

# Whoever writes the state branch names its files, and what is completed may be run by the next key (OWN-3).
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]*")
# A shell that waits longer seems to hang; what cannot be read by then completes to nothing.
_READ_S = "3"


class Known(click.ParamType[str]):
    """A word of which the repository knows some; any other is taken too, and judged by the command."""

    name = "text"

    def shell_complete(
        self,
        ctx: click.Context,
        param: click.Parameter,  # noqa: ARG002 - click hands it over
        incomplete: str,
    ) -> list[CompletionItem]:
        """The known words that begin so; none where the repository cannot be read."""
        repo = ctx.params.get("repo")
        try:
            found = [word for word in self._known(repo if isinstance(repo, Path) else Path()) if word]
        except OrchError:
            return []
        return [
            CompletionItem(word) for word in sorted(found) if _PLAIN.fullmatch(word) and word.startswith(incomplete)
        ]

    def _known(self, repo: Path) -> Iterable[str]:
        raise NotImplementedError


class _Task(Known):
    def _known(self, repo: Path) -> Iterable[str]:
        from orch_gates.tasks import book

        return book.names(_workspace(repo).store.load())


class _Stage(Known):
    def _known(self, repo: Path) -> Iterable[str]:
        from orch_gates.model.task import DONE_STAGE

        return [*_workspace(repo).pipeline.names, DONE_STAGE]


class _Environment(Known):
    def _known(self, repo: Path) -> Iterable[str]:
        from orch_gates.state import layout

        workspace = _workspace(repo)
        there = workspace.store.load().files(layout.ENVIRONMENTS)
        return {*workspace.config.environments, *(Path(entry.path).stem for entry in there)}


TASK, STAGE, ENVIRONMENT = _Task(), _Stage(), _Environment()


def _workspace(repo: Path) -> Workspace:
    from orch_gates.workspace import open_workspace

    return open_workspace(repo, {"ORCH_STATE_TIMEOUT_S": _READ_S}, reading=True)
