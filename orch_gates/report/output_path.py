"""Where a person wants an output file: looked at before anything is judged (GATE-6).

A tree under judgement may hold links, so a path into the work tree has to end in the work tree. A
path elsewhere is the person's own; its folders may be links, the file itself may not.
"""

from __future__ import annotations

import os
from pathlib import Path

from orch_gates.documents import escape
from orch_gates.errors import UsageError
from orch_gates.report import files
from orch_gates.settings import CiContext

_UNSET = "unset the variable, or name a file"


def resolve(path: Path, work_tree: Path | None, option: str) -> Path:
    """The path that is written to for `path`, without any link in it.

    `work_tree` is the top folder of the tree under judgement, None where there is none.

    Raises:
        UsageError: no file may be put there; the message begins with `option`.
    """
    try:
        target = _resolved(path, None if work_tree is None else Path(os.path.realpath(work_tree)))
    except (OSError, ValueError) as error:
        cause = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise UsageError(escape.visible(f"{option} {path}: {cause}")) from error
    except UsageError as error:
        raise UsageError(escape.visible(f"{option} {path}: {error}")) from error
    return target


def check_runner_files(ci: CiContext) -> None:
    """Look at the files that the CI runner collects, which are only ever added to; its links are its own.

    Raises:
        UsageError: one of them is no regular file, or its folder is missing.
    """
    for variable, name in (("GITHUB_OUTPUT", ci.output_file), ("GITHUB_STEP_SUMMARY", ci.summary_file)):
        if not (ci.active and name):
            continue
        path = Path(name)
        try:
            kind = files.kind(path.stat().st_mode) if path.exists() else ""
        except OSError as error:
            raise UsageError(escape.visible(f"{variable} {name}: {error.strerror}")) from error
        if kind:
            raise UsageError(escape.visible(f"{variable} {name}: this is {kind}, not a regular file; {_UNSET}"))
        if not path.parent.is_dir():
            raise UsageError(escape.visible(f"{variable} {name}: the folder {path.parent} does not exist; {_UNSET}"))


def _resolved(path: Path, work_tree: Path | None) -> Path:
    given = path.absolute()
    folder = Path(os.path.realpath(given.parent))
    if not folder.exists():
        raise UsageError(f"the folder {path.parent} does not exist; create it first, or name another path")
    if not folder.is_dir():
        raise UsageError(f"{path.parent} is not a folder; name another path")
    inside = work_tree is not None and _lies_in(given, work_tree)
    if inside:
        _refuse_outside(folder, work_tree)
    target = folder / given.name
    if target.is_symlink():
        target = Path(os.path.realpath(target))
        _refuse_outside(target, work_tree if inside else None)
    if os.path.lexists(target) and (kind := files.kind(target.lstat().st_mode)):
        raise UsageError(f"this is {kind}, not a regular file; name another path")
    if not os.access(target.parent, os.W_OK | os.X_OK):
        raise UsageError(f"nothing can be written to the folder {target.parent}; name another path")
    return target


def _lies_in(given: Path, work_tree: Path) -> bool:
    """Whether a path, as it is spelled, leads into the work tree: by any name that its top folder has."""
    spelled = Path(os.path.normpath(given))
    return any(os.path.realpath(folder) == str(work_tree) for folder in spelled.parents)


def _refuse_outside(target: Path, work_tree: Path | None) -> None:
    if work_tree is None:
        raise UsageError(f"this is a link, to {target}; name the file itself")
    if not target.is_relative_to(work_tree):
        raise UsageError(f"a link leads out of the work tree, to {target}; remove the link, or name another path")
