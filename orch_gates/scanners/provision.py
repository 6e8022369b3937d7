"""Making the engine ready, and believing in it only after it has found a random token (SEC-6)."""

from __future__ import annotations

from collections.abc import Iterator

from orch_gates import clock
from orch_gates.errors import OrchError, ScannerError
from orch_gates.scanners import engine, locate
from orch_gates.scanners.engine import ScanLimits
from orch_gates.scanners.matcher import canary
from orch_gates.settings import Settings

_TRIAL_TIMEOUT_S = 60
_ORDINARY = "def add(left, right):\n    return left + right\n"
_LIMITS = ScanLimits(object_bytes=1_000_000, content_bytes=1_000_000)


def provision(settings: Settings) -> Iterator[str]:
    """Derive the rules where they are missing, and try the engine; yields a line about each step.

    Raises:
        ScannerError: it does not work.
    """
    found = locate.engine(settings.security.engine, settings.tools, settings.inherited_env)
    if "rules" in found:
        yield f"rules: in {found['rules']}"
    yield f"engine: {tried(found, settings)} works"


def tried(found: dict[str, str], settings: Settings) -> str:
    """The engine's name, version and rules, once it has found a token that it has never seen, and nothing else.

    Raises:
        ScannerError: it does not.
    """
    token = canary().decode("ascii")
    deadline = clock.monotonic() + _TRIAL_TIMEOUT_S
    env = settings.inherited_env
    try:
        with engine.start(found, {"PATH": env.get("PATH", "")}, timeout=_TRIAL_TIMEOUT_S) as started:
            texts = (("file", "leak", f"key = '{token}'\n"), ("file", "ordinary", _ORDINARY))
            scan = started.scan(None, texts, _LIMITS, deadline)
            pin = started.pin
    except OrchError as error:
        raise ScannerError(f"the engine does not work, so no gate can pass: {error}") from error
    if [(hit.oid, hit.secret.decode("utf-8", "replace")) for hit in scan.hits] != [("leak", token)]:
        raise ScannerError("the engine does not find a random token, or finds one in ordinary text")
    return pin
