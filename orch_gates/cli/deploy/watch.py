"""`orch-gates watch`: watch what a deploy did to production, stop that, roll back by hand (WCH-1..4)."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import click

from orch_gates import clock
from orch_gates.cli.boundary import ended_by_signals, exit_codes, say
from orch_gates.cli.completion import ENVIRONMENT, TASK
from orch_gates.cli.deploy.deploy_context import watching_of
from orch_gates.cli.deploy.watch_run import WatchRun, exit_code, publish, roll_back
from orch_gates.cli.options import ForgeOptions, by_option, forge_options, text_option
from orch_gates.deploy import watches
from orch_gates.deploy.watch_ends import reaction_text
from orch_gates.documents.escape import visible
from orch_gates.errors import UsageError
from orch_gates.model.watch import Watch
from orch_gates.report import machine
from orch_gates.workspace import Workspace, open_workspace

_REPO = click.option(
    "--repo", default=".", type=click.Path(path_type=Path), help="A clone, or the bare repository itself."
)
_ENVIRONMENT = click.option(
    "--environment",
    default="production",
    show_default=True,
    metavar="NAME",
    type=ENVIRONMENT,
    help="Where it was deployed to.",
)
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group(invoke_without_command=True)
@click.option("--task", default="", metavar="ID", type=TASK, help="The task [ORCH_TASK].")
@click.option("--quiet", is_flag=True, help="Print nothing on stderr while it runs.")
@_ENVIRONMENT
@_REPO
@_JSON
@by_option
@forge_options
@click.pass_context
def watch(
    context: click.Context,
    task: str,
    quiet: bool,
    environment: str,
    repo: Path,
    as_json: bool,
    overrides: Mapping[str, str],
    options: ForgeOptions,
) -> None:
    """Watch the last deploy of a task until its window is over, and roll it back if production is unhealthy.

    `environments` of .orch-gates.yaml says what is probed and counted, and how a deploy is rolled back. What is seen is
    recorded at the first failure, every five minutes and at the end. A watch that was killed is continued by the next
    one; the time in between stays unobserved. There is one rollback for a deploy, never one of a rollback, and only to
    the deploy that was verified last.

    Exit codes: 0 HEALTHY; 1 DEGRADED; 2 UNOBSERVED, STOPPED or SUPERSEDED, or another deploy runs by now; 75 somebody
    else watches it, or this was asked to end.

    \b
    Examples:
      orch-gates watch --task T-1
      orch-gates watch --task T-1 --environment staging --json
      orch-gates watch stop T-1 --reason "the errors are a load test"
    """
    if context.invoked_subcommand is not None:
        return
    with exit_codes():
        workspace = _opened(repo, overrides, options)
        if not (name := task or workspace.settings.handed_over.task):
            raise UsageError("--task (ORCH_TASK) is missing: name the task whose deploy to watch")
        page = watches.need(workspace.store.load(), name, environment)
        with ended_by_signals() as ended:
            over = WatchRun(workspace, environment, ended, quiet).go(page.watch.deploy)
        publish(workspace, over)
        _show(over, as_json=as_json)
        code = exit_code(over)
        if code == 0 and (gone := watches.gone(workspace.store.load(), over)):
            say(f"orch-gates: {name}: the watch ended healthy, but {gone}\n", to=sys.stderr)
            code = 2
    raise SystemExit(code)


@watch.command(short_help="End the watch over a task's last deploy.")
@click.argument("task", metavar="TASK", type=TASK)
@text_option("--reason", required=True, metavar="TEXT", help="Why; kept in the watch's log.")
@_ENVIRONMENT
@_REPO
@by_option
def stop(task: str, reason: str, environment: str, repo: Path, overrides: Mapping[str, str]) -> None:
    """End the watch over the last deploy of TASK; nothing follows from what it saw.

    \b
    Examples:
      orch-gates watch stop T-1 --reason "the errors are a load test"
    """
    with exit_codes():
        workspace = _opened(repo, overrides)
        deploy = watches.need(workspace.store.load(), task, environment).watch.deploy
        _show(watching_of(workspace, environment).stop(deploy, reason, clock.utc_now()))


@watch.command(short_help="Roll a watched deploy back to the last verified one.")
@click.argument("task", metavar="TASK", type=TASK)
@text_option("--reason", required=True, metavar="TEXT", help="Why; kept in the watch's log.")
@_ENVIRONMENT
@_REPO
@by_option
def rollback(task: str, reason: str, environment: str, repo: Path, overrides: Mapping[str, str]) -> None:
    """Roll back the last deploy of TASK now, while it is watched, to the deploy that was verified last.

    The configured command runs here.

    Exit codes: 0 rolled back; 1 the command failed; 2 it is not watched, or there is nothing to roll back to.

    \b
    Examples:
      orch-gates watch rollback T-1 --reason "customers cannot pay"
    """
    with exit_codes():
        workspace = _opened(repo, overrides)
        deploy = watches.need(workspace.store.load(), task, environment).watch.deploy
        steps = watching_of(workspace, environment)
        ordered = steps.order_rollback(deploy, reason, clock.utc_now())
        done = roll_back(workspace, steps, ordered)
        say(f"{task}: deploy {deploy}: {done.reason}\n", to=sys.stdout if done.well else sys.stderr)
        code = 0 if done.well else 1
    raise SystemExit(code)


def _opened(repo: Path, overrides: Mapping[str, str], options: ForgeOptions | None = None) -> Workspace:
    if options is None:
        return open_workspace(repo, overrides)
    return open_workspace(repo, {**options.overrides, **overrides}, options.observe)


def _show(over: Watch, *, as_json: bool = False) -> None:
    if as_json:
        fields = over.fields()
        kept = ("deploy", "environment", "task", "revision", "digest", "verdict", "reason", "reaction")
        say(machine.document("watch-end", {key: fields[key] for key in kept} | {"samples": len(over.samples)}))
        return
    reacted = f" ({followed})" if (followed := reaction_text(over)) else ""
    say(visible(f"{over.task}: deploy {over.deploy}: {over.verdict}: {over.reason}{reacted}") + "\n")
