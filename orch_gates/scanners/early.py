"""The engine started before anything else is imported or asked: its rules take longer to load than all the rest."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from orch_gates import settings as settings_module
from orch_gates.errors import OrchError
from orch_gates.scanners import engine, locate
from orch_gates.scanners.engine import Engine
from orch_gates.settings import Settings

# The repository's own file may give a check more time than the environment does, and is read later.
_LEAST_S = 3_600
# Loading takes a third of a second; longer than this an engine is not kept for a command that may run for hours.
SHORTLY_S = 30.0
_waiting: contextlib.ExitStack = contextlib.ExitStack()
_engines: list[Engine] = []


def start(seconds: float = 0.0) -> None:
    """Start the engine that the environment chooses; nothing happens where it has to wait, or cannot be started.

    It lives so many `seconds`, or as long as a check may take.

    It waits where its rules have to be derived first, and where it is not the one that comes with orch-gates.
    Whoever needs it then starts it, and tells what is wrong.
    """
    with contextlib.suppress(OrchError):
        _engines.append(_waiting.enter_context(_started(settings_module.load(), seconds)))


@contextlib.contextmanager
def taken() -> Iterator[Engine | None]:
    """The engine that was started early, or None; it ends with the block."""
    with _waiting.pop_all():
        yield _engines.pop() if _engines else None


def life(settings: Settings) -> float:
    """The longest that a process scans, in seconds; the check ends it, and it ends when nobody asks any more."""
    return max(settings.security.budget.seconds, _LEAST_S)


def worker_env(settings: Settings) -> dict[str, str]:
    """What the process that scans may know of the environment: nothing but where programs are."""
    return {"PATH": settings.inherited_env.get("PATH", ""), "LC_ALL": "C.UTF-8"}


def _started(settings: Settings, seconds: float) -> contextlib.AbstractContextManager[Engine]:
    enabled = settings.scope("security").enabled
    given = locate.ready(settings.security.engine, settings.tools, settings.inherited_env) if enabled else None
    if given is None:
        raise OrchError("the scanner is not ready yet")
    return engine.start(given, worker_env(settings), timeout=seconds or life(settings))
