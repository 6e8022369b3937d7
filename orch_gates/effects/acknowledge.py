"""Taking effects that are known to be done out of the tasks' documents."""

from __future__ import annotations

from collections.abc import Mapping

from orch_gates.errors import StateDocumentError
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
    return commit_of(store.transact(lambda snapshot: acknowledged(snapshot, done))) if done else ""


def acknowledged(snapshot: Snapshot, done: Mapping[TaskId, frozenset[str]]) -> Change | None:
    """The change that takes these keys out of the tasks' documents; None where none is there any more.

    A document that cannot be read stays as it is, and keeps its effects (ST-6).
    """
    writes = {}
    names = []
    for task, keys in done.items():
        path = layout.task_path(task)
        text = snapshot.text(path)
        if text is None:
            continue
        try:
            document, body = codec.decode(TASK, path, text)
        except StateDocumentError:
            continue
        left = merged(document.effects, keys, (), frozenset())
        if left != document.effects:
            writes[path] = codec.encode(document.model_copy(update={"effects": left}), body)
            names.append(task)
    if not writes:
        return None
    return Change(
        event="acknowledge",
        task=names[0],
        subject=f"acknowledge: effects of {', '.join(sorted(names))}",
        body="\n".join(sorted(key for name in names for key in done[name])),
        writes=writes,
        others=tuple(names[1:]),
    )
