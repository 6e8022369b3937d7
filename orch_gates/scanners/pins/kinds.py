"""The kinds of files that pin Python packages: by which name each is known, and by what it is read."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto

from orch_gates.errors import PinsUnreadable
from orch_gates.scanners.pins import conda, locks, pipfile, pyproject, requirements, setup_cfg
from orch_gates.scanners.pins.pin import Pins

_NOT_RUN = "a program, which is not run"
_NO_READER = "a lockfile of an unknown kind"

# Locks of other languages and of other tools, which pin no Python package.
_FOREIGN_LOCK = re.compile(
    r"""(?: berksfile | buf | bun | cargo | cartfile | chart | composer | deno | devbox | devenv | dvc | flake
          | gemfile | gopkg | mint | mix | module\.bazel | package | paket | podfile | pubspec | rebar | shard
          | spack | stack\.yaml | symfony | yarn )\.lock""",
    re.VERBOSE | re.IGNORECASE,
)


class FileRole(Enum):
    """How a kind goes together with the files beside it."""

    LOCK = auto()  # what it pins is what gets installed, also for a SOURCE beside it
    SOURCE = auto()  # its ranges are what a lock beside it was made from
    ALONE = auto()


@dataclass(frozen=True, slots=True)
class PinFileKind:
    """A kind of files: `read` raises PinsUnreadable; without it files are recognised and not read, for `reason`."""

    name: re.Pattern[str]
    role: FileRole
    read: Callable[[bytes, str], Pins] | None = None
    reason: str = ""


def _named(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


# Ordered: the first one whose name matches counts.
KINDS = (
    PinFileKind(_named(r"(?:uv|.*\.py|poetry|pdm|pdm\..+)\.lock|pylock(?:\..+)?\.toml"), FileRole.LOCK, locks.read),
    PinFileKind(_named(r"pipfile\.lock"), FileRole.LOCK, pipfile.read_lock),
    PinFileKind(_named(r"pipfile"), FileRole.SOURCE, pipfile.read),
    PinFileKind(_named(r"pyproject\.toml"), FileRole.SOURCE, pyproject.read),
    PinFileKind(_named(r"setup\.cfg"), FileRole.SOURCE, setup_cfg.read),
    PinFileKind(_named(r"setup\.py"), FileRole.ALONE, reason=_NOT_RUN),
    PinFileKind(_named(r"(?:.*[-_.])?conda-lock\.ya?ml|pixi\.(?:toml|lock)"), FileRole.ALONE, reason=_NO_READER),
    PinFileKind(
        _named(r"(?:.*[-_.])?environment(?:[-_.].*)?\.ya?ml|conda(?:[-_]?env)?\.ya?ml"),
        FileRole.ALONE,
        conda.read,
    ),
)
_REQUIREMENTS = PinFileKind(_named(r".*"), FileRole.LOCK, requirements.read)
_REQUIREMENTS_SOURCE = PinFileKind(_named(r".*\.in"), FileRole.SOURCE, requirements.read)
_UNKNOWN_LOCK = PinFileKind(_named(r".+\.lock"), FileRole.ALONE, reason=_NO_READER)


def kind(path: str) -> PinFileKind | None:
    """Of which kind a file of this name is; None where it pins no Python packages."""
    name = posixpath.basename(path)
    for known in KINDS:
        if known.name.fullmatch(name):
            return known
    if requirements.is_requirements(path):
        return _REQUIREMENTS_SOURCE if _REQUIREMENTS_SOURCE.name.fullmatch(name) else _REQUIREMENTS
    unknown = _UNKNOWN_LOCK.name.fullmatch(name) and not _FOREIGN_LOCK.fullmatch(name)
    return _UNKNOWN_LOCK if unknown else None


def read(data: bytes, path: str) -> Pins:
    """What a file of a known kind pins. Never raises: what cannot be read is said in `unread`."""
    known = kind(path)
    if known is None or not data.strip():
        return Pins({})
    if known.read is None:
        return Pins({}, unread=f"is not read: {known.reason}")
    try:
        return known.read(data, path)
    except PinsUnreadable as error:
        return Pins({}, unread=f"could not be read: {error}")


def settles(lock: str, source: str) -> bool:
    """Whether a file is a lock beside a source of ranges.

    That is in its folder, in the folder `requirements` there, or, as in a workspace of uv, above it.
    """
    known, asking = kind(lock), kind(source)
    if known is None or asking is None or known.role is not FileRole.LOCK or asking.role is not FileRole.SOURCE:
        return False
    above, folder = posixpath.dirname(lock), posixpath.dirname(source)
    if above in {folder, posixpath.join(folder, "requirements")}:
        return True
    return posixpath.basename(lock) == "uv.lock" and (not above or folder.startswith(f"{above}/"))
