"""What every command about tasks needs: settings, the store, the pipeline, and who asks."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from orch_gates import clock, wiring
from orch_gates import settings as settings_module
from orch_gates.cli.boundary import say
from orch_gates.cli.once import once
from orch_gates.cli.options import ForgeOptions
from orch_gates.config.pipeline import effective
from orch_gates.engine.stages import Pipeline
from orch_gates.gates import registry
from orch_gates.gates.registry import Sources
from orch_gates.git.heads import Heads
from orch_gates.model.task import Task
from orch_gates.model.verdict import Verdict
from orch_gates.settings import Settings
from orch_gates.state.git_store import GitStore
from orch_gates.state.store import Store
from orch_gates.tasks.advance import Reader, Step
from orch_gates.tasks.book import Book

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Session:
    """One command's view; `target` is the branch that tasks are merged into.

    `by_forge` judges a gate for a branch with this head, None where no forge is known.
    """

    settings: Settings
    store: Store
    heads: Heads
    by_forge: Callable[[str, str, str], Verdict | None]
    pipeline: Pipeline
    target: str
    by: str
    now: datetime

    def head_of(self, branch: str) -> str:
        """The commit at a branch's head on the server, asked now; empty where there is no such branch."""
        return self.heads.of(branch)

    def gate(self, name: str, task: Task, head: str, read: Reader) -> Verdict:
        """Judge one gate for a task's commit.

        Raises:
            ForgeUnavailable: nothing follows from a forge that does not answer, so the task stays as it is.
            SettingsError: what is said about the forge cannot be used.
        """
        if name in registry.ASKED and head and (verdict := self.by_forge(name, task.branch, head)) is not None:
            return verdict
        sources = Sources(read=read, head=head, branch=task.branch, target=self.target, settings=self.settings)
        return registry.judge(name, sources)

    def step(self, *, approve: bool = False, reject: str = "") -> Step:
        """One step of a task: by its gates, or by the word of the person who runs this command."""
        return Step(
            store=self.store,
            pipeline=self.pipeline,
            gate=self.gate,
            head_of=self.head_of,
            by=self.by,
            now=self.now,
            approve=approve,
            reject=reject,
        )


def open_session(directory: Path, options: ForgeOptions | None = None) -> Session:
    """Everything, for the repository that holds a directory: a clone, or the bare repository itself.

    Raises:
        OrchError: there is no repository, its configuration is wrong, or no state branch is known.
    """
    options = options or ForgeOptions()
    settings = settings_module.load(overrides=options.overrides)
    git = wiring.repository(settings, directory)
    settings, config = wiring.configured(settings, git, wiring.configuring_commit(settings, git))
    target = settings.target or settings.usual_target or "main"

    def by_forge(name: str, branch: str, head: str) -> Verdict | None:
        forge = connected()
        if forge is None:
            return None
        return registry.ask(name, Sources(_no_report, head, branch, target, settings, forge.statuses, forge.reviews))

    connected = once(lambda: wiring.forge(settings, directory, options.observe))
    return Session(
        settings=settings,
        store=wiring.store(settings, directory),
        heads=wiring.heads(settings, directory),
        by_forge=once(by_forge),
        pipeline=effective(config, settings),
        target=target,
        by=settings.state.by,
        now=clock.utc_now(),
    )


def _no_report(_name: str) -> str | None:
    """Whom a forge is asked about needs no report."""
    return None


def open_state(directory: Path) -> GitStore:
    """The state branch alone, for what asks no gate and no pipeline.

    Raises:
        OrchError: there is no repository, or no state branch is known.
    """
    settings = settings_module.load()
    git = wiring.repository(settings, directory)
    settings, _ = wiring.configured(settings, git, wiring.configuring_commit(settings, git))
    return wiring.store(settings, directory)


def warn_quarantined(found: Book) -> None:
    """Say which files were set apart, and how to see all of them (ST-6)."""
    for file in found.quarantined[:_SHOWN]:
        say(f"orch-gates: set apart: {file.why}\n", to=sys.stderr)
    if (more := len(found.quarantined) - _SHOWN) > 0:
        say(f"orch-gates: and {more} more; `orch-gates state lint` names them\n", to=sys.stderr)
