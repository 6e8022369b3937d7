"""Starting the work that is due, from a command: what `jobs/dispatcher.py` is handed, and how its answer looks."""

from __future__ import annotations

import secrets
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from orch_gates import clock
from orch_gates.cli.boundary import say
from orch_gates.cli.task.why import stopped_by_person
from orch_gates.config import file as config_file
from orch_gates.documents.escape import visible
from orch_gates.engine.work import WorkRules
from orch_gates.errors import OrchError, SettingsError
from orch_gates.jobs import dispatcher, overview
from orch_gates.jobs.dispatch_plan import DispatchFacts, DispatchPlan
from orch_gates.jobs.dispatcher import Dispatcher, DispatchResult, RunNames
from orch_gates.jobs.starter import Starter, StartOutcome, StartResult
from orch_gates.model.job import Job, Way
from orch_gates.model.verdict import Outcome
from orch_gates.report import machine
from orch_gates.state.snapshot import Snapshot
from orch_gates.tasks import book
from orch_gates.trackers.plan import stopped
from orch_gates.trackers.port import Item
from orch_gates.workspace import Workspace


def start_due(workspace: Workspace, report: Callable[[str], None] | None = None) -> int:
    """Start the work that is due after something moved, and tell of it; what fails is left to a sweep (P3).

    It is told on standard error, unless `tell` says otherwise. The answer is 2 where something could not be told or
    started.
    """
    if not workspace.config.roles:
        return 0
    try:
        done = dispatch_now(workspace)
    except OrchError as error:
        (report or _warn)(f"the jobs that are due were not started: {error}; a sweep starts them")
        return error.exit_code
    for line in lines(done):
        (report or _warn)(line)
    return exit_code(done)


def _warn(line: str) -> None:
    say(f"orch-gates: {line}\n", to=sys.stderr)


def dispatch_now(workspace: Workspace) -> DispatchResult:
    """Start the work that is due and that can be started from here; nothing is asked where there is none.

    Raises:
        StateError: it could not be recorded.
    """
    rules = rules_of(workspace)
    if not any(role.way in rules.ways for role in rules.roles.values()):
        return dispatcher.DispatchResult(DispatchPlan())
    facts, problem = _facts_of(workspace)
    done = dispatcher.run(
        workspace.store,
        workspace.configured,
        dispatcher_of(workspace, rules),
        starter_of(workspace),
        facts,
        clock.utc_now,
    )
    return replace(done, problem=problem)


def need_a_way(workspace: Workspace) -> None:
    """See that work can be started from here, where any role says how.

    Raises:
        SettingsError: none can be; nothing is told of what is due.
    """
    rules = rules_of(workspace)
    if rules.roles and not any(role.way in rules.ways for role in rules.roles.values()):
        raise SettingsError(
            "no job can be started here: to start workflows, set ORCH_FORGE_TOKEN; to start commands, run this "
            "outside of a CI job"
        )


def start_queued(workspace: Workspace, job: Job) -> tuple[str, int]:
    """Start a job that a person had queued just now: what came of it in a line, and the exit code.

    Raises:
        StateError: what came of it could not be recorded; it is asked for again, and runs once.
    """
    why, problem = stopped_by_person(workspace, book.need(workspace.store.load(), job.task).task)
    if why:
        return f"not started: {why}", 2 if problem else 0
    rules = rules_of(workspace)
    role = rules.roles.get(job.role)
    if role is None or role.way not in rules.ways:
        return "this machine cannot start the job; a sweep that can will start it, in a minute or later", 0
    starter = starter_of(workspace)
    result = dispatcher.start_one(workspace.store, workspace.configured, starter, job, role, clock.utc_now)
    return _line_of(result), 0 if result.outcome is StartOutcome.STARTED else 2


def _facts_of(workspace: Workspace) -> tuple[Callable[[Snapshot], DispatchFacts], str]:
    """The tasks and jobs of a snapshot, without those that people stopped, and what could not be told about that.

    No gate is asked: a sweep does that.
    """
    items: tuple[Item, ...] | None = ()
    problem = ""
    try:
        items = workspace.tracker.items() if workspace.tracker is not None else ()
    except OrchError as error:
        # Where it could not be told who is stopped, everybody is whose issue would say so (REC-5).
        items, problem = (
            None,
            f"could not check which issues people stopped, so no job for an issue starts: {error}",
        )

    def facts(snapshot: Snapshot) -> DispatchFacts:
        found = overview.read(snapshot)
        tasks = tuple(found.tasks.values())
        return DispatchFacts(tasks, found.jobs, stopped=frozenset(stopped(items, tasks)) | found.unknown)

    return facts, problem


def rules_of(workspace: Workspace) -> WorkRules:
    """How work is started from here: a CI job starts no command, which would end with it; a workflow needs a token.

    Where the forge cannot be connected to, its workflows are asked for all the same, which says what is wrong.
    """
    rules = config_file.rules(workspace.config, workspace.settings)
    ways = set() if workspace.settings.ci.active else {Way.COMMAND}
    if any(role.way is Way.WORKFLOW for role in rules.roles.values()):
        try:
            reached = workspace.writable_forge is not None
        except OrchError:
            reached = True
        ways |= {Way.WORKFLOW} if reached else set()
    return replace(rules, ways=frozenset(ways))


def dispatcher_of(workspace: Workspace, rules: WorkRules) -> Dispatcher:
    """The plan's rules, and who asks."""
    return Dispatcher(rules, workspace.configured.pipeline_of, RunNames(lambda: secrets.token_hex(8)), workspace.by)


def starter_of(workspace: Workspace) -> Starter:
    """Where jobs are started from."""
    cache = workspace.settings.tools.cache_dir or Path(tempfile.gettempdir())
    return Starter(
        forge=lambda: workspace.writable_forge,
        target=workspace.target,
        # -P: it runs in the checkout, whose files are no modules of ours.
        program=[sys.executable, "-P", "-m", "orch_gates"],
        folder=workspace.git.directory,
        logs=cache / "jobs",
        env=workspace.settings.inherited_env,
    )


def lines(dispatched: DispatchResult) -> list[str]:
    """What was done, one line for each thing."""
    lines = [dispatched.problem] if dispatched.problem else []
    lines += [f"{task.id} is held: {why}" for task, why in dispatched.planned.asks]
    lines += [
        f"{job.task}: run {job.number} ({job.role}) is {job.status}: {job.reason}"
        for job in dispatched.planned.changed
        if job.status.terminal
    ]
    lines += [f"{result.job.task}: {_line_of(result)}" for result in dispatched.started]
    return [visible(line) for line in lines]


def _line_of(result: StartResult) -> str:
    job = result.job
    where = f"CI run {result.run}" if result.run else (job.dispatch.way.value if job.dispatch else "")
    outcome = {
        StartOutcome.STARTED: f"started as {where}" + (f"; {result.reason}" if result.reason else ""),
        StartOutcome.REFUSED: f"could not be started: {result.reason}; it stays queued, and a sweep tries again",
        StartOutcome.GIVEN_UP: f"could not be started, and is given up: {result.reason}",
        StartOutcome.UNKNOWN: f"start not confirmed: {result.reason}; a sweep tries again",
    }[result.outcome]
    return f"run {job.number} ({job.role}) {outcome}"


def as_text(dispatched: DispatchResult) -> str:
    """The same as text."""
    return "".join(f"{line}\n" for line in lines(dispatched)) or "no job is due that can be started from here\n"


def as_json(dispatched: DispatchResult) -> str:
    """The same for machines."""
    value = {
        "starts": [
            {
                "task": result.job.task,
                "role": result.job.role,
                "attempt": result.job.attempt,
                "number": result.job.number,
                "outcome": result.outcome.value,
                "run": result.run or None,
                "reason": result.reason,
            }
            for result in dispatched.started
        ],
        "ended": [
            {"task": job.task, "attempt": job.attempt, "status": job.status.value, "reason": job.reason}
            for job in dispatched.planned.changed
            if job.status.terminal
        ],
        "problem": dispatched.problem or None,
        "held": [{"task": task.id, "reason": why} for task, why in dispatched.planned.asks],
    }
    return machine.document("job-dispatch", value)


def exit_code(dispatched: DispatchResult) -> int:
    """2 where something could not be told or started."""
    refused = any(result.outcome is not StartOutcome.STARTED for result in dispatched.started)
    return (Outcome.ERROR if dispatched.problem or refused else Outcome.PASS).exit_code
