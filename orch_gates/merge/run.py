"""Driving a task's merge from wherever it stands: to a validated commit, or on to one that landed (MRG-12, MRG-14)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

from orch_gates.engine.stages import Pipeline
from orch_gates.errors import ConfigError, GitError, LeaseLost, ProcessError
from orch_gates.gates.merge import NAME, PROOF
from orch_gates.merge import landing, ledger, retest, statuses, steps
from orch_gates.merge.attempt_worker import AttemptWorker, Stop
from orch_gates.merge.context import BranchTips, MergeContext
from orch_gates.merge.keeper import Keeper
from orch_gates.merge.ledger import LeasePage
from orch_gates.merge.queue.plan import QueueEntry, ours
from orch_gates.merge.validate import validate
from orch_gates.model.attempt import Attempt, Phase
from orch_gates.model.ids import moment
from orch_gates.model.task import Task, TaskState
from orch_gates.model.verdict import Outcome, Verdict
from orch_gates.state.snapshot import Snapshot
from orch_gates.tasks import book, edge

# How often the branch or its target may move under an attempt before the task is put off.
MAX_ROUNDS = 3
# So often may a runner die, or be killed by what it tests, before the attempt ends.
_MOST_CLAIMS = 10

# The first verdict of the gates before the one named that is neither PASS nor SKIP; None where all are.
Before: TypeAlias = Callable[[Snapshot, Task, str, str], Verdict | None]
# What speaks against merging a task's commit now, looked at as the last thing before the forge is asked.
LastLook: TypeAlias = Callable[[Task, str], "Stop | None"]


def _nothing(_task: Task, _commit: str) -> None:
    return None


@dataclass(frozen=True, slots=True)
class Driving:
    """One call: `before` judges the gates that come first, `nonce` gives attempts their ids.

    `last` is asked once more where a person may take back what was asked for (MRG-13).
    """

    context: MergeContext
    before: Before
    nonce: Callable[[], str]
    last: LastLook = _nothing

    def validate(self, name: str) -> Attempt | Stop:
        """Drive the attempt to merge a task until it is validated, waits, or ended.

        Raises:
            UsageError: there is no such task.
            OrchError: something could not be told; whoever comes next goes on from there.
        """
        return self._driven(name, NAME)

    def land(self, name: str) -> Attempt | Stop:
        """As `validate`, and on until it landed, as git proves.

        Raises:
            UsageError, OrchError: as `validate`.
        """
        return self._driven(name, PROOF)

    def _driven(self, name: str, gate: str) -> Attempt | Stop:
        context = self.context
        context.configured.agree(context.store)
        result: Attempt | Stop | None = None
        for _ in range(MAX_ROUNDS):
            snapshot = context.store.load()
            task = book.need(snapshot, name).task
            page = ledger.page(snapshot, context.target, task.id)
            if page.attempt is not None and _stays(page, task):
                return page.attempt
            if (stop := self._not_now(task, page.attempt, gate)) is not None:
                return stop
            where = context.where(task.branch)
            if (known := self._as_it_is(page, where, gate)) is not None:
                return known
            if (stop := self._refused(snapshot, task, page, where, gate)) is not None:
                return stop
            try:
                result = self._once(task, snapshot, page, where, gate)
            except LeaseLost as error:
                return Stop(Outcome.DEFER, str(error), "Run the merge again.")
            if isinstance(result, Stop) and result.overdue and Keeper(context, self.nonce).reclaim().changed:
                continue
            if isinstance(result, Stop) or not result.moved:
                return result
        assert result is not None
        return result

    def _not_now(self, task: Task, attempt: Attempt | None, gate: str) -> Stop | None:
        if task.state.finished:
            return Stop(Outcome.FAIL, f"{task.id} is {task.state}", absent=True)
        if task.branch in self.context.remote.never:
            why = f"the branch of {task.id} is {task.branch}, which is never pushed to"
            return Stop(Outcome.FAIL, why, "Merge from a branch of its own.", absent=True)
        if attempt is not None and not attempt.over and attempt.target != self.context.target:
            why = f"a merge of {task.id} into {attempt.target} is already in progress"
            step = f"Finish it, or end it: `orch-gates lease release --target {attempt.target} --reason TEXT`."
            return Stop(Outcome.DEFER, why, step)
        if task.state.waits_for_a_person:
            step = "resume" if task.state is TaskState.HELD else "retry"
            return Stop(
                Outcome.HOLD, f"{task.id} is {task.state}: {task.reason}", f"`orch-gates task {step} {task.id}`"
            )
        if not _on_edge(pipeline := self.context.configured.pipeline_of(task), task, gate):
            wanted = [s.name for s in pipeline.stages if any(g.name == gate for g in s.gates)]
            where = f"the gate {gate} belongs to stage {', '.join(wanted) or 'no stage'}"
            return Stop(Outcome.FAIL, f"{task.id} is in stage {task.stage}, but {where}", absent=True)
        if self._would_test(attempt):
            step = f"Run `orch-gates {'gate merge' if gate == NAME else 'merge'} --task {task.id}`."
            return Stop(Outcome.FAIL, "this command does not run the test command (merge.test)", step, absent=True)
        return None

    def _would_test(self, attempt: Attempt | None) -> bool:
        """Whether going on may run the test command where that is not to be run."""
        if self.context.tests or not self.context.settings.merge.test:
            return False
        return attempt is None or attempt.over or attempt.phase.number < Phase.VALIDATED.number

    def _as_it_is(self, page: LeasePage, where: BranchTips, gate: str) -> Attempt | None:
        """An attempt for which nothing can be done now: it is written nowhere that it was looked at."""
        attempt, context = page.attempt, self.context
        if attempt is None or attempt.over or page.lease.attempt != attempt.id:
            return None
        if (where.head, where.target) != (attempt.commit, attempt.base) or page.lease.claim is not None:
            return None
        if gate == NAME and attempt.phase.number >= Phase.VALIDATED.number:
            return attempt
        waits = attempt.phase is Phase.TESTING and not context.settings.merge.test
        # One whose CI never answers would be found waiting for ever.
        waits = waits and not self._too_long(page, context.now())
        return attempt if waits and statuses.still_absent(context, attempt.commit) else None

    def _refused(self, snapshot: Snapshot, task: Task, page: LeasePage, where: BranchTips, gate: str) -> Stop | None:
        """Why no attempt begins: nothing is there to be merged, or a gate before is not green."""
        attempt = page.attempt if page.attempt is not None and not page.attempt.over else None
        # What may have landed is looked for before anything else; a branch may be gone because it was merged.
        # An attempt whose branch is gone is ended, so that it does not keep the lease from others.
        if attempt is not None and (attempt.phase.number >= Phase.MERGING.number or not where.head):
            return None
        if not where.head:
            return Stop(Outcome.FAIL, f"branch {task.branch} does not exist on the server", "Push it.", absent=True)
        if task.enqueued is not None and not ours(where.head, QueueEntry(task, page.attempt)):
            why = f"{task.branch} is at {where.head[:10]}, but the merge of {task.enqueued.head[:10]} was requested"
            return Stop(Outcome.FAIL, why, "Queue the new commit again.", absent=True)
        if not where.target:
            why = f"branch {self.context.target} does not exist on the server"
            return Stop(Outcome.FAIL, why, "Push it.", absent=True)
        red = self.before(snapshot, task, where.head, gate)
        if red is None:
            return None
        # What ours caught up has to be judged anew by others, and is waited for (ENG-12).
        waits = red.absent and attempt is not None and attempt.commit == where.head
        return Stop(
            Outcome.DEFER if waits else red.outcome, f"{red.gate}: {red.reason}", red.next_step, absent=not waits
        )

    def _stale(self, worker: AttemptWorker, attempt: Attempt, page: LeasePage, where: BranchTips) -> str:
        """Why an attempt that this process took on has to end, to be begun anew; empty where it goes on."""
        assert worker.proof is not None
        if attempt.generation != worker.proof.generation:
            return f"the attempt lost its lease: {attempt.reason}"
        if attempt.phase.number >= Phase.MERGING.number:
            return ""
        pushed = attempt.phase.number > Phase.CAUGHT_UP.number
        if not attempt.about(where.head) or (pushed and where.head != attempt.commit):
            return f"{attempt.branch} {f'is at {where.head[:10]} now' if where.head else 'is not there any more'}"
        if worker.proof.claim > _MOST_CLAIMS:
            return f"{_MOST_CLAIMS} runners took over the attempt, and none finished it"
        if page.lease.attempt == attempt.id and self._too_long(page, worker.now()):
            return f"the attempt has held the lease since {page.lease.granted}, longer than lease.max_hold_s allows"
        return ""

    def _too_long(self, page: LeasePage, now: datetime) -> bool:
        most = timedelta(seconds=self.context.settings.lease.max_hold)
        return page.lease.granted is not None and now > moment(page.lease.granted) + most

    def _once(self, task: Task, snapshot: Snapshot, page: LeasePage, where: BranchTips, gate: str) -> Attempt | Stop:
        # A setting that cannot be used stops it before anything is taken.
        command = retest.command(self.context.settings.merge, self.context.settings.inherited_env)
        if gate == PROOF or command is None:
            self.context.need_forge()
        self.context.git.refuse_shallow()
        if gate == PROOF:
            landing.see_fence(self.context)
        worker = AttemptWorker(self.context, task, snapshot, self.nonce)
        attempt = worker.acquire(where.head or (page.attempt.head if page.attempt is not None else ""))
        if isinstance(attempt, Stop):
            return attempt
        try:
            return self._worked_on(worker, attempt, page, where, gate)
        except (GitError, ProcessError, ConfigError) as error:
            # Told apart from a lost lease and from a state that cannot be written: nobody could go on from here.
            return worker.gave_up(str(error))

    def _worked_on(
        self, worker: AttemptWorker, attempt: Attempt, page: LeasePage, where: BranchTips, gate: str
    ) -> Attempt | Stop:
        moved = (where.head, where.target) != (attempt.commit, attempt.base)
        # Somebody else may have merged exactly this.
        if attempt.phase is Phase.VALIDATED and moved and (done := landing.by_others(worker, attempt)) is not None:
            return done
        if why := self._stale(worker, attempt, page, where):
            return landing.settle(worker, attempt, why)
        if attempt.phase is Phase.VALIDATED and where.target != attempt.base:
            return worker.moved(attempt, where.target)
        attempt = validate(worker, attempt, stay=gate == PROOF)
        if gate != PROOF or attempt.over or attempt.phase.number < Phase.VALIDATED.number:
            return attempt
        if attempt.phase is Phase.VALIDATED and (stop := self._judged_anew(worker, attempt, where)) is not None:
            return stop
        if attempt.phase is Phase.VALIDATED and (stop := self.last(worker.task, attempt.commit)) is not None:
            return _not_landed(worker, stop)
        return landing.land(worker, attempt)

    def _judged_anew(self, worker: AttemptWorker, attempt: Attempt, where: BranchTips) -> Stop | None:
        """Why a commit that ours caught up is not merged yet: staging, image and deploy are made anew (ENG-12)."""
        if attempt.commit == where.head:
            return None
        snapshot = self.context.store.load()
        red = self.before(snapshot, worker.task, attempt.commit, PROOF)
        if red is None:
            return None
        reason = f"{red.gate}: {red.reason}"
        worker.wait(f"validated, and waits: {reason}", lambda one: one)
        return Stop(Outcome.DEFER, reason, red.next_step)


def _not_landed(worker: AttemptWorker, stop: Stop) -> Attempt | Stop:
    """What a last look leads to: what is red, or was taken back, ends the attempt; what passes is waited for."""
    if stop.outcome is Outcome.FAIL and not stop.absent:
        return worker.end(Outcome.FAIL, stop.reason, stop.next_step)
    if stop.absent:
        worker.end(Outcome.DEFER, stop.reason, stop.next_step)
        return stop
    worker.wait(f"validated, and waits: {stop.reason}", lambda one: one)
    return stop


def _stays(page: LeasePage, task: Task) -> bool:
    """Whether nothing is to be driven: it landed, or it is held and its task does not know yet (ENG-6)."""
    attempt = page.attempt
    assert attempt is not None
    if attempt.over:
        return edge.Merge(attempt).landed(task) != ""
    holds = attempt.outcome is Outcome.HOLD and page.lease.attempt == attempt.id
    return holds and attempt.held_as == steps.found_as(task)


def _on_edge(pipeline: Pipeline, task: Task, gate: str) -> bool:
    stage = pipeline.stage(task.stage)
    return stage is not None and any(edge.name == gate for edge in stage.gates)
