"""What the commands about merges have in common: the context that attempts are driven with, and how one is shown."""

from __future__ import annotations

import secrets
import shlex
import sys
from dataclasses import replace
from typing import TypeGuard

from orch_gates import clock
from orch_gates.cli.boundary import say
from orch_gates.cli.task.advance import gate_of, step_of
from orch_gates.engine import spent
from orch_gates.errors import SettingsError, UsageError
from orch_gates.gates import ci_green, merge, registry
from orch_gates.gates.merge import NAME, PROOF
from orch_gates.git.answers import FetchOutcome
from orch_gates.merge import ledger
from orch_gates.merge.attempt_worker import Stop
from orch_gates.merge.context import MergeContext
from orch_gates.merge.queue import plan as queue
from orch_gates.merge.queue.update import has
from orch_gates.merge.run import Driving
from orch_gates.model.attempt import Attempt
from orch_gates.model.branch import code_ref
from orch_gates.model.ids import timestamp
from orch_gates.model.task import Task
from orch_gates.model.verdict import Outcome, Verdict
from orch_gates.state.branch import remote
from orch_gates.state.snapshot import Snapshot
from orch_gates.tasks import book, edge
from orch_gates.tasks.advance import TaskStep
from orch_gates.workspace import Workspace


def context_of(workspace: Workspace) -> MergeContext:
    """What attempts are driven with from here.

    Raises:
        SettingsError: the job's own token is given, which neither writes the state nor merges.
    """
    refuse_automatic_token(workspace)
    run = workspace.settings.ci.run_url
    return MergeContext(
        settings=workspace.settings,
        store=workspace.store,
        configured=workspace.configured,
        git=workspace.git,
        remote=workspace.code,
        local=remote.local(workspace.origin),
        forge=workspace.writable_forge,
        target=workspace.target,
        by=workspace.by,
        runner_name=run or workspace.by,
        now=clock.utc_now,
        monotonic=clock.monotonic,
        sleep=clock.sleep,
        tests=workspace.tests,
    )


def refuse_automatic_token(workspace: Workspace) -> None:
    """See that a bot's token is given where one is: what a job's own token does starts no workflow (MRG-5).

    Raises:
        SettingsError: it is the job's own.
    """
    token, inherited = workspace.settings.forge.token, workspace.settings.inherited_env
    names = ("GITHUB_TOKEN", "GITEA_TOKEN", "FORGEJO_TOKEN", "ACTIONS_RUNTIME_TOKEN")
    automatic = {inherited.get(name, "") for name in names}
    if token and token in automatic:
        raise SettingsError(
            f"{workspace.settings.forge.token_env} holds the job's own token, whose pushes and merges start no "
            "workflow; create a token for a bot, store it as a secret, and pass it in that variable"
        )


def driving(workspace: Workspace) -> Driving:
    """How attempts are driven from here."""
    return Driving(
        context_of(workspace),
        lambda *about: _before(workspace, *about),
        lambda: secrets.token_hex(8),
        lambda task, commit: _last_look(workspace, task, commit),
    )


def task_named(workspace: Workspace, task: str, branch: str) -> str:
    """The task that `--task` or `--branch` names.

    Raises:
        UsageError: neither or both are given, or no task that is not finished has that branch, or several have.
    """
    if bool(task) is bool(branch):
        raise UsageError("name the task with --task, or its branch with --branch")
    if task:
        return task
    found = [
        one.id for one in book.read(workspace.store.load()).tasks if one.branch == branch and not one.state.finished
    ]
    if len(found) == 1:
        return found[0]
    if found:
        raise UsageError(f"{branch} is the branch of {', '.join(found)}; name one of them with --task")
    make = f"orch-gates task new ID TITLE --branch {shlex.quote(branch)}"
    raise UsageError(f"no task has the branch {branch}; make one with `{make}`")


def verdict_of(workspace: Workspace, gate: str, name: str, result: Attempt | Stop) -> Verdict:
    """The answer of a gate after an attempt was driven."""
    if isinstance(result, Stop):
        return Verdict(
            gate,
            result.outcome,
            result.reason,
            evidence={"task": name, "target": workspace.target},
            next_step=result.next_step,
            absent=result.absent,
        )
    found = registry.find(gate)
    assert found is not None
    verdict: Verdict = found.judge(
        merge.MergeFacts(result, result.commit or result.head, workspace.target), found.policy
    )
    if gate == merge.PROOF and result.outcome is None:
        # Driven as far as it goes now, it waits; only where nobody drove it, it is absent.
        return replace(verdict, outcome=Outcome.DEFER, absent=False)
    return verdict


def _last_look(workspace: Workspace, task: Task, commit: str) -> Stop | None:
    """What a person said, or CI found, of a queued pull request while it was being tested (MRG-13, ENG-10).

    Raises:
        StateError, ForgeUnavailable: it could not be told, so nothing is merged.
    """
    if task.enqueued is None:
        return None
    snapshot, label = workspace.store.load(), workspace.settings.queue.label
    freeze = ledger.queue(snapshot, workspace.target)[0].frozen(timestamp(clock.utc_now()))
    if freeze is not None:
        return Stop(Outcome.DEFER, f"nothing is merged now: {freeze.said}", "It continues after the freeze.")
    pull = workspace.need_forge().pulls.get(task.enqueued.pull)
    entry = queue.QueueEntry(task, ledger.page(snapshot, workspace.target, task.id).attempt)
    seen = queue.QueuedPull(pull, has(pull, label) or task.enqueued.label)
    if why := queue.left(queue.QueueLook(workspace.target, label, {}, {}), seen, entry):
        return Stop(Outcome.FAIL, why, "Ask again.", absent=True)
    red = _before(workspace, snapshot, task, commit, NAME, again=True)
    if red is None:
        return None
    definite = red.outcome is Outcome.FAIL and not red.absent
    return Stop(Outcome.FAIL if definite else Outcome.DEFER, f"{red.gate}: {red.reason}", red.next_step)


def _before(
    workspace: Workspace, snapshot: Snapshot, task: Task, head: str, gate: str, *, again: bool = False
) -> Verdict | None:
    """The first verdict of the gates before one on the task's edge that is neither PASS nor SKIP.

    `again`: also what the attempt itself judged before.
    """
    pipeline = workspace.configured.pipeline_of(task)
    stage = pipeline.stage(task.stage)
    assert stage is not None
    if why := spent.blocked(task, head):
        # What sent it back would be found again, at the cost of another run of the test (ENG-9).
        return Verdict(gate, Outcome.FAIL, why, absent=True)
    names = [one.name for one in stage.gates]
    first = stage.gates[: names.index(gate)]
    recorded = edge.merge_of(snapshot, task)
    # Driving brings about what these judge.
    own = not again and _tests_by_statuses(workspace, recorded.attempt, head)
    driven = {NAME, PROOF, *([ci_green.NAME] if own else [])}
    kept = tuple(one for one in first if one.name not in driven)
    stages = (replace(one, gates=kept) if one is stage else one for one in pipeline.stages)
    shortened = replace(pipeline, stages=tuple(stages))
    judged = edge.run_gates(gate_of(workspace), snapshot, task, head, shortened, recorded)
    return next((one for one in judged.verdicts if _stops(one)), None)


def _tests_by_statuses(workspace: Workspace, attempt: Attempt | None, head: str) -> bool:
    """Whether an attempt goes on whose own test are the statuses on this commit."""
    goes_on = attempt is not None and not attempt.over and attempt.commit == head
    return goes_on and not workspace.settings.merge.test


def _stops(verdict: Verdict) -> bool:
    return verdict.outcome not in {Outcome.PASS, Outcome.SKIP}


def as_it_is(workspace: Workspace, gate: str, name: str) -> Verdict:
    """What a gate answers on the attempt as it is recorded; nothing is driven."""
    snapshot = workspace.store.load()
    task = book.need(snapshot, name).task
    found = edge.merge_of(snapshot, task)
    head = found.head(workspace.heads.of, workspace.configured.pipeline_of(task), task)
    declared = registry.find(gate)
    assert declared is not None
    verdict: Verdict = declared.judge(merge.MergeFacts(found.attempt, head, workspace.target), declared.policy)
    return verdict


def follow_branch(workspace: Workspace, attempt: Attempt) -> None:
    """Bring the commit that a branch was caught up to into the clone of a CI job, whose next steps have no token."""
    git, source = workspace.git, code_ref(attempt.branch)
    if not workspace.settings.ci.active or not attempt.commit or git.is_bare() or git.has(attempt.commit):
        return
    spec = f"+{source}:{source.replace('refs/heads/', 'refs/remotes/origin/', 1)}"
    answer = workspace.code.fetch(git.git_dir(), [spec], timeout=workspace.settings.state.timeout)
    if answer.meaning is not FetchOutcome.DONE:
        say(f"orch-gates: {attempt.branch} was updated, but could not be fetched: {answer.reason}\n", to=sys.stderr)


def step_after(workspace: Workspace, attempt: Attempt) -> TaskStep:
    """The step of a task whose attempt was driven; one that came to its end is not waited for any longer."""
    return replace(step_of(workspace), due=attempt.outcome in {Outcome.PASS, Outcome.FAIL, Outcome.HOLD})


def is_attempt(result: Attempt | Stop) -> TypeGuard[Attempt]:
    """Whether there is an attempt, about which the step of the task decides."""
    return not isinstance(result, Stop)
