"""Which files pin dependencies, and what they pin (pure)."""

from __future__ import annotations

import re
from dataclasses import dataclass

# pylock.toml is not among them: pip-audit reads it only as a whole project, not as one file.
_AUDITED = re.compile(r"(?:^|/)(?:[^/]*requirements[^/]*\.txt|requirements/[^/]+\.txt)$")
_PIN = re.compile(
    r"(?P<name>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?:\[[^\]]*\])?\s*={2,3}\s*"
    r"(?P<version>[A-Za-z0-9][A-Za-z0-9.!+_-]*)\s*(?:;.*)?"
)


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


def parse(data: bytes) -> Pins:
    """Read a requirements file.

    A line that names a package without pinning one version (a range, a URL, an editable path) is
    told, not passed over. Options are no packages; a file included with -r is judged as itself.
    """
    lines: dict[Pin, int] = {}
    unjudged: list[int] = []
    for number, text in _logical_lines(data.decode("utf-8", "replace")):
        words = re.split(r"\s--hash[= ]|\s#", f" {text} ", maxsplit=1)[0].strip()
        if not words or words.startswith("#"):
            continue
        if words.startswith("-"):
            if re.match(r"(-e|--editable)\b", words):
                unjudged.append(number)
            continue
        match = _PIN.fullmatch(words)
        if match is None or "*" in words.partition(";")[0]:
            unjudged.append(number)
        else:
            name = re.sub(r"[-_.]+", "-", match["name"]).lower()
            lines.setdefault(Pin(name, match["version"]), number)
    return Pins(lines, tuple(unjudged))


def _logical_lines(text: str) -> list[tuple[int, str]]:
    found: list[tuple[int, str]] = []
    start, held = 0, ""
    for number, line in enumerate(text.splitlines(), 1):
        start = start or number
        if line.rstrip().endswith("\\"):
            held += line.rstrip()[:-1] + " "
            continue
        found.append((start, held + line))
        start, held = 0, ""
    if held:
        found.append((start, held))
    return found
