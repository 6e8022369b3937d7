"""What only a bare repository on a disk can show: hooks, races, a process that dies between two steps (issue 5)."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from orch_gates.errors import ForgeRefused, ForgeUnavailable, SettingsError
from orch_gates.forge.local import kinds
from orch_gates.forge.local.connect import connect
from orch_gates.forge.local.repository import MERGED
from orch_gates.forge.port.checks import CommitStatus, ReviewState, StatusState
from orch_gates.forge.port.protection import Protection
from orch_gates.forge.port.pulls import (
    AlreadyMerged,
    BaseMoved,
    Conflict,
    Draft,
    Forbidden,
    Gone,
    Merged,
    MergedOther,
    MergeOutcome,
    MergeRequest,
    NotReady,
    PullRequest,
    PullState,
    Transient,
)
from orch_gates.state import codec
from tests.builders import clone, github_token, install_hook, orch
from tests.contract.forge_rig import Who
from tests.contract.forge_steps import opened
from tests.contract.test_forge_local import LocalRig
from tests.forge_asker import asker


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[LocalRig]:
    made = LocalRig(tmp_path)
    yield made
    made.state.close()


def merge(rig: LocalRig, pull: PullRequest, message: str = "", who: Who = Who.OWNER) -> MergeOutcome:
    return rig.as_(who).pulls.merge(
        pull.number, MergeRequest(pull.head, rig.tip("main"), "main", f"Land it (#{pull.number})", message)
    )


def on_branch(rig: LocalRig, number: int) -> str:
    """A pull request's document as it is on the state branch."""
    return rig.server.git("show", f"refs/heads/orch-state:{kinds.PULL.at(number=number)}")


def merges_of(rig: LocalRig, head: str) -> list[str]:
    """Every merge commit of the target that brought a commit in."""
    listed = rig.server.git("rev-list", "--merges", "--first-parent", "--parents", "main").splitlines()
    return [line.split()[0] for line in listed if line.split()[2] == head]


def hook(rig: LocalRig, name: str, script: str) -> None:
    rig.state.hook(name, script)


# --- hooks ---------------------------------------------------------------------------------------


def test_a_hook_is_told_what_a_gitea_tells_it(rig: LocalRig, tmp_path: Path) -> None:
    """So that one hook fences merges everywhere (MRG-5); it sees the merge commit before it is stored."""
    pull, base, told = opened(rig), rig.tip("main"), tmp_path / "told"
    look = f"env | grep ^GITEA_ | sort >{told}; git show --no-patch --format=%P%n%B $new >{told}.commit"
    hook(rig, "pre-receive", f"while read old new ref; do [ $ref != refs/heads/main ] || {{ {look}; }}; done\n")
    forge = connect(rig.server.path, rig.state.store(), "the-owner", os.environ, 60, "acme/app")
    request = MergeRequest(pull.head, rig.tip("main"), "main", f"Land it (#{pull.number})", "Orch-Generation: 7")
    assert isinstance(forge.pulls.merge(pull.number, request), Merged)
    assert told.read_text().splitlines() == [
        f"GITEA_PR_ID={pull.number}",
        f"GITEA_PR_INDEX={pull.number}",
        "GITEA_PUSHER_NAME=the-owner",
        "GITEA_PUSH_TRIGGER=pr-merge-to-base",
        "GITEA_REPO_NAME=app",
        "GITEA_REPO_USER_NAME=acme",
    ]
    commit = (tmp_path / "told.commit").read_text().splitlines()
    assert commit == [f"{base} {pull.head}", f"Land it (#{pull.number})", "", "Orch-Generation: 7"]


def test_the_installed_hook_judges_merges(rig: LocalRig, real: Callable[[str], Path]) -> None:
    """A key in the message of the merge is refused, with the hook's words and without the key; the rest passes."""
    real("gitleaks")
    install_hook(rig.server, "gitleaks")
    pull, base, key = opened(rig), rig.tip("main"), github_token()
    refused = merge(rig, pull, f"Use {key}")
    assert isinstance(refused, Forbidden)
    assert "push refused: 1 secret found" in refused.reason
    assert key not in refused.reason
    assert (rig.tip("main"), rig.forge.pulls.get(pull.number).state) == (base, PullState.OPEN)
    assert isinstance(merge(rig, pull), Merged)
    proof = orch("state", "verify", "--repo", rig.server.path, cwd=rig.state.folder)
    assert proof.returncode == 0, proof.stdout.decode()


def test_a_path_is_no_name_that_switches_a_gate_off(rig: LocalRig, real: Callable[[str], Path]) -> None:
    """GATE-3: where nobody says which repository it is, the hook judges it, whatever the list of repositories."""
    real("gitleaks")
    install_hook(rig.server, "gitleaks")
    pull = opened(rig)
    pulls = rig.as_(Who.OWNER, ORCH_SECURITY_REPOS="acme/app").pulls
    refused = pulls.merge(
        pull.number, MergeRequest(pull.head, rig.tip("main"), "main", "Land it", f"Use {github_token()}")
    )
    assert isinstance(refused, Forbidden)


# --- races and kills -----------------------------------------------------------------------------


def test_racing_openings_give_one_pull_request(rig: LocalRig) -> None:
    rig.push("topic", {"topic.txt": "one\n"})
    children = [asker(rig.server.path, f"opener-{number}", "open", "topic") for number in range(4)]
    answers = [child.communicate(timeout=120) for child in children]
    assert [out for out, _ in answers] == ["1\n"] * 4, answers
    assert [pull.number for pull in rig.forge.pulls.find("topic", "main")] == [1]


def test_racing_merges_give_one_merge_commit_for_each_pull_request(rig: LocalRig) -> None:
    """Whoever is late is told that it was merged already, or to look again (MRG-12)."""
    pulls = [opened(rig, f"topic-{number}") for number in range(3)]
    children = [
        asker(rig.server.path, f"merger-{turn}", "merge", pull.number, pull.head) for turn in range(2) for pull in pulls
    ]
    answers = [child.communicate(timeout=120) for child in children]
    assert {out for out, _ in answers} <= {"Merged\n", "AlreadyMerged\n"}, answers
    for pull in pulls:
        (landed,) = merges_of(rig, pull.head)
        found = rig.forge.pulls.get(pull.number)
        assert (found.state, found.merge_commit, found.head) == (PullState.MERGED, landed, pull.head)
        assert f'merge_commit: "{landed}"' in on_branch(rig, pull.number)


def killed_after_the_push(rig: LocalRig, pull: PullRequest) -> None:
    """A process merges, and is gone before it can write down that it did."""
    hook(rig, "post-receive", '[ -z "$GITEA_PR_INDEX" ] || kill -9 "$ASKER"\n')
    child = asker(rig.server.path, "merger", "merge", pull.number, pull.head)
    child.communicate(timeout=120)
    assert child.returncode == -9
    (rig.server.path / "hooks" / "post-receive").unlink()
    assert 'state: "open"' in on_branch(rig, pull.number)


def test_a_merge_that_was_not_written_down_is_known_and_mended(rig: LocalRig) -> None:
    """P7: killed between the push and the state commit, the second run converges; nothing is merged twice."""
    pull = opened(rig)
    killed_after_the_push(rig, pull)
    (landed,) = merges_of(rig, pull.head)
    found = rig.forge.pulls.get(pull.number)
    assert (found.state, found.merge_commit, found.head) == (PullState.MERGED, landed, pull.head)
    assert rig.forge.pulls.find("topic", "main") == ()
    assert rig.forge.reviews.latest("topic", "main") == ()
    assert merge(rig, pull) == AlreadyMerged(landed)
    assert 'state: "merged"\n' in on_branch(rig, pull.number)
    assert f'merge_commit: "{landed}"' in on_branch(rig, pull.number)
    assert merges_of(rig, pull.head) == [landed]


def test_after_a_kill_a_new_head_is_not_merged_under_the_old_number(rig: LocalRig) -> None:
    """The repository itself says whose the merge was, also when the branch went on."""
    pull = opened(rig)
    killed_after_the_push(rig, pull)
    landed, new = rig.tip("main"), rig.push("topic", {"topic.txt": "two\n"})
    second = rig.forge.pulls.open(Draft("topic", "main", "The rest"))
    assert second.number != pull.number
    request = MergeRequest(new, rig.tip("main"), "main", "Land it again")
    assert rig.forge.pulls.merge(pull.number, request) == MergedOther(pull.head, "main", landed)
    assert rig.tip("main") == landed
    assert isinstance(rig.forge.pulls.merge(second.number, request), Merged)


def test_after_a_kill_closing_tells_what_git_did(rig: LocalRig) -> None:
    pull = opened(rig)
    killed_after_the_push(rig, pull)
    assert rig.forge.pulls.close(pull.number).state is PullState.MERGED
    assert 'state: "merged"' in on_branch(rig, pull.number)


def test_a_merge_whose_document_cannot_be_written_is_a_merge(rig: LocalRig) -> None:
    """Git is the witness; the document follows as soon as it can be written."""
    pull = opened(rig)
    hook(rig, "pre-receive", "grep -q refs/heads/orch-state && exit 1\nexit 0\n")
    assert merge(rig, pull) == Merged(rig.tip("main"))
    assert 'state: "open"' in on_branch(rig, pull.number)
    assert rig.forge.pulls.get(pull.number).state is PullState.MERGED
    (rig.server.path / "hooks" / "pre-receive").unlink()
    assert merge(rig, pull) == AlreadyMerged(rig.tip("main"))
    assert 'state: "merged"' in on_branch(rig, pull.number)


def test_a_target_that_moves_during_the_merge_is_not_overwritten(rig: LocalRig) -> None:
    pull = opened(rig)
    other = rig.push("elsewhere", {"other.txt": "x\n"})
    hook(rig, "pre-receive", f"env -u GIT_QUARANTINE_PATH git update-ref refs/heads/main {other}\n")
    assert merge(rig, pull) == BaseMoved()
    assert rig.tip("main") == other
    (rig.server.path / "hooks" / "pre-receive").unlink()
    assert isinstance(merge(rig, pull), Merged)
    assert rig.parents(rig.tip("main")) == (other, pull.head)


# --- what a merge needs --------------------------------------------------------------------------


def test_only_those_on_the_list_merge(rig: LocalRig) -> None:
    pull = opened(rig)
    rig.forge.protections.put(Protection("main", mergers=(rig.name(Who.WRITER),)))
    refused = merge(rig, pull)
    assert isinstance(refused, Forbidden)
    assert rig.name(Who.WRITER) in refused.reason
    assert isinstance(merge(rig, pull, who=Who.WRITER), Merged)


def test_approvals_are_of_the_very_commit_and_not_ones_own(rig: LocalRig) -> None:
    pull = opened(rig)
    rig.forge.protections.put(Protection("main", contexts=("build",), approvals=1))
    rig.review(pull.number, Who.WRITER, ReviewState.APPROVED)
    new = rig.push("topic", {"topic.txt": "two\n"})
    rig.forge.statuses.post(new, CommitStatus("build", StatusState.SUCCESS))
    rig.review(pull.number, Who.OWNER, ReviewState.APPROVED)
    moved = rig.forge.pulls.get(pull.number)
    refused = merge(rig, moved)
    assert isinstance(refused, NotReady)
    assert "0 of 1 approvals" in refused.reason
    rig.review(pull.number, Who.WRITER, ReviewState.APPROVED)
    assert isinstance(merge(rig, moved), Merged)


def test_a_head_that_a_push_has_landed_is_merged_already(rig: LocalRig) -> None:
    """Nothing is left to merge, and the pull request does not stay open for ever."""
    pull = opened(rig)
    rig.server.git("update-ref", "refs/heads/main", pull.head)
    assert merge(rig, pull) == AlreadyMerged(pull.head)
    found = rig.forge.pulls.get(pull.number)
    assert (found.state, found.head, rig.tip("main")) == (PullState.MERGED, pull.head, pull.head)


def test_branches_without_anything_in_common_conflict(rig: LocalRig) -> None:
    tree = rig.server.git("mktree")
    rig.server.git("update-ref", "refs/heads/alien", rig.server.git("commit-tree", "-m", "alien", tree))
    pull = rig.forge.pulls.open(Draft("alien", "main", "Land aliens"))
    assert pull.mergeable is False
    assert merge(rig, pull) == Conflict()


def test_a_union_of_lines_is_not_made(rig: LocalRig) -> None:
    """`merge=union` is for a clone: servers merge without it, so what passes here passes there (MRG-11)."""
    rig.push("main", {".gitattributes": "CHANGELOG.md merge=union\n", "CHANGELOG.md": "one\n"})
    rig.push("topic", {"CHANGELOG.md": "one\nmine\n"})
    rig.push("main", {"CHANGELOG.md": "one\nyours\n"})
    assert merge(rig, rig.forge.pulls.open(Draft("topic", "main", "Land mine"))) == Conflict()


def test_a_branch_that_is_gone_takes_its_pull_request_along(rig: LocalRig) -> None:
    pull = opened(rig)
    rig.server.git("update-ref", "-d", "refs/heads/topic")
    found = rig.forge.pulls.get(pull.number)
    assert (found.head, found.mergeable) == (pull.head, False)
    assert isinstance(merge(rig, pull), Gone)


# --- what cannot be ------------------------------------------------------------------------------


def test_pull_requests_and_issues_share_their_numbers(rig: LocalRig) -> None:
    numbers = [rig.forge.issues.create("One").number, opened(rig).number, rig.forge.issues.create("Two").number]
    assert numbers == [1, 2, 3]


def test_a_missing_state_branch_says_what_to_do(rig: LocalRig) -> None:
    pull = opened(rig)
    rig.state.wipe()
    with pytest.raises(ForgeRefused, match="orch-gates state restore"):
        rig.forge.pulls.get(pull.number)
    with pytest.raises(ForgeRefused, match="orch-gates state restore"):
        rig.forge.issues.create("One")
    refused = merge(rig, pull)
    assert isinstance(refused, Forbidden)
    assert "orch-gates state restore" in refused.reason


def test_a_repository_that_is_gone_is_no_answer(rig: LocalRig) -> None:
    pull, forge = opened(rig), rig.forge
    shutil.rmtree(rig.server.path)
    for ask in (forge.server.about, forge.server.access, lambda: forge.pulls.find("topic", "main")):
        with pytest.raises(ForgeUnavailable):
            ask()
    assert isinstance(merge_with(forge.pulls.merge, pull), Transient | Forbidden)


def merge_with(ask: Callable[[int, MergeRequest], MergeOutcome], pull: PullRequest) -> MergeOutcome:
    return ask(pull.number, MergeRequest(pull.head, pull.base, "main", "Land it"))


@pytest.mark.parametrize("broken", [b"---\nschema: orch.pull/1\n---\n", b"state: closed\n", b"\xff"])
def test_a_document_that_cannot_be_read_is_not_passed_over(rig: LocalRig, broken: bytes) -> None:
    """It may be the very one that was asked for: neither `none` nor a second one is the answer (P2)."""
    pull = opened(rig)
    rig.state.hand_edit(kinds.PULL.at(number=pull.number), broken)
    for ask in (rig.forge.pulls.find, lambda branch, target: rig.forge.pulls.open(Draft(branch, target, "Once more"))):
        with pytest.raises(ForgeUnavailable, match=r"forge/pulls/1\.md.*state lint"):
            ask("topic", "main")
    assert isinstance(merge(rig, pull), Transient)


@pytest.mark.parametrize(
    ("draft", "words"),
    [
        (Draft("topic", "main", ""), "title"),
        (Draft("topic", "main", "a\nb"), "title"),
        (Draft("topic", "topic", "Itself"), "into itself"),
        (Draft("topic", "nowhere", "Nothing"), "no branch nowhere"),
        (Draft("a b", "main", "Odd"), "no branch a b"),
    ],
)
def test_a_pull_request_that_cannot_be(rig: LocalRig, draft: Draft, words: str) -> None:
    rig.push("topic", {"topic.txt": "one\n"})
    with pytest.raises(ForgeRefused, match=words):
        rig.forge.pulls.open(draft)
    assert rig.forge.pulls.find(draft.branch, draft.target) == ()


def test_a_comment_that_is_too_long_is_refused(rig: LocalRig) -> None:
    number = rig.forge.issues.create("One").number
    with pytest.raises(ForgeRefused, match="text"):
        rig.forge.issues.comment(number, "x" * 70_000)
    for _ in range(4):
        rig.forge.issues.comment(number, "x" * 65_000)
    with pytest.raises(ForgeRefused, match="longer than"):
        rig.forge.issues.comment(number, "x" * 65_000)


def test_text_is_kept_as_it_was_given(rig: LocalRig) -> None:
    """Whatever it looks like: a document's end, a trailer, line ends of another system."""
    rig.push("topic", {"topic.txt": "one\n"})
    body = '---\nstate: "merged"\n---\r\n\n\tOrch-By: me\n\x1b[31m é'
    made = rig.forge.pulls.open(Draft("topic", "main", 'Say "hello": é # no', body))
    rig.forge.issues.comment(made.number, body)
    found = rig.forge.pulls.get(made.number)
    assert (found.title, found.body, found.state) == ('Say "hello": é # no', body, PullState.OPEN)
    path = kinds.PULL.at(number=made.number)
    document, _ = codec.decode(kinds.PULL, path, rig.state.store().load().text(path) or "")
    assert [comment["text"] for comment in document.fields()["comments"]] == [body]


def test_only_a_bare_repository_is_a_forge(rig: LocalRig, tmp_path: Path) -> None:
    store = rig.state.store()
    work = clone(rig.server, tmp_path / "work")
    for directory, words in ((work.path, "not a bare repository"), (tmp_path / "none", "cannot be used")):
        with pytest.raises(SettingsError, match=words):
            connect(directory, store, "me", {}, 60)
    with pytest.raises(SettingsError, match="ORCH_STATE_BY"):
        connect(rig.server.path, store, " ", {}, 60)


def test_nothing_but_the_merge_is_left_in_the_repository(rig: LocalRig) -> None:
    """Looking whether it merges, and a merge that is refused, store nothing in it."""
    pull = opened(rig)
    before = objects(rig)
    assert rig.forge.pulls.get(pull.number).mergeable
    with rig.refuse_pushes("no"):
        assert isinstance(merge(rig, pull), Forbidden)
    assert objects(rig) == before
    assert isinstance(merge(rig, pull), Merged)
    assert rig.at(f"{MERGED}/{pull.number}") == rig.tip("main")
    assert rig.server.git("fsck", "--strict") == ""


def objects(rig: LocalRig) -> set[str]:
    return set(
        rig.server.git("cat-file", "--batch-all-objects", "--batch-check=%(objectname)", "--unordered").splitlines()
    )
