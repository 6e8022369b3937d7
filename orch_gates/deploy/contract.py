"""A deploy, from the commit that takes the environment to the commit that records what it came to (DEP-1)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from orch_gates.deploy import deploy_report, environments
from orch_gates.deploy.deploy_end import DeployOutput, DeployRecorder, Look, RecordedDeploy
from orch_gates.deploy.environments import EnvironmentPage
from orch_gates.engine import deploys
from orch_gates.engine.deploys import Already, Busy, Conclusion, Refused
from orch_gates.errors import JobWaits, UsageError
from orch_gates.model.attempt import Phase
from orch_gates.model.environment import Deployed, Environment, Running
from orch_gates.model.feedback import one_line
from orch_gates.model.ids import OID, TaskId, moment, timestamp
from orch_gates.model.job import CiRun, Process
from orch_gates.model.task import Task, TaskState
from orch_gates.model.verdict import Outcome
from orch_gates.state.snapshot import Snapshot
from orch_gates.state.store import Change, Store
from orch_gates.tasks import book as tasks
from orch_gates.tasks import edge
from orch_gates.tasks.configured import Configured
from orch_gates.tasks.edge import HeadOf

# For recording the end, where the state branch is slow to be reached.
RECORDS_WITHIN = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class DeployRequest:
    """What is to be deployed where; without a `digest` the recorded image report names the image."""

    task: str
    environment: str
    digest: str = ""
    alert_only: str = ""


@dataclass(frozen=True, slots=True)
class Began:
    """A deploy as it runs; `generation` is the environment's fencing token."""

    environment: str
    running: Running
    generation: int


@dataclass(frozen=True, slots=True)
class Stopped:
    """Nothing is run: PASS where just this runs there already, DEFER where another deploy is under way, else HOLD.

    `lost` is the deploy of which nobody knows what it came to, where that is why.
    """

    outcome: Outcome
    reason: str
    deployed: Deployed | None = None
    lost: Running | None = None


# What else is written by the commit that begins a rollback, so that it is begun once; or why it must not begin.
Claim = Callable[[Snapshot, Running], Mapping[str, str] | Refused]


@dataclass(frozen=True, slots=True)
class Deploys:
    """Begins and ends deploys for one process; `nonce` makes their ids, `runner` names it for people.

    `look` sees whether the deploy that has the environment lives. `timeout` is the time that the command has. Where the
    configuration has environments, a deploy goes to one of the `declared`, or to where one went before.
    """

    store: Store
    configured: Configured
    recorder: DeployRecorder
    look: Look
    head_of: HeadOf
    by: str
    runner: str
    process: Process
    ci: CiRun | None
    nonce: Callable[[], str]
    timeout: timedelta
    declared: Collection[str] = ()

    def begin(self, wanted: DeployRequest, now: datetime) -> Began | Stopped:
        """Take the environment, unless it is taken, or nobody knows what it runs.

        Raises:
            UsageError: there is no such task, or it is not to be deployed now.
            JobWaits: it is put off.
            StateError, GitError: it could not be told, or not be recorded.
        """
        self.configured.agree(self.store)
        self.recorder.lost(wanted.environment, self.look, now)
        branch = tasks.need(self.store.load(), wanted.task).task.branch
        head, deploy = self.head_of(branch), self.nonce()
        found: Began | Stopped | None = None

        def look_again() -> None:
            nonlocal head
            head = self.head_of(branch)

        def decision(snapshot: Snapshot) -> Change | None:
            nonlocal found
            self.configured.check(tasks.root_of(snapshot))
            task = tasks.need(snapshot, wanted.task).task
            if task.branch != branch:
                raise UsageError(f"the branch of {task.id} has changed; run the command again")
            revision = self._revision(snapshot, task, head)
            digest = deploy_report.digest_of(snapshot, task, revision, wanted.digest)
            running = self._running(deploy, task.id, revision, digest, now, alert_only=wanted.alert_only)
            page = environments.page(snapshot, wanted.environment)
            after = deploys.taken(page.environment, running)
            if not isinstance(after, Already):
                self._require(task, now)
                if self.declared:
                    environments.require(snapshot, wanted.environment, self.declared)
            elif wanted.alert_only and not after.deployed.alert_only:
                raise UsageError(
                    f"{wanted.environment} already runs {after.deployed.revision[:10]} of {after.deployed.task}, but "
                    "that deploy may be rolled back automatically; while it is watched, "
                    f"`orch-gates watch stop {task.id} --reason TEXT` prevents this"
                )
            found, change = _begun(page, after, running, now)
            return change

        self.store.transact(decision, look_again, others_wait=True)
        assert found is not None
        return found

    def begin_rollback(self, name: str, deploy: str, now: datetime, claim: Claim) -> Began | Stopped:
        """Take the environment to bring back its last verified deploy in the place of `deploy`.

        Raises:
            StateError: it could not be told, or not be recorded.
        """
        self.recorder.lost(name, self.look, now)
        nonce = self.nonce()
        found: Began | Stopped | None = None

        def decision(snapshot: Snapshot) -> Change | None:
            nonlocal found
            page = environments.page(snapshot, name)
            if page.environment.running is not None:
                found = _busy(name, page.environment.running)
                return None
            target = deploys.rollback_target(page.environment, deploy)
            if isinstance(target, Refused):
                found = Stopped(Outcome.HOLD, target.reason)
                return None
            runs = page.environment.current
            assert runs is not None
            task = target.task or runs.task
            running = self._running(nonce, task, target.revision, target.digest, now, rollback_of=deploy)
            claimed = claim(snapshot, running)
            if isinstance(claimed, Refused):
                found = Stopped(Outcome.HOLD, claimed.reason)
                return None
            found, change = _begun(page, deploys.taken(page.environment, running), running, now, claimed)
            return change

        self.store.transact(decision, others_wait=True)
        assert found is not None
        return found

    def end(self, began: Began, conclusion: Conclusion, kept: DeployOutput) -> RecordedDeploy:
        """Record what it came to.

        Raises:
            StateError: it could not be recorded.
        """
        return self.recorder.record(began.environment, began.running, conclusion, kept)

    def _running(
        self,
        deploy: str,
        task: str,
        revision: str,
        digest: str,
        now: datetime,
        *,
        rollback_of: str = "",
        alert_only: str = "",
    ) -> Running:
        return Running(
            deploy=deploy,
            task=TaskId(task),
            revision=revision,
            digest=digest,
            rollback_of=rollback_of,
            alert_only=one_line(alert_only),
            by=one_line(self.by),
            runner=one_line(self.runner),
            process=self.process,
            run=self.ci,
            began=timestamp(now),
            until=timestamp(now + self.timeout + RECORDS_WITHIN),
        )

    def _revision(self, snapshot: Snapshot, task: Task, head: str) -> str:
        """The commit to deploy: what landed, or what the attempt to merge validated, else the branch's head."""
        merge = edge.merge_of(snapshot, task)
        revision = merge.head(lambda _: head, self.configured.pipeline_of(task), task)
        if not OID.fullmatch(revision):
            raise UsageError(f"there is no branch {task.branch}, so there is nothing to deploy; push it first")
        attempt = merge.attempt
        if attempt is not None and not attempt.over:
            if attempt.phase.number < Phase.VALIDATED.number:
                raise UsageError(f"the merge of {task.id} is {attempt.phase}, not validated yet: {attempt.reason}")
            if attempt.commit != revision:
                raise UsageError(
                    f"{task.branch} is at {revision[:10]}, but {attempt.commit[:10]} was validated for the merge; "
                    f"validate again: `orch-gates gate merge --task {task.id}`"
                )
        return revision

    def _require(self, task: Task, now: datetime) -> None:
        stage = self.configured.pipeline_of(task).stage(task.stage)
        if task.state.finished:
            raise UsageError(f"{task.id} is {task.state}; nothing is left to deploy for it")
        if task.state.waits_for_a_person:
            go_on = "resume" if task.state is TaskState.HELD else "retry"
            raise UsageError(
                f"{task.id} is {task.state}: {task.reason}; to continue, run `orch-gates task {go_on} {task.id}`"
            )
        if stage is None or deploy_report.STATUS not in {gate.name for gate in stage.gates}:
            raise UsageError(
                f"{task.id} is in stage {task.stage}, which has no gate {deploy_report.STATUS}, so it "
                "cannot be deployed now"
            )
        if task.available_at is not None and now < moment(task.available_at):
            raise JobWaits(f"{task.id} is deferred until {task.available_at}: {task.reason}")


def _begun(
    page: EnvironmentPage,
    after: Environment | Already | Busy | Refused,
    running: Running,
    now: datetime,
    more: Mapping[str, str] | None = None,
) -> tuple[Began | Stopped, Change | None]:
    name = page.environment.name
    match after:
        case Already(deployed=deployed):
            reason = f"{name} runs {deployed.revision[:10]} of {deployed.task} already, by deploy {deployed.deploy}"
            return Stopped(Outcome.PASS, f"{reason} at {deployed.at}; nothing to do", deployed), None
        case Busy(running=other):
            return _busy(name, other), None
        case Refused(reason=reason):
            return Stopped(Outcome.HOLD, reason, lost=page.environment.unsettled), None
        case Environment():
            what = f"deploy {running.deploy} of {running.task} at {running.revision[:10]}"
            back = f", which rolls back {running.rollback_of}" if running.rollback_of else ""
            line = f"{what} begins{back}, generation {after.generation} [by {running.by}, {running.runner}]"
            change = Change(
                event="deploy-begin",
                task=running.task,
                subject=f"{running.task}: deploy {running.deploy} to {name} begins",
                body=line,
                writes={**environments.changed(page, after, now, line), **(more or {})},
            )
            return Began(name, running, after.generation), change


def _busy(name: str, other: Running) -> Stopped:
    who = f"deploy {other.deploy} of {other.task} by {other.runner} since {other.began}"
    return Stopped(Outcome.DEFER, f"another deploy to {name} is running: {who}, until {other.until} at the latest")
