"""The channels that the settings turn on."""

from __future__ import annotations

from urllib.parse import urlsplit

from orch_gates.errors import SettingsError
from orch_gates.notify.bot import Bot
from orch_gates.notify.telegram import Chat
from orch_gates.notify.webhook import Webhook
from orch_gates.variables.services import NotifySettings
from orch_gates.wire.post import may_be_posted_to


def chat_of(wanted: NotifySettings) -> Chat | None:
    """The chat that cards are shown in; None where none is set.

    Raises:
        SettingsError: it has no token, or the token would go over a network that everybody reads.
    """
    if not wanted.telegram_chat:
        return None
    if not wanted.telegram_token:
        raise SettingsError("no token of a bot is given; put one into ORCH_TELEGRAM_TOKEN, or unset ORCH_TELEGRAM_CHAT")
    if not may_be_posted_to(wanted.telegram_url) or urlsplit(wanted.telegram_url).query:
        raise SettingsError("ORCH_TELEGRAM_URL has to begin with https://; plain http is for this machine only")
    bot = Bot(wanted.telegram_token, wanted.telegram_url, wanted.timeout)
    return Chat(bot, wanted.telegram_chat, wanted.telegram_topic, wanted.telegram_mode.strip().lower() == "bump")


def webhook_of(wanted: NotifySettings) -> Webhook | None:
    """Where cards are posted; None where nothing is set.

    Raises:
        SettingsError: nothing may be posted there, with what to set.
    """
    if not wanted.webhook_url:
        return None
    found = Webhook(wanted.webhook_url, wanted.webhook_secret, wanted.timeout)
    if found.problem:
        raise SettingsError(found.problem)
    return found
