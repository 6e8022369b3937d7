"""What CI and people say about commits on GitHub: statuses, check runs and reviews (ENG-1, GATE-4)."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from orch_gates.errors import ForgeRefused
from orch_gates.forge.fields import Row, document, number, optional_text, part, text
from orch_gates.forge.github.pulls import GithubPulls
from orch_gates.forge.http import Api
from orch_gates.forge.port.checks import CommitStatus, Review, ReviewState, StatusState, named
from orch_gates.forge.port.pulls import PullRequest, PullState
from orch_gates.model.branch import pull_of

_STATES = {
    "success": StatusState.SUCCESS,
    "pending": StatusState.PENDING,
    "failure": StatusState.FAILURE,
    "error": StatusState.FAILURE,
}
_RUNNING = {"queued", "in_progress", "waiting", "requested", "pending"}
_CONCLUSIONS = {
    "success": StatusState.SUCCESS,
    "failure": StatusState.FAILURE,
    "cancelled": StatusState.FAILURE,
    "timed_out": StatusState.FAILURE,
    "startup_failure": StatusState.FAILURE,
    "action_required": StatusState.FAILURE,
    "stale": StatusState.FAILURE,
    # GitHub lets both pass; neither of them says that anything was proven.
    "neutral": StatusState.SKIPPED,
    "skipped": StatusState.SKIPPED,
}
_WORST_FIRST = (
    StatusState.FAILURE,
    StatusState.UNKNOWN,
    StatusState.PENDING,
    StatusState.SKIPPED,
    StatusState.SUCCESS,
)
# What may be posted; GitHub has no other states, and none of these means that nothing was checked.
_POSTED = (StatusState.SUCCESS, StatusState.FAILURE, StatusState.PENDING)
_LONGEST_DESCRIPTION = 140
_WORDS = {
    "APPROVED": ReviewState.APPROVED,
    "CHANGES_REQUESTED": ReviewState.CHANGES_REQUESTED,
    "DISMISSED": ReviewState.DISMISSED,
}
_ACTIONS = "github-actions"
_WRITERS = {"write", "admin"}


@dataclass(frozen=True, slots=True)
class GithubStatuses:
    """`CommitStatuses` of one repository: commit statuses and check runs together."""

    api: Api
    path: str

    def latest(self, commit: str) -> tuple[CommitStatus, ...]:
        """The latest status of every context, and the latest run of every check.

        Where several have one name (a status and a check, or a workflow's job for the push and for the
        pull request), the worst counts: nobody can say which of them was meant. What ran again counts once.
        """
        named(commit)
        found = [*self._statuses(commit), *self._checks(commit)]
        worst: dict[str, CommitStatus] = {}
        for status in sorted(found, key=lambda one: _WORST_FIRST.index(one.state)):
            worst.setdefault(status.context, status)
        return tuple(sorted(worst.values(), key=lambda status: status.context))

    def post(self, commit: str, status: CommitStatus) -> None:
        """Say something about a commit; a state that GitHub has not is not told as another one."""
        if status.state not in _POSTED:
            raise ForgeRefused(f"GitHub has no status `{status.state}`; nothing was posted as {status.context}")
        document = {
            "context": status.context,
            "state": status.state.value,
            "description": status.description[:_LONGEST_DESCRIPTION],
        }
        # An empty url is none that GitHub takes.
        target = {"target_url": status.url} if status.url else {}
        self.api.write("POST", f"{self.path}/statuses/{quote(commit, safe='')}", {**document, **target})

    def _statuses(self, commit: str) -> list[CommitStatus]:
        found: dict[str, tuple[int, CommitStatus]] = {}
        # Newest first: a status that is posted meanwhile shifts rows to later pages, and none is missed.
        for row in self.api.rows(f"{self.path}/commits/{quote(commit, safe='')}/statuses"):
            made, context = number(row, "id"), text(row, "context")
            state = _STATES.get(text(row, "state"), StatusState.UNKNOWN)
            status = CommitStatus(
                context, state, optional_text(row, "description"), optional_text(row, "target_url"), str(made)
            )
            if context not in found or found[context][0] < made:
                found[context] = (made, status)
        return [status for _, status in found.values()]

    def _checks(self, commit: str) -> list[CommitStatus]:
        path = f"{self.path}/commits/{quote(commit, safe='')}/check-runs"
        rows = list(self.api.rows(path, "check_runs", filter="latest"))
        return [
            CommitStatus(text(row, "name"), _check_state(row), _title(row), optional_text(row, "html_url"))
            for row in self._newest(commit, rows)
        ]

    def _newest(self, commit: str, rows: list[Row]) -> list[Row]:
        """Of several runs of one check the newest; one for a push and one for a pull request are two checks."""
        names = {text(row, "name") for row in rows}
        if len(names) == len(rows):
            return rows
        causes = self._causes(commit)
        newest: dict[tuple[object, ...], Row] = {}
        for row in sorted(rows, key=lambda row: number(row, "id")):
            app, suite = _named(row, "app", "slug"), _named(row, "check_suite", "id")
            # Which workflow of Actions it is of cannot be told: then each of them counts.
            unknown = suite if app == _ACTIONS else ""
            newest[text(row, "name"), app, causes.get(suite, unknown)] = row
        return list(newest.values())

    def _causes(self, commit: str) -> dict[object, tuple[int, str]]:
        """Workflow and event of each suite of checks; none where the token may not see them."""
        try:
            rows = list(self.api.rows(f"{self.path}/actions/runs", "workflow_runs", head_sha=commit))
        except ForgeRefused:
            return {}
        return {row.get("check_suite_id"): (number(row, "workflow_id"), text(row, "event")) for row in rows}


@dataclass(frozen=True, slots=True)
class GithubReviews:
    """`Reviews` of one repository."""

    api: Api
    path: str
    pulls: GithubPulls

    def latest(self, branch: str, target: str) -> tuple[Review, ...]:
        """Every reviewer's latest word; comments change nothing, and only those who may write count."""
        found: dict[str, tuple[int, Review, bool]] = {}
        for pull in self._open(branch, target):
            for row in self.api.rows(f"{self.path}/pulls/{pull.number}/reviews"):
                state, who = _WORDS.get(text(row, "state")), row.get("user")
                if state is None or not isinstance(who, dict):
                    continue
                made, login = number(row, "id"), text(who, "login")
                review = Review(login, state, optional_text(row, "commit_id"), by_author=login == pull.author)
                if login not in found or found[login][0] < made:
                    found[login] = (made, review, who.get("type") == "User")
        return tuple(
            review
            for _, review, person in sorted(found.values(), key=lambda one: one[1].reviewer)
            if (self._may_write(review.reviewer) if person else review.state is ReviewState.CHANGES_REQUESTED)
        )

    def _open(self, branch: str, target: str) -> tuple[PullRequest, ...]:
        if not (named := pull_of(branch)):
            return self.pulls.find(branch, target)
        pull = self.pulls.get(named)
        return (pull,) if pull.state is PullState.OPEN and pull.target == target else ()

    def _may_write(self, login: str) -> bool:
        """Whether a person may write; of apps GitHub does not say it, so only their objections count."""
        found = document(self.api.get(f"{self.path}/collaborators/{quote(login, safe='')}/permission"))
        return text(found, "permission") in _WRITERS


def _named(row: Row, name: str, field: str) -> object:
    found = row.get(name)
    return found.get(field) if isinstance(found, dict) else None


def _check_state(row: Row) -> StatusState:
    status = text(row, "status")
    if status in _RUNNING:
        return StatusState.PENDING
    if status != "completed":
        return StatusState.UNKNOWN
    return _CONCLUSIONS.get(optional_text(row, "conclusion"), StatusState.UNKNOWN)


def _title(row: Row) -> str:
    return optional_text(part(row, "output"), "title")
