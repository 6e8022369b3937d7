"""The settings of what is delivered: where images are; declared as in `groups.py`."""

from __future__ import annotations

from dataclasses import dataclass

from orch_gates.variables.setting import MOST_SECONDS, setting


@dataclass(frozen=True, slots=True)
class RegistrySettings:
    """The registry of images, and who we are there (IMG-1); what belongs to a machine, never to a repository.

    `docker_config` is the file that `docker login` writes, empty where there can be none.
    """

    user: str = setting("ORCH_REGISTRY_USER", "", "The user at the registry of an image.")
    token: str = setting("ORCH_REGISTRY_TOKEN", "", "The password or token of that user.", secret=True)
    host: str = setting(
        "ORCH_REGISTRY_HOST", "", "The registry that this login is for; empty is that of the image that is named."
    )
    realms: tuple[str, ...] = setting(
        "ORCH_REGISTRY_REALMS",
        (),
        "Other hosts that may get the login, where a registry has its tokens made elsewhere.",
    )
    plain_http: tuple[str, ...] = setting(
        "ORCH_REGISTRY_PLAIN_HTTP", (), "Registries that are asked without TLS, as host:port; this machine always is."
    )
    timeout: float = setting(
        "ORCH_REGISTRY_TIMEOUT_S", 30, "Most seconds of one request to a registry.", most=MOST_SECONDS
    )
    docker_config: str = ""
