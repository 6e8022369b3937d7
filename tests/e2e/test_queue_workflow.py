"""The queue's workflow, copied as it stands to a real Gitea with a real runner and a CI of the project."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.builders import github_token
from tests.e2e.actions import Bundle, Project, Run
from tests.e2e.gitea import Gitea
from tests.e2e.queue_workflow import CI, CONFIG, Queued, files
from tests.e2e.runner import Runner


@pytest.fixture(scope="module")
def alone(gitea_program: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gitea]:
    """A server of its own: a runner that other tests started would take jobs of this one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GIT_ALLOW_PROTOCOL", "file:http")
        server = Gitea(gitea_program, tmp_path_factory.mktemp("gitea"), "[actions]\nZOMBIE_TASK_TIMEOUT = 20s\n")
        try:
            server.start()
            server.populate()
            yield server
        finally:
            server.stop()


@pytest.fixture(scope="module")
def published(alone: Gitea, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """What a release publishes."""
    return Bundle(alone, tmp_path_factory.mktemp("bundle"))


@contextmanager
def started(server: Gitea, program: Path, folder: Path, label: str = "ubuntu-latest") -> Iterator[Runner]:
    made = Runner(server, program, folder, capacity=1, label=label)
    try:
        made.start()
        yield made
    finally:
        made.stop()


@pytest.fixture(scope="module")
def one_runner(alone: Gitea, runner_program: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    """A runner that does one job at a time: while it is the only one, whoever waits for another job waits for ever."""
    with started(alone, runner_program, tmp_path_factory.mktemp("runner")) as made:
        yield made


@pytest.fixture
def two_runners(one_runner: Runner, alone: Gitea, runner_program: Path, tmp_path: Path) -> Iterator[Runner]:
    """One more of these, for one test."""
    (tmp_path / "runner").mkdir()
    with started(alone, runner_program, tmp_path / "runner") as made:
        yield made


@pytest.fixture
def queue(alone: Gitea, published: Bundle, tmp_path: Path) -> Queued:
    """A project whose CI runs already, and whose queue does not."""
    return Queued(Project(alone, alone.alice, tmp_path, CI, files()), tmp_path, published.sha)


@pytest.mark.usefixtures("one_runner")
def test_by_events_alone_with_one_runner(queue: Queued) -> None:
    """Three land in order; one that is red with them goes back, and so does one with a secret (MRG-6, MRG-14, SEC-1).

    No schedule, and one runner: nobody waits for CI while it is held, as that would be for ever.
    """
    secret = github_token()
    queue.turn_on()
    one, two, three, together, leaks = numbers = queue.opened(
        a={"values/a": "a\n"},
        b={"values/b": "b\n"},
        c={"values/c": "c\n"},
        together={"values/together": "b\n"},
        leaks={"values/leaks": "leaks\n", "settings.py": f'TOKEN = "{secret}"\n'},
    )
    for number in numbers:
        queue.label(number)
    queue.till(lambda: queue.merged(one, two, three) and not queue.labels(together), "three land, one goes back")
    queue.settled()
    assert queue.landed() == [f"PR-{number}" for number in (one, two, three)]
    assert queue.green()
    assert [queue.labels(number) for number in (together, leaks)] == [[], []]
    assert queue.say("queue").startswith("nothing is queued")
    for number in (one, two, three):
        assert "is merged" in queue.comment(number)
        assert "failure" not in queue.statuses(queue.pull(number)["head"]["sha"]).values()
    assert "statuses are not success: ci / test" in queue.comment(together)
    assert "together with main at" in queue.comment(together)
    assert json.loads(queue.say("why", f"PR-{leaks}", "--json"))["cause"] == "security", queue.comment(leaks)
    logs = queue.logs()
    # Of those that have no status the newest one that waits takes the place of the others.
    dropped = {row["event"] for row in queue.runs("queue.yml") if row["conclusion"] != "success"}
    assert dropped <= {"workflow_run"}
    state = queue.repository.bare.git("log", "--patch", "orch-state")
    for hidden in (secret, queue.token):
        for text in (logs, state, *map(queue.comment, numbers)):
            assert hidden not in text
    queue.say("state", "verify")


@pytest.mark.usefixtures("two_runners")
def test_people_come_in_between(queue: Queued) -> None:
    """A lost event, a label that goes and a push while CI tests, and a CI that is cancelled: the others go on."""
    slow = {name: {f"values/{name}": f"{name}\n", "slow": ""} for name in ("left", "pushed", "cancelled")}
    one, left, pushed, cancelled, last = numbers = queue.opened(
        a={"values/a": "a\n"}, **slow, last={"values/last": "last\n"}
    )
    for number in numbers:
        queue.label(number)
    queue.settled()
    queue.turn_on(" [skip ci]")
    queue.settled()
    assert queue.runs("queue.yml") == [], "nobody heard of the labels"
    queue.dispatch()
    queue.till(lambda: queue.tested(left), "the second is caught up and tested")
    assert queue.landed() == [f"PR-{one}"]
    queue.label(left, off=True)
    queue.till(lambda: queue.tested(pushed), "the third has its turn")
    work = queue.repository.clone()
    work.git("checkout", "--quiet", "--detach", "origin/pushed")
    work.commit("more of it", {"values/more": "more\n"})
    work.git("push", "--quiet", "origin", "HEAD:pushed")
    queue.till(lambda: queue.tested(cancelled), "the fourth has its turn")
    queue.ci_of(cancelled).cancel()
    queue.till(lambda: queue.merged(last), "the last one lands")
    # A run says what became of each when it is done with all.
    assert [queue.labels(number) for number in (pushed, cancelled)] == [[], []]
    assert "was taken away" in queue.comment(left)
    assert "set the label merge again" in queue.comment(pushed)
    assert queue.landed() == [f"PR-{one}", f"PR-{last}"]
    queue.till(queue.green, "main is green")


def test_a_runner_that_dies(queue: Queued, one_runner: Runner, alone: Gitea) -> None:
    """While it catches up and while the forge merges: each lands once, when the next run looks (MRG-12, MRG-14).

    The server takes the job of a dead runner for running; the group of that run waits, other groups do not.
    """
    queue.turn_on(" [skip ci]")
    numbers = queue.opened(a={"values/a": "a\n"}, b={"values/b": "b\n"})
    queue.settled()

    def dies() -> Run:
        killed = next(row["id"] for row in queue.runs("queue.yml") if row["status"] == "in_progress")
        one_runner.kill()
        assert queue.lease()["claim"]
        return Run(queue.repository, killed)

    with queue.held("b") as reached:
        for number in numbers:
            queue.label(number)
        queue.till(reached.exists, "the second is caught up")
        pushing = dies()
    with alone.held("pr-merge-to-base") as reached:
        one_runner.start()
        queue.till(reached.exists, "the forge is asked for the merge")
        merging = dies()
    one_runner.start()
    blocked = queue.dispatch()
    assert [run.get()["status"] for run in (pushing, merging, blocked)] == ["in_progress", "in_progress", "waiting"]
    merging.cancel()
    assert blocked.ended() == "success", blocked.log("queue")
    queue.till(lambda: queue.merged(*numbers), "both land")

    def zombie() -> bool:
        alone.admin.api.post("/admin/cron/stop_zombie_tasks").ok()
        return bool(pushing.get().get("conclusion"))

    queue.till(zombie, "the server gives up the other job")
    assert [run.ended() for run in (pushing, merging)] == ["failure", "cancelled"]
    queue.settled()
    assert queue.sound() == [f"PR-{number}" for number in numbers]
    assert queue.green()
    assert queue.lease()["holder"] == ""


@pytest.mark.usefixtures("one_runner")
def test_ci_that_has_no_runner(alone: Gitea, published: Bundle, runner_program: Path, tmp_path: Path) -> None:
    """Its time is over, and others go on; one that a person cancels goes back; tested in the end, all land (MRG-4)."""
    config = {".orch-gates.yaml": f"{CONFIG}lease: {{max_hold_s: 15}}\n"}
    project = Project(alone, alone.alice, tmp_path, CI.replace("ubuntu-latest", "ci"), {**files(), **config})
    queue = Queued(project, tmp_path, published.sha)
    queue.turn_on(" [skip ci]")
    names = ("a", "never", "cancelled")
    one, never, cancelled = numbers = queue.opened(**{name: {f"values/{name}": f"{name}\n"} for name in names})
    (tmp_path / "runner").mkdir()
    with started(alone, runner_program, tmp_path / "runner", "ci"):
        queue.settled()
    for number in numbers:
        queue.label(number)
    queue.till(lambda: queue.tested(never, "queued"), "the second waits for a runner of CI")

    def goes_on() -> bool:
        assert queue.dispatch().ended() == "success"
        return queue.tested(cancelled, "queued")

    queue.till(goes_on, "its time is over")
    assert queue.landed() == [f"PR-{one}"]
    queue.ci_of(cancelled).cancel()
    queue.till(lambda: not queue.labels(cancelled), "the one that was cancelled goes back")
    queue.till(lambda: "statuses are not success: ci / test" in queue.comment(cancelled), "it is told why")
    assert queue.landed() == [f"PR-{one}"]
    (tmp_path / "runner").mkdir()
    with started(alone, runner_program, tmp_path / "runner", "ci"):
        queue.ci_of(cancelled).rerun()
        assert queue.ci_of(cancelled).ended() == "success"
        queue.label(cancelled)
        queue.till(lambda: queue.merged(*numbers), "all land")
        queue.settled()
    assert sorted(queue.sound()) == sorted(f"PR-{number}" for number in numbers)
    assert queue.green()
