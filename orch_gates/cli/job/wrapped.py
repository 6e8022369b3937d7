"""What the commands that run somebody's command have in common: who runs it, what it is told, what is kept of it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

from orch_gates import clock, machine
from orch_gates.cli.task.advance import step_of
from orch_gates.cli.task.effects_view import warn
from orch_gates.documents.escape import markdown, visible
from orch_gates.errors import OrchError
from orch_gates.gates.security.redacting import Redactor
from orch_gates.jobs import environment, output
from orch_gates.jobs.command import CommandEnd
from orch_gates.model.feedback import one_line
from orch_gates.model.job import CiRun, Process
from orch_gates.report import github
from orch_gates.report import tasks as render
from orch_gates.scanners import repository_rules
from orch_gates.settings import Settings
from orch_gates.workspace import Workspace

# As a shell has it for what cannot be started.
NO_PROGRAM = 127
_ALLOW_KEY = ("ORCH_ALLOW_KEY", "ORCH_ALLOW_KEY_FILE")
_NOTIFY = ("ORCH_TELEGRAM_TOKEN", "ORCH_WEBHOOK_URL", "ORCH_WEBHOOK_SECRET")
_LONGEST_URL = 300


def runner_of(workspace: Workspace) -> str:
    """Who runs it, for people."""
    return workspace.settings.ci.run_url or f"{workspace.by} on {os.uname().nodename}"


def process_of() -> Process:
    """This process, as others look for it."""
    me = machine.identity()
    return Process(host=one_line(me.host), pid=me.pid, started=me.started)


def ci_run_of(settings: Settings) -> CiRun | None:
    """The CI run that this is part of."""
    ci = settings.ci
    if not (ci.active and ci.run):
        return None
    url = ci.run_url if len(ci.run_url) <= _LONGEST_URL and ci.run_url.isascii() and " " not in ci.run_url else ""
    return CiRun(id=ci.run, attempt=ci.attempt, job=one_line(ci.job), url=url)


def own_rules(workspace: Workspace) -> bytes:
    """The repository's own rules, by which its secrets are found too."""
    found = workspace.config.revision
    return (workspace.git.blob(found, repository_rules.PATH) if found else None) or b""


def inherited(settings: Settings, *, keep_token: bool) -> dict[str, str]:
    """Our environment as the command gets it: without our secrets, unless it is to keep them."""
    env = dict(settings.inherited_env)
    if keep_token:
        return env
    names = {
        *_ALLOW_KEY,
        *_NOTIFY,
        "ORCH_FORGE_TOKEN",
        "ORCH_REGISTRY_TOKEN",
        "ORCH_TRACKER_TOKEN",
        settings.forge.token_env,
    }
    return environment.without_secrets(env, names, settings.forge.token)


def kept(ended: CommandEnd, redactor: Redactor) -> tuple[str, str]:
    """The end of the output as it is kept, without secrets; and why none is kept, if that is so."""
    text = output.text_of(ended.output, whole=ended.written <= len(ended.output))
    if not text.strip():
        return "", ""
    try:
        return output.tail(redactor.redact(text)), ""
    except OrchError as error:
        return "", f"the command's output is not saved, as it could not be scanned for secrets: {error}"


def how(ended: CommandEnd, timeout: float) -> str:
    """How it ended, in words."""
    if ended.timed_out:
        return f"did not finish within {timeout:g} s"
    if ended.returncode < 0:
        return f"ended by signal {-ended.returncode}"
    return f"exit code {ended.returncode}"


def advance(workspace: Workspace, task: str, print_line: Callable[[str], None], *, quiet: bool) -> dict[str, str]:
    """One step of the task through its gate, told line by line; the answer is what it said, for later steps.

    What it says changes no exit code: a sweep asks the gate again (REAP-3).
    """
    try:
        applied = step_of(workspace.at(clock.utc_now())).take(task)
    except OrchError as error:
        print_line(f"{task}: not advanced: {error}; a sweep evaluates its gate again")
        return {"verdict": "", "verdict-reason": str(error)}
    for line in render.step(task, applied.decision, applied.verdicts, recorded=bool(applied.commit)).splitlines():
        print_line(line)
    if applied.performed and not quiet:
        warn(task, applied.performed)
    return {"verdict": applied.decision.outcome.value, "verdict-reason": visible(applied.decision.reason)}


def publish(workspace: Workspace, outputs: Mapping[str, str], line: str, print_line: Callable[[str], None]) -> None:
    """What came of it, for the steps after this one; `line` and what the gate said, for the page of the run."""
    ci = workspace.settings.ci
    gate = f" Gate: {outputs['verdict']}: {outputs['verdict-reason']}" if "verdict" in outputs else ""
    try:
        github.set_outputs({name: visible(value) for name, value in outputs.items()}, ci)
        github.add_to_summary(f"{line}{markdown(gate)}\n\n", ci)
    except OrchError as error:
        print_line(str(error))
