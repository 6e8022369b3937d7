"""`orch-gates env`: what runs where, as it is recorded, and a person's word where a deploy was lost."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests import deploy_rig
from tests.deploy_rig import DeployRig
from tests.hand_edits import edit_state

DIGEST = "sha256:" + "ab" * 32


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return deploy_rig.template(tmp_path_factory.mktemp("environments"))


@pytest.fixture
def rig(made: Path, tmp_path: Path) -> DeployRig:
    return deploy_rig.copy(made, tmp_path / "project")


def settle(rig: DeployRig, runs: str, *options: str, code: int = 0) -> str:
    return rig.ok(
        "env", "settle", "production", "--runs", runs, "--reason", "its /version says so", *options, code=code
    )


def test_what_runs_where(rig: DeployRig) -> None:
    """What each runs, since when, by which task; what it ran before; and what a machine reads."""
    assert "nothing was ever deployed" in rig.ok("env", "list")
    assert "production: nothing was ever deployed there" in rig.ok("env", "show")
    rig.deploy("", "--digest", DIGEST, "--no-advance")
    rig.deploy("", "--environment", "staging")
    first = rig.head()
    rig.new("T-2")
    rig.deploy("", task="T-2")
    second = rig.head("T-2")
    rows = [line.split() for line in rig.ok("env", "list").splitlines()]
    assert [row[:3] for row in rows[1:]] == [["production", second[:10], "T-2"], ["staging", first[:10], "T-1"]]
    assert [row[4:] for row in rows[1:]] == [["unwatched", "-", "settled"]] * 2
    shown = rig.ok("env", "show", "production")
    assert f"production: runs {second[:10]} of T-2, unwatched" in shown
    history = shown.split("history\n")[1].split("\n\n")[0].splitlines()
    assert [line.split()[1] for line in history[1:]] == [second[:10], first[:10]]
    assert "last verified\n  none" in shown
    assert "generation 2" in shown.split("log\n")[1]
    told = json.loads(rig.ok("env", "list", "--json"))["environments"]
    assert [(one["name"], one["current"]["revision"], one["state"]) for one in told] == [
        ("production", second, "settled"),
        ("staging", first, "settled"),
    ]
    one = json.loads(rig.ok("env", "show", "--json"))
    assert [old["digest"] for old in one["history"]] == ["", DIGEST]


def test_a_deploy_under_way_is_shown_and_not_settled(rig: DeployRig) -> None:
    with rig.deploying("sleep 60"):
        deploy = rig.environment()["running"]["deploy"]
        assert rig.ok("env", "list").splitlines()[1].split()[-1] == "deploying"
        assert f"deploy {deploy} is under way, generation 1" in rig.ok("env", "show")
        assert f"deploy {deploy} of T-1 is under way" in settle(rig, rig.head(), code=2)
    assert rig.environment()["current"] is None


def test_the_lost_deploy_runs(rig: DeployRig) -> None:
    """A person looked: its task counts as deployed, and goes on once it is let go on; the command ran once."""
    lost = rig.kill()
    output = settle(rig, lost)
    assert f"production runs {rig.head()[:10]} of T-1 (deploy {lost})" in output
    found = rig.environment()
    assert (found["unknown"], found["unsettled"], found["running"]) == ("", None, None)
    assert (found["current"]["deploy"], found["current"]["standing"]) == (lost, "unwatched")
    report = rig.report()
    assert (report["deploy_status"], report["by"]) == ("DEPLOYED", "bot")
    assert "bot says that production runs" in report["reason"]
    assert "nothing to do" in rig.deploy("")
    assert (rig.ran, rig.task()["stage"]) == (1, "closing")
    rig.legal()


def test_what_ran_before_still_runs(rig: DeployRig) -> None:
    """Then the lost one may be deployed again, by whoever asks for it."""
    rig.deploy("", "--no-advance")
    first, deploy = rig.head(), rig.environment()["current"]["deploy"]
    rig.new("T-2")
    rig.deploy("exit 9", task="T-2", code=2)
    assert rig.ok("env", "list").splitlines()[1].split()[-1] == "unknown"
    assert "cannot tell what it runs" in rig.ok("env", "show")
    settle(rig, first[:7])
    found = rig.environment()
    assert (found["current"]["deploy"], found["unknown"], len(found["history"])) == (deploy, "", 1)
    assert rig.report("T-2")["deploy_status"] == "REFUSED"
    rig.ok("task", "resume", "T-2")
    rig.deploy("", task="T-2")
    assert (rig.ran, rig.environment()["current"]["task"]) == (3, "T-2")
    rig.legal()


def test_something_else_runs(rig: DeployRig) -> None:
    """What was deployed by other means is a commit by its whole id."""
    rig.deploy("exit 9", code=2)
    other = "d" * 40
    settle(rig, other, "--digest", DIGEST)
    current = rig.environment()["current"]
    assert (current["revision"], current["digest"], current["task"], current["by"]) == (other, DIGEST, "", "bot")
    assert "of no task" in rig.ok("env", "show")
    before = rig.commits()
    assert "was already recorded as running" in settle(rig, other)
    assert rig.commits() == before
    rig.legal()


@pytest.mark.parametrize(
    ("runs", "message"),
    [
        ("v1.2", "no deploy to production is known as 'v1.2'"),
        ("abcdef1", "name one that `orch-gates env show production` shows"),
        ("", "it is empty"),
    ],
)
def test_a_word_names_one_thing(rig: DeployRig, runs: str, message: str) -> None:
    rig.deploy("exit 9", code=2)
    before = rig.commits()
    assert message in settle(rig, runs, code=2)
    assert rig.commits() == before


def test_a_misspelled_name_is_refused_and_makes_nothing(rig: DeployRig) -> None:
    """Else a word for another environment would settle nothing, and the right one would go on to be held."""
    rig.deploy("exit 9", code=2)
    before, head = rig.commits(), rig.head()
    for word in (("show",), ("settle", "--runs", head, "--reason", "seen")):
        command, *more = word
        assert "'prodution'; did you mean production?" in rig.ok("env", command, "prodution", *more, code=2)
        far = rig.ok("env", command, "x9", *more, code=2)
        assert "unknown environment 'x9'; known are: production" in far
        assert "`environments` of .orch-gates.yaml" in far
    assert rig.commits() == before
    assert [one["name"] for one in json.loads(rig.ok("env", "list", "--json"))["environments"]] == ["production"]


def test_a_name_of_the_configuration_is_known_before_its_first_deploy(rig: DeployRig) -> None:
    """What was brought there by other means can be said, and another one is close to it."""
    config = rig.work.git("show", "HEAD:.orch-gates.yaml")
    rig.work.commit("Declare", {".orch-gates.yaml": f"{config}\nenvironments:\n  staging: {{deploy_timeout_s: 60}}\n"})
    rig.work.git("push", "--quiet", "origin", "HEAD:main")
    rig.work.git("fetch", "--quiet", "origin")
    assert "staging: nothing was ever deployed there" in rig.ok("env", "show", "staging")
    assert "did you mean staging?" in rig.ok("env", "show", "stagin", code=2)
    rig.ok("env", "settle", "staging", "--runs", "d" * 40, "--reason", "seen")
    assert rig.environment("staging")["current"]["revision"] == "d" * 40
    rig.legal()


def test_one_commit_with_two_images_is_named_by_its_deploy(rig: DeployRig) -> None:
    rig.deploy("", "--no-advance")
    rig.deploy("", "--no-advance", "--digest", DIGEST)
    assert "may be several deploys" in settle(rig, rig.head(), code=2)
    first = rig.environment()["history"][1]["deploy"]
    settle(rig, first)
    assert rig.environment()["current"]["deploy"] == first
    rig.legal()


def test_a_file_that_cannot_be_read_is_set_apart(rig: DeployRig) -> None:
    """ST-6: the others are shown; nobody deploys to the one before it is mended."""
    rig.deploy("", "--environment", "staging", "--no-advance")
    rig.deploy("", "--no-advance")
    edit_state(rig.server, {"environments/production.md": "broken\n"})
    output = rig.ok("env", "list")
    assert "staging" in output
    assert "environments/production.md" in output
    rig.new("T-2")
    assert "environments/production.md" in rig.deploy("", task="T-2", code=2)
    assert rig.ran == 2
