"""What was asked of the forge, and how long it took: for `--timings`."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from orch_gates.cli.boundary import say

if TYPE_CHECKING:
    from orch_gates.forge.http import Call, Observe

_CALLS: ContextVar[list[Call] | None] = ContextVar("calls", default=None)


def observer() -> Observe:
    """Who is to be told of every request; adapters may tell it from any thread."""
    calls = _CALLS.get()
    return (lambda _: None) if calls is None else calls.append


@contextmanager
def told(*, wanted: bool) -> Iterator[None]:
    """Say at the end what was asked, however it ends."""
    calls: list[Call] = []
    before = _CALLS.set(calls if wanted else None)
    try:
        yield
    finally:
        _CALLS.reset(before)
        if wanted:
            say(_summary(calls), to=sys.stderr)


def _summary(calls: Sequence[Call]) -> str:
    from orch_gates.documents.escape import visible

    plural = "" if len(calls) == 1 else "s"
    lines = [f"forge: {len(calls)} request{plural}, {sum(call.seconds for call in calls):.2f} s"]
    lines += [
        f"forge: {call.method} {visible(call.path)} {call.status or 'no answer'} {call.seconds * 1000:.0f} ms"
        for call in calls
    ]
    return "".join(f"{line}\n" for line in lines)
