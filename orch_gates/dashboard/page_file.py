"""The page in its folder: whole or as it was, and never in the place of a page that is somebody's own."""

from __future__ import annotations

from pathlib import Path

from orch_gates import clock
from orch_gates.errors import ReportError
from orch_gates.report import files, output_path
from orch_gates.report.html.dashboard import MARK, render
from orch_gates.report.html.values import Dashboard

PAGE = "index.html"
_LONGEST = 200_000_000
_OPTION = "--html"


def page_path(folder: Path, work_tree: Path | None) -> Path:
    """Where the page goes; the folder is made.

    Raises:
        UsageError: it may not be put there.
        ReportError: the folder cannot be made, or a page that is not of orch-gates is there.
    """
    files.make_folder(folder)
    path = output_path.resolve(folder / PAGE, work_tree, _OPTION)
    if path.exists() and MARK not in files.read(path, _LONGEST):
        raise ReportError(f"{path} was not made by orch-gates, so it is kept; name another folder")
    return path


def write(board: Dashboard, path: Path) -> None:
    """Put the page there, atomically; one that would be the same is left as it is.

    Raises:
        ReportError: it could not be written; what was there is there still.
    """
    # A page that is left as it is would leave them too, and the folder is published.
    files.remove_drafts(path.parent, clock.utc_now().timestamp())
    text = render(board)
    if path.exists() and files.read(path, _LONGEST) == text:
        return
    files.replace(path, text)
