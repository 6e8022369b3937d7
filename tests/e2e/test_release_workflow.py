"""A task from its merge to a watched production and back, by the workflows of the docs on a real Gitea."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from orch_gates.documents import frontmatter
from orch_gates.state import layout
from tests.builders import orch
from tests.e2e import release_shop
from tests.e2e.actions import UNSET, Bundle, Project, Run
from tests.e2e.gitea import ROOT, Gitea
from tests.e2e.release_shop import SHOP
from tests.e2e.repository import eventually
from tests.e2e.runner import Runner

EXAMPLES = ROOT / "docs" / "examples"
LABEL = "one-at-a-time"
IMAGE = "alice/shop"
CONFIG = """\
stages:
  - {{name: staging, role: deployer, gates: [merge, staging-status, image-freshness]}}
  - {{name: deploy, role: deployer, gates: [deploy-status, merge-proof]}}
rework: staging
merge:
  test: python3 -m py_compile shop.py
environments:
  production:
    rollback: ./deploy.sh
    watch:
      window_s: {window}
      every_s: 3
      failures: 2
      probes:
        - {{url: "http://127.0.0.1:{port}/", body: Hello}}
"""
WINDOW_S = 24
# What is asked for its health is well either way.
BROKEN = "send_response(status)", 'send_response(500 if "Hello" in text else status)'


@dataclass
class Released:
    """A project whose tasks are released by the workflow, a production that they are deployed to, and a bot."""

    project: Project
    folder: Path
    port: int
    secrets: tuple[str, ...]

    def say(self, *args: str, code: int = 0) -> str:
        done = orch(*args, cwd=self._bot.path, env={"ORCH_CACHE_DIR": str(self.folder / "cache"), "ORCH_FORGE": "none"})
        assert done.returncode == code, done.stderr.decode()
        return done.stdout.decode()

    def __post_init__(self) -> None:
        self.repository = self.project.repository
        self._bot = self.repository.clone(self.project.server.bot)
        self.say("state", "init")

    def task(self, name: str, old: str, new: str) -> None:
        """A task that changes the shop as it was at first; others are merged meanwhile."""
        work = self.project.work
        work.git("checkout", "--quiet", "--detach", "origin/main")
        shop = (work.path / "shop.py").read_text()
        assert old in shop
        self.project.push({"shop.py": shop.replace(old, new)}, f"task/{name}")
        self.say("task", "new", name, f"Change for {name}")

    def release(self, name: str) -> Run:
        return self.project.dispatch(task=name)

    def fetch(self) -> None:
        self.project.work.git("fetch", "--quiet", "origin")

    def environment(self) -> dict[str, Any]:
        """What the state says of production."""
        return frontmatter.decode(self.state(layout.environment_path("production")) + "\n")[0]

    def state(self, path: str) -> str:
        """A file of the state branch."""
        return self.repository.bare.git("show", f"orch-state:{path}")

    def report(self, task: str, name: str) -> str:
        """A report of a task, the newest."""
        listed = self.repository.bare.git("ls-tree", "-r", "--name-only", "orch-state").splitlines()
        found = [path for path in listed if f"/{task}/" in path and path.endswith(name)]
        assert found, listed
        return self.state(found[-1])

    def log(self, run: Run) -> str:
        """What the job said, without a secret in it."""
        output = run.log("release")
        assert not any(secret in output for secret in self.secrets)
        return output


@pytest.fixture
def one_runner(gitea: Gitea, runner_program: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    """A runner that does one job at a time, and only those of this test."""
    made = Runner(gitea, runner_program, tmp_path_factory.mktemp("one"), capacity=1, label=LABEL)
    try:
        made.start()
        yield made
    finally:
        made.stop()


@pytest.fixture
def released(gitea: Gitea, one_runner: Runner, bundle: Bundle, tmp_path: Path) -> Iterator[Released]:
    """Everything that a person sets up before the first release, as the how-to says."""
    registry, app, port = gitea.url.partition("://")[2], tmp_path / "app", release_shop.free_port()

    def workflow(name: str) -> str:
        text = (EXAMPLES / f"gitea-{name}.yml").read_text("utf-8").replace(UNSET, bundle.sha)
        text = text.replace("git.example.org/acme/app", f"{registry}/{IMAGE}").replace("deploy-bot", "alice")
        return text.replace("ubuntu-latest", LABEL)

    files = {
        ".orch-gates.yaml": CONFIG.format(port=port, window=WINDOW_S),
        ".gitea/workflows/sweep.yml": workflow("sweep"),
        "shop.py": SHOP,
        **release_shop.scripts(ROOT, registry, IMAGE, app, port),
    }
    project = Project(gitea, gitea.alice, tmp_path, workflow("release"), files)
    for name in ("build-image", "staging-checks", "deploy.sh"):
        (project.work.path / name).chmod(0o755)
    project.push({"README.md": "# Shop\n"})
    project.repository.add(gitea.bot)
    tokens = (
        gitea.token(gitea.bot, ["write:repository", "write:issue", "read:user"]),
        gitea.token(gitea.alice, ["write:package"]),
    )
    project.secret("ORCH_TOKEN", tokens[0])
    project.secret("ORCH_REGISTRY_TOKEN", tokens[1])
    try:
        yield Released(project, tmp_path, port, tokens)
    finally:
        release_shop.stop(app)


def watchers(task: str, folder: Path) -> list[int]:
    """The processes that watch a task in the jobs of a runner."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().split(b"\0")
            inside = bytes(folder) in (process / "environ").read_bytes()
        except OSError:
            continue
        if inside and b"watch" in words and f"--task={task}".encode() in words:
            found.append(int(process.name))
    return found


def test_a_service_goes_to_production_and_back(released: Released, one_runner: Runner) -> None:
    """DEP-1, WCH-1..4: verified; a red production is rolled back by the job, once; a killed watch is ended, once."""
    released.task("T-1", "what would you like", "what can we do for you")
    released.task("T-2", *BROKEN)

    first = released.release("T-1")
    assert first.ended() == "success", released.log(first)
    assert "HEALTHY" in released.log(first)
    assert release_shop.ask(released.port) == (200, "Hello, what can we do for you?\n")
    good = released.environment()["current"]
    assert (good["task"], good["standing"]) == ("T-1", "verified")
    assert 'staging_status: "SUCCESS"' in released.report("T-1", "15-staging-report.md")

    second = released.release("T-2")
    assert second.ended() == "failure", released.log(second)
    output = released.log(second)
    assert "DEGRADED" in output
    assert f"rolls back {released.environment()['current']['rollback_of']}" in output
    assert release_shop.ask(released.port) == (200, "Hello, what can we do for you?\n")
    now = released.environment()["current"]
    assert (now["revision"], now["digest"], now["standing"]) == (good["revision"], good["digest"], "verified")
    assert 'deploy_status: "DEPLOYED"' in released.report("T-2", "20-deploy-report.md")
    assert "answered 500" in released.report("T-2", "16-post-deploy-log.md")
    assert output.count("rolls back") == 1

    released.fetch()
    released.task("T-3", *reversed(BROKEN))
    third = released.release("T-3")
    eventually(lambda: released.environment()["current"]["task"] == "T-3", "T-3 is deployed")
    left = released.environment()["current"]
    watch = layout.watch_path(left["deploy"])
    eventually(lambda: "watched by" in released.state(watch), "T-3 is watched")
    for pid in watchers("T-3", one_runner.folder):
        os.kill(pid, signal.SIGKILL)
    assert third.ended() == "failure", released.log(third)
    left = released.environment()["current"]
    assert (left["task"], left["standing"]) == ("T-3", "watching")
    eventually(lambda: "watch over" in sweep(released), "a sweep ends the watch")
    assert 'verdict: "UNOBSERVED"' in released.state(watch)
    assert released.environment()["current"]["standing"] == "unobserved"
    assert released.environment()["verified"]["revision"] == good["revision"]
    before = released.repository.tip("orch-state")
    assert "watch over" not in sweep(released)
    assert released.repository.tip("orch-state") == before
    assert released.environment()["current"]["deploy"] == left["deploy"]
    assert release_shop.ask(released.port)[0] == 200
    released.say("state", "verify")


def test_what_is_red_before_the_deploy_sends_the_task_back(released: Released) -> None:
    """STG-1, MRG-6: a red staging run and a conflict reach the task with their reason; nothing is deployed."""
    released.task("T-1", 'self.answer(200, "well")', 'self.answer(500, "ill")')
    released.task("T-2", 'self.answer(200, "well")', 'self.answer(200, "fine")')
    before = released.repository.tip()
    red = released.release("T-1")
    assert red.ended() == "failure", released.log(red)
    assert "T-1: rollback" in released.log(red)
    assert "staging::health" in released.report("T-1", "15-staging-report.md")
    released.say("lease", "release", "--reason", "T-1 was sent back")
    released.project.work.git("checkout", "--quiet", "--detach", "origin/main")
    changed = released.project.push({"shop.py": SHOP.replace('"well"', '"here"')})
    assert before != changed
    conflict = released.release("T-2")
    assert conflict.ended() == "failure", released.log(conflict)
    assert "T-2: rollback" in released.log(conflict)
    assert "conflicts with main" in released.say("why", "T-2")
    assert "nothing was ever deployed" in released.say("env", "list")
    assert released.repository.tip() == changed
    assert release_shop.ask(released.port)[0] == 0


def sweep(released: Released) -> str:
    """One tick by the workflow; answers its log."""
    run = released.project.dispatch("sweep.yml")
    run.ended()
    return run.log("sweep")
