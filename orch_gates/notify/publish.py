"""Shows each card whose text changed in each channel, once: claimed, sent, recorded (NTF-1, P3, P7)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from orch_gates.engine.card import Card as Content
from orch_gates.errors import OrchError
from orch_gates.model.card import Card, Channel, ShownIn
from orch_gates.model.ids import TaskId
from orch_gates.notify import book, plan, sent
from orch_gates.notify.book import ShownCard
from orch_gates.notify.claims import Claims
from orch_gates.notify.comment import PullComments
from orch_gates.notify.delivery import Delivery, DeliveryResult
from orch_gates.notify.telegram import Chat
from orch_gates.notify.webhook import Webhook
from orch_gates.report import card as render
from orch_gates.state.snapshot import Snapshot
from orch_gates.state.store import Store

# Of one channel in one run; Telegram takes 20 a minute in a group.
MOST = 15
# A channel that fails as often in one run would fail for the rest.
_MOST_FAILED = 3


@dataclass(frozen=True, slots=True)
class WantedCard:
    """A task, what its card says, and whether it is over: one that was never shown is not shown any more then.

    `branch` is that of its pull request; empty where that has another comment of ours.
    """

    task: TaskId
    content: Content
    over: bool
    branch: str = ""


@dataclass(frozen=True, slots=True)
class Published:
    """What came of one channel: cards that were shown, and why others were not; `refused` needs a person.

    `attempted`: a card or document was tried, so `refused` is up to date. `left` are for the next run.
    `unusable` is why its settings allow nothing here, and what to set.
    """

    channel: Channel
    shown: tuple[TaskId, ...] = ()
    waits: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    attempted: bool = False
    left: int = 0
    unusable: str = ""


@dataclass
class _Run:
    """One channel in one run: how it spells a card, how it shows one, and how it is tried without any effect."""

    channel: Channel
    place: str
    text: Callable[[Content], str]
    show: Callable[[ShownCard, str, ShownIn, str], Delivery]
    check: Callable[[], Delivery] | None = None
    shown: list[TaskId] = field(default_factory=list)
    waits: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    tried: int = 0
    failed: int = 0
    left: int = 0


@dataclass(frozen=True, slots=True)
class _Due:
    """A card that a channel is to show; `again`: it refused just that, and is tried again once it takes another one."""

    task: TaskId
    before: ShownIn
    text: str
    branch: str
    again: bool


@dataclass(frozen=True, slots=True)
class Publisher:
    """Where cards are shown from here; `late` says that no time is left to begin another one.

    The clock of `claims` is read for each card: a claim that is dated by the beginning of a long tick would be over
    too early. `cache_dir` is where this machine keeps what was sent until that is recorded, None for nowhere.
    """

    store: Store
    chat: Chat | None
    webhook: Webhook | None
    comments: PullComments | None
    nonce: Callable[[], str]
    claims: Claims
    late: Callable[[], bool] = lambda: False
    cache_dir: Path | None = None

    def publish(self, snapshot: Snapshot, wanted: Sequence[WantedCard]) -> tuple[Published, ...]:
        """Show what changed; an error of one channel is reported, and stops no other."""
        cards, broken = _read(snapshot, wanted)
        sent.remove_old(self.cache_dir, self.claims.now())
        published = []
        for run in self._runs():
            run.refused += broken
            self._channel(run, cards)
            attempted = run.tried > 0 or bool(broken)
            ends = tuple(run.shown), tuple(run.waits), tuple(run.refused)
            published.append(Published(run.channel, *ends, attempted=attempted, left=run.left))
        return tuple(published)

    def _runs(self) -> list[_Run]:
        runs = []
        if (chat := self.chat) is not None:

            def shown(entry: ShownCard, text: str, before: ShownIn, _branch: str) -> Delivery:
                return chat.show(entry.task, text, before.message, lambda: entry.claim(self.store))

            runs.append(_Run(Channel.TELEGRAM, chat.place, render.telegram_html, shown, chat.check))
        if (webhook := self.webhook) is not None:

            def posted(entry: ShownCard, text: str, _before: ShownIn, _branch: str) -> Delivery:
                if not entry.claim(self.store):
                    return Delivery(DeliveryResult.LEFT)
                delivery_id = f"{entry.task}-{entry.digest[:16]}"
                return webhook.send(text, delivery_id, int(self.claims.now().timestamp()))

            runs.append(_Run(Channel.WEBHOOK, webhook.place, render.webhook_json, posted))
        if (comments := self.comments) is not None:

            def commented(entry: ShownCard, text: str, before: ShownIn, branch: str) -> Delivery:
                return comments.show(branch, text, before.message, lambda: entry.claim(self.store))

            runs.append(_Run(Channel.COMMENT, comments.place, render.comment_markdown, commented, comments.check))
        return runs

    def _channel(self, run: _Run, cards: Sequence[tuple[WantedCard, Card]]) -> None:
        everything = tuple(one for _, card in cards for one in card.shown)
        if (until := plan.paused_until(everything, run.place, self.claims.now())) is not None:
            run.waits.append(f"{run.channel} is rate-limited until {until:%H:%M:%S} UTC")
            return
        due = self._due(run, cards)
        for number, one in enumerate(due):
            if run.tried >= MOST or self.late():
                run.left = len(due) - number
                return
            if one.again and not run.shown:
                continue
            entry = ShownCard(one.task, one.before, render.digest(one.text), self.nonce(), self.claims)
            if run.tried == 0 and not self._reached(run, entry):
                return
            run.tried += 1
            if not self._shown(run, entry, one.text, one.before, one.branch):
                return

    def _reached(self, run: _Run, entry: ShownCard) -> bool:
        """Whether the channel may be used; one that may not costs no claim, so that it changes nothing in any run."""
        delivery = run.check() if run.check is not None else Delivery(DeliveryResult.SHOWN)
        if delivery.result is DeliveryResult.SHOWN:
            return True
        run.tried += 1
        found = run.refused if delivery.result is DeliveryResult.REFUSED else run.waits
        found.append(f"{entry.task}: {run.channel}: {delivery.reason}")
        if delivery.wait:
            try:
                entry.record(self.store, delivery)
            except OrchError as error:
                run.waits.append(f"{entry.task}: {run.channel}: {error}")
        return False

    def _due(self, run: _Run, cards: Sequence[tuple[WantedCard, Card]]) -> list[_Due]:
        """What is to be shown; what failed comes last, in another order each time, and keeps no other one unshown."""
        found = []
        for wanted, card in cards:
            before = self._recovered(run, wanted.task, card.on(run.channel, run.place))
            if (wanted.over and not plan.begun(before)) or (run.channel is Channel.COMMENT and not wanted.branch):
                continue
            text = run.text(wanted.content)
            digest = render.digest(text)
            if plan.due(before, digest, self.claims.now()) and self._free(run, wanted.task, before):
                found.append(_Due(wanted.task, before, text, wanted.branch, before.refused == digest))
        return sorted(found, key=lambda one: self.nonce() if one.before.problem else "")

    def _free(self, run: _Run, task: TaskId, before: ShownIn) -> bool:
        """Whether no other process shows it now, as far as is known."""
        if before.claim is None or self.claims.over(before.claim):
            return True
        if (dated := self.claims.dated(before.claim)) is not None:
            try:
                ShownCard(task, before, dated.digest, dated.nonce, self.claims).date(self.store, dated)
            except OrchError as error:
                run.waits.append(f"{task}: {run.channel}: {error}")
        return False

    def _recovered(self, run: _Run, task: TaskId, before: ShownIn) -> ShownIn:
        """With the message that this machine sent, and did not record before it died; recorded now."""
        claim = before.claim
        if claim is None or (message := sent.read(self.cache_dir, claim.nonce)) is None:
            return before
        delivery, entry = (
            Delivery(DeliveryResult.SHOWN, "", message),
            ShownCard(task, before, claim.digest, claim.nonce, self.claims),
        )
        try:
            entry.record(self.store, delivery)
            sent.remove(self.cache_dir, claim.nonce)
        except OrchError as error:
            run.waits.append(f"{task}: {run.channel}: {error}")
            return before
        return plan.after(before, before, claim.digest, claim.nonce, delivery, self.claims.now()) or before

    def _shown(self, run: _Run, entry: ShownCard, text: str, before: ShownIn, branch: str) -> bool:
        """Show one card; whether the channel may be asked for another one."""
        try:
            delivery = run.show(entry, text, before, branch)
            if delivery.result is DeliveryResult.SHOWN:
                sent.write(self.cache_dir, entry.nonce, delivery.message)
            entry.record(self.store, delivery)
            sent.remove(self.cache_dir, entry.nonce)
        except OrchError as error:
            run.waits.append(f"{entry.task}: {run.channel}: {error}")
            return False
        line = f"{entry.task}: {run.channel}: {delivery.reason}"
        match delivery.result:
            case DeliveryResult.SHOWN:
                run.shown.append(entry.task)
            case DeliveryResult.REFUSED:
                run.refused.append(line)
                run.failed += 1
                return run.failed < _MOST_FAILED
            case DeliveryResult.LATER | DeliveryResult.UNKNOWN:
                if delivery.result is DeliveryResult.UNKNOWN:
                    self.claims.seen(entry.nonce)
                run.waits.append(line)
                run.failed += 1
                # A limit is the whole channel's, and a server that is down would cost the time of every card.
                return not delivery.wait and run.failed < _MOST_FAILED
            case DeliveryResult.LEFT | DeliveryResult.ABSENT:
                pass
        return True


def _read(snapshot: Snapshot, wanted: Sequence[WantedCard]) -> tuple[list[tuple[WantedCard, Card]], list[str]]:
    """The documents of these cards, and why some cannot be read: nothing is shown of those, as it would come twice."""
    cards, broken = [], []
    for one in wanted:
        try:
            cards.append((one, book.card(snapshot, one.task)))
        except OrchError as error:
            broken.append(str(error))
    return cards, broken
