"""pyproject.toml: the project's own tables, its groups, its build, and the tables of tools (pure)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from orch_gates.errors import PinsUnreadable
from orch_gates.scanners.pins import pipfile
from orch_gates.scanners.pins.pin import Collected, Pins, UnpinnedReason, normalised
from orch_gates.scanners.pins.requirements import is_requirements
from orch_gates.scanners.pins.text import Lines, decoded, folder_inside, inside, items, table, texts, toml

# Poetry, PDM, uv, Hatch, Rye, Flit and others differ in the tables, and agree in how the last key is called.
_DEPENDENCIES = re.compile(r"(?:.+-)?(?:dependencies|requires|requires-plugins)")
_CONDA_TOOLS = ("pixi", "conda-lock")
_DEEPEST = 12


def read(data: bytes, path: str) -> Pins:
    """Read what a project asks for; a file without any of the tables asks for nothing.

    Raises:
        PinsUnreadable: it is no TOML, or a table is not what the standards say.
    """
    text = decoded(data)
    document = toml(text)
    found, lines = Collected(), Lines(text)
    project = table(document.get("project"), "project")
    tools = table(document.get("tool"), "tool")
    # An extra of all extras names the project itself.
    found.local.add(normalised(str(project.get("name", ""))))
    _add_sources(found, table(tools.get("uv"), "tool.uv"), lines, path)
    _add_project(found, project, lines)
    for entries in table(document.get("dependency-groups"), "dependency-groups").values():
        _add_group(found, entries, lines)
    build = table(document.get("build-system"), "build-system")
    for entry in texts(build.get("requires"), "build-system.requires"):
        found.requirement(entry, lines.of(entry), unpinned=UnpinnedReason.BUILD)
    _add_dynamic(found, document, lines, path)
    for keys, value in _tables(tools):
        _add_tool(found, keys, value, lines, path)
    return found.pins()


def _add_project(found: Collected, project: Mapping[str, Any], lines: Lines) -> None:
    extras = table(project.get("optional-dependencies"), "project.optional-dependencies")
    for group in (project.get("dependencies"), *extras.values()):
        for entry in texts(group, "project.dependencies"):
            found.requirement(entry, lines.of(entry))


def _add_group(found: Collected, entries: object, lines: Lines) -> None:
    for entry in items(entries, "a dependency group"):
        if isinstance(entry, str):
            found.requirement(entry, lines.of(entry))
        elif not isinstance(entry, dict) or entry.keys() != {"include-group"}:
            raise PinsUnreadable("a dependency group must hold requirements only")


def _add_dynamic(found: Collected, document: Mapping[str, Any], lines: Lines, path: str) -> None:
    """What the build fills in: from files that are judged as themselves, or nobody knows from where."""
    tool: Any = document.get("tool", {}).get("setuptools")
    dynamic: Any = tool.get("dynamic") if isinstance(tool, dict) else None
    dynamic_keys = dynamic if isinstance(dynamic, dict) else {}
    for key in texts(document.get("project", {}).get("dynamic"), "project.dynamic"):
        if key not in {"dependencies", "optional-dependencies"}:
            continue
        value = dynamic_keys.get(key)
        sources = list(value.values()) if key != "dependencies" and isinstance(value, dict) else [value]
        if all(_is_judged(source, path) for source in sources):
            found.pass_over()
        else:
            found.entry(UnpinnedReason.DYNAMIC, f"{key} {value}", lines.of(key))


def _is_judged(source: object, path: str) -> bool:
    named = source.get("file") if isinstance(source, dict) else None
    files = [named] if isinstance(named, str) else named
    return isinstance(files, list) and bool(files) and all(is_requirements(inside(path, str(file))) for file in files)


def _add_sources(found: Collected, uv: Mapping[str, Any], lines: Lines, path: str) -> None:
    """The packages that, as uv is told, come from elsewhere than from an index."""
    for name, value in table(uv.get("sources"), "tool.uv.sources").items():
        for source in value if isinstance(value, list) else [value]:
            if not isinstance(source, dict) or "index" in source:
                continue
            if "workspace" in source or folder_inside(path, str(source.get("path", ""))):
                found.local.add(normalised(name))
            else:
                found.entry(UnpinnedReason.PLACE, f"{name} {sorted(map(str, source.items()))}", lines.of(name))


def _tables(tools: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], object]]:
    """Every value of a tool's tables whose key says that it is a list of requirements."""
    pending: list[tuple[tuple[str, ...], object]] = [((), tools)]
    while pending:
        keys, value = pending.pop()
        if keys[:2] == ("setuptools", "dynamic"):
            continue
        if len(keys) > _DEEPEST:
            raise PinsUnreadable("tables of tools nested too deeply")
        if len(keys) > 1 and _DEPENDENCIES.fullmatch(keys[-1]) and isinstance(value, list | dict):
            yield keys, value
        elif isinstance(value, dict):
            pending += [((*keys, key), inner) for key, inner in reversed(value.items())]


def _add_tool(found: Collected, keys: tuple[str, ...], value: object, lines: Lines, path: str) -> None:
    """A list of requirements; or a table of names with their versions, or of groups with such lists."""
    if isinstance(value, list):
        for entry in value:
            if isinstance(entry, str):
                found.requirement(entry, lines.of(entry))
            else:
                found.entry(UnpinnedReason.UNCLEAR, f"{'.'.join(keys)} {entry}", lines.of(keys[-1]))
        return
    conda = keys[0] in _CONDA_TOOLS and keys[-1] != "pypi-dependencies"
    for name, one in table(value, keys[-1]).items():
        if isinstance(one, list) and all(isinstance(entry, str) for entry in one):
            for entry in one:
                found.requirement(entry, lines.of(entry))
        elif normalised(name) == "python":
            found.pass_over()
        elif conda:
            found.entry(UnpinnedReason.CONDA, f"{name} {one}", lines.of(name))
        else:
            pipfile.add(found, name, one, lines.of(name), path)
