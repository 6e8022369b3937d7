"""What a forge promises, whichever it is; each adapter's tests inherit this and bring their `rig`."""

from __future__ import annotations

import json
import secrets
from dataclasses import replace

import pytest

from orch_gates.errors import ForgeRefused
from orch_gates.forge.port.checks import CommitStatus, ReviewState, StatusState
from orch_gates.forge.port.protection import Demand, Protection
from orch_gates.forge.port.protection import Who as Pushers
from orch_gates.forge.port.server import ForgeKind
from orch_gates.forge.port.workflows import RunState
from tests.contract.forge_labels import CommentContract, LabelContract, LabellerContract, OfferedLabelContract
from tests.contract.forge_pulls import MergeContract, PullContract
from tests.contract.forge_rig import Rig, Who
from tests.contract.forge_steps import NEVER, eventually, opened, refused
from tests.contract.tracker_steps import TrackerContract


class ChecksContract:
    """Statuses and reviews (ENG-1, GATE-4)."""

    def test_the_latest_status_of_every_context_counts(self, rig: Rig) -> None:
        commit, statuses = rig.tip("main"), rig.forge.statuses
        assert statuses.latest(commit) == ()
        statuses.post(commit, CommitStatus("build", StatusState.PENDING))
        linux = CommitStatus("test [linux]", StatusState.FAILURE, "2 of 90", "https://ci.example.invalid/7")
        statuses.post(commit, linux)
        green = CommitStatus("build", StatusState.SUCCESS, "all is well")
        statuses.post(commit, green)
        assert statuses.latest(commit) == (green, linux)

    def test_the_same_word_again_is_another_word(self, rig: Rig) -> None:
        """Who saw the first can tell that it was said again."""
        commit, statuses = rig.tip("main"), rig.forge.statuses
        ids = []
        for state in (StatusState.FAILURE, StatusState.SUCCESS, StatusState.FAILURE):
            statuses.post(commit, CommitStatus("build", state))
            ids += [status.id for status in statuses.latest(commit)]
        assert len(set(ids)) == 3

    def test_statuses_belong_to_their_commit(self, rig: Rig) -> None:
        rig.forge.statuses.post(rig.tip("main"), CommitStatus("build", StatusState.SUCCESS))
        assert rig.forge.statuses.latest(rig.push("topic", {"topic.txt": "one\n"})) == ()

    def test_every_page_of_statuses_is_read(self, rig: Rig) -> None:
        """More of them than a page holds, old words among them (faults.md: the first page is not all)."""
        commit = rig.tip("main")
        for state in (StatusState.PENDING, StatusState.SUCCESS):
            for number in range(3):
                rig.forge.statuses.post(commit, CommitStatus(f"job {number}", state))
        found = rig.in_pages(2).statuses.latest(commit)
        assert [(status.context, status.state) for status in found] == [
            (f"job {number}", StatusState.SUCCESS) for number in range(3)
        ]

    def test_nothing_is_said_about_a_commit_that_is_not_there(self, rig: Rig) -> None:
        refused(
            lambda: rig.forge.statuses.post(secrets.token_hex(20), CommitStatus("build", StatusState.SUCCESS)),
            lambda: rig.forge.statuses.latest(""),
        )

    def test_who_may_not_write_posts_no_status(self, rig: Rig) -> None:
        if rig.traits.users:
            with pytest.raises(ForgeRefused):
                rig.as_(Who.STRANGER).statuses.post(rig.tip("main"), CommitStatus("build", StatusState.SUCCESS))
            assert rig.forge.statuses.latest(rig.tip("main")) == ()

    def test_reviews_are_those_of_the_open_pull_request(self, rig: Rig) -> None:
        reviews = rig.forge.reviews
        assert reviews.latest("topic", "main") == ()
        made = opened(rig)
        assert reviews.latest("topic", "main") == ()
        rig.review(made.number, Who.WRITER, ReviewState.APPROVED)
        (review,) = reviews.latest("topic", "main")
        assert (review.reviewer, review.state) == (rig.name(Who.WRITER), ReviewState.APPROVED)
        assert (review.commit, review.by_author) == (made.head, False)
        assert reviews.latest("topic", "another") == reviews.latest("another", "main") == ()
        rig.forge.pulls.close(made.number)
        assert reviews.latest("topic", "main") == ()

    def test_a_reviewers_latest_word_counts_and_a_comment_is_none(self, rig: Rig) -> None:
        made = opened(rig)
        for output, counts in (
            (ReviewState.CHANGES_REQUESTED, ReviewState.CHANGES_REQUESTED),
            (ReviewState.APPROVED, ReviewState.APPROVED),
            (ReviewState.COMMENTED, ReviewState.APPROVED),
        ):
            rig.review(made.number, Who.WRITER, output)
            (review,) = rig.in_pages(1).reviews.latest("topic", "main")
            assert review.state is counts

    def test_an_approval_names_the_commit_that_was_read(self, rig: Rig) -> None:
        """A push after it makes it stale; whether it is, is the gate's to say."""
        made = opened(rig)
        rig.review(made.number, Who.WRITER, ReviewState.APPROVED)
        new = rig.push("topic", {"topic.txt": "two\n"})
        (review,) = rig.forge.reviews.latest("topic", "main")
        assert review.commit == made.head != new

    def test_a_word_without_a_vote_does_not_count(self, rig: Rig) -> None:
        """Where anybody may press the button, only those who may write decide."""
        made = opened(rig)
        if rig.traits.users:
            rig.review(made.number, Who.STRANGER, ReviewState.APPROVED)
        assert rig.forge.reviews.latest("topic", "main") == ()


class ProtectionContract:
    """Rules for branches."""

    def test_a_branch_without_a_rule(self, rig: Rig) -> None:
        assert rig.forge.protections.get("main") is None

    def test_what_was_put_is_in_force(self, rig: Rig) -> None:
        """Putting it again changes nothing, and another one takes its place."""
        protections = rig.forge.protections
        writer = rig.name(Who.WRITER)
        first = Protection("main", contexts=("gates/merge", "gates/security"), approvals=1, mergers=(writer,))
        for wanted in (first, first, Protection("main", contexts=("build",), pushes=True), Protection("main")):
            protections.put(wanted)
            assert protections.get("main") == wanted
        assert protections.get("topic") is None

    def test_what_a_rule_lets_happen(self, rig: Rig) -> None:
        """Whether pushes pass, which statuses are needed, and that nobody forces or deletes the branch, are told."""
        protections = rig.forge.protections
        assert protections.rule("main") is None
        protections.put(Protection("main", contexts=("gates/merge",)))
        found = protections.rule("main")
        assert found is not None
        assert (found.branch, found.contexts, found.up_to_date, found.admins) == ("main", ("gates/merge",), False, True)
        # A bare repository keeps nothing in place but by its hook, and says so.
        kept = rig.traits.kind is not ForgeKind.LOCAL
        assert (found.pushers is Pushers.NOBODY) is kept
        assert (found.forced, found.deleted) == (not kept, not kept)
        protections.put(Protection("main", pushes=True, admins=False))
        found = protections.rule("main")
        assert found is not None
        assert (found.pushers, found.contexts) == (Pushers.EVERYBODY, ())
        assert found.admins is not kept
        assert protections.rule("topic") is None

    def test_a_rule_can_hold_back_branches_that_are_behind(self, rig: Rig) -> None:
        wanted = Protection("main", contexts=("build",), up_to_date=True)
        if not rig.traits.holds_back:
            refused(lambda: rig.forge.protections.put(wanted))
            return
        rig.forge.protections.put(wanted)
        assert rig.forge.protections.get("main") == wanted
        rig.forge.protections.put(Protection("main", contexts=("build",)))
        assert rig.forge.protections.get("main") == Protection("main", contexts=("build",))

    def test_a_rule_is_told_whole_and_put_back(self, rig: Rig) -> None:
        """As the forge says it; where there was none, there is none again, and other branches keep theirs."""
        protections = rig.forge.protections
        assert protections.whole("main") == {}
        rig.push("topic", {"topic.txt": "one\n"})
        protections.put(Protection("topic"))
        protections.put(Protection("main", contexts=("build",), approvals=2, mergers=(rig.name(Who.WRITER),)))
        before = protections.whole("main")
        protections.put(Protection("main", contexts=("gates/merge",), pushes=True))
        assert protections.whole("main") != before
        for _ in range(2):
            protections.restore("main", json.loads(json.dumps(before)))
            assert protections.whole("main") == before
        for _ in range(2):
            protections.restore("main", {})
            assert protections.whole("main") == {}
        protections.restore("main", before)
        assert protections.whole("main") == before
        assert protections.get("topic") == Protection("topic")

    def test_what_merges_need_is_changed_alone(self, rig: Rig) -> None:
        protections = rig.forge.protections
        first = Protection("main", contexts=("build", "gates [x]"), approvals=2, mergers=(rig.name(Who.WRITER),))
        protections.put(first)
        protections.restore("main", protections.without("main", ["build"], up_to_date=False))
        assert protections.get("main") == replace(first, contexts=("gates [x]",))
        protections.restore("main", protections.without("main", ["gates [x]"], up_to_date=False))
        assert protections.get("main") == replace(first, contexts=())

    def test_a_rule_is_tightened(self, rig: Rig) -> None:
        """What is demanded is added, and all else stays; where there is no rule, one is made."""
        protections = rig.forge.protections
        held = True if rig.traits.holds_back else None
        demand = Demand("main", contexts=("gates [x]",), dropped=("old",), up_to_date=held)
        rule = protections.tightened(demand)
        assert protections.whole("main") == {}
        protections.restore("main", rule)
        wanted = Protection("main", contexts=("gates [x]",), up_to_date=bool(held))
        assert protections.get("main") == wanted
        first = Protection("main", ("build", "old"), 2, (rig.name(Who.WRITER),), pushes=False, admins=False)
        protections.put(first)
        protections.restore("main", protections.tightened(demand))
        now = protections.get("main")
        assert now is not None
        assert set(now.contexts) == {"build", "gates [x]"}
        tight = replace(first, contexts=now.contexts, admins=True, up_to_date=bool(held))
        assert now == tight
        protections.restore("main", protections.tightened(Demand("main", pushes=True)))
        assert protections.get("main") == now
        protections.put(Protection("main", pushes=True))
        protections.restore("main", protections.tightened(Demand("main", pushes=True)))
        assert protections.get("main") == Protection("main", pushes=True)

    def test_a_rule_is_taken_away(self, rig: Rig) -> None:
        """That of another branch stays; where there is none, nothing happens."""
        rig.push("release/1", {"a": "b"})
        for branch in ("main", "release/1"):
            rig.forge.protections.put(Protection(branch))
        for _ in range(2):
            rig.forge.protections.remove("release/1")
        assert rig.forge.protections.get("release/1") is None
        assert rig.forge.protections.get("main") == Protection("main")
        if rig.traits.users:
            with pytest.raises(ForgeRefused):
                rig.as_(Who.WRITER).protections.remove("main")

    def test_who_may_not_change_rules_is_refused(self, rig: Rig) -> None:
        if rig.traits.users:
            for who in (Who.WRITER, Who.STRANGER):
                with pytest.raises(ForgeRefused):
                    rig.as_(who).protections.put(Protection("main"))
        assert rig.forge.protections.get("main") is None


class IssueContract:
    """Issues and labels (TRK-1)."""

    def test_one_is_created_with_labels_that_are_made(self, rig: Rig) -> None:
        made = rig.forge.issues.create("Greet the user", "By name.", ["task", "orch: analysis"])
        assert (made.title, made.body, made.open) == ("Greet the user", "By name.", True)
        assert made.author == rig.name(Who.OWNER)
        assert sorted(made.labels) == ["orch: analysis", "task"]
        assert rig.forge.issues.get(made.number) == made
        plain = rig.forge.issues.create("Another", labels=["task"])
        assert (plain.body, plain.labels) == ("", ("task",))

    def test_they_are_listed_by_label_and_state(self, rig: Rig) -> None:
        """All pages, oldest first; pull requests are no issues."""
        issues = rig.forge.issues
        opened(rig)
        tasks = [issues.create(f"Task {number}", labels=["task"]).number for number in range(3)]
        other = issues.create("Other", labels=["tasks"]).number
        closed = issues.create("Closed", labels=["task"]).number
        issues.close(closed)
        paged = rig.in_pages(2).issues
        assert [issue.number for issue in paged.list()] == [*tasks, other]
        assert [issue.number for issue in paged.list(label="task")] == tasks
        assert [issue.number for issue in paged.list(closed=True)] == [closed]
        assert [issue.number for issue in paged.list(label="task", closed=True)] == [closed]
        assert paged.list(label="no such label") == ()

    def test_labels_come_and_go(self, rig: Rig) -> None:
        """What is so already is no error, and other labels stay."""
        issues = rig.in_pages(1).issues
        number = issues.create("Greet the user", labels=["task", "red", "blue"]).number
        for _ in range(2):
            found = issues.label(number, add=["green", "task"], remove=["red", "never there"])
            assert sorted(found.labels) == ["blue", "green", "task"]
        assert sorted(issues.get(number).labels) == ["blue", "green", "task"]

    def test_one_can_be_talked_about_and_closed(self, rig: Rig) -> None:
        issues = rig.forge.issues
        number = issues.create("Greet the user").number
        issues.comment(number, "Noted.")
        assert not issues.close(number).open
        assert not issues.close(number).open
        assert not issues.get(number).open

    def test_an_issue_that_is_not_there(self, rig: Rig) -> None:
        issues = rig.forge.issues
        refused(
            lambda: issues.get(NEVER),
            lambda: issues.label(NEVER, add=["task"]),
            lambda: issues.comment(NEVER, "Noted."),
            lambda: issues.close(NEVER),
        )

    def test_a_pull_request_is_no_issue(self, rig: Rig) -> None:
        number = opened(rig).number
        with pytest.raises(ForgeRefused):
            rig.forge.issues.get(number)


class WorkflowContract:
    """Runs (REAP-1)."""

    def test_one_is_started_and_watched(self, rig: Rig) -> None:
        workflows = rig.forge.workflows
        if not rig.traits.workflows:
            refused(
                lambda: workflows.dispatch("gates.yml", "main", {}),
                workflows.runs,
                lambda: workflows.run(1),
                lambda: workflows.jobs(1),
            )
            return
        commit = rig.add_workflow("gates.yml")
        assert workflows.runs(commit=commit) == ()
        started = [workflows.dispatch("gates.yml", "main", {"task": task}) for task in ("T-1", "T-2")]
        paged = rig.in_pages(1).workflows
        runs = eventually(lambda: paged.runs(commit=commit), unless=lambda found: len(found) < 2)
        assert [run.id for run in runs] == sorted((run.id for run in runs), reverse=True)
        # An older server does not tell; ours do.
        assert sorted(run.id for run in runs) == started
        newest = runs[0]
        assert (newest.workflow, newest.event, newest.branch) == ("gates.yml", "workflow_dispatch", "main")
        assert (newest.commit, newest.state) == (commit, RunState.WAITING)
        assert workflows.run(newest.id) == newest
        assert [(job.name, job.state) for job in workflows.jobs(newest.id)] == [("gates", RunState.WAITING)]
        assert workflows.runs(branch="main", event="workflow_dispatch") == runs
        assert workflows.runs(branch="topic") == workflows.runs(event="push") == ()
        assert workflows.runs(commit=secrets.token_hex(20)) == ()

    def test_secrets_are_known_by_name(self, rig: Rig) -> None:
        """On all pages, and to who administers the repository; whether others may count is told."""
        if not rig.traits.workflows:
            refused(rig.forge.workflows.secrets)
            return
        names = ["ORCH_TOKEN", "ANOTHER", "THIRD"]
        assert rig.forge.workflows.secrets().names == ()
        for name in names:
            rig.add_secret(name)
        found = rig.in_pages(2).workflows.secrets()
        assert sorted(found.names) == sorted(names)
        assert found.untold == ("" if rig.traits.tells_owners_secrets else rig.name(Who.OWNER))
        refused(rig.as_(Who.STRANGER).workflows.secrets)

    def test_what_is_not_there_is_refused(self, rig: Rig) -> None:
        workflows = rig.forge.workflows
        if rig.traits.workflows:
            rig.add_workflow("gates.yml")
        refused(
            lambda: workflows.dispatch("never.yml", "main", {}),
            lambda: workflows.dispatch("gates.yml", "nowhere", {}),
            lambda: workflows.run(NEVER),
            lambda: workflows.jobs(NEVER),
        )


class ServerContract:
    """The server, and who asks it."""

    def test_it_says_what_it_is(self, rig: Rig) -> None:
        about = rig.forge.server.about()
        assert about.kind is rig.traits.kind
        assert about.version
        assert about.date is None or about.date.utcoffset() is not None

    def test_it_says_what_one_may_do(self, rig: Rig) -> None:
        access = rig.forge.server.access()
        assert access.login == rig.name(Who.OWNER)
        assert (access.can_read, access.can_write, access.is_admin) == (True, True, True)
        assert (access.archived, access.default_branch) == (False, "main")
        assert (access.merge_commits, access.deletes_branches, access.mirror, access.empty) == (
            True,
            False,
            False,
            False,
        )
        if rig.traits.users:
            writer, stranger = (rig.as_(who).server.access() for who in (Who.WRITER, Who.STRANGER))
            assert writer.login == rig.name(Who.WRITER)
            assert (writer.can_read, writer.can_write, writer.is_admin) == (True, True, False)
            assert (stranger.can_read, stranger.can_write, stranger.is_admin) == (True, False, False)


class ForgeContract(
    PullContract,
    MergeContract,
    ChecksContract,
    ProtectionContract,
    IssueContract,
    LabelContract,
    LabellerContract,
    CommentContract,
    TrackerContract,
    WorkflowContract,
    ServerContract,
    OfferedLabelContract,
):
    """All of it."""
