"""The port of the state branch: read it, and change it in compare-and-swap transactions (ST-2)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from orch_gates.state.history.message import LogEntry
from orch_gates.state.outcome import Initialised, Restoration, Result
from orch_gates.state.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Change:
    """What one transaction does; at least one of writes, removals and moves.

    `moves` take folders (or files) to paths that are free, then `removals` delete files or
    folders, then `writes` put texts. The store itself raises the generation in `orch-state.md`.
    `task` is an id, or `-`; `others` are further tasks that it is about. `by` is who caused it; empty for whoever runs
    this.
    """

    event: str
    task: str
    subject: str
    writes: Mapping[str, str] = field(default_factory=dict)
    removals: frozenset[str] = frozenset()
    moves: Mapping[str, str] = field(default_factory=dict)
    body: str = ""
    others: tuple[str, ...] = ()
    by: str = ""

    @property
    def tasks(self) -> tuple[str, ...]:
        """Every task that it is about, each once; none where it is about none."""
        return tuple(dict.fromkeys(name for name in (self.task, *self.others) if name != "-"))


def joined(event: str, subject: str, parts: Sequence[Change]) -> Change | None:
    """Several changes as one commit, with a line for each; None where there is none. Of two texts of a file the later.

    The parts only write: what moves or removes files has a commit of its own.
    """
    assert not any(part.moves or part.removals for part in parts)
    if not parts:
        return None
    names = tuple(dict.fromkeys(name for part in parts for name in part.tasks)) or ("-",)
    lines = (" ".join(f"{part.subject}: {part.body}".rstrip(": ").split()) for part in parts)
    writes = {path: text for part in parts for path, text in part.writes.items()}
    return Change(event, names[0], subject, writes, body="\n".join(lines), others=names[1:])


Decide = Callable[[Snapshot], Change | None]
LookAgain = Callable[[], None]


class Store(Protocol):
    """The state branch on its remote."""

    def load(self) -> Snapshot:
        """The branch as it is now, freshly fetched.

        Raises:
            MissingState: there is no branch; never the same as an empty one (ST-4).
            WrongStateBranch: the state is on a branch of another name (ST-9).
            RewoundState: it lost commits that it was seen to have (ST-4).
            StateUnreachable: the remote did not answer in time.
            StateDenied: the remote refused to be read.
            StateError: it cannot be read otherwise, e.g. a newer schema.
        """
        ...

    def transact(self, decide: Decide, look_again: LookAgain | None = None, *, others_wait: bool = False) -> Result:
        """Decide on the branch as it is, and commit what was decided; a lost race decides again (P6).

        `decide` must be pure: it is called once per attempt. Its None and its exceptions count
        only on a freshly fetched snapshot; the exception is then raised here. `look_again` is
        called before every decision but the first, to ask again for what lies outside of the
        branch; an error of it is waited out like a remote that does not answer. `others_wait`: for
        what this process does next, so it does not rest after the commit.

        Raises:
            MissingState, RewoundState, StateUnreachable, StateDenied, StateError: as `load`; nothing was written.
            StateDenied: also where the server refused the change; it is not tried again.
            StateExhausted: others were faster every time until the deadline; nothing was written.
            StateUnclear: it was sent, and whether the server took it could not be found out.
        """
        ...

    def initialise(self, files: Mapping[str, str], *, anew: bool = False) -> Initialised:
        """Make the branch with these files, unless there is one; `orch-state.md` with generation 1 is one of them.

        `anew`: also where this machine knows of one that is gone, with its witness.

        Raises:
            MissingState: there was one, which the witness or this machine knows.
            StateUnreachable, StateDenied, StateExhausted, StateUnclear, StateError: as `transact`.
        """
        ...

    def log(self) -> Iterator[LogEntry]:
        """What every commit of the history says about itself, newest first, without what a restore has set aside.

        Raises:
            MissingState, RewoundState, StateUnreachable, StateDenied, StateError: as `load`.
        """
        ...

    def recall(self, name: str) -> str:
        """What `keep` was given last under this name on this machine; empty where it is not known."""
        ...

    def keep(self, name: str, text: str) -> None:
        """Keep a text between commands, for speed only: it may be gone at any time, and proves nothing."""
        ...

    def restore(self, *, forget: bool = False) -> Restoration:
        """Mend a branch that was wiped, rewound or replaced from the witness ref, never by force (ST-4).

        `forget`: where branch and witness agree, what only this machine has seen of the branch is given up.

        Raises:
            MissingState: there is nothing to restore it from.
            RewoundState: branch and witness agree, and lack steps that this machine has seen.
            StateUnreachable, StateDenied, StateExhausted, StateUnclear, StateError: as `transact`.
        """
        ...
