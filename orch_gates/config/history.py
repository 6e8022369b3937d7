"""Every pipeline that the target branch has configured: what the stages of a state branch may be (P5, ST-8)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from orch_gates.config.file import PATH, Config
from orch_gates.config.parse import parse
from orch_gates.engine.stages import DEFAULT
from orch_gates.errors import ConfigError, GitError
from orch_gates.git.cli import Git

Stages: TypeAlias = tuple[tuple[str, ...], str]

_MOST = 10_000


@dataclass(frozen=True, slots=True)
class Pipelines:
    """Stages and rework stage of every pipeline, each with the commit that configured it; `whole`: none is missing."""

    known: Mapping[Stages, str]
    whole: bool

    def has(self, stages: tuple[str, ...], rework: str) -> bool:
        """Whether the target branch has ever configured this pipeline.

        Raises:
            GitError: its history is not here far enough to tell.
        """
        if (stages, rework) in self.known:
            return True
        if not self.whole:
            raise GitError(
                "which pipelines the default branch has configured cannot be told in this clone; "
                "fetch its whole history (git fetch --unshallow origin)"
            )
        return False


def current(config: Config) -> Stages:
    """The stages and the rework stage that a configuration stands for."""
    pipeline = config.declared.pipeline if config.declared else DEFAULT
    return pipeline.names, pipeline.rework


def pipelines(git: Git, trusted: str) -> Pipelines:
    """All that the history of a trusted commit has configured; the default one counts wherever no file says otherwise.

    Raises:
        GitError: the history cannot be read.
    """
    known: dict[Stages, str] = {current(Config()): ""}
    if not trusted:
        return Pipelines(known, whole=not git.is_shallow())
    listed = git.text("rev-list", f"--max-count={_MOST}", trusted, "--", PATH).split()
    for commit in listed:
        raw = git.blob(commit, PATH)
        if raw is None:
            continue
        try:
            known.setdefault(current(parse(raw)), commit)
        except ConfigError:
            # A file that could not be used has configured nothing.
            continue
    return Pipelines(known, whole=len(listed) < _MOST and not git.is_shallow())
