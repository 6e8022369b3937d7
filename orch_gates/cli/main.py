"""The `orch-gates` command; a subcommand's module is imported only when it is called."""

from __future__ import annotations

import sys

import click

from orch_gates import __version__
from orch_gates.cli.boundary import json_error, unwritable
from orch_gates.cli.lazy import LazyGroup

_COMMANDS = {
    "init": "orch_gates.cli.init.commands:init",
    "gate": "orch_gates.cli.gate.commands:gate",
    "hook": "orch_gates.cli.hook.commands:hook",
    "secrets": "orch_gates.cli.secrets.commands:secrets",
    "task": "orch_gates.cli.task.commands:task",
    "advance": "orch_gates.cli.task.advance:advance",
    "job": "orch_gates.cli.job.commands:job",
    "watch": "orch_gates.cli.deploy.watch:watch",
    "merge": "orch_gates.cli.merge.commands:merge",
    "deploy": "orch_gates.cli.deploy.commands:deploy",
    "env": "orch_gates.cli.deploy.env:env",
    "queue": "orch_gates.cli.queue.commands:queue",
    "event": "orch_gates.cli.forge.event:event",
    "tracker": "orch_gates.cli.forge.tracker:tracker",
    "lease": "orch_gates.cli.merge.lease:lease",
    "marker": "orch_gates.cli.merge.marker:marker",
    "notify": "orch_gates.cli.forge.notify:notify",
    "image": "orch_gates.cli.gate.image:image",
    "effects": "orch_gates.cli.task.effects:effects",
    "sweep": "orch_gates.cli.sweep.commands:sweep",
    "why": "orch_gates.cli.task.why:why",
    "status": "orch_gates.cli.task.status:status",
    "state": "orch_gates.cli.state.commands:state",
    "prove": "orch_gates.cli.merge.prove:prove",
    "forge": "orch_gates.cli.forge.commands:forge",
    "help": "orch_gates.cli.help:help_page",
    "config": "orch_gates.cli.config.commands:config",
    "schema": "orch_gates.cli.config.schema:schema",
    "setup": "orch_gates.cli.doctor.setup:setup",
    "doctor": "orch_gates.cli.doctor.commands:doctor",
    "demo": "orch_gates.cli.demo.commands:demo",
    "completion": "orch_gates.cli.completion:completion",
}
_HELP = {
    "init": "Set orch-gates up in a repository: write its files, and with a token configure the forge.",
    "gate": "Judge commits with a gate.",
    "hook": "Run, install, show or remove the git hooks.",
    "secrets": "Allow a finding, with an owner, a reason and a last day.",
    "task": "Make tasks, read them, hold or cancel them.",
    "advance": "Judge a task's gates, and move the task on or back.",
    "job": "Run a task's work and record it, show the runs, cancel one, try again.",
    "lease": "Show, reclaim or release the right to merge into a target branch.",
    "marker": "Register text that must stay in the target branch, and check for it.",
    "watch": "Watch production after a deploy, and roll the deploy back if it is unhealthy.",
    "merge": "Merge a task: validate it, have the forge merge it, and prove that it landed.",
    "deploy": "Deploy a task: run its deploy command, and record the result.",
    "env": "Show what each environment runs; after a lost deploy, record it.",
    "queue": "Merge pull requests in turn: show the queue, add, remove, freeze, run.",
    "event": "Handle the event that started this workflow.",
    "tracker": "Create tasks from issues, and follow the labels on them.",
    "notify": "Show people where tasks stand: in Telegram, on pull requests, by a webhook.",
    "image": "Tag an image that was built once and tested.",
    "effects": "Show and perform the pending changes at the forge.",
    "sweep": "End dead jobs, advance stuck tasks, continue merges, start jobs.",
    "why": "Show in one line why a task is in its stage.",
    "status": "Show the tasks by stage, and what runs automatically.",
    "state": "Create, check, verify and restore the state branch.",
    "prove": "Prove that a commit landed on a branch.",
    "forge": "Show the user of the token at the forge, and its permissions.",
    "help": "Print a page of the manual: what to do after a refusal.",
    "config": "Show, check or describe what configures a repository.",
    "schema": "List and print the JSON Schemas of what `--json` prints.",
    "setup": "Find or prepare the scanners, and try them.",
    "doctor": "Find what fails silently, and show how to fix it.",
    "completion": "Print the shell completion for commands, options, tasks and stages.",
    "demo": "See a leaked key refused, and two green branches that break main together.",
}


class _Commands(LazyGroup):
    def list_commands(self, _ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(_HELP.items()))


@click.group(cls=_Commands, lazy=_COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="orch-gates")
def cli() -> None:
    """Deterministic delivery gates for a git repository, with nothing to host.

    Exit codes: 0 pass, 1 failed, 2 could not be decided or wrong usage, 75 deferred, 70 a bug. Settings are environment
    variables: `orch-gates config show` lists them.
    """


def main() -> None:
    """Run the command; Ctrl-C ends with 130, as in a shell, and wrong usage with 2 (GATE-2)."""
    stdout = sys.stdout
    try:
        code = cli.main(prog_name="orch-gates", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        json_error(error.format_message(), 2)
        sys.exit(2)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)
    except OSError as error:
        # Help and version are printed by click itself.
        unwritable(error)
    except SystemExit:
        # A reader of the help that went away is no verdict; click calls it one, and replaces the stream.
        if sys.stdout is not stdout:
            sys.exit(0)
        raise
    sys.exit(code if isinstance(code, int) else 0)
