"""`orch-gates init` on a real Gitea: a whole level 1, and what the server does not let it do (UX-1)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.builders import Done, Repo, orch, run
from tests.e2e.actions import Bundle, Project
from tests.e2e.gitea import Gitea, User
from tests.e2e.repository import Repository, eventually

FILES = {"README.md": "# A project\n", "Makefile": "test:\n\ttest ! -e broken\n"}
ACTIONS = f"https://git.example.invalid/orch/orch-gates@{'0123456789' * 4}"


def through(url: str, repository: Repository) -> dict[str, str]:
    """What names the forge by another address than the clone does."""
    name = f"{repository.owner.name}/{repository.name}"
    return {"ORCH_FORGE": "gitea", "ORCH_FORGE_URL": url, "ORCH_FORGE_REPOSITORY": name}


def init(work: Repo, *args: str, token: str = "", at: tuple[str, Repository] | None = None) -> Done:
    place = through(*at) if at is not None else {}
    done = orch("init", "--yes", *args, cwd=work.path, env={"ORCH_FORGE_TOKEN": token or None, **place})
    assert b"Traceback" not in done.stderr
    if token:
        assert token.encode() not in done.stdout + done.stderr
    return done


def said(
    work: Repo, *args: str, token: str = "", code: int = 0, at: tuple[str, Repository] | None = None
) -> dict[str, Any]:
    done = init(work, "--json", *args, token=token, at=at)
    assert done.returncode == code, (done.stdout.decode(), done.stderr.decode())
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def came(document: dict[str, Any]) -> dict[str, str]:
    return {step["what"]: step["outcome"] for step in document["steps"]}


def typed(work: Repo, document: dict[str, Any]) -> None:
    """A person types the commands that were printed."""
    done = run("sh", "-e", "-c", "\n".join(document["next"]), cwd=work.path)
    assert done.returncode == 0, done.stderr


def token(gitea: Gitea, user: User) -> str:
    return gitea.token(user, ["write:repository", "write:issue", "read:user"])


def rules(repository: Repository) -> dict[str, dict[str, Any]]:
    return {row["rule_name"]: row for row in repository.api().get("/branch_protections").ok()}


def labels(repository: Repository) -> list[str]:
    return sorted(row["name"] for row in repository.api().get("/labels").ok())


@pytest.mark.usefixtures("runner")
def test_level_1_from_an_empty_hand_to_a_merge(gitea: Gitea, bundle: Bundle, tmp_path: Path) -> None:
    """Twice init, the printed commands, the bot's token: a label merges, a red one goes back, and all is undone."""
    project = Project(
        gitea, gitea.alice, tmp_path, "on: workflow_dispatch\njobs: {a: {runs-on: x, steps: []}}\n", FILES
    )
    repository, work, mine = project.repository, project.work, token(gitea, gitea.alice)
    first = said(work, "--level", "1", "--actions", f"{gitea.url}/orch/orch-gates@{bundle.sha}", token=mine)
    assert (first["forge"], first["forge_told_by"], first["target"]) == ("gitea", "the server", "main")
    later = {"state branch orch-state", "protection of main", "protection of orch-state"}
    assert came(first) == {**dict.fromkeys(later, "later"), "label merge": "done"}
    assert rules(repository) == {}
    typed(work, first)

    dry = said(work, "--dry-run", token=mine)
    assert came(dry) == {**dict.fromkeys(later, "would be done"), "label merge": "already so"}
    assert rules(repository) == {}
    second = said(work, token=mine)
    assert came(second) == {**dict.fromkeys(later, "done"), "label merge": "already so"}
    main, state = rules(repository)["main"], rules(repository)["orch-state"]
    assert (main["enable_push"], main["enable_force_push"], main["block_on_outdated_branch"]) == (False, False, True)
    assert (main["block_admin_merge_override"], main["status_check_contexts"]) == (
        True,
        ["orch/security/main", "orch/merge/main"],
    )
    assert (state["enable_push"], state["enable_force_push"]) == (True, False)
    assert repository.bare.git("log", "--format=%s", "orch-state")
    assert set(came(said(work, token=mine)).values()) == {"already so"}
    begin, *_, end = said(work, "--dry-run", "--level", "0", token=mine)["next"]
    assert begin == "git switch -c orch-gates-init"
    assert end.endswith("# then open a pull request: main takes no pushes")

    tip = work.git("rev-parse", "HEAD")
    assert work.attempt("push", "origin", f"{work.commit('by hand')}:main").returncode == 1
    work.git("fetch", "--quiet", "origin", "orch-state")
    forced = work.git("commit-tree", "-m", "another history", f"{tip}^{{tree}}")
    assert work.attempt("push", "--force", "origin", f"{forced}:refs/heads/orch-state").returncode == 1

    project.secret("ORCH_TOKEN", mine)
    work.git("reset", "--quiet", "--hard", tip)
    numbers = []
    for branch, files in (("feature", {"feature": "a\n"}), ("broken", {"broken": "b\n"})):
        work.git("switch", "--quiet", "-c", branch, tip)
        project.push(files, branch)
        numbers.append(repository.pull(branch).number)
    merge = next(row["id"] for row in repository.api().get("/labels").ok() if row["name"] == "merge")
    for number in numbers:
        repository.api().post(f"/issues/{number}/labels", {"labels": [merge]}).ok()
    good, bad = (f"/pulls/{number}" for number in numbers)
    eventually(lambda: repository.api().get(good).ok()["merged"], "the green one is merged")
    eventually(lambda: not repository.api().get(bad).ok()["labels"], "the red one is sent back")
    assert not repository.api().get(bad).ok()["merged"]
    assert repository.bare.git("ls-tree", "--name-only", "main", "feature", "broken") == "feature"

    work.git("switch", "--quiet", "-C", "main", "origin/main")
    has = bool(repository.api().get(good).ok()["labels"])
    removed = said(work, "--remove", token=mine)
    assert came(removed) == {
        **dict.fromkeys(("protection of main", "protection of orch-state"), "done"),
        "label merge": "left alone" if has else "done",
        "state branch orch-state": "left alone",
    }
    assert rules(repository) == {}
    assert not (work.path / ".orch-gates.yaml").exists()
    assert repository.tip("orch-state")


def test_who_may_not_administer_is_told_what_to_do_by_hand(gitea: Gitea, tmp_path: Path) -> None:
    """A writer makes the state branch and the labels; the protection is named with its page, and the exit code is 2."""
    repository = Repository(gitea, gitea.alice, tmp_path, FILES, {})
    repository.add(gitea.bob)
    work, his = repository.clone(gitea.bob), token(gitea, gitea.bob)
    typed(work, said(work, "--level", "2", "--actions", ACTIONS, token=his))
    document = said(work, token=his, code=2)
    steps = {step["what"]: step for step in document["steps"]}
    assert steps["state branch orch-state"]["outcome"] == "done"
    assert set(labels(repository)) >= {
        "merge",
        "in progress",
        "approved",
        "rejected",
        "orch/idea",
        "orch/merging",
        "orch/held",
    }
    main = steps["protection of main"]
    assert main["outcome"] == "could not"
    assert "does not administer" in main["why"]
    assert main["by_hand"].startswith(f"at {gitea.url}/alice/{repository.name}/settings/branches: nobody pushes,")
    assert "required statuses orch/security/main, orch/merge/main, branches must be up to date" in main["by_hand"]
    text = init(work, token=his).stdout.decode()
    assert "could not        protection of main: " in text
    assert "by hand: at " in text

    approved = next(row["id"] for row in repository.api().get("/labels").ok() if row["name"] == "approved")
    repository.api().post("/issues", {"title": "Greet", "labels": [approved], "closed": True}).ok()
    # A label that only a pull request of before has is part of its history.
    rejected = next(row["id"] for row in repository.api().get("/labels").ok() if row["name"] == "rejected")
    work.git("switch", "--quiet", "-c", "topic")
    work.commit("declined", {"topic": "a\n"})
    work.git("push", "--quiet", "origin", "topic")
    number = repository.pull("topic").number
    repository.api().post(f"/issues/{number}/labels", {"labels": [rejected]}).ok()
    repository.api().patch(f"/pulls/{number}", {"state": "closed"}).ok()
    work.git("switch", "--quiet", "main")
    removed = came(said(work, "--remove", token=his))
    assert [removed[f"label {name}"] for name in ("in progress", "approved", "rejected")] == [
        "done",
        *["left alone"] * 2,
    ]
    assert labels(repository) == ["approved", "rejected"]
    assert [row["name"] for row in repository.api().get(f"/pulls/{number}").ok()["labels"]] == ["rejected"]


def test_a_rule_of_somebodys_is_tightened_and_given_back(gitea: Gitea, tmp_path: Path) -> None:
    """What it asks for stays; what was there is put back, who may push too; what was changed since stays."""
    repository = Repository(gitea, gitea.alice, tmp_path, FILES, {})
    repository.add(gitea.bob)
    listed = {"enable_push_whitelist": True, "push_whitelist_usernames": ["alice", "bob"]}
    needed = {"enable_status_check": True, "status_check_contexts": ["build"], "required_approvals": 2}
    repository.protect("main", enable_push=True, **listed, **needed)
    found = rules(repository)["main"]
    work, mine = repository.clone(), token(gitea, gitea.alice)
    typed(work, said(work, "--level", "0", "--actions", ACTIONS, token=mine))
    assert came(said(work, token=mine)) == {"protection of main": "done"}
    now = rules(repository)["main"]
    assert (now["enable_push"], now["required_approvals"]) == (False, 2)
    assert sorted(now["status_check_contexts"]) == ["build", "orch/security/main"]
    assert came(said(work, "--remove", "--dry-run", token=mine)) == {"protection of main": "would be done"}
    assert came(said(work, "--remove", token=mine)) == {"protection of main": "done"}
    assert rules(repository)["main"] == {**found, "updated_at": rules(repository)["main"]["updated_at"]}

    work.git("checkout", "--quiet", "HEAD", ".")
    assert came(said(work, token=mine)) == {"protection of main": "done"}
    repository.api().patch("/branch_protections/main", {"enable_push": True, **listed, "required_approvals": 1}).ok()
    removed = said(work, "--remove", token=mine)
    assert came(removed) == {"protection of main": "done"}
    (step,) = removed["steps"]
    assert step["why"].startswith("it loses the required statuses orch/security/main; the rest stays, because somebody")
    assert "changed it since: enable push, enable push whitelist, required approvals" in step["why"]
    assert step["by_hand"].endswith("/settings/branches")
    now = rules(repository)["main"]
    assert (now["required_approvals"], now["status_check_contexts"]) == (1, ["build"])
    assert {name: now[name] for name in ("enable_push", *listed)} == {"enable_push": True, **listed}
    assert came(said(work, "--remove", token=mine)) == {}


def test_a_rule_that_lets_the_branch_be_forced_is_none(gitea: Gitea, tmp_path: Path) -> None:
    """It is closed, also where the default branch has another name."""
    repository = Repository(gitea, gitea.alice, tmp_path, FILES, {"feature/x": {"a": "b\n"}})
    repository.api().patch("", {"default_branch": "feature/x"}).ok()
    repository.protect("feature/x", enable_push=True, enable_force_push=True)
    work, mine = repository.clone(), token(gitea, gitea.alice)
    work.git("switch", "--quiet", "-c", "feature/x", "origin/feature/x")
    first = said(work, "--level", "0", "--actions", ACTIONS, token=mine)
    assert (first["target"], first["target_told_by"]) == ("feature/x", "the server")
    typed(work, first)
    assert came(said(work, token=mine)) == {"protection of feature/x": "done"}
    now = rules(repository)["feature/x"]
    assert (now["enable_push"], now["enable_force_push"]) == (False, False)
    assert now["status_check_contexts"] == ["orch/security/feature/x"]


def test_what_another_clone_made_is_a_persons_to_take_away(gitea: Gitea, tmp_path: Path) -> None:
    """Nobody guesses who made a rule."""
    repository = Repository(gitea, gitea.alice, tmp_path, FILES, {})
    work, mine = repository.clone(), token(gitea, gitea.alice)
    typed(work, said(work, "--level", "0", "--actions", ACTIONS, token=mine))
    said(work, token=mine)
    other = repository.clone()
    assert came(said(other, "--remove", token=mine)) == {}
    assert set(rules(repository)) == {"main"}
    assert came(said(work, "--remove", code=2)) == {"protection of main": "could not"}
