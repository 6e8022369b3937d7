"""The local forge's documents on the state branch, and what may happen to them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from orch_gates.engine.legality import Violation, unchanged
from orch_gates.forge.local.documents import Issue, Pull, Rule, Statuses
from orch_gates.model.root import Root
from orch_gates.state.kinds import DocumentKind, Example
from orch_gates.state.paths import PathPattern

_ENDS = {"open": {"open", "closed", "merged"}, "closed": {"closed", "merged"}, "merged": {"merged"}}
_AT = "2026-01-31T12:00:00Z"
_HEAD = "0123456789abcdef0123456789abcdef01234567"


def _pull_alone(pull: Pull) -> Iterator[Violation]:
    if bool(pull.merge_commit) is not (pull.state == "merged"):
        yield Violation("merge_commit", "must be set when the pull request is merged, and empty before")
    if bool(pull.last_head) is (pull.state == "open"):
        yield Violation("last_head", "must be set when the pull request is closed or merged, and empty before")


def _pull_change(before: Pull | None, after: Pull, _root: Root) -> tuple[Violation, ...]:
    """What ended stays ended; a merge may land while somebody closes, so a closed one may turn out to be merged."""
    found = list(_pull_alone(after))
    if before is None:
        return (*found, *(() if after.state == "open" else (Violation("state", "must be open in a new pull request"),)))
    fixed = ["number", "branch", "target", "author", "created", "first_head"]
    fixed += ["merge_commit", "last_head"] if before.state == "merged" else []
    found += unchanged(before, after, fixed)
    found += _comments_change(before, after)
    if after.state not in _ENDS[before.state]:
        found.append(Violation("state", f"must not change from {before.state} to {after.state}"))
    return tuple(found)


def _issue_change(before: Issue | None, after: Issue, _root: Root) -> tuple[Violation, ...]:
    if before is None:
        return ()
    return (*unchanged(before, after, ("number", "author", "created")), *_comments_change(before, after))


def _comments_change(before: Pull | Issue, after: Pull | Issue) -> Iterator[Violation]:
    """A comment is known by its place in the list, so none goes away; its text may change, or be emptied."""
    kept = [(comment.by, comment.at) for comment in after.comments[: len(before.comments)]]
    if kept != [(comment.by, comment.at) for comment in before.comments]:
        yield Violation("comments", "may only be added at the end, not removed; empty the text of one instead")


PULL = DocumentKind(
    model=Pull,
    path=PathPattern("forge/pulls/{number}.md"),
    keys={"number": "number"},
    alone=lambda pull: tuple(_pull_alone(pull)),
    change=_pull_change,
    one_number=Issue.KIND,
    example=Example(
        {
            "number": 7,
            "title": "Greet the user",
            "branch": "task/T-1",
            "target": "main",
            "state": "open",
            "author": "alice",
            "created": _AT,
            "first_head": _HEAD,
            "last_head": "",
            "merge_commit": "",
            "reviews": [{"reviewer": "bob", "state": "approved", "commit": _HEAD, "at": _AT}],
            "comments": [],
        },
        "By name, if there is one.\n",
    ),
)
ISSUE = DocumentKind(
    model=Issue,
    path=PathPattern("forge/issues/{number}.md"),
    keys={"number": "number"},
    change=_issue_change,
    one_number=Pull.KIND,
    example=Example(
        {
            "number": 6,
            "title": "Users are not greeted",
            "state": "open",
            "author": "bob",
            "created": _AT,
            "labels": ["task"],
            "comments": [{"by": "alice", "at": _AT, "text": "On it."}],
        },
        "Everybody expects it.\n",
    ),
)
STATUSES = DocumentKind(
    model=Statuses,
    path=PathPattern("forge/statuses/{xx}/{commit}.md"),
    keys={"commit": "commit"},
    example=Example(
        {
            "commit": _HEAD,
            "statuses": [
                {
                    "context": "orch/security",
                    "state": "success",
                    "description": "3 commits, nothing found",
                    "url": "",
                    "by": "orch-gates",
                    "at": _AT,
                }
            ],
        }
    ),
)
RULE = DocumentKind(
    model=Rule,
    path=PathPattern("forge/protection/{branch}.md"),
    keys={"branch": "branch"},
    example=Example(
        {
            "branch": "main",
            "contexts": ["orch/security"],
            "approvals": 1,
            "mergers": ["orch-gates"],
            "pushes": False,
            "admins": True,
        }
    ),
)
KINDS: tuple[DocumentKind[Any], ...] = (PULL, ISSUE, STATUSES, RULE)
