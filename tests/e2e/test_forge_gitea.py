"""What is Gitea's own: beyond what every forge promises, and shown on the running server."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from orch_gates import clock
from orch_gates.errors import ForgeRefused, ForgeUnavailable, ForgeUnclear
from orch_gates.forge.gitea.connect import connect
from orch_gates.forge.port.checks import CommitStatus, StatusState
from orch_gates.forge.port.forge import Forge
from orch_gates.forge.port.protection import Protection
from orch_gates.forge.port.pulls import BaseMoved, Draft, Forbidden, Gone, MergeRequest
from orch_gates.forge.port.workflows import Run, RunState
from tests.e2e.gitea import Gitea, User, pinned
from tests.e2e.repository import Pull, Repository, eventually


def asked(repository: Repository, token: str = "", name: str = "") -> Forge:
    """The port, as the owner uses it, or whoever has the token."""
    owner = repository.owner
    return connect(repository.server.url, name or f"{owner.name}/{repository.name}", token or owner.token, 30)


def questions(forge: Forge, head: str) -> list[Callable[[], object]]:
    """One of every port that reads."""
    return [
        lambda: forge.pulls.find("feature", "main"),
        lambda: forge.pulls.get(1),
        lambda: forge.statuses.latest(head),
        lambda: forge.reviews.latest("feature", "main"),
        lambda: forge.protections.get("main"),
        forge.issues.list,
        forge.workflows.runs,
        forge.server.access,
    ]


def test_a_wrong_name_or_token_is_no_empty_answer(gitea: Gitea, repository: Repository) -> None:
    """P2: each says what to do."""
    narrow = gitea.token(gitea.alice, ["read:user"])
    for forge, words in (
        (asked(repository, secrets.token_hex(20)), "the token is wrong or has expired; make a new one"),
        (asked(repository, narrow), "the token lacks the scope read:(repository|issue or read:repository|issue)"),
        (asked(repository, name=f"alice/{secrets.token_hex(4)}"), "may not see it"),
    ):
        for ask in questions(forge, repository.tip()):
            with pytest.raises(ForgeRefused, match=words):
                ask()
    repository.api().patch("", {"name": f"{repository.name}-new"}).ok()
    for ask in questions(asked(repository), "0" * 40):
        with pytest.raises(ForgeRefused, match=f"has moved to alice/{repository.name}-new; name the new one"):
            ask()


def test_what_a_token_may_not_do_is_named(gitea: Gitea, repository: Repository, pull: Pull) -> None:
    reader = asked(repository, gitea.token(gitea.alice, ["read:repository"]))
    green = CommitStatus("build", StatusState.SUCCESS)
    for write in (
        lambda: reader.pulls.open(Draft("main", "feature", "Back")),
        lambda: reader.pulls.close(pull.number),
        lambda: reader.statuses.post(repository.tip(), green),
        lambda: reader.protections.put(Protection("main")),
        lambda: reader.workflows.dispatch("gates.yml", "main", {}),
    ):
        with pytest.raises(ForgeRefused, match=r"lacks the scope write:repository \(it has read:repository\)"):
            write()
    with pytest.raises(ForgeRefused, match=r"lacks the scope write:issue"):
        reader.issues.create("Greet the user")
    refused = reader.pulls.merge(pull.number, MergeRequest(pull.head(), repository.tip(), "main", "Land it"))
    assert isinstance(refused, Forbidden)
    assert "write:repository" in refused.reason
    with pytest.raises(ForgeRefused, match="may not write to the repository; give them that right"):
        asked(repository, gitea.bot.token).statuses.post(repository.tip(), green)


def test_what_an_archived_repository_answers(repository: Repository, pull: Pull) -> None:
    head = pull.head()
    repository.api().patch("", {"archived": True}).ok()
    forge = asked(repository)
    assert forge.server.access().archived
    with pytest.raises(ForgeRefused, match="archived; unarchive it"):
        forge.pulls.open(Draft("main", "feature", "Back"))
    refused = forge.pulls.merge(pull.number, MergeRequest(head, repository.tip(), "main", "Land it"))
    assert isinstance(refused, Forbidden)
    assert "unarchive it" in refused.reason
    # Not everything is refused there.
    assert forge.pulls.edit(pull.number, title="Another").title == "Another"
    repository.api().post("/labels", {"name": "red", "color": "#ff0000"}).ok()


def test_a_merge_where_one_may_not_look(gitea: Gitea, repository: Repository, pull: Pull) -> None:
    head = pull.head()
    repository.api().patch("", {"private": True}).ok()
    assert isinstance(
        asked(repository, gitea.bot.token).pulls.merge(
            pull.number, MergeRequest(head, repository.tip(), "main", "Land it")
        ),
        Gone,
    )


@pytest.mark.parametrize(
    ("scopes", "login", "told", "writes"),
    [
        (["read:repository"], "", ("read:repository",), False),
        (["write:repository"], "", ("write:repository",), True),
        (["read:repository", "read:user"], "alice", ("read:repository", "read:user"), False),
        (["write:repository", "write:user"], "alice", ("write:repository", "write:user"), True),
        (["all"], "alice", None, True),
    ],
)
def test_what_the_server_tells_of_a_token(
    gitea: Gitea, repository: Repository, scopes: list[str], login: str, told: tuple[str, ...] | None, writes: bool
) -> None:
    """It names the scopes to whoever lacks one; a right that the token has not counts for nothing."""
    access = asked(repository, gitea.token(gitea.alice, scopes)).server.access()
    assert (access.login, access.scopes) == (login, told)
    assert (access.can_read, access.can_write, access.is_admin) == (True, writes, writes)


def test_what_the_server_says_of_itself(repository: Repository) -> None:
    before = clock.utc_now()
    about = asked(repository).server.about()
    assert about.version == pinned()
    assert about.date is not None
    # The header has whole seconds.
    assert before - timedelta(seconds=1) <= about.date <= clock.utc_now()


def test_a_rule_that_is_a_pattern_is_in_force(gitea: Gitea, tmp_path: Path) -> None:
    """The server says which rule it is: names come before patterns, `*` stops at a slash."""
    expected = {
        "main": 1,
        "more": 2,
        "m/ore": None,
        "release/one": 3,
        "release/two-b": 3,
        "release/three": None,
        "task/a/b": 4,
        "v1x": 5,
        "vx1": None,
        "WITH+plus.dot": 6,
    }
    branches = {name: {"a.txt": name} for name in expected if name != "main"}
    repository = Repository(gitea, gitea.alice, tmp_path, branches=branches)
    forge = asked(repository)
    assert forge.protections.get("main") is None
    rules = ("main", "m*", "release/{one,two}*", "task/**", "v[0-9]?", "with+plus.dot")
    for number, rule in enumerate(rules, 1):
        repository.protect(rule, required_approvals=number)
    found = {branch: forge.protections.get(branch) for branch in expected}
    assert {branch: rule and rule.approvals for branch, rule in found.items()} == expected
    assert all(rule is None or (rule.branch, rule.admins) == (branch, False) for branch, rule in found.items())


def test_a_rule_that_is_told_before_a_branch_is_there_is_the_one_after(repository: Repository) -> None:
    """The server tries rules in an order, names without their case; whether a pattern is for it, it says only after."""
    forge, work = asked(repository).protections, repository.clone()
    for number, name in enumerate(("Mixed", "straße", "ÜBER", "sooner", "so*", "sofa"), 1):
        repository.protect(name, enable_push=True, required_approvals=number)
    told: dict[str, list[int | None]] = {}
    for branch in ("mixed", "STRASSE", "über", "sooner", "sofa", "soon", "later"):
        for when in ("before", "after"):
            try:
                rule = forge.get(branch)
                told.setdefault(branch, []).append(rule.approvals if rule else None)
            except ForgeUnavailable as error:
                assert (when, str(error).endswith("; push the branch first")) == ("before", True)
            work.git("push", "--quiet", "origin", f"HEAD:refs/heads/{branch}")
    named = {"mixed": [1, 1], "STRASSE": [None], "über": [3, 3], "sooner": [4, 4]}
    assert told == {**named, "sofa": [5], "soon": [5], "later": [None]}


def test_required_statuses_are_patterns(repository: Repository, pull: Pull) -> None:
    """A name with such characters has to be written otherwise, and one that is no pattern is required of nobody."""
    checks: dict[str, object] = {"enable_status_check": True}
    repository.protect("main", **checks, status_check_contexts=["gates [linux]", "gates [broken"])
    statuses, head = asked(repository).statuses, pull.head()
    statuses.post(head, CommitStatus("gates [linux]", StatusState.SUCCESS))
    assert pull.outcome().said == (405, "Not all required status checks successful")
    statuses.post(head, CommitStatus("gates l", StatusState.SUCCESS))
    assert pull.outcome().status == 200


def test_changing_a_rule_keeps_what_else_it_says(gitea: Gitea, repository: Repository) -> None:
    repository.protect("main", require_signed_commits=True, enable_push=True, enable_force_push=True)
    asked(repository).protections.put(Protection("main", approvals=1))
    rule = repository.api().get("/branch_protections/main").ok()
    assert (rule["require_signed_commits"], rule["required_approvals"]) == (True, 1)
    assert (rule["enable_push"], rule["enable_force_push"], rule["block_admin_merge_override"]) == (False, False, True)


def test_a_rule_that_names_no_users_cannot_be_told(repository: Repository) -> None:
    """Nobody may merge, which is not everybody."""
    repository.protect("main", enable_merge_whitelist=True)
    with pytest.raises(ForgeUnavailable, match="list the allowed users"):
        asked(repository).protections.get("main")


def test_a_protected_branch_moves_by_merges_only(repository: Repository, pull: Pull) -> None:
    """P4: pushed to, forced and deleted it is by nobody, its owner included."""
    forge, work, before = asked(repository), repository.clone(), repository.tip()
    forge.protections.put(Protection("main"))
    work.commit("one")
    assert b"protected branch" in work.attempt("push", "origin", "main").stderr
    assert b"protected" in work.attempt("push", "--force", "origin", "origin/feature:main").stderr
    assert b"rejected" in work.attempt("push", "origin", ":main").stderr
    assert repository.tip() == before
    forge.protections.put(Protection("main", pushes=True))
    work.git("push", "--quiet", "origin", "main")


def test_a_base_that_moves_while_the_server_merges(gitea: Gitea, repository: Repository, pull: Pull) -> None:
    forge, request = asked(repository), MergeRequest(pull.head(), repository.tip(), "main", "Land it")
    with ThreadPoolExecutor(1) as other, gitea.held("pr-merge-to-base") as reached:
        outcome = other.submit(forge.pulls.merge, pull.number, request)
        eventually(reached.exists, "the merge is made, and not pushed yet")
        repository.write("other.txt", "x\n").ok()
        gitea.release("pr-merge-to-base")
        assert outcome.result() == BaseMoved()


def test_a_pull_request_that_a_hook_refuses_is_unclear(repository: Repository) -> None:
    """The server fails without a word; looking says that there is none."""
    repository.record()
    forge = asked(repository)
    with repository.refusing("not this"), pytest.raises(ForgeUnclear):
        forge.pulls.open(Draft("feature", "main", "Land it"))
    assert forge.pulls.find("feature", "main") == ()


def test_a_forks_branch_of_the_same_name_is_another(gitea: Gitea, repository: Repository) -> None:
    """MRG-7: what somebody else offers is not ours to merge."""
    fork = gitea.bob.api.post(f"{repository.path}/forks", {"name": f"fork-{repository.name}"}).ok()["full_name"]
    eventually(lambda: gitea.bob.api.get(f"/repos/{fork}/branches/feature").status == 200, "the fork is made")
    theirs = {"head": "bob:feature", "base": "main", "title": "theirs"}
    gitea.bob.api.post(f"{repository.path}/pulls", theirs).ok()
    forge = asked(repository)
    assert forge.pulls.find("feature", "main") == ()
    ours = forge.pulls.open(Draft("feature", "main", "ours"))
    assert [pull.number for pull in forge.pulls.find("feature", "main")] == [ours.number]


def test_a_branch_that_was_deleted_after_the_merge_keeps_its_name(repository: Repository, pull: Pull) -> None:
    forge, head = asked(repository), pull.head()
    pull.outcome(delete_branch_after_merge=True).ok()
    eventually(lambda: repository.api().get("/branches/feature").status == 404, "the branch is deleted")
    side = pull.get()["head"]
    assert (side["ref"], side["label"]) == (f"refs/pull/{pull.number}/head", "feature")
    found = forge.pulls.get(pull.number)
    assert (found.branch, found.head) == ("feature", head)


def test_every_word_of_a_status_is_known(repository: Repository) -> None:
    words = {
        "success": StatusState.SUCCESS,
        "pending": StatusState.PENDING,
        "skipped": StatusState.SKIPPED,
        "warning": StatusState.FAILURE,
        "error": StatusState.FAILURE,
        "failure": StatusState.FAILURE,
    }
    for word in words:
        repository.api().post(f"/statuses/{repository.tip()}", {"state": word, "context": word}).ok()
    assert {status.context: status.state for status in asked(repository).statuses.latest(repository.tip())} == words


def test_an_issue_that_waits_for_another_is_not_closed(repository: Repository) -> None:
    forge = asked(repository)
    first, second = (forge.issues.create(title).number for title in ("First", "Second"))
    depends = {"owner": repository.owner.name, "repo": repository.name, "index": first}
    repository.api().post(f"/issues/{second}/dependencies", depends).ok()
    with pytest.raises(ForgeRefused, match="open dependencies"):
        forge.issues.close(second)
    assert forge.issues.get(second).open


def test_a_label_with_a_comma_is_one_label(repository: Repository) -> None:
    issues = asked(repository).issues
    made = issues.create("Greet the user", labels=["a, b"])
    issues.create("Another", labels=["a", "b"])
    assert [issue.number for issue in issues.list(label="a, b")] == [made.number]


def test_the_labels_of_an_organisation_are_used(gitea: Gitea, repository: Repository) -> None:
    """None is made a second time under the same name: whoever filters by one would miss the other."""
    token = gitea.token(gitea.alice, ["write:organization", "write:repository", "write:issue", "write:user"])
    alice, org = gitea.api(token), f"org{secrets.token_hex(4)}"
    alice.post("/orgs", {"username": org}).ok()
    alice.post(f"/orgs/{org}/labels", {"name": "task", "color": "#ff0000"}).ok()
    alice.post(f"/orgs/{org}/repos", {"name": "project", "auto_init": True}).ok()
    issues = asked(repository, token, f"{org}/project").issues
    made = issues.create("Greet the user", labels=["task", "own"])
    assert sorted(made.labels) == ["own", "task"]
    other = issues.label(issues.create("Another").number, add=["task"])
    assert [issue.number for issue in issues.list(label="task")] == [made.number, other.number]
    assert [row["name"] for row in alice.get(f"/repos/{org}/project/labels").ok()] == ["own"]
    assert issues.label(made.number, remove=["task"]).labels == ("own",)
    # Who may not see them makes a label of the repository.
    blind = asked(repository, gitea.token(gitea.alice, ["write:repository", "write:issue"]), f"{org}/project").issues
    third = blind.create("Third", labels=["task"])
    assert third.labels == ("task",)
    assert [issue.number for issue in issues.list(label="task")] == [other.number, third.number]


def test_runs_of_a_push_and_of_a_pull_request(repository: Repository) -> None:
    """The branch of the latter is not told; its commit is."""
    text = "on: [push, pull_request]\njobs:\n  gates:\n    runs-on: nowhere\n    steps:\n      - run: 'true'\n"
    repository.write(".gitea/workflows/gates.yml", text, branch="feature").ok()
    forge, head = asked(repository), repository.tip("feature")
    repository.pull("feature")

    def of_both() -> tuple[Run, ...]:
        found = forge.workflows.runs(commit=head)
        return found if len({run.event for run in found}) == 2 else ()

    runs = eventually(of_both, "a run of the push, and one of the pull request")
    # Which comes first is chance; a push that the server looks at late makes a second run of the pull request.
    assert {(run.event, run.branch, run.state) for run in runs} == {
        ("pull_request", "", RunState.WAITING),
        ("push", "feature", RunState.WAITING),
    }

    def of_pulls() -> tuple[Run, ...]:
        return tuple(run for run in forge.workflows.runs(commit=head) if run.event == "pull_request")

    eventually(lambda: forge.workflows.runs(event="pull_request") == of_pulls(), "all of one event, and no other")


def test_runs_where_there_are_none(repository: Repository) -> None:
    """No jobs of a run that is not there, and no runs where Actions are off: no error either."""
    api = repository.api()
    assert api.get("/actions/runs/999999").status == 404
    assert api.get("/actions/runs/999999/jobs").ok() == {"jobs": [], "total_count": 0}
    api.patch("", {"has_actions": False}).ok()
    assert asked(repository).workflows.runs() == ()


def test_a_label_that_is_not_there_filters_nothing(repository: Repository) -> None:
    issues = asked(repository).issues
    issues.create("Greet the user")
    assert len(repository.api().get("/issues?labels=never").ok()) == 1
    assert issues.list(label="never") == ()


def test_a_user_who_is_not_there_cannot_be_let_merge(repository: Repository) -> None:
    with pytest.raises(ForgeRefused, match="user does not exist"):
        asked(repository).protections.put(Protection("main", mergers=("nobody-of-this-name",)))


def test_a_user_with_less_than_the_owner(gitea: Gitea, repository: Repository) -> None:
    def rights(user: User) -> tuple[bool, bool | None, bool | None]:
        access = asked(repository, user.token).server.access()
        return access.can_read, access.can_write, access.is_admin

    assert rights(gitea.bob) == (True, False, False)
    repository.add(gitea.bob, "admin")
    assert rights(gitea.bob) == (True, True, True)
