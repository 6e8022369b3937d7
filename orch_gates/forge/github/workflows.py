"""Runs of GitHub Actions (REAP-1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from orch_gates.forge.fields import Row, document, number, optional_text, started, text
from orch_gates.forge.http import Api
from orch_gates.forge.port.workflows import Run, RunJob, RunState, Secrets

_WAITING = {"queued", "waiting", "requested", "pending"}
_ENDS = {
    "success": RunState.SUCCESS,
    "failure": RunState.FAILURE,
    "timed_out": RunState.FAILURE,
    "startup_failure": RunState.FAILURE,
    "stale": RunState.FAILURE,
    "cancelled": RunState.CANCELLED,
    "skipped": RunState.SKIPPED,
    "neutral": RunState.SKIPPED,
    # A person has to approve it first.
    "action_required": RunState.WAITING,
}


@dataclass(frozen=True, slots=True)
class GithubWorkflows:
    """`Workflows` of one repository."""

    api: Api
    path: str

    def secrets(self) -> Secrets:
        """Of environments all, whichever of them a job names."""
        names = self._named(f"{self._actions}/secrets")
        names += self._named(f"{self._actions}/organization-secrets")
        for row in self.api.rows(f"{self.path}/environments", "environments"):
            names += self._named(f"{self.path}/environments/{quote(text(row, 'name'), safe='')}/secrets")
        return Secrets(tuple(names))

    def _named(self, path: str) -> list[str]:
        return [text(row, "name") for row in self.api.rows(path, "secrets")]

    def dispatch(self, workflow: str, ref: str, inputs: Mapping[str, str]) -> int:
        """Start a workflow by its file's name; a GitHub of one's own may be too old to tell the run."""
        document = {"ref": ref, "inputs": dict(inputs), "return_run_details": True}
        answer = self.api.write("POST", f"{self._actions}/workflows/{quote(workflow, safe='')}/dispatches", document)
        return started(answer, "workflow_run_id")

    def runs(self, *, commit: str = "", branch: str = "", event: str = "") -> tuple[Run, ...]:
        """The runs of a commit, branch or event, newest first; GitHub lists a thousand, more are an error."""
        named = {"head_sha": commit, "branch": branch, "event": event}
        query = {name: value for name, value in named.items() if value}
        rows = self.api.rows(f"{self._actions}/runs", "workflow_runs", **query)
        found = {one.id: one for one in map(run, rows)}
        return tuple(sorted(found.values(), key=lambda one: one.id, reverse=True))

    def run(self, number: int) -> Run:
        """One run."""
        return run(self.api.get(f"{self._actions}/runs/{number}"))

    def jobs(self, number: int) -> tuple[RunJob, ...]:
        """The jobs of a run's latest attempt."""
        rows = self.api.rows(f"{self._actions}/runs/{number}/jobs", "jobs", filter="latest")
        return tuple(_job(row) for row in rows)

    @property
    def _actions(self) -> str:
        return f"{self.path}/actions"


def run(found: object) -> Run:
    """A row of a list, or the document of one.

    Raises:
        ForgeUnavailable: something is missing in it.
    """
    row = document(found)
    return Run(
        id=number(row, "id"),
        # The path ends with the ref where the file is from another repository.
        workflow=text(row, "path").partition("@")[0].rpartition("/")[2],
        event=text(row, "event"),
        commit=text(row, "head_sha"),
        branch=optional_text(row, "head_branch"),
        state=_state(row),
        url=optional_text(row, "html_url"),
    )


def _job(row: Row) -> RunJob:
    return RunJob(number(row, "id"), text(row, "name"), _state(row))


def _state(row: Row) -> RunState:
    status = optional_text(row, "status")
    if status in _WAITING:
        return RunState.WAITING
    if status == "in_progress":
        return RunState.RUNNING
    return _ENDS.get(optional_text(row, "conclusion"), RunState.UNKNOWN) if status == "completed" else RunState.UNKNOWN
