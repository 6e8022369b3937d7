"""Whether the image that was tested is the image of the validated commit: facts in, verdict out (IMG-1, pure)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from orch_gates.documents import escape
from orch_gates.gates.policy import Policy
from orch_gates.model.finding import Finding
from orch_gates.model.ids import OID
from orch_gates.model.verdict import Outcome, Scalar, Verdict, evidence_id

NAME = "image-freshness"
FILE_NAME = "19-image-report.md"
REVISION = "org.opencontainers.image.revision"
# The tree of the commit that was built: it stays the same where a squash or a rebase makes another commit.
TREE = "org.orch-gates.tree"
_REBUILD = (
    "Build the image again from a checkout of {commit}, with --label {label}=$(git rev-parse HEAD) for every platform; "
    "push it, test it on staging, and run the gate again with the digest that was tested."
)


@dataclass(frozen=True, slots=True)
class BaseImage:
    """The image that another one was built on, for the same platform; `layers` of it come first there."""

    image: str
    labels: Mapping[str, str]
    layers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PlatformImage:
    """The image for one platform: what its configuration and its manifest say of it.

    `labels` are inherited from the base where a build sets none; `annotations` are never. `base_unread` says why
    the base was not looked at, although there is one.
    """

    platform: str
    digest: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str] = field(default_factory=dict)
    layers: tuple[str, ...] = ()
    base: BaseImage | None = None
    base_unread: str = ""


@dataclass(frozen=True, slots=True)
class Revision:
    """The validated commit and its tree, empty where the commit is not in this clone.

    `trees` are those of other commits that labels name, as far as they are in this clone.
    """

    commit: str
    tree: str = ""
    trees: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FreshnessFacts:
    """What was seen of an image. `image` is its repository, `digest` what the tag led to when it was read, once.

    `pinned` is the digest in the reference itself, and `tested` the one that was tested; empty where none was named.
    `named_base`: a person named the base, which has to be the base of every platform. `left_out` counts entries of the
    index that are no images.
    """

    image: str
    tag: str
    digest: str
    revision: Revision
    platforms: tuple[PlatformImage, ...]
    pinned: str = ""
    tested: str = ""
    named_base: str = ""
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class ImageUnreadable:
    """The image could not be looked at; `kind` is what kept it, in words."""

    image: str
    commit: str
    kind: str
    reason: str


def judge(facts: FreshnessFacts | ImageUnreadable, policy: Policy) -> Verdict:
    """PASS only where every platform of what was tested is of the commit; a platform more never makes it one."""
    if isinstance(facts, ImageUnreadable):
        evidence: dict[str, Scalar] = {"image": facts.image, "digest": None, "head": facts.commit}
        return _unknown(policy, evidence, f"{facts.kind}: {facts.reason}")
    evidence = _evidence(facts)
    findings = tuple(_findings(facts))
    rests_on = (evidence_id(facts.digest, facts.revision.commit, facts.tested),)
    if findings:
        first = findings[0].description
        more = f" (and {len(findings) - 1} more)" if len(findings) > 1 else ""
        step = _REBUILD.format(commit=facts.revision.commit[:10], label=REVISION)
        return Verdict(
            NAME,
            Outcome.FAIL,
            f"the image is stale: {first}{more}",
            findings,
            (),
            {**evidence, "image_status": "STALE"},
            findings[0].fix if findings[0].rule in _NOT_REBUILT else step,
            rests_on=rests_on,
        )
    if unread := _unread(facts):
        return _unknown(policy, evidence, f"{'; '.join(unread)}, so {_INHERITED}", _NAME_THE_BASE)
    if odd := [one.platform for one in facts.platforms if not _stands_on(one, facts.named_base)]:
        read = {one.base.image for one in facts.platforms if one.base is not None}
        named = facts.named_base or ", ".join(sorted(read))
        reason = f"{named} is not the base of {', '.join(odd)}: its layers are not the first ones there"
        return _unknown(policy, evidence, reason, "Name the image of the FROM line with --base, or leave it out.")
    reason = f"{facts.image}@{facts.digest[:19]} is the image of {facts.revision.commit[:10]} on {_count(facts)}"
    untested = "no tested digest was given (--tested), so this does not show what ran on staging"
    notices = (*_by_tree_alone(facts), *(() if facts.tested else (untested,)))
    return Verdict(NAME, Outcome.PASS, reason, (), notices, {**evidence, "image_status": "FRESH"}, rests_on=rests_on)


def candidates(facts: FreshnessFacts) -> bool:
    """Whether a base image matters: every platform would pass without what may be the base's."""
    return bool(facts.platforms) and all(_matching(one, facts.revision) for one in facts.platforms)


def rests_on_label(one: PlatformImage, revision: Revision) -> bool:
    """Whether what shows that an image is of the commit may be its base's, as an annotation never is."""
    return not any(one.annotations.get(label) for _, label in _matching(one, revision))


def _unread(facts: FreshnessFacts) -> tuple[str, ...]:
    found = [f"{one.platform}: {one.base_unread}" for one in facts.platforms if one.base_unread]
    return tuple(dict.fromkeys(found))


def _by_tree_alone(facts: FreshnessFacts) -> Iterator[str]:
    """What the recorded tree proves, although git has no such commit to compare."""
    revision = facts.revision
    named = {found for one in facts.platforms if _proof(one, revision) == TREE for found in _own(one, REVISION)}
    if unknown := {found for found in named if found not in revision.trees}:
        yield f"its label names commit {_listed(unknown)}, which is not in this clone; the recorded tree matches"


# As git abbreviates a commit.
_SHORTEST = 7
_NOT_REBUILT = {"tested-digest", "moved-tag"}
_INHERITED = "the label may come from the base image"
_NAME_THE_BASE = (
    "Name the image of the FROM line, or a copy of it that can be read here, with --base; or give the image the "
    "revision as an annotation of its manifest, which no base has."
)


def _unknown(policy: Policy, evidence: Mapping[str, Scalar], why: str, next_step: str = "") -> Verdict:
    step = next_step or (
        "Fix what the reason names, or run the gate again when the registry answers; do not rebuild yet."
    )
    return Verdict(NAME, policy.unknown, f"could not check: {why}", evidence=evidence, next_step=step)


def _evidence(facts: FreshnessFacts) -> dict[str, Scalar]:
    proofs = sorted({_proof(one, facts.revision) for one in facts.platforms} - {""})
    return {
        "image": facts.image,
        "tag": facts.tag or None,
        "digest": facts.digest,
        "tested": facts.tested or None,
        "head": facts.revision.commit,
        "tree": facts.revision.tree or None,
        "platforms": ", ".join(one.platform for one in facts.platforms),
        "left_out": facts.left_out,
        "proven_by": ", ".join(proofs) or None,
        "base": ", ".join(sorted({one.base.image for one in facts.platforms if one.base is not None})) or None,
        "base_not_read": "; ".join(_unread(facts)) or None,
    }


def _findings(facts: FreshnessFacts) -> Iterator[Finding]:
    where = f"{facts.image}{facts.tag and f':{facts.tag}'}"
    if facts.pinned and facts.pinned != facts.digest:
        text = f"the tag {facts.tag} was moved: it points to {facts.digest}, but {facts.pinned} was named"
        yield _finding("moved-tag", where, facts, text, "Test what the tag points to now, or name the digest alone.")
    if facts.tested and facts.tested != facts.digest:
        part = next((one.platform for one in facts.platforms if one.digest == facts.tested), "")
        text = f"{facts.tested} was tested, but {where} is {facts.digest}"
        fix = "Test the digest that is going to be promoted, or promote the one that was tested."
        if part:
            text += f", and the tested digest is only its image for {part}"
            fix = f"Record the digest of the whole index as the tested one: {facts.digest}."
        yield _finding("tested-digest", where, facts, text, fix)
    if not facts.platforms:
        yield _finding("no-platform", where, facts, "the index has no image for any platform", "Build it again.")
    for one in facts.platforms:
        if not _proof(one, facts.revision):
            rule, text = _why(one, facts.revision)
            fix = _REBUILD.format(commit=facts.revision.commit[:10], label=REVISION)
            yield _finding(rule, f"{facts.image}@{one.digest}", facts, f"{one.platform}: {text}", fix)


def _proof(one: PlatformImage, revision: Revision) -> str:
    """What shows that an image is of the commit, and was given to this image itself; empty where nothing does."""
    stated, tree = _own(one, REVISION), _own(one, TREE)
    if max(len(stated), len(tree)) > 1 or _is_other_tree(tree, revision) or _is_other_commit(stated, revision):
        return ""
    own = (proof for proof, label in _matching(one, revision) if _own(one, label))
    return next(own, "")


def _matching(one: PlatformImage, revision: Revision) -> list[tuple[str, str]]:
    """What matches the commit, whoever it is from, with its label."""
    stated, found = _stated(one, REVISION), []
    if revision.commit in stated:
        found.append((REVISION, REVISION))
    elif revision.tree and any(revision.trees.get(named) == revision.tree for named in stated):
        found.append((f"{REVISION}, by its tree", REVISION))
    if revision.tree and revision.tree in _stated(one, TREE):
        found.append((TREE, TREE))
    return found


def _is_other_tree(tree: set[str], revision: Revision) -> bool:
    return bool(tree and revision.tree) and tree != {revision.tree}


def _is_other_commit(stated: set[str], revision: Revision) -> bool:
    """Whether a commit is named that was not validated: of another tree, as git tells, or no commit at all.

    Where git has no such commit it may be one of the same tree, before a squash or a rebase.
    """
    for named in stated - {revision.commit}:
        known = revision.trees.get(named, "")
        is_short = len(named) >= _SHORTEST and revision.commit.startswith(named)
        if (known and known != revision.tree) or not (is_short or OID.fullmatch(named)):
            return True
    return False


def _stated(one: PlatformImage, label: str) -> set[str]:
    """What is said under a name, once or twice."""
    return {found[label] for found in (one.labels, one.annotations) if found.get(label)}


def _own(one: PlatformImage, label: str) -> set[str]:
    """The same without what the base says already: the image itself was never given it. An annotation always was."""
    if one.annotations.get(label) or one.base is None or one.base.labels.get(label) != one.labels.get(label):
        return _stated(one, label)
    return set()


def _why(one: PlatformImage, revision: Revision) -> tuple[str, str]:
    stated, tree = _stated(one, REVISION), _stated(one, TREE)
    if len(stated) > 1 or len(tree) > 1:
        both = stated if len(stated) > 1 else tree
        return "contradicting-labels", f"its label and its annotation differ: {_listed(both)}"
    if not stated and not tree:
        return "no-label", f"it has no label {REVISION}"
    if _is_other_tree(tree, revision) and (_own(one, TREE) or not _matching(one, revision)):
        return "other-tree", (
            f"it was built from tree {_listed(tree)}, but {revision.commit[:10]} has tree {revision.tree}"
        )
    if revision.tree in tree and _is_other_commit(_own(one, REVISION), revision):
        text = (
            f"it records the tree of {revision.commit[:10]}, but its label names {_listed(stated)}, which has another "
            "tree"
        )
        return "contradicting-labels", f"{text} or is not a commit"
    if _matching(one, revision):
        base = one.base.image if one.base is not None else ""
        return "inherited-label", f"its label comes from its base {base}, so it does not show what was built on it"
    if not stated:
        return "no-label", f"it has no label {REVISION}, and the tree of {revision.commit[:10]} is not known here"
    text = f"it was built from {_listed(stated)}, but {revision.commit} was validated"
    if next(iter(stated)) not in revision.trees:
        text += ", and that commit is not in this clone to compare the trees"
    return "other-revision", text


def _stands_on(one: PlatformImage, named_base: str) -> bool:
    """Whether the base that was read is the one it was built on: a tag of it may have moved since."""
    if one.base is None:
        return not named_base
    return one.layers[: len(one.base.layers)] == one.base.layers


def _listed(values: set[str]) -> str:
    return " and ".join(escape.clip(escape.visible(value), 80) for value in sorted(values))


def _count(facts: FreshnessFacts) -> str:
    number = len(facts.platforms)
    return facts.platforms[0].platform if number == 1 else f"{number} platforms"


def _finding(rule: str, where: str, facts: FreshnessFacts, text: str, fix: str) -> Finding:
    ident = evidence_id(rule, where, facts.revision.commit)[:16]
    return Finding(ident, rule, where, 0, facts.revision.commit, text, fix, carrier="image")
