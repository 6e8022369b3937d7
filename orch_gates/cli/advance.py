"""`orch-gates advance` and `orch-gates why`: one step of a task, and the reason it stands where it stands."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from orch_gates.cli.boundary import exit_codes, open_for_reading, say, warn_quarantined
from orch_gates.cli.completing import TASK
from orch_gates.cli.dispatching import start_due, stopped_by_person
from orch_gates.cli.notifying import show_after_step
from orch_gates.cli.options import ForgeOptions, by_option, forge_options
from orch_gates.cli.text_option import text_option

if TYPE_CHECKING:
    from orch_gates.engine.work import Standing
    from orch_gates.model.task import Task
    from orch_gates.model.verdict import Verdict
    from orch_gates.state.snapshot import Snapshot
    from orch_gates.tasks.advance import Step
    from orch_gates.tasks.edge import Gate, Reader
    from orch_gates.workspace import Workspace


@click.command()
@click.argument("name", metavar="ID", type=TASK)
@click.option("--approve", is_flag=True, help="A person lets it leave a stage that waits for approval.")
@text_option("--reject", metavar="REASON", help="A person sends it back, and says why.")
@click.option("--dry-run", is_flag=True, help="Judge the gates and say what would follow; record nothing.")
@click.option("--repo", default=".", type=click.Path(path_type=Path), help="A clone, or the bare repository itself.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@by_option
@forge_options
def advance(
    name: str,
    approve: bool,
    reject: str,
    dry_run: bool,
    repo: Path,
    as_json: bool,
    overrides: Mapping[str, str],
    options: ForgeOptions,
) -> None:
    """Judge the gates on the edge out of task ID's stage, and apply what follows: one step, one commit.

    Exit codes: 0 it moved on, or there is nothing left to do; 1 a gate is red; 2 held,
    escalated, or waiting for a person; 75 deferred.

    \b
    Examples:
      orch-gates advance T-1
      orch-gates advance T-1 --approve
      orch-gates advance T-1 --dry-run --json
    """
    with exit_codes():
        from orch_gates.errors import UsageError
        from orch_gates.report import tasks as render
        from orch_gates.workspace import open_workspace

        if approve and reject:
            raise UsageError("--approve and --reject contradict each other")
        found = open_workspace(repo, {**options.overrides, **overrides}, options.observe)
        step = step_of(found, approve=approve, reject=reject)
        applied = step.would(name) if dry_run else step.take(name)
        if as_json:
            say(render.step_json(applied.decision, applied.verdicts, applied.commit))
        else:
            say(render.step(name, applied.decision, applied.verdicts, recorded=bool(applied.commit)))
        if applied.performed or applied.decision.given_up:
            from orch_gates.cli.effects_view import warn, warn_given_up

            warn_given_up(applied.decision.given_up)
            warn(name, applied.performed)
        if applied.commit:
            start_due(found)
            show_after_step(found)
        raise SystemExit(applied.decision.outcome.exit_code)


def gate_of(workspace: Workspace) -> Gate:
    """How the gates on an edge are judged from here."""
    from orch_gates.errors import ForgeUnavailable
    from orch_gates.gates.evaluate import evaluate
    from orch_gates.gates.gate import Ports, Subject, Unknown

    def gate(name: str, task: Task, head: str, earlier: tuple[str, ...], read: Reader) -> Verdict:
        ports = Ports(workspace.settings, read, lambda: workspace.forge)
        answer = evaluate(name, Subject(head, task.branch, workspace.target, earlier), ports)
        if isinstance(answer, Unknown):
            # Nothing follows from facts that could not be gathered, so the task stays as it is (P2).
            raise ForgeUnavailable(answer.reason)
        return answer

    return gate


def step_of(workspace: Workspace, *, approve: bool = False, reject: str = "") -> Step:
    """One step of a task: by its gates, or by the word of the person who runs this command."""
    from orch_gates.tasks.advance import Step

    return Step(
        store=workspace.store,
        configured=workspace.configured,
        gate=gate_of(workspace),
        head_of=workspace.heads.of,
        by=workspace.by,
        now=workspace.now,
        approve=approve,
        reject=reject,
        outbox=workspace.outbox,
    )


@click.command()
@click.argument("name", metavar="ID", type=TASK)
@click.option("--repo", default=".", type=click.Path(path_type=Path), help="A clone, or the bare repository itself.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def why(name: str, repo: Path, as_json: bool) -> None:
    """Say in one line why task ID stands where it stands, and what happens next.

    A number is that pull request in the merge queue: 12 is the task PR-12.

    \b
    Examples:
      orch-gates why T-1
      orch-gates why 12
      orch-gates why T-1 --json
    """
    with exit_codes():
        from orch_gates.documents.escape import visible
        from orch_gates.merge import places
        from orch_gates.report import tasks as render

        session = open_for_reading(repo)
        snapshot = session.store.load()
        task = _named(snapshot, name)
        around = places.read(session.store, snapshot, session.target)
        warn_quarantined(around.quarantined)
        found = around.why(task, session.pipeline, session.now).at_work(_work(session, snapshot, task))
        say(render.why_json(found) if as_json else f"{visible(found.line)}\n")


def _work(session: Workspace, snapshot: Snapshot, task: Task) -> Standing | None:
    """What the work of the task's stage has come to."""
    from orch_gates.config import file as config_file
    from orch_gates.engine import work
    from orch_gates.engine.stages import pipeline_of
    from orch_gates.jobs import book

    rules = config_file.rules(session.config, session.settings)
    jobs = [page.job for page in book.jobs_of(snapshot, task.id)]
    found = work.standing(task, jobs, pipeline_of(task, session.pipeline), rules)
    if task.state.finished or not (stopped := stopped_by_person(session, task)[0]):
        return found
    line = f"{found.line}; {stopped}" if found is not None else stopped
    return work.Standing(line, "clear the stop label or state on its issue", "by a person")


def _named(snapshot: Snapshot, name: str) -> Task:
    """The task of this id, or that of the pull request with this number.

    Raises:
        UsageError: there is neither.
    """
    from orch_gates.merge.queueing import task_of
    from orch_gates.tasks import book

    number = name.removeprefix("#")
    if not number.isdecimal() or (number == name and book.find(snapshot, name) is not None):
        return book.need(snapshot, name).task
    return book.need(snapshot, task_of(int(number))).task
