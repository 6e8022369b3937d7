"""Where branches stand on the server, asked now: a clone's own refs may be old (P1)."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from orch_gates.errors import GitError
from orch_gates.git.answers import Fetched
from orch_gates.git.remote import Remote
from orch_gates.model.branch import code_ref


@dataclass(frozen=True, slots=True)
class DefaultBranch:
    """The branch that a server's HEAD names, and its commit; both empty where no such branch is there."""

    name: str
    commit: str


@dataclass(frozen=True, slots=True)
class Heads:
    """The branches of one remote; `local` is its git directory where it is on this disk."""

    remote: Remote
    local: Path | None
    timeout: float

    def of(self, branch: str) -> str:
        """The commit at a branch's head, empty where there is no such branch.

        Raises:
            GitError: the server did not answer, which is not the same as no branch (P2).
        """
        ref = code_ref(branch)
        if self.local is not None:
            answer, refs = self.remote.local_refs(self.local, [ref], timeout=self.timeout)
        else:
            with tempfile.TemporaryDirectory(prefix="orch-gates-") as nowhere:
                answer, refs = self.remote.refs(Path(nowhere), [ref], timeout=self.timeout)
        if answer.meaning is not Fetched.DONE:
            raise GitError(f"the head of {branch} could not be asked for: {answer.reason}")
        return refs.get(ref, "")

    def default(self) -> DefaultBranch:
        """The server's default branch.

        Raises:
            GitError: as `of`.
        """
        with tempfile.TemporaryDirectory(prefix="orch-gates-") as nowhere:
            answer, branch, commit = self.remote.head(Path(nowhere), timeout=self.timeout)
        if answer.meaning is not Fetched.DONE:
            raise GitError(f"the server's default branch could not be asked for: {answer.reason}")
        return DefaultBranch(branch.removeprefix("refs/heads/"), commit)
