"""What a forge promises, on a scripted GitHub that is held against GitHub's own description; none of it is GitHub.

Then what only GitHub has: limits, check runs, apps, queues, rulesets.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from orch_gates.errors import ForgeRefused, ForgeUnavailable
from orch_gates.forge.github.connect import DIALECT, api_url
from orch_gates.forge.http import Api
from orch_gates.forge.port.checks import CommitStatus, ReviewState, StatusState
from orch_gates.forge.port.pulls import (
    Transient,
)
from orch_gates.forge.port.workflows import RunState
from tests.builders import orch
from tests.contract.forge_rig import Who
from tests.contract.forge_steps import landing, opened
from tests.contract.forge_suite import ForgeContract
from tests.contract.github_rig import GithubRig
from tests.fakes.github.description import Description
from tests.fakes.github.project import CheckRun, Review, Run
from tests.fakes.github.server import Github
from tests.fakes.github.shapes import REPO

DOCS = {"documentation_url": "https://docs.github.com/rest"}
SECONDARY = {"message": "You have exceeded a secondary rate limit.", **DOCS}


@pytest.fixture
def rig(github: Github, tmp_path: Path) -> GithubRig:
    return GithubRig(github, tmp_path)


class TestForge(ForgeContract):
    """The whole suite of the port."""


def asks(rig: GithubRig) -> list[Callable[[], object]]:
    """One question to each port."""
    forge, head = rig.forge, rig.tip("main")
    return [
        lambda: forge.pulls.find("topic", "main"),
        lambda: forge.statuses.latest(head),
        lambda: forge.protections.get("main"),
        forge.issues.list,
        forge.workflows.runs,
        forge.server.access,
    ]


class TestTheServerItself:
    """The stand-in can say no: what GitHub does not describe does not pass by it."""

    @pytest.mark.parametrize(
        ("method", "path", "document", "words"),
        [
            ("POST", "/issues", {"title": "One", "colour": "red"}, "colour is not described"),
            ("POST", "/issues", {"body": "without a title"}, "'title' is a required property"),
            ("POST", "/statuses/main", {"state": "skipped"}, "'skipped' is not one of"),
            ("PUT", "/pulls/1/merge", {"merge_method": "merge", "Do": "merge"}, "Do is not described"),
            ("GET", "/pulls?label=x", None, "query parameter label is not described"),
            ("GET", "/pulls?per_page=1000", None, "per_page is more than GitHub gives"),
            ("GET", "/pulls?state=merged", None, "'merged' is not one of"),
            ("GET", "/branch_protections", None, "is not served here"),
        ],
    )
    def test_a_request_that_github_does_not_describe(
        self, rig: GithubRig, method: str, path: str, document: object, words: str
    ) -> None:
        api = Api(api_url(rig.server.url), rig.server.token("alice"), 10, DIALECT)
        assert api.ask(method, f"/repos/{rig.project.full_name}{path}", document).status in {404, 500}
        assert any(words in found for found in rig.server.violations), rig.server.violations
        rig.server.violations.clear()

    def test_an_answer_that_github_does_not_describe(self, rig: GithubRig) -> None:
        rig.server.says(200, [{"number": 1, "title": "without the rest"}], path="/pulls")
        with pytest.raises(ForgeUnavailable):
            rig.forge.pulls.find("topic", "main")
        assert any("is a required property" in found for found in rig.server.violations)
        rig.server.violations.clear()

    def test_examples_of_github_are_what_it_says_of_them(self, github_description: Description) -> None:
        """Where they are not, the stand-in mends them."""
        for method, template in (("GET", f"{REPO}/issues"), ("GET", f"{REPO}/commits/{{ref}}/check-runs")):
            operation = github_description.operation(method, template)
            assert list(operation.wrong_answer(200, operation.example())) == []


class TestLimits:
    """faults.md: nothing was done, and nothing follows from it."""

    def test_the_hours_limit_is_no_answer(self, rig: GithubRig) -> None:
        headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(time.time()) + 1800)}
        for ask in asks(rig):
            rig.server.says(403, {"message": "API rate limit exceeded for user ID 1.", **DOCS}, headers)
            with pytest.raises(ForgeUnavailable, match="this hour's requests are used up") as raised:
                ask()
            assert not isinstance(raised.value, ForgeRefused)

    def test_a_secondary_limit_is_waited_for(self, rig: GithubRig) -> None:
        made = opened(rig)
        rig.server.says(403, SECONDARY, {"Retry-After": "0"}, path="/pulls")
        assert [pull.number for pull in rig.forge.pulls.find("topic", "main")] == [made.number]

    def test_a_merge_that_a_limit_stops_is_asked_for_once(self, rig: GithubRig) -> None:
        made = opened(rig)
        rig.server.says(403, SECONDARY, {"Retry-After": "45"}, method="PUT")
        found = rig.forge.pulls.merge(made.number, landing(rig, made))
        assert isinstance(found, Transient)
        assert found.wait == 45
        assert sum(asked.startswith("PUT") for asked in rig.server.asked) == 1


class TestChecks:
    """Check runs are what CI says, beside commit statuses (ENG-1)."""

    def run(
        self,
        rig: GithubRig,
        name: str,
        conclusion: str | None,
        suite: int = 1,
        status: str = "completed",
        app: str = "github-actions",
    ) -> None:
        made = CheckRun(rig.project.id(), rig.tip("main"), name, status, conclusion, suite, f"{name} said", app)
        rig.project.checks.append(made)

    def caused(self, rig: GithubRig, suite: int, event: str) -> None:
        made = Run(rig.project.id(), "gates.yml", event, rig.tip("main"), "main", "completed", "success", suite)
        rig.project.runs.append(made)

    def test_they_count_as_statuses(self, rig: GithubRig) -> None:
        rig.forge.statuses.post(rig.tip("main"), CommitStatus("old", StatusState.SUCCESS))
        for name, conclusion in (
            *(("a", "success"), ("b", "failure"), ("c", "neutral"), ("d", "skipped")),
            *(("e", "cancelled"), ("f", "timed_out"), ("g", "action_required")),
        ):
            self.run(rig, name, conclusion)
        self.run(rig, "h", None, status="in_progress")
        self.run(rig, "i", None, status="queued")
        found = rig.in_pages(2).statuses.latest(rig.tip("main"))
        assert [(one.context, one.state.value) for one in found] == [
            *(("a", "success"), ("b", "failure"), ("c", "skipped"), ("d", "skipped"), ("e", "failure")),
            *(("f", "failure"), ("g", "failure"), ("h", "pending"), ("i", "pending"), ("old", "success")),
        ]
        assert found[0].description == "a said"
        assert found[0].url

    def test_a_word_that_is_not_known_is_never_green(self, rig: GithubRig) -> None:
        body = rig.server.shapes.example(f"GET {REPO}/commits/{{ref}}/check-runs")
        rows = [("completed", "splendid"), ("completed", None), ("frozen", "success")]
        runs = [
            {**body["check_runs"][0], "name": f"job {number}", "status": status, "conclusion": conclusion}
            for number, (status, conclusion) in enumerate(rows)
        ]
        answer = {"total_count": 3, "check_runs": runs}
        rig.server.says(200, answer, path="/check-runs", like_github=False)
        status = rig.server.shapes.example(f"GET {REPO}/commits/{{ref}}/statuses")[0]
        rig.server.says(200, [{**status, "state": "splendid"}], path="/statuses", like_github=False)
        found = rig.forge.statuses.latest(rig.tip("main"))
        assert len(found) == 4
        assert {one.state for one in found} == {StatusState.UNKNOWN}

    def test_the_latest_word_counts_in_whatever_order_they_come(self, rig: GithubRig) -> None:
        for state in (StatusState.FAILURE, StatusState.SUCCESS):
            rig.forge.statuses.post(rig.tip("main"), CommitStatus("build", state))
        rows = [rig.server.shapes.status(one) for one in rig.project.statuses]
        for order in (rows, rows[::-1]):
            rig.server.says(200, order, path="/statuses")
            (found,) = rig.forge.statuses.latest(rig.tip("main"))
            assert found.state is StatusState.SUCCESS

    def test_one_that_ran_again_replaces_itself(self, rig: GithubRig) -> None:
        self.run(rig, "build", "failure")
        self.run(rig, "build", "success")
        (found,) = rig.forge.statuses.latest(rig.tip("main"))
        assert found.state is StatusState.SUCCESS

    @pytest.mark.parametrize("order", [("success", "failure"), ("failure", "success")])
    def test_of_two_with_one_name_the_worse_counts(self, rig: GithubRig, order: tuple[str, str]) -> None:
        """The same job for the push and for the pull request: which was meant, nobody can say."""
        for suite, (conclusion, event) in enumerate(zip(order, ("push", "pull_request"), strict=True), 1):
            self.run(rig, "build", conclusion, suite)
            self.caused(rig, suite, event)
        (found,) = rig.forge.statuses.latest(rig.tip("main"))
        assert found.state is StatusState.FAILURE

    @pytest.mark.parametrize("app", ["github-actions", "another-ci"])
    @pytest.mark.parametrize(
        ("order", "state"),
        [
            (("failure", "success"), StatusState.SUCCESS),
            (("cancelled", "success"), StatusState.SUCCESS),
            (("success", "failure"), StatusState.FAILURE),
        ],
    )
    def test_a_suite_that_was_made_anew_replaces_the_older(
        self, rig: GithubRig, app: str, order: tuple[str, str], state: StatusState
    ) -> None:
        """A pull request that was edited, a run that its successor cancelled: what is old is over."""
        for suite, conclusion in enumerate(order, 1):
            self.run(rig, "build", conclusion, suite, app=app)
            if app == "github-actions":
                self.caused(rig, suite, "pull_request")
        (found,) = rig.forge.statuses.latest(rig.tip("main"))
        assert found.state is state

    def test_which_runs_they_are_of_may_be_hidden(self, rig: GithubRig) -> None:
        """Then each of them counts: a token that sees less turns nothing green."""
        for suite, conclusion in enumerate(("failure", "success"), 1):
            self.run(rig, "build", conclusion, suite)
            self.caused(rig, suite, "pull_request")
        rig.server.says(403, {"message": "Resource not accessible by personal access token", **DOCS}, path="/actions")
        (found,) = rig.forge.statuses.latest(rig.tip("main"))
        assert found.state is StatusState.FAILURE

    @pytest.mark.parametrize("conclusion", ["skipped", None])
    def test_a_check_and_a_status_with_one_name(self, rig: GithubRig, conclusion: str | None) -> None:
        rig.forge.statuses.post(rig.tip("main"), CommitStatus("build", StatusState.SUCCESS))
        self.run(rig, "build", conclusion, status="completed" if conclusion else "in_progress")
        (found,) = rig.forge.statuses.latest(rig.tip("main"))
        assert found.state in {StatusState.SKIPPED, StatusState.PENDING}

    @pytest.mark.parametrize("part", ["/statuses", "/check-runs"])
    def test_one_half_alone_is_no_answer(self, rig: GithubRig, part: str) -> None:
        """A fine-grained token of a person may not see check runs: that is no empty list of them."""
        rig.forge.statuses.post(rig.tip("main"), CommitStatus("build", StatusState.SUCCESS))
        words = {"message": "Resource not accessible by personal access token", **DOCS}
        rig.server.says(403, words, {"X-Accepted-GitHub-Permissions": "checks=read"}, path=part)
        with pytest.raises(ForgeRefused, match="checks=read"):
            rig.forge.statuses.latest(rig.tip("main"))

    @pytest.mark.parametrize("state", [StatusState.SKIPPED, StatusState.UNKNOWN])
    def test_a_state_that_github_lacks_is_not_told_as_another(self, rig: GithubRig, state: StatusState) -> None:
        with pytest.raises(ForgeRefused, match="nothing was posted"):
            rig.forge.statuses.post(rig.tip("main"), CommitStatus("orch/merge", state))
        assert rig.server.asked == []

    def test_a_long_description_is_cut(self, rig: GithubRig) -> None:
        rig.forge.statuses.post(rig.tip("main"), CommitStatus("build", StatusState.FAILURE, "x" * 1000))
        (found,) = rig.forge.statuses.latest(rig.tip("main"))
        assert found.description == "x" * 140


class TestReviews:
    """Whose words count (ENG-1)."""

    def say(self, rig: GithubRig, pull: int, who: str, state: str, kind: str = "User") -> None:
        rig.project.reviews.append(Review(rig.project.id(), pull, who, state, rig.tip("topic"), kind))

    def test_an_app_may_object_and_not_approve(self, rig: GithubRig) -> None:
        """GitHub does not say what an app may; what is safe is asked of it."""
        made = opened(rig)
        self.say(rig, made.number, "checker[bot]", "APPROVED", "Bot")
        assert rig.forge.reviews.latest("topic", "main") == ()
        self.say(rig, made.number, "checker[bot]", "CHANGES_REQUESTED", "Bot")
        (found,) = rig.forge.reviews.latest("topic", "main")
        assert (found.reviewer, found.state) == ("checker[bot]", ReviewState.CHANGES_REQUESTED)

    def test_a_dismissed_word_is_none(self, rig: GithubRig) -> None:
        made = opened(rig)
        self.say(rig, made.number, "bob", "DISMISSED")
        (found,) = rig.forge.reviews.latest("topic", "main")
        assert found.state is ReviewState.DISMISSED

    def test_ones_own_word_is_known_as_such(self, rig: GithubRig) -> None:
        made = opened(rig)
        self.say(rig, made.number, "alice", "APPROVED")
        (found,) = rig.forge.reviews.latest("topic", "main")
        assert found.by_author

    def test_who_lost_the_right_to_write_has_no_word_any_more(self, rig: GithubRig) -> None:
        made = opened(rig)
        self.say(rig, made.number, "bob", "APPROVED")
        rig.project.rights["bob"] = "read"
        assert rig.forge.reviews.latest("topic", "main") == ()


class TestRuns:
    """Runs of GitHub Actions (REAP-1)."""

    @pytest.mark.parametrize(
        ("status", "conclusion", "state"),
        [
            *((status, None, RunState.WAITING) for status in ("queued", "waiting", "requested", "pending")),
            ("in_progress", None, RunState.RUNNING),
            ("completed", "success", RunState.SUCCESS),
            *(("completed", word, RunState.FAILURE) for word in ("failure", "timed_out", "startup_failure", "stale")),
            ("completed", "cancelled", RunState.CANCELLED),
            *(("completed", word, RunState.SKIPPED) for word in ("skipped", "neutral")),
            ("completed", "action_required", RunState.WAITING),
            *(("completed", word, RunState.UNKNOWN) for word in ("splendid", None)),
            *((word, "success", RunState.UNKNOWN) for word in ("frozen", None)),
        ],
    )
    def test_a_word_that_is_not_known_is_no_end(
        self, rig: GithubRig, status: str, conclusion: str | None, state: RunState
    ) -> None:
        """And one that a person has to approve first waits."""
        run = Run(7, "gates.yml", "push", rig.tip("main"), "main", status, conclusion)
        rig.server.says(200, rig.server.shapes.run(run), path="/runs/7")
        assert rig.forge.workflows.run(7).state is state

    def test_the_file_of_a_workflow_from_elsewhere(self, rig: GithubRig) -> None:
        run = Run(7, "gates.yml@refs/heads/main", "push", rig.tip("main"), "main")
        rig.server.says(200, rig.server.shapes.run(run), path="/runs/7")
        assert rig.forge.workflows.run(7).workflow == "gates.yml"

    def test_more_than_github_lists_is_no_answer(self, rig: GithubRig) -> None:
        """It gives a thousand at most, and says how many there are."""
        run = Run(7, "gates.yml", "push", rig.tip("main"), "main")
        for page in (1, 2):
            rows = [rig.server.shapes.run(run)] if page == 1 else []
            rig.server.says(200, {"total_count": 1001, "workflow_runs": rows}, path=f"page={page}")
        with pytest.raises(ForgeUnavailable):
            rig.forge.workflows.runs()


class TestCalls:
    """How often GitHub is asked; its limit is per hour."""

    def test_calls_of_ci_green(self, rig: GithubRig) -> None:
        rig.forge.statuses.post(rig.tip("main"), CommitStatus("build", StatusState.SUCCESS))
        rig.server.asked.clear()
        rig.forge.statuses.latest(rig.tip("main"))
        assert len(rig.server.asked) == 2

    def test_calls_of_review_approved(self, rig: GithubRig) -> None:
        rig.forge.reviews.latest("topic", "main")
        assert len(rig.server.asked) == 1
        made = opened(rig)
        for state in (ReviewState.CHANGES_REQUESTED, ReviewState.APPROVED):
            rig.review(made.number, Who.WRITER, state)
        rig.server.asked.clear()
        rig.forge.reviews.latest("topic", "main")
        assert len(rig.server.asked) == 3


def test_the_command_line_asks_github(rig: GithubRig, tmp_path: Path) -> None:
    token = rig.server.token("alice", "repo")
    env = {
        "ORCH_FORGE": "github",
        "ORCH_FORGE_URL": rig.server.url,
        "ORCH_FORGE_REPOSITORY": rig.project.full_name,
        "ORCH_FORGE_TOKEN": token,
    }
    done = orch("forge", "check", "--json", cwd=tmp_path / "work", env=env)
    assert done.returncode == 0, done.stderr
    assert token.encode() not in done.stdout + done.stderr
    found = json.loads(done.stdout)
    assert (found["kind"], found["login"]) == ("github", "alice")
    assert found["permissions"] == {"read": True, "write": True, "admin": True}
