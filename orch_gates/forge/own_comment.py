"""The one comment of ours on an issue or a pull request: known by its mark and its author, edited, never repeated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from orch_gates.errors import ForgeRefused
from orch_gates.forge.port.forge import Forge
from orch_gates.forge.port.issues import Comment, Issues
from orch_gates.forge.port.server import ForgeKind


@dataclass(frozen=True, slots=True)
class Ours:
    """Who we are on the forge: a login, which is empty for an app's token at GitHub, as that does not know its own.

    `anybody`: the mark alone counts, as who writes is only claimed in a bare repository.
    """

    login: str
    anybody: bool = False

    def wrote(self, comment: Comment) -> bool:
        """Whether it is by us; GitHub gives no person a name that ends as those of apps do."""
        if self.anybody:
            return True
        return comment.author == self.login if self.login else comment.author.endswith("[bot]")


def find(comments: Sequence[Comment], mark: str, ours: Ours) -> Comment | None:
    """The comment that begins with a mark and is ours; None where there is none. Others may copy the mark."""
    return next(iter(_all(comments, mark, ours)), None)


def make(issues: Issues, number: int, mark: str, ours: Ours, text: str) -> Comment | None:
    """Write the comment where none was found; the one of another process that was faster, None where this one stands.

    A forge has no write that fails where a comment is there already: several look, and find none, at one moment. Each
    looks again after it wrote, and all but the oldest are deleted (P7).

    Raises:
        ForgeRefused, ForgeUnclear, ForgeUnavailable: as the calls of `Issues`.
    """
    made = issues.comment(number, text)
    first, *others = _all(issues.comments(number), mark, ours) or [made]
    for other in others:
        issues.delete_comment(number, other.id)
    return None if first.id == made.id else first


def _all(comments: Sequence[Comment], mark: str, ours: Ours) -> list[Comment]:
    return [one for one in comments if one.body.lstrip().startswith(mark) and ours.wrote(one)]


def ours_at(forge: Forge, kind: ForgeKind | None) -> Ours:
    """Who we are there.

    Raises:
        ForgeRefused: the forge does not say, so that every comment would be repeated; or as `Server.access`.
        ForgeUnavailable: it did not answer.
    """
    if kind is ForgeKind.LOCAL:
        return Ours("", anybody=True)
    login = forge.server.access().login
    if not login and kind is not ForgeKind.GITHUB:
        way = "grant it that scope (Gitea: read:user)"
        raise ForgeRefused(f"the token cannot read its own user, so no comment was written; {way}")
    return Ours(login)
