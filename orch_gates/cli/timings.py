"""What was asked of the forge, and how long it took: for `--timings`."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from orch_gates.cli.boundary import say

if TYPE_CHECKING:
    from orch_gates.forge.http import Call, Observe


@contextmanager
def shown(*, wanted: bool) -> Iterator[Observe]:
    """Collect requests, from any thread, and print them when the block is left, however that ends."""
    calls: list[Call] = []
    try:
        yield calls.append
    finally:
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
