"""A gate's verdict as the commit status `orch/<gate>`, and how it is posted so that repeating it changes nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping

from orch_gates.documents import escape
from orch_gates.effects.performed import EffectResult, Performed
from orch_gates.forge.port.checks import CommitStatus, CommitStatuses, StatusState
from orch_gates.model.effect import PostedState, StatusEffect
from orch_gates.model.verdict import evidence_id

# As much as GitHub takes.
_LONGEST = 140
_EVERYTHING = "0" * 10
# The empty tree, in whatever format of object ids: all that a commit reaches.
_ALL = "`--base $(git hash-object -t tree /dev/null)`"
_SINCE = re.compile(r"(?:since ([0-9a-f]{10,64})|everything): ")


def commit_status(context: str, state: PostedState, reason: str, url: str) -> CommitStatus:
    """The status as forges take it."""
    return CommitStatus(context, StatusState(state.value), escape.clip(escape.visible(reason), _LONGEST), url)


def since(base: str, reason: str) -> str:
    """A reason that says after which commit everything was judged; zeros mean that all of it was."""
    return f"{f'since {base[:10]}' if base.strip('0') else 'everything'}: {reason}"


def judged_since(status: CommitStatus) -> str:
    """The commit after which everything was judged, zeros for all of it; empty where its status does not say."""
    found = _SINCE.match(status.description)
    return "" if found is None else found[1] or _EVERYTHING


def why_it_stays(there: CommitStatus, commit: str, base: str, *, left_out: bool | None) -> str:
    """Why a red status is not replaced by a verdict about what is after `base`; empty where it is (pure; GATE-5).

    `left_out`: whether that verdict leaves out commits that the status is about; None where this clone cannot tell.
    """
    if there.state in {StatusState.SUCCESS, StatusState.PENDING} or not base.strip("0"):
        return ""
    before = judged_since(there)
    stays = f"the status on {commit[:10]} stays {there.state}"
    if not before:
        return f"{stays}: it does not name the commits it covers; judge all of them with {_ALL}"
    if not before.strip("0"):
        return f"{stays}: it covers all commits, but this run only those after {base[:10]}; judge with {_ALL}"
    if base.startswith(before):
        return ""
    about = f"{stays}: it covers the commits after {before}, "
    if left_out is None:
        return f"{about}which is not in this clone; fetch it, or judge with {_ALL}"
    return f"{about}but this run leaves out some of them; judge with `--base {before}`" if left_out else ""


def present(statuses: CommitStatuses, commit: str) -> Mapping[str, str]:
    """The id of every context's status on a commit: the same word, said again, has another one.

    Raises:
        ForgeUnavailable: they could not be read completely.
    """
    return {status.context: _id(status) for status in statuses.latest(commit)}


def post(statuses: CommitStatuses, effect: StatusEffect) -> Performed:
    """Post it, unless it is there, or another one is that was not there when this one was planned.

    Where it is not known what was there, it turns nothing green (GATE-5).

    Raises:
        ForgeRefused, ForgeUnclear, ForgeUnavailable: it is not known to be there.
    """
    wanted = commit_status(effect.context, effect.state, effect.reason, effect.url)
    there = next((one for one in statuses.latest(effect.commit) if one.context == effect.context), None)
    if there == wanted:
        return Performed(effect, EffectResult.DONE)
    unknown, green = effect.replaces is None, effect.state is PostedState.SUCCESS
    if there is not None and (green if unknown else _id(there) != effect.replaces):
        newer = "another status, which may be newer," if unknown else "a newer status"
        return Performed(effect, EffectResult.SUPERSEDED, f"{newer} {effect.context} is on {effect.commit[:10]}")
    statuses.post(effect.commit, wanted)
    return Performed(effect, EffectResult.DONE)


def _id(status: CommitStatus) -> str:
    return evidence_id(status.context, status.state, status.description, status.url, status.id)
