"""What attempts are driven with: the state, the repository, the server, the forge, and who drives."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from orch_gates import machine
from orch_gates.errors import GitError, LeaseLost, SettingsError
from orch_gates.forge.port.forge import Forge
from orch_gates.forge.port.server import ForgeKind
from orch_gates.git.answers import FetchOutcome
from orch_gates.git.cli import Git
from orch_gates.git.remote import Remote
from orch_gates.merge.lease import LeaseProof, Runner, Sight
from orch_gates.model.branch import code_ref
from orch_gates.model.lease import Lease
from orch_gates.settings import Settings
from orch_gates.state import codec
from orch_gates.state.store import Store
from orch_gates.tasks.configured import Configured

# A runner stops itself so long before others may take over (ST-7); of a short span, a quarter before.
_MARGIN_S = 5.0
_NOBODY = machine.ProcessIdentity("", 0, "")


@dataclass(frozen=True, slots=True)
class BranchTips:
    """Where a task's branch and its target stand on the server; empty where there is no such branch."""

    head: str
    target: str


@dataclass(frozen=True)
class MergeContext:
    """One process that works on attempts; `runner_name` is who people are told it is.

    `local` is the server's git directory where that is on this disk. `tests`: the test command may be run here.
    """

    settings: Settings
    store: Store
    configured: Configured
    git: Git
    remote: Remote
    local: Path | None
    forge: Forge | None
    target: str
    by: str
    runner_name: str
    now: Callable[[], datetime]
    monotonic: Callable[[], float]
    sleep: Callable[[float], None]
    tests: bool = True

    def need_forge(self) -> Forge:
        """The forge.

        Raises:
            SettingsError: there is none.
        """
        if self.forge is None:
            raise SettingsError(
                "no forge with a write token is configured: set ORCH_FORGE_TOKEN to a bot's token, and ORCH_FORGE_URL "
                "if the forge is not that of the clone; for a bare repository set ORCH_FORGE=local. Without a test "
                "command (merge.test), only statuses at a forge can validate a commit"
            )
        return self.forge

    def runner(self) -> Runner:
        """This process."""
        found = machine.identity()
        return Runner(self.runner_name, found.host, found.pid, found.started)

    def sight(self, lease: Lease) -> Sight:
        """What is known of time and of whoever claims a lease.

        Raises:
            ForgeUnavailable: the forge does not tell its time.
        """
        date = self._date()
        claim = lease.claim
        claimant = machine.ProcessIdentity(claim.host, claim.pid, claim.started) if claim is not None else _NOBODY
        unchanged = timedelta(0) if date is not None else self._unchanged(lease)
        return Sight(date or self.now(), date, unchanged, machine.is_dead(claimant))

    def where(self, branch: str) -> BranchTips:
        """Where the branch and the target stand on the server now.

        Raises:
            GitError: the server did not answer.
        """
        refs = [code_ref(branch), f"refs/heads/{self.target}"]
        timeout = self.settings.state.timeout
        if self.local is not None:
            answer, found = self.remote.local_refs(self.local, refs, timeout=timeout)
        else:
            with tempfile.TemporaryDirectory(prefix="orch-gates-") as nowhere:
                answer, found = self.remote.refs(Path(nowhere), refs, timeout=timeout)
        if answer.meaning is not FetchOutcome.DONE:
            raise GitError(f"could not read the current commits of {branch} and {self.target}: {answer.reason}")
        return BranchTips(*(found.get(ref, "") for ref in refs))

    def _date(self) -> datetime | None:
        """The forge's clock; that of a bare repository is this machine's, which others do not have to trust (ST-7)."""
        if self.forge is None:
            return None
        about = self.forge.server.about()
        return None if about.kind is ForgeKind.LOCAL else about.date

    def _unchanged(self, lease: Lease) -> timedelta:
        """For how long this machine has seen the lease as it is, since its boot."""
        host = machine.identity().host
        what = hashlib.sha256(f"{host}\0{codec.encode(lease, '')}".encode()).hexdigest()
        name = f"lease-{hashlib.sha256(lease.target.encode()).hexdigest()[:16]}"
        now = self.monotonic()
        try:
            seen, since = json.loads(self.store.recall(name) or "null") or ("", now)
            if seen == what and since <= now:
                return timedelta(seconds=now - since)
        except (ValueError, TypeError):
            # What was kept is damaged; it is seen for the first time.
            pass
        self.store.keep(name, json.dumps([what, now]))
        return timedelta(0)


class Clock:
    """Stops a runner before others may take over, by this process's own clock (MRG-4)."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._stop = 0.0

    def began(self, proof: LeaseProof, asked_at: float) -> None:
        """A claim was recorded that counts from `asked_at`, the moment before it was asked for."""
        self._stop = asked_at + proof.seconds - min(_MARGIN_S, proof.seconds / 4)

    def check(self) -> None:
        """See that there is time left, before anything is done that others would be in the way of.

        Raises:
            LeaseLost: others may have taken over by now.
        """
        if self._monotonic() >= self._stop:
            raise LeaseLost(
                "this process was too slow and lost the lease: others may work on the attempt; run the command again"
            )
