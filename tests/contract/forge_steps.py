"""Steps that the suite of the forge port takes on every forge."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

import pytest

from orch_gates.errors import ForgeRefused
from orch_gates.forge.port.pulls import Ambiguous, Draft, MergeOutcome, MergeRequest, PullRequest, Transient
from tests.contract.forge_rig import Rig, Who
from tests.patience import rest

NEVER = 999_999
_PATIENCE_S = 30
T = TypeVar("T")


def eventually(ask: Callable[[], T], *, unless: Callable[[T], bool]) -> T:
    """The first answer that is not one of these, or the last one within a bounded time."""
    began = time.monotonic()
    while unless(found := ask()) and time.monotonic() < began + _PATIENCE_S:
        rest(began)
    return found


def opened(rig: Rig, branch: str = "topic", target: str = "main") -> PullRequest:
    """A pull request of a branch with a commit of its own."""
    rig.push(branch, {f"{branch}.txt": f"{branch}\n"})
    return rig.forge.pulls.open(Draft(branch, target, f"Land {branch}"))


def settled(rig: Rig, number: int) -> PullRequest:
    """The pull request, when the forge has seen that it can be merged."""
    return eventually(lambda: rig.forge.pulls.get(number), unless=lambda pull: pull.mergeable is not True)


def landing(rig: Rig, made: PullRequest) -> MergeRequest:
    """The request for the merge of a pull request as everything is now."""
    return MergeRequest(made.head, rig.tip(made.target), made.target, "Land it")


def merged(
    rig: Rig, number: int, head: str, who: Who = Who.OWNER, *, base: str = "", target: str = "main"
) -> MergeOutcome:
    """What a merge comes to, asked for as often as the forge wants; of the target as it is now, or was at `base`."""
    message = "Because.\n\nOrch-Generation: 7\nOrch-Task: T-1"
    request = MergeRequest(head, base or rig.tip(target), target, f"Land it (#{number})", message)
    pulls = rig.as_(who).pulls
    return eventually(
        lambda: pulls.merge(number, request), unless=lambda outcome: isinstance(outcome, Ambiguous | Transient)
    )


def refused(*asks: Callable[[], object]) -> None:
    """Each of these is refused."""
    for ask in asks:
        with pytest.raises(ForgeRefused):
            ask()
