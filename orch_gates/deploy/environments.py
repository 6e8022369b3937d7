"""The environments on the state branch, decoded, and what a change of one writes (DEP-1)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from orch_gates.config.problems import suggestion
from orch_gates.errors import StateDocumentError, UsageError
from orch_gates.model.environment import Environment, empty
from orch_gates.model.ids import SLUG
from orch_gates.model.watch import Watch
from orch_gates.state import codec, layout
from orch_gates.state.deploy_kinds import ENVIRONMENT
from orch_gates.state.snapshot import Snapshot
from orch_gates.tasks.book import Quarantined

# Where deploys go unless they name another one.
DEFAULT = "production"
_LINES = 100


@dataclass(frozen=True, slots=True)
class EnvironmentPage:
    """One environment with the text below its frontmatter."""

    environment: Environment
    body: str = ""


@dataclass(frozen=True, slots=True)
class Environments:
    """All environments of one snapshot by name, and the files set apart (ST-6)."""

    pages: tuple[EnvironmentPage, ...]
    quarantined: tuple[Quarantined, ...]


def page(snapshot: Snapshot, name: str) -> EnvironmentPage:
    """An environment as it stands; one that was never deployed to where there is none of that name.

    Raises:
        UsageError: that is no name of an environment.
        StateDocumentError: its document is malformed: nobody deploys there before it is mended.
    """
    if not SLUG.fullmatch(name):
        raise UsageError(
            f"{name!r}: the name of an environment has 1 to 40 small letters, digits and `-`, and begins with a letter"
        )
    path = layout.environment_path(name)
    text = snapshot.text(path)
    return EnvironmentPage(empty(name)) if text is None else EnvironmentPage(*codec.decode(ENVIRONMENT, path, text))


def require(snapshot: Snapshot, name: str, declared: Iterable[str]) -> None:
    """Refuse a name by which no environment is known: to nobody on the state branch, nor `declared` by a configuration.

    Raises:
        UsageError: there is no such environment.
    """
    known = {DEFAULT, *declared}
    for entry in snapshot.files(layout.ENVIRONMENTS):
        if isinstance(keys := ENVIRONMENT.path.match(entry.path), Mapping):
            known.add(str(keys["environment"]))
    if name not in known:
        raise UsageError(
            f"unknown environment {suggestion(name, known)} (an environment is known once something was deployed "
            "there, or once `environments` of .orch-gates.yaml lists it)"
        )


def read(snapshot: Snapshot) -> Environments:
    """Every environment that can be read."""
    pages: list[EnvironmentPage] = []
    quarantined: list[Quarantined] = []
    for entry in snapshot.files(layout.ENVIRONMENTS):
        if not isinstance(ENVIRONMENT.path.match(entry.path), Mapping):
            continue
        try:
            pages.append(EnvironmentPage(*codec.decode(ENVIRONMENT, entry.path, snapshot.read(entry))))
        except StateDocumentError as error:
            quarantined.append(Quarantined(entry.path, str(error)))
    pages.sort(key=lambda one: one.environment.name)
    return Environments(tuple(pages), tuple(quarantined))


def changed(before: EnvironmentPage, environment: Environment, now: datetime, *lines: str) -> dict[str, str]:
    """The file of a changed environment, with more lines in its log."""
    body = before.body
    for line in lines:
        body = codec.append_line(body, now, line)
    return {layout.environment_path(environment.name): codec.encode(environment, codec.newest(body, _LINES))}


def new_watch(watch: Watch, now: datetime) -> dict[str, str]:
    """The file of a watch that is armed."""
    body = codec.append_line("\n", now, f"armed until {watch.deadline}, a sample every {watch.every_s} s")
    return {layout.watch_path(watch.deploy): codec.encode(watch, body)}
