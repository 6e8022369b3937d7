"""Which forge a repository is on: named, known by its address, asked, or told by its workflows."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from orch_gates.errors import ForgeUnavailable, SettingsError
from orch_gates.forge import probe
from orch_gates.forge.detect import is_path
from orch_gates.forge.gitea import connect as gitea
from orch_gates.forge.http import Observe
from orch_gates.forge.port.server import ForgeKind

_KNOWN: Mapping[str, ForgeKind] = {"github.com": ForgeKind.GITHUB, "codeberg.org": ForgeKind.FORGEJO}
_FOLDERS = ((".forgejo/", ForgeKind.FORGEJO), (".gitea/", ForgeKind.GITEA))
_SCP = re.compile(r"(?:[^@/]+@)?([^:/]+):(?!//)(.+)")
# A person waits for it, and it may be somebody's ssh server only.
_MOST_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class ForgeLocation:
    """A forge: `kind` is None where none is known. `server` is its url, empty where not known; `told_by` for people.

    `none`: somebody said that there is none.
    """

    kind: ForgeKind | None
    server: str = ""
    told_by: str = ""
    none: bool = False

    @property
    def workflows(self) -> ForgeKind | None:
        """The kind, where the forge runs workflows."""
        return None if self.kind is ForgeKind.LOCAL else self.kind


def find(
    kind: str, url: str, remote: str, workflows: Mapping[str, str], timeout: float, observe: Observe
) -> ForgeLocation:
    """The forge of a repository; `kind` and `url` are what settings say, `remote` is where the clone is from.

    Whatever the network does, there is an answer.

    Raises:
        SettingsError: no address can be made of what the settings say.
    """
    place = url or remote
    server = "" if is_path(place) else server_of(place)
    if kind == "none":
        return ForgeLocation(None, server, "ORCH_FORGE or --forge", none=True)
    if kind != "auto":
        return ForgeLocation(ForgeKind(kind), server, "ORCH_FORGE or --forge")
    if place and is_path(place):
        return ForgeLocation(ForgeKind.LOCAL, "", "a path on this disk")
    if known := _KNOWN.get(urlsplit(server).hostname or ""):
        return ForgeLocation(known, server, "its address")
    why = "this clone has no remote"
    if server:
        try:
            return ForgeLocation(_kind_of(server, min(timeout, _MOST_SECONDS), observe), server, "the server")
        except (ForgeUnavailable, SettingsError) as error:
            why = str(error)
    used = next((found for folder, found in _FOLDERS if any(path.startswith(folder) for path in workflows)), None)
    return ForgeLocation(used, server, "its workflows" if used else why)


def server_of(url: str) -> str:
    """The web address of the server that a remote is on; that of an ssh server is guessed. Empty without a host."""
    if "://" not in url and (found := _SCP.fullmatch(url)):
        return f"https://{found[1]}"
    try:
        parts = urlsplit(url)
        if parts.scheme in {"http", "https"} and parts.hostname:
            return f"{parts.scheme}://{parts.hostname}" + (f":{parts.port}" if parts.port else "")
        return f"https://{parts.hostname}" if parts.hostname else ""
    except ValueError:
        return ""


def _kind_of(server: str, timeout: float, observe: Observe) -> ForgeKind:
    found = probe.kind(server, timeout, observe)
    if found is not ForgeKind.GITEA:
        return found
    # Of the repository nothing is asked.
    return gitea.connect(server, "orch/orch-gates", "", timeout, observe).server.about().kind
