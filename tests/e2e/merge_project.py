"""A project on a real Gitea that merges through the gate: `MergeRig`, with the server's word on who moved main."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from orch_gates.merge import trailers
from orch_gates.merge.trailers import Validated
from tests.builders import Repo, bare, clone, orch
from tests.e2e.gitea import Gitea, User
from tests.e2e.repository import Pull, Repository, eventually
from tests.merge_rig import TEST, MergeRig
from tests.merge_worker import worker
from tests.zygote import Child

MAIN = "refs/heads/main"
HOOK = Path("hooks", "pre-receive.d", "orch-gates")
CONFIG = """\
stages:
  - name: development
    role: developer
    gates: [merge, merge-proof]
rework: development
merge:
  grace_s: 1
  retry_base_s: 1
"""
_BY_MERGE = "pr-merge-to-base"
# What a bot has to do with: branches of tasks, the state, and the copy that the server makes of each pull request.
_BOTS = re.compile(r"refs/heads/task/.+|refs/heads/orch-state|refs/orch/.+|refs/pull/[0-9]+/head")
_RECORDER = """\
#!/bin/sh
while read -r old new ref; do
    echo "{hook} $GITEA_PUSHER_NAME ${{GITEA_PUSH_TRIGGER:--}} $old $new $ref" >>moves
done
"""


@dataclass(frozen=True, slots=True)
class Move:
    """A ref that somebody wanted to move (`pre-receive`), or did (`post-receive`)."""

    hook: str
    by: str
    trigger: str
    old: str
    new: str
    ref: str


def template(folder: Path, settings: str, config: str = CONFIG) -> Repo:
    """A bare repository with a main of two commits and a state branch, which each test has its own copy of.

    A branch from the first of them is behind the second one, which added `values/one`.
    """
    server = bare(folder / "server.git")
    work = clone(server, folder / "work")
    work.commit("Configure the pipeline", {"test.sh": TEST, ".orch-gates.yaml": config + settings})
    work.commit("Add the first value", {"values/one": "1\n"})
    work.git("push", "--quiet", "origin", "HEAD:main")
    done = orch("state", "init", cwd=work.path, env={"ORCH_CACHE_DIR": str(folder / "cache"), "ORCH_FORGE": "none"})
    assert done.returncode == 0, done.stderr.decode()
    return server


class Copied(Repository):
    """A repository on the server with all refs of another one, and with more on top of its main."""

    def __init__(self, server: Gitea, owner: User, folder: Path, of: Repo, more: Mapping[str, str]) -> None:
        self._of = of
        super().__init__(server, owner, folder, more)

    def _fill(self, files: Mapping[str, str], branches: Mapping[str, Mapping[str, str]]) -> None:
        self._of.git("push", "--quiet", str(self.bare.path), "refs/heads/*:refs/heads/*", "refs/orch/*:refs/orch/*")
        if files:
            seed = clone(self.bare, self.folder / f"seed-{self.name}")
            seed.commit("more", files)
            seed.git("push", "--quiet", "origin", "main")


@dataclass
class GiteaRig(MergeRig):
    """`server` is the bare repository on the server's disk; `work` is the bot's clone, which reaches it over HTTP."""

    repository: Repository = field(kw_only=True)

    @classmethod
    def make(cls, folder: Path, repository: Repository, *, hook: Path | None) -> Self:
        """A project in which the bot may write; `hook` is the product's, as it was installed in another one."""
        bot = repository.server.bot
        repository.add(bot)
        if hook is not None:
            shutil.copy2(hook, repository.bare.path / HOOK)
        for name in ("pre-receive", "post-receive"):
            path = repository.bare.path / "hooks" / f"{name}.d" / "00-moves"
            path.write_text(_RECORDER.format(hook=name))
            path.chmod(0o755)
        work = repository.clone(bot)
        work.git("remote", "set-head", "origin", "--auto")
        env: dict[str, str | None] = {
            "ORCH_FORGE_URL": repository.server.url,
            "ORCH_FORGE_REPOSITORY": f"{repository.owner.name}/{repository.name}",
            "ORCH_FORGE_TOKEN": bot.token,
            "ORCH_CACHE_DIR": str(folder / "cache"),
            "ORCH_STATE_BY": "bot",
        }
        return cls(folder, repository.bare, work, env, repository.tip(), repository=repository)

    # ---- what people do

    def person(self, branch: str = "main") -> Repo:
        """Alice's clone, on a branch."""
        made = self.repository.clone()
        made.git("checkout", "--quiet", "--detach", f"origin/{branch}")
        return made

    def pulls(self, state: str = "all") -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.repository.api().get(f"/pulls?state={state}&sort=oldest").ok()
        return found

    def pull(self, number: int) -> Pull:
        return Pull(self.repository, number)

    def message(self, task: str) -> str:
        """The trailers of the merge of an attempt as it is recorded."""
        found = self.attempt(task)
        return trailers.render(Validated(task, *(found[key] for key in ("generation", "base", "commit", "tree"))))

    def statuses(self, commit: str) -> dict[str, str]:
        """The latest of each context."""
        rows = self.repository.api().get(f"/commits/{commit}/status").ok()["statuses"] or []
        return {row["context"]: row["status"] for row in rows}

    def post(self, commit: str, state: str, context: str = "ci") -> None:
        self.repository.api().post(f"/statuses/{commit}", {"state": state, "context": context}).ok()

    # ---- runners that do not come to their end

    def killed(self, *, before: str = "", at: int = 0, task: str = "T-1") -> None:
        """Let a runner die before an effect, or at a moment."""
        env = {**self.env, "MERGE_WORKER_DIES_BEFORE": before} if before else self.env
        child = worker(self.work.path, env, task, dies_at=at)
        told = child.communicate(timeout=120)
        assert child.returncode == -signal.SIGKILL, told

    @contextmanager
    def stopped(self, before: str, task: str = "T-1") -> Iterator[Runner]:
        """Hold a runner before an effect while the block runs; afterwards it goes on to its end."""
        env = {**self.env, "MERGE_WORKER_STOPS_BEFORE": before}
        child = worker(self.work.path, env, task)
        runner = Runner(child)
        try:
            eventually(lambda: child.poll() is not None or _is_stopped(child.pid), f"stopped before {before}")
            assert child.poll() is None, child.communicate()
            yield runner
            os.kill(child.pid, signal.SIGCONT)
            runner.told, error = child.communicate(timeout=120)
            assert child.returncode == 0, error
        finally:
            if child.poll() is None:
                child.kill()
                child.communicate()

    # ---- what has to hold

    def moves(self) -> list[Move]:
        path = self.server.path / "moves"
        return [Move(*line.split(" ", 5)) for line in path.read_text().splitlines()] if path.exists() else []

    def never_main(self, by_hand: Sequence[str] = ()) -> None:
        """P4: the forge's merges of pull requests moved main and nothing else did; the bot did not even try.

        `by_hand` are commits that somebody else pushed or merged there.
        """
        moves = self.moves()
        for move in moves:
            if move.by == self.repository.server.bot.name and not _BOTS.fullmatch(move.ref):
                assert (move.ref, move.trigger) == (MAIN, _BY_MERGE), move
        done = [(move.old, move.new) for move in moves if move.hook == "post-receive" and move.ref == MAIN]
        log = self.server.path / "logs" / MAIN
        # The server itself writes the reflog; git ends the message with a tab.
        lines = [line.split(" ", 2) for line in log.read_text().splitlines()] if log.exists() else []
        assert [(old, new) for old, new, _ in lines] == done
        ours = [
            move.new
            for move in moves
            if (move.hook, move.ref, move.trigger) == ("post-receive", MAIN, _BY_MERGE)
            and move.by == self.repository.server.bot.name
        ]
        assert [new for _, new in done if new not in by_hand] == ours
        line = self.server.git("log", "--first-parent", "--reverse", "--format=%H", f"{self.first}..{MAIN}").split()
        assert [one for one in line if one not in by_hand] == ours

    def ended(self, *landed: str, holder: str = "", by_hand: Sequence[str] = ()) -> None:
        """These tasks landed, each by one merge; the lease is whose it should be; the history is legal."""
        assert self.assert_sound() == list(landed)
        self.never_main(by_hand)
        lease = self.lease()
        assert (lease["holder"], lease.get("claim")) == (holder, None)

    def done(self, task: str = "T-1") -> None:
        assert self.state_of(task) == ("done", "done")

    def retries(self, task: str = "T-1") -> int:
        """How often it may be red yet; three at first."""
        return int(json.loads(self.ok("why", task, "--json"))["developer_retries_left"])


@dataclass
class Runner:
    """A process that was stopped; `told` is what it said when it came to its end."""

    child: Child
    told: str = ""

    @property
    def code(self) -> int:
        """The exit code that `orch-gates merge` would have had."""
        return int(self.told.split()[-1])


def _is_stopped(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[0] == "T"
