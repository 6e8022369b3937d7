"""`orch-gates doctor` on the scripted GitHub: what a token is told there, and both kinds of its rules."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.builders import Repo
from tests.contract.test_forge_github_rules import KEPT, REVIEWS, rule
from tests.doctor_rig import Found, only
from tests.fakes.github.server import Github

Look = Callable[..., Found]


@pytest.fixture
def look(github: Github, tmp_path: Path) -> Look:
    """One check in a clone of the project; Alice, its administrator, asks."""

    def run(name: str, scopes: str | None = "repo", **env: str) -> Found:
        told = {
            "ORCH_CACHE_DIR": str(tmp_path / "cache"),
            "ORCH_FORGE": "github",
            "ORCH_FORGE_URL": github.url,
            "ORCH_FORGE_REPOSITORY": github.project.full_name,
            "ORCH_FORGE_TOKEN": github.token("alice", scopes),
        }
        return only(tmp_path / "work", name, env={**told, **env})

    return run


def test_the_token(look: Look) -> None:
    """A classic one tells its scopes, a fine-grained one none."""
    assert look("token")["state"] == look("token", None)["state"] == "ok"
    assert look("token", "read:org")["state"] == "bad"
    found = look("token", "repo, delete_repo, admin:org")
    assert (found["state"], "admin:org" in found["seen"]) == ("warning", True)


def test_the_secret_of_the_workflows(github: Github, look: Look, tmp_path: Path) -> None:
    """It may be the repository's, the organisation's, or an environment's; to who only reads it could not be told."""
    assert look("secrets")["state"] == "not used"
    work = Repo(tmp_path / "work")
    work.commit(files={".github/workflows/queue.yml": "on: push\nenv: {A: '${{ secrets.ORCH_TOKEN }}'}\n"})
    work.git("push", "--quiet", "origin", "HEAD:refs/heads/main")
    work.git("fetch", "--quiet")
    found = look("secrets")
    assert (found["state"], "need the secret ORCH_TOKEN, but" in found["seen"]) == ("bad", True)
    assert found["mend"].endswith(f"{github.project.full_name}/settings/secrets/actions")
    for place in ("", "organization", "merge / it"):
        github.project.secrets[place] = ["ANOTHER", "ORCH_TOKEN"]
        assert look("secrets")["state"] == "ok"
        github.project.secrets[place] = ["ANOTHER"]
        assert look("secrets")["state"] == "bad"
    found = look("secrets", ORCH_FORGE_TOKEN=github.token("carol", "repo"))
    assert (found["state"], "administrators only" in found["seen"]) == ("unknown", True)


def test_branches_that_are_deleted(github: Github, look: Look) -> None:
    """GitHub does it whatever a merge request says, and later gates judge those branches."""
    github.project.deletes_branches = True
    found = look("merge-styles")
    assert (found["state"], "deleted after a merge" in found["seen"]) == ("bad", True)


def test_protection_of_a_branch(github: Github, look: Look) -> None:
    """No rule, one with a hole, and one without."""
    assert look("protection")["state"] == "bad"
    kept = {"enforce_admins": True, "required_pull_request_reviews": {"required_approving_review_count": 0}}
    github.project.protections["main"] = {**kept, "required_status_checks": None, "restrictions": None}
    assert look("protection")["state"] == "ok"
    github.project.protections["main"]["allow_force_pushes"] = True
    found = look("protection")
    assert (found["state"], "force main" in found["seen"]) == ("bad", True)


def test_rulesets(github: Github, look: Look) -> None:
    """Who may bypass them is told to nobody, so as a fence they are never green."""
    checks = [{"context": "orch/merge/main"}]
    github.project.rules = [
        *KEPT,
        rule("pull_request", required_approving_review_count=1, **REVIEWS),
        rule("required_status_checks", required_status_checks=checks, strict_required_status_checks_policy=True),
    ]
    assert "so nothing posts it" in look("protection")["seen"]
    found = look("protection", ORCH_MERGE_FENCE="status")
    assert (found["state"], "bypass" in found["seen"]) == ("unknown", True)
    github.project.rules = KEPT[:1]
    assert look("protection")["state"] == "bad"
