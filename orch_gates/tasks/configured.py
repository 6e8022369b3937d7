"""What configures the pipeline for one writer, compared in every transaction (ENG-10)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from orch_gates.engine.stages import Pipeline, pipeline_of
from orch_gates.errors import StaleConfiguration
from orch_gates.git.heads import DefaultBranch
from orch_gates.model.root import Root
from orch_gates.model.task import Task
from orch_gates.state import codec, layout
from orch_gates.state.kinds import ROOT
from orch_gates.state.outcome import commit_of
from orch_gates.state.snapshot import Snapshot
from orch_gates.state.store import Change, Store
from orch_gates.tasks import book

_ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Configured:
    """A pipeline, the id of the file that declares it (empty for none), and the branch and commit it was read from.

    `newest` asks the server for its default branch, which alone configures the state (P5).
    """

    pipeline: Pipeline
    file: str
    read: DefaultBranch
    newest: Callable[[], DefaultBranch]

    def pipeline_of(self, task: Task) -> Pipeline:
        """The pipeline that a task moves in."""
        return pipeline_of(task, self.pipeline)

    def check(self, root: Root) -> None:
        """Refuse to write under another configuration than the branch's.

        Raises:
            StaleConfiguration: the branch is configured by another commit.
        """
        if not self.is_of(root):
            raise self._stale(root, self.read)

    def is_of(self, root: Root) -> bool:
        """Whether the branch is configured as this writer is."""
        ours = (self.pipeline.names, self.pipeline.rework, self.file)
        return (root.stages, root.rework, root.configuration) == ours

    def agree(self, store: Store) -> None:
        """Record this configuration where it is the server's newest and the branch has an older one.

        Raises:
            StaleConfiguration: the branch has another one, and this is not the newest.
            StateError: it could not be recorded.
        """
        for _ in range(_ROUNDS):
            root = book.root_of(store.load())
            if self.is_of(root):
                return
            # Asked outside of the transaction, which only compares.
            newest = self.newest()
            # Where neither has a commit, nothing says that the branch's configuration is not the right one.
            if newest.commit != self.read.commit or (root.configured_by and not newest.commit):
                raise self._stale(root, newest)
            if self._adopt(store, root):
                return
        raise self._stale(book.root_of(store.load()), self.read)

    def _adopt(self, store: Store, seen: Root) -> bool:
        def configuration(root: Root) -> tuple[object, ...]:
            return root.stages, root.rework, root.configuration, root.configured_by

        def decision(snapshot: Snapshot) -> Change | None:
            root = book.root_of(snapshot)
            if configuration(root) != configuration(seen):
                return None
            text = snapshot.text(layout.ROOT)
            assert text is not None
            _, body = codec.decode(ROOT, layout.ROOT, text)
            changed = root.model_copy(
                update={
                    "stages": self.pipeline.names,
                    "rework": self.pipeline.rework,
                    "configuration": self.file,
                    "configured_by": self.read.commit,
                }
            )
            return Change(
                event="configure",
                task="-",
                subject="configure: the pipeline is " + " → ".join(self.pipeline.names),
                body=f"configured by {self.read.commit}" if self.read.commit else "",
                writes={layout.ROOT: codec.encode(changed, body)},
            )

        return commit_of(store.transact(decision)) != ""

    def _stale(self, root: Root, newest: DefaultBranch) -> StaleConfiguration:
        by = root.configured_by[:10] or "another commit"
        return StaleConfiguration(f"the pipeline on the state branch is configured by {by}, and {self._way_on(newest)}")

    def _way_on(self, newest: DefaultBranch) -> str:
        # A clone of a single branch does not fetch the others by itself.
        everything = "git fetch origin '+refs/heads/*:refs/remotes/origin/*'"
        if not (newest.name and newest.commit):
            return "the server's HEAD names no branch that is there: push the default branch, or set it on the server"
        if newest.name == self.read.name:
            known = f"{newest.name} is known here as {self.read.commit[:10] or 'no commit'}, not the server's newest"
            return f"{known}: run `{'git fetch' if self.read.commit else everything}`, and run the command again"
        ours = self.read.name or "no branch"
        return (
            f"the server's default branch is {newest.name}, but this clone uses {ours}: unset ORCH_TARGET if it is "
            f"set, else run `{everything}` and `git remote set-head origin -a`; then run the command again"
        )
