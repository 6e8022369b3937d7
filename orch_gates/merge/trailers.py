"""What a merge says about itself: trailers in its message, which the server's hook compares (MRG-5); pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from orch_gates.model.ids import OID, TASK_ID

_LINE = re.compile(r"(?P<key>[A-Za-z0-9-]+):[ \t]*(?P<value>.*)")
_GENERATION = re.compile(r"[1-9][0-9]{0,17}")
_TASK, _NUMBER, _BASE, _COMMIT, _TREE = ("Orch-Task", "Orch-Generation", "Orch-Base", "Orch-Commit", "Orch-Tree")
_SPELLED = {_TASK: TASK_ID, _NUMBER: _GENERATION, _BASE: OID, _COMMIT: OID, _TREE: OID}


@dataclass(frozen=True, slots=True)
class Validated:
    """What was validated for one merge: the commit and its tree, on this base, under a lease's generation."""

    task: str
    generation: int
    base: str
    commit: str
    tree: str


def render(validated: Validated) -> str:
    """The block of trailers for the end of a message."""
    values = (validated.task, validated.generation, validated.base, validated.commit, validated.tree)
    return "\n".join(f"{key}: {value}" for key, value in zip(_SPELLED, values, strict=True))


def mentioned(message: str) -> bool:
    """Whether a message says anything about an attempt, whole or not."""
    found = (_LINE.fullmatch(line.strip()) for line in message.split("\n"))
    names = {key.lower() for key in _SPELLED}
    return any(line is not None and line["key"].lower() in names for line in found)


def parse(message: str) -> Validated | str:
    """What a message's last block of trailers says; else why it says nothing, in words for whoever pushed.

    A block is a paragraph of `key: value` lines and nothing else. Further trailers of the forge may stand in it. A key
    of ours that is there twice is refused: two readers could take two values.
    """
    block = re.split(r"\n(?:[ \t\r]*\n)+", message.rstrip())[-1].split("\n")
    lines = [_LINE.fullmatch(line.rstrip("\r")) for line in block]
    if None in lines:
        return "its message does not end with a block of trailers"
    found: dict[str, str] = {}
    for line in lines:
        assert line is not None
        key = next((one for one in _SPELLED if one.lower() == line["key"].lower()), "")
        if key and key in found:
            return f"its message has {key} twice"
        if key:
            found[key] = line["value"].strip()
    for key, pattern in _SPELLED.items():
        if key not in found:
            return f"its message has no trailer {key}"
        if not pattern.fullmatch(found[key]):
            return f"the trailer {key} in its message cannot be read"
    return Validated(found[_TASK], int(found[_NUMBER]), found[_BASE], found[_COMMIT], found[_TREE])
