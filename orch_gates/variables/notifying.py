"""The settings of the cards that people are shown; declared as in `groups.py`."""

from __future__ import annotations

from dataclasses import dataclass

from orch_gates.variables import spellings
from orch_gates.variables.setting import setting

# A card takes up to three requests after it was claimed, and a claim is over after ten minutes.
_LONGEST_REQUEST_S = 120


@dataclass(frozen=True, slots=True)
class NotifySettings:
    """Where the card of each task is shown (NTF-1); a mode that is not known is `edit`."""

    telegram_chat: str = setting(
        "ORCH_TELEGRAM_CHAT",
        "",
        "The chat that cards are shown in: its number, or @name; empty for none.",
        key="notify.telegram_chat",
    )
    telegram_topic: int = setting(
        "ORCH_TELEGRAM_TOPIC", 0, "The topic in that chat; 0 for none.", key="notify.telegram_topic", least=0
    )
    telegram_mode: str = setting(
        "ORCH_TELEGRAM_MODE",
        "edit",
        "edit changes a card in place; bump makes it anew at the bottom. Any other word is edit.",
        key="notify.telegram_mode",
    )
    comment: bool = setting(
        "ORCH_NOTIFY_COMMENT",
        False,
        "One comment on the pull request of a task's branch is its card; it is edited, not repeated.",
        key="notify.comment",
    )
    telegram_token: str = setting("ORCH_TELEGRAM_TOKEN", "", "The token of the bot.", secret=True)
    telegram_url: str = setting(
        "ORCH_TELEGRAM_URL",
        "https://api.telegram.org",
        "The server of the Bot API, where it is one of yours.",
        spelling=spellings.URL,
    )
    webhook_url: str = setting("ORCH_WEBHOOK_URL", "", "Where cards are posted; empty for nowhere.", secret=True)
    webhook_secret: str = setting("ORCH_WEBHOOK_SECRET", "", "The secret that posts are signed with.", secret=True)
    timeout: float = setting(
        "ORCH_NOTIFY_TIMEOUT_S", 10, "Most seconds of one request to Telegram or the webhook.", most=_LONGEST_REQUEST_S
    )
