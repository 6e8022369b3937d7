"""`orch-gates state verify`, `lint` and `schema`: what proves and checks the branch, and changes nothing."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import click

from orch_gates.cli.boundary import exit_codes, open_for_reading, progress, say
from orch_gates.config.history import Pipelines, pipelines
from orch_gates.document_kinds import KINDS
from orch_gates.documents.escape import visible
from orch_gates.documents.frontmatter import MAX_DOCUMENT
from orch_gates.errors import StateDocumentError, UpgradeNeeded, UsageError
from orch_gates.model.root import Root
from orch_gates.report import machine
from orch_gates.state import schema as schemas
from orch_gates.state.history import files
from orch_gates.state.history.check import CheckedCommit
from orch_gates.state.history.files import StateProblem
from orch_gates.state.layout import ROOT
from orch_gates.workspace import Workspace

_REPO = click.option(
    "--repo", default=".", type=click.Path(path_type=Path), help="A clone, or the bare repository itself."
)
_SHOWN = 20
_STEP = 1000


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@_REPO
def verify(as_json: bool, repo: Path) -> None:
    """Replay the whole history and prove that every step was legal.

    Every commit follows one other, its documents decode, every transition is legal, the
    generation only grows, and no operation is recorded twice.

    Exit 0 proven, 1 the first bad commit is named, 2 could not tell.

    \b
    Examples:
      orch-gates state verify
      orch-gates state verify --repo /srv/git/app.git --json
    """
    with exit_codes():
        workspace = open_for_reading(repo)
        with workspace.store.audit() as audit:
            total, generation, witnessed = len(audit.chain.commits), audit.generation, audit.witnessed
            bad = [one for one in _with_progress(audit.checked(_configured(workspace)), total) if one.problems]
        said = {
            "commits": total,
            "generation": generation,
            "witnessed": witnessed,
            "bad": [_as_value(checked) for checked in bad],
        }
        say(machine.document("state-verify", said) if as_json else _as_text(total, generation, bad))
        if not witnessed:
            say(
                "orch-gates: the ref refs/orch/witness is missing, so lost commits of the state branch cannot be "
                "detected; `orch-gates state restore` creates it\n",
                to=sys.stderr,
            )
        raise SystemExit(1 if bad else 0 if witnessed else 2)


def _configured(workspace: Workspace) -> Callable[[Root], bool]:
    """Whether the default branch has ever configured a pipeline; looked up once, and only where one changed."""

    @cache
    def known() -> Pipelines:
        return pipelines(workspace.git, workspace.config.revision)

    return lambda root: known().has(root)


def _with_progress(checked: Iterator[CheckedCommit], total: int) -> Iterator[CheckedCommit]:
    """A history of years takes a while: show that it moves, to a person only."""
    shown = sys.stderr.isatty()
    for number, one in enumerate(checked, 1):
        if shown and (number % _STEP == 0 or number == total):
            progress(f"{number} of {total} commits{'' if number < total else chr(10)}")
        yield one


def _as_value(checked: CheckedCommit) -> dict[str, object]:
    return {"commit": checked.entry.commit, "problems": [problem.line for problem in checked.problems]}


def _as_text(total: int, generation: int, bad: list[CheckedCommit]) -> str:
    if not bad:
        return f"{total} commits up to generation {generation}: every step was legal\n"
    lines = [f"{len(bad)} of {total} commits are illegal; the first is {bad[0].entry.commit}"]
    for checked in bad[:_SHOWN]:
        lines.append(f"{checked.entry.commit[:10]} {checked.entry.when:%Y-%m-%d %H:%M} by {checked.entry.by}")
        lines += [f"  {problem.line}" for problem in checked.problems[:_SHOWN]]
        lines += [f"  +{len(checked.problems) - _SHOWN} more"] * (len(checked.problems) > _SHOWN)
    lines += [f"+{len(bad) - _SHOWN} more commits"] * (len(bad) > _SHOWN)
    return "".join(f"{line}\n" for line in lines)


@click.command(short_help="Check each file of the state branch by itself.")
@click.argument("paths", nargs=-1, type=click.Path())
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@_REPO
def lint(paths: tuple[str, ...], as_json: bool, repo: Path) -> None:
    """Check files of the state branch, each by itself: all of them as they are on the server, or PATHS here.

    PATHS are files in a checkout of the branch, as pre-commit gives them (hook orch-state-lint);
    they have to be relative to its top.

    Exit 0 all are valid, 1 some are not, 2 could not tell.

    \b
    Examples:
      orch-gates state lint
      orch-gates state lint tasks/cd/T-1/task.md
    """
    with exit_codes():
        checked, problems = _lint_here(paths) if paths else _lint_branch(repo)
        if as_json:
            values = [{"path": p.path, "field": p.field, "rule": p.rule} for p in problems]
            say(machine.document("state-lint", {"files": checked, "problems": values}))
        else:
            say("".join(f"{problem.line}\n" for problem in problems))
            say(visible(f"{checked} files: {_counted(problems)}") + "\n")
        raise SystemExit(1 if problems else 0)


def _counted(problems: list[StateProblem]) -> str:
    if not problems:
        return "all are valid"
    return f"{len(problems)} problem{'' if len(problems) == 1 else 's'}"


def _lint_here(paths: tuple[str, ...]) -> tuple[int, list[StateProblem]]:
    problems: list[StateProblem] = []
    for path in paths:
        try:
            with open(path, "rb") as file:
                data = file.read(MAX_DOCUMENT + 1)
        except OSError as error:
            raise UsageError(f"{path} cannot be read: {error.strerror}") from error
        problems += files.alone(KINDS, Path(path).as_posix(), data)
    return len(paths), problems


def _lint_branch(repo: Path) -> tuple[int, list[StateProblem]]:
    store = open_for_reading(repo).store
    try:
        snapshot = store.load()
    except UpgradeNeeded:
        raise
    except StateDocumentError as error:
        # Without the branch's own document nothing else of it is read.
        return 1, [StateProblem(ROOT, "", str(error).removeprefix(f"{ROOT}: "))]
    found = tuple(files.each(KINDS, snapshot))
    return len(found), [problem for one in found for problem in one]


@click.command(short_help="Print the JSON Schema of the documents.")
@click.argument("kind", required=False)
def schema(kind: str | None) -> None:
    """Print the JSON Schema of the frontmatter of a KIND of document, or of all kinds.

    \b
    Examples:
      orch-gates state schema
      orch-gates state schema task
    """
    with exit_codes():
        if kind is not None and kind not in KINDS.by_name:
            raise UsageError(f"there is no kind {kind!r}; known are {', '.join(KINDS.by_name)}")
        say(schemas.text(KINDS.by_name[kind]) if kind is not None else schemas.all_text(KINDS))
