"""Tags of an image that was built once: led to its digest, by the very bytes that were read, and read back (IMG-1)."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

from orch_gates.errors import ImageMissing, PromotionRefused, RegistryBroken, RegistryUnclear
from orch_gates.oci.manifest import Manifest
from orch_gates.oci.registry import Registry

_REVISION_TAG = re.compile(r"rev-(?:[0-9a-f]{40}|[0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class Promoted:
    """`written` are the tags that were led to the image, `kept` those that led there already."""

    written: tuple[str, ...]
    kept: tuple[str, ...]


def revision_tag(commit: str) -> str:
    """The tag that one revision has for good."""
    return f"rev-{commit}"


def promote(registry: Registry, found: Manifest, commit: str, tags: Sequence[str]) -> Promoted:
    """Lead tags to an image, and the tag of its revision first; a second time it changes nothing.

    Raises:
        PromotionRefused: the tag of the revision leads to another image; nothing was written.
        RegistryRefused: the registry says no.
        RegistryUnavailable: it does not answer; what was asked for may be there in part.
        RegistryBroken: what was written does not read back.
    """
    own = revision_tag(commit)
    if others := [tag for tag in tags if tag != own and _REVISION_TAG.fullmatch(tag)]:
        raise PromotionRefused(f"{others[0]} is the tag of another revision than {commit}; it stays what it is")
    there = {tag: _read(registry, tag) for tag in dict.fromkeys((own, *tags))}
    before = {tag: one.digest if one else "" for tag, one in there.items()}
    if before[own] not in {"", found.digest}:
        raise PromotionRefused(
            f"{registry.image.repository}:{own} points to {before[own]}, but a revision has one image for good; "
            f"promote that one, or remove the tag if it was never deployed"
        )
    written = [tag for tag, digest in before.items() if digest != found.digest]
    # Gitea forgets an index when its tag moves, unless it is stored by its digest too, or has another tag.
    if own in written:
        _put(registry, found, found.digest)
    for old in {one.digest: one for tag in written if (one := there[tag]) is not None}.values():
        # A rollback needs what was there, also where nobody promoted it.
        _put(registry, old, old.digest)
    for tag in written:
        _put(registry, found, tag)
    for named in (found.digest, *before):
        read_back = _read(registry, named)
        if read_back is None or read_back.digest != found.digest:
            leads_to = "nothing" if read_back is None else read_back.digest
            raise RegistryBroken(
                f"{registry.image.repository}: {named} points to {leads_to} after it was set to {found.digest}; check "
                "whether something else sets this tag, then run the command again"
            )
    return Promoted(tuple(written), tuple(tag for tag in before if tag not in written))


def _put(registry: Registry, found: Manifest, named: str) -> None:
    # Whether it was stored although no answer came is seen when it is read back.
    with contextlib.suppress(RegistryUnclear):
        registry.put(found, named)


def _read(registry: Registry, named: str) -> Manifest | None:
    """What a tag leads to; None where there is nothing."""
    try:
        return registry.manifest(named)
    except ImageMissing:
        return None
