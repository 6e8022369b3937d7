"""What a Gitea or Forgejo server says of itself, and of who asks it."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from orch_gates.errors import ForgeRefused, ForgeUnavailable
from orch_gates.forge.answer import Answer
from orch_gates.forge.fields import document, flag, part, text
from orch_gates.forge.gitea import errors
from orch_gates.forge.gitea.rows import repository_path
from orch_gates.forge.http import Api
from orch_gates.forge.port.server import About, Access, Kind

# Each needs another scope; whoever lacks it is told the ones that there are.
_PROBES = ("/user", "/notifications/new", "/admin/cron?limit=1")


class GiteaServer:
    """`Server`, seen from one repository."""

    def __init__(self, api: Api, forgejo: Api, repository: str) -> None:
        """`forgejo` is the API that Forgejo alone has; `repository` is `owner/name`."""
        self._api = api
        self._forgejo = forgejo
        self._path = repository_path(repository)

    def about(self) -> About:
        """What it is."""
        try:
            answer = self._api.read("/version")
            version = text(document(answer.document), "version")
        except (ForgeRefused, ValueError) as error:
            at = self._api.at("/version")
            raise ForgeUnavailable(
                f"{at} does not answer as Gitea and Forgejo do ({error}); is the url right?"
            ) from error
        return About(self._kind(version), version, _date(answer))

    def access(self) -> Access:
        """Who the token belongs to, and what it may do here.

        A right that the user has, and the token has not, is none.
        """
        row = document(self._api.get(self._path))
        rights = part(row, "permissions")
        scopes = self._scopes()
        writes = scopes is None or not {"write:repository", "all"}.isdisjoint(scopes)
        return Access(
            login=self._login(),
            scopes=scopes,
            can_read=flag(rights, "pull"),
            can_write=flag(rights, "push") and writes,
            is_admin=flag(rights, "admin") and writes,
            archived=flag(row, "archived"),
            default_branch=text(row, "default_branch"),
        )

    def _kind(self, version: str) -> Kind:
        """Forgejo names the Gitea that it is like, and has an API of its own."""
        if "+gitea-" in version:
            return Kind.FORGEJO
        try:
            self._forgejo.get("/version")
        except ForgeRefused:
            return Kind.GITEA
        return Kind.FORGEJO

    def _login(self) -> str:
        """Empty where the token may not say whose it is."""
        answer = self._api.ask("GET", "/user")
        if errors.scopes(answer) is not None:
            return ""
        return text(document(self._api.get("/user")), "login")

    def _scopes(self) -> tuple[str, ...] | None:
        for path in _PROBES:
            found = errors.scopes(self._api.ask("GET", path))
            if found is not None:
                return found
        return None


def _date(answer: Answer) -> datetime | None:
    try:
        found = parsedate_to_datetime(answer.headers.get("Date", ""))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
