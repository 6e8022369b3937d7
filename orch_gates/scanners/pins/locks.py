"""Locks in TOML: uv.lock, poetry.lock, pdm.lock and pylock.toml (PEP 751), read by one reader (pure)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from orch_gates.errors import PinsUnreadable
from orch_gates.scanners.pins.pin import Collected, Pins, UnpinnedReason
from orch_gates.scanners.pins.text import decoded, folder_inside, items, name_lines, table, toml

# Where each format says its version, and the versions whose tables are known.
_FORMATS = (
    (("version",), re.compile(r"1")),
    (("lock-version",), re.compile(r"1\.\d+")),
    (("metadata", "lock-version"), re.compile(r"[12]\.\d+")),
    (("metadata", "lock_version"), re.compile(r"4\.\d+(?:\.\d+)*")),
)
# Keys of a package, or of its `source`, that say where else than from an index it comes.
_LOCAL = ("editable", "virtual", "directory")
_ELSEWHERE = ("git", "url", "path", "vcs", "archive", "hg", "svn", "bzr")


def read(data: bytes, path: str) -> Pins:
    """Read the lock at a path of the repository.

    Packages that lie in the repository are passed over: no index has them, and what they need is in
    the same lock.

    Raises:
        PinsUnreadable: it is no TOML, its tables are not those of a lock, or it names no package.
    """
    text = decoded(data)
    document = toml(text)
    packages = [table(row, "a package") for key in ("package", "packages") for row in items(document.get(key), key)]
    if not packages:
        raise PinsUnreadable("no packages in it")
    names = [row["name"] for row in packages if isinstance(row.get("name"), str)]
    if len(names) != len(packages):
        raise PinsUnreadable("a package without a name")
    found = Collected()
    for row, line in zip(packages, name_lines(text, names), strict=True):
        _add(found, row, line, path)
    pins = found.pins()
    return Pins(pins.lines, pins.open, _unknown_format(document))


def _add(found: Collected, row: Mapping[str, Any], line: int, path: str) -> None:
    name = row["name"]
    origin = _origin(row)
    local = next((str(origin[key]) for key in _LOCAL if isinstance(origin.get(key), str)), "")
    if local and folder_inside(path, local):
        found.pass_over()
    elif local or any(key in origin for key in _ELSEWHERE):
        found.entry(UnpinnedReason.PLACE, f"{name} {sorted(origin.items())}", line)
    else:
        found.pin(name, row.get("version"), line)


def _origin(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """Where a package comes from, in uv's words."""
    source = row.get("source")
    if isinstance(source, dict):
        # Poetry names the kind of a source, and of what is no index in `url`.
        kind = source.get("type")
        if not isinstance(kind, str):
            return source
        return {} if kind == "legacy" else {"directory" if kind == "directory" else "url": source.get("url", "")}
    if isinstance(row.get("directory"), dict):
        return {"directory": row["directory"].get("path", "")}
    # PDM calls a folder a path, and says beside it that it is one to be edited.
    if row.get("editable") is True and isinstance(row.get("path"), str):
        return {"editable": row["path"]}
    return {key: str(row[key]) for key in _ELSEWHERE if key in row}


def _unknown_format(document: Mapping[str, Any]) -> str:
    for keys, known in _FORMATS:
        value: Any = document
        for key in keys:
            value = value.get(key) if isinstance(value, dict) else None
        if value is not None and not known.fullmatch(str(value)):
            return "could not be read with certainty: its format has a version that is not known here"
    return ""
