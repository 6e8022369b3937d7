"""`orch-gates queue` on a real Gitea, each run by hand: what is merged, in which order, and who may say no.

MRG-12 to MRG-16. Tests end with `landed`: main, the server's reflog, the lease and the state are compared.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from orch_gates.merge.queue.comment import MARK
from tests.builders import Repo, load_hook_early
from tests.e2e import merge_project, queue_project
from tests.e2e.gitea import Gitea
from tests.e2e.merge_project import HOOK, MAIN, Copied
from tests.e2e.queue_project import GiteaQueue
from tests.e2e.repository import Repository, eventually

# ORCH_QUEUE_MANY=30 is what it was tried with; each takes as long as the one before.
_MANY = int(os.environ.get("ORCH_QUEUE_MANY", "6"))
# ORCH_QUEUE_ROUNDS=5 is what it was tried with.
_ROUNDS = int(os.environ.get("ORCH_QUEUE_ROUNDS", "3"))
Make = Callable[..., GiteaQueue]


@pytest.fixture(scope="module")
def templates(gitea: Gitea, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Repo]:
    """The project with some settings of `merge`; each is made once."""
    made: dict[str, Repo] = {}

    def get(settings: str) -> Repo:
        if settings not in made:
            folder = tmp_path_factory.mktemp("template")
            made[settings] = merge_project.template(folder, settings, queue_project.CONFIG)
        return made[settings]

    return get


@pytest.fixture(scope="module")
def hook(gitea: Gitea, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The server's hook, installed and proven once."""
    repository = Repository(gitea, gitea.alice, tmp_path_factory.mktemp("hook"))
    repository.install_hook()
    load_hook_early(repository.bare.path / HOOK)
    return repository.bare.path / HOOK


@pytest.fixture
def make(gitea: Gitea, templates: Callable[[str], Repo], hook: Path, tmp_path: Path) -> Make:
    """Make a project of one's own, with or without the server's hook as the fence."""

    def project(*, fence: str = "none", settings: str = "", more: dict[str, str] | None = None) -> GiteaQueue:
        copied = Copied(gitea, gitea.alice, tmp_path, templates(f"  fence: {fence}\n{settings}"), more or {})
        rig = GiteaQueue.make(tmp_path, copied, hook=hook if fence == "hook" else None)
        # It does not say whose it is.
        rig.env["ORCH_FORGE_TOKEN"] = gitea.token(gitea.bot, ["write:repository", "write:issue", "read:user"])
        # Here it is only what merges cost; that the gate runs is another test's.
        rig.env["ORCH_SECURITY_ENABLED"] = "false"
        return rig

    return project


def branches(*names: str) -> dict[str, dict[str, str]]:
    """Branches that add a file each, which no other one touches."""
    return {f"task/{name}": {f"values/{name}": f"{name}\n"} for name in names}


def test_many_at_once(make: Make) -> None:
    """All labelled before anybody looks: each lands once, by age, tested on top of all before it (MRG-12)."""
    rig = make()
    numbers = rig.asked(branches(*(f"n{place:02}" for place in range(_MANY))))
    first, *others = numbers
    code, output = rig.ran()
    assert (code, [one["pull"] for one in output["done"]]) == (0, numbers)
    assert [(one["pull"], one["outcome"]) for one in output["turns"]] == [(first, "landed"), (others[0], "works")]
    for number, after in zip(others, [*others[1:], 0], strict=True):
        rig.ci(number)
        came = {number: "landed"} | ({after: "works"} if after else {})
        assert rig.run() == (0, came)
    rig.landed(*numbers)
    assert all("is merged" in rig.comment(number) for number in numbers)
    assert rig.run() == (0, {})


def test_leaving_at_every_phase(make: Make) -> None:
    """Before anybody looked, queued, tested, validated, and too late; asked again, it lands (MRG-13)."""
    rig = make()
    early, queued, tested, validated, late, last = rig.asked(branches("a", "b", "c", "d", "e", "f"))
    rig.label(early, off=True)
    rig.ok("queue", "freeze", "--reason", "not yet")
    rig.run()
    assert rig.order() == [queued, tested, validated, late, last]
    rig.label(queued, off=True)
    rig.ok("queue", "thaw")
    rig.api.post(f"/issues/{queued}/comments", {"body": f"{MARK}\nof somebody else"}).ok()
    assert rig.run() == (0, {tested: "landed", validated: "works"})
    assert "was taken away" in rig.comment(queued)
    # What is tested is what the queue made of it.
    tested, validated = validated, late
    rig.label(tested, off=True)
    assert rig.run() == (0, {validated: "works"})
    assert "was taken away" in rig.comment(tested)
    rig.ci(validated)
    assert rig.say("gate", "merge", "--task", f"PR-{validated}").returncode == 0
    assert rig.phase(validated) == "validated"
    rig.label(validated, off=True)
    assert rig.run() == (0, {last: "works"})
    rig.ci(last)
    rig.killed(before="merge", task=f"PR-{last}")
    assert rig.phase(last) == "merging"
    rig.label(last, off=True)
    assert rig.run() == (0, {last: "landed"})
    assert (rig.order(), rig.comment(early)) == ([], "")
    for number in (early, queued):
        rig.label(number)
    assert rig.run() == (0, {early: "works"})
    rig.ci(early)
    assert rig.run() == (0, {early: "landed", queued: "works"})
    rig.ci(queued)
    assert rig.run() == (0, {queued: "landed"})
    rig.landed(3, last, early, queued)


def test_what_people_say(make: Make) -> None:
    """Frozen, nothing is merged; a priority is a place; added and removed is what the label is."""
    rig = make()
    first, second, third, fourth = rig.asked(branches("a", "b", "c", "d"))
    rig.label(fourth, off=True)
    rig.ok("queue", "freeze", "--reason", "release day", "--for", "8h")
    for _ in range(2):
        code, output = rig.ran()
        assert (code, "release day" in output["frozen"]) == (0, True)
    assert rig.order() == [first, second, third]
    assert "release day" in rig.comment(first)
    rig.ok("queue", "priority", str(third), "urgent")
    rig.ok("queue", "add", str(fourth), "--by", "alice")
    rig.ok("queue", "remove", str(first), "--reason", "not before the release")
    assert rig.order() == [third, second, fourth]
    assert (rig.labels(first), rig.labels(fourth)) == ([], ["merge"])
    rig.ok("queue", "thaw")
    assert rig.run() == (0, {third: "landed", second: "works"})
    rig.ok("queue", "freeze", "--reason", "once more")
    rig.ci(second)
    assert rig.run()[0] == 0
    assert not rig.merged(second)
    rig.ok("queue", "thaw")
    assert rig.run() == (0, {second: "landed", fourth: "works"})
    rig.ok("queue", "remove", str(fourth))
    assert rig.run() == (0, {})
    assert (rig.labels(fourth), rig.order()) == ([], [])
    # Whoever left has no use for the lease: the next one takes it.
    rig.landed(third, second, holder=fourth)


def test_a_branch_that_is_updated_by_the_button(make: Make) -> None:
    """What the button of the forge makes is a commit that nobody asked for: it leaves, and is asked for again."""
    rig = make()
    first, second = rig.asked(branches("a", "b"))
    assert rig.run() == (0, {first: "landed", second: "works"})
    work = rig.person()
    by_hand = work.commit("by hand", {"values/hand": "hand\n"})
    work.git("push", "--quiet", "origin", "HEAD:main")
    rig.pull(second).settled()
    rig.api.post(f"/pulls/{second}/update?style=merge").ok()
    updated = rig.pull(second).head()
    code, output = rig.ran()
    assert (code, [(one["pull"], one["what"]) for one in output["done"]]) == (0, [(second, "out")])
    assert (rig.labels(second), rig.order()) == ([], [])
    assert updated[:10] in rig.comment(second)
    rig.ci(second)
    rig.label(second)
    assert rig.run() == (0, {second: "landed"})
    lines = rig.server.git("log", "--first-parent", "--format=%H", f"{rig.first}..main").split()
    assert (len(lines), lines[1]) == (3, by_hand)
    assert rig.merged(second)


def test_ci_that_never_answers(make: Make) -> None:
    """Its time is over some day: it waits without the lease, and the others go on (MRG-4)."""
    rig = make(settings="lease: {max_hold_s: 20}\n")
    first, stuck, third = rig.asked(branches("a", "b", "c"))
    assert rig.run() == (0, {first: "landed", stuck: "works"})
    assert rig.run() == (0, {stuck: "works"})
    came = eventually(lambda: (seen := rig.run()[1]).get(third) and seen, "the others go on")
    assert came == {stuck: "waits", third: "works"}
    rig.ci(third)
    assert rig.run() == (0, {stuck: "waits", third: "landed"})
    assert rig.order() == [stuck]
    assert "statuses are missing" in rig.comment(stuck)
    rig.landed(first, third)


def _told(rig: GiteaQueue, numbers: list[int]) -> str:
    """Where everything stands, for whoever wonders why it went no further."""
    lines = [rig.say("queue").stdout.decode()]
    for number in numbers:
        lines += [f"#{number} merged: {rig.merged(number)}", rig.say("why", str(number)).stdout.decode()]
    return "".join(lines)


def test_two_runs_of_which_one_is_killed(make: Make) -> None:
    """At any moment, again and again; whoever is left, or comes next, brings everything to its end once (MRG-12)."""
    rig = make()
    numbers = rig.asked(branches("a", "b", "c", "d"))
    deadline = time.monotonic() + 150
    killed = 0
    while not all(rig.merged(number) for number in numbers):
        assert time.monotonic() < deadline, _told(rig, numbers)
        runs = [rig.started() for _ in range(2)]
        time.sleep(random.uniform(0.5, 6))
        runs[0].kill()
        errors = [one.communicate(timeout=120)[1].decode() for one in runs]
        assert "Traceback" not in "".join(errors), errors
        killed += runs[0].returncode == -signal.SIGKILL
        assert runs[1].returncode in {0, 75}, errors
        for number in numbers:
            if not rig.merged(number):
                rig.ci(number)
    assert killed > 0
    # The forge may have merged the last one for the run that was killed: whoever comes next proves that.
    rig.run()
    assert rig.run() == (0, {})
    rig.landed(*numbers)
    assert all("is merged" in rig.comment(number) for number in numbers)


def test_a_person_merges_while_it_is_tested(make: Make) -> None:
    """With the fence the forge says no; without it the queue sees what became of its target, and goes on."""
    rig = make(fence="hook")
    first, second = rig.asked(branches("a", "b"))
    assert rig.run() == (0, {first: "landed", second: "works"})
    commit, main = rig.ci(second), rig.main
    refused = rig.pull(second).settled().outcome(head_commit_id=commit)
    assert refused.status >= 400, refused.text
    assert rig.main == main
    assert rig.run() == (0, {second: "landed"})
    assert rig.assert_sound() == [f"PR-{first}", f"PR-{second}"]


def test_a_person_merges_without_a_fence(make: Make) -> None:
    """The queued one, or another one that nobody queued: what was tested no longer holds, and is tested again."""
    rig = make()
    first, second, third = rig.asked(branches("a", "b", "c"))
    (other,) = rig.opened(branches("other"))
    assert rig.run() == (0, {first: "landed", second: "works"})
    rig.pull(other).settled().outcome().ok()
    rig.ci(second)
    assert rig.run() == (0, {second: "works"})
    rig.pull(second).settled().outcome().ok()
    code, came = rig.run()
    assert (code, came) == (0, {third: "works"})
    assert rig.order() == [third]
    assert "not by the queue" in rig.comment(second)
    rig.ci(third)
    assert rig.run() == (0, {third: "landed"})


def test_a_person_presses_merge_at_the_same_moment(make: Make) -> None:
    """Again and again, the very one and the one behind it: each lands once, as it was validated (MRG-5, MRG-12)."""
    rig = make(fence="hook")
    first, *others = numbers = rig.asked(branches(*(f"n{place}" for place in range(_ROUNDS + 1))))
    assert rig.run() == (0, {first: "landed", others[0]: "works"})
    told: list[tuple[int, str]] = []
    for number, behind in zip(others, [*others[1:], 0], strict=True):
        commit = rig.ci(number)
        # With the words of the queue too, which are on the state branch for everybody: what it validated may land so.
        words: dict[str, Any] = {"MergeMessageField": rig.message(f"PR-{number}")} if number % 2 else {}
        with ThreadPoolExecutor() as pool:
            run = pool.submit(rig.run)
            if behind:
                told.append(rig.pull(behind).merge().said)
            while not run.done() and not rig.merged(number):
                time.sleep(random.uniform(0.1, 0.7))
                told.append(rig.pull(number).merge(head_commit_id=commit, **words).said)
            came = run.result()[1]
        # Pressed too often, the forge may have kept putting the queue off.
        for _ in range(5):
            if came.get(number) == "landed":
                break
            came = rig.run()[1]
    pressed = [one.new for one in rig.moves() if (one.hook, one.by, one.ref) == ("post-receive", "alice", MAIN)]
    rig.landed(*numbers, by_hand=pressed)
    assert sum(code == 200 for code, _ in told) == len(pressed)
    assert any("merge it with `orch-gates merge" in output for _, output in told), told
