"""What came of a call of the store, and the errors in which it says that nothing did (ST-2, ST-3, ST-4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from orch_gates.errors import StateDenied, StateExhausted, StateUnclear


@dataclass(frozen=True, slots=True)
class Committed:
    """Written, once. `confirmed_late`: the server's answer got lost, the commit was found afterwards (ST-3)."""

    commit: str
    generation: int
    op: str
    attempts: int
    confirmed_late: bool = False


@dataclass(frozen=True, slots=True)
class NothingToDo:
    """Decided on the freshly read commit `tip`: there is nothing to change."""

    tip: str


@dataclass(frozen=True, slots=True)
class Exists:
    """There is a state branch already, so none was made."""

    tip: str


@dataclass(frozen=True, slots=True)
class Restored:
    """The branch stands at `commit` again; `how` says in one line what was done.

    `lost` is the commit that stood there instead, `kept` the ref that keeps it; empty where nothing does.
    """

    commit: str
    generation: int
    how: str
    lost: str = ""
    kept: str = ""


Result: TypeAlias = Committed | NothingToDo
Initialised: TypeAlias = Committed | Exists
Restoration: TypeAlias = Restored | NothingToDo


def commit_of(result: Result) -> str:
    """The commit that was made; empty where there was nothing to do."""
    return result.commit if isinstance(result, Committed) else ""


def denied(reason: str) -> StateDenied:
    """The server refused a push, in its own words."""
    return StateDenied(f"the server refused the change of the state branch: {reason}")


def exhausted(attempts: int, seconds: float) -> StateExhausted:
    """Others were faster every time until the deadline."""
    return StateExhausted(
        f"others changed the state branch {attempts} times within {seconds:.0f} s; nothing was written, try again"
    )


def unclear(op: str, reason: str) -> StateUnclear:
    """A commit was sent, and nobody could say whether the server took it."""
    return StateUnclear(op, f"could not check whether change {op} was recorded: {reason}; run the command again")
