"""What a file pins, and which of its entries have no version to ask about (pure)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

# pip-audit ends with a traceback on a number of 4300 digits, and with it goes every other answer.
_LONGEST = 128
_NAME = r"(?P<name>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)"
_VERSION = (
    r"v?(?:\d+!)?\d+(?:\.\d+)*(?:[-_.]?(?:alpha|a|beta|b|preview|pre|c|rc)[-_.]?\d*)?"
    r"(?:-\d+|[-_.]?(?:post|rev|r)[-_.]?\d*)?(?:[-_.]?dev[-_.]?\d*)?(?:\+[a-z0-9]+(?:[-_.][a-z0-9]+)*)?"
)
_FLAGS = re.ASCII | re.IGNORECASE
_EXACT_VERSION = re.compile(_VERSION, _FLAGS)
_WHOLE_NAME = re.compile(_NAME, _FLAGS)
_EXACT_CONSTRAINT = re.compile(rf"(?:={{1,3}}\s*)?(?P<version>{_VERSION})", _FLAGS)
_EXACT = re.compile(
    rf"{_NAME}\s*+(?:\[[^\]]*\]\s*+)?+(?P<open>\(\s*+)?+={{2,3}}\s*+(?P<version>{_VERSION})\s*+(?(open)\)\s*+)(?:;.*)?",
    _FLAGS,
)
_RANGE = re.compile(rf"{_NAME}\s*+(?:\[[^\]]*\]\s*+)?+(?:[(<>=!~;].*)?", _FLAGS)
# A path or an address in place of a name.
_PLACE = re.compile(r"[^;]*[/\\@]")


class UnpinnedReason(StrEnum):
    """Why an entry has no version to ask about; each value ends the words "2 entries"."""

    RANGE = "with no exact version"
    BUILD = "for the build with no exact version"
    PLACE = "with a url, a path or a repository in place of a version"
    INCLUDED = "for a file that is not audited itself"
    CONDA = "for conda, whose packages the feed knows under their names on PyPI at best"
    DYNAMIC = "known only after a build"
    UNCLEAR = "that cannot be understood"


@dataclass(frozen=True, slots=True, order=True)
class Pin:
    """One version of one package; the name is normalised."""

    name: str
    version: str


@dataclass(frozen=True, slots=True)
class UnpinnedEntry:
    """An entry that pins no version. `text` tells it from others and is never shown: it may hold a token."""

    why: UnpinnedReason
    text: str
    line: int = 0
    name: str = ""


@dataclass(frozen=True, slots=True)
class Pins:
    """What a file pins, with the line of each, 0 where it is not known.

    `unread` says why nothing, or not all, could be read: what the file pins is then not known.
    """

    lines: Mapping[Pin, int]
    open: tuple[UnpinnedEntry, ...] = ()
    unread: str = ""


@dataclass(slots=True)
class Collected:
    """What a reader has met so far.

    `seen` also counts what needs no audit, as the project itself. Ranges of the packages named in
    `local`, which lie in the repository, are passed over: no index has these.
    """

    lines: dict[Pin, int] = field(default_factory=dict)
    open: list[UnpinnedEntry] = field(default_factory=list)
    seen: int = 0
    local: set[str] = field(default_factory=set)

    def pin(self, name: str, version: object, line: int) -> None:
        """Add the entry of a lock: a name with its one version, or not understood."""
        self._add(exact(name, version) or UnpinnedEntry(UnpinnedReason.UNCLEAR, f"{name} {version}", line), line)

    def requirement(self, text: str, line: int, *, unpinned: UnpinnedReason = UnpinnedReason.RANGE) -> None:
        """Add a requirement as PEP 508 has it; `unpinned` is what one without an exact version is."""
        self._add(read_requirement(text, line, unpinned), line)

    def constraint(self, name: str, text: str, line: int) -> None:
        """Add a name and, apart from it, its version or range, as Poetry and Pipenv write it."""
        match = _EXACT_CONSTRAINT.fullmatch(text.strip())
        pin = exact(name, match["version"]) if match else None
        self._add(pin or UnpinnedEntry(UnpinnedReason.RANGE, f"{name} {text}", line, normalised(name)), line)

    def entry(self, why: UnpinnedReason, text: str, line: int) -> None:
        """Add an entry without a version to ask about."""
        self._add(UnpinnedEntry(why, text, line), line)

    def pass_over(self) -> None:
        """Count an entry that needs no audit."""
        self.seen += 1

    def pins(self) -> Pins:
        """All of it."""
        return Pins(self.lines, tuple(self.open))

    def _add(self, found: Pin | UnpinnedEntry, line: int) -> None:
        self.seen += 1
        if isinstance(found, Pin):
            self.lines.setdefault(found, line)
        elif not found.name or found.name not in self.local:
            self.open.append(found)


def normalised(name: str) -> str:
    """The one spelling of a package's name (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def exact(name: str, version: object) -> Pin | None:
    """The pin of a name and a version; None where one of them is none, or is too long to ask about."""
    if not isinstance(version, str) or len(name) > _LONGEST or len(version) > _LONGEST:
        return None
    if not _WHOLE_NAME.fullmatch(name) or not _EXACT_VERSION.fullmatch(version):
        return None
    return Pin(normalised(name), version)


def read_requirement(text: str, line: int, unpinned: UnpinnedReason = UnpinnedReason.RANGE) -> Pin | UnpinnedEntry:
    """The one version that a requirement names, or why there is none."""
    text = text.strip()
    match = _EXACT.fullmatch(text)
    if match and (pin := exact(match["name"], match["version"])):
        return pin
    if match is None and (ranged := _RANGE.fullmatch(text)):
        return UnpinnedEntry(unpinned, text, line, normalised(ranged["name"]))
    return UnpinnedEntry(UnpinnedReason.PLACE if _PLACE.match(text) else UnpinnedReason.UNCLEAR, text, line)
