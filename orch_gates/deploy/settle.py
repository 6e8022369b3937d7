"""A person's word for what an environment runs, where a deploy was lost on its way (DEP-1)."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime

from orch_gates.deploy import deploy_report, environments
from orch_gates.deploy.deploy_end import DeployRecorder, Look
from orch_gates.deploy.deploy_report import DeployResult
from orch_gates.engine import deploys
from orch_gates.engine.deploys import DeployEnd, Refused
from orch_gates.errors import UsageError
from orch_gates.model.environment import Deployed, Environment, Standing
from orch_gates.model.feedback import one_line
from orch_gates.model.ids import OID, timestamp
from orch_gates.state.outcome import commit_of
from orch_gates.state.snapshot import Snapshot
from orch_gates.state.store import Change, Store


@dataclass(frozen=True, slots=True)
class Settlement:
    """What a person says: the deploy or the commit that an environment runs, and how they know."""

    environment: str
    runs: str
    reason: str
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Settled:
    """The environment by that word; without a `commit` it was known just so."""

    environment: Environment
    commit: str


@dataclass(frozen=True, slots=True)
class Settler:
    """Records a person's word; `nonce` names a deploy that was made by other means.

    `declared` are the environments of the configuration, where nothing need have been deployed yet.
    """

    store: Store
    recorder: DeployRecorder
    look: Look
    by: str
    nonce: Callable[[], str]
    declared: Collection[str] = ()

    def settle(self, word: Settlement, now: datetime) -> Settled:
        """Record it; what was lost on its way is looked at first, and one that lives is waited for.

        Raises:
            UsageError: nothing or several things are named so, there is no such environment, or a deploy is under way.
            StateError: it could not be recorded.
        """
        self.recorder.lost(word.environment, self.look, now)
        nonce = self.nonce()
        found: Environment | None = None

        def decision(snapshot: Snapshot) -> Change | None:
            nonlocal found
            page = environments.page(snapshot, word.environment)
            environments.require(snapshot, word.environment, self.declared)
            before = page.environment
            runs = self._named(before, word, nonce, now)
            after = deploys.settled(before, runs)
            if isinstance(after, Refused):
                raise UsageError(after.reason)
            found = after
            if after == before:
                return None
            reason = one_line(f"{self.by} says that {before.name} runs {runs.revision[:10]}: {word.reason}")
            writes = environments.changed(page, after, now, f"settled: {reason}")
            lost = before.unsettled
            if lost is not None and lost.deploy == runs.deploy:
                result = DeployResult(DeployEnd.DEPLOYED, reason, by=self.by)
                writes |= deploy_report.written(snapshot, before.name, before.generation, lost, result, now)
            task = (lost.task if lost is not None else runs.task) or "-"
            return Change(
                event="env-settle",
                task=task,
                subject=f"{before.name}: runs {runs.revision[:10]}, as {self.by} says",
                body=reason,
                writes=writes,
            )

        commit = commit_of(self.store.transact(decision))
        assert found is not None
        return Settled(found, commit)

    def _named(self, environment: Environment, word: Settlement, nonce: str, now: datetime) -> Deployed:
        known = deploys.known(environment, word.runs)
        revisions = {(one.revision, one.digest) for one in known}
        if len(revisions) > 1:
            candidates = ", ".join(f"{one.deploy} ({one.revision[:10]} of {one.task or 'no task'})" for one in known)
            raise UsageError(f"{word.runs} may be several deploys: {candidates}; name one of them by its id")
        if known:
            return known[0]
        if not OID.fullmatch(word.runs):
            raise UsageError(
                f"no deploy to {environment.name} is known as {word.runs!r}; name one that `orch-gates env show "
                f"{environment.name}` shows, or a full commit id"
            )
        return Deployed(
            deploy=nonce,
            task="",
            revision=word.runs,
            digest=word.digest,
            at=timestamp(now),
            by=one_line(self.by),
            standing=Standing.UNWATCHED,
            rollback_of="",
            alert_only="",
        )
