"""Which forge to use: from the options, from the CI job, and from the clone's origin (pure)."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from urllib.parse import SplitResult, unquote, urlsplit

from orch_gates.documents import escape
from orch_gates.errors import SettingsError
from orch_gates.forge.port.server import ForgeKind

_REPOSITORY = re.compile(r"(?!\.\.?/)[A-Za-z0-9._-]{1,100}/(?!\.\.?\Z)[A-Za-z0-9._-]{1,100}")
_SCP = re.compile(r"(?:[^@/]+@)?(\[[^\]]+\]|[^:/]+):(?!//)(.+)")
_GITHUB = "https://github.com"
_LIKE = (
    "ORCH_FORGE_URL has to be like https://git.example.org, with no user, password, `?` or `#` in it; "
    "or the path of a bare repository"
)
_NAMED = "set ORCH_FORGE_REPOSITORY to the repository, as owner/name"


@dataclass(frozen=True, slots=True)
class ForgeOptions:
    """The settings and options for the forge; `kind` is a value of ORCH_FORGE."""

    kind: str = "auto"
    url: str = ""
    repository: str = ""
    token: bool = False


@dataclass(frozen=True, slots=True)
class CiJob:
    """The CI job that this runs in; `forge` is empty outside of one."""

    forge: str = ""
    server: str = ""


@dataclass(frozen=True, slots=True)
class ForgeAddress:
    """A repository on a forge; where `kind` is None, the server has to be asked for it.

    For the kind local `url` is a path, and there is no name of a repository.
    """

    kind: ForgeKind | None
    url: str
    repository: str = ""


def resolve_forge(options: ForgeOptions, job: CiJob, origin: str) -> ForgeAddress | None:
    """The forge to use; None where there is none. `origin` is the url or path that the clone is from.

    The forge of the CI job is used only where there is a token for it.

    Raises:
        SettingsError: the options cannot be used, or are not enough.
    """
    match options.kind:
        case "none":
            return None
        case "auto" if options.url:
            return _at(options, job, origin, _kind_of(options.url, job))
        case "auto":
            return _at(options, job, origin, ForgeKind(job.forge)) if job.forge and options.token else None
        case kind:
            return _at(options, job, origin, ForgeKind(kind))


def _at(options: ForgeOptions, job: CiJob, origin: str, kind: ForgeKind | None) -> ForgeAddress:
    if kind is ForgeKind.LOCAL:
        return ForgeAddress(kind, _path(options.url, origin))
    parts = _checked(options.url or _usual_url(kind, job))
    url = parts.geturl().rstrip("/")
    repository = options.repository or _repository_at(parts, origin)
    if not _REPOSITORY.fullmatch(repository):
        raise SettingsError(_NAMED if options.repository else f"{_unnamed(parts, origin)}{_NAMED}")
    return ForgeAddress(kind, url, repository)


def _unnamed(forge: SplitResult, origin: str) -> str:
    """Why the clone does not say which repository is meant; the url may be that of a page, or of the API."""
    if forge.path.strip("/") and _repository_at(forge._replace(path=""), origin):
        return "this clone's origin is not below the path of ORCH_FORGE_URL; leave that path out, or "
    elsewhere = f"it is at {place}: fix ORCH_FORGE_URL, or " if (place := server_of(origin)) else ""
    return f"no remote `origin` here points to {escape.visible(forge.netloc)}; {elsewhere}"


def _kind_of(url: str, job: CiJob) -> ForgeKind | None:
    if is_path(url):
        return ForgeKind.LOCAL
    host = _checked(url).netloc.lower()
    if host == "github.com":
        return ForgeKind.GITHUB
    return ForgeKind(job.forge) if job.forge and host == urlsplit(job.server).netloc.lower() else None


def _usual_url(kind: ForgeKind | None, job: CiJob) -> str:
    """Where a kind of forge is when nobody says: at the job's own server, or the one that all know."""
    alike = {ForgeKind.GITEA, ForgeKind.FORGEJO} if kind is not ForgeKind.GITHUB else {ForgeKind.GITHUB}
    if job.forge and job.server and ForgeKind(job.forge) in alike:
        return job.server
    if kind is ForgeKind.GITHUB:
        return _GITHUB
    raise SettingsError("ORCH_FORGE_URL has to say where the forge is, like https://git.example.org")


def _path(url: str, origin: str) -> str:
    found = url or origin
    if not found or not is_path(found):
        raise SettingsError("ORCH_FORGE=local needs ORCH_FORGE_URL, the path of a bare repository")
    return unquote(found.removeprefix("file://")) if found.startswith("file://") else found


def server_of(origin: str) -> str:
    """The server that a clone's web url leads to, without user and path; empty for another kind of url."""
    try:
        parts = urlsplit(origin)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.hostname}{port}" if parts.scheme in {"http", "https"} and parts.hostname else ""


def maybe_at(origin: bytes) -> str:
    """The server that a clone is from, as the guess at the end of a sentence; empty where its url names none."""
    place = server_of(origin.decode("utf-8", "replace").strip())
    return f", which may be {place}" if place else ""


def is_path(url: str) -> bool:
    """Whether this names a place on this disk."""
    return url.startswith("file://") or ("://" not in url and _SCP.fullmatch(url) is None)


def same_repository(one: str, other: str) -> bool:
    """Whether two urls or paths lead to one repository, as far as their spelling tells.

    The way to it (ssh, https, a user, a port) and `.git` make no other one, nor does the case of its letters.
    """
    found = _host_and_path(one)
    return found is not None and found == _host_and_path(other)


def name_of(url: str) -> str:
    """The name of a repository as people say it, from its url or path, without where it is; empty where it has none."""
    try:
        match = _SCP.fullmatch(url) if not is_path(url) and "://" not in url else None
        path = match[2] if match is not None else urlsplit(url).path
    except ValueError:
        return ""
    parts = unquote(path).rstrip("/").removesuffix("/.git").removesuffix(".git").strip("/").split("/")
    return parts[-1] if is_path(url) else "/".join(parts[-2:])


def _host_and_path(url: str) -> tuple[str, str] | None:
    """The host, empty for this machine, and the path there; None where the url cannot be read."""
    if is_path(url):
        path = unquote(url.removeprefix("file://")) if url.startswith("file://") else url
        return "", posixpath.normpath(path).removesuffix(".git").rstrip("/")
    try:
        parts = urlsplit(url)
        host, path = parts.hostname or "", parts.path
    except ValueError:
        return None
    if "://" not in url and (match := _SCP.fullmatch(url)):
        host, path = match[1].strip("[]"), match[2]
    named = unquote(path).strip("/").removesuffix(".git").casefold()
    return (host.lower().rstrip("."), named) if host and named else None


def _checked(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        raise SettingsError(_LIKE) from None
    if not usable or len(url.split()) > 1 or parts.username is not None or parts.query or parts.fragment:
        raise SettingsError(_LIKE)
    return parts


def _repository_at(forge: SplitResult, origin: str) -> str:
    """The `owner/name` that an origin names on this forge; empty where it is somewhere else."""
    try:
        parts = urlsplit(origin)
        same_port = parts.scheme not in {"http", "https"} or _port(parts) == _port(forge)
        host, path = parts.hostname or "", parts.path
    except ValueError:
        return ""
    below = f"{forge.path.strip('/')}/".lstrip("/") if parts.scheme in {"http", "https"} else ""
    if "://" not in origin and (match := _SCP.fullmatch(origin)):
        host, path, same_port = match[1].lower(), match[2], True
    named = path.strip("/").removesuffix(".git")
    here = same_port and host == forge.hostname and named.startswith(below)
    named = named.removeprefix(below)
    return named if here and named.count("/") == 1 else ""


def _port(parts: SplitResult) -> int:
    return parts.port or {"http": 80, "https": 443}[parts.scheme]
