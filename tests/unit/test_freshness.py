"""What makes an image that of a commit (IMG-1, T22), as a pure decision over facts."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orch_gates.gates.image.freshness import (
    REVISION,
    TREE,
    BaseImage,
    FreshnessFacts,
    ImageUnreadable,
    PlatformImage,
    Revision,
    judge,
)
from orch_gates.gates.policy import IMAGE_FRESHNESS
from orch_gates.model.verdict import Outcome, Verdict

COMMIT, OTHER = "c" * 40, "d" * 40
TREE_ID, OTHER_TREE = "e" * 40, "f" * 40
DIGEST, OTHER_DIGEST = f"sha256:{'1' * 64}", f"sha256:{'2' * 64}"
# The same tree as another commit, and a commit that is in no clone.
REBASED, UNKNOWN = "a" * 40, "b" * 40
REVISION_KNOWN = Revision(COMMIT, TREE_ID, {COMMIT: TREE_ID, REBASED: TREE_ID, OTHER: OTHER_TREE})


def one(labels: dict[str, str] | None = None, platform: str = "linux/amd64", **more: object) -> PlatformImage:
    made = PlatformImage(platform, OTHER_DIGEST, {REVISION: COMMIT} if labels is None else labels, layers=("l1", "own"))
    return dataclasses.replace(made, **more)  # type: ignore[arg-type]


def facts(*platforms: PlatformImage, **more: object) -> FreshnessFacts:
    made = FreshnessFacts(
        "git.example.org/acme/app", "staging", DIGEST, REVISION_KNOWN, platforms or (one(),), tested=DIGEST
    )
    return dataclasses.replace(made, **more)  # type: ignore[arg-type]


def verdict(*platforms: PlatformImage, **more: object) -> Verdict:
    return judge(facts(*platforms, **more), IMAGE_FRESHNESS)


def rules(found: Verdict) -> list[str]:
    return [finding.rule for finding in found.findings]


def test_the_tested_image_of_the_commit_is_fresh() -> None:
    """The label is the validated commit, the digest the tested one."""
    found = verdict()
    assert (found.outcome, found.evidence["image_status"]) == (Outcome.PASS, "FRESH")
    assert found.evidence["proven_by"] == REVISION
    assert found.notices == ()


def test_without_a_tested_digest_that_is_said() -> None:
    """The image is the commit's; nobody said that it was tested."""
    found = verdict(tested="")
    assert found.outcome is Outcome.PASS
    assert "--tested" in found.notices[0]


@pytest.mark.parametrize(
    ("labels", "proof"),
    [
        ({TREE: TREE_ID}, TREE),
        ({REVISION: UNKNOWN, TREE: TREE_ID}, TREE),
        ({REVISION: COMMIT[:10], TREE: TREE_ID}, TREE),
        ({REVISION: REBASED, TREE: TREE_ID}, f"{REVISION}, by its tree"),
        ({REVISION: REBASED}, f"{REVISION}, by its tree"),
        ({REVISION: COMMIT, TREE: TREE_ID}, REVISION),
    ],
)
def test_the_tree_counts_as_the_commit_does(labels: dict[str, str], proof: str) -> None:
    """A squash or a rebase makes another commit of the same tree."""
    found = verdict(one(labels))
    assert (found.outcome, found.evidence["proven_by"]) == (Outcome.PASS, proof)


def test_another_commit_of_the_same_tree_is_as_good() -> None:
    """Where git has both commits, it proves that their trees are one."""
    same = Revision(COMMIT, TREE_ID, {COMMIT: TREE_ID, OTHER: TREE_ID})
    assert verdict(one({REVISION: OTHER}), revision=same).outcome is Outcome.PASS
    unknown = Revision(COMMIT, "", {OTHER: TREE_ID})
    assert verdict(one({REVISION: OTHER}), revision=unknown).outcome is Outcome.FAIL


@pytest.mark.parametrize(
    ("labels", "rule"),
    [
        ({}, "no-label"),
        ({REVISION: ""}, "no-label"),
        ({REVISION: OTHER}, "other-revision"),
        ({REVISION: COMMIT[:10]}, "other-revision"),
        ({REVISION: f"{COMMIT}-dirty"}, "other-revision"),
        ({REVISION: COMMIT.upper()}, "other-revision"),
        ({REVISION: COMMIT, TREE: OTHER_TREE}, "other-tree"),
        ({TREE: OTHER_TREE}, "other-tree"),
        ({REVISION: REBASED, TREE: OTHER_TREE}, "other-tree"),
        ({REVISION: UNKNOWN}, "other-revision"),
        ({REVISION: OTHER, TREE: TREE_ID}, "contradicting-labels"),
        ({REVISION: f"{COMMIT}-dirty", TREE: TREE_ID}, "contradicting-labels"),
        ({REVISION: "v1.2", TREE: TREE_ID}, "contradicting-labels"),
    ],
)
def test_any_other_label_is_stale(labels: dict[str, str], rule: str) -> None:
    """Short ids, local changes and no label at all prove nothing; what to rebuild is said (IMG-2)."""
    found = verdict(one(labels))
    assert (found.outcome, rules(found), found.evidence["image_status"]) == (Outcome.FAIL, [rule], "STALE")
    assert "Build the image again from a checkout of cccccccccc" in found.next_step


def test_a_label_and_an_annotation_that_differ_prove_nothing() -> None:
    """Whichever a reader looks at."""
    assert rules(verdict(one(annotations={REVISION: OTHER}))) == ["contradicting-labels"]
    assert verdict(one({}, annotations={REVISION: COMMIT})).outcome is Outcome.PASS


def test_what_came_with_the_base_does_not_count() -> None:
    """The base was built of this commit, and what was built on it says nothing of its own."""
    base = BaseImage("git.example.org/acme/base:1", {REVISION: COMMIT, TREE: TREE_ID}, ("l1",))
    assert rules(verdict(one(base=base))) == ["inherited-label"]
    assert rules(verdict(one({REVISION: COMMIT, TREE: TREE_ID}, base=base))) == ["inherited-label"]
    own = BaseImage(base.image, {REVISION: OTHER, TREE: TREE_ID}, ("l1",))
    assert verdict(one(base=own)).outcome is Outcome.PASS
    assert verdict(one({}, annotations={REVISION: COMMIT}, base=base)).outcome is Outcome.PASS
    assert verdict(one(annotations={REVISION: COMMIT}, base=base)).outcome is Outcome.PASS
    # The inherited label beside one of its own takes nothing away, whatever it says.
    assert verdict(one({REVISION: COMMIT, TREE: TREE_ID}, base=own)).outcome is Outcome.PASS
    theirs = BaseImage(base.image, {REVISION: OTHER}, ("l1",))
    assert verdict(one({REVISION: OTHER, TREE: TREE_ID}, base=theirs)).outcome is Outcome.PASS
    wrong = BaseImage(base.image, {TREE: OTHER_TREE}, ("l1",))
    assert verdict(one({REVISION: COMMIT, TREE: OTHER_TREE}, base=wrong)).outcome is Outcome.PASS
    assert rules(verdict(one({REVISION: OTHER, TREE: OTHER_TREE}, base=wrong))) == ["other-tree"]
    # An annotation that says nothing makes no label its own.
    assert rules(verdict(one(annotations={REVISION: ""}, base=base))) == ["inherited-label"]


def test_a_base_that_was_not_read_leaves_it_open() -> None:
    """Whether the label is the base's is not known, and what to do is said; what is stale by itself is stale."""
    found = verdict(one(base_unread="x/base:1 does not answer"))
    assert found.outcome is Outcome.FAIL
    assert found.reason.startswith("could not check: linux/amd64: x/base:1 does not answer")
    assert "--base" in found.next_step
    assert "image_status" not in found.evidence
    assert rules(verdict(one(base_unread="x"), one({}))) == ["no-label"]


def test_a_commit_that_git_does_not_have_is_told() -> None:
    """Before a squash or a rebase it may have had the tree that the image records; nobody can compare it."""
    found = verdict(one({REVISION: UNKNOWN, TREE: TREE_ID}))
    assert "is not in this clone" in found.notices[0]
    assert verdict(one({REVISION: REBASED, TREE: TREE_ID})).notices == ()


def test_a_base_that_is_another_one_by_now_tells_nothing() -> None:
    """Its tag moved since the build: whether the label was inherited is not known (IMG-1)."""
    moved = BaseImage("git.example.org/acme/base:latest", {REVISION: OTHER}, ("new",))
    found = verdict(one(base=moved))
    assert found.outcome is Outcome.FAIL
    assert found.reason.startswith("could not check: git.example.org/acme/base:latest is not the base")


def test_a_base_that_a_person_names_has_to_be_the_base() -> None:
    """Its layers are the first ones, or nothing follows from its labels."""
    base = BaseImage("git.example.org/acme/base:1", {}, ("l1", "l2"))
    named = {"named_base": base.image}
    assert verdict(one(base=base, layers=("l1", "l2", "l3")), **named).outcome is Outcome.PASS
    for layers in ((), ("l1",), ("l2", "l1", "l3")):
        found = verdict(one(base=base, layers=layers), **named)
        assert found.outcome is Outcome.FAIL
        assert found.reason.startswith("could not check: ")
        assert "image_status" not in found.evidence
    assert verdict(one(layers=("l1",)), **named).reason.startswith("could not check: ")


def test_a_moved_tag_is_seen() -> None:
    """The tag leads to another digest than the one named with it, or than the one that was tested."""
    assert rules(verdict(pinned=OTHER_DIGEST)) == ["moved-tag"]
    moved = verdict(tested=f"sha256:{'3' * 64}")
    assert rules(moved) == ["tested-digest"]
    assert "promote the one that was tested" in moved.next_step
    part = verdict(tested=OTHER_DIGEST)
    assert rules(part) == ["tested-digest"]
    assert "only its image for linux/amd64" in part.reason
    assert DIGEST in part.next_step


def test_an_index_of_nothing_is_stale() -> None:
    """No platform is not every platform."""
    assert rules(judge(dataclasses.replace(facts(), platforms=()), IMAGE_FRESHNESS)) == ["no-platform"]


def test_what_could_not_be_read_is_no_staleness() -> None:
    """FAIL by the policy, with its own words, and no word about the image (SPEC 4.3)."""
    found = judge(ImageUnreadable("x/y:1", COMMIT, "the registry gave no usable answer", "no answer"), IMAGE_FRESHNESS)
    assert found.outcome is Outcome.FAIL
    assert found.reason == "could not check: the registry gave no usable answer: no answer"
    assert "image_status" not in found.evidence


labels = st.dictionaries(
    st.sampled_from([REVISION, TREE]), st.sampled_from(["", COMMIT, COMMIT[:12], OTHER, TREE_ID, OTHER_TREE])
)
layers = st.lists(st.sampled_from("abc"), max_size=3).map(tuple)
bases = st.none() | st.builds(BaseImage, st.just("x/base:1"), labels, layers)
platforms = st.builds(
    PlatformImage,
    st.sampled_from(["linux/amd64", "linux/arm64"]),
    st.sampled_from([DIGEST, OTHER_DIGEST]),
    labels,
    labels,
    layers,
    bases,
)
revisions = st.builds(
    Revision,
    st.just(COMMIT),
    st.sampled_from(["", TREE_ID]),
    st.dictionaries(st.sampled_from([COMMIT, OTHER]), st.sampled_from([TREE_ID, OTHER_TREE])),
)
digests = st.sampled_from(["", DIGEST, OTHER_DIGEST])
any_facts = st.builds(
    FreshnessFacts,
    st.just("x/app"),
    st.just("t"),
    st.sampled_from([DIGEST, OTHER_DIGEST]),
    revisions,
    st.lists(platforms, max_size=4).map(tuple),
    pinned=digests,
    tested=digests,
    named_base=st.sampled_from(["", "x/base:1"]),
)


@given(any_facts, platforms)
def test_one_platform_more_never_makes_it_fresh(found: FreshnessFacts, more: PlatformImage) -> None:
    """Monotone: what was not a PASS stays none, but for an index that had no platform."""
    if found.platforms and judge(found, IMAGE_FRESHNESS).outcome is not Outcome.PASS:
        wider = dataclasses.replace(found, platforms=(*found.platforms, more))
        assert judge(wider, IMAGE_FRESHNESS).outcome is not Outcome.PASS


@given(any_facts, bases)
def test_knowing_a_base_never_makes_it_fresh(found: FreshnessFacts, base: BaseImage | None) -> None:
    """What a base has can only take away from what is proven, or from what contradicts it."""
    bare = dataclasses.replace(found, platforms=tuple(dataclasses.replace(p, base=None) for p in found.platforms))
    based = dataclasses.replace(found, platforms=tuple(dataclasses.replace(p, base=base) for p in found.platforms))
    without = dataclasses.replace(bare, named_base="")
    if judge(based, IMAGE_FRESHNESS).outcome is Outcome.PASS:
        alone = judge(without, IMAGE_FRESHNESS)
        assert alone.outcome is Outcome.PASS or set(rules(alone)) <= {"contradicting-labels", "other-tree"}


@given(any_facts)
def test_a_pass_has_everything_on_its_side(found: FreshnessFacts) -> None:
    """Said independently: every digest named is the one, and each platform states the commit or its tree."""
    if judge(found, IMAGE_FRESHNESS).outcome is not Outcome.PASS:
        return
    assert {found.pinned, found.tested} <= {"", found.digest}
    assert found.platforms
    revision = found.revision
    known = {COMMIT, revision.tree, *(name for name, tree in revision.trees.items() if tree == revision.tree)} - {""}
    for each in found.platforms:
        output = {found.get(key) for found in (each.labels, each.annotations) for key in (REVISION, TREE)}
        assert output & known
