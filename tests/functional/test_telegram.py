"""The card in Telegram: edited in place or made anew, never two messages for one change, and nothing raises (NTF-1)."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from orch_gates.notify.bot import Bot
from orch_gates.notify.delivery import Delivery, DeliveryResult
from orch_gates.notify.telegram import Chat
from tests.fakes import scripted_http, telegram
from tests.fakes.telegram import DAY, Telegram

TOKEN = f"{secrets.randbelow(10**9) + 10**8}:{secrets.token_urlsafe(26)}"
CHAT = "-100500"


@pytest.fixture
def server() -> Iterator[Telegram]:
    with telegram.serving(TOKEN) as made:
        yield made


def chat(server: Telegram, *, bump: bool = False, topic: int = 0, token: str = TOKEN) -> Chat:
    return Chat(Bot(token, server.url, 5), CHAT, topic, bump)


def show(server: Telegram, text: str, message: int = 0, *, bump: bool = False, claims: bool = True) -> Delivery:
    return chat(server, bump=bump).show("T-1", text, message, lambda: claims)


def texts(server: Telegram) -> list[str]:
    return [one.text for one in server.messages.values()]


def test_the_first_card_is_one_silent_message(server: Telegram) -> None:
    """The chat is looked at before, and the message that came is what the card is from now on."""
    assert show(server, "one") == Delivery(DeliveryResult.SHOWN, "", 1)
    assert server.calls == ["getChat", "sendMessage"]
    assert server.messages[1].silent


def test_a_topic_gets_the_card(server: Telegram) -> None:
    """In a forum the card is in its topic."""
    assert chat(server, topic=7).show("T-1", "one", 0, lambda: True).result is DeliveryResult.SHOWN
    assert server.messages[1].topic == 7


def test_edit_changes_the_card_in_place_at_any_age(server: Telegram) -> None:
    """Editing has no age limit, and sends nothing."""
    show(server, "one")
    server.clock = 400 * DAY
    assert show(server, "two", 1) == Delivery(DeliveryResult.SHOWN, "", 1)
    assert texts(server) == ["two"]
    assert server.calls.count("sendMessage") == 1


def test_the_same_text_is_a_success(server: Telegram) -> None:
    """What Telegram calls an error says that the card is as it should be."""
    show(server, "one")
    assert show(server, "one", 1) == Delivery(DeliveryResult.SHOWN, "", 1)


def test_a_card_that_somebody_deleted_is_made_anew_once(server: Telegram) -> None:
    """One new message, after the chat was looked at."""
    show(server, "one")
    server.messages.clear()
    server.calls.clear()
    assert show(server, "two", 1) == Delivery(DeliveryResult.SHOWN, "", 2)
    assert server.calls == ["editMessageText", "getChat", "sendMessage"]


@pytest.mark.parametrize("bump", [False, True])
def test_a_chat_that_is_closed_to_the_bot_gets_nothing(server: Telegram, bump: bool) -> None:
    """Telegram says of every message there that it is not found: that makes no new one."""
    show(server, "one")
    server.chats.clear()
    delivery = show(server, "two", 1, bump=bump)
    assert (delivery.result, delivery.message) == (DeliveryResult.REFUSED, 1)
    assert "chat not found" in delivery.reason
    assert server.calls.count("sendMessage") == 1


def test_bump_makes_the_card_anew_at_the_bottom(server: Telegram) -> None:
    """The old one goes, the new one comes silently, and is what the card is."""
    show(server, "one")
    assert show(server, "two", 1, bump=True) == Delivery(DeliveryResult.SHOWN, "", 2)
    assert texts(server) == ["two"]
    assert server.messages[2].silent


def test_bump_leaves_a_pointer_where_the_old_card_is_too_old(server: Telegram) -> None:
    """After 48 hours nothing can be deleted: the old card says where to look, and stays."""
    show(server, "one")
    server.clock = 2 * DAY
    assert show(server, "two", 1, bump=True) == Delivery(DeliveryResult.SHOWN, "", 2)
    assert texts(server) == ["↓ the card of T-1 is further down", "two"]


def test_bump_points_to_the_old_card_until_a_new_one_was_sent(server: Telegram) -> None:
    """A send that is refused repoints nothing; the next try finds the old one gone, and goes on."""
    show(server, "one")
    server.fail("sendMessage", 403, "Forbidden: bot was kicked from the supergroup chat")
    delivery = show(server, "two", 1, bump=True)
    assert (delivery.result, delivery.message) == (DeliveryResult.REFUSED, 1)
    assert show(server, "two", 1, bump=True) == Delivery(DeliveryResult.SHOWN, "", 2)
    assert texts(server) == ["two"]


def test_a_send_that_others_claimed_is_left_to_them(server: Telegram) -> None:
    """Of two ticks at once one sends; the other neither sends nor deletes."""
    show(server, "one")
    assert show(server, "two", 1, bump=True, claims=False).result is DeliveryResult.LEFT
    assert texts(server) == ["one"]


def test_a_send_with_a_lost_answer_is_not_repeated(server: Telegram) -> None:
    """It may have come: that is said, and the same call sends no second one."""
    server.lost.append("sendMessage")
    delivery = show(server, "one")
    assert (delivery.result, delivery.message) == (DeliveryResult.UNKNOWN, 0)
    assert texts(server) == ["one"]
    assert server.calls.count("sendMessage") == 1


def test_an_edit_with_a_lost_answer_may_be_repeated(server: Telegram) -> None:
    """It may still come, over the words of the next one: nobody edits before that is over, and then it is repeated."""
    show(server, "one")
    server.lost.append("editMessageText")
    assert show(server, "two", 1).result is DeliveryResult.UNKNOWN
    assert show(server, "two", 1).result is DeliveryResult.SHOWN


def test_an_edit_that_others_claimed_is_left_to_them(server: Telegram) -> None:
    """Of two at once the one with the older words could be the last."""
    show(server, "one")
    assert show(server, "two", 1, claims=False).result is DeliveryResult.LEFT
    assert texts(server) == ["one"]


LIMITED = [
    *((method, False) for method in ("editMessageText", "getChat", "sendMessage")),
    *((method, True) for method in ("editMessageText", "getChat", "sendMessage", "deleteMessage")),
]


@pytest.mark.parametrize(("method", "bump"), LIMITED)
def test_a_limit_is_obeyed_and_never_slept(server: Telegram, method: str, bump: bool) -> None:
    """Whatever call meets it, its wait is handed on at once, and nothing else is asked."""
    show(server, "one")
    if not bump and method in {"getChat", "sendMessage"}:
        server.messages.clear()
    if bump and method == "editMessageText":
        server.clock = 2 * DAY
    server.calls.clear()
    server.fail(method, 429, "Too Many Requests: retry after 35", retry_after=35)
    began = time.monotonic()
    delivery = show(server, "two", 1, bump=bump)
    assert time.monotonic() - began < 5
    assert (delivery.result, delivery.wait, delivery.message) == (DeliveryResult.LATER, 35, 1)
    assert server.calls[-1] == method
    assert server.last == 1


def test_a_limit_without_a_parameter_is_read_from_the_header(server: Telegram) -> None:
    """Telegram says it in both places, a proxy before it in one."""
    body = {"ok": False, "error_code": 429, "description": "Too Many Requests"}
    server.answers.append(("getChat", scripted_http.says(429, body, Retry_After="9")))
    assert show(server, "one").wait == 9


def test_a_group_that_moved_is_told(server: Telegram) -> None:
    """What to set is in the message."""
    server.fail("getChat", 400, "Bad Request: group chat was upgraded", migrate_to_chat_id=-100777)
    delivery = show(server, "one")
    assert delivery.result is DeliveryResult.REFUSED
    assert delivery.reason.endswith("set ORCH_TELEGRAM_CHAT to -100777")


def test_a_message_of_another_bot_is_not_replaced(server: Telegram) -> None:
    """It can never be edited, and a new one for each change would flood the chat."""
    show(server, "one")
    server.messages[1] = replace(server.messages[1], ours=False)
    assert show(server, "two", 1).result is DeliveryResult.REFUSED
    assert server.last == 1


def test_a_token_that_telegram_repeats_is_not_shown(server: Telegram) -> None:
    """Whoever answers may be a proxy, which names the address that it asked (SEC-5)."""
    server.fail("sendMessage", 400, f"Bad Request: bot{server.token}")
    assert server.token not in show(server, "one").reason


ANSWERS = {
    "no JSON": scripted_http.says(200, b"<html>sign in</html>"),
    "no object": scripted_http.says(200, []),
    "no id": scripted_http.says(200, {"ok": True, "result": {}}),
    "restart": scripted_http.says(
        500, {"ok": False, "error_code": 500, "description": "Internal Server Error: restart"}
    ),
    "redirect": scripted_http.says(302, b"", Location="http://127.0.0.1:9/"),
    "cut off": scripted_http.cut_off,
    "reset": scripted_http.resets,
}


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_that_proves_nothing_is_no_success(server: Telegram, name: str) -> None:
    """Not known is its own answer, nothing raises, and the next try is made by whoever claims it anew."""
    server.answers.append(("sendMessage", ANSWERS[name]))
    delivery = show(server, "one")
    assert delivery.result is DeliveryResult.UNKNOWN
    assert delivery.reason


def test_the_token_is_in_no_message(server: Telegram) -> None:
    """Neither of a refusal nor of a server that is not there."""
    other = f"1:{secrets.token_urlsafe(26)}"
    bot = Bot(other, server.url, 5)
    refused = replace(chat(server), bot=bot).check()
    away = replace(chat(server), bot=replace(bot, url="http://127.0.0.1:9")).check()
    assert refused.result is DeliveryResult.REFUSED
    assert "ORCH_TELEGRAM_TOKEN" in refused.reason
    assert away.result is DeliveryResult.LATER
    assert not any(other in text for text in (refused.reason, away.reason, repr(bot)))
