"""`Server` and `Workflows` of a bare repository: the file system decides who may do what, and nothing runs."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import NoReturn

from orch_gates.errors import ForgeRefused
from orch_gates.forge.local.repository import Repository
from orch_gates.forge.port.server import About, Access, ForgeKind
from orch_gates.forge.port.workflows import Run, RunJob, Secrets


class LocalServer:
    """This machine; whoever may write the repository's files may do everything."""

    def __init__(self, repository: Repository, who: str, now: Callable[[], datetime]) -> None:
        self._repository = repository
        self._who = who
        self._now = now

    def about(self) -> About:
        """What it is: the release is git's, the time this machine's."""
        return About(ForgeKind.LOCAL, self._repository.version(), self._now())

    def access(self) -> Access:
        """Who asks, and what the permissions of the files allow."""
        writes = self._repository.allows(os.W_OK)
        return Access(
            login=self._who,
            scopes=None,
            can_read=self._repository.allows(os.R_OK),
            can_write=writes,
            is_admin=writes,
            archived=False,
            default_branch=self._repository.default_branch(),
            merge_commits=True,
            deletes_branches=False,
        )


class NoWorkflows:
    """The refusal of everything about workflows."""

    def secrets(self) -> Secrets:
        """Refused."""
        _refuse("secrets")

    def dispatch(self, workflow: str, ref: str, inputs: Mapping[str, str]) -> int:
        """Refused."""
        _refuse("start", workflow, ref, *inputs)

    def runs(self, *, commit: str = "", branch: str = "", event: str = "") -> tuple[Run, ...]:
        """Refused."""
        _refuse("runs", commit, branch, event)

    def run(self, number: int) -> Run:
        """Refused."""
        _refuse("run", number)

    def jobs(self, number: int) -> tuple[RunJob, ...]:
        """Refused."""
        _refuse("jobs of run", number)


def _refuse(*requested: object) -> NoReturn:
    request = " ".join(str(word) for word in requested if word)
    raise ForgeRefused(f"a bare repository runs no workflows, so nothing answers: {request}")
