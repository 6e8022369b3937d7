"""Pipfile and Pipfile.lock (pure)."""

from __future__ import annotations

from typing import Any

from orch_gates.errors import PinsUnreadable
from orch_gates.scanners.pins.pin import Collected, Pins, UnpinnedReason
from orch_gates.scanners.pins.text import Lines, decoded, folder_inside, json_object, table, toml

# Every other table of a Pipfile is a group of packages, whatever it is called.
_NO_GROUP = ("source", "requires", "scripts", "pipenv", "pipfile")

_ELSEWHERE = {"git", "url", "file", "path"}


def read(data: bytes, path: str) -> Pins:
    """Read a Pipfile.

    Raises:
        PinsUnreadable: it is no TOML, or a table is not what a Pipfile has.
    """
    text = decoded(data)
    document = toml(text)
    return _read({key: value for key, value in document.items() if key not in _NO_GROUP}, Lines(text), path).pins()


def read_lock(data: bytes, path: str) -> Pins:
    """Read a Pipfile.lock.

    Raises:
        PinsUnreadable: it is no JSON, a table is not what such a lock has, or it names no package.
    """
    text = decoded(data)
    document = json_object(text)
    found = _read({key: value for key, value in document.items() if key != "_meta"}, Lines(text), path)
    if not found.seen:
        raise PinsUnreadable("no packages in it")
    return found.pins()


def _read(groups: dict[str, Any], lines: Lines, path: str) -> Collected:
    found = Collected()
    for packages in groups.values():
        for name, value in table(packages, "a group of packages").items():
            add(found, name, value, lines.of(name), path)
    return found


def add(found: Collected, name: str, value: object, line: int, path: str) -> None:
    """Add a package whose version is beside its name: a text, a table, or one table for each marker."""
    for one in value if isinstance(value, list) and value else [value]:
        row = {"version": one} if isinstance(one, str) else one
        if not isinstance(row, dict):
            found.entry(UnpinnedReason.UNCLEAR, f"{name} {one}", line)
        elif isinstance(version := row.get("version"), str) and not _ELSEWHERE & row.keys():
            found.constraint(name, version, line)
        elif isinstance(folder := row.get("path"), str) and folder_inside(path, folder):
            found.pass_over()
        else:
            found.entry(UnpinnedReason.PLACE, f"{name} {sorted(map(str, row.items()))}", line)
