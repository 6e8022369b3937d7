"""What came of a transaction: every answer that its caller has to tell apart (ST-2, ST-3, ST-4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Committed:
    """Written, once. `confirmed_late`: the server's answer got lost, the commit was found afterwards (ST-3)."""

    commit: str
    generation: int
    op: str
    attempts: int
    confirmed_late: bool = False


@dataclass(frozen=True, slots=True)
class NothingToDo:
    """Decided on the freshly read commit `tip`: there is nothing to change."""

    tip: str


@dataclass(frozen=True, slots=True)
class Exhausted:
    """Others were faster every time until the deadline; nothing was written."""

    attempts: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Denied:
    """The server refused, in its own words; not tried again."""

    reason: str


@dataclass(frozen=True, slots=True)
class Missing:
    """There is no state branch; `reason` says whether to make or to restore it."""

    reason: str


@dataclass(frozen=True, slots=True)
class Rewound:
    """The state branch lost commits; nothing was written on top."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unreachable:
    """The remote did not answer until the deadline; nothing was written."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """Sent, but whether the server took it could not be found out; `op` is in the commit if it did."""

    op: str
    reason: str


@dataclass(frozen=True, slots=True)
class Exists:
    """There is a state branch already, so none was made."""

    tip: str


@dataclass(frozen=True, slots=True)
class Restored:
    """The branch stands at `commit` again; `how` says in one line what was done, `lost` what was set aside."""

    commit: str
    generation: int
    how: str
    lost: str = ""


Result: TypeAlias = Committed | NothingToDo | Exhausted | Denied | Missing | Rewound | Unreachable | Unknown
Initialised: TypeAlias = Committed | Exists | Denied | Missing | Unreachable | Unknown
Restoration: TypeAlias = Restored | NothingToDo | Exhausted | Denied | Missing | Rewound | Unreachable | Unknown
