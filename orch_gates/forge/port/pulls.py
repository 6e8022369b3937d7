"""Pull requests, and every answer to a merge that a caller has to tell apart (MRG-7, MRG-8, MRG-16)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, TypeAlias

from orch_gates.errors import ForgeRefused
from orch_gates.model.ids import OID

# More than a tenth of it is no message for people; a server hands it to git as one argument of at most 128 KiB.
MAX_MESSAGE = 60_000
# Of these git, servers and terminals each make something else: controls, other line ends, turns of direction, halves.
_UNPRINTABLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
# Below such a line git reads no trailers.
_SCISSORS = re.compile(r"^\S? ?-{2,} ?>8 ?-{2,}", re.MULTILINE)


class PullState(StrEnum):
    """Where a pull request stands, as the forge says; MERGED is no proof that its code is in the target (MRG-9)."""

    OPEN = "open"
    CLOSED = "closed"
    MERGED = "merged"


@dataclass(frozen=True, slots=True)
class PullRequest:
    """A request to merge a branch into one of this repository.

    `head` is the commit at the head as the forge sees it now, `merge_commit` what it says came of
    a merge. `mergeable` is None while the forge does not know, or cannot tell checking from conflict.
    `fork`: the branch is not one of this repository, so it is not the task's, whatever its name. `base` is the commit
    at the target now; empty where the forge does not tell. `labels` as the forge spells them.
    """

    number: int
    title: str
    body: str
    branch: str
    target: str
    head: str
    state: PullState
    author: str
    url: str = ""
    draft: bool = False
    mergeable: bool | None = None
    merge_commit: str = ""
    fork: bool = False
    base: str = ""
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Draft:
    """A pull request to be opened."""

    branch: str
    target: str
    title: str
    body: str = ""


@dataclass(frozen=True, slots=True)
class MergeRequest:
    """A merge of exactly the validated commit into the target where it was tested (MRG-5, MRG-8, MRG-16).

    `head` is the validated commit, `base` the commit of the target that it was tested with. A merge commit is the only
    style that keeps the validated commit in the target on every forge. `message` follows the title after an empty
    line; trailers at its end stay trailers. `fork`: it is known, and meant, that the branch is in a fork.

    Raises:
        ForgeRefused: it does not name all of that, or could never land: nothing is asked.
    """

    head: str
    base: str
    target: str
    title: str
    message: str = ""
    fork: bool = False

    def __post_init__(self) -> None:
        if why := _wrong(self):
            raise ForgeRefused(f"no request was sent to the forge: {why}")


def _wrong(request: MergeRequest) -> str:
    """Why a merge is not asked for. To a forge, an empty head means that any will do."""
    for name, value in (("head", request.head), ("base", request.base)):
        if not OID.fullmatch(value or ""):
            return f"the {name} of a merge must be a full commit id, not {value!r}"
    if not (request.target and request.title.strip()):
        return "a merge needs a target and a title"
    whole = f"{request.title}\n\n{request.message}"
    if len(whole.encode("utf-8", "surrogatepass")) > MAX_MESSAGE:
        return f"the message of a merge must have at most {MAX_MESSAGE} bytes"
    if _UNPRINTABLE.search(whole) or "\n" in request.title:
        return "the message of a merge must have no control characters, and a title of one line"
    if _SCISSORS.search(whole):
        return "the message of a merge must have no scissors line, below which git reads no trailers"
    return ""


@dataclass(frozen=True, slots=True)
class Merged:
    """The forge says that it merged now; proof is git's (MRG-9). `commit` may be empty."""

    commit: str = ""


@dataclass(frozen=True, slots=True)
class Scheduled:
    """The forge will merge later, or it waits in a queue: nothing is merged (MRG-8)."""


@dataclass(frozen=True, slots=True)
class AlreadyMerged:
    """This head was merged into this target before. `commit` may be empty."""

    commit: str = ""


@dataclass(frozen=True, slots=True)
class MergedOther:
    """It was merged, and not this head into this target: what was validated is not what was merged (MRG-16)."""

    head: str
    target: str
    commit: str = ""


@dataclass(frozen=True, slots=True)
class Retargeted:
    """It is to be merged into another branch now; nothing was merged."""

    target: str


@dataclass(frozen=True, slots=True)
class Foreign:
    """Its branch is not one of this repository; nothing was merged."""


@dataclass(frozen=True, slots=True)
class HeadMoved:
    """The head is not the expected commit: what was validated is not what would be merged."""


@dataclass(frozen=True, slots=True)
class BaseMoved:
    """The target is not where it was tested, or moved while the forge merged: validate again, then ask again."""


@dataclass(frozen=True, slots=True)
class Conflict:
    """The branches do not merge."""


@dataclass(frozen=True, slots=True)
class NotReady:
    """A rule of the repository is not met yet: a status, an approval, a draft."""

    reason: str


@dataclass(frozen=True, slots=True)
class Forbidden:
    """No permission, a hook's refusal, or a style that is not allowed; asking again does not help."""

    reason: str


@dataclass(frozen=True, slots=True)
class Closed:
    """It is closed, and unmerged as the forge says; it may be in the target all the same: git has to say."""


@dataclass(frozen=True, slots=True)
class Gone:
    """There is no such pull request, or this token may not see it."""

    reason: str


@dataclass(frozen=True, slots=True)
class Transient:
    """Nothing was merged, for a reason that passes: busy, rate limit, no connection. `wait`: seconds asked for."""

    reason: str
    wait: float = 0.0


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """It may be merged, in conflict, or neither: git has to say (MRG-8, MRG-9)."""

    reason: str


MergeOutcome: TypeAlias = (
    Merged
    | Scheduled
    | AlreadyMerged
    | MergedOther
    | Retargeted
    | Foreign
    | HeadMoved
    | BaseMoved
    | Conflict
    | NotReady
    | Forbidden
    | Closed
    | Gone
    | Transient
    | Ambiguous
)


class PullRequests(Protocol):
    """Pull requests between branches of one repository; those from forks are not ours to handle."""

    def open(self, draft: Draft) -> PullRequest:
        """Open one; where one of the same branches is open already, that one.

        Raises:
            ForgeRefused: no permission, or a branch that is not there.
            ForgeUnclear: it may have been opened; `find` says.
            ForgeUnavailable: it was not opened.
        """
        ...

    def find(self, branch: str, target: str) -> tuple[PullRequest, ...]:
        """The open ones of exactly these branches, over all pages, oldest first.

        Raises:
            ForgeUnavailable: they could not be read completely.
        """
        ...

    def labelled(self, label: str) -> tuple[PullRequest, ...]:
        """Every open one with this label, those from forks too, over all pages, lowest number first.

        Issues with the label are none, and a label that does not exist is on none. Where the forge ignores the case
        of labels (GitHub), so does this; elsewhere `Queue` and `queue` are two labels.

        Raises:
            ForgeRefused: no label is named.
            ForgeUnavailable: they could not be read completely.
        """
        ...

    def get(self, number: int) -> PullRequest:
        """One, freshly; asking also makes the forge look whether it can be merged.

        Raises:
            ForgeRefused: there is none.
            ForgeUnavailable: the forge did not answer.
        """
        ...

    def edit(self, number: int, *, title: str | None = None, body: str | None = None) -> PullRequest:
        """Change what it says.

        Raises:
            ForgeRefused, ForgeUnclear, ForgeUnavailable: as `open`; doing it again is safe.
        """
        ...

    def close(self, number: int) -> PullRequest:
        """Close it unmerged; one that is closed or merged stays what it is.

        Raises:
            ForgeRefused, ForgeUnclear, ForgeUnavailable: as `edit`.
        """
        ...

    def merge(self, number: int, request: MergeRequest) -> MergeOutcome:
        """Ask for the merge, once, of a pull request that still is what the request says (MRG-16).

        Whatever the forge or the network does is an outcome. The branch is not deleted.
        """
        ...


def unfit(pull: PullRequest, request: MergeRequest) -> MergeOutcome | None:
    """What the merge of a pull request comes to without being asked for; None where it is to be asked for (pure)."""
    expected = (pull.head, pull.target) == (request.head, request.target)
    match pull.state:
        case PullState.MERGED if expected:
            return AlreadyMerged(pull.merge_commit)
        case PullState.MERGED:
            return MergedOther(pull.head, pull.target, pull.merge_commit)
        case PullState.CLOSED:
            return Closed()
        case PullState.OPEN if pull.fork and not request.fork:
            return Foreign()
        case PullState.OPEN if pull.target != request.target:
            return Retargeted(pull.target)
        case PullState.OPEN:
            return None if expected else HeadMoved()
