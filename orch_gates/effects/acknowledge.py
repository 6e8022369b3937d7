"""Taking effects that are known to be done out of the tasks' documents."""

from __future__ import annotations

from collections.abc import Mapping

from orch_gates.model.effect import merged
from orch_gates.model.ids import TaskId
from orch_gates.state import codec, layout
from orch_gates.state.kinds import TASK
from orch_gates.state.outcome import commit_of
from orch_gates.state.snapshot import Snapshot
from orch_gates.state.store import Change, Store


def acknowledge(store: Store, done: Mapping[TaskId, frozenset[str]]) -> str:
    """Take these keys out of the tasks' documents, in one commit; its id, empty where none was there any more.

    Raises:
        StateError: it could not be recorded.
    """

    def decision(snapshot: Snapshot) -> Change | None:
        writes = {}
        for task, keys in done.items():
            path = layout.task_path(task)
            text = snapshot.text(path)
            if text is None:
                continue
            document, body = codec.decode(TASK, path, text)
            left = merged(document.effects, keys, (), frozenset())
            if left != document.effects:
                writes[path] = codec.encode(document.model_copy(update={"effects": left}), body)
        if not writes:
            return None
        return Change(
            event="acknowledge",
            task=next(iter(done)) if len(done) == 1 else "-",
            subject=f"acknowledge: effects of {', '.join(sorted(done))}",
            body="\n".join(sorted(key for keys in done.values() for key in keys)),
            writes=writes,
        )

    return commit_of(store.transact(decision)) if done else ""
