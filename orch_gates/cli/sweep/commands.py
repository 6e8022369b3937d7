"""`orch-gates sweep`: one tick of what moves by itself and heals itself (SWP-1)."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path

import click

from orch_gates import clock
from orch_gates.cli.boundary import ended_by_signals, exit_codes, say
from orch_gates.cli.forge import cards
from orch_gates.cli.forge.tracker import tracking_of
from orch_gates.cli.job import dispatch_now
from orch_gates.cli.merge import merge_context
from orch_gates.cli.options import ForgeOptions, by_option, forge_options
from orch_gates.cli.sweep import duties as sweep_duties
from orch_gates.cli.sweep import view, watches
from orch_gates.cli.task import dashboard
from orch_gates.cli.task.advance import step_of
from orch_gates.errors import OrchError, UsageError
from orch_gates.sweep import reaper, reconciler
from orch_gates.sweep.look import Looking
from orch_gates.sweep.parts import Followed, Parts, SweepRules
from orch_gates.sweep.tick import Ticking, TickReport
from orch_gates.sweep.unit_result import UnitResult
from orch_gates.workspace import Workspace, open_workspace

_LONGEST_LOOP = 86_400


@click.command()
@click.option("--dry-run", is_flag=True, help="Look, and say what would be done; do nothing.")
@click.option(
    "--loop",
    default=None,
    type=click.IntRange(min=1, max=_LONGEST_LOOP),
    metavar="SECONDS",
    help="Repeat the sweep every SECONDS, until TERM or INT, if there is no scheduler.",
)
@click.option(
    "--html",
    "folder",
    default=None,
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="After a tick, write the page of `orch-gates status --html` into DIR.",
)
@click.option("--repo", default=".", type=click.Path(path_type=Path), help="A clone, or the bare repository itself.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, one document a tick.")
@by_option
@forge_options
def sweep(
    dry_run: bool,
    loop: int | None,
    folder: Path | None,
    repo: Path,
    as_json: bool,
    overrides: Mapping[str, str],
    options: ForgeOptions,
) -> None:
    """Run one sweep: end jobs that died, take back leases, move tasks that are stuck, go on with merges, start work.

    It reads the state once, records what follows in one commit, and does it. Run it as often as you like: where nothing
    changed, nothing is written; two at the same time do no harm; the next one finishes what a killed one left. No tests
    are run.

    Exit codes: 0 done; 2 something could not be told or done, with what, or something new needs a person; 75 others had
    the state branch all the time.

    \b
    Examples:
      orch-gates sweep
      orch-gates sweep --dry-run
      orch-gates sweep --loop 60
      orch-gates sweep --html public
      orch-gates sweep --json
    """
    with exit_codes():
        if loop and dry_run:
            raise UsageError("--loop and --dry-run cannot be combined; leave one out")
        if folder is not None and dry_run:
            raise UsageError(
                "use --html without --dry-run, which writes nothing; or run `orch-gates status --html DIR`"
            )
        run = partial(_tick, repo, {**options.overrides, **overrides}, options, folder)
        if loop is None:
            with ended_by_signals() as ended:
                report = run(ended, dry_run=dry_run)
            _show(report, as_json=as_json, dry_run=dry_run)
            raise SystemExit(report.exit_code)
        _loop(loop, run, as_json=as_json)


def _loop(seconds: int, run: Callable[[Callable[[], bool]], TickReport], *, as_json: bool) -> None:
    """Tick after tick, each opened anew, so that a changed configuration counts; what fails is told and tried again."""
    with ended_by_signals() as ended:
        while not ended():
            begun = clock.monotonic()
            try:
                report = run(ended)
                if as_json or report.did_something:
                    _show(report, as_json=as_json)
            except OrchError as error:
                say(f"orch-gates: {error}\n", to=sys.stderr)
            while not ended() and (left := begun + seconds - clock.monotonic()) > 0:
                clock.sleep(min(left, 1.0))


def _tick(
    repo: Path,
    overrides: Mapping[str, str],
    options: ForgeOptions,
    folder: Path | None,
    ended: Callable[[], bool],
    *,
    dry_run: bool = False,
) -> TickReport:
    workspace = replace(open_workspace(repo, overrides, options.observe), tests=False)
    report = Ticking(parts_of(workspace, ended), workspace.now).run(dry_run=dry_run)
    return report if folder is None else _with_page(report, workspace, folder)


def _with_page(report: TickReport, workspace: Workspace, folder: Path) -> TickReport:
    """The page of what the tick left; what the tick did is done, whatever becomes of the page (P3)."""
    try:
        dashboard.write(workspace.at(clock.utc_now()), folder)
    except OrchError as error:
        return replace(report, problems=(*report.problems, f"the dashboard was not written: {error}"))
    return report


def parts_of(workspace: Workspace, ended: Callable[[], bool] = lambda: False) -> Parts:
    """What a tick works with from here; `ended` says that it is to begin nothing more.

    Raises:
        SettingsError: the job's own token is given, whose pushes and merges start no workflow.
    """
    merge_context.refuse_automatic_token(workspace)
    looking = Looking(workspace.settings.tools.cache_dir, lambda: workspace.forge)
    rules = dispatch_now.rules_of(workspace)
    starts = workspace.settings.jobs.dispatch_enabled and any(role.way in rules.ways for role in rules.roles.values())
    dispatch = dispatch_now.dispatcher_of(workspace, rules) if starts else None
    starter = dispatch_now.starter_of(workspace) if starts else None
    duties = (
        sweep_duties.leases,
        sweep_duties.merges,
        sweep_duties.deploys,
        watches.watches,
        sweep_duties.markers,
        cards.cards,
    )
    return Parts(
        store=workspace.store,
        memory=lambda: workspace.store.memory,
        step=step_of(workspace),
        look=looking.at,
        heads=workspace.heads.of_all,
        monotonic=clock.monotonic,
        clock=clock.utc_now,
        by=workspace.by,
        rules=rules_of(workspace),
        follow=partial(_follow, workspace),
        dispatcher=dispatch,
        start=None if starter is None or dispatch is None else lambda job: starter.start(job, dispatch.role_of(job)),
        forget=looking.forget,
        duties=tuple(partial(duty, workspace) for duty in duties),
        ended=ended,
    )


def rules_of(workspace: Workspace) -> SweepRules:
    """What the settings bound a tick by."""
    wanted = workspace.settings.sweep
    reaping = reaper.ReaperRules(wanted.dead_ticks, timedelta(seconds=wanted.max_running))
    reconciling = reconciler.ReconcilerRules(timedelta(seconds=wanted.grace), wanted.most)
    return SweepRules(
        reaper=reaping if wanted.reaper_enabled else None,
        reconciler=reconciling if wanted.reconciler_enabled else None,
        every=timedelta(seconds=wanted.every),
        seconds=wanted.timeout,
    )


def _follow(workspace: Workspace, act: bool) -> Followed:
    """Do what people say on issues, and tell whom they stopped (REC-2)."""
    if workspace.settings.tracker.kind == "none":
        return Followed()
    tracking = tracking_of(workspace)
    if not act:
        return Followed(tracking.plan().stopped)
    synced = tracking.sync()
    lines = [(f"#{one.issue} {one.task}: {one.what}: {one.reason}", one.problem) for one in synced.done]
    return Followed(
        synced.stopped,
        UnitResult(
            lines=tuple(line for line, problem in lines if not problem),
            problems=tuple(line for line, problem in lines if problem),
        ),
    )


def _show(report: TickReport, *, as_json: bool, dry_run: bool = False) -> None:
    say(view.as_json(report, dry_run=dry_run) if as_json else view.as_text(report, dry_run=dry_run))
    for problem in () if as_json else report.problems:
        say(f"orch-gates: {problem}\n", to=sys.stderr)
