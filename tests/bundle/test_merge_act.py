"""The workflow that merges, run as written by a real runner against a bare repository with the fence."""

from __future__ import annotations

import os
import re
import secrets
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests import merge_rig
from tests.bundle.acting import ROOT, Runner
from tests.merge_rig import MergeRig

EXAMPLE = (ROOT / "docs" / "examples" / "github-merge.yml").read_text("utf-8")
KEPT = """
      - if: always()
        env:
          SEEN: ${{ toJSON(steps.merge.outputs) }}
        run: printf '%s' "$SEEN" >"$OUT/outputs.json"
"""
CHECKED = EXAMPLE.replace("        with:\n          task:", "        id: merge\n        with:\n          task:") + KEPT
DOOR = CHECKED.replace("orch-gates/actions/merge@", "orch-gates@").replace("task: $", "run: merge\n          task: $")

PUBLISHED = (ROOT / "docs" / "examples" / "github-dashboard.yml").read_text("utf-8")
# What publishes is the forge's own: what it is given is kept here.
DASHBOARD = f"""{PUBLISHED.split("      # Also where")[0]}
      - if: ${{{{ !cancelled() }}}}
        run: cp public/index.html "$OUT"
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return merge_rig.template(tmp_path_factory.mktemp("merge"))


@pytest.fixture
def rig(made: Path, tmp_path: Path) -> MergeRig:
    return merge_rig.copy(made, tmp_path / "project")


@pytest.fixture
def runner(rig: MergeRig, real: Callable[[str], Path], bundle: Path, tmp_path: Path) -> Runner:
    """The rig's clone on a runner that has `orch-gates` on its PATH; the bot's token is a secret."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    env = {name: value for name, value in rig.env.items() if value is not None}
    tokens = {name: secrets.token_hex(20) for name in ("ORCH_TOKEN", "GITHUB_TOKEN")}
    return Runner(real("act"), bundle, tmp_path, path, env, "merge", "project/work", tokens)


def by_hand(task: str) -> dict[str, Any]:
    return {"inputs": {"task": task}, "repository": {"default_branch": "main"}}


def test_of_two_green_branches_the_second_is_refused(rig: MergeRig, runner: Runner) -> None:
    """The workflow as it stands: the first lands, the second is red together with it, and the job with it (MRG-6)."""
    rig.task("T-1", {"values/two": "2\n"})
    rig.task("T-2", {"values/too": "2\n"})
    good = runner.run("workflow_dispatch", by_hand("T-1"), EXAMPLE)
    assert good.passed, good.log
    assert "T-1: advance to done" in good.log
    bad = runner.run("workflow_dispatch", by_hand("T-2"), EXAMPLE)
    assert not bad.passed, bad.log
    assert "a value is there twice" in bad.log
    assert rig.assert_sound() == ["T-1"]
    for token in runner.secrets.values():
        assert token not in good.log + bad.log


def test_later_steps_read_what_became_of_it(rig: MergeRig, runner: Runner) -> None:
    """Verdict, reason, what was tested, merge commit and exit code."""
    rig.task("T-1", {"values/two": "2\n"})
    run = runner.run("workflow_dispatch", by_hand("T-1"), CHECKED)
    assert run.passed, run.log
    outputs = run.outputs
    assert outputs.pop("reason")
    tested = rig.server.git("rev-parse", "refs/heads/main^2")
    assert outputs == {"verdict": "PASS", "commit": tested, "merge-commit": rig.main, "exit-code": "0"}


def test_later_steps_have_what_was_tested(rig: MergeRig, runner: Runner) -> None:
    """A branch that was caught up by this very step can be built and judged by the next ones, without a token."""
    rig.task("T-1", {"values/two": "2\n"})
    rig.task("T-2", {"values/three": "3\n"})
    assert rig.merge("T-2")[0] == 0
    gate = CHECKED.replace("          token: ${{ secrets", "          command: gate\n          token: ${{ secrets")
    look = '      - run: git cat-file -e "$(git rev-parse origin/task/T-1):values/three" && touch "$OUT/there"\n'
    run = runner.run("workflow_dispatch", by_hand("T-1"), gate + look)
    assert run.passed, run.log
    assert run.outputs["commit"] == rig.attempt("T-1")["commit"]
    assert (run.out / "there").exists()


def test_what_is_put_off_is_gone_on_with_by_the_schedule(rig: MergeRig, runner: Runner) -> None:
    """Later is no failure, unless the input `deferred` says so; the clock's run takes every task that waits."""
    rig.task("T-1", {"values/two": "2\n"})
    rig.task("T-2", {"values/three": "3\n"})
    assert rig.gate("T-1")[0] == 0
    waits = runner.run("workflow_dispatch", by_hand("T-2"), CHECKED)
    assert waits.passed, waits.log
    assert "put off" in waits.log
    assert (waits.outputs["verdict"], waits.outputs["exit-code"]) == ("DEFER", "75")
    assert "T-1 holds the lease" in waits.outputs["reason"]
    strict = CHECKED.replace("          token: ${{ secrets", "          deferred: fail\n          token: ${{ secrets")
    red = runner.run("workflow_dispatch", by_hand("T-2"), strict)
    assert not red.passed, red.log
    assert red.outputs["verdict"] == "DEFER"
    assert rig.main == rig.first
    clock = runner.run("schedule", {"schedule": "*/15 * * * *"}, CHECKED)
    assert clock.passed, clock.log
    assert sorted(rig.assert_sound()) == ["T-1", "T-2"]
    idle = runner.run("schedule", {"schedule": "*/15 * * * *"}, CHECKED)
    assert idle.passed, idle.log
    assert (idle.outputs["verdict"], idle.outputs["exit-code"]) == ("SKIP", "0")


def test_the_front_door_merges_too(rig: MergeRig, runner: Runner) -> None:
    """`run: merge` takes the same inputs."""
    rig.task("T-1", {"values/two": "2\n"})
    run = runner.run("workflow_dispatch", by_hand("T-1"), DOOR)
    assert run.passed, run.log
    assert run.outputs["merge-commit"] == rig.main


def test_the_front_door_sweeps_too(rig: MergeRig, runner: Runner) -> None:
    """`run: sweep` is one tick, which goes on with what was validated."""
    rig.task("T-1", {"values/two": "2\n"})
    assert rig.gate("T-1")[0] == 0
    run = runner.run("workflow_dispatch", by_hand("T-1"), DOOR.replace("run: merge", "run: sweep"))
    assert run.passed, run.log
    assert run.outputs["exit-code"] == "0"
    assert rig.state_of("T-1") == ("done", "done")


def test_the_sweep_keeps_a_page(rig: MergeRig, runner: Runner) -> None:
    """The input `dashboard` of its action: after the tick there is the page that a later step publishes."""
    rig.task("T-1", {"values/two": "2\n"})
    assert rig.gate("T-1")[0] == 0
    run = runner.run("schedule", {"schedule": "7-59/10 * * * *"}, DASHBOARD)
    assert run.passed, run.log
    page = (run.out / "index.html").read_text("utf-8")
    (row,) = re.findall(r'<tr id="task-T-1">.*?</tr>', page)
    assert ">done</span>" in row


def test_a_gate_only_validates(rig: MergeRig, runner: Runner) -> None:
    """`command: gate` leaves the target as it is, and keeps the lease."""
    rig.task("T-1", {"values/two": "2\n"})
    only = CHECKED.replace("          token: ${{ secrets", "          command: gate\n          token: ${{ secrets")
    run = runner.run("workflow_dispatch", by_hand("T-1"), only)
    assert run.passed, run.log
    assert (run.outputs["verdict"], run.outputs["merge-commit"]) == ("PASS", "")
    assert rig.main == rig.first
    assert rig.lease()["holder"] == "T-1"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("own", "the job's own token"),
        ("none", "the input token is empty"),
        ("kept", "give it persist-credentials: false"),
        ("command: $(touch pwned)", "neither merge nor gate"),
        ("deferred: '`touch pwned`'", "neither pass nor fail"),
        ("target: no-such-branch", "no-such-branch"),
    ],
)
def test_what_cannot_work_is_refused_in_one_sentence(change: str, message: str, rig: MergeRig, runner: Runner) -> None:
    """Nothing is begun: the state is as it was (MRG-5, OWN-1)."""
    rig.task("T-1", {"values/two": "2\n"})
    state, workflow = rig.head("orch-state"), CHECKED
    match change:
        case "own":
            runner.secrets["GITHUB_TOKEN"] = runner.secrets["ORCH_TOKEN"]
        case "none":
            del runner.secrets["ORCH_TOKEN"]
        case "kept":
            rig.work.git("config", "http.https://github.com/.extraheader", "AUTHORIZATION: basic eDp5")
        case _:
            workflow = CHECKED.replace(
                "          token: ${{ secrets", f"          {change}\n          token: ${{{{ secrets"
            )
    run = runner.run("workflow_dispatch", by_hand("T-1"), workflow)
    assert not run.passed, run.log
    assert message in run.log
    assert run.outputs.get("verdict", "") == ""
    assert rig.head("orch-state") == state
    assert "pwned" not in {path.name for path in rig.work.path.iterdir()}
