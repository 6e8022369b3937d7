"""setup.cfg of setuptools (pure)."""

from __future__ import annotations

import configparser
from collections.abc import Iterable

from orch_gates.errors import PinsUnreadable
from orch_gates.scanners.pins.pin import Collected, Pins, UnpinnedReason
from orch_gates.scanners.pins.requirements import is_requirements
from orch_gates.scanners.pins.text import Lines, decoded, inside

_OPTIONS = {
    "install_requires": UnpinnedReason.RANGE,
    "tests_require": UnpinnedReason.RANGE,
    "setup_requires": UnpinnedReason.BUILD,
}


def read(data: bytes, path: str) -> Pins:
    """Read the requirements of a setup.cfg; one without any names none.

    Raises:
        PinsUnreadable: it is no such file.
    """
    text = decoded(data)
    parser = configparser.RawConfigParser()
    try:
        parser.read_string(text)
    except configparser.Error as error:
        raise PinsUnreadable("not a configuration file") from error
    found, lines = Collected(), Lines(text)
    for key, value in _entries(parser, "options"):
        if unpinned := _OPTIONS.get(key):
            _add(found, value, unpinned, lines, path)
    for _, value in _entries(parser, "options.extras_require"):
        _add(found, value, UnpinnedReason.RANGE, lines, path)
    return found.pins()


def _entries(parser: configparser.RawConfigParser, section: str) -> Iterable[tuple[str, str]]:
    """The options of a section; setuptools takes a dash in a name for an underscore."""
    if not parser.has_section(section):
        return []
    return [(key.replace("-", "_"), value) for key, value in parser.items(section)]


def _add(found: Collected, value: str, unpinned: UnpinnedReason, lines: Lines, path: str) -> None:
    if value.strip().startswith("file:"):
        for named in value.strip().removeprefix("file:").split(","):
            if is_requirements(inside(path, named.strip())):
                found.pass_over()
            else:
                found.entry(UnpinnedReason.INCLUDED, named, lines.of(named))
        return
    # On one line setuptools takes a semicolon for the end of a requirement, otherwise for its marker.
    entries = value.split("\n") if "\n" in value else value.split(";")
    for entry in entries:
        if entry.strip():
            found.requirement(entry, lines.of(entry), unpinned=unpinned)
