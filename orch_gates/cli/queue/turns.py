"""One run of the merge queue: what was asked for is recorded, then one after the other gets its turn (MRG-13)."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from orch_gates import clock
from orch_gates.cli.gate.security import SecurityRun
from orch_gates.cli.merge import merge_context
from orch_gates.cli.queue import comments
from orch_gates.cli.task.advance import step_of
from orch_gates.engine import spent
from orch_gates.engine.decision import Decision, Move
from orch_gates.errors import ForgeUnavailable, GitError, OrchError, SettingsError
from orch_gates.gates.security.allowlist_file import key_file
from orch_gates.gates.security.judge import judged_nothing
from orch_gates.git.answers import FetchOutcome
from orch_gates.git.scratch import scratch
from orch_gates.merge import ledger
from orch_gates.merge.queue import plan as queue
from orch_gates.merge.queue.plan import LabelEvent, QueueEntry, passed_over, red_by_test
from orch_gates.merge.queue.update import PullResult, Queueing, entries
from orch_gates.merge.statuses import red_target
from orch_gates.model.branch import code_ref
from orch_gates.model.ids import timestamp
from orch_gates.model.task import Task
from orch_gates.model.verdict import Outcome, Verdict
from orch_gates.state.snapshot import Snapshot
from orch_gates.tasks import book, edge, record
from orch_gates.workspace import Workspace

CONTEXTS_NEEDED = (
    "the queue does not know which statuses make a pull request green; list those that CI posts in .orch-gates.yaml: "
    '`ci_green: {contexts: ["NAME"]}` (ORCH_CI_GREEN_CONTEXTS). `orch-gates gate ci-green` shows their names. '
    "Without CI, set `ci_green: {enabled: false}` and merge.test"
)
# A run that takes longer than a scheduler waits is no run; the next one goes on.
_MOST_TURNS = 1000


class TurnOutcome(StrEnum):
    """What came of one turn; `waits` lacks something that is nobody's to bring here, `works` holds the lease."""

    LANDED = "landed"
    SENT_BACK = "sent back"
    PUT_OFF = "put off"
    HELD = "held"
    WORKS = "works"
    WAITS = "waits"
    BUSY = "busy"
    PROBLEM = "problem"

    @property
    def ends_the_run(self) -> bool:
        """Whether nobody behind it may be merged now: one attempt at a time works on a target."""
        return self in {TurnOutcome.HELD, TurnOutcome.WORKS, TurnOutcome.BUSY}


@dataclass(frozen=True, slots=True)
class Turn:
    """What came of the turn of one pull request."""

    pull: int
    task: str
    outcome: TurnOutcome
    reason: str
    stop: bool = False


@dataclass(frozen=True, slots=True)
class QueueTurns:
    """One run: what was recorded, the turns in their order, and why nothing is merged, where that is so."""

    done: tuple[PullResult, ...]
    turns: tuple[Turn, ...]
    frozen: str = ""

    @property
    def exit_code(self) -> int:
        """2 where a person is needed or something could not be told, 75 where somebody else has the lease (GATE-2)."""
        outcomes = {turn.outcome for turn in self.turns}
        if outcomes & {TurnOutcome.HELD, TurnOutcome.PROBLEM} or any(one.problem for one in self.done):
            return Outcome.HOLD.exit_code
        return Outcome.DEFER.exit_code if TurnOutcome.BUSY in outcomes else Outcome.PASS.exit_code


def require_contexts(workspace: Workspace) -> None:
    """See that the statuses that count are named: the queue's own job would be one that is pending (MRG-13).

    Raises:
        SettingsError: they are not.
    """
    settings = workspace.settings
    without_ci = settings.scope("ci-green").excludes(settings.ci.repository)
    if settings.ci_green.contexts or (without_ci and settings.merge.test):
        return
    raise SettingsError(CONTEXTS_NEEDED)


def run(
    workspace: Workspace,
    queueing: Queueing,
    tell: Callable[[str], None],
    label_events: Mapping[int, LabelEvent],
    repair: int = 0,
) -> QueueTurns:
    """Look, record what follows, and give turns until one works, or none is left; `label_events` as in `Queueing.look`.

    `repair` is the pull request that a red target does not keep from its turn.

    Raises:
        OrchError: nothing could be looked at.
    """
    actions = queue.plan(queueing.look(label_events))
    # Once the label is off nothing is left that a later run could answer; what cannot be said is said again below.
    comments.put(workspace, queueing, {one.number: one.reason for one in actions if isinstance(one, queue.Refuse)})
    done = queueing.settle(actions)
    turns = tuple(_turns(workspace, queueing, tell, repair))
    try:
        return QueueTurns(done, turns, why_frozen(workspace, queueing).reason)
    except OrchError as error:
        # What was done is told all the same.
        return QueueTurns(done, turns, f"could not check whether the target branch passes: {error}")


@dataclass(frozen=True, slots=True)
class Frozen:
    """Why nothing is merged from the queue now, empty where it goes on; `red`: its target is, and nobody froze it."""

    reason: str = ""
    red: bool = False


def why_frozen(workspace: Workspace, queueing: Queueing) -> Frozen:
    """Whether a person froze the queue, or its target is red (MRG-6).

    Raises:
        ForgeUnavailable, GitError, StateError: it could not be told.
    """
    context = queueing.context
    snapshot = context.store.load()
    freeze = ledger.queue(snapshot, context.target)[0].frozen(timestamp(context.now()))
    if freeze is not None:
        return Frozen(freeze.said)
    tip = workspace.heads.of(context.target)
    queued = (entry for _, entry in entries(snapshot, context.target) if entry.queued)
    if (found := red_by_test(((one.task, one.attempt) for one in queued), tip, workspace.now)) != "":
        return Frozen(f"{context.target} fails its test at {tip[:10]}; {found}", red=True)
    if workspace.settings.scope("ci-green").excludes(workspace.settings.ci.repository):
        return Frozen()
    return Frozen(red_target(context, tip), red=True)


def _turns(workspace: Workspace, queueing: Queueing, tell: Callable[[str], None], repair: int) -> Iterator[Turn]:
    """A turn for each that is queued, in order; whoever landed or left makes room for the next."""
    had: set[str] = set()
    for _ in range(_MOST_TURNS):
        snapshot = queueing.context.store.load()
        task = _next(snapshot, queueing.context.target, had)
        if task is None:
            return
        had.add(task.id)
        tell(f"{task.id}: {task.title}")
        # A test may take its time, so each has a moment of its own.
        turn = _turn(workspace.at(clock.utc_now()), queueing, snapshot, task, repair)
        yield turn
        if turn.outcome.ends_the_run or turn.stop:
            return


def _next(snapshot: Snapshot, target: str, had: set[str]) -> Task | None:
    holder = ledger.page(snapshot, target, "").lease.holder
    return queue.next_turn(book.read(snapshot).tasks, target, holder, had)


def _turn(workspace: Workspace, queueing: Queueing, snapshot: Snapshot, task: Task, repair: int) -> Turn:
    assert task.enqueued is not None
    try:
        # A person may freeze it, and the target turn red, while another one is tested.
        frozen = why_frozen(workspace, queueing)
        repairs = frozen.red and task.enqueued.pull == repair
        outcome, reason = _taken(workspace, queueing, snapshot, task, "" if repairs else frozen.reason)
    except (ForgeUnavailable, GitError) as error:
        # Whoever is asked next would be asked in vain.
        return Turn(task.enqueued.pull, task.id, TurnOutcome.PROBLEM, str(error), stop=True)
    except OrchError as error:
        return Turn(task.enqueued.pull, task.id, TurnOutcome.PROBLEM, str(error))
    return Turn(task.enqueued.pull, task.id, outcome, reason)


def _taken(
    workspace: Workspace, queueing: Queueing, snapshot: Snapshot, task: Task, frozen: str
) -> tuple[TurnOutcome, str]:
    page = ledger.page(snapshot, queueing.context.target, task.id)
    attempt = page.attempt
    if why := passed_over(QueueEntry(task, attempt), frozen, workspace.now):
        return TurnOutcome.WAITS, why
    if attempt is not None and not attempt.over and page.lease.attempt == attempt.id:
        # It judges its commit itself, and also whether the target is red without it (ENG-7).
        return _driven(workspace, queueing, task)
    step, verdict = _judged(workspace, task)
    if verdict is not None and verdict.outcome is Outcome.SKIP and task.enqueued is not None:
        # It adds nothing, so nothing can be judged, nor merged.
        why = f"pull request {task.enqueued.pull} adds nothing to {task.enqueued.target}"
        queueing.take_out(task.enqueued.pull, task.id, why, unlabel=True)
        return TurnOutcome.SENT_BACK, why
    if verdict is None or verdict.gate not in _DRIVEN:
        return _stepped(workspace, queueing, task, step)
    return _driven(workspace, queueing, task)


_DRIVEN = frozenset({"merge", "merge-proof"})


def _judged(workspace: Workspace, task: Task) -> tuple[Decision, Verdict | None]:
    """What the gates lead to now, and the verdict that stopped them; a missing scan is made (SEC-1)."""
    for again in (False, True):
        applied = step_of(workspace).would(task.id)
        if again or not any(_to_be_scanned(task, verdict) for verdict in applied.verdicts):
            stopped = (one for one in applied.verdicts if one.outcome not in {Outcome.PASS, Outcome.SKIP})
            return applied.decision, next(stopped, None)
        if (empty := _scan(workspace, task)) is not None:
            return applied.decision, empty
    raise AssertionError("the second time answers")


def _to_be_scanned(task: Task, verdict: Verdict) -> bool:
    """Whether there is no scan of this commit, or only one from before the task was sent back."""
    return verdict.gate == "security" and (verdict.absent or spent.doubt(task, verdict, task.head) != "")


def _scan(workspace: Workspace, task: Task) -> Verdict | None:
    """Judge what the branch adds for secrets, as the server has it now, and record the report.

    Answers the verdict where it adds nothing, of which there is no report.

    Raises:
        GitError: the commits could not be fetched.
        StateError: it could not be recorded.
    """
    settings, target = workspace.settings, workspace.target
    head = edge.merge_of(workspace.store.load(), task).head(
        workspace.heads.of, workspace.configured.pipeline_of(task), task
    )
    with scratch(workspace.git) as bench, tempfile.TemporaryDirectory(prefix="orch-gates-") as folder:
        specs = [f"+refs/heads/{target}:refs/heads/{target}", f"+{code_ref(task.branch)}:refs/heads/orch-gates/branch"]
        answer = workspace.code.fetch(bench.directory, specs, timeout=settings.state.timeout)
        if answer.meaning is not FetchOutcome.DONE:
            raise GitError(f"{target} and {task.branch} could not be fetched: {answer.reason}")
        key = {"ORCH_ALLOW_KEY_FILE": str(found)} if (found := key_file(workspace.git)).exists() else {}
        settings = replace(settings, inherited_env={**key, **settings.inherited_env})
        report = Path(os.path.realpath(folder), "17-security-report.md")
        base = bench.resolve(f"refs/heads/{target}")
        verdict, _ = SecurityRun(settings, bench.directory, base, head, strict=False).judged(report, workspace.now)
        if judged_nothing(verdict):
            return verdict
        record.from_file(workspace.store, task.id, report, workspace.configured, now=workspace.now)
        return None


def _stepped(workspace: Workspace, queueing: Queueing, task: Task, would: Decision) -> tuple[TurnOutcome, str]:
    """Record what the gates lead to."""
    if would.task.id == task.id and would.task == task:
        return TurnOutcome.WAITS, would.reason
    return _outcome_of(queueing, step_of(workspace).take(task.id).decision)


def _driven(workspace: Workspace, queueing: Queueing, task: Task) -> tuple[TurnOutcome, str]:
    """Drive the merge as far as it goes now, and let the task take the step that follows."""
    result = merge_context.driving(workspace).land(task.id)
    if merge_context.is_attempt(result):
        if result.outcome is None:
            return TurnOutcome.WORKS, result.reason
        if result.absent and task.enqueued is not None:
            queueing.take_out(task.enqueued.pull, task.id, result.reason, unlabel=True)
            return TurnOutcome.SENT_BACK, result.reason
        return _outcome_of(queueing, merge_context.step_after(workspace, result).take(task.id).decision)
    match result.outcome:
        case Outcome.DEFER:
            return _who_works(queueing, task), result.reason
        case Outcome.FAIL if result.absent:
            return TurnOutcome.WAITS, result.reason
        case Outcome.FAIL:
            return _stepped(workspace, queueing, task, _judged(workspace, task)[0])
        case Outcome.HOLD:
            return TurnOutcome.HELD, result.reason
        case _:
            return TurnOutcome.PROBLEM, result.reason


def _who_works(queueing: Queueing, task: Task) -> TurnOutcome:
    """Whether the task itself has the lease and waits, another process works, or a person has to see to a holder."""
    lease = ledger.page(queueing.context.store.load(), queueing.context.target, "").lease
    if lease.holder == task.id and lease.claim is None:
        return TurnOutcome.WORKS
    return TurnOutcome.HELD if lease.held else TurnOutcome.BUSY


def _outcome_of(queueing: Queueing, decision: Decision) -> tuple[TurnOutcome, str]:
    match decision.move:
        case Move.ADVANCE:
            return TurnOutcome.LANDED, decision.reason
        case Move.ROLLBACK:
            queueing.unlabel_refused(decision.task)
            return TurnOutcome.SENT_BACK, decision.reason
        case Move.DEFER:
            return TurnOutcome.PUT_OFF, decision.reason
        case Move.HOLD | Move.ESCALATE:
            return TurnOutcome.HELD, decision.reason
        case _:
            return TurnOutcome.WAITS, decision.reason
