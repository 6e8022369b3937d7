"""The workflows of a level, made from the examples of the documents, which `templates/` holds links to."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources

from orch_gates.adopt.existing_ci import FOLDERS
from orch_gates.forge.port.server import ForgeKind

# A level has the workflows of those below it as well.
_OF_LEVEL: Mapping[int, tuple[str, ...]] = {0: ("security",), 1: ("queue",), 2: ("merge", "issues", "sweep")}
# The same as for Gitea.
_ALIKE = {"forgejo-security": "gitea-security"}
_PLACE = "orch/orch-gates/actions/"
_CHECKOUT = "actions/checkout"
_UNSET = re.compile(r"@0{40} # v\S+")
_COPY = "# Copy to "
# What a person does who copies an example ends here.
_COPIED = ("zeros.", "below.")
_WAKES = "workflows: [ci]"
_PAGE = re.compile(r"\bdocs/[\w/-]+\.md\b")
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*")


@dataclass(frozen=True, slots=True)
class Actions:
    """What the workflows use: `place` is what stands before `/actions/`; `page` tells where a page of its docs is.

    `checkout` is the url of a mirror of `actions/checkout`; empty for that name.
    """

    place: str
    commit: str
    page: Callable[[str], str]
    checkout: str = ""


def names(level: int) -> tuple[str, ...]:
    """The workflows of a level."""
    return tuple(name for least, found in _OF_LEVEL.items() if least <= level for name in found)


def paths() -> tuple[str, ...]:
    """Everywhere that init may ever have put a workflow."""
    folders = dict.fromkeys(folder for found in FOLDERS.values() for folder in found)
    return tuple(f"{folder}/{name}.yml" for folder in folders for name in names(2))


def text(kind: ForgeKind, name: str, actions: Actions, wakes: Sequence[str]) -> str:
    """One workflow for a forge; `wakes` are the workflows whose end wakes the queue."""
    example = f"{kind.value}-{name}"
    raw = resources.files(__package__).joinpath("templates", f"{_ALIKE.get(example, example)}.yml").read_text("utf-8")
    return filled(raw, actions, wakes)


def filled(example: str, actions: Actions, wakes: Sequence[str]) -> str:
    """An example as a person copies it: with the commit, and without the words about copying (pure)."""
    lines = example.splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith(_COPY))
    last = next(number for number, line in enumerate(lines) if number >= first and line.endswith(_COPIED))
    kept = "".join(f"{line}\n" for line in lines[:first] + lines[last + 1 :])
    placed = kept.replace(_PLACE, f"{actions.place}/actions/")
    linked = _PAGE.sub(lambda hit: actions.page(hit[0]), placed)
    used = _UNSET.sub(f"@{actions.commit}", linked)
    if actions.checkout:
        used = used.replace(f"uses: {_CHECKOUT}@", f"uses: {actions.checkout}@")
    listed = ", ".join(name if _PLAIN.fullmatch(name) else json.dumps(name) for name in wakes)
    return used.replace(_WAKES, f"workflows: [{listed}]") if wakes else used
