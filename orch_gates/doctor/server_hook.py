"""The hook on the server: there, executable, dispatched, and really refusing a leak (SEC-10, OWN-2)."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from orch_gates.doctor.check import Check, Group
from orch_gates.doctor.finding import CheckFinding, NotUsedError, bad, not_used, ok, unknown
from orch_gates.doctor.subject import DoctorSubject
from orch_gates.hooks.server_hook.hook_status import HookState, HookStatus
from orch_gates.hooks.server_hook.kinds import HookFileKind
from orch_gates.hooks.server_hook.status import HookInspector

_ANEW = "have the server write its hooks again (Gitea: gitea admin regenerate hooks)"


@dataclass(frozen=True, slots=True)
class HookFacts:
    """How the hook stands, None where it cannot be seen from here.

    `fenced`: the configuration relies on it; `here`: this is the server's own repository.
    """

    hook_status: HookStatus | None
    fenced: bool
    here: bool


def hook_status(subject: DoctorSubject) -> HookStatus:
    """How the hook of the server's repository stands, tried with a push of a random token that it refuses.

    Raises:
        NotUsedError: that repository is not on this disk.
    """

    def ask() -> HookStatus:
        if (server := subject.server) is None:
            raise NotUsedError("the server's repository is not on this disk: run this there, with --repo")
        (found,) = HookInspector(subject.settings, prove=True, targets=(subject.workspace.target,)).of([server])
        return found

    return subject.once("hook", ask)


def _gather(subject: DoctorSubject) -> HookFacts:
    workspace = subject.workspace
    fenced = workspace.settings.merge.fence == "hook"
    try:
        return HookFacts(hook_status(subject), fenced, workspace.git.is_bare())
    except NotUsedError:
        if not fenced:
            raise
        return HookFacts(None, fenced, here=False)


def finding_of(facts: HookFacts) -> CheckFinding:
    """A hook that is there has to work; one that is relied on, or looked for on the server, has to be there."""
    found = facts.hook_status
    if found is None:
        return unknown(
            "merge.fence is `hook`, but the server's repository is not on this disk",
            "orch-gates doctor --repo REPOSITORY (on the server)",
        )
    where = shlex.quote(found.facts.repository)
    gitea = "--gitea " if found.facts.entry is HookFileKind.DISPATCHER else ""
    install = f"orch-gates hook install {gitea}{where}"
    absent = not found.facts.hook and not found.facts.entry_calls_us and not found.facts.unreadable
    if absent and not (facts.fenced or facts.here):
        return not_used(f"no hook of orch-gates in {found.facts.repository}")
    match found.state:
        case HookState.WORKING:
            return ok(f"{found.facts.hook or found.facts.hooks}: a push of a random token was refused")
        case HookState.NOT_WORKING:
            why = "not installed: pushes are not judged" if absent else "; ".join(found.reasons)
            relied = ", and merge.fence is `hook`" if facts.fenced else ""
            mend = install
            if not absent and not found.facts.executable and found.facts.hook:
                mend = f"chmod +x {shlex.quote(found.facts.hook)}"
            elif found.facts.below_dispatcher and not found.facts.entry_executable:
                mend = _ANEW
            elif found.facts.proof and found.facts.below_dispatcher:
                mend = f"{_ANEW}, then {install}"
            return bad(f"{found.facts.repository}: {why}{relied}", mend)
        case HookState.UNKNOWN:
            return unknown(
                f"{found.facts.repository}: {'; '.join(found.reasons)}", f"orch-gates hook status --prove {where}"
            )


CHECKS = (Check("hook", Group.HOOKS, _gather, finding_of, seconds=150),)
