"""Which commit statuses follow from judged gates, planned with the step that they cause (GATE-4, GATE-5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from orch_gates.model.effect import MAX_REASON, MAX_URL, StatusEffect, shown, subject
from orch_gates.model.feedback import one_line
from orch_gates.model.ids import timestamp
from orch_gates.model.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Posting:
    """That verdicts are posted as statuses: `url` is the page of this run, `present` the id of each context's status.

    `present` is None where the forge could not be asked. `generation` is that of the state commit which would record
    the step.
    """

    url: str
    present: Mapping[str, str] | None
    generation: int = 0


def plan(verdicts: Sequence[Verdict], head: str, posting: Posting, now: datetime) -> tuple[StatusEffect, ...]:
    """A status for every verdict on a commit; nothing was judged where a FAIL is `absent`, so it has none."""
    fits = len(posting.url) <= MAX_URL and posting.url.isascii() and posting.url.isprintable()
    url = posting.url if fits and " " not in posting.url else ""
    planned = []
    for verdict in verdicts if head else ():
        state, context = shown(verdict.outcome), _context(verdict)
        if state is None or verdict.absent:
            continue
        planned.append(
            StatusEffect(
                kind="status",
                generation=posting.generation,
                planned=timestamp(now),
                commit=head,
                context=context,
                state=state,
                reason=_cut(one_line(verdict.reason)),
                url=url,
                replaces=None if posting.present is None else posting.present.get(context, ""),
            )
        )
    return tuple(planned)


def subjects(verdicts: Sequence[Verdict], head: str) -> frozenset[str]:
    """What was judged now, as `StatusEffect.subject` says it: a status that was planned before is out of date."""
    return frozenset(subject(_context(verdict), head) for verdict in verdicts)


def _context(verdict: Verdict) -> str:
    return f"orch/{verdict.gate}"


def _cut(reason: str) -> str:
    return reason if len(reason) <= MAX_REASON else f"{reason[: MAX_REASON - 1]}…"
