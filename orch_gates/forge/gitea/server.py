"""What a Gitea or Forgejo server says of itself, and of who asks it."""

from __future__ import annotations

from orch_gates.errors import ForgeUnavailable
from orch_gates.forge.fields import Row, document, flag, part, text
from orch_gates.forge.gitea import errors
from orch_gates.forge.gitea.rows import repository_path
from orch_gates.forge.http import Api
from orch_gates.forge.port.server import About, Access, ForgeKind

_NOTHING = 404
_REWRITING = {
    "allow_squash_merge": "squash",
    "allow_rebase": "rebase",
    "allow_rebase_explicit": "rebase and merge",
}
# Each needs a scope that this product does not; whoever lacks it is told the ones that there are.
_PROBES = ("/notifications/new", "/admin/cron?limit=1")


class GiteaServer:
    """`Server`, seen from one repository."""

    def __init__(self, api: Api, forgejo: Api, repository: str) -> None:
        """`forgejo` is the API that Forgejo alone has; `repository` is `owner/name`."""
        self._api = api
        self._forgejo = forgejo
        self._path = repository_path(repository)

    def about(self) -> About:
        """What it is; a page that is not JSON, or nothing, is another program's."""
        answer = self._api.ask("GET", "/version")
        if not answer.ok and answer.status != _NOTHING:
            answer = self._api.read("/version")
        try:
            version = text(document(answer.document), "version")
        except (ForgeUnavailable, ValueError) as error:
            at = self._api.at("/version")
            raise ForgeUnavailable(f"{at} does not answer as Gitea and Forgejo do; check the URL") from error
        return About(self._kind(version), version, answer.date)

    def access(self) -> Access:
        """Who the token belongs to, and what it may do here.

        A right that the user has, and the token has not, is none.
        """
        row = document(self._api.get(self._path))
        rights = part(row, "permissions")
        login, scopes = self._who()
        writes = scopes is None or not {"write:repository", "all"}.isdisjoint(scopes)
        return Access(
            login=login,
            scopes=scopes,
            can_read=flag(rights, "pull"),
            can_write=flag(rights, "push") and writes,
            is_admin=flag(rights, "admin") and writes,
            archived=flag(row, "archived"),
            default_branch=text(row, "default_branch"),
            # Without pull requests there is nothing to allow, and none of it is told.
            merge_commits=flag(row, "allow_merge_commits") if "allow_merge_commits" in row else None,
            # A merge request says that it shall not, and that counts.
            deletes_branches=False,
            mirror=flag(row, "mirror"),
            empty=flag(row, "empty"),
            rewriting=_rewriting(row) if "allow_merge_commits" in row else None,
            runs_workflows=flag(row, "has_actions") if "has_actions" in row else None,
        )

    def _kind(self, version: str) -> ForgeKind:
        """Forgejo names the Gitea that it is like, and has an API of its own."""
        if "+gitea-" in version:
            return ForgeKind.FORGEJO
        answer = self._forgejo.ask("GET", "/version")
        # Gitea answers with a page for people.
        if answer.status == _NOTHING:
            return ForgeKind.GITEA
        if not answer.ok:
            raise ForgeUnavailable(f"{self._forgejo.at('/version')}: {errors.trouble(answer).message}")
        return ForgeKind.FORGEJO

    def _who(self) -> tuple[str, tuple[str, ...] | None]:
        """The login, empty where the token may not say whose it is; and its scopes."""
        if (scopes := errors.scopes(self._api.ask("GET", "/user"))) is not None:
            return "", scopes
        login = text(document(self._api.get("/user")), "login")
        for path in _PROBES:
            if (scopes := errors.scopes(self._api.ask("GET", path))) is not None:
                return login, scopes
        return login, None


def _rewriting(row: Row) -> tuple[str, ...]:
    return tuple(style for name, style in _REWRITING.items() if row.get(name) is True)
