"""Where workflows find the actions of orch-gates: the repository and the commit that this program is from."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path
from urllib.parse import urlsplit

from orch_gates.adopt import marker
from orch_gates.errors import GitError, UsageError
from orch_gates.forge.detect import is_path
from orch_gates.forge.port.server import ForgeKind
from orch_gates.git.cli import open_repository

_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_NAMED = re.compile(r"[A-Za-z0-9._-]+/[A-Za-z0-9._-]+")
_SCP = re.compile(r"(?:[^@/]+@)([^:/]+):(?!//)(.+)")
_USED = re.compile(r"uses: (?P<place>\S+)/actions/\w+@(?P<commit>[0-9a-f]{40,64})\b")
_LIKE = "--actions must be like https://git.example.org/orch/orch-gates@<full commit id>, or orch/orch-gates@…"


@dataclass(frozen=True, slots=True)
class Bundle:
    """A repository, by url or as `owner/name` on the forge itself, and a commit of it; empty where not known."""

    place: str = ""
    commit: str = ""

    def url(self, server: str) -> str:
        """Where git finds it."""
        return f"{server}/{self.place}" if _NAMED.fullmatch(self.place) else self.place

    def uses(self, kind: ForgeKind, server: str) -> str:
        """What stands before `/actions/` in a workflow of this kind on this server; empty where it cannot be used."""
        if not self.place or _NAMED.fullmatch(self.place):
            return self.place
        parts = urlsplit(self.place)
        if kind is not ForgeKind.GITHUB:
            return self.place
        # GitHub takes actions from itself alone.
        return parts.path.strip("/") if parts.hostname == (urlsplit(server).hostname or "github.com") else ""

    def page(self, path: str, server: str = "", *, github: bool = False) -> str:
        """Where a page of its docs is read, which the repositories that it is used in do not have.

        `server` is where it is, named as `owner/name`; `github`: that server is a GitHub.
        """
        url = self.url(server)
        host = urlsplit(url).hostname
        if not (host and self.commit):
            return f"{path} in the repository of orch-gates"
        ours = host == "github.com" or (github and host == urlsplit(server).hostname)
        return f"{url}/{'blob' if ours else 'src/commit'}/{self.commit}/{path}"


def named(text: str) -> Bundle:
    """What `--actions` names; without a commit, the one of this program is meant.

    Raises:
        UsageError: it cannot be used in a workflow.
    """
    place, at, commit = text.rpartition("@")
    if not at or not _COMMIT.fullmatch(commit):
        place, commit = text, ""
    place = place if _NAMED.fullmatch(place) else _web(place)
    if not place:
        raise UsageError(_LIKE)
    return Bundle(place, commit)


def installed(inherited: Mapping[str, str], timeout: float) -> Bundle:
    """What this program was installed from, or is a checkout of; what is not known of it is empty."""
    package = Path(__file__).resolve().parent.parent
    try:
        found = metadata.distribution("orch-gates")
        ours = Path(str(found.locate_file(package.name))).resolve() == package
        direct_url = json.loads(found.read_text("direct_url.json") or "{}") if ours else {}
    except (metadata.PackageNotFoundError, ValueError, OSError):
        direct_url = {}
    if isinstance(direct_url, dict) and isinstance(vcs := direct_url.get("vcs_info"), dict):
        commit = str(vcs.get("commit_id"))
        return Bundle(_web(str(direct_url.get("url", ""))), commit if _COMMIT.fullmatch(commit) else "")
    return _checkout(package, inherited, timeout)


def recorded(texts: Iterable[str]) -> Bundle:
    """What workflows that init wrote before use: they stay with it until somebody names another (pure).

    One that is as init wrote it counts before one that was changed by hand since.
    """
    written = sorted((text for text in texts if marker.find(text) is not None), key=marker.covered, reverse=True)
    found = (match for text in written if (match := _USED.search(text)))
    return next((Bundle(match["place"], match["commit"]) for match in found), Bundle())


def completed(given: Bundle, known: Bundle) -> Bundle:
    """What was named, with the commit of this program where none was named."""
    return replace(given, commit=given.commit or known.commit)


def _checkout(package: Path, inherited: Mapping[str, str], timeout: float) -> Bundle:
    try:
        git = open_repository(package.parent, inherited, timeout=timeout)
        # Somebody else's repository may hold an installation of this program.
        if git.blob("HEAD", f"{package.name}/adopt/bundle.py") is None:
            return Bundle()
        url = git.run("config", "--get", "remote.origin.url").stdout.decode("utf-8", "replace").strip()
        return Bundle(_web(url), git.resolve("HEAD"))
    except GitError:
        return Bundle()


def _web(url: str) -> str:
    """A url as runners fetch it, without a user; empty where it leads to none."""
    if found := _SCP.fullmatch(url):
        url = f"https://{found[1]}/{found[2]}"
    if is_path(url) or not url:
        return ""
    try:
        parts = urlsplit(url)
        host = f"{parts.hostname}:{parts.port}" if parts.port and parts.scheme != "ssh" else parts.hostname
    except ValueError:
        return ""
    path = parts.path.rstrip("/").removesuffix(".git")
    scheme = "http" if parts.scheme == "http" else "https"
    plain = (
        parts.scheme in {"http", "https", "ssh"}
        and not (parts.query or parts.fragment)
        and re.fullmatch(r"(?:/[A-Za-z0-9._-]+){2,}", path)
    )
    return f"{scheme}://{host}{path}" if plain and host else ""
