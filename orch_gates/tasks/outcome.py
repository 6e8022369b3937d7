"""How a store's outcome ends a command: a commit, nothing, or an error that says what to do."""

from __future__ import annotations

from typing import TypeAlias, assert_never

from orch_gates.errors import StateDenied, StateError, StateExhausted
from orch_gates.state import outcome

Failed: TypeAlias = (
    outcome.Exhausted | outcome.Denied | outcome.Missing | outcome.Rewound | outcome.Unreachable | outcome.Unknown
)


def settled(result: outcome.Result) -> str:
    """The commit that was made; empty where there was nothing to do.

    Raises:
        StateExhausted: others were always faster; nothing was written, try again later.
        StateDenied: the server refused it.
        StateError: it could not be written, or whether it was could not be found out.
    """
    match result:
        case outcome.Committed(commit=commit):
            return commit
        case outcome.NothingToDo():
            return ""
        case _:
            raise unsettled(result)


def unsettled(result: Failed) -> StateError:
    """The error that tells of an outcome without an effect, or with one that could not be proven."""
    match result:
        case outcome.Exhausted(attempts=attempts, seconds=seconds):
            return StateExhausted(
                f"others changed the state branch {attempts} times within {seconds:.0f} s; "
                "nothing was written, try again"
            )
        case outcome.Denied(reason=reason):
            return StateDenied(f"the server refused the change of the state branch: {reason}")
        case outcome.Missing(reason=reason) | outcome.Rewound(reason=reason) | outcome.Unreachable(reason=reason):
            return StateError(reason)
        case outcome.Unknown(op=op, reason=reason):
            return StateError(
                f"whether change {op} was recorded could not be found out: {reason}; run the command again"
            )
        case _:
            assert_never(result)
