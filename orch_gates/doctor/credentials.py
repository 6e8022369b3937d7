"""The environment without what looks like a credential, for programs that a repository brings along (OWN-1)."""

from __future__ import annotations

import re
from collections.abc import Mapping

from orch_gates.config.table import BY_VARIABLE
from orch_gates.jobs.environment import without_secrets
from orch_gates.settings import Settings

_NAMED_SO = re.compile(r"TOKEN|SECRET|PASSW|PASSPHRASE|CREDENTIAL|KEY|AUTH|NETRC|ASKPASS", re.IGNORECASE)
_IN_ADDRESS = re.compile(r"://[^/@\s]+:[^/@\s]+@")
# What git is configured by, in pairs of a name and a value; their own names hold a KEY.
_GIT_NAME, _GIT_VALUE = "GIT_CONFIG_KEY_", "GIT_CONFIG_VALUE_"
_GIT_CREDENTIAL = re.compile(r"extraheader|credential|token|secret|password|cookie|sslkey", re.IGNORECASE)


def without_credentials(settings: Settings) -> dict[str, str]:
    """What we inherited, without our own secrets and whatever is named or spelled as one."""
    env = settings.inherited_env
    own = {variable for variable, one in BY_VARIABLE.items() if one.secret} | {settings.forge.token_env}
    looking = {name for name, value in env.items() if _looks_so(name, value, env)}
    return without_secrets(env, own | looking, settings.forge.token)


def _looks_so(name: str, value: str, env: Mapping[str, str]) -> bool:
    if _IN_ADDRESS.search(value):
        return True
    if name.startswith(_GIT_NAME):
        return False
    if name.startswith(_GIT_VALUE):
        return bool(_GIT_CREDENTIAL.search(env.get(f"{_GIT_NAME}{name.removeprefix(_GIT_VALUE)}", "")))
    if name == "GIT_CONFIG_PARAMETERS":
        return bool(_GIT_CREDENTIAL.search(value))
    return bool(_NAMED_SO.search(name))
