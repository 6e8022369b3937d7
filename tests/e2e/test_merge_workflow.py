"""The workflows that merge, copied as they stand to a real Gitea whose hook lets nothing else change main."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.builders import load_hook_early, orch
from tests.e2e.actions import Project
from tests.e2e.gitea import ROOT
from tests.e2e.merge_project import HOOK
from tests.merge_rig import CONFIG, TEST

Make = Callable[..., Project]
JOB = "merge"
FILES = {"test.sh": TEST, ".orch-gates.yaml": CONFIG.format(fence="hook"), "values/one": "1\n"}


def example(forge: str) -> str:
    return (ROOT / "docs" / "examples" / f"{forge}-merge.yml").read_text("utf-8")


class Merging:
    """A project with the hook, a bot whose token is a secret, and tasks."""

    def __init__(self, project: Project, folder: Path) -> None:
        self.project = project
        self.repository = project.repository
        # The server learns of the schedule by a push, which the fence would not take later.
        self.first = project.push({"README.md": "# Values\n"})
        bot = project.server.bot
        self.repository.add(bot)
        self.repository.install_hook()
        load_hook_early(self.repository.bare.path / HOOK)
        self.token = project.server.token(bot, ["write:repository"])
        project.secret("ORCH_TOKEN", self.token)
        self._bot = self.repository.clone(bot)
        self._env = {"ORCH_CACHE_DIR": str(folder / "cache"), "ORCH_FORGE": "none"}
        self.say("state", "init")

    def say(self, *args: str) -> str:
        done = orch(*args, cwd=self._bot.path, env=self._env)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode()

    def task(self, name: str, files: dict[str, str]) -> None:
        """A task whose branch alice pushes."""
        self.project.work.git("checkout", "--quiet", "--detach", self.first)
        self.project.push(files, f"task/{name}")
        self.say("task", "new", name, f"Change for {name}")


@pytest.mark.parametrize("forge", ["gitea", "forgejo"])
def test_of_two_green_branches_the_second_is_refused(forge: str, project: Make, tmp_path: Path) -> None:
    """By hand for a named task: the red one fails its run, main stays green, no token is in a log (MRG-6, OWN-1)."""
    made = Merging(project(example(forge), FILES), tmp_path)
    made.task("T-1", {"values/two": "2\n"})
    made.task("T-2", {"values/too": "2\n"})
    good = made.project.dispatch(task="T-1")
    assert good.ended() == "success", good.log(JOB)
    assert "T-1: advance to done" in good.log(JOB)
    landed = made.repository.tip()
    assert made.repository.tip("main^2") == made.repository.tip("task/T-1")
    assert made.repository.api().get("/pulls/1").ok()["merged"]
    bad = made.project.dispatch(task="T-2")
    assert bad.ended() == "failure", bad.log(JOB)
    assert "a value is there twice" in bad.log(JOB)
    assert made.repository.tip() == landed
    assert made.token not in good.log(JOB) + bad.log(JOB)
    made.say("state", "verify")


def test_the_schedule_takes_all_that_wait(project: Make, tmp_path: Path) -> None:
    """Nobody named a task: both that can be merged are, one after the other (MRG-12)."""
    made = Merging(project(example("gitea"), FILES), tmp_path)
    made.task("T-1", {"values/two": "2\n"})
    made.task("T-2", {"values/three": "3\n"})
    made.project.due()
    run = made.project.run("schedule", made.first)
    assert run.ended() == "success", run.log(JOB)
    done = [name for name in ("T-1", "T-2") if f"{name}: advance to done" in run.log(JOB)]
    assert done == ["T-1", "T-2"]
    made.repository.bare.git("merge-base", "--is-ancestor", "task/T-2", "main")


def test_the_token_of_the_run_is_refused(project: Make, tmp_path: Path) -> None:
    """MRG-5: before anything is begun."""
    made = Merging(project(example("gitea").replace("secrets.ORCH_TOKEN", "github.token"), FILES), tmp_path)
    made.task("T-1", {"values/two": "2\n"})
    state = made.repository.tip("orch-state")
    run = made.project.dispatch(task="T-1")
    assert run.ended() == "failure"
    assert "the job's own token" in run.log(JOB)
    assert made.repository.tip("orch-state") == state
