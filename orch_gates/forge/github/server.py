"""The GitHub that is asked, and who asks it."""

from __future__ import annotations

from dataclasses import dataclass

from orch_gates.errors import ForgeRefused, ForgeUnavailable
from orch_gates.forge.answer import ForgeResponse
from orch_gates.forge.fields import Row, document, flag, optional_text, part, text
from orch_gates.forge.github import errors
from orch_gates.forge.http import Api
from orch_gates.forge.port.server import About, Access, ForgeKind

# What every GitHub's `/meta` says, and nobody else's.
_MARK = "verifiable_password_authentication"
_NOTHING = 404
_REWRITING = {"allow_squash_merge": "squash", "allow_rebase_merge": "rebase"}


@dataclass(frozen=True, slots=True)
class GithubServer:
    """`Server`, seen with one token and one repository."""

    api: Api
    path: str

    def about(self) -> About:
        """What it is; github.com has no version but that of its API."""
        answer = self.api.ask("GET", "/meta")
        if not answer.ok and answer.status != _NOTHING:
            answer = self.api.read("/meta")
        found = _whole(answer) if answer.ok else {}
        if _MARK not in found:
            raise ForgeUnavailable(f"{self.api.at('/meta')} is not the API of a GitHub; check the URL")
        installed = found.get("installed_version")
        version = (
            answer.headers.get("X-GitHub-Enterprise-Version")
            or (installed if isinstance(installed, str) else "")
            or answer.headers.get("X-GitHub-Api-Version-Selected", "")
        )
        return About(ForgeKind.GITHUB, version or "unknown", answer.date)

    def access(self) -> Access:
        """Who the token belongs to, and what that user may do.

        A classic token tells its scopes, and they count here. A fine-grained one may be allowed less than
        its user, which GitHub tells nobody. An app's own token (a workflow's automatic one) has no login, and
        GitHub says of it that it may do nothing, whatever it may: only that it reads is known then.
        """
        answer = self.api.read(self.path)
        row = _whole(answer)
        scopes = _scopes(answer)
        rights = part(row, "permissions") if row.get("permissions") else {}
        private = flag(row, "private")
        may_write = scopes is None or "repo" in scopes or ("public_repo" in scopes and not private)
        login = self._login()
        return Access(
            login=login,
            scopes=scopes,
            can_read=True,
            can_write=(rights.get("push") is True and may_write) if login else None,
            is_admin=(rights.get("admin") is True and may_write) if login else None,
            archived=flag(row, "archived"),
            default_branch=text(row, "default_branch"),
            # Told to those who may push only.
            merge_commits=flag(row, "allow_merge_commit") if "allow_merge_commit" in row else None,
            deletes_branches=flag(row, "delete_branch_on_merge") if "delete_branch_on_merge" in row else None,
            mirror=optional_text(row, "mirror_url") != "",
            rewriting=_rewriting(row) if "allow_merge_commit" in row else None,
        )

    def _login(self) -> str:
        try:
            return text(document(self.api.get("/user")), "login")
        except ForgeRefused:
            if errors.of_an_app(self.api.ask("GET", "/user")):
                return ""
            raise


def _whole(answer: ForgeResponse) -> Row:
    try:
        return document(answer.document)
    except ValueError as error:
        raise ForgeUnavailable("the forge did not answer with JSON") from error


def _rewriting(row: Row) -> tuple[str, ...]:
    return tuple(style for name, style in _REWRITING.items() if row.get(name) is True)


def _scopes(answer: ForgeResponse) -> tuple[str, ...] | None:
    scopes = answer.headers.get("X-OAuth-Scopes")
    return None if scopes is None else tuple(sorted(name.strip() for name in scopes.split(",") if name.strip()))
