"""What a tick does besides jobs and gates: leases, attempts to merge, the merge queue, deploys, markers (SWP-1)."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

from orch_gates import clock
from orch_gates.cli.deploy import deploy_context
from orch_gates.cli.merge import merge_context
from orch_gates.cli.merge import waiting as merge_waiting
from orch_gates.cli.merge.merge_context import context_of
from orch_gates.cli.queue import commands as queue
from orch_gates.cli.queue import comments as queue_comments
from orch_gates.cli.queue import turns as queue_turns
from orch_gates.cli.queue.turns import TurnOutcome
from orch_gates.cli.task.advance import step_of
from orch_gates.deploy import environments
from orch_gates.gates.gate import out_of_scope
from orch_gates.gates.merge import NAME, PROOF
from orch_gates.merge import marker_store
from orch_gates.merge.attempt_worker import Stop
from orch_gates.merge.keeper import Keeper
from orch_gates.model.attempt import Attempt, Phase
from orch_gates.model.environment import Environment
from orch_gates.model.markers import Markers
from orch_gates.model.task import Task
from orch_gates.model.verdict import Outcome
from orch_gates.state import codec, layout
from orch_gates.state.kinds import LEASE, MARKERS
from orch_gates.sweep.parts import TickView, Unit
from orch_gates.sweep.unit_result import UnitResult
from orch_gates.tasks import book, edge
from orch_gates.tasks.book import Quarantined
from orch_gates.workspace import Workspace

_ENVIRONMENT, _FILE = "environment ", "environment-file "


def leases(workspace: Workspace, seen: TickView) -> Iterator[Unit]:
    """Take back leases that are over or cannot be read; a live one is left alone (REAP-4)."""
    if not workspace.settings.lease.reclaim_enabled:
        return
    found = book.read(seen.snapshot, layout.LEASES)
    targets = {lease.target for lease in found.leases if lease.holder}
    for file in found.quarantined:
        keys = LEASE.match(file.path)
        targets |= {str(keys["branch"])} if isinstance(keys, Mapping) else set()
    for target in sorted(targets):
        yield Unit(f"the lease on {target}", partial(_reclaim, workspace, target))


def _reclaim(workspace: Workspace, target: str) -> UnitResult:
    kept = Keeper(context_of(_into(workspace, target)), lambda: secrets.token_hex(8)).reclaim()
    return UnitResult(lines=(kept.line,), counts={"reclaimed": 1}) if kept.changed else UnitResult()


def _into(workspace: Workspace, target: str) -> Workspace:
    """The workspace of commands that name this target."""
    if target == workspace.target:
        return workspace
    return replace(workspace, settings=replace(workspace.settings, target=target))


def merges(workspace: Workspace, seen: TickView) -> Iterator[Unit]:
    """Go on with attempts that are open, and begin one for each task that lacks nothing else; no test is run."""
    if workspace.config.queue:
        yield Unit("the merge queue", partial(_queue, workspace))
    if out_of_scope(NAME, workspace.settings) is not None:
        return
    for task in sorted(seen.overview.tasks.values(), key=lambda task: (task.since, task.id)):
        stage = None if task.pipeline else workspace.pipeline.stage(task.stage)
        gates = {gate.name for gate in stage.gates} & {NAME, PROOF} if stage is not None else set()
        if not gates or task.id in seen.stopped or not merge_waiting.may_move(workspace, task):
            continue
        gate = PROOF if PROOF in gates else NAME
        red = seen.verdicts.get(task.id)
        # Its other gates were green in this tick; else it lacks something that no attempt would bring.
        lacks_it = red is not None and red.gate in {NAME, PROOF}
        if out_of_scope(gate, workspace.settings) is None:
            yield Unit(f"{task.id}: {gate}", partial(_merge, workspace, gate, task, seen, begin=lacks_it))


def _merge(workspace: Workspace, gate: str, task: Task, seen: TickView, *, begin: bool) -> UnitResult:
    attempt = edge.merge_of(seen.snapshot, task).attempt
    goes_on = attempt is not None and not attempt.over
    if not goes_on and not (begin and _is_new(workspace, task, attempt)):
        return UnitResult()
    validated = attempt is not None and goes_on and attempt.phase.number >= Phase.VALIDATED.number
    if workspace.settings.merge.test and not validated:
        why = f"not merged: a sweep runs no tests (merge.test); run `orch-gates merge --task {task.id}`"
        return UnitResult(lines=(f"{task.id}: {gate}: {why}",))
    # Every task has a moment of its own, as fetching takes its time.
    now = workspace.at(clock.utc_now())
    driving = merge_context.driving(now)
    result = driving.validate(task.id) if gate == NAME else driving.land(task.id)
    if isinstance(result, Stop):
        # Others work on it, or it lacks something: the next tick looks again.
        waits = result.absent or result.outcome is Outcome.DEFER
        return UnitResult() if waits else UnitResult(problems=(f"{task.id}: {gate}: {result.reason}",))
    if result == attempt:
        return UnitResult()
    line = f"{task.id}: {gate}: {result.phase} {result.outcome or ''}".rstrip()
    if result.outcome is None:
        return UnitResult(lines=(f"{line}: {result.reason}",))
    decided = merge_context.step_after(now, result).take(task.id).decision
    return UnitResult(lines=(f"{line}: {result.reason}", f"{task.id}: {decided.step}"))


def _is_new(workspace: Workspace, task: Task, before: Attempt | None) -> bool:
    """Whether an attempt could come to another end than the last one, which was red for what is still there."""
    if before is None or before.outcome is not Outcome.FAIL:
        return True
    return workspace.heads.of(task.branch) not in {before.head, before.commit}


def _queue(workspace: Workspace) -> UnitResult:
    queueing = queue.queueing_of(workspace)
    queue_turns.require_contexts(workspace)
    ran = queue_turns.run(workspace, queueing, lambda _: None, {})
    comments = queue_comments.comment(workspace, queueing, ran)
    moved = {TurnOutcome.LANDED, TurnOutcome.SENT_BACK, TurnOutcome.PUT_OFF}
    return UnitResult(
        lines=tuple(
            [f"pull request {one.pull}: {one.reason}" for one in ran.done if not one.problem]
            + [
                f"pull request {turn.pull}: {turn.outcome}: {turn.reason}"
                for turn in ran.turns
                if turn.outcome in moved
            ]
        ),
        problems=tuple(
            [f"pull request {one.pull}: {one.reason}" for one in ran.done if one.problem]
            + [f"pull request {one.pull}: {one.reason}" for one in ran.turns if one.outcome is TurnOutcome.PROBLEM]
            + list(comments)
        ),
        alerts={
            f"queue {turn.pull}": f"pull request {turn.pull} holds the queue: {turn.reason}"
            for turn in ran.turns
            if turn.outcome is TurnOutcome.HELD
        },
        looked=("queue ",),
    )


def deploys(workspace: Workspace, seen: TickView) -> Iterator[Unit]:
    """Record the end of deploys that were lost, and say where nobody knows what runs; a live one is left alone."""
    if not workspace.settings.sweep.reaper_enabled:
        return
    found = environments.read(seen.snapshot)
    yield Unit("the files of environments", partial(_set_apart, found.quarantined))
    for page in found.pages:
        yield Unit(f"the environment {page.environment.name}", partial(_environment, workspace, page.environment, seen))


def _set_apart(files: Sequence[Quarantined]) -> UnitResult:
    alerts = {f"{_FILE}{file.path}": f"{file.why}; no deploy there until this file is fixed" for file in files}
    return UnitResult(alerts=alerts, looked=(_FILE,))


def _environment(workspace: Workspace, environment: Environment, seen: TickView) -> UnitResult:
    name, lines = environment.name, []
    if environment.running is not None:
        now = replace(workspace.at(clock.utc_now()), now=seen.now)
        lost = deploy_context.recorder_of(now).lost(name, deploy_context.look_of(now), seen.now)
        if lost is not None:
            environment, task = lost.environment, lost.running.task
            lines.append(f"{task}: {name}: {lost.conclusion.end}: {lost.conclusion.reason}")
            if task in seen.overview.tasks and task not in seen.stopped:
                decided = step_of(now).take(task).decision
                lines.append(f"{task}: {decided.step}: {decided.reason}")
    message = (
        f"cannot tell what {name} runs: {environment.unknown}; check it there, then run "
        f"`orch-gates env settle {name} --runs DEPLOY|REVISION --reason TEXT`"
    )
    alerts = {f"{_ENVIRONMENT}{name}: unknown": message} if environment.unsettled is not None else {}
    return UnitResult(lines=tuple(lines), alerts=alerts, looked=(f"{_ENVIRONMENT}{name}: ",))


def markers(workspace: Workspace, seen: TickView) -> Iterator[Unit]:
    """Look for what has to stay in each target, as a revert may come at any time (MRG-10)."""
    if not workspace.settings.merge.regression_guard:
        return
    for entry in seen.snapshot.files("markers"):
        keys = MARKERS.path.match(entry.path)
        if isinstance(keys, Mapping):
            found = codec.decode(MARKERS, entry.path, seen.snapshot.read(entry))[0]
            yield Unit(f"the markers of {found.target}", partial(_markers, workspace, found))


def _markers(workspace: Workspace, wanted: Markers) -> UnitResult:
    if not wanted.markers:
        return UnitResult(looked=(f"marker {wanted.target} ",))
    timeout = workspace.settings.state.timeout
    found = marker_store.looked_for(workspace.git, workspace.code, wanted.target, wanted, timeout)
    alerts = {
        f"marker {wanted.target} {one.path} {one.pattern}": f"{wanted.target} has lost {one.pattern!r} in {one.path} "
        f"({one.reason}): put it back, or drop it with `orch-gates marker remove PATH PATTERN --reason TEXT`"
        for one in found.missing
    }
    # A git error says nothing about a marker that was gone before (P2).
    warned = tuple(f"warning: could not check a marker of {wanted.target}: {one}" for one in found.unknown)
    return UnitResult(lines=warned, alerts=alerts, looked=() if found.unknown else (f"marker {wanted.target} ",))
