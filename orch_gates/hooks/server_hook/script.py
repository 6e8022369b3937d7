"""The text of the hook: what it runs, and by which engine and rules it was proven (SEC-10)."""

from __future__ import annotations

import itertools
import os
import shlex
import shutil
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from orch_gates.errors import UsageError
from orch_gates.hooks.server_hook.kinds import OURS
from orch_gates.hooks.server_hook.owner import Owner
from orch_gates.scanners import locate, provision
from orch_gates.settings import Settings

NAME = "orch-gates"
_SCRIPT = """\
#!/bin/sh
# Refuses a push that adds a secret, or one that cannot be judged. {ours}
{variables}[ -x {program} ] || {{
    echo "orch-gates: push refused: {program} is missing on this server" >&2
    exit 2
}}
exec {program} hook pre-receive
"""


@dataclass(frozen=True, slots=True)
class Script:
    """What a hook of ours says: the program that it runs, and the variables that it sets."""

    program: str
    variables: dict[str, str]

    @property
    def pin(self) -> str:
        """The engine and rules that it was proven with; empty where it names none."""
        return self.variables.get("ORCH_SECURITY_PIN", "")


def text(settings: Settings, pin: str) -> bytes:
    """The hook that runs this installation, bound to an engine.

    Raises:
        UsageError: there is no program to run.
    """
    # A repository's own file must not choose another engine than the one that was proven.
    known = {"ORCH_SECURITY_PIN": pin, "ORCH_SECURITY_ENGINE": settings.security.engine}
    if settings.tools.gitleaks:
        known["ORCH_GITLEAKS_BIN"] = settings.tools.gitleaks
    if settings.help_url:
        known["ORCH_HELP_URL"] = settings.help_url
    if settings.tools.cache_dir is not None:
        # The server runs the hook with another HOME, or none.
        known["ORCH_CACHE_DIR"] = str(settings.tools.cache_dir.resolve())
    variables = "".join(f"export {name}={_quoted(value)}\n" for name, value in sorted(known.items()))
    script = _SCRIPT.format(ours=OURS.decode(), program=_quoted(str(program())), variables=variables)
    return os.fsencode(script)


def parse(content: bytes) -> Script | None:
    """What a hook of ours says; None where a person changed it into something else."""
    try:
        arguments = shlex.split(os.fsdecode(content), comments=True)
    except ValueError:
        return None
    variables = {}
    for before, word in itertools.pairwise(arguments):
        if before == "export" and "=" in word:
            name, _, value = word.partition("=")
            variables[name] = value
    if arguments[-4:-3] != ["exec"] or arguments[-2:] != ["hook", "pre-receive"]:
        return None
    return Script(arguments[-3], variables)


def program() -> Path:
    """The program of this installation, as a hook can name it.

    Raises:
        UsageError: it is not there.
    """
    found = Path(sys.executable).parent / NAME
    if not found.exists():
        on_path = shutil.which(NAME)
        if on_path is None:
            raise UsageError("the orch-gates program itself was not found; install it with pip or `make setup`")
        found = Path(on_path).absolute()
    return found


def pin(settings: Settings) -> str:
    """What the engine that will judge is pinned by, once it has found a random token.

    Raises:
        ScannerError: it does not.
    """
    return provision.tried(locate.engine(settings.security.engine, settings.tools, settings.inherited_env), settings)


def for_owner(settings: Settings, owner: Owner) -> Settings:
    """The settings that are written into the hook of a user: root's own cache would be closed to that one."""
    if not owner.is_other or settings.inherited_env.get("ORCH_CACHE_DIR"):
        return settings
    cache = Path(owner.home) / ".cache" / NAME if owner.home else None
    return replace(settings, tools=replace(settings.tools, cache_dir=cache))


def _quoted(value: str) -> str:
    return "'" + value.replace("'", "'\\''") + "'"
