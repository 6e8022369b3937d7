"""A clone on the server with a task that waits for its forge, and the commands that a person runs there."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.builders import Done, Repo, orch
from tests.e2e.gitea import Gitea
from tests.e2e.repository import Repository

BRANCH = "task/T-1"
READ = ["read:repository"]
_CALL = re.compile(r"^forge: ([A-Z]+) (\S+) (\d+|no answer) \d+ ms$", re.M)
_SUM = re.compile(r"^forge: (\d+) requests?, \d+\.\d\d s$", re.M)


@dataclass(slots=True)
class WaitingTask:
    """Task T-1 in development: its next step asks the forge whether CI is green. Commands know forge and token."""

    server: Gitea
    repository: Repository
    work: Repo
    env: dict[str, str] = field(repr=False)

    @classmethod
    def make(cls, server: Gitea, repository: Repository, scopes: Sequence[str] = READ) -> WaitingTask:
        """Alice's, with a token of these scopes."""
        work = repository.clone()
        env = {
            "ORCH_CACHE_DIR": f"{work.path}-cache",
            "ORCH_FORGE_URL": server.url,
            "ORCH_FORGE_TOKEN": server.token(server.alice, list(scopes)),
        }
        made = cls(server, repository, work, env)
        work.git("switch", "--quiet", "-c", BRANCH)
        work.commit("work", {"code.py": "print('hello')\n"})
        work.git("push", "--quiet", "origin", BRANCH)
        for args in (("state", "init"), ("task", "new", "T-1", "Greet"), ("advance", "T-1", "--approve")):
            made.done(*args)
        made.done("advance", "T-1")
        return made

    @property
    def head(self) -> str:
        return self.repository.tip(BRANCH)

    @property
    def path(self) -> Path:
        return self.work.path

    def run(self, *args: str, env: Mapping[str, str] | None = None) -> Done:
        """A command, whatever comes of it; nothing that it says holds a token or a traceback."""
        told = {**self.env, **(env or {})}
        done = orch(*args, cwd=self.work.path, env=told)
        output = (done.stdout + done.stderr).decode()
        for name, value in told.items():
            assert not value or "TOKEN" not in name or value not in output
        assert "Traceback" not in output
        return done

    def done(self, *args: str, env: Mapping[str, str] | None = None) -> Done:
        """A command that has to succeed."""
        done = self.run(*args, env=env)
        assert done.returncode == 0, done.stderr.decode()
        return done

    def refused(self, *args: str, env: Mapping[str, str] | None = None) -> str:
        """The one line that a command says which could not do its work: exit code 2, and the state as it was."""
        before = self.state()
        done = self.run(*args, env=env)
        output = done.stderr.decode()
        assert done.returncode == 2, output
        assert self.state() == before
        assert output.endswith("\n")
        assert output.count("\n") == 1, output
        assert output.startswith("orch-gates: ")
        return output

    def state(self) -> str:
        return self.repository.tip("orch-state")

    def post(self, context: str, state: str = "success", commit: str = "") -> None:
        """What CI says."""
        self.repository.api().post(f"/statuses/{commit or self.head}", {"state": state, "context": context}).ok()


def calls(done: Done) -> list[tuple[str, str, int]]:
    """What `--timings` says was asked: method, path, status (0: no answer)."""
    output = done.stderr.decode()
    found = [(method, path, int(status) if status.isdecimal() else 0) for method, path, status in _CALL.findall(output)]
    counted = _SUM.search(output)
    assert counted is not None, output
    assert int(counted[1]) == len(found)
    return found
