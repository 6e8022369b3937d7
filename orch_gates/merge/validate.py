"""From a claimed attempt to a validated one: catch up, move the branch, test both together (MRG-2, MRG-3)."""

from __future__ import annotations

from orch_gates.config import file as config_file
from orch_gates.documents import escape
from orch_gates.errors import ConfigError, GitError, OrchError
from orch_gates.gates.security import scan
from orch_gates.git.answers import FetchOutcome, PushOutcome
from orch_gates.git.cli import Git
from orch_gates.git.remote import Update
from orch_gates.git.scratch import scratch
from orch_gates.merge import catch_up, ledger, retest, statuses, steps
from orch_gates.merge.attempt_worker import ANEW, AttemptWorker
from orch_gates.merge.catch_up import CatchUpConflict, Empty, How, Unrelated
from orch_gates.merge.steps import CaughtUp
from orch_gates.model.attempt import Attempt, Phase
from orch_gates.model.branch import code_ref, pull_of
from orch_gates.model.feedback import ReportedFinding
from orch_gates.model.proven import Proven
from orch_gates.model.verdict import Outcome
from orch_gates.settings import Settings

_SHOWN_OUTPUT = 3000


def validate(worker: AttemptWorker, attempt: Attempt, *, stay: bool) -> Attempt:
    """Drive a claimed attempt until it is validated, waits, or ended; `stay` keeps the claim for the merge.

    Raises:
        LeaseLost: somebody else has it by now.
        OrchError: something could not be told; the attempt stays where it is, and whoever comes next goes on.
    """
    if attempt.phase.number >= Phase.VALIDATED.number:
        return attempt
    with scratch(worker.context.git) as bench:
        if attempt.phase is Phase.ACQUIRED:
            attempt = _catch_up(worker, bench, attempt)
        if attempt.phase is Phase.CAUGHT_UP and not attempt.over:
            attempt = _move_branch(worker, bench, attempt)
        if attempt.over:
            return attempt
        return _test(worker, bench, attempt, stay=stay)


def _catch_up(worker: AttemptWorker, bench: Git, attempt: Attempt) -> Attempt:
    tip, head = _fetch(worker, bench, attempt)
    if head != attempt.head:
        return worker.superseded(attempt, head)
    found = catch_up.catch_up(bench, tip, attempt.head, How(worker.context.settings.merge.catch_up))
    match found:
        case CaughtUp(how=how) if how != How.NOTHING and (number := pull_of(attempt.branch)):
            return worker.end(
                Outcome.FAIL,
                f"pull request {number} is behind {attempt.target} at {tip[:10]}; its branch is in a fork, so it "
                "cannot be updated from here",
                f"Ask its author to merge {attempt.target} into the branch or to rebase it, and to push; then queue "
                "it again.",
            )
        case CaughtUp():
            if (wrong := _configuration(worker, bench, found.commit)) != "":
                return worker.end(Outcome.FAIL, wrong, "Fix the file on the branch (`orch-gates config check`).")
            worker.made.add(found.commit)
            now = worker.now()
            return worker.record(lambda one: steps.caught_up(one, found, now), "caught-up")
        case CatchUpConflict(files=files):
            shown = ", ".join(files[:5]) + ("…" if len(files) > 5 else "")
            return worker.end(
                Outcome.FAIL,
                f"{attempt.branch} conflicts with {attempt.target} at {tip[:10]}: {shown}",
                f"Merge or rebase {attempt.target} into {attempt.branch}, resolve the conflicts, and push.",
                tuple(_conflict(file, attempt.head, attempt.target) for file in files),
            )
        case Empty():
            return worker.end(
                Outcome.FAIL,
                f"nothing of {attempt.branch} is left to merge: {attempt.target} at {tip[:10]} has all of it",
                f"Cancel the task, or push what is missing to {attempt.branch}.",
                absent=True,
            )
        case Unrelated():
            return worker.end(
                Outcome.FAIL,
                f"{attempt.branch} and {attempt.target} have no common commit",
                f"Create the branch again from {attempt.target}.",
            )


def _configuration(worker: AttemptWorker, bench: Git, commit: str) -> str:
    """What is wrong with the configuration that a merge would put in force: with it, nobody could merge its repair."""
    try:
        found = config_file.read(bench, commit)
    except ConfigError as error:
        return f"this merge would make {config_file.PATH} invalid: {error}"
    named = found.given.get("ORCH_STATE_BRANCH")
    if named is not None and named.value != worker.context.settings.state.branch:
        return f"it changes the state branch in {config_file.PATH}, so the lease of this merge would not be found there"
    return ""


def _fetch(worker: AttemptWorker, bench: Git, attempt: Attempt) -> tuple[str, str]:
    """The target's and the branch's commits, with all that belongs to them, in the scratch repository.

    Raises:
        GitError: they are not there, or did not come.
    """
    worker.context.git.refuse_shallow()
    names = {"refs/heads/target": f"refs/heads/{attempt.target}", "refs/heads/branch": code_ref(attempt.branch)}
    specs = [f"+{name}:{ref}" for ref, name in names.items()]
    answer = worker.context.remote.fetch(bench.directory, specs, timeout=worker.context.settings.state.timeout)
    if answer.meaning is not FetchOutcome.DONE:
        raise GitError(f"{attempt.target} and {attempt.branch} could not be fetched: {answer.reason}")
    if (bench.directory / "shallow").exists():
        why = "the server's repository is shallow, so nothing can be caught up with it"
        raise GitError(f"{why}; fetch its whole history there")
    # Both may have been known before a fetch in this process.
    fresh = Git(bench.directory, bench.env, bench.timeout)
    fresh.look_up(*names)
    return fresh.resolve("refs/heads/target"), fresh.resolve("refs/heads/branch")


def _move_branch(worker: AttemptWorker, bench: Git, attempt: Attempt) -> Attempt:
    """Push the caught-up commit to the branch, where a person has not pushed meanwhile (MRG-2)."""
    if attempt.how == How.NOTHING:
        return attempt
    if attempt.commit not in worker.made:
        # Another process made it, and pushed it or not: the same two commits give the same one.
        where = worker.context.where(attempt.branch)
        if where.head == attempt.commit:
            return attempt
        if where.head != attempt.head:
            return worker.superseded(attempt, where.head)
        _fetch(worker, bench, attempt)
        again = catch_up.catch_up(bench, attempt.base, attempt.head, How(attempt.how))
        if not isinstance(again, CaughtUp) or again.commit != attempt.commit:
            return worker.end(Outcome.DEFER, f"could not make commit {attempt.commit[:10]} again here", ANEW)
    worker.clock.check()
    update = Update(f"refs/heads/{attempt.branch}", attempt.head, attempt.commit)
    answer = worker.context.remote.push(bench.directory, (update,), timeout=worker.context.settings.state.timeout)
    if answer.meaning is PushOutcome.REFUSED:
        return worker.end(
            Outcome.ERROR,
            f"the server refused the push to {attempt.branch}: {answer.hook_output or answer.reason}",
            f"Allow the bot to push to {attempt.branch}, or update the branch yourself.",
        )
    if answer.meaning is not PushOutcome.LANDED:
        now_at = worker.context.where(attempt.branch).head
        if now_at == attempt.head:
            raise GitError(f"{attempt.branch} could not be pushed: {answer.reason}")
        if now_at != attempt.commit:
            return worker.superseded(attempt, now_at)
    return attempt


def _test(worker: AttemptWorker, bench: Git, attempt: Attempt, *, stay: bool) -> Attempt:
    command = retest.command(worker.context.settings.merge, worker.context.settings.inherited_env)
    if command is None:
        return statuses.by_statuses(worker, attempt, stay=stay)
    digest = command.digest(attempt.tree, bench.version())
    days = worker.context.settings.merge.cache_days
    proven = ledger.proven(worker.snapshot, attempt.target) if days else None
    if (before := retest.known(proven, digest, worker.now())) is not None:
        reason = f"the same tree already passed the test for {before.task} at {before.tested}"
        return worker.validated(attempt, "cache", 0, reason, stay=stay)
    seconds = command.timeout * (command.retries + 1) * 2 + worker.context.settings.lease.phase
    now = worker.now()
    attempt = worker.record(
        lambda one: steps.testing(one, "the test command is running", now), "testing", seconds=seconds
    )
    if attempt.over:
        return attempt
    if not bench.has(attempt.commit):
        _fetch(worker, bench, attempt)
    tested = retest.run(bench, attempt.commit, command)
    if not tested.green:
        return _red(worker, bench, attempt, command, tested)
    now = worker.now()

    def remembered(before: Proven | None) -> Proven:
        return retest.remembered(before, attempt.target, digest, attempt.tree, worker.task, now, days)

    return worker.validated(
        attempt, "command", tested.runs, tested.reason, stay=stay, proven=remembered if days else None
    )


def _red(
    worker: AttemptWorker, bench: Git, attempt: Attempt, command: retest.Command, tested: retest.Tested
) -> Attempt:
    """A red branch is charged for only where its target is green by the same command (ENG-7)."""
    if not bench.has(attempt.base):
        _fetch(worker, bench, attempt)
    alone = retest.run(bench, attempt.base, command)
    if not alone.green:
        return worker.end(
            Outcome.DEFER,
            f"{attempt.target} itself fails at {attempt.base[:10]}: {alone.reason}",
            f"Fix {attempt.target} first; this does not count as a retry.",
            (_red_test(attempt, alone, worker.context.settings),),
            runs=tested.runs + alone.runs,
            red_target=True,
        )
    return worker.end(
        Outcome.FAIL,
        attempt.together(tested.reason, green=True),
        f"{steps.fetch_first(attempt)}Fix what the test command found, and push.",
        (_red_test(attempt, tested, worker.context.settings),),
        runs=tested.runs + alone.runs,
    )


def _conflict(file: str, head: str, target: str) -> ReportedFinding:
    return ReportedFinding(
        id=file,
        rule="conflict",
        path=file,
        line=0,
        commit=head,
        description=f"conflicts with {target}",
        fix=f"Merge {target} and resolve the conflict in this file.",
        carrier="file",
    )


def _red_test(attempt: Attempt, tested: retest.Tested, settings: Settings) -> ReportedFinding:
    """The end of what the test command wrote; what it prints is the branch's choice, so secrets are looked for."""
    try:
        shown = scan.redacted(settings, escape.well_formed(tested.output))[-_SHOWN_OUTPUT:]
    except OrchError as error:
        shown = f"(kept back, as it could not be searched for secrets: {error})"
    return ReportedFinding(
        id="test-command",
        rule="re-test",
        path=attempt.branch,
        line=0,
        commit=attempt.commit,
        description=shown or "it printed nothing",
        fix="Run the test command on the branch together with its target, and fix what it finds.",
        carrier="output",
    )
