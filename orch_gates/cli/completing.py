"""What a shell completes after a command: tasks, stages and environments of the repository, and our names (UX-1)."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
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


class Known(click.ParamType[str], ABC):
    """A word of which some are known; any other is taken too, and judged by the command."""

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

    @abstractmethod
    def _known(self, repo: Path) -> Iterable[str]:
        """The words; `repo` is the repository that the command is about."""


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


class _Check(Known):
    def _known(self, repo: Path) -> Iterable[str]:  # noqa: ARG002 - they are the same everywhere
        from orch_gates.doctor.registry import CHECKS

        return [check.name for check in CHECKS]


class _Page(Known):
    def _known(self, repo: Path) -> Iterable[str]:  # noqa: ARG002 - they are the same everywhere
        from orch_gates.report.help_pages import PAGES

        return PAGES


class _Output(Known):
    def _known(self, repo: Path) -> Iterable[str]:  # noqa: ARG002 - they are the same everywhere
        from orch_gates.cli.outputs import catalogue

        return [one.name for one in catalogue.OUTPUTS]


TASK, STAGE, ENVIRONMENT = _Task(), _Stage(), _Environment()
CHECK, PAGE, OUTPUT = _Check(), _Page(), _Output()


def _workspace(repo: Path) -> Workspace:
    from orch_gates.workspace import open_workspace

    return open_workspace(repo, {"ORCH_STATE_TIMEOUT_S": _READ_S}, reading=True)
