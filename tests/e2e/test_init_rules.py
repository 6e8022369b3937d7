"""`orch-gates init` and rules of somebody's on a real Gitea: nothing of them is loosened, or lost (UX-1)."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.builders import PROGRAM, Repo, orch
from tests.e2e.gitea import Gitea
from tests.e2e.repository import Repository, eventually
from tests.e2e.test_init import ACTIONS, FILES, came, init, labels, rules, said, through, token, typed
from tests.fakes.fault_proxy import FaultProxy

STRICT = {
    "enable_push": True,
    "enable_push_whitelist": True,
    "push_whitelist_usernames": ["alice"],
    "enable_force_push": True,
    "enable_force_push_allowlist": True,
    "force_push_allowlist_usernames": ["alice"],
    "required_approvals": 2,
    "enable_merge_whitelist": True,
    "merge_whitelist_usernames": ["bob"],
    "enable_approvals_whitelist": True,
    "approvals_whitelist_username": ["bob"],
    "dismiss_stale_approvals": True,
    "block_on_rejected_reviews": True,
    "require_signed_commits": True,
    "protected_file_patterns": "*.lock",
    "enable_status_check": True,
    "status_check_contexts": ["ci/*"],
}
CLOSED = {"enable_push": False, "enable_force_push": False, "block_admin_merge_override": True}
_TIMES = ("created_at", "updated_at")
# What the server takes out of its own accord where nobody may push.
_OF_PUSHES = ("enable_push_whitelist", "enable_force_push_allowlist")


def level_0(gitea: Gitea, repository: Repository) -> tuple[Repo, str]:
    """A clone whose files are on main, so that nothing but the rule is left to do."""
    work, mine = repository.clone(), token(gitea, gitea.alice)
    typed(work, said(work, "--level", "0", "--actions", ACTIONS, token=mine))
    return work, mine


def untimed(rule: dict[str, Any]) -> dict[str, Any]:
    """Without the times; to the server, no list is an empty one."""
    return {name: [] if value is None else value for name, value in rule.items() if name not in _TIMES}


def with_bob(gitea: Gitea, tmp_path: Path) -> Repository:
    repository = Repository(gitea, gitea.alice, tmp_path, FILES, {})
    repository.add(gitea.bob)
    return repository


@pytest.mark.parametrize("named", ["main", "m*"])
def test_all_that_a_rule_asks_for_stays(gitea: Gitea, tmp_path: Path, named: str) -> None:
    """Approvals, who may merge, patterns of statuses, and what only the server knows, of a pattern's rule too."""
    repository = with_bob(gitea, tmp_path)
    work, mine = level_0(gitea, repository)
    repository.protect(named, **STRICT)
    found = rules(repository)
    assert came(said(work, token=mine)) == {"protection of main": "done"}
    now, needed = rules(repository)["main"], ["ci/*", "orch/security/main"]
    left = {**found[named], **CLOSED, **dict.fromkeys(_OF_PUSHES, False), "status_check_contexts": needed}
    names = ("rule_name", "branch_name")
    assert {name: value for name, value in untimed(now).items() if name not in names} == {
        name: value for name, value in untimed(left).items() if name not in names
    }
    assert came(said(work, token=mine)) == {"protection of main": "already so"}
    assert came(said(work, "--remove", token=mine)) == {"protection of main": "done"}
    after = rules(repository)
    assert {name: untimed(rule) for name, rule in after.items()} == {
        name: untimed(rule) for name, rule in found.items()
    }


def test_who_may_push_no_more_is_not_put_back_as_everybody(gitea: Gitea, tmp_path: Path) -> None:
    """Of a rule whose list the server itself shortened, only what init required goes."""
    repository = with_bob(gitea, tmp_path)
    listed = {"enable_push_whitelist": True, "push_whitelist_usernames": ["bob"]}
    work, mine = level_0(gitea, repository)
    repository.protect("main", enable_push=True, **listed, required_approvals=1)
    assert came(said(work, token=mine)) == {"protection of main": "done"}
    repository.api().delete(f"/collaborators/{gitea.bob.name}").ok()
    removed = said(work, "--remove", token=mine)
    assert "somebody changed it since: push whitelist usernames" in removed["steps"][0]["why"]
    now = rules(repository)["main"]
    assert (now["enable_push"], now["required_approvals"], now["status_check_contexts"]) == (False, 1, [])


def test_a_rule_that_is_not_put_back_as_it_was_stays_closed(gitea: Gitea, tmp_path: Path) -> None:
    """The server says yes, and did something else: that is said, and the next run tries again."""
    repository = Repository(gitea, gitea.alice, tmp_path, FILES, {})
    repository.protect("main", enable_push=True, required_approvals=1)
    found = untimed(rules(repository)["main"])
    work, mine = level_0(gitea, repository)
    assert came(said(work, token=mine)) == {"protection of main": "done"}
    left = untimed(rules(repository)["main"])
    with FaultProxy(gitea.url) as proxy:
        proxy.on("PATCH", "/branch_protections/").answer(200, b"{}", {"Content-Type": "application/json"})
        removed = said(work, "--remove", token=mine, code=2, at=(proxy.url, repository))
    (step,) = removed["steps"]
    assert step["outcome"] == "could not"
    assert step["why"].startswith("the rule stays as init left it, because the forge did not restore the earlier ")
    assert "enable push" in step["why"]
    assert untimed(rules(repository)["main"]) == left
    assert came(said(work, "--remove", token=mine)) == {"protection of main": "done"}
    assert untimed(rules(repository)["main"]) == found


def killed(work: Repo, mine: str, repository: Repository, method: str, path: str, there: Callable[[], bool]) -> None:
    """Run init until the server has done one thing of which init has not heard yet, and kill it."""
    with FaultProxy(repository.server.url) as proxy:
        proxy.on(method, path).delay_after(50)
        env = {**os.environ, **through(proxy.url, repository), "ORCH_FORGE_TOKEN": mine}
        argv = [str(PROGRAM), "init", "--yes"]
        with subprocess.Popen(argv, cwd=work.path, env=env, stdout=subprocess.DEVNULL) as process:
            eventually(there, f"{method} {path}", 50)
            process.send_signal(signal.SIGKILL)


def test_a_run_that_was_killed_can_be_undone(gitea: Gitea, tmp_path: Path) -> None:
    """What it is about to do is known before it does it: a rule is put back, a label is taken away."""
    repository = Repository(gitea, gitea.alice, tmp_path, FILES, {})
    work, mine = repository.clone(), token(gitea, gitea.alice)
    typed(work, said(work, "--level", "1", "--actions", ACTIONS, token=""))
    repository.protect("main", **{**STRICT, "merge_whitelist_usernames": ["alice"]})
    found = untimed(rules(repository)["main"])
    killed(work, mine, repository, "POST", "/labels", lambda: bool(labels(repository)))
    killed(work, mine, repository, "PATCH", "/branch_prot", lambda: not rules(repository)["main"]["enable_push"])
    killed(work, mine, repository, "POST", "/branch_prot", lambda: len(rules(repository)) > 1)
    removed = came(said(work, "--remove", token=mine))
    assert removed == {
        **dict.fromkeys(("protection of main", "protection of orch-state", "label merge"), "done"),
        "state branch orch-state": "left alone",
    }
    assert {name: untimed(rule) for name, rule in rules(repository).items()} == {"main": found}
    assert labels(repository) == []
    assert not (work.path / ".git" / "orch-gates-init.json").exists()


def test_a_rule_that_has_no_effect_is_taken_back(gitea: Gitea, tmp_path: Path) -> None:
    """Where a pattern comes first, that is said, and nothing stays at the server that looks like a fence."""
    repository = Repository(gitea, gitea.alice, tmp_path, FILES, {})
    work, mine = level_0(gitea, repository)
    for name in ("m*", "main"):
        repository.protect(name, enable_push=True, enable_force_push=True)
    order = {rule["rule_name"]: untimed(rule) for rule in rules(repository).values()}
    document = said(work, token=mine, code=2)
    (step,) = document["steps"]
    assert step["outcome"] == "could not", rules(repository)
    assert "another rule for main overrides the new one" in step["why"]
    assert {name: untimed(rule) for name, rule in rules(repository).items()} == order
    assert not (work.path / ".git" / "orch-gates-init.json").exists()


def test_a_branch_of_somebodys_with_the_name_of_the_state_branch(gitea: Gitea, tmp_path: Path) -> None:
    """It is neither claimed nor protected, and never named as one to delete; another name is what helps."""
    repository = Repository(gitea, gitea.alice, tmp_path, FILES, {"orch-state": {"a": "b\n"}})
    work, mine = repository.clone(), token(gitea, gitea.alice)
    typed(work, said(work, "--level", "1", "--actions", ACTIONS))
    document = said(work, token=mine, code=2)
    assert came(document) == {
        "state branch orch-state": "could not",
        "label merge": "done",
        "protection of main": "done",
        "protection of orch-state": "left alone",
    }
    (state,) = (step for step in document["steps"] if step["what"].startswith("state branch"))
    assert state["by_hand"].startswith("if that branch is used otherwise, choose another name: ORCH_STATE_BRANCH")
    assert set(rules(repository)) == {"main"}
    assert came(said(work, "--remove", token=mine)) == dict.fromkeys(("label merge", "protection of main"), "done")


def test_the_default_branch_that_was_renamed(gitea: Gitea, tmp_path: Path) -> None:
    """With a token the forge says which it is; without, what the clone believes is said, and what refreshes it."""
    repository = Repository(gitea, gitea.alice, tmp_path, FILES, {"trunk": {"a": "b\n"}})
    repository.api().patch("", {"default_branch": "trunk"}).ok()
    work, mine = repository.clone(), token(gitea, gitea.alice)
    work.git("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/main")
    typed(work, said(work, "--level", "0", "--actions", ACTIONS))
    work.git("push", "--quiet", "--force", "origin", "HEAD:refs/heads/trunk")
    text = init(work).stdout.decode()
    assert "default branch  main (origin/HEAD; if it was renamed: git remote set-head origin --auto)" in text
    document = said(work, token=mine)
    assert (document["target"], document["target_told_by"]) == ("trunk", "the forge")
    assert came(document) == {"protection of trunk": "done"}
    work.git("remote", "set-head", "origin", "--auto")
    assert said(work)["target"] == "trunk"


def test_a_forge_that_hangs_is_waited_for_once(gitea: Gitea, tmp_path: Path) -> None:
    """It is said, and nothing more is asked of it, whether a level is set up or taken back."""
    repository = Repository(gitea, gitea.alice, tmp_path, FILES, {})
    work, mine = level_0(gitea, repository)
    assert came(said(work, token=mine)) == {"protection of main": "done"}
    for args, what in (((), "the forge"), (("--remove",), "protection of main")):
        with FaultProxy(gitea.url) as proxy:
            proxy.on("GET", "/repos/", times=None).delay_before(20)
            place = {**through(proxy.url, repository), "ORCH_FORGE_TOKEN": mine, "ORCH_FORGE_TIMEOUT_S": "2"}
            done = orch("init", "--yes", "--json", *args, cwd=work.path, env=place)
            assert done.returncode == 2, done.stderr
            (step,) = json.loads(done.stdout)["steps"]
            assert (step["what"], step["outcome"]) == (what, "could not")
            assert len([seen for seen in proxy.seen if "/repos/" in seen.target]) == 1
