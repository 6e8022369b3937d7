"""Lease, attempt and what belongs to them on the state branch: read together, written together (MRG-4, MRG-14)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

from orch_gates.errors import LeaseLost
from orch_gates.merge import lease as leases
from orch_gates.merge.lease import LeaseProof
from orch_gates.model.attempt import Attempt
from orch_gates.model.document import Document
from orch_gates.model.lease import Lease
from orch_gates.model.markers import Markers
from orch_gates.model.proven import Proven
from orch_gates.model.queue import Queue
from orch_gates.state import codec, layout
from orch_gates.state.kinds import ATTEMPT, LEASE, MARKERS, PROVEN, QUEUE, DocumentKind
from orch_gates.state.snapshot import Snapshot
from orch_gates.state.store import Change
from orch_gates.tasks import book

D = TypeVar("D", bound=Document)

# A merge writes about ten lines, and many are made in the life of a target.
_LEASE_LINES = 100
_ATTEMPT_LINES = 200


@dataclass(frozen=True, slots=True)
class LeasePage:
    """The lease of a target with the text below it, and the newest attempt of one task; None where it has none."""

    lease: Lease
    attempt: Attempt | None
    lease_body: str = ""
    attempt_body: str = ""


def page(snapshot: Snapshot, target: str, task: str) -> LeasePage:
    """What stands there now.

    Raises:
        UsageError: that is no task id.
        StateDocumentError: a document is malformed: nobody merges before it is mended.
    """
    lease, lease_body = _read(snapshot, LEASE, layout.lease_path(target))
    attempt, attempt_body = _read(snapshot, ATTEMPT, layout.attempt_path(book.checked(task))) if task else (None, "")
    return LeasePage(lease or leases.free(target), attempt, lease_body, attempt_body)


def proven(snapshot: Snapshot, target: str) -> Proven | None:
    """The trees that were tested green for a target.

    Raises:
        StateDocumentError: the document is malformed.
    """
    return _read(snapshot, PROVEN, layout.proven_path(target))[0]


def markers(snapshot: Snapshot, target: str) -> Markers | None:
    """What has to stay in a target; None where nobody ever said.

    Raises:
        StateDocumentError: the document is malformed.
    """
    return _read(snapshot, MARKERS, layout.markers_path(target))[0]


def queue(snapshot: Snapshot, target: str) -> tuple[Queue, str]:
    """What holds for the merge queue of a target, and its log.

    Raises:
        StateDocumentError: the document is malformed.
    """
    found, body = _read(snapshot, QUEUE, layout.queue_path(target))
    return found or Queue(target=target, freeze=None), body


@dataclass(frozen=True, slots=True)
class LedgerWrite:
    """What one commit changes: None is left as it is."""

    line: str
    lease: Lease | None = None
    attempt: Attempt | None = None
    proven: Proven | None = None


def change(before: LeasePage, written: LedgerWrite, event: str, now: datetime) -> Change:
    """The change that writes it, with a line in each log."""
    writes: dict[str, str] = {}
    task = "-"
    if written.lease is not None:
        line = f"{written.line} (generation {written.lease.generation})"
        body = codec.append_line(codec.newest(before.lease_body, _LEASE_LINES - 1), now, line)
        writes[layout.lease_path(written.lease.target)] = codec.encode(written.lease, body)
    if written.attempt is not None:
        task = written.attempt.task
        begun = before.attempt is None or before.attempt.id != written.attempt.id
        log = "" if begun else codec.newest(before.attempt_body, _ATTEMPT_LINES - 1)
        body = codec.append_line(log, now, written.line)
        writes[layout.attempt_path(written.attempt.task)] = codec.encode(written.attempt, body)
    if written.proven is not None:
        writes[layout.proven_path(written.proven.target)] = codec.encode(written.proven, "")
    return Change(event=event, task=task, subject=f"{task}: {event}", body=written.line, writes=writes)


def under(proof: LeaseProof, found: LeasePage) -> Attempt:
    """The attempt that a proof is about, as it is now.

    Raises:
        LeaseLost: somebody took over, or ended it.
    """
    if found.attempt is None or found.attempt.id != proof.attempt or not leases.proves(proof, found.lease):
        raise LeaseLost(f"this process no longer holds the lease on {proof.target}: {found.lease.reason}")
    return found.attempt


@dataclass(frozen=True, slots=True)
class PendingClaim:
    """A claim that is written with the first step that it is for: the lease as it was seen, and with the claim."""

    seen: Lease
    claimed: Lease

    def on(self, found: LeasePage) -> LeasePage:
        """The page with the claim.

        Raises:
            LeaseLost: somebody else was quicker.
        """
        if found.lease != self.seen:
            raise LeaseLost(f"somebody else works on the attempt that holds {found.lease.target}: {found.lease.reason}")
        return replace(found, lease=self.claimed)


def _read(snapshot: Snapshot, kind: DocumentKind[D], path: str) -> tuple[D | None, str]:
    text = snapshot.text(path)
    return (None, "") if text is None else codec.decode(kind, path, text)
