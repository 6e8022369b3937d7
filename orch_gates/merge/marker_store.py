"""Adding, taking away and looking for the markers of a target branch (MRG-10)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TypeAlias

from orch_gates.errors import GitError, OrchError, UsageError
from orch_gates.git.answers import FetchOutcome
from orch_gates.git.cli import Git
from orch_gates.git.draft import checked
from orch_gates.git.remote import Remote
from orch_gates.git.scratch import scratch
from orch_gates.merge import ledger, markers
from orch_gates.merge.markers import Guarded
from orch_gates.model.feedback import one_line
from orch_gates.model.ids import timestamp
from orch_gates.model.markers import MAX_MARKERS, Marker, Markers
from orch_gates.state import codec, layout
from orch_gates.state.outcome import commit_of
from orch_gates.state.snapshot import Snapshot
from orch_gates.state.store import Change, Store
from orch_gates.tasks import book
from orch_gates.tasks.configured import Configured

_Decide: TypeAlias = Callable[[tuple[Marker, ...]], tuple[Marker, ...]]


def made(path: str, pattern: str, reason: str, by: str, now: datetime) -> Marker:
    """A marker as a person names it.

    Raises:
        UsageError: it is no path in a repository, or no text of one line.
    """
    try:
        checked(path)
        return Marker(path=path, pattern=pattern, reason=one_line(reason), added=timestamp(now), by=one_line(by))
    except ValueError as error:
        raise UsageError(
            f"{path!r}, {pattern!r}: a marker is a path in the repository and a text of one line"
        ) from error


def add(store: Store, configured: Configured, target: str, marker: Marker) -> bool:
    """Add a marker; False where it is one already.

    Raises:
        UsageError: there are as many as there may be.
        StateError: it could not be recorded.
    """

    def decide(found: tuple[Marker, ...]) -> tuple[Marker, ...]:
        if any((one.path, one.pattern) == (marker.path, marker.pattern) for one in found):
            return found
        if len(found) >= MAX_MARKERS:
            raise UsageError(f"there are {MAX_MARKERS} markers already; take one away first")
        return (*found, marker)

    return _changed(store, configured, target, decide, f"marker {marker.path}: {marker.reason}")


def remove(store: Store, configured: Configured, target: str, path: str, pattern: str, reason: str) -> None:
    """Take a marker away.

    Raises:
        UsageError: there is no such marker.
        StateError: it could not be recorded.
    """

    def decide(found: tuple[Marker, ...]) -> tuple[Marker, ...]:
        left = tuple(one for one in found if (one.path, one.pattern) != (path, pattern))
        if left == found:
            raise UsageError(f"{target} has no marker {pattern} in {path}; `orch-gates marker list` shows all")
        return left

    _changed(store, configured, target, decide, f"no marker any more, {path}: {reason}")


def look(store: Store, git: Git, remote: Remote, target: str, timeout: float) -> Guarded:
    """Look for every marker where the target stands on the server now; never raises for what git cannot tell (P3).

    Raises:
        StateError: which markers there are could not be read.
    """
    wanted = ledger.markers(store.load(), target)
    if wanted is None or not wanted.markers:
        return Guarded(0)
    return looked_for(git, remote, target, wanted, timeout)


def there(git: Git, remote: Remote, target: str, marker: Marker, timeout: float) -> bool | None:
    """Whether the target has a marker's text now; None where that cannot be told."""
    found = looked_for(git, remote, target, Markers(target=target, markers=(marker,)), timeout)
    return None if found.unknown else not found.missing


def looked_for(git: Git, remote: Remote, target: str, wanted: Markers, timeout: float) -> Guarded:
    """As `look`, for markers that were read before."""
    try:
        with scratch(git) as bench:
            spec = f"+refs/heads/{target}:refs/heads/target"
            answer = remote.fetch(bench.directory, [spec], timeout=timeout)
            if answer.meaning is not FetchOutcome.DONE:
                raise GitError(f"{target} could not be fetched: {answer.reason}")
            return markers.check(bench, bench.resolve("refs/heads/target"), wanted)
    except OrchError as error:
        return Guarded(len(wanted.markers), unknown=(str(error),))


def _changed(store: Store, configured: Configured, target: str, decide: _Decide, subject: str) -> bool:
    configured.agree(store)

    def decision(snapshot: Snapshot) -> Change | None:
        configured.check(book.root_of(snapshot))
        before = ledger.markers(snapshot, target)
        found = before.markers if before is not None else ()
        after = decide(found)
        if after == found:
            return None
        document = Markers(target=target, markers=after)
        return Change(
            event="marker",
            task="-",
            subject=one_line(subject)[:150],
            writes={layout.markers_path(target): codec.encode(document, "")},
        )

    return commit_of(store.transact(decision)) != ""
