"""`orch-gates merge` on a real Gitea: main moves by the forge's merges of what was validated, once, or not at all.

MRG-1 to MRG-16, P4, P7. Every test ends with `ended`, which compares main, the server's reflog, the lease and the state.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.builders import Repo
from tests.e2e import merge_project
from tests.e2e.gitea import Gitea
from tests.e2e.merge_project import Copied, GiteaRig
from tests.e2e.repository import eventually
from tests.fakes.fault_proxy import FaultProxy, Rule

TESTED = "  test: sh ./test.sh\n"
Make = Callable[..., GiteaRig]


@pytest.fixture(scope="module")
def templates(gitea: Gitea, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Repo]:
    """The project as some settings of `merge` configure it; each is made once."""
    made: dict[str, Repo] = {}

    def get(settings: str) -> Repo:
        if settings not in made:
            made[settings] = merge_project.template(tmp_path_factory.mktemp("template"), settings)
        return made[settings]

    return get


@pytest.fixture
def make(gitea: Gitea, templates: Callable[[str], Repo], tmp_path: Path) -> Make:
    """Make a project of one's own; `fence` is what keeps other merges out of main, `more` stands on main as well."""

    def project(*, fence: str = "hook", test: str = TESTED, more: dict[str, str] | None = None) -> GiteaRig:
        copied = Copied(gitea, gitea.alice, tmp_path, templates(f"  fence: {fence}\n{test}"), more or {})
        rig = GiteaRig.make(tmp_path, copied, hook=fence == "hook")
        if fence == "status":
            rule = {"enable_status_check": True, "status_check_contexts": ["orch/merge/main"]}
            copied.protect("main", **rule, block_on_outdated_branch=True, block_admin_merge_override=True)
        return rig

    return project


@pytest.fixture
def rig(make: Make) -> GiteaRig:
    """With the server's hook as the fence, and a test command."""
    return make()


def test_a_task_lands(rig: GiteaRig) -> None:
    """Caught up, tested, merged by the forge with trailers, proven, done; run again, it changes nothing."""
    rig.repository.api().patch("", {"default_delete_branch_after_merge": True}).ok()
    rig.task("T-1", {"values/two": "2\n"}, base="origin/main~1")
    code, said = rig.merge("T-1")
    assert (code, said["outcome"]) == (0, "PASS"), said
    rig.done()
    attempt = rig.attempt("T-1")
    assert attempt["how"] == "rebase"
    assert rig.head("task/T-1") == attempt["commit"], "later gates judge the branch, whatever the repository's default"
    (pull,) = rig.pulls()
    assert (pull["merged"], pull["number"], pull["merge_commit_sha"]) == (True, attempt["pull"], rig.main)
    state = rig.head("orch-state")
    code, said = rig.merge("T-1")
    assert (code, said["outcome"], rig.head("orch-state")) == (0, "PASS", state)
    rig.ended("T-1")


def test_what_does_not_fit_goes_back(rig: GiteaRig) -> None:
    """Green by itself and red with main; a conflict; red by itself: each is charged once, and main stays."""
    rig.task("T-1", {"values/uno": "1\n"}, base="origin/main~1")
    clash = rig.task("T-2", {"values/one": "7\n"}, base="origin/main~1")
    rig.task("T-3", {"values/two": "2\n", "values/zwei": "2\n"})
    code, said = rig.merge("T-1")
    assert (code, said["outcome"]) == (1, "FAIL")
    assert "a value is there twice" in said["findings"][0]["description"]
    code, said = rig.merge("T-2")
    assert (code, said["outcome"], [one["path"] for one in said["findings"]]) == (1, "FAIL", ["values/one"])
    assert rig.head("task/T-2") == clash, "nothing is pushed"
    code, said = rig.merge("T-3")
    assert (code, said["outcome"]) == (1, "FAIL")
    assert "a value is there twice" in said["findings"][0]["description"]
    for task in ("T-1", "T-2", "T-3"):
        assert rig.state_of(task) == ("development", "active")
        assert rig.retries(task) == 2
    assert rig.pulls() == []
    rig.ended()


def test_a_main_that_is_red_by_itself_charges_nobody(make: Make) -> None:
    """ENG-7."""
    rig = make(more={"values/uno": "1\n"})
    rig.task("T-1", {"values/two": "2\n"})
    code, said = rig.merge("T-1")
    assert (code, said["outcome"]) == (75, "DEFER")
    assert "main itself is red" in said["reason"]
    assert rig.state_of("T-1") == ("development", "deferred")
    assert rig.retries() == 3
    rig.ended()


def test_statuses_are_waited_for_with_the_lease(make: Make) -> None:
    """MRG-3, MRG-14: no runner waits for CI; asked again while it runs, nothing is written."""
    rig = make(test="")
    rig.task("T-1", {"values/two": "2\n"}, base="origin/main~1")
    code, said = rig.merge("T-1")
    assert (code, said["outcome"]) == (75, "DEFER"), said
    head = rig.head("task/T-1")
    assert rig.server.attempt("merge-base", "--is-ancestor", rig.main, head).returncode == 0
    rig.post(head, "pending")
    code, said = rig.merge("T-1")
    assert (code, said["outcome"]) == (75, "DEFER")
    state = rig.head("orch-state")
    assert rig.merge("T-1")[0] == 75
    assert rig.head("orch-state") == state
    rig.ended(holder="T-1")
    rig.post(head, "success")
    code, said = rig.merge("T-1")
    assert (code, said["outcome"]) == (0, "PASS"), said
    rig.done()
    rig.ended("T-1")


def test_a_red_status_is_charged(make: Make) -> None:
    """The finding is what CI called it."""
    rig = make(test="")
    head = rig.task("T-1", {"values/two": "2\n"})
    rig.post(head, "failure", "build")
    code, said = rig.merge("T-1")
    assert (code, said["outcome"], [one["path"] for one in said["findings"]]) == (1, "FAIL", ["build"])
    assert rig.retries() == 2
    rig.ended()


def test_a_status_is_the_fence_where_no_hook_is(make: Make) -> None:
    """MRG-5: nobody merges without it; it is posted last, and set back when the attempt is given up."""
    rig = make(fence="status")
    rig.task("T-1", {"values/two": "2\n"}, base="origin/main~1")
    rig.killed(before="merge")
    commit = rig.attempt("T-1")["commit"]
    assert rig.statuses(commit) == {"orch/merge/main": "success"}
    rig.ok("lease", "release", "--reason", "another one goes first")
    assert rig.statuses(commit) == {"orch/merge/main": "failure"}
    (pull,) = rig.pulls()
    refused = rig.pull(pull["number"]).settled().outcome()
    assert refused.said == (405, "Not all required status checks successful")
    rig.ended()
    code, said = rig.merge("T-1")
    assert (code, said["outcome"]) == (0, "PASS"), said
    assert rig.statuses(commit) == {"orch/merge/main": "success"}
    rig.done()
    rig.ended("T-1")


LATER = b'{"message": "Please try again later"}'
JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    "spoil",
    [
        [lambda rule: rule.answer(405, LATER, JSON), Rule.reset_after],
        [lambda rule: rule.html(502, acted=True)],
        [lambda rule: rule.delay_after(600)],
    ],
    ids=["405, then reset after", "502 after", "late answer"],
)
def test_an_answer_that_says_nothing(rig: GiteaRig, spoil: list[Callable[[Rule], None]]) -> None:
    """MRG-8: git says what became of it; merged once, whatever the client hears."""
    rig.task("T-1", {"values/two": "2\n"})
    with FaultProxy(rig.repository.server.url) as proxy:
        for number, one in enumerate(spoil, 1):
            one(proxy.on("POST", "/merge$", nth=1, times=1) if number == 1 else proxy.on("POST", "/merge$", nth=2))
        code, said = rig.merge("T-1", ORCH_FORGE_URL=proxy.url, ORCH_FORGE_TIMEOUT_S="5")
        assert (code, said["outcome"]) == (0, "PASS"), said
        assert proxy.asked("POST", "/merge$") == len(spoil)
    rig.done()
    rig.ended("T-1")


def test_a_hook_of_somebody_else_refuses(rig: GiteaRig) -> None:
    """HOLD, in the hook's words; a person resumes it when the reason is gone."""
    rig.task("T-1", {"values/two": "2\n"})
    hook = rig.server.path / "hooks" / "pre-receive.d" / "freeze"
    hook.write_text("#!/bin/sh\nif grep -q refs/heads/main; then echo the release is frozen; exit 1; fi\n")
    hook.chmod(0o755)
    code, said = rig.merge("T-1")
    assert (code, said["outcome"]) == (2, "HOLD"), said
    assert "the release is frozen" in said["reason"]
    assert rig.state_of("T-1") == ("development", "held")
    rig.ended(holder="T-1")
    assert "the release is frozen" in rig.lease()["held"]
    hook.unlink()
    assert rig.merge("T-1")[0] == 2, "a held task waits for a person"
    rig.ok("task", "resume", "T-1", "--reason", "thawed")
    code, said = rig.merge("T-1")
    assert (code, said["outcome"]) == (0, "PASS"), said
    rig.done()
    rig.ended("T-1")


def test_killed_again_and_again(rig: GiteaRig) -> None:
    """MRG-14: each runner dies further on than the one before it; the last one finds all of it done, and proves it."""
    rig.task("T-1", {"values/two": "2\n"}, base="origin/main~1")
    for before in ("push", "open", "merge"):
        rig.killed(before=before)
        rig.killed(at=2)
    rig.killed(before="merge")
    code, said = rig.merge("T-1")
    assert (code, said["outcome"]) == (0, "PASS"), said
    rig.done()
    rig.ended("T-1")
    assert len(rig.pulls()) == 1


def test_killed_after_the_merge_and_the_branch_is_gone(rig: GiteaRig) -> None:
    """MRG-16: the recorded commit counts."""
    rig.task("T-1", {"values/two": "2\n"})
    rig.killed(before="merge")
    # Stands for what a person, or a rule of the repository, does between the merge and its record.
    attempt = rig.attempt("T-1")
    with rig.stopped("merge") as runner:
        pass
    assert runner.code == 0
    assert rig.attempt("T-1")["commit"] == attempt["commit"]
    rig.ended("T-1")
