"""`orch-gates doctor` against a real Gitea: its rules, its tokens, and the hook below its own."""

from __future__ import annotations

import shutil
from pathlib import Path
from secrets import token_hex

import pytest

from tests.builders import Repo, github_token, orch
from tests.doctor_rig import Found, follow, looked, only
from tests.e2e.gitea import Gitea, User
from tests.e2e.repository import Repository

SCOPES = ["write:repository", "write:issue", "read:user"]
STRICT = {"enable_push": False, "enable_force_push": False, "block_admin_merge_override": True}
FENCE = {"enable_status_check": True, "status_check_contexts": ["orch/merge/main"], "block_on_outdated_branch": True}
STYLES = {"allow_squash_merge": False, "allow_rebase": False, "allow_rebase_explicit": False}


class Doctor:
    """A clone, and who looks."""

    def __init__(self, server: Gitea, repository: Repository, folder: Path) -> None:
        self.server, self.repository = server, repository
        self.work: Repo = repository.clone()
        self.env: dict[str, str | None] = {
            "ORCH_FORGE": "gitea",
            "ORCH_FORGE_URL": server.url,
            "ORCH_FORGE_REPOSITORY": f"{repository.owner.name}/{repository.name}",
            "ORCH_CACHE_DIR": str(folder / "cache"),
        }
        self.as_(server.alice)

    def as_(self, user: User, scopes: list[str] | None = None) -> None:
        self.env["ORCH_FORGE_TOKEN"] = self.server.token(user, scopes or SCOPES)

    def look(self, name: str, **env: str) -> Found:
        found = only(self.work.path, name, env={**self.env, **env})
        assert str(self.env["ORCH_FORGE_TOKEN"]) not in str(found)
        return found

    def protect(self, branch: str, **rule: object) -> None:
        """Make the rule of a branch anew."""
        api = self.repository.api()
        api.delete(f"/branch_protections/{branch}")
        api.post("/branch_protections", {"rule_name": branch, **rule}).ok()


@pytest.fixture
def doctor(gitea: Gitea, repository: Repository, tmp_path: Path) -> Doctor:
    return Doctor(gitea, repository, tmp_path)


def test_protection(doctor: Doctor) -> None:
    """Each hole in the rule of the target is red, and named with the page that mends it; without holes it is green."""
    found = doctor.look("protection")
    assert (found["state"], "no rule protects main" in found["seen"]) == ("bad", True)
    assert doctor.look("protection", ORCH_MERGE_FENCE="hook")["state"] == "warning"
    doctor.protect("main", **STRICT)
    assert doctor.look("protection")["state"] == "ok"
    for hole, state, words in (
        ({"enable_push": True}, "bad", "everybody may push"),
        (
            {"enable_push": True, "enable_push_whitelist": True, "push_whitelist_usernames": ["alice"]},
            "warning",
            "some",
        ),
        ({"enable_push": True, "enable_force_push": True}, "bad", "force main"),
        ({"block_admin_merge_override": False}, "warning", "administrators may override"),
    ):
        doctor.protect("m*", **(STRICT | hole))
        doctor.repository.api().delete("/branch_protections/main")
        found = doctor.look("protection")
        assert (found["state"], words in found["seen"]) == (state, True), found
        assert f"{doctor.repository.name}/settings/branches" in found["mend"]
        doctor.repository.api().delete("/branch_protections/m*")


def test_the_fence_of_the_forge(doctor: Doctor) -> None:
    """Where a required status is the fence, it has to be required, of branches that are up to date, of everybody."""
    status = {"ORCH_MERGE_FENCE": "status"}
    doctor.protect("main", **STRICT, **FENCE)
    assert doctor.look("protection", **status)["state"] == "ok"
    for hole, words in (
        ({"enable_status_check": False}, "does not require the status orch/merge/main"),
        ({"status_check_contexts": ["orch/security"]}, "does not require the status orch/merge/main"),
        ({"block_on_outdated_branch": False}, "a branch that is behind main may be merged"),
        ({"block_admin_merge_override": False}, "administrators may override"),
    ):
        doctor.protect("main", **(STRICT | FENCE | hole))
        found = doctor.look("protection", **status)
        assert (found["state"], words in found["seen"]) == ("bad", True), found
    doctor.protect("main", **(STRICT | FENCE | {"status_check_contexts": ["orch/*/*"]}))
    assert doctor.look("protection", **status)["state"] == "ok"


def test_rules_that_are_not_shown_are_no_green(gitea: Gitea, doctor: Doctor) -> None:
    """Gitea shows them to administrators of the repository; to a bot it could not be told."""
    doctor.protect("main", **STRICT)
    doctor.repository.add(gitea.bob)
    doctor.as_(gitea.bob)
    found = doctor.look("protection")
    assert (found["state"], "only administrators can see" in found["seen"]) == ("unknown", True)


def test_the_token(gitea: Gitea, doctor: Doctor) -> None:
    """What it lacks and what it has too much, as far as this server tells its scopes."""
    assert doctor.look("token")["state"] == "ok"
    doctor.as_(gitea.alice, ["read:repository", "read:user"])
    found = doctor.look("token")
    assert (found["state"], "may only read" in found["seen"]) == ("bad", True)
    doctor.as_(gitea.bob)
    assert doctor.look("token")["state"] == "bad"
    doctor.as_(gitea.alice, ["write:repository", "read:user"])
    assert doctor.look("token")["state"] == "ok"
    found = doctor.look("token", ORCH_TRACKER="forge")
    assert (found["state"], "add write:issue" in found["mend"]) == ("bad", True)
    doctor.as_(gitea.alice, ["write:repository", "write:issue", "read:user", "write:organization"])
    found = doctor.look("token")
    assert (found["state"], "has more permissions than needed" in found["seen"]) == ("warning", True)
    doctor.env["ORCH_FORGE_TOKEN"] = "0" * 40
    assert doctor.look("token")["state"] == "unknown"
    doctor.env["ORCH_FORGE_TOKEN"] = None
    names = ("--only", "token", "--only", "protection")
    for more, state in (({}, "not used"), ({"ORCH_MERGE_FENCE": "status"}, "unknown")):
        code, found_all = looked(doctor.work.path, *names, env=doctor.env | more)
        assert (code, {one["state"] for one in found_all.values()}) == (2, {state})


def test_workflows_that_never_run(doctor: Doctor) -> None:
    """Files are there, and somebody switched Actions off."""
    assert doctor.look("workflows")["state"] == "not used"
    doctor.work.commit(files={".gitea/workflows/ci.yml": "on: push\n"})
    doctor.work.git("push", "--quiet", "origin", "HEAD:refs/heads/main")
    for on, state in ((True, "ok"), (False, "bad"), (True, "ok")):
        doctor.repository.api().patch("", {"has_actions": on}).ok()
        assert doctor.look("workflows")["state"] == state


def test_the_actions_that_workflows_use(gitea: Gitea, doctor: Doctor) -> None:
    """A runner fetches them without a login: not from a private repository, nor from one that is not there."""
    assert doctor.look("actions")["state"] == "not used"
    place = f"{gitea.url}/{doctor.repository.owner.name}/{doctor.repository.name}"
    step = f"      - uses: {place}/actions/queue@{'0' * 40}\n"
    doctor.work.commit(files={".gitea/workflows/queue.yml": f"on: push\njobs:\n  a:\n    steps:\n{step}"})
    doctor.work.git("push", "--quiet", "origin", "HEAD:refs/heads/main")
    for private, state in ((False, "ok"), (True, "bad")):
        doctor.repository.api().patch("", {"private": private}).ok()
        found = doctor.look("actions")
        assert (found["state"], place in found["seen"]) == (state, True)
    doctor.work.commit(files={".gitea/workflows/queue.yml": f"on: push\n{step.replace('/actions', 'x/actions')}"})
    doctor.work.git("push", "--quiet", "origin", "HEAD:refs/heads/main")
    assert doctor.look("actions")["state"] == "bad"
    doctor.work.commit(
        files={".gitea/workflows/queue.yml": f"- uses: http://127.0.0.1:9/a/b/actions/queue@{'0' * 40}\n"}
    )
    doctor.work.git("push", "--quiet", "origin", "HEAD:refs/heads/main")
    assert doctor.look("actions")["state"] == "unknown"


def test_the_secret_of_the_workflows(gitea: Gitea, doctor: Doctor) -> None:
    """Workflows ask for it by name; a person's own secrets may count as well, and Gitea shows those to nobody."""
    assert doctor.look("secrets")["state"] == "not used"
    doctor.work.commit(files={".gitea/workflows/queue.yml": "on: push\nenv: {A: '${{ secrets.ORCH_TOKEN }}'}\n"})
    doctor.work.git("push", "--quiet", "origin", "HEAD:refs/heads/main")
    api = doctor.repository.api()
    found = doctor.look("secrets")
    assert (found["state"], "need the secret ORCH_TOKEN, but" in found["seen"]) == ("unknown", True)
    assert found["seen"].endswith("the forge does not show whether alice has one that counts here")
    assert found["mend"].endswith(f"{doctor.repository.name}/settings/actions/secrets")
    api.put("/actions/secrets/ORCH_TOKEN", {"data": token_hex(8)}).ok()
    assert doctor.look("secrets")["state"] == "ok"
    doctor.repository.add(gitea.bob)
    doctor.as_(gitea.bob)
    found = doctor.look("secrets")
    assert (found["state"], "administrators only" in found["seen"]) == ("unknown", True)
    doctor.as_(gitea.alice)
    api.delete("/actions/secrets/ORCH_TOKEN").ok()
    assert doctor.look("secrets")["state"] == "unknown"


def test_the_secret_of_an_organisation(gitea: Gitea, doctor: Doctor) -> None:
    """Its owners are told of it: where there is none either, it is certainly missing."""
    alice = gitea.api(gitea.token(gitea.alice, ["write:organization", "write:repository", "write:user"]))
    name = f"org{token_hex(4)}"
    alice.post("/orgs", {"username": name}).ok()
    alice.post(f"/orgs/{name}/repos", {"name": "project", "auto_init": True, "default_branch": "main"}).ok()
    doctor.work.commit(files={".gitea/workflows/queue.yml": "on: push\nenv: {A: '${{ secrets.ORCH_TOKEN }}'}\n"})
    doctor.work.git("push", "--quiet", "origin", "HEAD:refs/heads/main")
    doctor.env["ORCH_FORGE_REPOSITORY"] = f"{name}/project"
    assert doctor.look("secrets")["state"] == "unknown"
    doctor.as_(gitea.alice, [*SCOPES, "read:organization"])
    assert doctor.look("secrets")["state"] == "bad"
    alice.call("PUT", f"/orgs/{name}/actions/secrets/ORCH_TOKEN", {"data": token_hex(8)}).ok()
    assert doctor.look("secrets")["state"] == "ok"


def test_styles_of_merges(doctor: Doctor) -> None:
    """Gitea allows all of them at first; only merge commits keep what was validated."""
    api = doctor.repository.api()
    found = doctor.look("merge-styles")
    assert (found["state"], "squash, rebase, rebase and merge" in found["seen"]) == ("warning", True)
    assert doctor.look("merge-styles", ORCH_MERGE_FENCE="hook")["state"] == "ok"
    api.patch("", {**STYLES, "default_merge_style": "merge"}).ok()
    assert doctor.look("merge-styles")["state"] == "ok"
    api.patch("", {"allow_squash_merge": True, "allow_merge_commits": False, "default_merge_style": "squash"}).ok()
    found = doctor.look("merge-styles")
    assert (found["state"], "merge commits are not allowed" in found["seen"]) == ("bad", True)
    api.patch("", {"archived": True}).ok()
    assert "archived" in doctor.look("merge-styles")["seen"]


def test_clocks_of_one_machine(doctor: Doctor) -> None:
    """A server that tells its time, as this one does."""
    assert doctor.look("clock")["state"] == "ok"


def test_a_server_that_is_down_is_not_waited_for_by_each_check(doctor: Doctor) -> None:
    """Nothing listens there: every check of the forge says so, and none is green."""
    env = {**doctor.env, "ORCH_FORGE_URL": "http://127.0.0.1:9"}
    names = ("token", "merge-styles", "protection", "clock")
    code, found = looked(doctor.work.path, *(word for name in names for word in ("--only", name)), env=env)
    assert (code, {one["state"] for one in found.values()}) == (2, {"unknown"})


def test_the_hook_below_the_servers_own(doctor: Doctor, tmp_path: Path) -> None:
    """A new repository, as one that was copied or forked, has Gitea's hook and none of ours; what is said mends it."""
    bare = doctor.repository.bare.path
    env = {"ORCH_CACHE_DIR": str(tmp_path / "cache")}
    found = only(bare, "hook", env=env)
    assert (found["state"], "--gitea" in found["mend"]) == ("bad", True)
    follow(found, tmp_path, env)
    assert only(bare, "hook", env=env)["state"] == "ok"
    dispatcher = bare / "hooks" / "pre-receive"
    whole = dispatcher.read_text()
    assert "[ ${i} -eq 0 ] || exit ${i}" in whole
    dispatcher.write_text(whole.replace("[ ${i} -eq 0 ] || exit ${i}", ":"))
    found = only(bare, "hook", env=env)
    doctor.work.commit(files={"leak.txt": f"{github_token()}\n"})
    pushed = doctor.work.push("HEAD:refs/heads/leak")
    assert (pushed.returncode, b"1 secret found" in pushed.stderr) == (0, True), "Gitea stores what ours refuses"
    assert (found["state"], "lets a random token pass to refs/heads/main" in found["seen"]) == ("bad", True)
    dispatcher.write_text(whole)
    assert only(bare, "hook", env=env)["state"] == "ok"
    shutil.rmtree(bare / "hooks" / "pre-receive.d")
    assert only(bare, "hook", env=env)["state"] == "bad"
    assert "orch-gates-probe" not in doctor.repository.bare.git("for-each-ref")


def test_who_guards_the_state_branch(doctor: Doctor) -> None:
    """By the forge's rule alone, as from a clone the server's hook cannot be seen."""
    doctor.env |= {"GIT_ALLOW_PROTOCOL": "file:http", "ORCH_STATE_BY": "alice"}
    assert orch("state", "init", cwd=doctor.work.path, env=doctor.env).returncode == 0
    for name in ("state-branch", "state-witness", "state-files"):
        assert doctor.look(name)["state"] == "ok"
    found = doctor.look("state-guard")
    assert (found["state"], "rewind or delete orch-state" in found["seen"]) == ("warning", True)
    alice = {"enable_push": True, "enable_push_whitelist": True, "push_whitelist_usernames": ["alice"]}
    for rule, state, words in (
        (alice, "ok", "some users push to orch-state"),
        ({"enable_push": True}, "warning", "everybody with write access"),
        (alice | {"enable_force_push": True}, "warning", "rewind or delete"),
        ({"enable_push": False}, "bad", "no step can be recorded"),
    ):
        doctor.protect("orch-state", **rule)
        found = doctor.look("state-guard")
        assert (found["state"], words in found["seen"]) == (state, True), found
    assert only(doctor.work.path, "state-guard", env=doctor.env | {"ORCH_FORGE_TOKEN": None})["state"] == "unknown"
