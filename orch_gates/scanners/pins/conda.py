"""The environment files of conda, and the list for pip in them (pure)."""

from __future__ import annotations

import re

from orch_gates.documents import yaml_read
from orch_gates.documents.yaml_read import Path, Placed
from orch_gates.errors import MalformedYaml, PinsUnreadable
from orch_gates.scanners.pins.pin import Collected, Pins, UnpinnedReason, exact
from orch_gates.scanners.pins.requirements import add_line
from orch_gates.scanners.pins.text import decoded

_DOCUMENT_START = re.compile(r"\A(?:[ \t]*(?:#[^\n]*)?\n)*---[ \t]*(?=\n)")
_SPEC = re.compile(
    r"(?:[^\s:=]+::)?(?P<name>[A-Za-z0-9_.-]+)\s*"
    r"={1,2}\s*(?P<version>[^\s=*,|]+)(?:=[^\s=]+)?"
)
# The interpreter is no package, and pip stands there to read the list for it.
_NO_PACKAGE = re.compile(r"python(?:[\s=<>!~].*)?|pip", re.DOTALL)


def read(data: bytes, path: str) -> Pins:
    """Read an environment; every package of conda's is told, as none is known to be PyPI's of that name.

    Raises:
        PinsUnreadable: it is no YAML that can be read in one way only, or has no dependencies.
    """
    # The reader of documents takes no marker of their start.
    text = _DOCUMENT_START.sub(lambda start: start[0].replace("---", ""), decoded(data))
    try:
        placed = yaml_read.parse_placed(text)
    except MalformedYaml as error:
        raise PinsUnreadable(f"not plain YAML (line {error.line})") from error
    listed = placed.mapping.get("dependencies")
    if not isinstance(listed, list) or not listed:
        raise PinsUnreadable("no list of dependencies")
    found = Collected()
    for number, entry in enumerate(listed):
        place: Path = ("dependencies", number)
        if isinstance(entry, dict):
            for manager, packages in entry.items():
                _add_list(found, packages, placed, (*place, manager), path)
        else:
            _add(found, str(entry), _line(placed, place))
    return found.pins()


def _add(found: Collected, text: str, line: int) -> None:
    if _NO_PACKAGE.fullmatch(text.strip()):
        found.pass_over()
        return
    found.entry(UnpinnedReason.CONDA, text, line)
    match = _SPEC.fullmatch(text.strip())
    pin = exact(match["name"], match["version"]) if match else None
    # One equals sign leaves the rest of the version open: only three numbers are one version for certain.
    if match and pin and (match[0].count("=") > 1 or pin.version.count(".") > 1):
        found.pin(pin.name, pin.version, line)


def _add_list(found: Collected, packages: object, placed: Placed, place: Path, path: str) -> None:
    if place[-1] != "pip" or not isinstance(packages, list):
        raise PinsUnreadable("a list that is not for pip")
    for number, entry in enumerate(packages):
        requirement = re.split(r"\s#", f" {entry}", maxsplit=1)[0].strip()
        add_line(found, requirement, _line(placed, (*place, number)), path)


def _line(placed: Placed, place: Path) -> int:
    return placed.values[place].line
