"""`orch-gates completion`, and what a shell completes: tasks, stages, environments and our own names (UX-1)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem, get_completion_class

from orch_gates.cli.boundary import exit_codes, say
from orch_gates.errors import OrchError

if TYPE_CHECKING:
    from orch_gates.workspace import Workspace

_PROGRAM = "orch-gates"
_VARIABLE = "_ORCH_GATES_COMPLETE"
# Whoever writes the state branch names its files, and what is completed may be run by the next key (OWN-3).
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]*")
# A shell that waits longer seems to hang; what cannot be read by then completes to nothing.
_READ_S = "3"


class KnownWord(click.ParamType[str]):
    """A word of which some are known; any other is taken too, and judged by the command.

    `words` gives those of the repository that the command is about.
    """

    name = "text"

    def __init__(self, words: Callable[[Path], Iterable[str]]) -> None:
        self._words = words

    def shell_complete(
        self,
        ctx: click.Context,
        param: click.Parameter,  # noqa: ARG002 - click hands it over
        incomplete: str,
    ) -> list[CompletionItem]:
        """The known words that begin so; none where the repository cannot be read."""
        repo = ctx.params.get("repo")
        try:
            found = [word for word in self._words(repo if isinstance(repo, Path) else Path()) if word]
        except OrchError:
            return []
        return [
            CompletionItem(word) for word in sorted(found) if _PLAIN.fullmatch(word) and word.startswith(incomplete)
        ]


def _tasks(repo: Path) -> Iterable[str]:
    from orch_gates.tasks import book

    return book.names(_workspace(repo).store.load())


def _stages(repo: Path) -> Iterable[str]:
    from orch_gates.model.task import DONE_STAGE

    return [*_workspace(repo).pipeline.names, DONE_STAGE]


def _environments(repo: Path) -> Iterable[str]:
    from orch_gates.state import layout

    workspace = _workspace(repo)
    there = workspace.store.load().files(layout.ENVIRONMENTS)
    return {*workspace.config.environments, *(Path(entry.path).stem for entry in there)}


def _checks(_: Path) -> Iterable[str]:
    from orch_gates.doctor.registry import CHECKS

    return [check.name for check in CHECKS]


def _pages(_: Path) -> Iterable[str]:
    from orch_gates.report.help_pages import PAGES

    return PAGES


def _outputs(_: Path) -> Iterable[str]:
    from orch_gates.cli.outputs import catalogue

    return [one.name for one in catalogue.OUTPUTS]


TASK, STAGE, ENVIRONMENT = KnownWord(_tasks), KnownWord(_stages), KnownWord(_environments)
CHECK, PAGE, OUTPUT = KnownWord(_checks), KnownWord(_pages), KnownWord(_outputs)


def _workspace(repo: Path) -> Workspace:
    from orch_gates.workspace import open_workspace

    return open_workspace(repo, {"ORCH_STATE_TIMEOUT_S": _READ_S}, reading=True)


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion for SHELL: commands, options, tasks, stages, environments, checks, pages and outputs.

    Write it where the shell looks; make that folder first if it is not there.

    \b
    Examples:
      orch-gates completion bash >~/.local/share/bash-completion/completions/orch-gates
      orch-gates completion zsh >~/.zfunc/_orch-gates     (with fpath+=~/.zfunc before compinit)
      orch-gates completion fish >~/.config/fish/completions/orch-gates.fish
    """
    with exit_codes():
        from orch_gates.cli.main import cli

        # Of these shells there is always one; its version is that of the shell that reads this, not of one here.
        kind = get_completion_class(shell)
        assert kind is not None
        made = kind(cli, {}, _PROGRAM, _VARIABLE)
        say(made.source_template % made.source_vars())
