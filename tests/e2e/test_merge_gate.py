"""`orch-gates merge` on a real Gitea: main moves by the forge's merges of what was validated, once, or not at all.

MRG-1 to MRG-16, P4, P7. Every test ends with `ended`: main, the server's reflog, the lease and the state are compared.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.builders import Repo, load_hook_early
from tests.e2e import merge_project
from tests.e2e.gitea import Gitea
from tests.e2e.merge_project import HOOK, Copied, GiteaRig
from tests.e2e.repository import Repository, eventually
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


@pytest.fixture(scope="module")
def hook(gitea: Gitea, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The server's hook, installed and proven once: that takes as long as some of these tests."""
    repository = Repository(gitea, gitea.alice, tmp_path_factory.mktemp("hook"))
    repository.install_hook()
    load_hook_early(repository.bare.path / HOOK)
    return repository.bare.path / HOOK


@pytest.fixture
def make(gitea: Gitea, templates: Callable[[str], Repo], hook: Path, tmp_path: Path) -> Make:
    """Make a project of one's own; `fence` is what keeps other merges out of main, `more` stands on main as well."""

    def project(*, fence: str = "hook", test: str = TESTED, more: dict[str, str] | None = None) -> GiteaRig:
        copied = Copied(gitea, gitea.alice, tmp_path, templates(f"  fence: {fence}\n{test}"), more or {})
        rig = GiteaRig.make(tmp_path, copied, hook=hook if fence == "hook" else None)
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
    code, output = rig.merge("T-1")
    assert (code, output["outcome"]) == (0, "PASS"), output
    rig.done()
    attempt = rig.attempt("T-1")
    assert attempt["how"] == "rebase"
    assert rig.head("task/T-1") == attempt["commit"], "later gates judge the branch, whatever the repository's default"
    (pull,) = rig.pulls()
    assert (pull["merged"], pull["number"], pull["merge_commit_sha"]) == (True, attempt["pull"], rig.main)
    state = rig.head("orch-state")
    code, output = rig.merge("T-1")
    assert (code, output["outcome"], rig.head("orch-state")) == (0, "PASS", state)
    rig.ended("T-1")


def test_what_does_not_fit_goes_back(rig: GiteaRig) -> None:
    """Green by itself and red with main; a conflict; red by itself: each is charged once, and main stays."""
    rig.task("T-1", {"values/uno": "1\n"}, base="origin/main~1")
    clash = rig.task("T-2", {"values/one": "7\n"}, base="origin/main~1")
    rig.task("T-3", {"values/two": "2\n", "values/zwei": "2\n"})
    code, output = rig.merge("T-1")
    assert (code, output["outcome"]) == (1, "FAIL")
    assert "a value is there twice" in output["findings"][0]["description"]
    code, output = rig.merge("T-2")
    assert (code, output["outcome"], [one["path"] for one in output["findings"]]) == (1, "FAIL", ["values/one"])
    assert rig.head("task/T-2") == clash, "nothing is pushed"
    code, output = rig.merge("T-3")
    assert (code, output["outcome"]) == (1, "FAIL")
    assert "a value is there twice" in output["findings"][0]["description"]
    for task in ("T-1", "T-2", "T-3"):
        assert rig.state_of(task) == ("development", "active")
        assert rig.retries(task) == 2
    assert rig.pulls() == []
    rig.ended()


def test_a_main_that_is_red_by_itself_charges_nobody(make: Make) -> None:
    """ENG-7."""
    rig = make(more={"values/uno": "1\n"})
    rig.task("T-1", {"values/two": "2\n"})
    code, output = rig.merge("T-1")
    assert (code, output["outcome"]) == (75, "DEFER")
    assert "main itself fails" in output["reason"]
    assert rig.state_of("T-1") == ("development", "deferred")
    assert rig.retries() == 3
    rig.ended()


def test_statuses_are_waited_for_with_the_lease(make: Make) -> None:
    """MRG-3, MRG-14: no runner waits for CI; asked again while it runs, nothing is written."""
    rig = make(fence="none", test="")
    rig.task("T-1", {"values/two": "2\n"}, base="origin/main~1")
    code, output = rig.merge("T-1")
    assert (code, output["outcome"]) == (75, "DEFER"), output
    head = rig.head("task/T-1")
    assert rig.server.attempt("merge-base", "--is-ancestor", rig.main, head).returncode == 0
    rig.post(head, "pending")
    code, output = rig.merge("T-1")
    assert (code, output["outcome"]) == (75, "DEFER")
    state = rig.head("orch-state")
    assert rig.merge("T-1")[0] == 75
    assert rig.head("orch-state") == state
    rig.ended(holder="T-1")
    rig.post(head, "success")
    code, output = rig.merge("T-1")
    assert (code, output["outcome"]) == (0, "PASS"), output
    rig.done()
    rig.ended("T-1")


def test_a_red_status_is_charged(make: Make) -> None:
    """The finding is what CI called it."""
    rig = make(fence="none", test="")
    head = rig.task("T-1", {"values/two": "2\n"})
    rig.post(head, "failure", "build")
    code, output = rig.merge("T-1")
    assert (code, output["outcome"], [one["path"] for one in output["findings"]]) == (1, "FAIL", ["build"])
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
    code, output = rig.merge("T-1")
    assert (code, output["outcome"]) == (0, "PASS"), output
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
            one(proxy.on("POST", "/merge$", nth=number))
        code, output = rig.merge("T-1", ORCH_FORGE_URL=proxy.url, ORCH_FORGE_TIMEOUT_S="5")
        assert (code, output["outcome"]) == (0, "PASS"), output
        assert proxy.asked("POST", "/merge$") == len(spoil)
    rig.done()
    rig.ended("T-1")


def test_a_hook_of_somebody_else_refuses(rig: GiteaRig) -> None:
    """HOLD, in the hook's words; a person resumes it when the reason is gone."""
    rig.task("T-1", {"values/two": "2\n"})
    hook = rig.server.path / "hooks" / "pre-receive.d" / "freeze"
    hook.write_text("#!/bin/sh\nif grep -q refs/heads/main; then echo the release is frozen; exit 1; fi\n")
    hook.chmod(0o755)
    code, output = rig.merge("T-1")
    assert (code, output["outcome"]) == (2, "HOLD"), output
    assert "the release is frozen" in output["reason"]
    assert rig.state_of("T-1") == ("development", "held")
    rig.ended(holder="T-1")
    assert "the release is frozen" in rig.lease()["held"]
    hook.unlink()
    assert rig.merge("T-1")[0] == 2, "a held task waits for a person"
    rig.ok("task", "resume", "T-1", "--reason", "thawed")
    code, output = rig.merge("T-1")
    assert (code, output["outcome"]) == (0, "PASS"), output
    rig.done()
    rig.ended("T-1")


def test_killed_again_and_again(rig: GiteaRig) -> None:
    """MRG-14: each runner dies further on than the one before; git finds the merge that nobody recorded."""
    rig.task("T-1", {"values/two": "2\n"}, base="origin/main~1")
    for before in ("push", "open", "merge"):
        rig.killed(before=before)
        # In between, one that has only just taken over.
        rig.killed(at=2)
    assert rig.main == rig.first
    rig.killed(at=4)
    assert rig.main != rig.first, "it asked, and died before the answer"
    code, output = rig.merge("T-1")
    assert (code, output["outcome"]) == (0, "PASS"), output
    assert len(rig.pulls()) == 1
    rig.done()
    rig.ended("T-1")


def test_the_branch_is_gone_before_the_merge_is_recorded(rig: GiteaRig) -> None:
    """MRG-16: deleted by a person, or by the button of the forge; the recorded commit counts."""
    rig.task("T-1", {"values/two": "2\n"})
    with rig.stopped("merge"):
        commit = rig.attempt("T-1")["commit"]
        # The server merges what it was asked for, and deletes the branch, before the runner hears of it.
        number = rig.attempt("T-1")["pull"]
        fields = {"MergeTitleField": "By hand", "MergeMessageField": rig.message("T-1")}
        rig.pull(number).settled().outcome(
            user=rig.repository.server.bot, head_commit_id=commit, delete_branch_after_merge=True, **fields
        ).ok()
        assert rig.server.attempt("rev-parse", "--verify", "--quiet", "refs/heads/task/T-1").returncode != 0
    assert rig.attempt("T-1")["phase"] == "landed"
    rig.done()
    rig.ended("T-1")


def push(rig: GiteaRig, files: dict[str, str]) -> str:
    """A person adds a commit to the branch."""
    work = rig.person("task/T-1")
    made = work.commit("more of it", files)
    work.git("push", "--quiet", "origin", "HEAD:refs/heads/task/T-1")
    return made


def test_a_person_pushes_while_it_is_tested(rig: GiteaRig) -> None:
    """They win: what they pushed is tested and lands, and nothing is charged."""
    rig.task("T-1", {"values/two": "2\n"})
    work, once = rig.person("task/T-1"), rig.folder / "pushed"
    work.commit("more of it", {"values/three": "3\n"})
    pushes = f"test -e {once} || {{ touch {once}; git -C {work.path} push --quiet origin HEAD:refs/heads/task/T-1; }}"
    code, output = rig.merge("T-1", ORCH_MERGE_TEST=f"{pushes}; sh ./test.sh")
    assert (code, output["outcome"]) == (0, "PASS"), output
    assert (rig.attempt("T-1")["head"], rig.retries()) == (work.git("rev-parse", "HEAD"), 3)
    rig.done()
    rig.ended("T-1")


def test_a_person_pushes_before_the_request(rig: GiteaRig) -> None:
    """Between what was validated and its merge."""
    rig.task("T-1", {"values/two": "2\n"})
    with rig.stopped("merge") as runner:
        head = push(rig, {"values/three": "3\n"})
    assert runner.code == 0
    assert (rig.attempt("T-1")["head"], rig.retries()) == (head, 3)
    rig.done()
    rig.ended("T-1")


def test_a_person_pushes_while_the_server_merges(rig: GiteaRig) -> None:
    """What was validated lands; what they pushed stays on the branch, for another task."""
    commit = rig.task("T-1", {"values/two": "2\n"})
    server = rig.repository.server
    with ThreadPoolExecutor(1) as other, server.held("pr-merge-to-base") as reached:
        answer = other.submit(rig.merge, "T-1")
        eventually(reached.exists, "the merge is made, and not pushed yet")
        head = push(rig, {"values/three": "3\n"})
        server.release("pr-merge-to-base")
        code, output = answer.result()
    assert (code, output["outcome"]) == (0, "PASS"), output
    assert (rig.attempt("T-1")["commit"], rig.head("task/T-1")) == (commit, head)
    rig.done()
    rig.ended("T-1")


def test_a_pull_request_that_is_retargeted(rig: GiteaRig) -> None:
    """MRG-7, MRG-16: it is not merged; another one, into main, is."""
    rig.task("T-1", {"values/two": "2\n"})
    rig.repository.api().post("/branches", {"new_branch_name": "release", "old_branch_name": "main"}).ok()
    release = rig.head("release")
    with rig.stopped("merge") as runner:
        number = rig.attempt("T-1")["pull"]
        rig.repository.api().patch(f"/pulls/{number}", {"base": "release"}).ok()
    assert runner.code == 0
    assert [(pull["base"]["ref"], pull["merged"]) for pull in rig.pulls()] == [("release", False), ("main", True)]
    assert rig.head("release") == release
    rig.done()
    rig.ended("T-1")


def test_a_pull_request_that_a_person_closes(rig: GiteaRig) -> None:
    """While no runner looks: HOLD, with the lease, and no other one is opened; opened again and resumed, it lands."""
    rig.task("T-1", {"values/two": "2\n"})
    rig.killed(before="merge")
    number = rig.attempt("T-1")["pull"]
    rig.repository.api().patch(f"/pulls/{number}", {"state": "closed"}).ok()
    code, output = rig.merge("T-1")
    assert (code, output["outcome"]) == (2, "HOLD"), output
    assert f"pull request {number} was closed" in output["reason"]
    assert rig.state_of("T-1") == ("development", "held")
    rig.ended(holder="T-1")
    rig.repository.api().patch(f"/pulls/{number}", {"state": "open"}).ok()
    rig.ok("task", "resume", "T-1", "--reason", "it goes on")
    code, output = rig.merge("T-1")
    assert (code, output["outcome"]) == (0, "PASS"), output
    assert len(rig.pulls()) == 1
    rig.done()
    rig.ended("T-1")


def test_a_pull_request_of_a_fork_with_the_same_branch(gitea: Gitea, rig: GiteaRig) -> None:
    """It is somebody else's, whatever it is called."""
    rig.task("T-1", {"values/two": "2\n"})
    fork = gitea.bob.api.post(f"{rig.repository.path}/forks", {"name": f"fork-{rig.repository.name}"}).ok()["full_name"]
    eventually(lambda: gitea.bob.api.get(f"/repos/{fork}/branches/task%2FT-1").status == 200, "the fork is made")
    theirs = {"head": "bob:task/T-1", "base": "main", "title": "theirs"}
    number = gitea.bob.api.post(f"{rig.repository.path}/pulls", theirs).ok()["number"]
    code, output = rig.merge("T-1")
    assert (code, output["outcome"]) == (0, "PASS"), output
    assert rig.attempt("T-1")["pull"] != number
    rig.done()
    rig.ended("T-1")


def test_a_pull_request_that_is_scheduled_to_merge(rig: GiteaRig) -> None:
    """What the server merges by itself has no trailers: the hook refuses it, and the validated merge lands."""
    head = rig.task("T-1", {"values/two": "2\n"})
    rig.repository.protect("main", enable_status_check=True, status_check_contexts=["ci"])
    pull = rig.repository.pull("task/T-1").settled()
    assert pull.merge(merge_when_checks_succeed=True).status == 201
    code, output = rig.merge("T-1")
    assert (code, output["outcome"]) == (75, "DEFER"), output
    assert "Not all required status checks successful" in output["reason"]
    rig.ended(holder="T-1")
    rig.post(head, "success")
    eventually(lambda: any(move.by == "alice" and move.ref == "refs/heads/main" for move in rig.moves()), "it tried")
    code, output = rig.merge("T-1")
    assert (code, output["outcome"]) == (0, "PASS"), output
    rig.done()
    rig.ended("T-1")


def test_a_person_merges_what_was_validated(make: Make) -> None:
    """The status lets them; the task is done without another merge."""
    rig = make(fence="status")
    rig.task("T-1", {"values/two": "2\n"})
    with rig.stopped("merge") as runner:
        rig.pull(rig.attempt("T-1")["pull"]).settled().outcome().ok()
    assert runner.code == 0
    attempt = rig.attempt("T-1")
    assert (attempt["phase"], attempt["merge"]) == ("landed", rig.main)
    assert rig.server.git("show", "--no-patch", "--format=%P", "main").split() == [rig.first, attempt["commit"]]
    rig.done()
    first, rig.first = rig.first, rig.main
    rig.never_main([rig.main])
    rig.ok("state", "verify")
    assert rig.lease()["holder"] == ""
    assert rig.server.git("rev-list", "--count", "--first-parent", f"{first}..main") == "1"


def test_a_person_merges_something_else(make: Make) -> None:
    """Pushed over the branch and merged with an administrator's word: what was validated did not land."""
    rig = make(fence="status")
    rig.task("T-1", {"values/two": "2\n"})
    rig.repository.api().patch("/branch_protections/main", {"block_admin_merge_override": False}).ok()
    with rig.stopped("merge") as runner:
        number = rig.attempt("T-1")["pull"]
        work = rig.person()
        other = work.commit("another way", {"values/three": "3\n"})
        work.git("push", "--quiet", "--force", "origin", "HEAD:refs/heads/task/T-1")
        eventually(lambda: rig.pull(number).head() == other, "the pull request follows")
        rig.pull(number).settled().outcome(force_merge=True).ok()
    assert rig.attempt("T-1")["phase"] != "landed"
    assert runner.code == 2, rig.attempt("T-1")
    assert other[:10] in rig.attempt("T-1")["reason"]
    rig.first = rig.main
    rig.never_main([rig.main])
    rig.ok("state", "verify")


def test_nobody_else_moves_main(gitea: Gitea, rig: GiteaRig) -> None:
    """MRG-5, MRG-15: no push, no editor, no merge button, whoever it is; one push where the glass is broken."""
    rig.task("T-1", {"values/two": "2\n"})
    number = rig.repository.pull("task/T-1").settled().number
    hand = rig.repository.clone(gitea.admin)
    hand.commit("by hand", {"values/five": "5\n"})
    refused = hand.push("HEAD:main")
    assert refused.returncode != 0
    assert b"is not a merge of two commits" in refused.stderr
    answer = rig.repository.write("values/six", "6\n", user=gitea.admin)
    assert answer.status == 403
    assert "is not a merge of two commits" in " ".join(answer.message.split())
    answer = rig.pull(number).outcome()
    assert answer.status == 409
    assert "trailers" in answer.message
    assert rig.main == rig.first
    rig.ok("lease", "break-glass", "--tip", rig.main, "--reason", "production is down")
    hand.git("push", "--quiet", "origin", "HEAD:main")
    rig.first = rig.main
    hand.commit("and more", {"values/seven": "7\n"})
    assert hand.push("HEAD:main").returncode != 0
    assert "production is down" in rig.ok("lease", "show")
    code, output = rig.merge("T-1")
    assert (code, output["outcome"]) == (0, "PASS"), output
    rig.done()
    rig.ended("T-1", by_hand=[rig.first])
