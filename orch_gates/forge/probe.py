"""Which kind of forge answers at a url, where nobody says it: asked once, without a token (OWN-1)."""

from __future__ import annotations

from urllib.parse import urlsplit

from orch_gates.documents import escape
from orch_gates.errors import ForgeUnavailable, SettingsError
from orch_gates.forge.answer import ForgeResponse
from orch_gates.forge.gitea.connect import DIALECT
from orch_gates.forge.http import Api, Observe
from orch_gates.forge.port.server import ForgeKind

_QUESTIONS = (
    ("/api/v1/version", "version", ForgeKind.GITEA),
    ("/api/v3/meta", "verifiable_password_authentication", ForgeKind.GITHUB),
)
_SIGN_IN = {401, 403}
_ELSEWHERE = {301, 302, 307, 308}


def kind(url: str, timeout: float, observe: Observe) -> ForgeKind:
    """Gitea, as which Forgejo is asked too, or GitHub Enterprise.

    Raises:
        ForgeUnavailable: it does not answer, or not now.
        SettingsError: it is neither.
    """
    api = Api(url, "", timeout, DIALECT, observe)
    moved = ""
    for path, field, found in _QUESTIONS:
        answer = api.ask("GET", path)
        # One that lets only its users in says so in JSON, and a page that asks for a password does not.
        if _says(answer, field) or (answer.status in _SIGN_IN and answer.message):
            return found
        trouble = f"{api.at(path)}: {DIALECT.trouble(answer).message}"
        if answer.status == 429 or answer.status >= 500:
            raise ForgeUnavailable(trouble)
        moved = moved or (trouble if answer.status in _ELSEWHERE else "")
    below = escape.visible(urlsplit(url).path)
    raise SettingsError(
        moved
        or f"no Gitea, Forgejo or GitHub answers at {api.at('')}{below}; check ORCH_FORGE_URL, or set ORCH_FORGE to "
        "gitea, forgejo or github"
    )


def _says(answer: ForgeResponse, field: str) -> bool:
    try:
        found = answer.document
    except ValueError:
        return False
    return answer.ok and isinstance(found, dict) and field in found
