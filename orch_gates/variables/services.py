"""The settings of servers besides git and the forge: the registry of images, the tracker, and where cards are shown."""

from __future__ import annotations

from dataclasses import dataclass

from orch_gates.variables import spellings
from orch_gates.variables.setting import MOST_SECONDS, setting

# A card takes up to three requests after it was claimed, and a claim is over after ten minutes.
_LONGEST_REQUEST_S = 120


@dataclass(frozen=True, slots=True)
class RegistrySettings:
    """The registry of images, and who we are there (IMG-1); what belongs to a machine, never to a repository.

    `docker_config` is the file that `docker login` writes, empty where there can be none.
    """

    user: str = setting("ORCH_REGISTRY_USER", "", "The user at the registry of an image.")
    token: str = setting("ORCH_REGISTRY_TOKEN", "", "The password or token of that user.", secret=True)
    host: str = setting(
        "ORCH_REGISTRY_HOST", "", "The registry that this login is for; empty is that of the image that is named."
    )
    realms: tuple[str, ...] = setting(
        "ORCH_REGISTRY_REALMS",
        (),
        "Other hosts that may get the login, where a registry's token service is on another host.",
    )
    plain_http: tuple[str, ...] = setting(
        "ORCH_REGISTRY_PLAIN_HTTP", (), "Registries that are reached without TLS, as host:port; this machine always is."
    )
    timeout: float = setting(
        "ORCH_REGISTRY_TIMEOUT_S", 30, "Most seconds of one request to a registry.", most=MOST_SECONDS
    )
    docker_config: str = ""


@dataclass(frozen=True, slots=True)
class TrackerSettings:
    """The tracker whose issues become tasks (TRK-1): where it is, and what says there what a person decided."""

    kind: str = setting(
        "ORCH_TRACKER",
        "none",
        "The tracker: issues of the forge by labels, work items of a Plane project by states, or none.",
        key="tracker.kind",
        choices=("none", "forge", "plane"),
    )
    url: str = setting(
        "ORCH_TRACKER_URL",
        "",
        "The address of the Plane server.",
        key="tracker.url",
        spelling=spellings.URL,
    )
    workspace: str = setting(
        "ORCH_TRACKER_WORKSPACE",
        "",
        "The workspace there, as its address spells it.",
        key="tracker.workspace",
        spelling=spellings.SLUG,
    )
    project: str = setting(
        "ORCH_TRACKER_PROJECT",
        "",
        "The id of the project there.",
        key="tracker.project",
        spelling=spellings.UUID,
    )
    token: str = setting("ORCH_TRACKER_TOKEN", "", "API token for Plane.", secret=True)
    timeout: float = setting("ORCH_TRACKER_TIMEOUT_S", 30, "Most seconds of one request to Plane.", most=MOST_SECONDS)
    in_progress: str = setting(
        "ORCH_TRACKER_IN_PROGRESS",
        "in progress",
        "The label or state that starts a task.",
        key="tracker.in_progress",
        spelling=spellings.LINE,
    )
    approved: str = setting(
        "ORCH_TRACKER_APPROVED",
        "approved",
        "The label or state that approves a stage that waits for a person.",
        key="tracker.approved",
        spelling=spellings.LINE,
    )
    rejected: str = setting(
        "ORCH_TRACKER_REJECTED",
        "rejected",
        "The label or state that sends a task back.",
        key="tracker.rejected",
        spelling=spellings.LINE,
    )
    blocked: str = setting(
        "ORCH_TRACKER_BLOCKED",
        "blocked",
        "The label or state that stops everything automatic.",
        key="tracker.blocked",
        spelling=spellings.LINE,
    )
    needs_input: str = setting(
        "ORCH_TRACKER_NEEDS_INPUT",
        "needs input",
        "The label or state that stops everything automatic until a question is answered.",
        key="tracker.needs_input",
        spelling=spellings.LINE,
    )


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
