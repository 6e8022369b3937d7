"""Who we are at a registry: by the settings, or by the file that `docker login` writes (OWN-1)."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from orch_gates.errors import SettingsError

_MOST_BYTES = 1024 * 1024
# The name under which docker keeps a login for Docker Hub.
_DOCKER_HUB = "https://index.docker.io/v1/"


@dataclass(frozen=True, slots=True)
class Login:
    """A user and a password or token."""

    user: str
    secret: str = field(repr=False)

    @property
    def basic(self) -> str:
        """The value of the header `Authorization`."""
        return f"Basic {base64.b64encode(f'{self.user}:{self.secret}'.encode()).decode()}"


@dataclass(frozen=True, slots=True)
class Logins:
    """A login for one host from the settings, and those of docker's file, which is read when it is needed."""

    host: str
    login: Login | None
    docker_config: str

    def of(self, host: str) -> Login | None:
        """The login for a registry, by the name that references give it; None where there is none.

        Raises:
            SettingsError: docker's file cannot be used.
        """
        if self.login is not None and host == self.host:
            return self.login
        auths = self._file().get("auths")
        for name, entry in auths.items() if isinstance(auths, dict) else ():
            if _host(name) == host and isinstance(entry, dict) and (found := self._entry(name, entry)):
                return found
        return None

    def hint(self, host: str) -> str:
        """What to say to somebody who was refused without a login for this host; empty where nothing is to be said."""
        config = self._file()
        helpers = config.get("credHelpers")
        named = isinstance(helpers, dict) and any(_host(name) == host for name in helpers)
        if named or config.get("credsStore"):
            return (
                f"docker's file {self.docker_config} leaves the login for {host} to a credential helper, "
                "and no helper is run here; "
            )
        return ""

    def _entry(self, name: str, entry: Mapping[str, Any]) -> Login | None:
        if entry.get("identitytoken"):
            raise SettingsError(
                f"{self.docker_config} has an identity token for {name}, which is not used here; "
                "set ORCH_REGISTRY_USER and ORCH_REGISTRY_TOKEN"
            )
        packed, user, password = (entry.get(key) for key in ("auth", "username", "password"))
        if isinstance(packed, str) and packed:
            try:
                user, colon, password = base64.b64decode(packed, validate=True).decode("utf-8").partition(":")
            except ValueError:
                colon = ""
            if not colon:
                raise SettingsError(f"{self.docker_config}: `auth` of {name} is not a user and a password in base64")
        if isinstance(user, str) and isinstance(password, str) and user and password:
            return Login(user, password)
        return None

    def _file(self) -> dict[str, Any]:
        if not self.docker_config:
            return {}
        path = Path(self.docker_config)
        try:
            # In a cluster it is a link to a mounted secret, so links are followed.
            with path.open("rb") as stream:
                data = stream.read(_MOST_BYTES + 1) if path.is_file() else b""
        except (FileNotFoundError, NotADirectoryError):
            return {}
        except OSError as error:
            raise SettingsError(f"docker's file {path} cannot be read: {error.strerror}") from error
        try:
            found = json.loads(data) if len(data) <= _MOST_BYTES else None
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise SettingsError(f"docker's file {path} is not a JSON object; run `docker login` again, or remove it")
        return found


def _host(name: str) -> str:
    """The host of an entry, which may be spelled as an address."""
    if name == _DOCKER_HUB:
        return "docker.io"
    return name.partition("://")[2].partition("/")[0].lower() if "://" in name else name.partition("/")[0].lower()
