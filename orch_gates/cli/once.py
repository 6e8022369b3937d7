"""A question that is asked once in a command, however often its answer is needed."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from orch_gates.errors import OrchError

_P = ParamSpec("_P")
_T = TypeVar("_T")


def once(ask: Callable[_P, _T]) -> Callable[_P, _T]:
    """The first answer, or the first error, for every later question of the same arguments.

    A decision that is taken again, because others wrote the state meanwhile, costs no second request,
    and a forge that does not answer is not waited for twice.
    """
    known: dict[tuple[object, ...], tuple[_T] | OrchError] = {}

    def answer(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        key = (*args, *kwargs.items())
        if key not in known:
            try:
                known[key] = (ask(*args, **kwargs),)
            except OrchError as error:
                known[key] = error
        found = known[key]
        if isinstance(found, OrchError):
            raise found
        return found[0]

    return answer
