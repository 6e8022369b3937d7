"""The one interpreter of effects: performs those of a task in their order, each apart from the others (P3, P7)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, assert_never

from orch_gates.effects import commit_status
from orch_gates.effects.performed import EffectResult, Performed
from orch_gates.engine.statuses import Posting
from orch_gates.errors import ForgeRefused, ForgeUnavailable, ForgeUnclear, OrchError, SettingsError
from orch_gates.forge.port.checks import CommitStatuses
from orch_gates.model.effect import Effect, IssueEffect, StatusEffect
from orch_gates.trackers.port import Tracker


class Performer(Protocol):
    """The part of a `Forge` that effects need."""

    @property
    def statuses(self) -> CommitStatuses:
        """Statuses of commits."""
        ...


@dataclass(frozen=True, slots=True)
class Outbox:
    """Where effects are performed.

    `forge` connects to the forge that may be written to from here, and gives None where there is none.
    `statuses` says whether verdicts are posted, `url` is the page of this run. `tracker` is that of the tasks' issues,
    None where none is turned on.
    """

    forge: Callable[[], Performer | None] = lambda: None
    statuses: bool = False
    url: str = ""
    tracker: Callable[[], Tracker | None] = lambda: None

    def posting(self, commit: str) -> Posting | None:
        """What statuses on a commit are planned with; None where none are posted from here."""
        if not (self.statuses and commit):
            return None
        try:
            forge = self.forge()
            return None if forge is None else Posting(self.url, commit_status.present(forge.statuses, commit))
        except OrchError:
            # Planned all the same: performing it says what is wrong.
            return Posting(self.url, None)

    def perform(self, effects: Sequence[Effect]) -> tuple[Performed, ...]:
        """Perform effects that are recorded; none of them where there is no forge that may be written to from here."""
        if not effects:
            return ()
        try:
            forge = self.forge()
        except OrchError as error:
            return tuple(Performed(effect, EffectResult.UNKNOWN, str(error)) for effect in effects)
        return () if forge is None else _all(forge, self.tracker, effects)


NOWHERE = Outbox()


def _all(forge: Performer, tracker: Callable[[], Tracker | None], effects: Sequence[Effect]) -> tuple[Performed, ...]:
    performed: list[Performed] = []
    down = ""
    for effect in effects:
        if down:
            performed.append(Performed(effect, EffectResult.UNKNOWN, down))
            continue
        try:
            performed.append(_one(forge, tracker, effect))
        except ForgeRefused as error:
            performed.append(Performed(effect, EffectResult.REFUSED, str(error)))
        except (ForgeUnclear, SettingsError) as error:
            performed.append(Performed(effect, EffectResult.UNKNOWN, str(error)))
        except ForgeUnavailable as error:
            # Every further question would wait as long for the same answer.
            down = str(error)
            performed.append(Performed(effect, EffectResult.UNKNOWN, down))
        except Exception as error:  # noqa: BLE001 - the step stands whatever happens here, and the cause is said (P3)
            performed.append(Performed(effect, EffectResult.UNKNOWN, f"{type(error).__name__}: {error}"))
    return tuple(performed)


def _one(forge: Performer, tracker: Callable[[], Tracker | None], effect: Effect) -> Performed:
    match effect:
        case StatusEffect():
            return commit_status.post(forge.statuses, effect)
        case IssueEffect():
            return _told(tracker(), effect)
        case _:
            assert_never(effect)


def _told(tracker: Tracker | None, effect: IssueEffect) -> Performed:
    if tracker is None:
        return Performed(effect, EffectResult.SUPERSEDED, "no tracker is turned on here (tracker.kind)")
    if tracker.show(effect.issue, effect.label, effect.text, generation=effect.generation, clears=effect.clears):
        return Performed(effect, EffectResult.DONE)
    return Performed(effect, EffectResult.SUPERSEDED, f"issue {effect.subject} shows a newer state")
