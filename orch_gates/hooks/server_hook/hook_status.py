"""Whether a server hook does its work, from what was found out about it; pure."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

from orch_gates.hooks.server_hook.kinds import HookFileKind


class HookState(Enum):
    """Whether pushes are judged; the value is the exit code (GATE-2)."""

    WORKING = 0
    NOT_WORKING = 1
    UNKNOWN = 2


@dataclass(frozen=True, slots=True)
class HookEvidence:
    """What was found out about the hook of one repository.

    `hook` is ours, empty where there is none; `entry` is what git runs. `installed_pin` is the engine that the hook's
    program has now, None where it did not say. `proof` is None where none was asked for, empty where it worked out,
    else why not; `doubt` is why that could not be told. `unreadable` is what could not be looked at: nothing else is
    known then.
    """

    repository: str
    unreadable: str = ""
    hooks: str = ""
    configured: str = ""
    shared: bool = False
    unusable: str = ""
    entry: HookFileKind = HookFileKind.ABSENT
    entry_executable: bool = False
    entry_calls_us: bool = False
    hook: str = ""
    below_dispatcher: bool = False
    executable: bool = False
    why_not_run: str = ""
    others: tuple[str, ...] = ()
    program: str = ""
    program_problem: str = ""
    version: str = ""
    pin: str = ""
    installed_pin: str | None = None
    proof: str | None = None
    doubt: str = ""


@dataclass(frozen=True, slots=True)
class HookStatus:
    """The state of a hook, with every reason for it."""

    facts: HookEvidence
    state: HookState
    reasons: tuple[str, ...]


def hook_status(facts: HookEvidence) -> HookStatus:
    """What keeps a hook from its work counts before what could not be told."""
    if facts.unreadable:
        return HookStatus(facts, HookState.UNKNOWN, (facts.unreadable,))
    broken = tuple(_broken(facts))
    if broken:
        return HookStatus(facts, HookState.NOT_WORKING, broken)
    unknown = tuple(_unknown(facts))
    if unknown:
        return HookStatus(facts, HookState.UNKNOWN, unknown)
    return HookStatus(
        facts,
        HookState.WORKING,
        ("proven" if facts.proof == "" else "installed, not tried; --prove tries it with a push",),
    )


def exit_code(statuses: Sequence[HookStatus]) -> int:
    """The worst of them: one that does not work counts before one that could not be told."""
    codes = {status.state.value for status in statuses}
    return min(codes - {HookState.WORKING.value}, default=HookState.WORKING.value)


def _broken(facts: HookEvidence) -> Iterator[str]:
    if facts.unusable:
        yield facts.unusable
    if not facts.hook and not facts.entry_calls_us:
        there = " (another hook is there)" if facts.entry is HookFileKind.OTHER else ""
        gitea = "--gitea " if facts.entry is HookFileKind.DISPATCHER else ""
        yield f"not installed{there}; run `orch-gates hook install {gitea}{shlex.quote(facts.repository)}`"
        return
    if facts.below_dispatcher and facts.entry in {HookFileKind.ABSENT, HookFileKind.NOT_A_FILE}:
        yield "no dispatcher calls it: have the server write its hooks (gitea admin regenerate hooks)"
    elif not facts.entry_executable or (facts.hook and not facts.executable):
        yield facts.why_not_run
    if facts.program_problem:
        yield facts.program_problem
    elif facts.hook and facts.installed_pin is not None and facts.pin != facts.installed_pin:
        yield (
            "stale: tested with another scanner or other rules, so it refuses every push: run `orch-gates hook install`"
        )
    if facts.proof:
        yield facts.proof


def _unknown(facts: HookEvidence) -> Iterator[str]:
    if facts.proof == "":
        return
    if facts.doubt:
        yield facts.doubt
        return
    if not facts.hook:
        yield "another hook seems to call orch-gates; --prove tests it with a push"
    elif not facts.program:
        yield "the hook was changed, so what it runs is unknown; --prove tests it with a push"
    elif facts.installed_pin is None:
        yield f"{facts.program} does not report its engine; --prove tests it with a push"
    if facts.below_dispatcher and facts.entry is HookFileKind.OTHER:
        yield "it is unknown whether the server's own hook calls those in pre-receive.d; --prove tests it with a push"
