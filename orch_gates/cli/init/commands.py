"""`orch-gates init`: set a repository up, look before, undo."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from orch_gates import clock, workspace
from orch_gates.adopt import look as looking
from orch_gates.adopt import plan as planning
from orch_gates.adopt import record, where, write
from orch_gates.adopt.plan import Deed, FileChange
from orch_gates.adopt.steps import SetupStep, worst
from orch_gates.cli.boundary import exit_codes, say
from orch_gates.cli.init import ask, steps, view
from orch_gates.cli.init.ask import InitOptions
from orch_gates.cli.options import ForgeOptions, forge_options
from orch_gates.config.file import PATH as CONFIG
from orch_gates.errors import UsageError
from orch_gates.git.cli import Git
from orch_gates.settings import Settings, load
from orch_gates.workspace import Workspace


@click.command()
@click.option(
    "--level",
    type=click.IntRange(0, 2),
    help="0: the security gate; 1: merges through a queue; 2: tasks that move by themselves.",
)
@click.option("--yes", is_flag=True, help="Ask nothing, and write; level 0 where none is given.")
@click.option("--dry-run", is_flag=True, help="Show what would be done; write nothing.")
@click.option("--remove", is_flag=True, help="Remove what init wrote, and keep what was changed since.")
@click.option("--test", default="", metavar="COMMAND", help="What runs the tests, where no workflow does.")
@click.option("--actions", default="", metavar="URL[@COMMIT]", help="Where runners find orch-gates.")
@click.option("--pre-commit", is_flag=True, help="Write the hooks for clones into .pre-commit-config.yaml, too.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--repo", default=".", type=click.Path(path_type=Path), help="A clone.")
@forge_options
def init(  # noqa: PLR0913 - each is an option
    *,
    level: int | None,
    yes: bool,
    dry_run: bool,
    remove: bool,
    test: str,
    actions: str,
    pre_commit: bool,
    as_json: bool,
    repo: Path,
    options: ForgeOptions,
) -> None:
    """Set orch-gates up in this repository: write its files, and with a token configure the forge.

    Looks at the repository, shows a diff of the files, writes them when you say so, and says what to do next. It
    commits and pushes nothing. What was changed by hand is never overwritten. Run it again at any time.

    Exit 0: all is as it should be. Exit 2: something is in the way, or could not be done.

    \b
    Examples:
      orch-gates init
      orch-gates init --level 1 --dry-run
      orch-gates init --level 0 --yes --forge gitea
      orch-gates init --remove
    """
    with exit_codes():
        if remove and level is not None:
            raise UsageError("--remove undoes every level; leave --level out")
        settings = load(overrides=options.overrides)
        git = workspace.repository(settings, repo)
        given = InitOptions(level, yes, dry_run, test, actions, pre_commit)
        code = (
            _removed(settings, git, given, options, as_json=as_json)
            if remove
            else _set_up(settings, git, given, options, as_json=as_json)
        )
        raise SystemExit(code)


def _set_up(settings: Settings, git: Git, given: InitOptions, options: ForgeOptions, *, as_json: bool) -> int:
    here = Workspace(settings, git, clock.utc_now())
    facts = looking.look(git, lambda: here.heads)
    texts, obstacles = looking.present(facts.top, planning.candidates(), facts.hidden)
    wanted = settings.forge
    found = where.find(wanted.kind, wanted.url, facts.url, facts.workflows, wanted.timeout, options.observe)
    facts, silent = steps.asked(settings, facts, found, options.observe)
    choice, found = ask.choice(settings, facts, found, given, texts.get(CONFIG))
    changes = planning.plan(choice, texts, obstacles)
    if not as_json:
        say(view.seen(facts, found, choice))
        say(view.diffs(changes))
    written = _write(facts.top, changes, given)
    made: tuple[SetupStep, ...] = ()
    if written:
        scene = steps.Scene(settings, facts, found, choice, changes, options.observe, given.dry_run, silent)
        made = steps.set_up(scene)
    closed = record.read(git.git_dir()).rule(facts.target) is not None
    commands = planning.next_commands(changes, facts, closed=closed)
    report = view.InitReport(facts, found, choice, changes, made, written, given.dry_run, commands)
    say(view.as_json(report) if as_json else view.as_text(report))
    return 0 if written and not view.blocked(changes) and not worst(made) else 2


def _write(top: Path, changes: tuple[FileChange, ...], given: InitOptions) -> bool:
    """Write what is planned, where a person says so; tells whether nothing is left to be written."""
    waiting = [change for change in changes if change.deed in {Deed.CREATE, Deed.UPDATE, Deed.DELETE}]
    if not waiting or given.dry_run:
        return True
    write.refuse_unwritable(top, changes)
    if not ask.agreed(given, len(waiting)):
        say("orch-gates: nothing was written\n", to=sys.stderr)
        return False
    write.write(top, changes)
    return True


def _removed(settings: Settings, git: Git, given: InitOptions, options: ForgeOptions, *, as_json: bool) -> int:
    here = Workspace(settings, git, clock.utc_now())
    facts = looking.look(git, lambda: here.heads)
    texts, _ = looking.present(facts.top, planning.candidates(), facts.hidden)
    changes = planning.removal(texts)
    if not as_json:
        say(view.diffs(changes))
    wanted = settings.forge
    found = where.find(wanted.kind, wanted.url, facts.url, facts.workflows, wanted.timeout, options.observe)
    written = _write(facts.top, changes, given)
    undone: tuple[SetupStep, ...] = ()
    if written:
        text, dry = texts.get(CONFIG, ""), given.dry_run
        undone = steps.undo(settings, facts, found, options.observe, configuration=text, dry_run=dry)
    closed = record.read(git.git_dir()).rule(facts.target) is not None
    commands = planning.next_commands(changes, facts, removing=True, closed=closed)
    report = view.InitReport(facts, found, None, changes, undone, written, given.dry_run, commands)
    say(view.as_json(report) if as_json else view.as_text(report))
    return 0 if written and not worst(undone) else 2
