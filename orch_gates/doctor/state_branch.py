"""The state branch: there, guarded, with its witness, and every file of it readable (ST-4, ST-6, ST-8)."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from orch_gates.doctor import forge, server_hook
from orch_gates.doctor.check import Check, Group
from orch_gates.doctor.finding import CheckFinding, NotUsedError, bad, not_used, ok, unknown, warning
from orch_gates.doctor.subject import DoctorSubject
from orch_gates.document_kinds import KINDS
from orch_gates.errors import (
    MissingState,
    OrchError,
    RewoundState,
    StateDenied,
    StateDocumentError,
    StateError,
    UpgradeNeeded,
    WipedState,
    WrongStateBranch,
)
from orch_gates.forge.port.protection import BranchRule, Who
from orch_gates.hooks.server_hook.hook_status import HookState
from orch_gates.state.history import files

_SHOWN = 3


@dataclass(frozen=True, slots=True)
class BranchFacts:
    """The generation of the branch, or what reading it came to; `needed`: the configuration rests on one."""

    branch: str
    generation: int = 0
    error: StateError | None = None
    needed: bool = False


@dataclass(frozen=True, slots=True)
class GuardFacts:
    """What keeps others from rewriting the branch; None where it could not be looked at, with the reasons in `hidden`.

    `hook`: a working hook of ours judges pushes to it. `kept`: the repository's own configuration refuses to rewind
    or delete a branch. `rule` is the forge's, where `ruled`.
    """

    branch: str
    hook: bool | None
    kept: bool | None
    ruled: bool
    rule: BranchRule | None
    page: str
    hidden: tuple[str, ...] = ()
    repository: str = ""


def _gather_branch(subject: DoctorSubject) -> BranchFacts:
    workspace = subject.workspace
    branch, config = workspace.settings.state.branch, workspace.config
    needed = bool(config.roles or config.queue or config.environments or workspace.settings.merge.fence != "none")
    try:
        return BranchFacts(branch, subject.snapshot().generation)
    except StateError as error:
        return BranchFacts(branch, error=error, needed=needed)


def branch_finding(facts: BranchFacts) -> CheckFinding:  # noqa: PLR0911 - each kind of loss has its own mend
    """It is there, and is the one that was written before (ST-9: what only looks so is told apart)."""
    error = facts.error
    match error:
        case None:
            return ok(f"{facts.branch} is at generation {facts.generation}")
        case WipedState() | RewoundState():
            return bad(str(error), "orch-gates state restore")
        case MissingState() if facts.needed:
            return bad(f"there is no branch {facts.branch}, but the configuration needs it", "orch-gates state init")
        case MissingState():
            return not_used(f"there is no branch {facts.branch} (orch-gates state init makes it)")
        case WrongStateBranch():
            return bad(str(error), "name the state branch: ORCH_STATE_BRANCH, or state.branch in .orch-gates.yaml")
        case UpgradeNeeded():
            return bad(str(error), "upgrade orch-gates")
        case StateDenied():
            return bad(str(error), "give whoever runs this access to the repository of the state branch")
        case StateDocumentError():
            return bad(str(error), "orch-gates help state (fix the file by hand)")
        case _:
            return unknown(str(error))


def _gather_witness(subject: DoctorSubject) -> bool:
    subject.state  # noqa: B018 - without a branch there is nothing to bear witness of
    return subject.workspace.store.witnessed()


def witness_finding(witnessed: bool) -> CheckFinding:
    """Without it, a loss of the last steps would be seen by nobody (ST-4)."""
    if not witnessed:
        return bad(
            "the ref refs/orch/witness is missing, so lost commits of the state branch cannot be detected",
            "orch-gates state restore",
        )
    return ok("the witness refs/orch/witness follows the branch")


def _gather_guard(subject: DoctorSubject) -> GuardFacts:
    subject.state  # noqa: B018 - without a branch there is nothing to guard
    workspace = subject.workspace
    branch = workspace.settings.state.branch
    hidden: list[str] = []
    hook: bool | None = None
    try:
        found = server_hook.hook_status(subject)
        hook = found.state is HookState.WORKING and workspace.settings.state.guard_enabled
        if found.state is HookState.UNKNOWN:
            hook = None
            hidden.append("; ".join(found.reasons))
    except (NotUsedError, OrchError) as error:
        hidden.append(str(error))
    rule, ruled = None, True
    try:
        rule = forge.rule_for(subject, branch)
    except (NotUsedError, OrchError) as error:
        ruled = False
        hidden.append(str(error))
    page = forge.page_of(subject, "/branches")
    return GuardFacts(branch, hook, _kept(subject), ruled, rule, page, tuple(hidden), str(subject.server or ""))


def _kept(subject: DoctorSubject) -> bool | None:
    if (server := subject.server) is None:
        return None
    return all(
        subject.git.run("-C", str(server), "config", "--type=bool", "--get", name).stdout.strip() == b"true"
        for name in ("receive.denyNonFastForwards", "receive.denyDeletes")
    )


def guard_finding(facts: GuardFacts) -> CheckFinding:
    """Nobody can rewind or delete it, and at best every step is judged (OWN-3)."""
    rule = facts.rule
    if rule is not None and rule.pushers is Who.NOBODY:
        return bad(
            f"the forge lets nobody push to {facts.branch}, so no step can be recorded",
            f"let the bot push to {facts.branch}: {facts.page}",
        )
    if facts.hook:
        return ok(f"the server's hook judges every push to {facts.branch}")
    if rule is not None and not (rule.forced or rule.deleted):
        if rule.pushers is Who.SOME:
            return ok(f"the forge lets some users push to {facts.branch}; nobody can force-push or delete it")
        return warning(
            f"everybody with write access can push to {facts.branch}; nobody can force-push or delete it",
            f"let only the bot, and people who create tasks by hand, push to {facts.branch}: {facts.page}",
        )
    if facts.kept:
        return warning(
            f"{facts.branch} cannot be rewound or deleted, but no hook checks pushes to it",
            f"orch-gates hook install {shlex.quote(facts.repository)}",
        )
    if facts.hook is None and not facts.ruled:
        return unknown(f"could not check what protects {facts.branch}: {'; '.join(facts.hidden)}")
    mend = (
        f"orch-gates hook install {shlex.quote(facts.repository)}"
        if facts.repository
        else f"protect {facts.branch}, for the bot to push alone: {facts.page}"
    )
    return warning(f"whoever may push can rewind or delete {facts.branch}", mend)


def _gather_files(subject: DoctorSubject) -> tuple[str, ...]:
    return tuple(problem.line for found in files.each(KINDS, subject.state) for problem in found)


def files_finding(problems: tuple[str, ...]) -> CheckFinding:
    """A file that cannot be read is set apart: what it is about, a task, a job or production, stands still (ST-6)."""
    if not problems:
        return ok("every file can be read, and is valid by itself")
    more = f"; and {len(problems) - _SHOWN} more" if len(problems) > _SHOWN else ""
    return bad(
        f"invalid files: {'; '.join(problems[:_SHOWN])}{more}",
        "`orch-gates state lint` names all of them; fix each by hand as `orch-gates help state` says",
    )


CHECKS = (
    Check("state-branch", Group.STATE, _gather_branch, branch_finding, seconds=60),
    Check("state-witness", Group.STATE, _gather_witness, witness_finding, seconds=60),
    Check("state-guard", Group.STATE, _gather_guard, guard_finding, seconds=150),
    Check("state-files", Group.STATE, _gather_files, files_finding, seconds=60),
)
