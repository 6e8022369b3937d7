"""What a job says, told to the server: lines without secrets, the steps, the result."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.e2e.runner_protocol import Server, Task
from tests.e2e.runner_workflow import job

_ROWS = 5000
_CHARACTERS = 4000
_MASK = "***"


def now() -> str:
    return datetime.now(UTC).isoformat()


class Report:
    """The log and the state of one task, sent as they grow."""

    def __init__(self, server: Server, task: Task, summary: Path) -> None:
        self._server = server
        self._task = task
        self._summary = summary
        self._job, definition = job(task.workflow)
        # `act` names a step by its id, or by its number.
        self._steps = [str(step.get("id", number)) for number, step in enumerate(definition["steps"])]
        self._states: dict[str, dict[str, str]] = {}
        self._masked = {line for value in task.secrets.values() for line in value.splitlines() if line.strip()}
        self._rows: list[dict[str, str]] = []
        self._sent = 0
        self._started = now()

    def said(self, line: str) -> None:
        """Take one line of `act`, which is JSON unless something went wrong."""
        try:
            entry = json.loads(line)
        except ValueError:
            self.row(line)
            return
        if not isinstance(entry, dict) or entry.get("jobID") != self._job:
            return
        match entry.get("command"):
            case "add-mask":
                self._masked.add(entry["arg"])
            case "summary":
                self._keep(entry["content"])
            case "set-output":
                pass
            case _:
                self._step(entry)

    def row(self, text: str) -> None:
        """Add lines to the log; a long line is cut, and so is a long log."""
        for line in self._mask(text).splitlines():
            if len(self._rows) < _ROWS:
                self._rows.append({"time": now(), "content": line[:_CHARACTERS]})
            elif len(self._rows) == _ROWS:
                self._rows.append({"time": now(), "content": "the log goes on, and is left out from here"})

    def send(self) -> str:
        """Send what is new; the answer is the server's result, empty while the job may go on."""
        self._log(end=False)
        return self._server.update(self._task, {"startedAt": self._started, "steps": self._told()}, {})

    def close(self, result: str, outputs: Mapping[str, str]) -> None:
        """Send the rest and the end."""
        self._log(end=True)
        end = f"RESULT_{result.upper()}"
        state = {"startedAt": self._started, "stoppedAt": now(), "result": end, "steps": self._told(closed=True)}
        self._server.update(self._task, state, outputs)

    def _step(self, entry: Mapping[str, Any]) -> None:
        if "stepID" in entry:
            state = self._states.setdefault(entry["stepID"][0], {"startedAt": now(), "logIndex": str(len(self._rows))})
        else:
            state = {}
        self.row(entry.get("raw", entry.get("msg", "")))
        state["logLength"] = str(len(self._rows) - int(state.get("logIndex", "0")))
        # The steps inside an action have longer names.
        if entry.get("stage") == "Main" and len(entry["stepID"]) == 1 and "stepResult" in entry:
            state |= {"result": f"RESULT_{entry['stepResult'].upper()}", "stoppedAt": now()}

    def _told(self, *, closed: bool = False) -> list[dict[str, str]]:
        never = {"result": "RESULT_SKIPPED"} if closed else {}
        return [{"id": str(number), **never, **self._states.get(step, {})} for number, step in enumerate(self._steps)]

    def _log(self, *, end: bool) -> None:
        new = self._rows[self._sent :]
        if new or end:
            self._server.log(self._task, self._sent, new, end=end)
            self._sent += len(new)

    def _keep(self, summary: str) -> None:
        self._summary.parent.mkdir(parents=True, exist_ok=True)
        with self._summary.open("a") as file:
            file.write(self._mask(summary))

    def _mask(self, text: str) -> str:
        # The longest first: one secret may begin with another.
        for secret in sorted(self._masked, key=len, reverse=True):
            text = text.replace(secret, _MASK)
        return text
