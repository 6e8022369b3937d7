"""The newest report of a gate that is recorded for a task, about whichever commit."""

from __future__ import annotations

from collections.abc import Mapping

from orch_gates.state import codec, layout
from orch_gates.state.kinds import REPORT
from orch_gates.state.snapshot import Snapshot
from orch_gates.tasks import book


def newest(snapshot: Snapshot, name: str, file: str) -> str | None:
    """The text of the report that was made last; None where none is recorded.

    Raises:
        UsageError: there is no such task.
        StateError: it cannot be read, or is malformed.
    """
    task = book.need(snapshot, name).task
    found: list[tuple[str, str]] = []
    for entry in snapshot.files(layout.task_folder(task.id)):
        keys = REPORT.match(entry.path)
        if isinstance(keys, Mapping) and f"{keys['report']}.md" == file:
            text = snapshot.read(entry)
            found.append((codec.decode(REPORT, entry.path, text)[0].created or "", text))
    return max(found)[1] if found else None
