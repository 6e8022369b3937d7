"""Where branches stand on the server, asked now: a clone's own refs may be old (P1)."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from orch_gates.errors import GitError
from orch_gates.git.answers import FetchOutcome
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
        return self.of_all([branch])[branch]

    def of_all(self, branches: Sequence[str]) -> Mapping[str, str]:
        """The commits at the heads of several branches, asked for at once; empty where there is no such branch.

        Raises:
            GitError: as `of`.
        """
        if not branches:
            return {}
        refs = {branch: code_ref(branch) for branch in branches}
        wanted = list(refs.values())
        if self.local is not None:
            answer, found = self.remote.local_refs(self.local, wanted, timeout=self.timeout)
        else:
            with tempfile.TemporaryDirectory(prefix="orch-gates-") as nowhere:
                answer, found = self.remote.refs(Path(nowhere), wanted, timeout=self.timeout)
        if answer.meaning is not FetchOutcome.DONE:
            named = branches[0] if len(branches) == 1 else f"{len(branches)} branches"
            raise GitError(f"could not read the head of {named}: {answer.reason}")
        return {branch: found.get(ref, "") for branch, ref in refs.items()}

    def default(self) -> DefaultBranch:
        """The server's default branch.

        Raises:
            GitError: as `of`.
        """
        with tempfile.TemporaryDirectory(prefix="orch-gates-") as nowhere:
            answer, branch, commit = self.remote.head(Path(nowhere), timeout=self.timeout)
        if answer.meaning is not FetchOutcome.DONE:
            raise GitError(f"could not read the server's default branch: {answer.reason}")
        return DefaultBranch(branch.removeprefix("refs/heads/"), commit)
