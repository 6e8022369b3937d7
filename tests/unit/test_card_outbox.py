"""What the outbox of a card allows: never two messages for one change, never one that is forgotten (NTF-1, T23)."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from orch_gates.model.card import Card, Channel, Claim, ShownIn
from orch_gates.model.ids import TaskId, timestamp
from orch_gates.notify import plan
from orch_gates.notify.delivery import Delivery, DeliveryResult
from tests.tasks_builders import NOW

OLD, NEW = "a" * 64, "b" * 64
MINE, THEIRS = "0" * 16, "1" * 16
EMPTY = Card(task=TaskId("T-1"), shown=()).on(Channel.TELEGRAM, "the chat")
DELIVERIES = {
    DeliveryResult.SHOWN: Delivery(DeliveryResult.SHOWN, "", 5),
    DeliveryResult.LEFT: Delivery(DeliveryResult.LEFT),
    DeliveryResult.ABSENT: Delivery(DeliveryResult.ABSENT, "", 4),
    DeliveryResult.LATER: Delivery(DeliveryResult.LATER, "a limit", 4, 60),
    DeliveryResult.REFUSED: Delivery(DeliveryResult.REFUSED, "no such chat", 4),
    DeliveryResult.UNKNOWN: Delivery(DeliveryResult.UNKNOWN, "no answer", 4),
}


def held(nonce: str = MINE, *, ago: timedelta = timedelta(0), digest: str = OLD) -> ShownIn:
    claim = Claim(nonce=nonce, at=timestamp(NOW - ago), digest=NEW)
    return EMPTY.model_copy(update={"digest": digest, "message": 4, "claim": claim})


def mine() -> Claim:
    return plan.claim(NEW, MINE, NOW, by_forge=False)


def test_the_same_text_is_not_shown_again() -> None:
    """Neither asked for nor claimed."""
    shown = EMPTY.model_copy(update={"digest": NEW})
    assert not plan.due(shown, NEW, NOW)
    assert plan.claimed(shown, shown, mine()) is None
    assert plan.due(shown, OLD, NOW)


def test_a_claim_keeps_others_out_until_its_process_has_died() -> None:
    """Ten minutes to the second, by the forge's clock."""
    for ago, is_over in ((plan.CLAIMED - timedelta(seconds=1), False), (plan.CLAIMED, True)):
        claim = held(THEIRS, ago=ago).claim
        assert claim is not None
        assert plan.over(claim, NOW) is is_over


@given(*[st.sampled_from([one for one in DeliveryResult if one is not DeliveryResult.ABSENT])] * 2)
def test_only_a_message_that_was_sent_is_pointed_to(first: DeliveryResult, then: DeliveryResult) -> None:
    """Whatever came before: text and message change with a success only, and what may have come stays claimed."""
    shown = plan.after(held(), held(), NEW, MINE, DELIVERIES[first], NOW) or held()
    shown = plan.after(shown, held(), NEW, MINE, DELIVERIES[then], NOW) or shown
    succeeded = DeliveryResult.SHOWN in {first, then}
    assert (shown.digest, shown.message) == ((NEW, 5) if succeeded else (OLD, 4))
    if {first, then} <= {DeliveryResult.UNKNOWN, DeliveryResult.LEFT}:
        assert shown.claim is not None


@given(st.sampled_from(DeliveryResult))
def test_what_another_process_has_claimed_is_left_to_it(result: DeliveryResult) -> None:
    """A process that comes back late writes nothing over the claim of the next one."""
    assert plan.after(held(THEIRS), EMPTY, NEW, MINE, DELIVERIES[result], NOW) is None


def test_a_limit_is_that_of_the_whole_place() -> None:
    """A refusal is that of one card, and pauses no other."""
    limited = plan.after(held(), held(), NEW, MINE, DELIVERIES[DeliveryResult.LATER], NOW)
    refused = plan.after(held(), held(), NEW, MINE, DELIVERIES[DeliveryResult.REFUSED], NOW)
    assert limited is not None
    assert refused is not None
    assert plan.paused_until((limited, refused), "the chat", NOW) == NOW + timedelta(seconds=60)
    assert plan.paused_until((limited,), "another chat", NOW) is None
    assert plan.paused_until((limited,), "the chat", NOW + timedelta(seconds=60)) is None
    assert plan.paused_until((refused,), "the chat", NOW) is None
    assert not plan.due(refused, NEW, NOW + plan.REFUSED - timedelta(seconds=1))
    assert plan.due(refused, NEW, NOW + plan.REFUSED)


def test_a_card_that_is_shown_elsewhere_is_made_anew() -> None:
    """Another chat or bot knows nothing of the old message."""
    card = Card(task=TaskId("T-1"), shown=(held(),))
    assert card.on(Channel.TELEGRAM, "the chat") == held()
    assert card.on(Channel.TELEGRAM, "another") == EMPTY.model_copy(update={"place": "another"})
    assert card.having(EMPTY).shown == (EMPTY,)


def test_nothing_to_show_it_on_is_looked_for_with_the_next_text_only() -> None:
    """Else every tick would ask the forge for every task without a pull request."""
    absent = plan.after(EMPTY, EMPTY, NEW, MINE, Delivery(DeliveryResult.ABSENT), NOW)
    assert absent is not None
    assert not plan.due(absent, NEW, NOW)
    assert plan.due(absent, OLD, NOW)


def shows(digest: str, message: int) -> ShownIn:
    return EMPTY.model_copy(update={"digest": digest, "message": message})


def test_who_read_before_a_card_was_sent_sends_no_second_one() -> None:
    """Its words are older, and it knows nothing of the message that is there."""
    assert plan.claimed(EMPTY, EMPTY, mine()) is not None
    assert plan.claimed(shows(OLD, 4), EMPTY, mine()) is None


def test_of_two_edits_at_once_the_newest_words_are_not_lost() -> None:
    """Nobody knows which came last: the card is shown again, at the message that the other one points to."""
    delivery, before = DELIVERIES[DeliveryResult.SHOWN], shows(OLD, 5)
    assert plan.after(before, before, NEW, MINE, delivery, NOW) == shows(NEW, 5)
    both = plan.after(shows("c" * 64, 6), before, NEW, MINE, delivery, NOW)
    assert both == shows("", 6)
    assert both is not None
    assert plan.due(both, "c" * 64, NOW)
    assert plan.after(shows(NEW, 5), before, NEW, MINE, delivery, NOW) is None


def test_a_card_that_a_process_died_over_is_begun() -> None:
    """A task that is over by then shows its end; one that nobody was to see shows nothing."""
    assert not plan.begun(EMPTY)
    assert all(map(plan.begun, (held(), shows("", 5), EMPTY.model_copy(update={"claim": held().claim}))))
