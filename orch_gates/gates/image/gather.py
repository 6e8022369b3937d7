"""The facts about an image: what its registry holds, and what git knows of the commits that its labels name (IMG-1)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from orch_gates.documents import escape
from orch_gates.errors import (
    GitError,
    ImageMissing,
    RegistryBroken,
    RegistryRefused,
    RegistryUnavailable,
    UsageError,
)
from orch_gates.gates.image.freshness import (
    REVISION,
    Base,
    Facts,
    PlatformImage,
    Revision,
    Unreadable,
    candidates,
)
from orch_gates.git.cli import Git
from orch_gates.model.ids import OID
from orch_gates.oci import reference
from orch_gates.oci.manifest import Descriptor, Manifest
from orch_gates.oci.reference import Reference
from orch_gates.oci.registry import Registry

_BASE_NAME = "org.opencontainers.image.base.name"
_BASE_DIGEST = "org.opencontainers.image.base.digest"


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked about an image: the digest that was tested, the commit, and its base; empty where not named."""

    image: Reference
    commit: str
    tested: str = ""
    base: Reference | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """The facts, and the very document that they are about, which is what is promoted; None where it was not read."""

    facts: Facts | Unreadable
    manifest: Manifest | None = None


def gather(question: Question, git: Git, connect: Callable[[Reference], Registry]) -> Seen:
    """Ask the registry, and git; what keeps the image from being looked at is an answer too (P2)."""
    registry = connect(question.image)
    try:
        return _seen(question, git, registry, connect)
    except ImageMissing as error:
        return _unreadable(question, "the registry has no such image", error)
    except RegistryRefused as error:
        return _unreadable(question, "the registry refused", error)
    except RegistryBroken as error:
        return _unreadable(question, "what the registry sent proves nothing", error)
    except RegistryUnavailable as error:
        return _unreadable(question, "the registry could not be asked", error)


def _unreadable(question: Question, kind: str, error: RegistryUnavailable) -> Seen:
    return Seen(Unreadable(str(question.image), question.commit, kind, str(error)))


def _seen(question: Question, git: Git, registry: Registry, connect: Callable[[Reference], Registry]) -> Seen:
    image = question.image
    # A tag is read once; all that follows goes by the digest.
    top = registry.manifest(image.tag or image.digest)
    chosen = list(_images(top))
    platforms = tuple(_platform(registry, one, top) for one in chosen)
    facts = Facts(
        image.repository,
        image.tag,
        top.digest,
        _revision(git, question.commit, platforms),
        platforms,
        pinned=image.digest,
        tested=question.tested,
        named_base=str(question.base) if question.base else "",
        left_out=len(top.parts) - len(chosen) if top.parts else 0,
    )
    # Without it nothing would pass anyway, so it is not asked for.
    return Seen(_with_bases(facts, question, top, connect) if candidates(facts) else facts, top)


def _images(top: Manifest) -> Iterator[Descriptor | None]:
    """The images of an index, without what is about images only; None for a manifest, which is one itself."""
    if top.config is not None:
        yield None
    else:
        yield from (part for part in top.parts if not part.attestation)


def _platform(registry: Registry, part: Descriptor | None, top: Manifest) -> PlatformImage:
    found = top if part is None else registry.manifest(part.digest, part.size)
    if found.config is None:
        raise RegistryBroken(f"{registry.image.repository}@{found.digest} is an index in an index")
    config = registry.config(found.config)
    named = (part.platform if part else "") or config.platform or "unknown"
    return PlatformImage(named, found.digest, config.labels, found.annotations, config.layers)


def _revision(git: Git, commit: str, platforms: tuple[PlatformImage, ...]) -> Revision:
    trees: dict[str, str] = {}
    labels = {found[REVISION] for one in platforms for found in (one.labels, one.annotations) if found.get(REVISION)}
    for named in {commit, *labels}:
        # What a label says is a commit's full id, or it is not looked up.
        if OID.fullmatch(named) and (tree := _tree(git, named)):
            trees[named] = tree
    return Revision(commit, trees.get(commit, ""), trees)


def _tree(git: Git, commit: str) -> str:
    try:
        return git.resolve(f"{commit}^{{tree}}", "tree") if git.has(f"{commit}^{{commit}}") else ""
    except GitError:
        return ""


def _with_bases(facts: Facts, question: Question, top: Manifest, connect: Callable[[Reference], Registry]) -> Facts:
    unread: list[str] = []
    read: dict[Reference, _BaseImage] = {}

    def based(one: PlatformImage) -> PlatformImage:
        named = question.base or _named_base(one, top, question.image, unread)
        if named is None:
            return one
        if named not in read:
            read[named] = _BaseImage.of(named, connect(named))
        base = read[named].on(one.platform)
        if base is None:
            unread.append(f"{named} has no image for {one.platform}")
        return replace(one, base=base)

    platforms = tuple(based(one) for one in facts.platforms)
    return replace(facts, platforms=platforms, unread=tuple(dict.fromkeys(unread)))


def _named_base(one: PlatformImage, top: Manifest, image: Reference, unread: list[str]) -> Reference | None:
    """The base that an image names itself; of another registry it is not asked for: whoever built it chose that."""
    said: Mapping[str, str] = next(
        (found for found in (one.annotations, top.annotations, one.labels) if found.get(_BASE_NAME)), {}
    )
    if not said:
        return None
    try:
        named = reference.parse(said[_BASE_NAME], "the base")
        pinned = said.get(_BASE_DIGEST, "")
        named = named.at(reference.digest(pinned, "the base")) if pinned else named
    except UsageError:
        shown = escape.clip(escape.visible(said[_BASE_NAME]), 100)
        unread.append(f"{shown} is no image of a registry; name the base with --base")
        return None
    if named.host != image.host:
        unread.append(f"{named} is in another registry, which is asked with --base {named} only")
        return None
    return named


@dataclass(frozen=True, slots=True)
class _BaseImage:
    """A base, of which the images are read by platform."""

    named: Reference
    registry: Registry
    top: Manifest

    @classmethod
    def of(cls, named: Reference, registry: Registry) -> _BaseImage:
        return cls(named, registry, registry.manifest(named.digest or named.tag))

    def on(self, platform: str) -> Base | None:
        """The base for one platform; None where it has none."""
        for part in _images(self.top):
            # Of a base without an index there is one, whatever it is for.
            if part is None or _same(part.platform, platform):
                found = _platform(self.registry, part, self.top)
                return Base(str(self.named), found.labels, found.layers)
        return None


def _same(one: str, other: str) -> bool:
    """Whether two platforms are the same: there is only one variant of arm64, which some leave out."""
    return one.removesuffix("/v8") == other.removesuffix("/v8")
