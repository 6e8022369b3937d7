"""How an image is named: `host/name:tag@digest`, checked once (pure)."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from ipaddress import ip_address

from orch_gates.documents import escape
from orch_gates.errors import UsageError

DIGEST = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")
TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_HOST = re.compile(rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9A-Fa-f:.]+\])(?::[0-9]{{1,5}})?")
_PART = r"[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*"
_NAME = re.compile(rf"{_PART}(?:/{_PART})*")
_LONGEST = 1024
_LONGEST_NAME = 255
_DOCKER_HUB = "docker.io"


@dataclass(frozen=True, slots=True)
class Reference:
    """An image in a registry; `tag` and `digest` are empty where they are not named."""

    host: str
    name: str
    tag: str = ""
    digest: str = ""

    def __str__(self) -> str:
        return f"{self.repository}{self.tag and f':{self.tag}'}{self.digest and f'@{self.digest}'}"

    @property
    def repository(self) -> str:
        """Where its versions are, as `host/name`."""
        return f"{self.host}/{self.name}"

    @property
    def api_host(self) -> str:
        """The host that answers for the registry."""
        return "registry-1.docker.io" if self.host == _DOCKER_HUB else self.host

    def at(self, digest: str) -> Reference:
        """The version with this digest, whatever tags lead to it."""
        return replace(self, tag="", digest=digest)

    def tagged(self, tag: str) -> Reference:
        """What a tag of the same repository leads to."""
        return replace(self, tag=tag, digest="")


def parse(text: str, option: str) -> Reference:
    """The image that a text names; `option` is what a person has to correct.

    Raises:
        UsageError: it is not spelled as an image of a registry, or names neither a tag nor a digest.
    """
    shown = f"{option} {escape.clip(escape.visible(text), 200)}"
    host, slash, rest = text.partition("/")
    if len(text) > _LONGEST or not slash or not (host == "localhost" or "." in host or ":" in host):
        raise UsageError(
            f"{shown}: an image is named with its registry, like git.example.org/owner/app:v1; "
            "one of Docker Hub is docker.io/owner/app:v1"
        )
    rest, at, digest = rest.partition("@")
    name, colon, tag = rest.partition(":")
    host = host.lower()
    if host in {"index.docker.io", "registry-1.docker.io"}:
        host = _DOCKER_HUB
    if host == _DOCKER_HUB and "/" not in name:
        name = f"library/{name}"
    if not _HOST.fullmatch(host):
        raise UsageError(f"{shown}: the part before the first `/` must be a host name")
    if not _NAME.fullmatch(name) or len(name) > _LONGEST_NAME:
        raise UsageError(f"{shown}: the name must have lower-case letters, digits, `.`, `_`, `-` and `/` only")
    if colon and not TAG.fullmatch(tag):
        raise UsageError(f"{shown}: the tag is spelled with at most 128 letters, digits, `.`, `_` and `-`")
    if at and not DIGEST.fullmatch(digest):
        raise UsageError(f"{shown}: the digest is sha256: and 64 hexadecimal digits")
    if not (colon or at):
        raise UsageError(f"{shown}: give a tag or a digest; `latest` does not name a fixed version")
    return Reference(host, name, tag, digest)


def digest(text: str, option: str) -> str:
    """A digest, with or without an image before it: what `docker inspect` and Kubernetes tell of a running one.

    Raises:
        UsageError: it is none.
    """
    found = text.strip().rpartition("@")[2]
    if not DIGEST.fullmatch(found):
        shown = escape.clip(escape.visible(text), 200)
        raise UsageError(f"{option} {shown}: a digest is sha256: and 64 hexadecimal digits")
    return found


def tag(text: str, option: str) -> str:
    """A tag by itself.

    Raises:
        UsageError: it is none.
    """
    if not TAG.fullmatch(text):
        shown = escape.clip(escape.visible(text), 200)
        raise UsageError(f"{option} {shown}: a tag is spelled with at most 128 letters, digits, `.`, `_` and `-`")
    return text


def is_loopback(host: str) -> bool:
    """Whether a `host:port` is this machine, where nobody reads along."""
    bare = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
    if bare == "localhost":
        return True
    try:
        return ip_address(bare).is_loopback
    except ValueError:
        return False
