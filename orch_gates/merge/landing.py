"""From a validated attempt to one that landed: pull request, merge, proof, regression guard (MRG-7 to MRG-10)."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import assert_never

from orch_gates.documents import escape
from orch_gates.errors import ForgeUnavailable, OrchError, SettingsError
from orch_gates.forge.port.checks import CommitStatus, StatusState
from orch_gates.forge.port.pulls import Draft, MergeRequest, PullRequest
from orch_gates.merge import landed as git_facts
from orch_gates.merge import lease as leases
from orch_gates.merge import marker_store, retry, steps, trailers
from orch_gates.merge.attempt_worker import AttemptWorker
from orch_gates.merge.context import MergeContext
from orch_gates.merge.markers import Guarded
from orch_gates.merge.proof import Landed, Proof, Rung, prove
from orch_gates.merge.retry import Meaning, Then
from orch_gates.model.attempt import Attempt, Phase
from orch_gates.model.branch import pull_of
from orch_gates.model.verdict import Outcome

# GitHub, Gitea and Forgejo read these in the message of a commit; main would have no CI.
_SKIPS = re.compile(r"\[(skip ci|ci skip|no ci|skip actions|actions skip)\]", re.IGNORECASE)


def land(worker: AttemptWorker, attempt: Attempt) -> Attempt:
    """Merge a validated attempt that this process claimed, and prove it.

    Raises:
        LeaseLost: somebody else has it by now.
        OrchError: something could not be told; the attempt stays where it is, and whoever comes next goes on.
    """
    if attempt.phase is Phase.LANDED:
        return _recorded(worker, attempt, attempt.merge, attempt.proof)
    if attempt.phase is Phase.MERGING and (done := _proven(worker, attempt)) is not None:
        return done
    if attempt.closing:
        return _undo(worker, attempt, Meaning(Then.DROP, attempt.reason), doubt=True)
    context = worker.context
    where = context.where(attempt.branch)
    if where.head != attempt.commit:
        what = f"is at {where.head[:10]} now" if where.head else "is not there any more"
        return _undo(worker, attempt, Meaning(Then.DROP, f"{attempt.branch} {what}"), doubt=True)
    if where.target != attempt.base:
        return _undo(worker, attempt, Meaning(Then.ANEW, "the target moved"), doubt=True)
    # Whoever had it before may have asked already, and still be asking; of the recorded pull request, and no other.
    doubt = attempt.phase is Phase.MERGING
    if not doubt:
        pull, now = _pull(worker, attempt), worker.now()
        attempt = worker.record(lambda one: steps.merging(one, pull.number, now), "merging")
        if attempt.over:
            return attempt
    return _request_merge(worker, attempt, doubt=doubt)


def see_fence(context: MergeContext) -> None:
    """See that the forge requires the status that is its fence, where that is the one that is meant (MRG-5).

    Raises:
        SettingsError: it definitely does not; rules that this token may not see say nothing.
    """
    if context.settings.merge.fence != "status":
        return
    name = context_of(context.target)
    try:
        rule = context.need_forge().protections.get(context.target)
    except ForgeUnavailable:
        return
    if rule is None or not any(name == one or fnmatchcase(name, one) for one in rule.contexts):
        raise SettingsError(
            f"merge.fence is `status`, but {context.target} does not require the status {name} at the forge: protect "
            f"{context.target} there and require it, or anybody may merge what was not validated"
        )


def context_of(target: str) -> str:
    """The status that is the forge's own fence."""
    return f"orch/merge/{target}"


def by_others(worker: AttemptWorker, attempt: Attempt) -> Attempt | None:
    """Record that somebody else merged exactly what was validated; None where nobody did (MRG-8)."""
    proof, merge = look(worker, attempt)
    if proof.landed is not Landed.LANDED:
        return None
    now = worker.now()
    attempt = worker.record(lambda one: steps.merging(one, 0, now), "merging")
    if attempt.over:
        return attempt
    return _recorded(worker, attempt, merge, proof.reason)


def settle(worker: AttemptWorker, attempt: Attempt, reason: str) -> Attempt:
    """End an attempt that this process took over from somebody: first it is proven whether it landed (MRG-4)."""
    if attempt.phase is Phase.LANDED:
        # What is to be mended has to be merged too: a person, or broken glass, lets the lease go (MRG-10).
        now, reason = worker.now(), f"{attempt.proof}; {reason}"
        return worker.record(
            lambda one: steps.landed(one, one.merge, reason, now),
            "landed",
            lease=lambda lease: leases.released(lease, reason),
        )
    if attempt.phase is Phase.MERGING:
        return _undo(worker, attempt, Meaning(Then.DROP, reason), doubt=True)
    return worker.end(Outcome.DEFER, reason, "Run the merge again; it starts over.", moved=True)


def look(worker: AttemptWorker, attempt: Attempt) -> tuple[Proof, str]:
    """Whether its commit is in the target, on freshly fetched refs, and what brought it in (MRG-9)."""
    context = worker.context
    try:
        facts = git_facts.facts(
            context.git,
            context.remote,
            attempt.target,
            attempt.commit,
            attempt.base,
            timeout=context.settings.state.timeout,
            made=True,
        )
    except OrchError as error:
        return Proof(Landed.UNKNOWN, Rung.ANCESTRY, str(error)), ""
    return prove(facts), facts.merge or facts.commit


def _proven(worker: AttemptWorker, attempt: Attempt) -> Attempt | None:
    """Record that it landed, or that nobody can tell, which a person decides; None where it definitely did not."""
    proof, merge = look(worker, attempt)
    match proof.landed:
        case Landed.LANDED:
            return _recorded(worker, attempt, merge, proof.reason)
        case Landed.UNKNOWN:
            return worker.end(
                Outcome.HOLD,
                f"not proven to be in {attempt.target}: {proof.reason}",
                f"See `orch-gates prove {attempt.commit[:10]} --on {attempt.target}`, then resume {attempt.task}.",
            )
        case Landed.NOT_LANDED:
            return None
        case _:
            assert_never(proof.landed)


def _recorded(worker: AttemptWorker, attempt: Attempt, merge: str, proof: str) -> Attempt:
    """Record that it landed; where the target has lost something by now, a person decides (MRG-10)."""
    context = worker.context
    now = worker.now()
    guard = _guarded(context, attempt.target) if context.settings.merge.regression_guard else None
    reason = f"{proof}; {guard.reason}" if guard is not None else proof
    if guard is not None and guard.missing:
        reason = f"{attempt.target} regressed: {guard.reason}"
        step = (
            "Run `orch-gates lease release --reason TEXT` and merge a fix, or drop the marker with "
            f"`orch-gates marker remove PATH PATTERN --reason TEXT`; then `orch-gates task resume {attempt.task}`."
        )
        return worker.record(
            lambda one: steps.held(steps.landed(one, merge, proof, now), reason, step),
            "regressed",
            lease=lambda lease: leases.held(lease, reason),
        )
    return worker.record(
        lambda one: steps.landed(one, merge, reason, now), "landed", lease=lambda lease: leases.released(lease, reason)
    )


def _guarded(context: MergeContext, target: str) -> Guarded:
    """What the regression guard finds; what it cannot tell is said, and passes."""
    try:
        return marker_store.look(context.store, context.git, context.remote, target, context.settings.state.timeout)
    except OrchError as error:
        return Guarded(0, unknown=(str(error),))


def _pull(worker: AttemptWorker, attempt: Attempt) -> PullRequest:
    """The open pull request of exactly these branches; made where there is none (MRG-7).

    Raises:
        ForgeRefused, ForgeUnavailable: there is none that is known.
    """
    pulls, task = worker.context.need_forge().pulls, worker.task
    if task.enqueued is not None:
        # What was asked for is this one; another of the same branch would be nobody's wish.
        return pulls.get(task.enqueued.pull)
    found = [one for one in pulls.find(attempt.branch, attempt.target) if not one.fork]
    if found:
        return found[0]
    # Some words at the beginning of a title would make a draft of it.
    title = f"{task.id}: {task.title}"
    return pulls.open(Draft(attempt.branch, attempt.target, title, f"{task.id}: opened by orch-gates to merge it."))


def _request_merge(worker: AttemptWorker, attempt: Attempt, *, doubt: bool) -> Attempt:
    """Ask for the merge until git says what became of it, or nothing is left to try (MRG-8)."""
    context, settings = worker.context, worker.context.settings.merge
    title = escape.visible(worker.task.title)
    request = MergeRequest(
        attempt.commit,
        attempt.base,
        attempt.target,
        f"{attempt.task}: {_without_skips(title)} (#{attempt.pull})",
        trailers.render(steps.validation(attempt)),
        fork=pull_of(attempt.branch) != 0,
    )
    _fence(worker, attempt, StatusState.SUCCESS, f"validated with {attempt.base[:10]}")
    found = Meaning(Then.WAIT, "no request sent")
    most = settings.retry_attempts if settings.retry_enabled else 1
    for number in range(1, most + 1):
        worker.clock.check()
        answer = context.need_forge().pulls.merge(attempt.pull, request)
        found = retry.meaning(answer, attempt.pull, asked_for=worker.task.enqueued is not None)
        doubt = doubt or found.then in {Then.AGAIN, Then.PROVE}
        if (done := _proven(worker, attempt)) is not None:
            return done
        if found.then is Then.WAIT:
            return _wait(worker, found.reason)
        if found.then not in {Then.AGAIN, Then.PROVE, Then.ANEW}:
            return _undo(worker, attempt, found, doubt=doubt)
        # Words that a hook passes on may say that it moved; git says whether it did.
        if context.where(attempt.branch).target != attempt.base:
            return _undo(worker, attempt, Meaning(Then.ANEW, "the target moved"), doubt=doubt)
        if number < most:
            context.sleep(retry.pause(number, settings.retry_base, settings.retry_max, found.wait))
        elif found.then is Then.PROVE:
            reason = f"{found.reason}, but git does not find {attempt.commit[:10]} in {attempt.target}"
            return _undo(worker, attempt, Meaning(Then.HOLD, reason, "Check what the forge merged."), doubt=True)
    return _wait(worker, f"{found.reason} (tried {most} times)")


def _without_skips(title: str) -> str:
    """A title by which no forge takes the merge for one that CI leaves out."""
    return _SKIPS.sub(r"(\1)", title)


def _wait(worker: AttemptWorker, reason: str) -> Attempt:
    now = worker.now()
    return worker.wait(reason, lambda one: steps.noted(one, reason, now))


def _undo(worker: AttemptWorker, attempt: Attempt, found: Meaning, *, doubt: bool) -> Attempt:
    """End an attempt that did not land.

    Where a request may be under way, the fence is closed first, then the server gets time to finish what it has taken,
    and only then git is asked: the other way round, a merge would land that is recorded as given up.
    """
    if attempt.phase is Phase.MERGING:
        _fence(worker, attempt, StatusState.FAILURE, found.reason)
    # One that is held is not given up: what is under way may still land, and is looked for when it goes on.
    if attempt.phase is Phase.MERGING and doubt and found.then is not Then.HOLD:
        context = worker.context
        if not attempt.closing:
            now = worker.now()
            attempt = worker.record(lambda one: steps.closing(one, found.reason, now), "closing")
        context.sleep(context.settings.merge.grace)
        if (done := _proven(worker, attempt)) is not None:
            return done
    match found.then:
        case Then.FAIL:
            return worker.end(Outcome.FAIL, found.reason, found.next_step)
        case Then.HOLD:
            return worker.end(Outcome.HOLD, found.reason, found.next_step)
        case Then.LATER:
            return worker.end(Outcome.DEFER, found.reason, found.next_step)
        case Then.ANEW:
            return worker.moved(attempt, worker.context.where(attempt.branch).target)
        case _:
            step = found.next_step or "Run the merge again; it starts over."
            return worker.end(Outcome.DEFER, found.reason, step, moved=True)


def _fence(worker: AttemptWorker, attempt: Attempt, state: StatusState, reason: str) -> None:
    """Open or close the forge's own fence, where that is the one (MRG-5).

    Raises:
        ForgeRefused, ForgeUnclear, ForgeUnavailable: it is not known to be so; nothing is merged, or given up, then.
    """
    context = worker.context
    if context.settings.merge.fence == "status":
        status = CommitStatus(context_of(attempt.target), state, escape.clip(escape.visible(reason), 140))
        context.need_forge().statuses.post(attempt.commit, status)
