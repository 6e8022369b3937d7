"""What a path of the state branch looks like, both ways: from keys to a path, and from a path to its keys (OWN-3)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from orch_gates.model.ids import OID, SLUG, TASK_ID, shard

Key: TypeAlias = str | int
Keys: TypeAlias = Mapping[str, Key]


@dataclass(frozen=True, slots=True)
class _Part:
    """How the variable part of a name is spelled; `read` and `spell` are each other's inverse."""

    pattern: re.Pattern[str]
    read: Callable[[str], Key] = str
    spell: Callable[[Key], str] = str


_PARTS: Mapping[str, _Part] = {
    "task": _Part(TASK_ID),
    "attempt": _Part(re.compile(r"[0-9a-f]{16}")),
    "head": _Part(OID),
    "report": _Part(re.compile(r"[0-9]{2}-[a-z][a-z0-9-]{0,60}")),
    "branch": _Part(
        re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]|%2F){0,199}"),
        read=lambda text: text.replace("%2F", "/"),
        spell=lambda name: str(name).replace("/", "%2F"),
    ),
    "name": _Part(re.compile(r"[a-z0-9][a-z0-9._-]{0,60}")),
    "number": _Part(re.compile(r"[1-9][0-9]{0,8}"), read=int),
    "commit": _Part(OID),
    "environment": _Part(SLUG),
    "deploy": _Part(re.compile(r"[0-9a-f]{16}")),
}
# Folders whose name follows from another key: they keep folders small.
_DERIVED: Mapping[str, tuple[str, Callable[[str], str]]] = {
    "shard": ("task", shard),
    "xx": ("commit", lambda commit: commit[:2]),
}
_SEGMENT = re.compile(r"(?:\{(?P<name>[a-z]+)\})?(?P<rest>[^{}]*)")


@dataclass(frozen=True, slots=True)
class Misplaced:
    """Everything about a path is right but one folder; `why` names the right one."""

    why: str


class PathPattern:
    """A path with keys in it, such as `tasks/{shard}/{task}/jobs/{attempt}.md`."""

    def __init__(self, template: str) -> None:
        self.template = template
        self._segments = []
        for text in template.split("/"):
            found = _SEGMENT.fullmatch(text)
            assert found is not None, template
            self._segments.append((found["name"], found["rest"]))

    def __str__(self) -> str:
        """The pattern as a person reads it."""
        return self.template.replace("{", "<").replace("}", ">")

    @property
    def top(self) -> str:
        """The first folder, or the file itself."""
        return self.template.partition("/")[0]

    @property
    def folder(self) -> str:
        """The folders before the first key."""
        return self.template.partition("{")[0].rpartition("/")[0]

    def path(self, **keys: Key) -> str:
        """The path for these keys."""
        return "/".join(self._spelled(name, keys) + rest for name, rest in self._segments)

    def match(self, path: str) -> Keys | Misplaced | None:
        """The keys in a path; None for a path of another form. Total, for any text."""
        names = path.split("/")
        if len(names) != len(self._segments):
            return None
        keys: dict[str, Key] = {}
        folders: dict[str, str] = {}
        for text, (name, rest) in zip(names, self._segments, strict=True):
            spelled = text.removesuffix(rest)
            if not text.endswith(rest) or (name is None and spelled):
                return None
            if name in _DERIVED:
                folders[name] = spelled
            elif name is not None:
                part = _PARTS[name]
                if not part.pattern.fullmatch(spelled):
                    return None
                keys[name] = part.read(spelled)
        for name, folder in folders.items():
            if folder != (wanted := self._spelled(name, keys)):
                source, _ = _DERIVED[name]
                return Misplaced(f"{source} {keys[source]} belongs in folder {wanted!r}")
        return keys

    def _spelled(self, name: str | None, keys: Keys) -> str:
        if name is None:
            return ""
        if name in _DERIVED:
            source, derive = _DERIVED[name]
            return derive(str(keys[source]))
        return _PARTS[name].spell(keys[name])
