"""The runner's side of Gitea's runner protocol: Connect calls with JSON bodies."""

from __future__ import annotations

import time
from base64 import b64decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from tests.e2e.api import Answer, Api

_SERVICE = "/api/actions/runner.v1.RunnerService"
# The first release of the runner that the server talks to in this way.
_VERSION = "v0.6.0"
_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class Need:
    """How a job ended that the task waited for."""

    result: str
    outputs: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Task:
    """One job to run: a workflow that holds only it, the `github` context, and what it may know."""

    id: str
    workflow: str
    context: Mapping[str, Any]
    secrets: Mapping[str, str] = field(repr=False)
    variables: Mapping[str, str]
    needs: Mapping[str, Need]

    @property
    def url(self) -> str:
        return str(self.context["server_url"]).rstrip("/")

    @property
    def token(self) -> str:
        return str(self.context["token"])


class Server:
    """The server as a registered runner sees it."""

    def __init__(self, url: str) -> None:
        self._api = Api(url)
        self._version = "0"

    def register(self, token: str, name: str, labels: Sequence[str]) -> None:
        """Make this runner known."""
        document = {"name": name, "token": token, "version": _VERSION, "labels": labels}
        runner = self._call("Register", document)["runner"]
        self._api = replace(self._api, headers={"x-runner-uuid": runner["uuid"], "x-runner-token": runner["token"]})
        self._call("Declare", {"version": _VERSION, "labels": labels})

    def fetch(self) -> Task | None:
        """A task, which is this runner's from now on; None when there is nothing to do."""
        # Asked again, the server would give another task: this one is not repeated.
        said = self._send("FetchTask", {"tasksVersion": self._version}).ok()
        if (given := said.get("task")) is None:
            self._version = said["tasksVersion"]
            return None
        # There may be more.
        self._version = "0"
        return Task(
            id=given["id"],
            workflow=b64decode(given["workflowPayload"]).decode(),
            context=given["context"],
            secrets=given.get("secrets", {}),
            variables=given.get("vars", {}),
            needs={
                name: Need(need["result"].removeprefix("RESULT_").lower(), need.get("outputs", {}))
                for name, need in given.get("needs", {}).items()
            },
        )

    def log(self, task: Task, index: int, rows: Sequence[Mapping[str, str]], *, end: bool) -> None:
        """Add lines to a task's log."""
        self._call("UpdateLog", {"taskId": task.id, "index": str(index), "rows": rows, "noMore": end})

    def update(self, task: Task, state: Mapping[str, Any], outputs: Mapping[str, str]) -> str:
        """Say how far a task is; the answer is its result for the server, empty while it may go on."""
        said = self._call("UpdateTask", {"state": {"id": task.id, **state}, "outputs": outputs})
        return str(said.get("state", {}).get("result", "")).removeprefix("RESULT_UNSPECIFIED")

    def _call(self, method: str, document: object) -> Any:
        """A call that means the same when it arrives twice."""
        for attempt in range(1, _ATTEMPTS):
            try:
                answer = self._send(method, document)
            except OSError:
                answer = None
            if answer is not None and answer.status < 500:
                return answer.ok()
            time.sleep(0.1 * attempt)
        return self._send(method, document).ok()

    def _send(self, method: str, document: object) -> Answer:
        return self._api.send("POST", f"{_SERVICE}/{method}", document)
