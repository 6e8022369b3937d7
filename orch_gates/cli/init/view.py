"""How `orch-gates init` looks: what was seen, diffs, what was done, what to do next; text and JSON."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from orch_gates.adopt.choose import LEVELS
from orch_gates.adopt.facts import WorkTreeFacts
from orch_gates.adopt.plan import Choice, Deed, FileChange, shown
from orch_gates.adopt.steps import SetupStep, StepOutcome
from orch_gates.adopt.where import ForgeLocation
from orch_gates.documents.escape import visible
from orch_gates.forge.port.server import ForgeKind
from orch_gates.report import machine

_WORDS = {
    Deed.CREATE: ("would create", "created"),
    Deed.UPDATE: ("would change", "changed"),
    Deed.DELETE: ("would remove", "removed"),
    Deed.SAME: ("as it should be", "as it should be"),
    Deed.KEEP: ("left alone", "left alone"),
    Deed.BLOCKED: ("in the way", "in the way"),
}
_CHANGED = {Deed.CREATE, Deed.UPDATE, Deed.DELETE}


@dataclass(frozen=True, slots=True)
class InitReport:
    """The results of one run; `written`: the files are as planned. `choice` is None where all is taken away."""

    facts: WorkTreeFacts
    where: ForgeLocation
    choice: Choice | None
    changes: Sequence[FileChange]
    steps: Sequence[SetupStep]
    written: bool
    dry_run: bool
    commands: Sequence[str]


def blocked(changes: Sequence[FileChange]) -> bool:
    """Whether something is in the way."""
    return any(change.deed is Deed.BLOCKED for change in changes)


def seen(facts: WorkTreeFacts, where: ForgeLocation, choice: Choice) -> str:
    """What was found, in two columns."""
    rows = [
        ("repository", str(facts.top)),
        ("default branch", f"{facts.target} ({facts.told_by}{_renamed(facts)})"),
        ("forge", _forge(where)),
        ("languages", ", ".join(facts.languages) or "none seen"),
        ("tests", ", ".join(f"{one.command} ({one.seen})" for one in facts.tests[:2]) or "no test command found"),
        ("level", f"{choice.level}, {LEVELS[choice.level]}"),
    ]
    if len(facts.remotes) > 1:
        rows.insert(2, ("remote", f"{facts.remote or 'none chosen'} of {', '.join(facts.remotes)}"))
    width = max(len(name) for name, _ in rows)
    return "".join(f"{name:{width}}  {visible(value)}\n" for name, value in rows) + "\n"


def _renamed(facts: WorkTreeFacts) -> str:
    """What a clone does not hear of, and fetching does not tell it."""
    head = facts.told_by == f"{facts.remote}/HEAD"
    return f"; if it was renamed: git remote set-head {shlex.quote(facts.remote)} --auto" if head else ""


def diffs(changes: Sequence[FileChange]) -> str:
    """What changes, and for a file that is left alone what init would have put there."""
    return "".join(f"{_above(change)}{change.diff}\n" for change in shown(changes))


def as_text(report: InitReport) -> str:
    """What became of each file, and what to do next."""
    done = report.written and not report.dry_run
    lines = [_line(change, done=done) for change in report.changes]
    lines += [line for step in report.steps for line in _step(step)]
    if report.written and not any(change.deed in _CHANGED for change in report.changes) and _idle(report.steps):
        lines.append(f"nothing was changed: {_why_nothing(report)}")
    if done and (following := list(_next(report))):
        lines += ["", "Next:", *(f"  {line}" for line in following)]
    return "".join(f"{line}\n" for line in lines)


def as_json(report: InitReport) -> str:
    """Everything, for programs."""
    facts, choice = report.facts, report.choice
    document = {
        "repository": str(facts.top),
        "target": facts.target,
        "target_told_by": facts.told_by,
        "forge": report.where.kind.value if report.where.kind else None,
        "forge_told_by": report.where.told_by,
        "server": report.where.server or None,
        "languages": list(facts.languages),
        "tests": [{"command": one.command, "seen": one.seen} for one in facts.tests],
        "level": choice.level if choice is not None else None,
        "contexts": list(choice.config.contexts) if choice is not None else [],
        "written": report.written and not report.dry_run,
        "files": [
            {"path": one.path, "deed": one.deed.value, "why": one.why or None, "diff": one.diff}
            for one in report.changes
        ],
        "steps": [
            {"what": one.what, "outcome": one.outcome.value, "why": one.why or None, "by_hand": one.by_hand or None}
            for one in report.steps
        ],
        "next": list(report.commands),
    }
    return machine.document("init", document)


def _step(step: SetupStep) -> Iterator[str]:
    yield visible(f"{step.outcome.value:15}  {step.what}" + (f": {step.why}" if step.why else ""))
    if step.by_hand:
        yield visible(f"{'':15}  by hand: {step.by_hand}")


def _idle(steps: Sequence[SetupStep]) -> bool:
    return all(step.outcome in {StepOutcome.SO, StepOutcome.LATER} for step in steps)


def _next(report: InitReport) -> Iterator[str]:
    """What a person does now; commands first."""
    yield from report.commands
    choice, target = report.choice, report.facts.target
    if choice is None or not report.commands:
        return
    if report.where.kind is ForgeKind.LOCAL:
        yield f"orch-gates hook install {shlex.quote(report.facts.url)}    # the server's hook, which judges every push"
    if choice.level and report.where.kind is not None:
        token = "" if report.where.kind is ForgeKind.LOCAL else " with a token in ORCH_FORGE_TOKEN"
        yield f"orch-gates init    # run it again{token} once this is on {target}: it makes the state branch"
    if choice.level and report.where.workflows is not None:
        yield "and keep the token of a bot as the secret ORCH_TOKEN, as the workflows say at their top"


def _why_nothing(report: InitReport) -> str:
    if report.choice is None:
        return "no file here is as init wrote it"
    if blocked(report.changes):
        return "existing files are in the way"
    waits = any(step.outcome is StepOutcome.LATER for step in report.steps)
    return "the files are as they should be" if waits else "all is set up"


def _line(change: FileChange, *, done: bool) -> str:
    words = _WORDS[change.deed][done]
    return visible(f"{words:15}  {change.path}" + (f": {change.why}" if change.why else ""))


def _above(change: FileChange) -> str:
    if change.deed in _CHANGED:
        return ""
    return f"{visible(change.path)} is unchanged; init would write this:\n"


def _forge(where: ForgeLocation) -> str:
    if where.kind is None:
        return "none"
    return f"{where.kind.value} ({where.told_by})" + (f" at {where.server}" if where.server else "")
