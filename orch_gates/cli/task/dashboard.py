"""The dashboard of one repository, written by `orch-gates status` and by the sweep (OBS-1)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from orch_gates import __version__
from orch_gates.cli.boundary import warn_unread
from orch_gates.dashboard import gather, page_file
from orch_gates.errors import GitError
from orch_gates.forge.detect import name_of
from orch_gates.model.ids import timestamp
from orch_gates.report import machine
from orch_gates.report.html.values import Dashboard
from orch_gates.workspace import Workspace


@dataclass(frozen=True, slots=True)
class WrittenPage:
    """The page that was written, by the name that its folder was given, and what it shows."""

    path: Path
    board: Dashboard

    def as_text(self) -> str:
        """It in a line."""
        return f"{self.path}: the state at commit {self.board.commit[:10]}, generation {self.board.generation}\n"

    def as_json(self) -> str:
        """The same for programs."""
        return machine.document(
            "dashboard",
            {
                "path": str(self.path),
                "commit": self.board.commit,
                "generation": self.board.generation,
                "made": timestamp(self.board.now),
                "unread": list(self.board.unread),
            },
        )


def write(workspace: Workspace, folder: Path) -> WrittenPage:
    """Write the page into a folder, and warn of what could not be read.

    Raises:
        OrchError: the state could not be read, or the page not be written; a page that was there is there still.
    """
    path = page_file.page_path(folder, _work_tree(workspace))
    context = gather.PageContext(
        repository=name_of(workspace.origin.url),
        pipeline=workspace.pipeline,
        target=workspace.target,
        now=workspace.now,
        every=timedelta(seconds=workspace.settings.sweep.every),
        version=__version__,
        problem=workspace.problem,
    )
    board = gather.read(workspace.store, context)
    warn_unread(board.unread)
    page_file.write(board, path)
    return WrittenPage(folder / page_file.PAGE, board)


def _work_tree(workspace: Workspace) -> Path | None:
    try:
        return Path(workspace.git.text("rev-parse", "--show-toplevel"))
    except GitError:
        return None
