"""The sweep's memory: a ref of its own that is replaced, never appended to, so that no tick makes history (SWP-1)."""

from __future__ import annotations

from dataclasses import dataclass

from orch_gates.errors import GitError, StateDocumentError, StateError
from orch_gates.git.answers import PushOutcome
from orch_gates.git.draft import TreeDraft
from orch_gates.git.remote import Update
from orch_gates.git.tree import Author
from orch_gates.model.sweep import Memory
from orch_gates.state import codec, layout
from orch_gates.state.branch.source import StateRemote
from orch_gates.state.branch.timing import Timing
from orch_gates.state.history import message
from orch_gates.state.kinds import SWEEP
from orch_gates.state.refs import MOST_REMEMBERED
from orch_gates.state.refs import SWEEP as REF
from orch_gates.state.store import Change


@dataclass(frozen=True, slots=True)
class Recalled:
    """What is remembered, and the commit that holds it; empty where there is no such ref.

    `memory` is None where there is none, or it cannot be read, which `problem` says: the next tick begins anew.
    """

    memory: Memory | None
    oid: str
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Replaced:
    """Whether the memory was replaced, by the commit `oid`; `lost` where another tick was faster, `reason` why not."""

    done: bool
    oid: str = ""
    lost: bool = False
    reason: str = ""


@dataclass(frozen=True, slots=True)
class MemoryRef:
    """The memory on the remote of one state branch, which has been read before."""

    source: StateRemote
    timing: Timing
    author: Author
    by: str
    timeout: float

    def read(self) -> Recalled:
        """What the last tick left.

        Raises:
            StateUnreachable, StateDenied, StateError: it could not be read.
        """
        oid = self.source.ref_at(REF, self.timeout)
        if not oid:
            return Recalled(None, "")
        if not self.source.objects.has(oid):
            self.source.fill([oid], self.timeout)
        try:
            node = self.source.objects.find(self.source.objects.commit(oid).tree, layout.SWEEP)
            if node is None or not node.regular:
                return Recalled(None, oid, f"{REF} holds no {layout.SWEEP}, and is written anew")
            text = self.source.objects.blob(node.oid, most=MOST_REMEMBERED).decode()
            return Recalled(codec.decode(SWEEP, layout.SWEEP, text)[0], oid)
        except (GitError, StateDocumentError, UnicodeDecodeError) as error:
            return Recalled(None, oid, f"{REF} cannot be read, and is written anew: {error}")

    def replace(self, memory: Memory, expected: str) -> Replaced:
        """Put a memory in the place of the one that was read; another tick's is never overwritten unseen.

        Never raises: what a tick did is done, whatever becomes of its memory (P3).
        """
        objects = self.source.objects
        try:
            draft = TreeDraft(objects, None)
            draft.put(layout.SWEEP, codec.encode(memory, "").encode())
            change = Change("sweep", "-", "sweep: what the last ticks saw")
            # Without a nonce two ticks could make the same commit, and each would take it for its own (T3).
            text = message.compose(change, self.timing.nonce(), self.by)
            seconds = int(self.timing.now().timestamp())
            commit = objects.put_commit(draft.write(), (), self.author, seconds, text)
            answer = self.source.push([Update(REF, expected, commit)], self.timeout)
        except (GitError, StateError) as error:
            return Replaced(done=False, reason=str(error))
        landed = answer.meaning is PushOutcome.LANDED
        lost = answer.meaning in {PushOutcome.LOST, PushOutcome.TWIN}
        return Replaced(landed, commit if landed else "", lost, "" if landed else answer.reason)
