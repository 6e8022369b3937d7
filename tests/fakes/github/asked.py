"""One request to the scripted GitHub, and a refusal of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.fakes.github.project import Project
from tests.fakes.github.shapes import Shapes


class Refusal(Exception):
    """GitHub says no."""

    def __init__(self, status: int, message: str, **more: Any) -> None:
        super().__init__(message)
        self.status, self.message, self.more = status, message, more


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asks for what; `args` are the parts of the path."""

    project: Project
    shapes: Shapes
    who: str
    args: Mapping[str, str]
    query: Mapping[str, str]
    body: Any
    app: bool = False

    def needs(self, right: str, words: str = "Resource not accessible by personal access token") -> None:
        """Refuse those who may not."""
        if not self.project.may(self.who, right):
            raise Refusal(403, words)
        if self.project.archived and right == "write":
            raise Refusal(403, "Repository was archived so is read-only.")
