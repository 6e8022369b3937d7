"""What this machine tells of its processes: who each is, and whether it is gone."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class ProcessIdentity:
    """A process as others can look for it: machine, boot and number space, its number, and when it started there.

    An empty `started` is a machine that does not tell: nobody can be looked for there.
    """

    host: str
    pid: int
    started: str


def identity() -> ProcessIdentity:
    """This process."""
    return ProcessIdentity(_host(), os.getpid(), _start_of(os.getpid()))


def values_of(variable: str) -> frozenset[str]:
    """The values that a variable has in the environments of this machine's other processes.

    Those of other users, and of processes that let nobody look, may not be read, and count as without it.
    """
    found: set[str] = set()
    wanted = f"{variable}=".encode()
    for pid in processes():
        if pid == os.getpid():
            continue
        with contextlib.suppress(OSError):
            entries = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
            found |= {entry[len(wanted) :].decode("utf-8", "replace") for entry in entries if entry.startswith(wanted)}
    return frozenset(found)


def is_dead(other: ProcessIdentity) -> bool:
    """Whether a process is known to be gone: it ran where this one runs, and no such process is there now.

    A container has numbers of its own, and a number is given again: where either may be, it is not
    known.
    """
    here = _host()
    if not (here and other.started and other.host == here):
        return False
    return _start_of(other.pid) != other.started


def _host() -> str:
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
        return f"{os.uname().nodename} {boot} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return ""


def _start_of(pid: int) -> str:
    """When a process started, in ticks since the boot; empty where there is none, or it is a dead one."""
    fields = stat_of(pid)
    return fields[19].decode("ascii") if fields else ""


def stat_of(pid: int) -> list[bytes]:
    """What the machine tells of a process, from its state on; nothing where there is none, or it is a dead one."""
    try:
        # The name in brackets may hold anything, also brackets.
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return []
    return [] if fields[:1] in ([b"Z"], [b"X"]) else fields


def processes() -> list[int]:
    """The processes of this machine; none where it does not tell."""
    try:
        return [int(one.name) for one in Path("/proc").iterdir() if one.name.isdigit()]
    except OSError:
        return []
