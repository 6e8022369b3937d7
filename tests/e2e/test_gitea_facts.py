"""What Gitea does, established on the running server; docs/reference/forges.md tells it in words."""

from __future__ import annotations

import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.e2e.api import Answer
from tests.e2e.gitea import Gitea
from tests.e2e.repository import LATER, Pull, Push, Repository, eventually

WORKFLOW = "on: [push, create, delete]\njobs:\n  job:\n    runs-on: nowhere\n    steps:\n      - run: 'true'\n"


def test_merge(pull: Pull) -> None:
    repository = pull.repository
    base, head = repository.tip(), pull.head()
    answer = pull.merge(head_commit_id=head, MergeTitleField="Land it", MergeMessageField="Why\n\nOrch-Fence: 7")
    assert (answer.status, answer.body) == (200, b"")
    assert repository.bare.git("rev-list", "--parents", "-n1", "main").split()[1:] == [base, head]
    assert repository.bare.git("log", "-n1", "--format=%s|%(trailers:key=Orch-Fence,valueonly)", "main") == "Land it|7"
    assert pull.merge().said == (405, "The PR is already merged")


def test_merge_while_mergeability_is_checked(gitea: Gitea, pull: Pull) -> None:
    with gitea.held("check"):
        pull.repository.write("more.txt", "two\n", branch="feature").ok()
        eventually(lambda: not pull.get()["mergeable"], "the push is noticed")
        assert pull.merge().said == LATER
    assert pull.outcome().status == 200


def test_merge_of_a_conflict(gitea: Gitea, tmp_path: Path) -> None:
    """A union driver, which a clone would use, is unknown to the server."""
    files = {"README.md": "# A project\n", ".gitattributes": "*.md merge=union\n"}
    branches = {name: {"README.md": f"# A project\n{name}\n"} for name in ("one", "two")}
    repository = Repository(gitea, gitea.alice, tmp_path, files, branches)
    work = repository.clone()
    two = repository.pull("two").settled()
    with gitea.held("check"):
        work.git("push", "--quiet", "origin", "origin/one:refs/heads/main")
        eventually(lambda: not two.get()["mergeable"], "the push is noticed")
    # The check, let go, needs a moment to find what it finds.
    time.sleep(1)
    assert two.get()["mergeable"] is False
    assert two.merge().said == LATER
    work.git("switch", "--quiet", "two")
    work.git("merge", "--quiet", "--no-edit", "origin/one")


def test_merge_of_a_stale_head(pull: Pull) -> None:
    """The refusal makes the server check again: the right head has to wait for that."""
    assert pull.merge(head_commit_id=pull.get()["base"]["sha"]).said == (409, "head out of date")
    assert pull.outcome(head_commit_id=pull.head()).status == 200


def test_merge_while_the_base_moves(gitea: Gitea, pull: Pull) -> None:
    """Only a push in between is noticed; a base that moved before is simply merged into."""
    repository = pull.repository
    with ThreadPoolExecutor(1) as other, gitea.held("pr-merge-to-base") as reached:
        answer = other.submit(pull.merge)
        eventually(reached.exists, "the merge is made, and not pushed yet")
        repository.write("other.txt", "x\n").ok()
        gitea.release("pr-merge-to-base")
        assert answer.result().said == (409, "merge push out of date")
    moved = repository.tip()
    assert pull.outcome(head_commit_id=pull.head()).status == 200
    assert repository.tip("main^1") == moved


def test_merge_that_a_hook_refuses(pull: Pull) -> None:
    pull.repository.record()
    with pull.repository.refusing("no fence\nask for one"):
        assert pull.merge().said == (409, "PushRejected with remote message: no fence\nask for one")
    assert pull.get()["state"] == "open"
    assert pull.outcome().status == 200


def test_merges_that_fail_without_a_word(pull: Pull) -> None:
    """The reason is in the server's log only."""
    repository = pull.repository
    issue = repository.api().post("/issues", {"title": "first this"}).ok()["number"]
    depends = {"owner": repository.owner.name, "repo": repository.name, "index": issue}
    repository.api().post(f"/issues/{pull.number}/dependencies", depends).ok()
    assert pull.merge().said == (500, "")
    repository.api().patch(f"/issues/{issue}", {"state": "closed"}).ok()
    repository.write("other.txt", "x\n").ok()
    assert pull.outcome(Do="fast-forward-only").said == (500, "")


def test_merge_of_a_head_that_main_contains(pull: Pull) -> None:
    """It stays open and is called mergeable, but can only be marked as merged."""
    repository = pull.repository
    repository.clone().git("push", "--quiet", "origin", "origin/feature:refs/heads/main")
    assert pull.merge().said in {LATER, (500, "")}
    eventually(lambda: pull.get()["merge_base"] == repository.tip(), "the server has looked")
    assert pull.settled().merge().said == LATER
    assert pull.get()["state"] == "open"
    repository.api().patch("", {"allow_manual_merge": True}).ok()
    assert pull.merge(Do="manually-merged", MergeCommitID=repository.tip()).said == (200, "")
    assert pull.get()["merged"]


def test_a_push_that_contains_the_head(pull: Pull) -> None:
    repository, work = pull.repository, pull.repository.clone()
    repository.api().patch("", {"allow_manual_merge": True, "autodetect_manual_merge": True}).ok()
    work.git("merge", "--quiet", "--no-ff", "--no-edit", "origin/feature")
    work.git("push", "--quiet", "origin", "main")
    eventually(lambda: pull.get()["merged"], "the server sees that it landed")
    assert pull.get()["merge_commit_sha"] == repository.tip()


def test_merge_of_what_is_not_ready(pull: Pull) -> None:
    change = pull.repository.api().patch
    change(f"/pulls/{pull.number}", {"title": "WIP: feature"}).ok()
    assert pull.merge().said == (405, "Work in progress PRs cannot be merged")
    change(f"/pulls/{pull.number}", {"title": "feature", "state": "closed"}).ok()
    assert pull.merge().status == 404
    change(f"/pulls/{pull.number}", {"state": "open"}).ok()
    change("", {"allow_squash_merge": False}).ok()
    squash = (405, "squash is not allowed an allowed merge style for this repository")
    assert pull.outcome(Do="squash").said == squash
    assert pull.merge(Do="never").status == 422
    change("", {"archived": True}).ok()
    assert pull.merge().status == 423


def test_merge_into_a_protected_branch(gitea: Gitea, pull: Pull) -> None:
    repository, bot, bob = pull.repository, gitea.bot, gitea.bob
    repository.add(bob)
    repository.add(bot)
    checks: dict[str, object] = {"enable_status_check": True, "status_check_contexts": ["gates/*"]}
    may_merge: dict[str, object] = {"enable_merge_whitelist": True, "merge_whitelist_usernames": [bot.name]}
    repository.protect("main", **checks, **may_merge, required_approvals=1)
    assert pull.outcome(user=bob).said == (405, "User not allowed to merge PR")
    assert pull.outcome(user=bot).said == (405, "Not all required status checks successful")
    green = {"state": "success", "context": "gates/security"}
    repository.api(bot).post(f"/statuses/{pull.head()}", green).ok()
    assert pull.outcome(user=bot).said == (405, "Does not have enough approvals")
    assert pull.merge(user=bot, merge_when_checks_succeed=True).said == (201, "")
    assert pull.merge(user=bot, merge_when_checks_succeed=True).status == 409
    repository.api(bob).post(f"/pulls/{pull.number}/reviews", {"event": "APPROVED"}).ok()
    eventually(lambda: pull.get()["merged"], "the server merges it")
    assert pull.get()["merged_by"]["login"] == bot.name


def test_merge_by_force(pull: Pull) -> None:
    """Whoever owns the repository passes its protection, unless the protection says otherwise."""
    repository = pull.repository
    checks: dict[str, object] = {"enable_status_check": True, "status_check_contexts": ["gates/*"]}
    repository.protect("main", **checks, block_admin_merge_override=True)
    assert pull.outcome(force_merge=True).said == (405, "Not all required status checks successful")
    repository.api().patch("/branch_protections/main", {"block_admin_merge_override": False}).ok()
    assert pull.outcome(force_merge=True).status == 200


def test_time_until_mergeability_is_known(gitea: Gitea, repository: Repository) -> None:
    """Printed, for the record: it depends on the machine."""
    pull = repository.pull("feature")
    opened = time.monotonic()
    pull.settled()
    print(f"\nmergeable {time.monotonic() - opened:.2f} s after it was opened")
    with gitea.held("check"):
        repository.write("other.txt", "x\n").ok()
        written = time.monotonic()
        eventually(lambda: not pull.get()["mergeable"], "the base's move is noticed")
        noticed = time.monotonic()
    pull.settled()
    print(f"the base's move noticed after {noticed - written:.2f} s,", end=" ")
    print(f"mergeable again {time.monotonic() - noticed:.2f} s later")


def test_variables_of_a_push(repository: Repository) -> None:
    work = repository.clone()
    repository.record()
    new = work.commit("one")
    work.git("push", "--quiet", "--push-option=fence=7", "origin", "main")
    recorded = repository.recorded()
    assert [push.hook for push in recorded] == ["pre-receive", "update", "post-receive"]
    push = recorded[0]
    assert (push.refs, list(push.commits)) == (["refs/heads/main"], [new])
    assert push.gitea() == {"GITEA_PUSHER_NAME": "alice", "SSH_ORIGINAL_COMMAND": "receive-pack"}
    assert (push.env["GITEA_REPO_USER_NAME"], push.env["GITEA_REPO_NAME"]) == ("alice", repository.name)
    assert (push.env["GIT_PUSH_OPTION_COUNT"], push.env["GIT_PUSH_OPTION_0"]) == ("1", "fence=7")
    assert push.cwd == str(repository.bare.path)
    assert push.env["GIT_DIR"] == "."
    assert push.env["GIT_QUARANTINE_PATH"] == push.env["GIT_OBJECT_DIRECTORY"]
    # Of the service's own environment, the home directory is replaced.
    assert push.env["ORCH_STATE_WRITERS"] == "orch-bot"
    assert push.env["HOME"] == str(repository.server.folder / "data" / "home")
    assert push.env["LC_ALL"] == "C"


def test_variables_of_a_merge(gitea: Gitea, pull: Pull) -> None:
    """The hook sees the commit that is about to land, with its parents and message."""
    repository = pull.repository
    repository.add(gitea.bot)
    repository.record()
    base, head = repository.tip(), pull.head()
    pull.merge(user=gitea.bot, MergeMessageField="Orch-Fence: 7").ok()
    (push,) = repository.told()
    assert push.refs == ["refs/heads/main"]
    named = push.gitea()
    assert named.pop("GITEA_PR_ID").isdigit()
    assert named == {
        "GITEA_PUSHER_NAME": gitea.bot.name,
        "GITEA_PUSH_TRIGGER": "pr-merge-to-base",
        "GITEA_PR_INDEX": str(pull.number),
        "SSH_ORIGINAL_COMMAND": "gitea-internal",
    }
    text = push.commits[repository.tip()]
    assert [line.split()[1] for line in text.splitlines() if line.startswith("parent ")] == [base, head]
    assert text.endswith("\n\nOrch-Fence: 7\n")
    assert "GIT_QUARANTINE_PATH" in push.env


def test_variables_of_changes_through_the_api(repository: Repository) -> None:
    """The web editor, new and moved branches, opening a pull request and updating its branch: each is a push."""
    repository.record()
    api = repository.api()
    alice = {"GITEA_PUSHER_NAME": "alice", "SSH_ORIGINAL_COMMAND": "gitea-internal"}
    plain = {**alice, "GITEA_PR_ID": "0", "GITEA_PR_INDEX": "0"}
    internal = {**plain, "GITEA_INTERNAL_PUSH": "true"}

    def told(answer: Answer) -> list[tuple[list[str], Mapping[str, str]]]:
        answer.ok()
        return [(push.refs, push.gitea()) for push in repository.told()]

    assert told(repository.write("other.txt", "x\n")) == [(["refs/heads/main"], plain)]
    new = {"new_branch_name": "new", "old_branch_name": "main"}
    assert told(api.post("/branches", new)) == [(["refs/heads/new"], plain)]
    move = {"new_commit_id": repository.tip("feature"), "old_commit_id": repository.tip("new"), "force": True}
    assert told(api.put("/branches/new", move)) == [(["refs/heads/new"], plain)]
    opened = {"head": "new", "base": "main", "title": "new"}
    assert told(api.post("/pulls", opened)) == [(["refs/pull/1/head"], internal)]
    api.post("/pulls/1/update").ok()
    pushes: list[Push] = []

    def both() -> bool:
        pushes.extend(repository.told())
        return len(pushes) == 2

    eventually(both, "both refs are pushed")
    updated, head = pushes
    assert updated.refs == ["refs/heads/new"]
    trigger = {"GITEA_PUSH_TRIGGER": "pr-update-with-base"}
    assert updated.gitea() == {**plain, **trigger, "GITEA_PR_ID": updated.env["GITEA_PR_ID"]}
    assert (head.refs, head.gitea()) == (["refs/pull/1/head"], internal)


def test_what_runs_no_hook(repository: Repository) -> None:
    """A branch can be renamed, replaced and deleted, and a tag made, without a hook seeing it."""
    work = repository.clone()
    repository.record()
    api = repository.api()
    for answer in (
        api.post("/tags", {"tag_name": "v1"}),
        api.post("/releases", {"tag_name": "v2"}),
        api.patch("/branches/main", {"name": "old"}),
        api.patch("/branches/feature", {"name": "main"}),
        api.patch("", {"default_branch": "main"}),
        api.delete("/branches/old"),
    ):
        answer.ok()
    assert repository.tip() == work.git("rev-parse", "origin/feature")
    assert repository.recorded() == []


def test_renaming_a_protected_branch(gitea: Gitea, repository: Repository) -> None:
    """A rule with the branch's name goes with it, a pattern stays and keeps it in place; deletion always ends here."""
    repository.add(gitea.bob)
    repository.protect("main", block_admin_merge_override=True)
    repository.protect("feature*", block_admin_merge_override=True)
    rename = repository.api(gitea.bob).patch("/branches/main", {"name": "old"})
    assert rename.said == (403, "User must be a repo or site admin to rename default or protected branches.")
    repository.api().patch("/branches/main", {"name": "old"}).ok()
    assert {rule["rule_name"] for rule in repository.api().get("/branch_protections").ok()} == {"old", "feature*"}
    for user in (gitea.bob, gitea.alice):
        api = repository.api(user)
        assert api.delete("/branches/feature").said == (403, "branch protected")
        rename = api.patch("/branches/feature", {"name": "main"})
        assert rename.said == (403, "Failed to rename branch due to branch protection rules.")


def test_what_a_refusal_becomes(repository: Repository) -> None:
    work = repository.clone()
    repository.record()
    api = repository.api()
    with repository.refusing("not this"):
        assert repository.write("other.txt", "x\n").said == (403, "not this")
        assert api.put("/branches/feature", {"new_commit_id": repository.tip(), "force": True}).said == (
            403,
            "not this",
        )
        assert api.post("/branches", {"new_branch_name": "new", "old_branch_name": "main"}).said == (500, "")
        assert api.post("/pulls", {"head": "feature", "base": "main", "title": "feature"}).said == (500, "")
        assert b"remote: not this" in work.attempt("push", "origin", "origin/feature:refs/heads/new").stderr
        assert b"remote: not this" in work.attempt("push", "origin", ":feature").stderr
    assert api.get("/pulls?state=all").ok() == []


def test_hooks_see_what_the_server_refuses(repository: Repository) -> None:
    work = repository.clone()
    repository.protect("main", enable_push=False)
    repository.record()
    work.commit("one")
    assert b"Not allowed to push to protected branch main" in work.attempt("push", "origin", "main").stderr
    assert [(push.hook, push.refs) for push in repository.recorded()] == [("pre-receive", ["refs/heads/main"])]


def test_a_fork_has_no_hook_of_ours(gitea: Gitea, repository: Repository) -> None:
    repository.record()
    made = gitea.bob.api.post(f"{repository.path}/forks").ok()
    hooks = gitea.repositories / f"{made['full_name']}.git" / "hooks" / "pre-receive.d"
    assert [path.name for path in hooks.iterdir()] == ["gitea"]


def test_what_starts_workflows(gitea: Gitea, tmp_path: Path) -> None:
    """A push starts the workflows that are in the pushed commit: on a branch of its own the state starts none."""
    repository = Repository(gitea, gitea.alice, tmp_path, {".gitea/workflows/ci.yml": WORKFLOW}, {})
    work = repository.clone()
    seeded = work.git("rev-parse", "HEAD")
    nothing = work.git("mktree")
    first = work.git("commit-tree", "-m", "first", nothing)
    second = work.git("commit-tree", "-m", "second", "-p", first, nothing)
    quiet = work.commit("quiet [skip ci]")
    last = work.commit("last")
    state, other = "refs/heads/orch-state", "refs/orch/witness"
    work.git("push", "--quiet", "origin", f"{first}:{state}", f"{quiet}:refs/heads/quiet", f"{last}:{other}")
    work.git("push", "--quiet", "origin", f"{second}:{state}", f"{seeded}:refs/heads/beside", f"{last}:refs/heads/main")

    def runs() -> set[tuple[str, str, str]]:
        found = repository.api().get("/actions/runs").ok()["workflow_runs"]
        return {(run["event"], run["head_branch"], run["head_sha"]) for run in found}

    # The words in the message stop `push`, not `create`.
    expected = {("push", "main", last), ("push", "beside", seeded), ("create", "beside", seeded)}
    expected |= {("create", "quiet", quiet)}
    eventually(lambda: runs() >= expected, "every run is there")
    assert runs() == expected


def test_who_may_ask(gitea: Gitea, repository: Repository) -> None:
    """Without access a repository does not exist; a token's missing scope is named."""
    assert gitea.api("0" * 40).get(repository.path).said == (401, "invalid username, password or token")
    repository.api().patch("", {"private": True}).ok()
    path, status = repository.path, f"{repository.path}/statuses/{repository.tip()}"
    green = {"state": "success", "context": "gates/a"}
    assert gitea.anonymous().get(path).said == (404, "not found")
    assert gitea.bob.api.post(status, green).said == (404, "not found")
    reader = gitea.api(gitea.token(gitea.alice, ["read:repository"]))
    assert reader.get(path).status == 200
    scope = "token does not have at least one of required scope(s), required=[write:repository]"
    assert reader.post(status, green).said == (403, f"{scope}, token scope=read:repository")
    repository.add(gitea.bob, "read")
    assert gitea.bob.api.post(status, green).said == (403, "user should have a permission to write to a repo")
    made = gitea.alice.api.post(status, green).ok()
    assert (made["status"], "state" in made) == ("success", False)
    unknown = f"{path}/statuses/{'0' * 39}1"
    assert gitea.alice.api.post(unknown, green).said == (500, "")


def test_a_repository_that_moved(gitea: Gitea, repository: Repository) -> None:
    """git follows the redirection; a client that follows it with a GET loses what it wanted to write."""
    work = repository.clone()
    repository.api().patch("", {"name": f"{repository.name}-new"}).ok()
    answer = repository.api().post("/labels", {"name": "red", "color": "#ff0000"})
    assert (answer.status, answer.headers["Location"]) == (301, f"/api/v1{repository.path}-new/labels")
    work.commit("one")
    work.git("push", "--quiet", "origin", "main")
    gitea.alice.api.call("PATCH", f"{repository.path}-new", {"archived": True}).ok()
    work.commit("two")
    assert b"This repo is archived" in work.attempt("push", "origin", "main").stderr


def test_the_first_push_is_noticed_later(gitea: Gitea, repository: Repository) -> None:
    """Until the background has seen it, the API knows no branch."""
    made = gitea.alice.api.post("/user/repos", {"name": f"{repository.name}-empty"}).ok()
    path = f"/repos/{made['full_name']}"
    assert made["empty"]
    repository.clone().git("push", "--quiet", made["clone_url"], "main")
    eventually(lambda: not gitea.alice.api.get(path).ok()["empty"], "the push is noticed")
    assert gitea.alice.api.get(f"{path}/branches/main").status == 200
