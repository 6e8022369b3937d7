"""The status of server hooks as text and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from orch_gates.documents.escape import visible
from orch_gates.report import machine

if TYPE_CHECKING:
    from orch_gates.hooks.server_hook.hook_status import HookStatus


def as_text(status: HookStatus) -> str:
    """One hook: a line with its state, and what there is to know below it."""
    facts = status.facts
    word = status.state.name.lower().replace("_", " ")
    rows = [f"{facts.repository}: {word}: {status.reasons[0]}", *(f"  {reason}" for reason in status.reasons[1:])]
    if facts.hook:
        rows.append(f"  hook: {facts.hook}")
    if facts.shared:
        rows.append(f"  shared folder: {facts.hooks}{f' (set in {facts.configured})' if facts.configured else ''}")
    if facts.program:
        rows.append(f"  program: {facts.program}{f' {facts.version}' if facts.version else ''}")
    if facts.pin:
        rows.append(f"  engine: {facts.pin}")
    if facts.installed_pin not in {None, facts.pin}:
        rows.append(f"  engine now: {facts.installed_pin}")
    if facts.others:
        rows.append(f"  other hooks: {', '.join(facts.others)}")
    return "".join(f"{visible(row)}\n" for row in rows)


def as_json(statuses: Sequence[HookStatus]) -> str:
    """All of them, with everything that was found out."""
    return machine.document("hook-status", {"hooks": [_fields(status) for status in statuses]})


def _fields(status: HookStatus) -> dict[str, object]:
    facts = status.facts
    return {
        "repository": facts.repository,
        "state": status.state.name.lower(),
        "reasons": list(status.reasons),
        "hook": facts.hook,
        "hooks": facts.hooks,
        "hooks_path_set_in": facts.configured,
        "shared": facts.shared,
        "runs": facts.entry.value,
        "executable": facts.executable,
        "other_hooks": list(facts.others),
        "program": facts.program,
        "version": facts.version,
        "pin": facts.pin,
        "installed_pin": facts.installed_pin,
        "proven": None if facts.proof is None else facts.proof == "",
    }
