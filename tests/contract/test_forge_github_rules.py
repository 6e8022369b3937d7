"""Merges, rules, labels and tokens as only GitHub has them; on the scripted server, not on GitHub."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

import pytest

from orch_gates.errors import ForgeRefused, ForgeUnavailable, ForgeUnclear
from orch_gates.forge.github.connect import connect
from orch_gates.forge.port.checks import CommitStatus, StatusState
from orch_gates.forge.port.forge import Forge
from orch_gates.forge.port.protection import BranchRule, Protection
from orch_gates.forge.port.protection import Who as Pushers
from orch_gates.forge.port.pulls import (
    AlreadyMerged,
    Ambiguous,
    Closed,
    Conflict,
    Draft,
    Forbidden,
    HeadMoved,
    NotReady,
    PullState,
    Scheduled,
    Transient,
)
from tests.contract.forge_rig import Who
from tests.contract.forge_steps import landing, merged, opened
from tests.contract.github_rig import GithubRig
from tests.fakes.github.project import Comment, Pull
from tests.fakes.github.server import Github

DOCS = {"documentation_url": "https://docs.github.com/rest"}
INFO = {"ruleset_source_type": "Repository", "ruleset_source": "orchard/project", "ruleset_id": 42}
KEPT = [{"type": "deletion", **INFO}, {"type": "non_fast_forward", **INFO}]
REVIEWS = {
    **dict.fromkeys(("dismiss_stale_reviews_on_push", "require_code_owner_review"), False),
    **dict.fromkeys(("require_last_push_approval", "required_review_thread_resolution"), False),
}


@pytest.fixture
def rig(github: Github, tmp_path: Path) -> GithubRig:
    return GithubRig(github, tmp_path)


def asked_by(rig: GithubRig, token: str) -> Forge:
    return connect(rig.server.url, rig.project.full_name, token, 10)


def rule(kind: str, **parameters: Any) -> dict[str, Any]:
    return {"type": kind, "parameters": parameters, **INFO}


class TestMerges:
    """MRG-8: what GitHub does not say, it is asked for; what it cannot say, git has to."""

    def test_nobody_knows_at_once_whether_it_merges(self, rig: GithubRig) -> None:
        """It is null while GitHub looks: neither yes nor no."""
        rig.push("topic", {"topic.txt": "one\n"})
        number = rig.forge.pulls.open(Draft("topic", "main", "Land topic")).number
        rig.push("main", {"other.txt": "x\n"})
        assert [rig.forge.pulls.get(number).mergeable for _ in range(2)] == [None, True]
        rig.forge.pulls.close(number)
        assert rig.forge.pulls.get(number).mergeable is None

    def test_a_conflict_is_told_by_the_look_after_the_refusal(self, rig: GithubRig) -> None:
        """GitHub begins to look for one when it is first asked about the pull request."""
        made = opened(rig)
        rig.push("main", {"topic.txt": "something else\n"})
        assert rig.forge.pulls.merge(made.number, landing(rig, made)) == Conflict()

    @pytest.mark.parametrize("path", ["/pulls/", "/branches/"])
    def test_without_a_look_before_it_nothing_is_asked_for(self, rig: GithubRig, path: str) -> None:
        """What is not known to be as expected is not merged (MRG-16)."""
        made = opened(rig)
        rig.server.says(500, {"message": "Server Error", **DOCS}, method="GET", path=path)
        assert isinstance(rig.forge.pulls.merge(made.number, landing(rig, made)), Transient)
        assert not any(asked.startswith("PUT") for asked in rig.server.asked)

    def test_a_conflict_of_another_head_is_none_of_ours(self, rig: GithubRig) -> None:
        """GitHub says that it does not merge before it looks at the head that was sent along."""
        made = opened(rig)
        rig.push("topic", {"topic.txt": "two\n"})
        rig.push("main", {"topic.txt": "something else\n"})
        rig.forge.pulls.get(made.number)
        rig.server.says(405, {"message": "Pull Request is not mergeable", **DOCS}, method="PUT")
        assert rig.forge.pulls.merge(made.number, landing(rig, made)) == HeadMoved()

    @pytest.mark.parametrize("status", [409, 422])
    def test_a_refusal_without_a_known_word_is_looked_into(self, rig: GithubRig, status: int) -> None:
        made = opened(rig)
        rig.forge.pulls.get(made.number)
        request = landing(rig, made)
        rig.server.says(status, {"message": "Words that nobody has seen", **DOCS}, method="PUT")
        assert isinstance(rig.forge.pulls.merge(made.number, request), Ambiguous)
        rig.forge.pulls.close(made.number)
        assert rig.forge.pulls.merge(made.number, request) == Closed()

    @pytest.mark.parametrize("status", [500, 502, 503])
    def test_an_answer_that_was_lost_after_the_merge(self, rig: GithubRig, status: int) -> None:
        """Asked again, GitHub says only that it cannot be merged; the pull request says why."""
        made, base = opened(rig), rig.tip("main")
        rig.server.says(status, {"message": "Server Error", **DOCS}, method="PUT", after=True)
        assert isinstance(rig.forge.pulls.merge(made.number, landing(rig, made)), Ambiguous)
        landed = rig.tip("main")
        assert rig.parents(landed)[1] == made.head
        assert merged(rig, made.number, made.head, base=base) == AlreadyMerged(landed)
        assert rig.tip("main") == landed

    def test_a_queue_has_to_be_left_to_itself(self, rig: GithubRig) -> None:
        made, base = opened(rig), rig.tip("main")
        rig.project.queued.add(made.number)
        assert merged(rig, made.number, made.head) == Scheduled()
        rig.project.queued.clear()
        rig.project.rules.append(rule("merge_queue"))
        found = merged(rig, made.number, made.head)
        assert isinstance(found, Forbidden)
        assert "exempt who merges from the queue" in found.reason
        assert rig.tip("main") == base

    def test_a_missing_approval_is_waited_for(self, rig: GithubRig) -> None:
        made = opened(rig)
        rig.forge.protections.put(Protection("main", approvals=1))
        found = merged(rig, made.number, made.head)
        assert isinstance(found, NotReady)
        assert "approving review is required" in found.reason

    def test_an_archived_repository_says_so(self, rig: GithubRig) -> None:
        made = opened(rig)
        rig.project.archived = True
        found = merged(rig, made.number, made.head)
        assert isinstance(found, Forbidden)
        assert "unarchive it" in found.reason
        assert rig.forge.server.access().archived

    def test_a_forks_branch_of_the_same_name_is_another(self, rig: GithubRig) -> None:
        made = opened(rig)
        number = rig.project.number()
        rig.project.pulls[number] = Pull(number, "topic", "main", "Mine", "", "eve", made.head, fork=True)
        assert [pull.number for pull in rig.forge.pulls.find("topic", "main")] == [made.number]

    def test_a_filter_that_github_ignores_finds_nothing_else(self, rig: GithubRig) -> None:
        """A head that it cannot read is no filter to it: then it lists every pull request."""
        other = opened(rig, "other")
        row = rig.server.shapes.pull(rig.project.pulls[other.number], listed=True)
        rig.server.says(200, [row], path="/pulls?")
        assert rig.forge.pulls.find("topic", "main") == ()

    def test_what_was_only_tried_is_no_merge(self, rig: GithubRig) -> None:
        """An open or closed one has a merge_commit_sha too."""
        made = opened(rig)
        assert rig.forge.pulls.close(made.number).merge_commit == ""
        assert rig.forge.pulls.close(made.number).state is PullState.CLOSED
        assert sum(asked.startswith("PATCH") for asked in rig.server.asked) == 1
        assert rig.forge.pulls.get(made.number).state is PullState.CLOSED

    def test_nothing_to_merge_cannot_be_opened(self, rig: GithubRig) -> None:
        rig.project.bare.git("update-ref", "refs/heads/topic", rig.tip("main"))
        with pytest.raises(ForgeRefused, match="No commits between main and topic"):
            rig.forge.pulls.open(Draft("topic", "main", "Nothing"))


class TestRules:
    """What is told of a branch is the least that holds."""

    def test_rulesets_are_seen(self, rig: GithubRig) -> None:
        """Without saying that administrators are held to them: who may bypass them is not told."""
        checks = [{"context": "build"}, {"context": "orch/security", "integration_id": 7}]
        rig.project.rules = [
            *KEPT,
            rule("pull_request", required_approving_review_count=1, **REVIEWS),
            rule("pull_request", required_approving_review_count=2, **REVIEWS),
            rule("required_status_checks", required_status_checks=checks, strict_required_status_checks_policy=True),
        ]
        found = rig.in_pages(2).protections.get("main")
        told = Protection("main", ("build", "orch/security"), approvals=2, pushes=False, admins=False, up_to_date=True)
        assert found == told

    def test_rules_that_keep_nothing_in_place_are_no_protection(self, rig: GithubRig) -> None:
        for rules in ([], KEPT[:1], KEPT[1:], [rule("pull_request", required_approving_review_count=1, **REVIEWS)]):
            rig.project.rules = rules
            assert rig.forge.protections.get("main") is None
        rig.project.rules = KEPT
        assert rig.forge.protections.get("main") == Protection("main", pushes=True, admins=False)

    @pytest.mark.parametrize("switch", ["allow_force_pushes", "allow_deletions"])
    def test_a_rule_that_lets_history_go_is_no_protection(self, rig: GithubRig, switch: str) -> None:
        rig.forge.protections.put(Protection("main"))
        rig.project.protections["main"][switch] = True
        assert rig.forge.protections.get("main") is None
        rig.forge.protections.put(Protection("main"))
        assert rig.forge.protections.get("main") == Protection("main")

    def test_what_a_rule_leaves_open_is_told(self, rig: GithubRig) -> None:
        """Also of a rule that is no protection, and of rulesets, of which nobody is told who may bypass them."""
        assert rig.forge.protections.rule("main") is None
        rig.forge.protections.put(Protection("main", contexts=("build",)))
        rig.project.protections["main"] |= {"allow_force_pushes": True, "allow_deletions": True}
        rig.project.protections["main"]["required_status_checks"]["strict"] = True
        assert rig.forge.protections.rule("main") == BranchRule(
            "main", Pushers.NOBODY, forced=True, deleted=True, contexts=("build",), up_to_date=True, admins=True
        )
        rig.project.protections.clear()
        checks = [{"context": "build"}]
        strict = rule(
            "required_status_checks", required_status_checks=checks, strict_required_status_checks_policy=True
        )
        rig.project.rules = [*KEPT, strict]
        assert rig.forge.protections.rule("main") == BranchRule(
            "main", Pushers.EVERYBODY, forced=False, deleted=False, contexts=("build",), up_to_date=True, admins=None
        )
        rig.project.rules = [strict]
        found = rig.forge.protections.rule("main")
        assert found is not None
        assert (found.forced, found.deleted) == (True, True)

    def test_what_a_rule_has_beyond_ours_stays(self, rig: GithubRig) -> None:
        """GitHub replaces the whole rule: what is not sent with it is lost."""
        rig.forge.protections.put(Protection("main", contexts=("build",), approvals=1))
        put = rig.project.protections["main"]
        put["required_linear_history"] = put["required_conversation_resolution"] = True
        put["required_pull_request_reviews"] |= {"require_code_owner_reviews": True, "dismiss_stale_reviews": True}
        rig.forge.protections.put(Protection("main", contexts=("build", "test"), approvals=2))
        now = rig.project.protections["main"]
        assert now["required_linear_history"] is now["required_conversation_resolution"] is True
        assert now["required_status_checks"] == {"strict": False, "contexts": ["build", "test"]}
        assert now["required_pull_request_reviews"] == {
            "require_code_owner_reviews": True,
            "dismiss_stale_reviews": True,
            "required_approving_review_count": 2,
        }
        assert rig.forge.protections.get("main") == Protection("main", ("build", "test"), approvals=2)

    def test_who_may_dismiss_reviews_stays(self, rig: GithubRig) -> None:
        rig.forge.protections.put(Protection("main"))
        names = {"users": ["bob"], "teams": [], "apps": []}
        rig.project.protections["main"]["required_pull_request_reviews"]["dismissal_restrictions"] = names
        rig.forge.protections.put(Protection("main", approvals=1))
        reviews = rig.project.protections["main"]["required_pull_request_reviews"]
        assert reviews["dismissal_restrictions"] == names

    def test_teams_and_apps_may_merge_too(self, rig: GithubRig) -> None:
        wanted = Protection("main", mergers=("bob", "gates[bot]", "orchard/reviewers"))
        rig.forge.protections.put(wanted)
        assert rig.project.protections["main"]["restrictions"] == {
            "users": ["bob"],
            "teams": ["reviewers"],
            "apps": ["gates"],
        }
        assert rig.forge.protections.get("main") == wanted

    def test_nobody_is_not_everybody(self, rig: GithubRig) -> None:
        rig.forge.protections.put(Protection("main", mergers=("bob",)))
        rig.project.protections["main"]["restrictions"]["users"] = []
        with pytest.raises(ForgeUnavailable, match="lets nobody merge"):
            rig.forge.protections.get("main")

    def test_who_needs_no_pull_request_pushes(self, rig: GithubRig) -> None:
        rig.forge.protections.put(Protection("main"))
        reviews = rig.server.shapes.protection("main")
        allowed = {"users": [rig.server.shapes.user("bob")], "teams": [], "apps": []}
        reviews["required_pull_request_reviews"]["bypass_pull_request_allowances"] = allowed
        rig.server.says(200, reviews, path="/protection")
        found = rig.forge.protections.get("main")
        assert found is not None
        assert found.pushes

    def test_approvals_and_pushes_do_not_go_together(self, rig: GithubRig) -> None:
        with pytest.raises(ForgeRefused, match="nothing was changed"):
            rig.forge.protections.put(Protection("main", approvals=1, pushes=True))
        assert rig.server.asked == []

    def test_a_rule_that_may_not_be_seen_is_not_missing(self, rig: GithubRig) -> None:
        rig.forge.protections.put(Protection("main"))
        for who in (Who.WRITER, Who.STRANGER):
            with pytest.raises(ForgeRefused):
                rig.as_(who).protections.get("main")


class TestLabels:
    """TRK-1."""

    def test_labels_that_are_dropped_are_not_lost_in_silence(self, rig: GithubRig) -> None:
        """GitHub opens the issue all the same; a tracker that looks for its label would never find it."""
        with pytest.raises(ForgeUnclear, match=r"issue 1 was opened without its labels: .* lacks a permission"):
            rig.as_(Who.STRANGER).issues.create("Greet the user", labels=["task"])
        assert rig.as_(Who.STRANGER).issues.create("Without a label").labels == ()

    def test_a_label_that_somebody_else_removes_meanwhile(self, rig: GithubRig) -> None:
        number = rig.forge.issues.create("Greet the user", labels=["red"]).number
        rig.server.says(404, {"message": "Label does not exist", **DOCS}, method="DELETE", after=True)
        assert rig.forge.issues.label(number, remove=["red"]).labels == ()

    def test_a_label_that_stays_is_told(self, rig: GithubRig) -> None:
        number = rig.forge.issues.create("Greet the user", labels=["red"]).number
        rig.server.says(403, {"message": "Must have admin rights to Repository.", **DOCS}, method="DELETE")
        with pytest.raises(ForgeRefused):
            rig.forge.issues.label(number, remove=["red"])

    def test_a_pull_request_is_not_closed_as_an_issue(self, rig: GithubRig) -> None:
        """GitHub would do it: every pull request is an issue there."""
        made = opened(rig)
        with pytest.raises(ForgeRefused, match="it is a pull request"):
            rig.forge.issues.close(made.number)
        assert rig.forge.pulls.get(made.number).state is PullState.OPEN

    @pytest.mark.parametrize("label", ["queue", "now, please"])
    def test_a_fork_is_marked_in_the_list(self, rig: GithubRig, label: str) -> None:
        """MRG-16: whoever labels it does not make its branch one of ours."""
        made = opened(rig)
        rig.forge.issues.label(made.number, add=[label])
        rig.project.pulls[made.number].fork = True
        (found,) = rig.forge.pulls.labelled(label)
        assert (found.number, found.fork) == (made.number, True)

    def test_one_that_is_closed_since_the_list_was_read_is_not_in_it(self, rig: GithubRig) -> None:
        made = opened(rig)
        rig.forge.issues.label(made.number, add=["queue"])
        rows = [rig.server.shapes.pull_as_issue(rig.project.pulls[made.number])]
        rig.forge.pulls.close(made.number)
        rig.server.says(200, rows, path="/issues")
        assert rig.forge.pulls.labelled("queue") == ()

    def test_unlabelled_pull_requests_cost_no_calls(self, rig: GithubRig) -> None:
        """One for the list, and one for each that has the label: the list shows no heads."""
        pulls = [opened(rig, f"topic-{number}").number for number in range(4)]
        for number in pulls[:2]:
            rig.forge.issues.label(number, add=["queue"])
        rig.server.asked.clear()
        assert [pull.number for pull in rig.forge.pulls.labelled("queue")] == pulls[:2]
        path = f"/repos/{rig.project.full_name}"
        assert rig.server.asked == [f"GET {path}/issues", *(f"GET {path}/pulls/{number}" for number in pulls[:2])]

    def test_a_comment_of_an_account_that_is_gone(self, rig: GithubRig) -> None:
        made = opened(rig)
        rig.project.comments.append(Comment(7, made.number, "", "Noted."))
        assert [(one.id, one.author) for one in rig.forge.issues.comments(made.number)] == [(7, "")]

    def test_one_with_a_comma_is_one(self, rig: GithubRig) -> None:
        made = rig.forge.issues.create("Greet the user", labels=["red, and blue"])
        rig.forge.issues.create("Another", labels=["red"])
        assert [issue.number for issue in rig.forge.issues.list(label="red, and blue")] == [made.number]


class TestTokens:
    """Who asks, and what GitHub tells of it."""

    def test_a_classic_token_tells_its_scopes(self, rig: GithubRig) -> None:
        access = asked_by(rig, rig.server.token("alice", "workflow, repo")).server.access()
        assert (access.scopes, access.can_write, access.is_admin) == (("repo", "workflow"), True, True)

    @pytest.mark.parametrize(
        ("scopes", "private", "writes"),
        [("", False, False), ("read:org", False, False), ("public_repo", False, True), ("public_repo", True, False)],
    )
    def test_without_the_scope_nobody_writes(self, rig: GithubRig, scopes: str, private: bool, writes: bool) -> None:
        rig.project.private = private
        access = asked_by(rig, rig.server.token("alice", scopes)).server.access()
        assert (access.can_write, access.is_admin) == (writes, writes)

    def test_others_do_not(self, rig: GithubRig) -> None:
        assert rig.forge.server.access().scopes is None

    def test_an_apps_own_token_has_no_login(self, rig: GithubRig) -> None:
        """Nor has the token that a workflow is given; what it may is not told, except that it reads."""
        forge = asked_by(rig, rig.server.token("bob", app=True))
        access = forge.server.access()
        assert (access.login, access.can_read, access.can_write, access.is_admin) == ("", True, None, None)
        forge.statuses.post(rig.tip("main"), CommitStatus("build", StatusState.SUCCESS))

    def test_a_wrong_token_or_name_is_told(self, rig: GithubRig) -> None:
        with pytest.raises(ForgeRefused, match="the token is wrong"):
            asked_by(rig, secrets.token_hex(20)).server.access()
        token = rig.server.token("alice")
        with pytest.raises(ForgeRefused, match="may not see it"):
            connect(rig.server.url, "orchard/another", token, 10).server.access()
        moved = {"message": "Moved Permanently", "url": "https://api.github.com/repositories/7", **DOCS}
        rig.server.says(301, moved, {"Location": "https://api.github.com/repositories/7"})
        with pytest.raises(ForgeRefused, match="has moved to https://api"):
            asked_by(rig, token).server.access()

    def test_another_server_is_no_github(self, rig: GithubRig) -> None:
        rig.server.says(200, {"version": "1.26.4"}, path="/meta", like_github=False)
        with pytest.raises(ForgeUnavailable, match="is not the API of a GitHub"):
            rig.forge.server.about()

    def test_the_release_of_an_enterprise_server(self, rig: GithubRig) -> None:
        assert rig.forge.server.about().version == "3.19.0"

    def test_the_token_is_in_no_message(self, rig: GithubRig) -> None:
        token = rig.server.token("alice")
        rig.server.says(403, {"message": f"Bad {token[:3]}\u202e\nnews", **DOCS})
        with pytest.raises(ForgeRefused) as raised:
            asked_by(rig, token).statuses.post(rig.tip("main"), CommitStatus("build", StatusState.SUCCESS))
        assert token not in str(raised.value)
        assert "\u202e" not in str(raised.value)
