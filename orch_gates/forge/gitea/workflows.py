"""Workflow runs of Gitea (from 1.25 on) and of Forgejo, which names the fields of a run otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from orch_gates.errors import ForgeRefused, ForgeUnavailable
from orch_gates.forge.fields import Row, document, number, optional_text, started, text
from orch_gates.forge.gitea.rows import repository_path
from orch_gates.forge.http import Api
from orch_gates.forge.port.workflows import Run, RunJob, RunState, Secrets

_STATES = {
    "queued": RunState.WAITING,
    "waiting": RunState.WAITING,
    "blocked": RunState.WAITING,
    "in_progress": RunState.RUNNING,
    "running": RunState.RUNNING,
    "success": RunState.SUCCESS,
    "failure": RunState.FAILURE,
    "cancelled": RunState.CANCELLED,
    "skipped": RunState.SKIPPED,
}


class GiteaWorkflows:
    """`Workflows` of one repository."""

    def __init__(self, api: Api, repository: str) -> None:
        """`repository` is `owner/name`."""
        self._api = api
        self._repository = repository_path(repository)
        self._path = f"{self._repository}/actions"
        self._owner = repository.partition("/")[0]

    def secrets(self) -> Secrets:
        """Those of an organisation are told to its owners, those of a person to nobody."""
        names = [text(row, "name") for row in self._api.rows(f"{self._path}/secrets")]
        try:
            rows = list(self._api.rows(f"/orgs/{quote(self._owner, safe='')}/actions/secrets"))
        except ForgeRefused:
            return Secrets(tuple(names), self._owner)
        return Secrets((*names, *(text(row, "name") for row in rows)))

    def dispatch(self, workflow: str, ref: str, inputs: Mapping[str, str]) -> int:
        """Start a workflow on a branch; the server takes inputs that the workflow names, and no others.

        Gitea tells the run from 1.26 on, and is asked in the url; Forgejo is asked in the document.
        """
        path = f"{self._path}/workflows/{quote(workflow, safe='')}/dispatches?return_run_details=true"
        answer = self._api.write("POST", path, {"ref": ref, "inputs": dict(inputs), "return_run_info": True})
        return started(answer, "workflow_run_id", "id")

    def runs(self, *, commit: str = "", branch: str = "", event: str = "") -> tuple[Run, ...]:
        """The runs, newest first; a server that knows a filter not gives them all."""
        wanted = {"head_sha": commit, "branch": branch, "event": event}
        query = {name: value for name, value in wanted.items() if value}
        path = f"{self._path}/runs"
        try:
            found = {run.id: run for run in map(_run, self._api.rows(path, "workflow_runs", **query))}
        except ForgeRefused as error:
            # The same refusal where the repository cannot be seen, which says so.
            self._api.get(self._repository)
            raise ForgeUnavailable(f"{error}; Gitea lists runs from 1.25 on") from error
        return tuple(
            run
            for _, run in sorted(found.items(), reverse=True)
            if commit in {"", run.commit} and branch in {"", run.branch} and event in {"", run.event}
        )

    def run(self, number: int) -> Run:
        """One run."""
        return _run(document(self._api.get(f"{self._path}/runs/{number}")))

    def jobs(self, number: int) -> tuple[RunJob, ...]:
        """The jobs of a run; the server answers an empty list for a run that is not there."""
        path = f"{self._path}/runs/{number}"
        self.run(number)
        found = {job.id: job for job in map(_job, self._api.rows(f"{path}/jobs", "jobs"))}
        return tuple(job for _, job in sorted(found.items()))


def _run(row: Row) -> Run:
    if "commit_sha" in row:
        workflow, commit, branch = text(row, "workflow_id"), text(row, "commit_sha"), text(row, "prettyref")
    else:
        # The path ends with the ref, and on a server that says where the file is, begins with its folder.
        workflow = text(row, "path").partition("@")[0].rpartition("/")[2]
        commit, branch = text(row, "head_sha"), optional_text(row, "head_branch")
    return Run(
        id=number(row, "id"),
        workflow=workflow,
        event=text(row, "event"),
        commit=commit,
        branch=branch,
        state=_state(row),
        url=text(row, "html_url"),
    )


def _job(row: Row) -> RunJob:
    return RunJob(number(row, "id"), text(row, "name"), _state(row))


def _state(row: Row) -> RunState:
    """Gitea says that it ended and how; Forgejo has one word for both."""
    word = text(row, "status")
    return _STATES.get(text(row, "conclusion") if word == "completed" else word, RunState.UNKNOWN)
