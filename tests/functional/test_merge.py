"""`orch-gates merge` on a server with the fence: two green branches never break main together (MRG-1 to MRG-16)."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from tests import merge_rig
from tests.builders import github_token, orch
from tests.merge_rig import MergeRig
from tests.merge_worker import worker


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return merge_rig.template(tmp_path_factory.mktemp("merge"))


@pytest.fixture
def rig(made: Path, tmp_path: Path) -> MergeRig:
    return merge_rig.copy(made, tmp_path / "project")


def test_a_task_lands(rig: MergeRig) -> None:
    """Validated, merged with trailers, proven, done; the lease is free, and the branch stays."""
    head = rig.task("T-1", {"values/two": "2\n"})
    code, output = rig.merge("T-1")
    assert (code, output["outcome"]) == (0, "PASS"), output
    assert rig.assert_sound() == ["T-1"]
    assert rig.state_of("T-1") == ("done", "done")
    assert rig.lease()["holder"] == ""
    assert rig.head("task/T-1") == head
    assert rig.attempt("T-1")["phase"] == "landed"


def test_two_green_branches_that_are_red_together(rig: MergeRig) -> None:
    """The second one is caught up, tested with the first, red, and goes back with the output of the test."""
    rig.task("T-1", {"values/two": "2\n"})
    rig.task("T-2", {"values/too": "2\n"})
    assert rig.merge("T-1")[0] == 0
    before = rig.main
    code, output = rig.merge("T-2")
    assert (code, output["outcome"]) == (1, "FAIL")
    assert "a value is there twice" in output["findings"][0]["description"]
    assert rig.main == before
    assert rig.assert_sound() == ["T-1"]
    assert json.loads(rig.ok("why", "T-2", "--json"))["developer_retries_left"] == 2


def test_words_about_a_race_do_not_begin_a_merge_anew(rig: MergeRig) -> None:
    """A hook may repeat what somebody pushes: git says whether the target moved, and here it did not (MRG-8)."""
    rig.task("T-1", {"values/two": "2\n"})
    hook = rig.server.path / "hooks" / "pre-receive"
    hook.unlink(missing_ok=True)
    words = "orch-gates: refs/heads/main moved meanwhile; fetch and push again"
    hook.write_text(f"#!/bin/sh\nif grep -q refs/heads/main; then echo '{words}'; exit 1; fi\n")
    hook.chmod(0o755)
    before = rig.main
    code, output = rig.merge("T-1", ORCH_MERGE_RETRY_ATTEMPTS="2")
    assert (code, rig.main) == (75, before), output
    assert output["reason"].endswith("the target moved while the forge merged (tried 2 times)")
    assert rig.attempt("T-1")["base"] == before


def test_a_secret_that_a_test_prints_is_kept_nowhere(rig: MergeRig) -> None:
    """SEC-5: what the branch's code prints is its own choice; neither the state nor the verdict repeats it."""
    token = github_token()
    rig.task("T-1", {"test.sh": f"echo 'token = {token}'\necho the end\nexit 1\n"})
    done = rig.say("merge", "--task", "T-1")
    assert done.returncode == 1
    assert b"the end" in done.stdout
    kept = rig.server.git("log", "--patch", "orch-state")
    assert "the end" in kept
    assert token not in done.stdout.decode() + done.stderr.decode() + kept


def test_what_a_red_test_prints_is_no_command_to_a_runner(rig: MergeRig) -> None:
    """OWN-1: the branch chooses it, and it is shown in the log of a job."""
    rig.task("T-1", {"test.sh": "echo '##[add-path]/tmp'; echo '::set-env name=A::b'; exit 1\n"})
    done = rig.say("merge", "--task", "T-1", CI="true")
    assert done.returncode == 1
    assert b"add-path]/tmp" in done.stdout
    assert b"##[" not in done.stdout
    assert not [line for line in done.stdout.decode().splitlines() if line.lstrip().startswith("::set-env")]


def test_without_a_name_the_target_is_the_default_branch(rig: MergeRig) -> None:
    """In a clone, in a job, and in the bare repository itself; a branch `main` that is there too is left alone."""
    rig.server.git("branch", "--move", "main", "trunk")
    rig.server.git("branch", "main", "trunk")
    rig.work.git("fetch", "--quiet", "--prune", "origin")
    rig.work.git("remote", "set-head", "origin", "trunk")
    rig.task("T-1", {"values/two": "2\n"}, base="origin/trunk")
    rig.task("T-2", {"values/three": "3\n"}, base="origin/trunk")
    assert rig.merge("T-1")[1]["evidence"]["target"] == "trunk"
    assert rig.merge("T-2", "--repo", str(rig.server.path))[1]["evidence"]["target"] == "trunk"
    rig.task("T-3", {"values/four": "4\n"}, base="origin/trunk")
    event = rig.folder / "event.json"
    event.write_text(json.dumps({"repository": {"default_branch": "trunk"}}))
    rig.work.git("remote", "set-head", "origin", "--delete")
    assert rig.merge("T-3", GITHUB_EVENT_PATH=str(event))[1]["evidence"]["target"] == "trunk"
    assert rig.main == rig.first
    listed = rig.server.git("rev-list", "--first-parent", f"{rig.first}..trunk").split()
    assert len(listed) == 3


def test_a_branch_that_is_behind_is_caught_up(rig: MergeRig) -> None:
    """Rebased onto main, pushed to the task's branch, tested, merged."""
    rig.task("T-1", {"values/two": "2\n"})
    rig.task("T-2", {"values/three": "3\n"})
    assert rig.merge("T-1")[0] == 0
    assert rig.merge("T-2")[0] == 0
    assert rig.assert_sound() == ["T-1", "T-2"]
    assert rig.attempt("T-2")["how"] == "rebase"
    assert rig.head("task/T-2") == rig.attempt("T-2")["commit"]


def test_a_conflict_goes_back_with_its_files(rig: MergeRig) -> None:
    """MRG-2: nothing is pushed, nobody's checkout is touched, the lease is free."""
    rig.task("T-1", {"values/one": "7\n"})
    head = rig.task("T-2", {"values/one": "8\n"})
    assert rig.merge("T-1")[0] == 0
    code, output = rig.merge("T-2")
    assert (code, output["outcome"]) == (1, "FAIL")
    assert [one["path"] for one in output["findings"]] == ["values/one"]
    assert rig.head("task/T-2") == head
    assert rig.lease()["holder"] == ""
    assert rig.state_of("T-2") == ("development", "active")


def test_a_target_that_is_red_itself_charges_nobody(rig: MergeRig) -> None:
    """ENG-7: the task is put off."""
    # Whoever turned the fence on did so on a red main.
    rig.server.git("config", "--add", "orch.breakglass", f"main {rig.main} 2999-01-01T00:00:00Z")
    rig.work.git("checkout", "--quiet", "--detach", "origin/main")
    rig.first = rig.work.commit("red", {"values/again": "1\n"})
    rig.work.git("push", "--quiet", "origin", "HEAD:refs/heads/main")
    rig.task("T-1", {"values/two": "2\n"})
    code, output = rig.merge("T-1")
    assert (code, output["outcome"]) == (75, "DEFER")
    assert "main itself fails" in output["reason"]
    assert rig.state_of("T-1") == ("development", "deferred")
    assert json.loads(rig.ok("why", "T-1", "--json"))["developer_retries_left"] == 3


def test_running_it_again_changes_nothing(rig: MergeRig) -> None:
    """P7: no second merge, no second commit on the state branch."""
    rig.task("T-1", {"values/two": "2\n"})
    assert rig.merge("T-1")[0] == 0
    main, state = rig.main, rig.head("orch-state")
    code, output = rig.merge("T-1")
    assert (code, output["outcome"]) == (0, "PASS")
    assert (rig.main, rig.head("orch-state")) == (main, state)


def test_the_gate_validates_and_the_merge_goes_on_from_there(rig: MergeRig) -> None:
    """A tree that was proven is not tested again, and the lease is kept in between."""
    rig.task("T-1", {"values/two": "2\n"})
    code, output = rig.gate("T-1")
    assert (code, output["outcome"], output["evidence"]["phase"]) == (0, "PASS", "validated")
    assert rig.main == rig.first
    lease = rig.lease()
    assert (lease["holder"], lease.get("claim")) == ("T-1", None)
    state = rig.head("orch-state")
    assert rig.gate("T-1")[0] == 0
    assert rig.head("orch-state") == state, "asking again writes nothing"
    rig.task("T-2", {"values/three": "3\n"})
    code, output = rig.merge("T-2")
    assert (code, output["outcome"]) == (75, "DEFER")
    assert "T-1 holds the lease on main" in output["reason"]
    assert rig.merge("T-1")[0] == 0
    assert rig.attempt("T-1")["runs"] == 1


def test_a_tree_that_is_proven_is_not_tested_twice(rig: MergeRig) -> None:
    """MRG-3: the same tree of another task."""
    rig.task("T-1", {"values/two": "2\n"})
    assert rig.gate("T-1")[0] == 0
    rig.ok("lease", "release", "--reason", "the other one goes first")
    rig.task("T-2", {"values/two": "2\n"})
    assert rig.gate("T-2")[0] == 0
    attempt = rig.attempt("T-2")
    assert (attempt["proven"], attempt["runs"]) == ("cache", 0)


def test_nothing_but_a_validated_merge_changes_main(rig: MergeRig) -> None:
    """MRG-5: no push by hand, no deletion, no merge of one's own."""
    rig.task("T-1", {"values/two": "2\n"})
    work = rig.work
    work.git("checkout", "--quiet", "--detach", "origin/main")
    commit = work.commit("by hand", {"values/five": "5\n"})
    for refspec, why in (
        ("HEAD:refs/heads/main", "is not a merge of two commits"),
        (":refs/heads/main", "is never deleted"),
        ("+HEAD~2:refs/heads/main", "is not a merge of two commits"),
        ("HEAD:refs/heads/MAIN", "is an alias of refs/heads/main"),
        ("HEAD:refs/heads/refs/heads/main", "is an alias of refs/heads/main"),
    ):
        done = work.attempt("push", "origin", refspec)
        assert done.returncode != 0, refspec
        told = " ".join(done.stderr.decode().replace("remote:", "").split())
        assert why in told, (refspec, told)
    work.git("merge", "--quiet", "--no-ff", "-m", "by hand", "origin/task/T-1")
    done = work.attempt("push", "origin", "HEAD:refs/heads/main")
    assert b"trailers" in done.stderr
    assert rig.main == rig.first
    assert commit


def test_the_hook_compares_every_part_of_a_merge(rig: MergeRig) -> None:
    """MRG-5: a runner died before it asked; whoever pushes that very merge is let in, and nobody with another one."""
    rig.task("T-1", {"values/two": "2\n"})
    rig.task("T-2", {"values/three": "3\n"})
    child = worker(rig.work.path, {**rig.env, "MERGE_WORKER_DIES_BEFORE": "merge"}, "T-1")
    child.communicate(timeout=60)
    found = rig.attempt("T-1")
    assert found["phase"] == "merging"
    work = rig.work
    work.git("fetch", "--quiet", "origin")
    output = {
        "Orch-Task": "T-1",
        "Orch-Generation": str(found["generation"]),
        "Orch-Base": found["base"],
        "Orch-Commit": found["commit"],
        "Orch-Tree": found["tree"],
    }
    other, first = rig.head("task/T-2"), f"{found['base']}~1"

    def push(changed: dict[str, str], tree: str = "", parents: tuple[str, ...] = ()) -> tuple[int, str]:
        block = "\n".join(f"{key}: {value}" for key, value in (output | changed).items() if value)
        sides = [arg for parent in parents or (found["base"], found["commit"]) for arg in ("-p", parent)]
        made = work.git("commit-tree", *sides, "-m", f"Land it\n\n{block}", tree or found["tree"])
        done = work.attempt("push", "--quiet", "--force", "origin", f"{made}:refs/heads/main")
        return done.returncode, " ".join(done.stderr.decode().replace("remote:", "").split())

    for changed, tree, parents, why in (
        ({"Orch-Tree": ""}, "", (), "no trailer Orch-Tree"),
        ({"Orch-Generation": "7"}, "", (), "generation 7, but T-1 holds the lease on main"),
        ({"Orch-Task": "T-2"}, "", (), "the merge is for T-2"),
        ({"Orch-Base": other}, "", (), "it was tested with"),
        ({"Orch-Commit": other}, "", (), "is merged"),
        ({}, f"{other}^{{tree}}", (), "the tree of the merge is"),
        ({}, "", (found["base"], other), "was validated"),
        ({}, "", (found["commit"], found["base"]), "the merge was made on"),
        ({}, "", (first, found["commit"]), "the merge was made on"),
        (
            {"Orch-Commit": other},
            f"{other}^{{tree}}",
            (found["base"], other),
            "this merge differs from the validated one",
        ),
        (
            {"Orch-Commit": other, "Orch-Tree": work.git("rev-parse", f"{other}^{{tree}}")},
            f"{other}^{{tree}}",
            (found["base"], other),
            "not this merge",
        ),
    ):
        code, told = push(changed, tree, parents)
        assert code != 0, changed
        assert why in told, (changed, told)
    assert rig.main == rig.first
    assert push({})[0] == 0
    assert rig.merge("T-1")[0] == 0, "it is found to have landed"
    assert rig.assert_sound() == ["T-1"]


def test_an_emergency_has_one_way(rig: MergeRig) -> None:
    """MRG-15: from the named tip, once; it takes the lease, and is seen until somebody says so."""
    rig.task("T-1", {"values/two": "2\n"})
    assert rig.gate("T-1")[0] == 0
    tip = rig.main
    rig.ok("lease", "break-glass", "--tip", tip, "--reason", "production is down")
    assert "break-glass override by bot" in rig.ok("lease", "show")
    rig.work.git("checkout", "--quiet", "--detach", "origin/main")
    first = rig.work.commit("mend it", {"values/mended": "9\n"})
    rig.work.git("push", "--quiet", "origin", "HEAD:refs/heads/main")
    rig.work.commit("and more", {"values/more": "10\n"})
    assert rig.work.attempt("push", "origin", "HEAD:refs/heads/main").returncode != 0
    rig.ok("lease", "break-glass", "--acknowledge")
    assert "break-glass override by bot for" not in rig.ok("lease", "show")
    rig.first = first
    assert rig.merge("T-1")[0] == 0, "the task begins anew on what was pushed"
    assert rig.assert_sound() == ["T-1"]


def test_a_marker_that_is_gone_holds_the_task(rig: MergeRig) -> None:
    """MRG-10: the lease stays with it, so nothing else lands on a main that has lost something."""
    rig.ok("marker", "add", "values/one", "1", "--reason", "the first value")
    rig.task("T-1", {"values/one": "7\n"})
    code, output = rig.merge("T-1")
    assert (code, output["outcome"]) == (2, "HOLD")
    assert "main regressed" in output["reason"]
    assert rig.state_of("T-1") == ("development", "held")
    rig.task("T-2", {"values/three": "3\n"})
    assert rig.merge("T-2")[0] == 75
    assert rig.say("marker", "check").returncode == 1
    rig.ok("marker", "remove", "values/one", "1", "--reason", "it is seven now")
    rig.ok("task", "resume", "T-1", "--reason", "seen")
    assert rig.merge("T-1")[0] == 0
    assert rig.merge("T-2")[0] == 0
    assert rig.assert_sound() == ["T-1", "T-2"]


def test_a_person_who_pushes_meanwhile_wins(rig: MergeRig) -> None:
    """The attempt ends uncharged, and begins anew with what they pushed."""
    rig.task("T-1", {"values/two": "2\n"})
    assert rig.gate("T-1")[0] == 0
    pushed = rig.branch("task/T-1", {"values/three": "3\n"}, base="origin/task/T-1")
    code, _ = rig.merge("T-1")
    assert code == 0
    assert rig.attempt("T-1")["head"] == pushed
    assert rig.assert_sound() == ["T-1"]


def test_all_that_waits_is_merged_in_its_order(rig: MergeRig) -> None:
    """One verdict for all: the worst; what is not ready, or was sent back already, fails nothing (P3, ENG-9)."""
    done = rig.say("merge", "--waiting", "--json")
    assert (done.returncode, json.loads(done.stdout)["outcome"]) == (0, "SKIP")
    rig.task("T-2", {"values/two": "2\n"})
    rig.task("T-1", {"values/too": "2\n"})
    rig.task("T-3", {"values/three": "3\n"})
    rig.ok("task", "new", "T-4", "Nobody has begun it")
    done = rig.say("merge", "--waiting", "--json")
    output = json.loads(done.stdout)
    assert (done.returncode, output["outcome"]) == (1, "FAIL")
    assert len(rig.assert_sound()) == 2
    (red,) = (name for name in ("T-1", "T-2") if rig.state_of(name)[0] != "done")
    assert output["evidence"][f"task {red}"].startswith("FAIL: the test command")
    assert "branch task/T-4 does not exist on the server" in output["evidence"]["task T-4"]
    assert "T-4" not in output["reason"]
    state = rig.head("orch-state")
    done = rig.say("merge", "--waiting", "--json")
    output = json.loads(done.stdout)
    assert (done.returncode, output["outcome"]) == (0, "SKIP")
    assert output["reason"] == "no task waits to be merged; not ready: T-4"
    assert rig.head("orch-state") == state
    assert rig.say("merge", "--waiting", "--task", "T-4").returncode == 2


def test_a_gate_validates_all_that_waits_one_lease_at_a_time(rig: MergeRig) -> None:
    """The lease stays with the first, so the others are put off."""
    rig.task("T-1", {"values/two": "2\n"})
    rig.task("T-2", {"values/three": "3\n"})
    done = rig.say("gate", "merge", "--waiting", "--json")
    output = json.loads(done.stdout)
    assert (done.returncode, output["outcome"]) == (75, "DEFER")
    assert output["evidence"]["task T-1"].startswith("PASS")
    assert rig.main == rig.first


def test_a_job_is_told_the_merge_commit(rig: MergeRig, tmp_path: Path) -> None:
    """GATE-4, GATE-6: as an output; a file that cannot take it stops everything before it begins."""
    rig.task("T-1", {"values/two": "2\n"})
    state = rig.head("orch-state")
    assert rig.merge("T-1", CI="true", GITHUB_OUTPUT="/dev/null")[0] == 2
    assert rig.head("orch-state") == state
    told = tmp_path / "output"
    told.touch()
    assert rig.merge("T-1", CI="true", GITHUB_OUTPUT=str(told))[0] == 0
    assert f"\n{rig.main}\n" in told.read_text().partition("merge<<")[2]


def test_a_jobs_own_token_is_refused(rig: MergeRig) -> None:
    """MRG-5: what is pushed and merged with it starts no workflow; one sentence says what to do."""
    rig.task("T-1", {"values/two": "2\n"})
    state = rig.head("orch-state")
    for name in ("GITHUB_TOKEN", "GITEA_TOKEN", "FORGEJO_TOKEN"):
        for about in (("--task", "T-1"), ("--waiting",)):
            done = rig.say("merge", *about, **{name: "x" * 40, "ORCH_FORGE_TOKEN": "x" * 40})
            assert done.returncode == 2
            assert b"the job's own token" in done.stderr
    assert rig.head("orch-state") == state


def test_a_clone_of_someone_is_left_as_it_was(rig: MergeRig) -> None:
    """No checkout, no ref, no configuration of it changes, a linked worktree's neither."""
    rig.task("T-1", {"values/two": "2\n"})
    rig.task("T-2", {"values/three": "3\n"})
    rig.work.git("worktree", "add", "--quiet", "../linked", "-b", "mine", "origin/main")
    rig.work.write("test.sh", "half finished\n")
    before = [rig.work.git(*args) for args in _SEEN]
    assert rig.merge("T-1")[0] == 0
    assert orch("merge", "--task", "T-2", cwd=rig.folder / "linked", env=rig.env).returncode == 0
    assert [rig.work.git(*args) for args in _SEEN] == before


_SEEN = (
    ("status", "--porcelain=v2", "--branch"),
    ("for-each-ref",),
    ("config", "--list", "--local"),
    ("count-objects",),
)


def test_a_cancelled_task_keeps_nobody_waiting(rig: MergeRig) -> None:
    """Nor does one that a person sent back: its lease is taken by whoever needs it, without its time being over."""
    rig.task("T-1", {"values/two": "2\n"})
    assert rig.gate("T-1")[0] == 0
    assert rig.lease()["holder"] == "T-1"
    rig.ok("task", "cancel", "T-1", "--reason", "not wanted any more")
    rig.task("T-2", {"values/three": "3\n"})
    assert rig.merge("T-2")[0] == 0
    assert rig.assert_sound() == ["T-2"]


def test_a_command_that_gets_no_credentials(rig: MergeRig) -> None:
    """It sees no token, no setting of ours and no repository, and what looks like a credential is never handed on."""
    rig.task("T-1", {"test.sh": "env >&2; git log >&2; ls -a >&2; exit 1\n"})
    code, output = rig.merge("T-1", ORCH_MERGE_TEST_ENV="SECRET_TOKEN")
    assert code == 2
    assert "gets no credentials" in output["reason"]
    done = rig.say("merge", "--task", "T-1", MY_TOOL="here", ORCH_MERGE_TEST_ENV="MY_TOOL", SECRET_TOKEN="xyzzy")
    assert done.returncode == 1
    told = done.stdout.decode()
    assert "MY_TOOL=here" in told
    assert "ORCH_" not in told.split("|", 1)[1].replace("orch-gates", "")
    assert "xyzzy" not in told
    assert "not a git repository" in told


def test_a_fence_that_the_forge_does_not_have_is_said(rig: MergeRig) -> None:
    """MRG-5: with `status`, anybody could merge where the forge does not require it."""
    rig.task("T-1", {"values/two": "2\n"})
    rig.env["ORCH_MERGE_FENCE"] = "status"
    code, output = rig.merge("T-1")
    assert code == 2
    assert "does not require the status orch/merge/main" in output["reason"]
    rig.require("orch/merge/main")
    assert rig.merge("T-1")[0] == 0


def test_what_others_merged_is_found_to_have_landed(rig: MergeRig) -> None:
    """MRG-8: somebody merged exactly what was validated, and deleted the branch; only git says so."""
    rig.task("T-1", {"values/two": "2\n"})
    assert rig.gate("T-1")[0] == 0
    rig.server.git("config", "--add", "orch.breakglass", f"main {rig.main} 2999-01-01T00:00:00Z")
    work = rig.work
    work.git("fetch", "--quiet", "origin")
    work.git("checkout", "--quiet", "--detach", "origin/main")
    work.git("merge", "--quiet", "--no-ff", "-m", "by hand", "origin/task/T-1")
    work.git("push", "--quiet", "origin", "HEAD:refs/heads/main", ":refs/heads/task/T-1")
    code, output = rig.merge("T-1")
    assert (code, output["outcome"]) == (0, "PASS"), output
    assert rig.state_of("T-1") == ("done", "done")
    assert rig.lease()["holder"] == ""


def test_a_branch_that_adds_nothing_is_nobodys_fault(rig: MergeRig) -> None:
    """GATE-5: nothing is charged, and it says what to do."""
    rig.task("T-1", {"values/two": "2\n"})
    rig.task("T-2", {"values/two": "2\n"})
    assert rig.merge("T-1")[0] == 0
    code, output = rig.merge("T-2")
    assert (code, output["outcome"]) == (1, "FAIL")
    assert "has all of it" in output["reason"]
    assert "Cancel the task" in output["next_step"]
    assert json.loads(rig.ok("why", "T-2", "--json"))["developer_retries_left"] == 3
    assert rig.state_of("T-2") == ("development", "active")


@pytest.mark.parametrize(
    ("words", "state"),
    [
        (("task", "cancel", "T-1", "--reason", "not wanted"), "cancelled"),
        (("task", "hold", "T-1", "--reason", "stop"), "held"),
        (("advance", "T-1", "--reject", "not so"), "active"),
    ],
)
def test_a_persons_word_stops_a_merge_that_is_under_way(rig: MergeRig, words: tuple[str, ...], state: str) -> None:
    """ENG-10: until the forge is asked. Nothing lands, and the lease is free."""
    rig.task("T-1", {"test.sh": "sleep 6\n"})
    child = worker(rig.work.path, rig.env, "T-1")
    deadline = time.monotonic() + 60
    while child.poll() is None and time.monotonic() < deadline:
        if rig.say("lease", "show").stdout.startswith(b"main: T-1") and rig.attempt("T-1")["phase"] == "testing":
            break
    rig.say(*words)
    child.communicate(timeout=60)
    assert rig.main == rig.first
    assert rig.state_of("T-1") == ("development", state)
    assert rig.lease()["holder"] == ""
    assert rig.attempt("T-1")["outcome"] == "DEFER"


def test_a_branch_that_only_the_forge_moves_is_no_tasks(rig: MergeRig) -> None:
    """P4: merging main into another branch never moves main."""
    rig.work.git("push", "--quiet", "origin", f"{rig.main}:refs/heads/release")
    rig.work.git("fetch", "--quiet", "origin")
    rig.ok("task", "new", "T-1", "main into release", "--branch", "main")
    code, output = rig.merge("T-1", ORCH_TARGET="release")
    assert (code, "never pushed to" in output["reason"]) == (1, True)
    assert rig.main == rig.first


def test_an_attempt_for_one_target_is_not_used_for_another(rig: MergeRig) -> None:
    """MRG-16: it is finished or ended first."""
    rig.work.git("push", "--quiet", "origin", f"{rig.main}:refs/heads/release")
    rig.task("T-1", {"values/two": "2\n"})
    assert rig.gate("T-1")[0] == 0
    code, output = rig.merge("T-1", ORCH_TARGET="release")
    assert (code, "into main is already in progress" in output["reason"]) == (75, True)
    assert rig.main == rig.first


def test_a_branch_that_was_set_back_is_begun_anew(rig: MergeRig) -> None:
    """What was validated is not what the branch is at now."""
    rig.task("T-1", {"values/two": "2\n"})
    rig.task("T-2", {"values/three": "3\n"})
    assert rig.merge("T-1")[0] == 0
    head = rig.head("task/T-2")
    assert rig.gate("T-2")[0] == 0
    rig.work.git("push", "--quiet", "--force", "origin", f"{head}:refs/heads/task/T-2")
    code, output = rig.gate("T-2")
    assert code == 0
    assert rig.head("task/T-2") == output["evidence"]["commit"]


def test_a_shallow_clone_takes_no_lease(rig: MergeRig) -> None:
    """It could prove nothing, so it keeps nobody waiting."""
    rig.task("T-1", {"values/two": "2\n"})
    rig.work.git("clone", "--quiet", "--depth=1", f"file://{rig.server.path}", str(rig.folder / "shallow"))
    done = orch("merge", "--task", "T-1", cwd=rig.folder / "shallow", env=rig.env)
    assert done.returncode == 2
    assert b"shallow" in done.stderr
    assert b"no lease" in rig.say("lease", "show").stdout


def test_a_conflict_in_attributes_is_a_conflict(rig: MergeRig) -> None:
    """Whatever git says about a file with conflict marks that it reads itself."""
    rig.task("T-1", {".gitattributes": "*.a text\n"})
    rig.task("T-2", {".gitattributes": "*.b binary\n"})
    assert rig.merge("T-1")[0] == 0
    code, output = rig.merge("T-2")
    assert (code, [one["path"] for one in output["findings"]]) == (1, [".gitattributes"])


def test_a_configuration_that_cannot_be_used_does_not_land(rig: MergeRig) -> None:
    """With it nobody could merge its repair."""
    rig.task("T-1", {".orch-gates.yaml": "stages: nothing\n"})
    code, output = rig.merge("T-1")
    assert (code, "would make .orch-gates.yaml invalid" in output["reason"]) == (1, True)
    assert rig.main == rig.first


def test_what_was_red_is_not_tested_again_for_nothing(rig: MergeRig) -> None:
    """ENG-9: without a new commit, or a word that the work was done again, nothing is charged or written."""
    rig.task("T-1", {"values/again": "1\n"})
    assert rig.merge("T-1")[0] == 1
    state = rig.head("orch-state")
    code, output = rig.merge("T-1")
    assert (code, "was sent back" in output["reason"]) == (1, True)
    assert rig.head("orch-state") == state


def test_rework_after_a_merge_is_merged_too(rig: MergeRig) -> None:
    """What landed before does not stand for it (MRG-9, ENG-9)."""
    rig.task("T-1", {"values/two": "2\n"})
    stages = "stages:\n  - {name: development, role: developer, gates: [merge, merge-proof]}\n"
    stages += "  - {name: deploy, role: deployer, gates: [deploy-status]}\n"
    config = merge_rig.CONFIG.format(fence="hook")
    rig.server.git("config", "--add", "orch.breakglass", f"main {rig.main} 2999-01-01T00:00:00Z")
    rig.work.git("checkout", "--quiet", "--detach", "origin/main")
    rig.first = rig.work.commit("deploy", {".orch-gates.yaml": stages + config[config.index("rework") :]})
    rig.work.git("push", "--quiet", "origin", "HEAD:refs/heads/main")
    rig.work.git("fetch", "--quiet", "origin")
    assert rig.merge("T-1")[0] == 0
    assert rig.state_of("T-1") == ("deploy", "active")
    rig.ok("task", "report", "T-1", "deploy-status", "FAILED", "--reason", "it does not start")
    assert rig.say("advance", "T-1").returncode == 1
    mended = rig.branch("task/T-1", {"values/mended": "9\n"}, base="origin/task/T-1")
    assert rig.merge("T-1")[0] == 0
    assert rig.attempt("T-1")["head"] == mended
    assert rig.state_of("T-1") == ("deploy", "active")
    assert rig.server.attempt("merge-base", "--is-ancestor", rig.attempt("T-1")["commit"], "main").returncode == 0
