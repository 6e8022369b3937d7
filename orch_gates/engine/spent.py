"""Evidence is spent once: what a task was sent back on neither moves nor charges it again (ENG-9)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from orch_gates.model.ids import timestamp
from orch_gates.model.task import MAX_CHARGED, MAX_EARLIER, MAX_SPENT, SentBack, Task
from orch_gates.model.verdict import Outcome, Verdict


def blocked(task: Task, head: str) -> str:
    """Why nothing moves a task at this head until its work is done again; empty where that is so."""
    sent = task.sent_back
    # No commit is never a new one: a branch that is away for a moment brings nothing.
    if sent is None or sent.ready or head not in {"", sent.head, *sent.earlier}:
        return ""
    where = f" at {sent.head[:10]}" if sent.head else ""
    known = f", and {head[:10]} is not a new commit" if head not in {"", sent.head} else ""
    return f"it was sent back{where}{known}: {task.reason}; {way_on(task)}"


def way_on(task: Task) -> str:
    """What to do with a task that was sent back."""
    done = f"`orch-gates task ready {task.id} --reason TEXT`"
    return f"push a new commit to {task.branch}, or run {done} when the work was done again without one"


def is_spent(task: Task, report: str) -> bool:
    """Whether a report, by its id, was there when the task was last sent back."""
    return task.sent_back is not None and report in task.sent_back.spent


def doubt(task: Task, verdict: Verdict, head: str) -> str:
    """Why a verdict has to be given anew before it counts; empty where it counts as it is."""
    sent = task.sent_back
    if sent is None:
        return ""
    rests_on, used = set(verdict.rests_on), set(sent.spent)
    match verdict.outcome:
        case Outcome.PASS if rests_on & used:
            again = f"`orch-gates task report {task.id}` with `{verdict.gate} STATUS` or `--file FILE`"
            return f"the report of {verdict.gate} is from before the task was sent back; record it again: {again}"
        case Outcome.FAIL if rests_on and rests_on <= used:
            return f"{verdict.gate} needs a new result: its last one already sent the task back: {verdict.reason}"
        case Outcome.FAIL if not rests_on and charge(verdict.gate, head) in sent.charged:
            return f"{verdict.gate} needs a new result: {verdict.reason}"
        case _:
            return ""


def charge(gate: str, head: str) -> str:
    """What is charged once: a gate, or a person's rejection, for one commit."""
    return f"{gate}@{head}"


def charged(task: Task, gate: str, head: str) -> bool:
    """Whether the task was charged for this gate and commit before."""
    return task.sent_back is not None and charge(gate, head) in task.sent_back.charged


def sent_back(task: Task, head: str, evidence: Sequence[str], now: datetime, *, gate: str = "") -> SentBack:
    """The record of sending a task back; `gate` is who is charged for, `evidence` what must not count again."""
    before = task.sent_back
    spent = before.spent if before is not None else ()
    spent += tuple(oid for oid in dict.fromkeys(evidence) if oid not in spent)
    paid = before.charged if before is not None else ()
    if gate and charge(gate, head) not in paid:
        paid += (charge(gate, head),)
    return SentBack(
        head=head,
        at=timestamp(now),
        ready=False,
        spent=spent[-MAX_SPENT:],
        charged=paid[-MAX_CHARGED:],
        earlier=_earlier(task, head),
    )


def _earlier(task: Task, head: str) -> tuple[str, ...]:
    """The other commits that wait for a word: whoever sets a branch back to one brings nothing new."""
    before = task.sent_back
    waiting = (*before.earlier, before.head, task.head) if before is not None else (task.head,)
    return tuple(dict.fromkeys(oid for oid in waiting if oid not in {"", head}))[-MAX_EARLIER:]


def made_ready(task: Task) -> SentBack | None:
    """The same record with the word that the work was done again."""
    return task.sent_back and task.sent_back.model_copy(update={"ready": True, "earlier": ()})
