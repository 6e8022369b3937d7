"""The facts about an image: what its registry holds, and what git knows of the commits that its labels name (IMG-1)."""

from __future__ import annotations

from collections.abc import Mapping
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
    BaseImage,
    FreshnessFacts,
    ImageUnreadable,
    PlatformImage,
    Revision,
    candidates,
    rests_on_label,
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
class GatheredImage:
    """The facts, and the very document that they are about, which is what is promoted; None where it was not read."""

    facts: FreshnessFacts | ImageUnreadable
    manifest: Manifest | None = None


def gather(question: Question, git: Git, registry: Registry) -> GatheredImage:
    """Ask the registry of the image, and git; what keeps the image from being looked at is an answer too (P2)."""
    try:
        return _seen(question, git, registry)
    except ImageMissing as error:
        return _unreadable(question, "the registry has no such image", error)
    except RegistryRefused as error:
        return _unreadable(question, "the registry refused", error)
    except RegistryBroken as error:
        return _unreadable(question, "the registry's answer proves nothing", error)
    except RegistryUnavailable as error:
        return _unreadable(question, "the registry gave no usable answer", error)


def _unreadable(question: Question, kind: str, error: RegistryUnavailable) -> GatheredImage:
    return GatheredImage(ImageUnreadable(str(question.image), question.commit, kind, str(error)))


def _seen(question: Question, git: Git, registry: Registry) -> GatheredImage:
    image = question.image
    # A tag is read once; all that follows goes by the digest.
    top = registry.manifest(image.tag or image.digest)
    chosen = _images(top)
    _check_attestations(registry, top)
    platforms = tuple(_platform(registry, one, top) for one in chosen)
    facts = FreshnessFacts(
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
    return GatheredImage(_with_bases(facts, question, top, registry) if candidates(facts) else facts, top)


def _images(top: Manifest) -> list[Descriptor | None]:
    """The images of an index, without what is about images only; None for a manifest, which is one itself."""
    if top.config is not None:
        return [None]
    return [part for part in top.parts if not part.attestation]


def _check_attestations(registry: Registry, top: Manifest) -> None:
    """See that what is left out of the platforms is no image that could be run.

    Raises:
        RegistryUnavailable: it could be, or it could not be read.
    """
    images = {part.digest for part in top.parts if not part.attestation}
    for part in top.parts:
        if not part.attestation:
            continue
        where = f"{registry.image.repository}@{part.digest}"
        if part.about not in images:
            about = escape.clip(escape.visible(part.about), 80) or "nothing"
            raise RegistryBroken(f"{where} is marked as an attestation of {about}, which is not an image of this index")
        if not registry.manifest(part.digest, part.size).holds_statements:
            raise RegistryBroken(f"{where} is marked as an attestation, but has the layers of an image")


def _platform(registry: Registry, part: Descriptor | None, top: Manifest) -> PlatformImage:
    found = top if part is None else registry.manifest(part.digest, part.size)
    if found.config is None:
        raise RegistryBroken(
            f"{registry.image.repository}@{found.digest} is an index in an index, which is not supported"
        )
    config = registry.config(found.config)
    named = part.platform if part else ""
    if named and not _same(named, config.platform):
        raise RegistryBroken(
            f"{registry.image.repository}@{found.digest} is for {config.platform or 'no platform'} by its own "
            f"configuration, and for {named} by its index"
        )
    named = max(named, config.platform, key=len) or "unknown"
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
        # One question to git, and of a commit only: a tree's own id names no commit.
        return git.resolve(f"{commit}^{{commit}}", "tree")
    except GitError:
        return ""


def _with_bases(facts: FreshnessFacts, question: Question, top: Manifest, registry: Registry) -> FreshnessFacts:
    bases = _Bases(registry, question.base)
    return replace(facts, platforms=tuple(_based(one, facts.revision, top, bases) for one in facts.platforms))


def _based(one: PlatformImage, revision: Revision, top: Manifest, bases: _Bases) -> PlatformImage:
    """An image with its base, where it matters and one is named; or with what kept it from being read."""
    if bases.named is None and not rests_on_label(one, revision):
        return one
    try:
        named = bases.named or _named_base(one, top, bases.own.image)
        return one if named is None else replace(one, base=bases.on(named, one.platform))
    except RegistryUnavailable as error:
        return replace(one, base_unread=str(error))


def _named_base(one: PlatformImage, top: Manifest, image: Reference) -> Reference | None:
    """The base that an image names itself; None where it names none.

    Raises:
        RegistryBroken: what it names is nothing that can be asked for.
    """
    keys = (_BASE_NAME, _BASE_DIGEST)
    labels: Mapping[str, str] = next(
        (found for found in (one.annotations, top.annotations, one.labels) if any(found.get(key) for key in keys)), {}
    )
    if not labels:
        return None
    name, pinned = (labels.get(key, "") for key in keys)
    shown = escape.clip(escape.visible(name or pinned), 100)
    try:
        # A digest says more than what a tag beside it leads to by now.
        named = reference.parse(name if "@" in name or not pinned else f"{name}@{pinned}", "the base")
    except UsageError as error:
        raise RegistryBroken(f"it names its base as {shown}, which is not an image in a registry") from error
    # Whoever built it chose who is asked, and must not have services of this machine asked.
    if reference.is_loopback(named.host) and not reference.is_loopback(image.host):
        raise RegistryBroken(f"it names its base as {shown}, which exists only on the build machine")
    return named


class _Bases:
    """The bases that were read, each once; `named` is the one that a person names for every platform."""

    def __init__(self, own: Registry, named: Reference | None) -> None:
        self.own = own
        self.named = named
        self._read: dict[Reference, tuple[Registry, Manifest]] = {}

    def on(self, named: Reference, platform: str) -> BaseImage:
        """A base for one platform.

        Raises:
            RegistryUnavailable: it could not be read, or has none.
        """
        if named not in self._read:
            # An image does not choose where a login goes.
            known = named is self.named or named.host == self.own.image.host
            registry = self.own.beside(named) if known else self.own.stranger(named)
            self._read[named] = registry, registry.manifest(named.digest or named.tag)
        registry, top = self._read[named]
        for part in _images(top):
            # Of a base without an index there is one, whatever it is for.
            if part is None or _same(part.platform, platform):
                found = _platform(registry, part, top)
                return BaseImage(str(named), found.labels, found.layers)
        raise ImageMissing(f"its base {named} has no image for {platform}")


def _same(one: str, other: str) -> bool:
    """Whether two platforms may be the same: some leave out the variant."""
    short, long = sorted((one, other), key=len)
    return short == long or (short.count("/") == 1 and long.startswith(f"{short}/"))
