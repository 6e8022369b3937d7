"""What `orch-gates init` does at a forge, on the scripted GitHub: made once, recorded, undone (UX-1)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from orch_gates.adopt import record, steps
from orch_gates.adopt.at_forge import AtForge
from orch_gates.adopt.steps import Pages, StepOutcome
from orch_gates.errors import UsageError
from orch_gates.forge.port.protection import Protection
from orch_gates.forge.port.pulls import Merged
from tests.contract.forge_rig import Who
from tests.contract.forge_steps import merged, opened
from tests.contract.github_rig import GithubRig
from tests.fakes.github.server import Github

WANTED = ("merge", "in progress")


@pytest.fixture
def rig(github: Github, tmp_path: Path) -> GithubRig:
    return GithubRig(github, tmp_path)


def at(rig: GithubRig, folder: Path, who: Who = Who.OWNER, *, dry: bool = False) -> AtForge:
    forge = rig.as_(who)
    return AtForge(forge, Pages("https://github.example.invalid", forge.repository), folder, dry)


TARGET = steps.target_rule("main", ("orch/merge/main",), None, up_to_date=True)


def test_labels_are_made_once_and_only_ours_are_taken_away(rig: GithubRig, tmp_path: Path) -> None:
    """One that was there before stays, however spelled; so does one that an issue or a merged pull request has."""
    rig.forge.issues.create("An issue", labels=["Merge"])
    assert [step.outcome for step in at(rig, tmp_path, dry=True).labels(WANTED)] == [StepOutcome.WOULD]
    assert [(step.what, step.outcome) for step in at(rig, tmp_path).labels(WANTED)] == [
        ("label in progress", StepOutcome.DONE)
    ]
    assert [step.outcome for step in at(rig, tmp_path).labels(WANTED)] == [StepOutcome.SO]
    number = rig.forge.issues.create("Another", labels=["in progress"]).number
    assert [step.outcome for step in at(rig, tmp_path).undone()] == [StepOutcome.KEPT]
    rig.forge.issues.close(number)
    (kept,) = at(rig, tmp_path).undone()
    assert (kept.outcome, kept.why) == (StepOutcome.KEPT, "issues or pull requests, open or closed, have this label")
    rig.forge.issues.label(number, remove=["in progress"])
    assert rig.forge.pulls.labelled("in progress") == ()
    pull = opened(rig)
    rig.forge.issues.label(pull.number, add=["in progress"])
    assert isinstance(merged(rig, pull.number, pull.head), Merged)
    assert [step.outcome for step in at(rig, tmp_path).undone()] == [StepOutcome.KEPT]
    assert rig.forge.pulls.get(pull.number).labels == ("in progress",)
    rig.forge.issues.label(pull.number, remove=["in progress"])
    assert [step.outcome for step in at(rig, tmp_path).undone()] == [StepOutcome.DONE]
    assert list(rig.project.offered) == ["Merge"]
    assert list(at(rig, tmp_path).undone()) == []
    assert not (tmp_path / record.NAME).exists()


def test_another_level_takes_back_what_the_one_before_added(rig: GithubRig, tmp_path: Path) -> None:
    """What nobody says any more is required no more; what a person required stays."""
    rig.forge.protections.put(Protection("main", contexts=("build",)))
    assert at(rig, tmp_path).rule("rule", TARGET).outcome is StepOutcome.DONE
    made = record.read(tmp_path).rule("main")
    lower = steps.target_rule("main", ("orch/security/main",), made, up_to_date=False)
    assert at(rig, tmp_path).rule("rule", lower).outcome is StepOutcome.DONE
    found = rig.forge.protections.get("main")
    assert found is not None
    assert (set(found.contexts), found.up_to_date) == ({"build", "orch/security/main"}, False)


def test_a_rule_is_put_and_given_back(rig: GithubRig, tmp_path: Path) -> None:
    """What was there before the first time is what is put back."""
    before = Protection("main", contexts=("build",), approvals=1)
    rig.forge.protections.put(before)
    assert at(rig, tmp_path, dry=True).rule("rule", TARGET).outcome is StepOutcome.WOULD
    assert rig.forge.protections.get("main") == before
    assert at(rig, tmp_path).rule("rule", TARGET).outcome is StepOutcome.DONE
    wanted = Protection("main", contexts=("build", "orch/merge/main"), approvals=1, up_to_date=True)
    assert rig.forge.protections.get("main") == wanted
    assert at(rig, tmp_path).rule("rule", TARGET).outcome is StepOutcome.SO
    rig.forge.protections.put(before)
    again = at(rig, tmp_path).rule("rule", TARGET)
    assert again.outcome is StepOutcome.DONE
    assert again.why.endswith("; somebody changed it since: required status checks")
    assert [step.outcome for step in at(rig, tmp_path).undone()] == [StepOutcome.DONE]
    assert rig.forge.protections.get("main") == before


def test_a_rule_that_somebody_changed_stays(rig: GithubRig, tmp_path: Path) -> None:
    """But for what init required and nobody says any more; what stays, and why, is told (UX-1)."""
    assert at(rig, tmp_path).rule("rule", TARGET).outcome is StepOutcome.DONE
    rule = rig.project.protections["main"]
    rule["required_linear_history"] = True
    rule["required_pull_request_reviews"]["dismissal_restrictions"] = {"users": ["bob"], "teams": []}
    whole = rig.forge.protections.whole("main")
    (told,) = at(rig, tmp_path, dry=True).undone()
    assert (told.outcome, rig.forge.protections.whole("main")) == (StepOutcome.WOULD, whole)
    (step,) = at(rig, tmp_path).undone()
    assert (step.outcome, step.why) == (StepOutcome.DONE, told.why)
    assert step.why == (
        "it loses the required statuses orch/merge/main and the requirement that branches are up to date; the rest "
        "stays, because somebody changed it since: required pull request reviews, required linear history"
    )
    assert step.by_hand.endswith("/settings/branches")
    assert rig.forge.protections.whole("main") == {**whole, "required_status_checks": None}
    assert list(at(rig, tmp_path).undone()) == []


def test_a_rule_whose_statuses_somebody_took_out_stays_whole(rig: GithubRig, tmp_path: Path) -> None:
    """Nothing is left in it that only orch-gates would say; one that is gone is forgotten."""
    assert at(rig, tmp_path).rule("rule", TARGET).outcome is StepOutcome.DONE
    changed = Protection("main", contexts=("build",), approvals=1)
    rig.forge.protections.put(changed)
    (kept,) = at(rig, tmp_path).undone()
    since = "required status checks, required pull request reviews"
    why = f"the whole rule stays, because somebody changed it since: {since}"
    assert (kept.outcome, kept.why) == (StepOutcome.KEPT, why)
    assert rig.forge.protections.get("main") == changed
    rig.forge.protections.remove("main")
    assert [(step.outcome, step.why) for step in at(rig, tmp_path).undone()] == [(StepOutcome.SO, "already gone")]
    assert list(at(rig, tmp_path).undone()) == []


def test_what_one_may_not_do_is_said_with_the_page(rig: GithubRig, tmp_path: Path) -> None:
    """Nothing is recorded that was not done."""
    step = at(rig, tmp_path, Who.WRITER).rule("rule", TARGET)
    assert step.outcome is StepOutcome.FAILED
    assert step.why
    assert f"/{rig.project.full_name}/settings/branches: nobody pushes" in step.by_hand
    (label,) = at(rig, tmp_path, Who.STRANGER).labels(["merge"])
    assert label.outcome is StepOutcome.FAILED
    assert not (tmp_path / record.NAME).exists()


def test_the_record_of_another_repository_is_not_acted_on(rig: GithubRig, tmp_path: Path) -> None:
    """Nor is one that cannot be read: nobody guesses."""
    list(at(rig, tmp_path).labels(["merge"]))
    path = tmp_path / record.NAME
    document = json.loads(path.read_text())
    path.write_text(json.dumps({**document, "repository": "another/one"}))
    assert [step.outcome for step in at(rig, tmp_path).undone()] == [StepOutcome.FAILED]
    assert list(rig.project.offered) == ["merge"]
    for broken in ("{", "[]", json.dumps({**document, "schema": "another"})):
        path.write_text(broken)
        with pytest.raises(UsageError, match="cannot be read"):
            list(at(rig, tmp_path).undone())


def test_an_existing_rule_is_never_loosened(rig: GithubRig, tmp_path: Path) -> None:
    """Whatever it asks for stays, also what only GitHub knows: whose status counts, what reviews need."""
    rig.project.protections["main"] = {
        "required_status_checks": {
            "strict": True,
            "contexts": ["build"],
            "checks": [{"context": "build", "app_id": 15368}],
        },
        "enforce_admins": False,
        "required_pull_request_reviews": {
            "required_approving_review_count": 2,
            "require_code_owner_reviews": True,
            "bypass_pull_request_allowances": {"users": ["bob"], "teams": []},
        },
        "restrictions": {"users": [], "teams": ["justice-league"], "apps": []},
        "required_linear_history": True,
        "allow_force_pushes": True,
    }
    found = rig.forge.protections.whole("main")
    assert (
        at(rig, tmp_path).rule("rule", steps.target_rule("main", ("new",), None, up_to_date=False)).outcome
        is StepOutcome.DONE
    )
    left = rig.forge.protections.whole("main")
    pinned = [{"context": "build", "app_id": 15368}, {"context": "new", "app_id": -1}]
    reviews = {name: value for name, value in found["required_pull_request_reviews"].items() if "bypass" not in name}
    assert left == {
        **found,
        "required_status_checks": {"strict": True, "contexts": [], "checks": pinned},
        "enforce_admins": True,
        "required_pull_request_reviews": reviews,
        "allow_force_pushes": False,
    }
    assert [step.outcome for step in at(rig, tmp_path).undone()] == [StepOutcome.DONE]
    assert rig.forge.protections.whole("main") == found


def test_what_somebody_changed_between_two_runs_is_put_back_with_the_rest(rig: GithubRig, tmp_path: Path) -> None:
    """What they made stricter is not loosened to what was there before them."""
    rig.forge.protections.put(Protection("main", approvals=1))
    assert at(rig, tmp_path).rule("rule", TARGET).outcome is StepOutcome.DONE
    rig.project.protections["main"]["required_pull_request_reviews"]["required_approving_review_count"] = 3
    rig.project.protections["main"]["enforce_admins"] = False
    again = at(rig, tmp_path).rule("rule", TARGET)
    assert (again.outcome, "changed it since: enforce admins, required pull request reviews" in again.why) == (
        StepOutcome.DONE,
        True,
    )
    assert [step.outcome for step in at(rig, tmp_path).undone()] == [StepOutcome.DONE]
    assert rig.forge.protections.get("main") == Protection("main", approvals=3, admins=False)


def test_a_state_branch_that_nobody_may_push_to_is_left_so(rig: GithubRig, tmp_path: Path) -> None:
    """Somebody closed it; opening it is theirs to decide."""
    rig.push("orch-state", {"a": "b\n"})
    closed = Protection("orch-state", contexts=("build",), approvals=1)
    rig.forge.protections.put(closed)
    step = at(rig, tmp_path).rule("rule", steps.state_rule("orch-state"))
    assert (step.outcome, step.why.split(",")[0]) == (StepOutcome.FAILED, "the rule lets nobody push")
    assert rig.forge.protections.get("orch-state") == closed
