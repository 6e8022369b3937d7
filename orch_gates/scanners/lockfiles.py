"""Which files pin dependencies, and what they pin (pure)."""

from __future__ import annotations

import codecs
import posixpath
import re
from dataclasses import dataclass

# pylock.toml is not among them: pip-audit reads it only as a whole project, not as one file.
_AUDITED = re.compile(r"(?:^|/)(?:[^/]*requirements[^/]*\.txt|requirements/[^/]+\.txt)$")
_PIN = re.compile(
    r"(?P<name>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?:\[[^\]]*\]\s*)?={2,3}\s*"
    r"(?P<version>v?(?:\d+!)?\d+(?:\.\d+)*(?:[-_.]?(?:alpha|a|beta|b|preview|pre|c|rc)[-_.]?\d*)?"
    r"(?:-\d+|[-_.]?(?:post|rev|r)[-_.]?\d*)?(?:[-_.]?dev[-_.]?\d*)?(?:\+[a-z0-9]+(?:[-_.][a-z0-9]+)*)?)\s*(?:;.*)?",
    re.ASCII | re.IGNORECASE,
)
# Anywhere on the line: pip takes an editable that stands behind another option.
_EDITABLE = re.compile(r"(?:^|\s)(?:-e|--e(?!xtra))")
_INCLUDE = re.compile(r"(?:^|\s)(?:-r|--requirem[a-z]*)[\s=]*[\"']?(?P<path>[^\s\"']*)")
# pip-audit ends with a traceback on a number of 4300 digits, and with it goes every other answer.
_LONGEST = 128


@dataclass(frozen=True, slots=True, order=True)
class Pin:
    """One version of one package; the name is normalised."""

    name: str
    version: str


@dataclass(frozen=True, slots=True)
class Pins:
    """What a file pins, with the line of each, and the lines that cannot be judged."""

    lines: dict[Pin, int]
    unjudged: tuple[int, ...]


def is_audited(path: str) -> bool:
    """Whether a file of this name is audited."""
    return _AUDITED.search(path) is not None


def parse(data: bytes, path: str = "requirements.txt") -> Pins:
    """Read the requirements file at a path of the repository (SEC-7).

    A line that names a package without pinning one version (a range, a URL, an editable path) is
    told, not passed over. Options are no packages, but a file of nothing else is told. A file
    included with -r is judged as itself if it is one that is audited, and told if not.
    """
    lines: dict[Pin, int] = {}
    unjudged: list[int] = []
    options: list[int] = []
    included = False
    for number, text in _logical_lines(_text(data)):
        words = re.split(r"\s#", f" {text}", maxsplit=1)[0].strip()
        if not words:
            continue
        if words.startswith("-"):
            options.append(number)
            named = _INCLUDE.search(words)
            if _EDITABLE.search(words) or (named and not _is_judged_as_itself(path, named["path"])):
                unjudged.append(number)
            included = included or named is not None
            continue
        # What follows a package are its own options: --hash, --config-settings.
        match = _PIN.fullmatch(re.split(r"\s-", words, maxsplit=1)[0].strip())
        if match is None or len(match["name"]) > _LONGEST or len(match["version"]) > _LONGEST:
            unjudged.append(number)
        else:
            lines.setdefault(Pin(normalised(match["name"]), match["version"]), number)
    told = unjudged or (options if not lines and not included else [])
    return Pins(lines, tuple(told))


def normalised(name: str) -> str:
    """The one spelling of a package's name."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _is_judged_as_itself(path: str, included: str) -> bool:
    if "://" in included or "$" in included or included.startswith("/"):
        return False
    place = posixpath.normpath(posixpath.join(posixpath.dirname(path), included))
    return not place.startswith("..") and is_audited(place)


def _text(data: bytes) -> str:
    """As pip reads it: a byte order mark decides (PowerShell writes UTF-16)."""
    utf16 = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return data.decode("utf-16" if utf16 else "utf-8-sig", "replace")


def _logical_lines(text: str) -> list[tuple[int, str]]:
    found: list[tuple[int, str]] = []
    start, held = 0, ""
    for number, line in enumerate(text.splitlines(), 1):
        start = start or number
        # As in pip, a comment ends with its line, whatever it ends with.
        comment = line.lstrip().startswith("#")
        if line.endswith("\\") and not comment:
            held += line.rstrip("\\")
            continue
        found.append((start, f"{held} {line}" if comment else held + line))
        start, held = 0, ""
    if held:
        found.append((start, held))
    return found
