"""How a store's outcome ends a command: a commit, nothing, or an error that says what to do."""

from __future__ import annotations

from typing import assert_never

from orch_gates.errors import StateDenied, StateError, StateExhausted
from orch_gates.state import outcome


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
        case outcome.Exhausted(attempts=attempts, seconds=seconds):
            raise StateExhausted(
                f"others changed the state branch {attempts} times within {seconds:.0f} s; "
                "nothing was written, try again"
            )
        case outcome.Denied(reason=reason):
            raise StateDenied(f"the server refused the change of the state branch: {reason}")
        case outcome.Missing(reason=reason) | outcome.Rewound(reason=reason) | outcome.Unreachable(reason=reason):
            raise StateError(reason)
        case outcome.Unknown(op=op, reason=reason):
            raise StateError(
                f"whether change {op} was recorded could not be found out: {reason}; run the command again"
            )
        case _:
            assert_never(result)
