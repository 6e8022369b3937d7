"""Proving a caught-up commit by the forge's statuses on it, where no test command is configured (MRG-3)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from orch_gates.forge.port.forge import Forge
from orch_gates.gates import ci_green
from orch_gates.merge import steps
from orch_gates.model.attempt import Attempt
from orch_gates.model.feedback import of_verdict
from orch_gates.model.verdict import Outcome, Verdict
from orch_gates.settings import Settings

if TYPE_CHECKING:
    from orch_gates.merge.attempt_worker import AttemptWorker
    from orch_gates.merge.context import MergeContext


def by_statuses(worker: AttemptWorker, attempt: Attempt, *, stay: bool) -> Attempt:
    """Validate an attempt where every status on its commit is green; where they are not there yet, it waits.

    Raises:
        SettingsError: no forge is known, so nothing says how the commit is tested.
        ForgeUnavailable: the statuses could not be read completely.
    """
    context = worker.context
    forge = context.need_forge()
    verdict = _judged(context.settings, forge, attempt.commit)
    if verdict.outcome is Outcome.PASS:
        return worker.validated(attempt, "statuses", 0, verdict.reason, stay=stay)
    if verdict.absent:
        now = worker.now()
        return worker.wait(
            f"waits for CI: {verdict.reason}", lambda one: steps.testing(one, f"waits for CI: {verdict.reason}", now)
        )
    alone = _judged(context.settings, forge, attempt.base)
    if alone.outcome is Outcome.FAIL and not alone.absent:
        return worker.end(
            Outcome.DEFER,
            f"{attempt.target} itself fails at {attempt.base[:10]}: {alone.reason}",
            f"Fix {attempt.target} first; this does not count as a retry.",
            red_target=True,
        )
    findings = of_verdict(verdict).findings
    step = f"{steps.fetch_first(attempt)}Fix the failing checks and push."
    reason = attempt.together(verdict.reason, green=alone.outcome is Outcome.PASS)
    return worker.end(Outcome.FAIL, reason, step, findings)


def red_target(context: MergeContext, tip: str) -> str:
    """Why nothing is merged onto a target: CI says that it is red; empty where that is not known (MRG-6).

    Raises:
        SettingsError, ForgeUnavailable: as `by_statuses`.
    """
    verdict = _judged(context.settings, context.need_forge(), tip)
    if verdict.outcome is not Outcome.FAIL or verdict.absent:
        return ""
    return f"{context.target} itself is red at {tip[:10]}: {verdict.reason}"


def still_absent(context: MergeContext, commit: str) -> bool:
    """Whether the statuses on a commit are not there yet.

    Raises:
        SettingsError, ForgeUnavailable: as `by_statuses`.
    """
    return _judged(context.settings, context.need_forge(), commit).absent


def _judged(settings: Settings, forge: Forge, commit: str) -> Verdict:
    wanted = settings.ci_green
    facts = ci_green.StatusFacts(forge.repository, commit, forge.statuses.latest(commit), wanted.contexts, wanted.least)
    verdict = ci_green.judge(facts, ci_green.GATE.policy)
    return replace(verdict, gate="merge")
