"""`orch-gates state init`, `restore` and `compact`: what changes the branch as a whole."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import assert_never

import click

from orch_gates.cli.boundary import exit_codes, open_for_reading, say
from orch_gates.cli.state import check
from orch_gates.model.ids import timestamp
from orch_gates.model.root import Root
from orch_gates.state import outcome
from orch_gates.state.branch.repair import branch_files
from orch_gates.state.outcome import Initialised
from orch_gates.tasks.archive import compact as archive
from orch_gates.workspace import Workspace, open_workspace

_REPO = click.option(
    "--repo", default=".", type=click.Path(path_type=Path), help="A clone, or the bare repository itself."
)


@click.group()
def state() -> None:
    """Create, check, verify and restore the state branch.

    \b
    Examples:
      orch-gates state init
      orch-gates state verify
    """


@click.command()
@click.option(
    "--anew", is_flag=True, help="Make a new one, although this machine knows of a state branch that was lost."
)
@_REPO
def init(anew: bool, repo: Path) -> None:
    """Make the state branch; where there is one, nothing changes.

    \b
    Examples:
      orch-gates state init
      orch-gates state init --anew
      orch-gates state init --repo /srv/git/app.git
    """
    with exit_codes():
        found = open_workspace(repo)
        branch = found.settings.state.branch
        match make_state(found, anew=anew):
            case outcome.Committed(commit=commit):
                stages = " -> ".join(found.pipeline.names)
                say(f"made branch {branch} ({commit[:10]}): {stages} -> done\n")
            case outcome.Exists(tip=tip):
                say(f"branch {branch} is there already ({tip[:10]}); nothing was changed\n")
            case other:
                assert_never(other)


def make_state(found: Workspace, *, anew: bool = False) -> Initialised:
    """Make the state branch of a repository, for the stages that its default branch configures.

    Raises:
        StateError, GitError: it could not be made.
    """
    root = Root(
        generation=1,
        created=timestamp(found.now),
        stages=found.pipeline.names,
        rework=found.pipeline.rework,
        configuration=found.configured.file,
        configured_by=found.configured.read.commit if found.configured.file else "",
    )
    return found.store.initialise(branch_files(root), anew=anew)


@click.command(short_help="Restore a state branch that was deleted or rewound.")
@click.option(
    "--forget", is_flag=True, help="Go on without the steps that only this machine has seen; they are listed before."
)
@_REPO
def restore(forget: bool, repo: Path) -> None:
    """Mend a state branch that was deleted, rewound or replaced, from its witness.

    What replaced the branch is kept in refs/orch/lost. Where it is no history of the state, e.g. another
    branch that was pushed over it, the branch is set back to its witness; a server that forbids that needs
    its administrator, and the message says which command to run.

    After an older backup was put back, branch and witness agree and nothing here can be mended: what this machine
    has seen beyond them is listed, and given up with --forget only.

    \b
    Examples:
      orch-gates state restore
      orch-gates state restore --forget
    """
    with exit_codes():
        match open_for_reading(repo).store.restore(forget=forget):
            case outcome.Restored(commit=commit, generation=generation, how=how, lost=lost, kept=kept):
                say(f"restored: {how}; the branch is at {commit[:10]}, generation {generation}\n")
                if lost:
                    where = (
                        f"is kept as {kept}"
                        if kept
                        else "is not kept: refs/orch/lost is full; delete refs there that nobody needs"
                    )
                    say(f"the replaced commit, {lost if not kept else lost[:10]}, {where}\n")
            case outcome.NothingToDo(tip=tip):
                say(f"nothing is lost: the branch, at {tip[:10]}, contains the commit of its witness ref\n")
            case other:
                assert_never(other)


@click.command(short_help="Move finished tasks to the archive.")
@click.option(
    "--older-than",
    "days",
    default=30,
    type=click.IntRange(0, 36500),
    metavar="DAYS",
    help="Only tasks that were finished longer ago [30].",
)
@_REPO
def compact(days: int, repo: Path) -> None:
    """Move finished tasks to the archive, so that the others stay quick to read.

    \b
    Examples:
      orch-gates state compact
      orch-gates state compact --older-than 7
    """
    with exit_codes():
        found = open_workspace(repo)
        done = archive(found.store, timedelta(days=days), found.now)
        say(f"{len(done.archived)} tasks archived\n")
        if done.left:
            say(f"{done.left} more are old enough; run the command again\n")
        if done.waiting:
            say(f"{done.waiting} more have planned effects; `orch-gates effects run` finishes them\n")


state.add_command(init)
state.add_command(restore)
state.add_command(compact)
state.add_command(check.verify)
state.add_command(check.lint)
state.add_command(check.schema)
