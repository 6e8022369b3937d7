"""A watch is killed at any of its commits, then gone on with or left to the sweep: one end, one reaction (WCH-4)."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import watch_rig
from tests.sweep_worker import worker
from tests.watch_rig import Production, WatchRig
from tests.watch_worker import watch

pytestmark = pytest.mark.slow

# More commits than a watch with a rollback has, and the one that plans it.
_MOST = 20
_PLANNED = 3
_PARTS = 2
_SHORT_S = 6
# Behind every window, and behind the time that whoever began something has to go on with it.
_LATER_S = 400


@pytest.fixture(scope="module")
def served() -> Iterator[Production]:
    with watch_rig.production() as found:
        yield found


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, served: Production) -> Path:
    """T-1 is verified, and T-2 waits to be deployed."""
    folder = tmp_path_factory.mktemp("watches")
    rig = watch_rig.copy(watch_rig.template(folder / "made", served.url, _SHORT_S), folder / "verified", served)
    rig.deploy("exit 0")
    rig.watch()
    assert rig.environment()["verified"]["revision"] == rig.head("T-1")
    return rig.folder


def scene(made: Path, folder: Path, served: Production) -> tuple[WatchRig, str]:
    """T-2 was deployed, and production is ill; with the id of that deploy."""
    rig = watch_rig.copy(made, folder, served)
    rig.deploy("exit 0", task="T-2")
    rig.fall_ill()
    return rig, str(rig.environment()["current"]["deploy"])


def environment(rig: WatchRig) -> dict[str, str]:
    return {name: value for name, value in rig.env.items() if value is not None}


def sweep_to_rest(rig: WatchRig) -> None:
    """Ticks, each later than the last, until nothing is written any more."""
    for number in range(8):
        before = rig.commits()
        ticking = worker(rig.work.path, environment(rig), later=_LATER_S * (number + 1))
        _, problems = ticking.communicate(timeout=120)
        assert "Traceback" not in problems
        if number and rig.commits() == before:
            return
    raise AssertionError(rig.commits())


@pytest.mark.parametrize("restarted", [True, False], ids=["restarted", "swept"])
@pytest.mark.parametrize("part", range(_PARTS))
def test_wherever_it_dies_there_is_one_end_and_one_reaction(
    made: Path, tmp_path: Path, served: Production, part: int, restarted: bool
) -> None:
    """Production is rolled back once or a person is told, by whoever goes on; never twice, and never neither."""
    ends = set()
    for moment in range(1 + part, _MOST, _PARTS):
        rig, deploy = scene(made, tmp_path / str(moment), served)
        done = watch(rig.work.path, environment(rig), deploy, moment)
        if done.returncode != -signal.SIGKILL:
            assert (done.returncode, moment > 7) == (1, True), done.stderr
            break
        if restarted:
            rig.say("watch", "--task", "T-2")
        sweep_to_rest(rig)
        first = rig.over(deploy)
        reaction = first["reaction"]
        ends.add((first["verdict"], reaction["what"]))
        assert (first["state"], reaction["what"] in {"done", "alert"}) == ("over", True)
        assert len(rig.rolled) == (reaction["deploy"] != "") or (reaction["what"], rig.rolled) == ("alert", [])
        watches = [deploy]
        if reaction["what"] == "done":
            assert rig.rolled == [rig.head("T-1")]
            assert rig.environment()["current"]["deploy"] == reaction["deploy"]
            assert rig.over()["state"] == "over"
            watches.append(reaction["deploy"])
        for one in watches:
            assert ended(rig, one) == 1
        rig.legal()
    else:
        raise AssertionError("it did not come to its end")
    assert ("DEGRADED", "done") in ends
    assert restarted or part or ("UNOBSERVED", "alert") in ends


def ended(rig: WatchRig, deploy: str) -> int:
    """How often the watch over a deploy came to an end."""
    form = "%(trailers:key=Orch-Event,valueonly,separator=%x2C) %s"
    lines = rig.server.git("log", "--first-parent", f"--format={form}", "refs/heads/orch-state").splitlines()
    return sum(line.startswith("watch-end ") and deploy in line for line in lines)


def test_a_planned_rollback_that_nobody_began_is_the_sweeps(made: Path, tmp_path: Path, served: Production) -> None:
    """Once whoever planned it had time to begin it, and died; then just once."""
    rig, deploy = scene(made, tmp_path / "project", served)
    assert watch(rig.work.path, environment(rig), deploy, _PLANNED).returncode == -signal.SIGKILL
    assert rig.over(deploy)["reaction"]["what"] == "planned"
    rig.ok("sweep")
    assert (rig.over(deploy)["reaction"]["what"], rig.rolled) == ("planned", [])
    ticking = worker(rig.work.path, environment(rig), later=_LATER_S)
    assert f"deploy {deploy}: exit code 0" in ticking.communicate(timeout=120)[0]
    assert (rig.over(deploy)["reaction"]["what"], rig.rolled) == ("done", [rig.head("T-1")])
    sweep_to_rest(rig)
    assert len(rig.rolled) == 1
    rig.legal()
