"""The server itself: what it is, what time it has, and what the token may do there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol


class ForgeKind(StrEnum):
    """The forges there are adapters for; Forgejo is asked as Gitea is."""

    GITEA = "gitea"
    FORGEJO = "forgejo"
    GITHUB = "github"
    LOCAL = "local"


@dataclass(frozen=True, slots=True)
class About:
    """What the server says of itself; `date` is its clock (ST-7), None where it tells none."""

    kind: ForgeKind
    version: str
    date: datetime | None


@dataclass(frozen=True, slots=True)
class Access:
    """Who the token is, what it may, and how the repository is set up for merges.

    What the forge does not tell is None, and an empty `login`. `deletes_branches`: it deletes the branch of every
    merge, whatever the request for the merge says. `rewriting` are the styles of merges that are allowed there and put
    other commits into the target than those that were validated. `runs_workflows`: its Actions are switched on.
    """

    login: str
    scopes: tuple[str, ...] | None
    can_read: bool
    can_write: bool | None
    is_admin: bool | None
    archived: bool
    default_branch: str
    merge_commits: bool | None = None
    deletes_branches: bool | None = None
    mirror: bool = False
    empty: bool = False
    rewriting: tuple[str, ...] | None = None
    runs_workflows: bool | None = None


class Server(Protocol):
    """One server, seen with one token, and one repository there."""

    def about(self) -> About:
        """What it is.

        Raises:
            ForgeUnavailable: it did not answer, or is no forge of this kind.
        """
        ...

    def access(self) -> Access:
        """Who the token belongs to, and what it may do in the repository.

        Raises:
            ForgeRefused: the token is wrong, or may not see the repository, or it was renamed.
            ForgeUnavailable: the forge did not answer.
        """
        ...
