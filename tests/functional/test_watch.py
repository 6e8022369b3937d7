"""`orch-gates watch`: to one end and one reaction, whoever is killed and whoever takes over (WCH-1..4)."""

from __future__ import annotations

import json
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import watch_rig
from tests.watch_rig import LONG_S, WINDOW_S, Production, WatchRig

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def served() -> Iterator[Production]:
    with watch_rig.production() as found:
        yield found


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, served: Production) -> Path:
    return watch_rig.template(tmp_path_factory.mktemp("watches"), served.url)


@pytest.fixture
def rig(made: Path, tmp_path: Path, served: Production) -> WatchRig:
    return watch_rig.copy(made, tmp_path / "project", served)


def test_a_healthy_deploy_is_verified(rig: WatchRig) -> None:
    """From then on it is what a rollback goes to; its task has a log that a person reads."""
    rig.deploy("exit 0")
    assert rig.environment()["current"]["standing"] == "watching"
    (before,) = rig.over()["baseline"]["probes"]
    assert before["result"] == "ok"
    output = rig.watch()
    assert re.search(rf" s, healthy so far, [0-9]+/{WINDOW_S} observed", output)
    assert re.search(rf"HEALTHY: [0-9]+ of {WINDOW_S} samples observed", output)
    found = rig.environment()
    assert found["current"]["standing"] == "verified"
    assert found["verified"] == found["current"]
    watch = rig.over()
    assert (watch["state"], watch["verdict"], watch["watcher"]) == ("over", "HEALTHY", None)
    assert "▁▁▁  http://127.0.0.1" in rig.watch_log()
    assert 'watch_status: "HEALTHY"' in rig.watch_log()
    assert f"before the deploy  {before['name']}: ok" in rig.watch_log()
    commits = rig.commits()
    assert "HEALTHY" in rig.watch()
    assert rig.commits() == commits
    rig.legal()


def test_an_ill_deploy_is_rolled_back_once_to_what_was_verified(rig: WatchRig) -> None:
    """The rollback is a deploy of its own, watched as well; asked again, nothing is rolled back again."""
    first = rig.verify()
    rig.deploy("exit 0", task="T-2")
    second = rig.environment()["current"]["deploy"]
    rig.fall_ill()
    output = rig.watch("T-2", code=1)
    assert "failed 2 times in a row" in output
    assert rig.rolled == [rig.head("T-1")]
    found = rig.environment()
    assert (found["current"]["rollback_of"], found["current"]["standing"]) == (second, "verified")
    assert [one["standing"] for one in found["history"]] == ["verified", "degraded", "verified"]
    assert found["history"][2]["deploy"] == first
    watch = rig.over(second)
    assert (watch["verdict"], watch["reaction"]["what"]) == ("DEGRADED", "done")
    assert (rig.task("T-1")["state"], rig.task("T-2")["state"]) == ("active", "held")
    assert f"deploy {second} to production is DEGRADED" in rig.ok("why", "T-2")
    assert "T-2 is held" in rig.ok("deploy", "--task", "T-2", "--", "true", code=2)
    assert watch["reaction"]["deploy"] == found["current"]["deploy"]
    assert "█" in rig.watch_log("T-2")
    assert "Reaction: rolled back by deploy" in rig.watch_log("T-2")
    rig.watch("T-2", code=1)
    assert len(rig.rolled) == 1
    rig.legal()


def test_what_was_ill_before_the_deploy_is_a_persons(rig: WatchRig) -> None:
    """The deploy did not break it, and to take it back would not mend it; nor is it well."""
    rig.verify()
    rig.configure(WINDOW_S)
    rig.fall_ill()
    rig.deploy("exit 0", task="T-2")
    output = rig.watch("T-2", code=2)
    assert re.search("UNOBSERVED.* failed 2 times in a row, .*; it failed before the deploy too", output)
    assert rig.rolled == []
    assert (rig.over()["reaction"]["what"], rig.environment()["current"]["standing"]) == ("alert", "unobserved")
    rig.legal()


def test_a_rollback_that_does_not_help_is_not_rolled_back(rig: WatchRig) -> None:
    """A person is told: two releases would else take turns for ever."""
    rig.verify()
    rig.deploy("exit 0", task="T-2")
    rig.fall_ill()
    rig.watch("T-2", code=1, env={"ROLLBACK": "exit 0"})
    assert len(rig.rolled) == 1
    again = rig.over()
    assert (again["verdict"], again["reaction"]["what"]) == ("DEGRADED", "alert")
    assert "it is itself the rollback" in again["reaction"]["why"]
    rig.legal()


@pytest.mark.parametrize(("code", "standing"), [(1, "degraded"), (2, "degraded"), (7, "degraded")])
def test_a_rollback_that_fails_is_a_persons(rig: WatchRig, code: int, standing: str) -> None:
    """It is under the contract of deploys: after an exit that says nothing nobody knows what runs."""
    rig.verify()
    rig.deploy("exit 0", task="T-2")
    rig.fall_ill()
    rig.watch("T-2", code=1, env={"ROLLBACK": f"exit {code}"})
    found = rig.environment()
    assert found["current"]["standing"] == standing
    assert (found["unknown"] != "") is (code == 7)
    assert rig.over()["reaction"]["what"] == "alert"
    rig.watch("T-2", code=1)
    assert len(rig.rolled) == 1
    rig.legal()


def test_nothing_is_rolled_back_to_what_was_never_verified(rig: WatchRig) -> None:
    """What ran before is not good because it ran."""
    rig.configure(LONG_S)
    rig.deploy("exit 0")
    rig.deploy("exit 0", task="T-2")
    rig.fall_ill()
    assert "no deploy of the environment was ever verified" in rig.watch("T-2", code=1)
    assert rig.rolled == []
    assert rig.over()["reaction"]["what"] == "alert"


def test_a_deploy_that_cannot_be_taken_back_only_alerts(rig: WatchRig) -> None:
    """As whoever deployed it said."""
    rig.verify()
    rig.deploy("exit 0", "--alert-only", "the migration drops a column", task="T-2")
    rig.fall_ill()
    assert "the migration drops a column" in rig.watch("T-2", code=1)
    assert rig.rolled == []


def test_a_late_start_does_not_move_the_window(rig: WatchRig) -> None:
    """What nobody saw is unobserved: it neither verifies nor rolls back, and is told to a person."""
    rig.deploy("exit 0")
    time.sleep(WINDOW_S + 1)
    asked = rig.served.asked
    assert "UNOBSERVED" in rig.watch(code=2)
    assert rig.served.asked == asked
    found = rig.environment()
    assert (found["current"]["standing"], found["verified"]) == ("unobserved", None)
    assert rig.over()["reaction"]["what"] == "alert"
    assert "which is UNOBSERVED" in rig.ok("sweep", code=2)
    rig.ok("sweep")
    rig.legal()


def test_a_killed_watch_is_gone_on_with(rig: WatchRig) -> None:
    """To one end; what was not recorded by then is not made up for."""
    rig.deploy("exit 0")
    with rig.watching() as child:
        child.kill()
        child.wait()
    time.sleep(1.5)
    output = rig.watch()
    assert "HEALTHY" in output
    assert f"HEALTHY, {WINDOW_S}/{WINDOW_S}" not in output
    assert [event for event in rig.events() if event == "watch-end"] == ["watch-end"]
    assert rig.over()["verdict"] == "HEALTHY"
    rig.legal()


def test_a_watch_that_is_asked_to_end_leaves_what_it_saw(rig: WatchRig) -> None:
    """As a cancelled CI run; whoever comes next need not wait for it to be found dead."""
    rig.configure(LONG_S)
    rig.deploy("exit 0")
    with rig.watching() as child:
        child.send_signal(signal.SIGTERM)
        assert child.wait(timeout=30) == 75
    watch = rig.over()
    assert (watch["state"], watch["watcher"]) == ("watching", None)
    assert len(watch["samples"]) >= 1
    rig.watch()
    assert rig.over()["verdict"] == "HEALTHY"


def test_two_do_not_watch_one_deploy(rig: WatchRig) -> None:
    """The second is told who does."""
    rig.configure(LONG_S)
    rig.deploy("exit 0")
    with rig.watching():
        assert "is watched by" in rig.watch(code=75)


def test_a_person_stops_a_watch(rig: WatchRig) -> None:
    """Whoever watches ends, and nothing follows from what was seen."""
    rig.verify()
    rig.deploy("exit 0", task="T-2")
    asked = rig.served.asked
    with rig.watching("T-2") as child:
        rig.until(lambda: rig.served.asked >= asked + 4)
        rig.ok("watch", "stop", "T-2", "--reason", "a load test")
        assert child.wait(timeout=30) == 2
    assert rig.over()["reason"] == "stopped by bot: a load test"
    # What the watch saw until then, and had not recorded yet.
    assert len(rig.over()["samples"]) >= 1
    assert "▁" in rig.watch_log("T-2")
    assert rig.environment()["current"]["standing"] == "stopped"
    assert "is over: STOPPED" in rig.ok("watch", "stop", "T-2", "--reason", "again", code=2)
    rig.legal()


def test_a_deploy_says_where_and_how_before_it_begins(rig: WatchRig) -> None:
    """A misspelled environment is none; a word that comes too late, or is no word, is not taken for one."""
    asked = ("deploy", "--task", "T-1")
    output = rig.ok(*asked, "--environment", "prodution", "--", "true", code=2)
    assert "unknown environment 'prodution'; did you mean production?" in output
    assert "give one: --alert-only TEXT" in rig.ok(*asked, "--alert-only", "--", "true", code=2)
    rig.ok(*asked, "--", "true")
    late = rig.ok(*asked, "--alert-only", "drops a column", "--", "true", code=2)
    assert (
        "may be rolled back automatically; while it is watched, `orch-gates watch stop T-1 --reason TEXT` prevents this"
        in late
    )


def test_a_verdict_is_about_what_runs(rig: WatchRig) -> None:
    """What was well is said, and is no pass, once something else runs; what is not watched has no verdict."""
    rig.verify()
    assert "there is no task T-9" in rig.ok("watch", "--task", "T-9", code=2)
    assert "nothing of T-2 was deployed to production yet" in rig.watch("T-2", code=2)
    word = ("--runs", rig.head("T-2"), "--reason", "by hand")
    rig.ok("env", "settle", "production", *word)
    assert f"the watch ended healthy, but production now runs {rig.head('T-2')[:10]}" in rig.watch(code=2)
    rig.legal()


def test_a_task_that_is_deployed_again_has_no_verdict_yet(rig: WatchRig) -> None:
    """A person says that it runs, and nobody watches it: the watch over the deploy before is not its answer."""
    rig.verify()
    rig.ok("advance", "T-1", "--reject", "not so", code=1)
    head = rig.push("T-1")
    rig.ok("deploy", "--task", "T-1", "--", "sh", "-c", "exit 3", code=2)
    lost = rig.environment()["unsettled"]["deploy"]
    rig.ok("env", "settle", "production", "--runs", lost, "--reason", "I looked")
    assert rig.environment()["current"]["revision"] == head
    assert f"deploy {lost} of T-1 to production is not watched" in rig.watch(code=2)


def test_a_person_orders_a_rollback(rig: WatchRig) -> None:
    """While it is watched, and though it is well."""
    rig.verify()
    rig.deploy("exit 0", task="T-2")
    with rig.watching("T-2") as child:
        rig.ok("watch", "rollback", "T-2", "--reason", "customers cannot pay")
        assert child.wait(timeout=30) == 1
    assert rig.rolled == [rig.head("T-1")]
    rig.legal()


def test_a_refused_deploy_leaves_the_watch_over_what_runs(rig: WatchRig) -> None:
    """A host that refused has changed nothing: production falls ill afterwards, and is rolled back."""
    rig.new("T-3")
    rig.verify()
    rig.deploy("exit 0", task="T-2")
    with rig.watching("T-2") as child:
        rig.deploy("sleep 2; exit 2", task="T-3", code=2)
        assert child.poll() is None
        rig.fall_ill()
        assert child.wait(timeout=30) == 1
    assert rig.rolled == [rig.head("T-1")]
    rig.legal()


def test_a_watch_waits_for_a_deploy_that_outlasts_its_window(rig: WatchRig) -> None:
    """It was refused at last, so what runs is what was ill: it is rolled back then, and not before."""
    rig.new("T-3")
    rig.verify()
    rig.configure(WINDOW_S)
    rig.deploy("exit 0", task="T-2")
    rig.fall_ill()
    with rig.deploying(f"sleep {WINDOW_S + 4}; exit 2", task="T-3"):
        output = rig.watch("T-2", code=1)
    assert "DEGRADED" in output
    assert rig.rolled == [rig.head("T-1")]
    rig.legal()


def test_the_next_deploy_closes_the_watch(rig: WatchRig) -> None:
    """Its errors are not held against the one before."""
    rig.new("T-3")
    rig.verify()
    rig.deploy("exit 0", task="T-2")
    second = rig.environment()["current"]["deploy"]
    with rig.watching("T-2") as child:
        rig.deploy("exit 0", task="T-3")
        rig.fall_ill()
        assert child.wait(timeout=30) == 2
    assert rig.over(second)["verdict"] == "SUPERSEDED"
    assert rig.rolled == []
    rig.legal()


def test_a_rollback_that_was_killed_is_not_repeated(rig: WatchRig) -> None:
    """Nobody knows what runs then; a person settles it."""
    rig.verify()
    rig.deploy("exit 0", task="T-2")
    second = rig.environment()["current"]["deploy"]
    rig.fall_ill()
    with rig.watching("T-2", env={"ROLLBACK": "sleep 60"}) as child:
        rig.until(lambda: rig.rolled != [])
        child.kill()
        child.wait()
    rig.watch("T-2", code=1)
    assert len(rig.rolled) == 1
    assert rig.over(second)["reaction"]["what"] == "began"
    output = rig.ok("sweep", code=2)
    assert "the rollback of deploy" in output
    assert rig.over(second)["reaction"]["what"] == "alert"
    assert rig.environment()["unknown"] != ""
    commits = rig.commits()
    rig.ok("sweep")
    assert (rig.commits(), len(rig.rolled)) == (commits, 1)
    rig.legal()


def test_the_verdict_is_read_by_programs(rig: WatchRig) -> None:
    """As JSON, without a line of progress in it."""
    rig.deploy("exit 0")
    output = json.loads(rig.say("watch", "--task", "T-1", "--json", "--quiet").stdout)
    assert (output["verdict"], output["reaction"]["what"]) == ("HEALTHY", "none")
    assert 1 <= output["samples"] <= WINDOW_S


def test_what_is_not_watched_is_said(rig: WatchRig) -> None:
    """No deploy, or no task."""
    assert "nothing of T-1 was deployed to production yet" in rig.watch(code=2)
    assert "--task (ORCH_TASK) is missing" in rig.ok("watch", code=2)
