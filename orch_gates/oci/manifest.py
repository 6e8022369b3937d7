"""What a registry holds: an index of platforms, the manifest of one, its configuration; proven by their digests (pure).

Every byte here was chosen by whoever pushed the image, and sent by whoever answers for the registry.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from orch_gates.documents import escape, strict_json
from orch_gates.errors import RegistryBroken
from orch_gates.oci.reference import DIGEST

INDEXES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
MANIFESTS = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
ACCEPTED = ", ".join((*INDEXES, *MANIFESTS))
MOST_PARTS = 64
# What the distribution specification asks of registries.
MOST_BYTES = 4 * 1024 * 1024
_MOST_LAYERS = 4096
_MOST_LABELS = 4096
# BuildKit's provenance and bills of materials stand among the platforms of an index.
_ATTESTATION = ("vnd.docker.reference.type", "attestation-manifest")
_ABOUT = "vnd.docker.reference.digest"
_STATEMENTS = "application/vnd.in-toto"
_UNKNOWN = "unknown/unknown"


@dataclass(frozen=True, slots=True)
class Descriptor:
    """What is said about another document: its digest and its length, and for a platform which one.

    `attestation`: it is said to be about the image with the digest `about`, and to be none.
    """

    digest: str
    size: int
    platform: str = ""
    attestation: bool = False
    about: str = ""


@dataclass(frozen=True, slots=True)
class Manifest:
    """An index, with `parts`; or the manifest of an image, with `config` and the media types of its layers.

    `raw` is exactly what was sent.
    """

    digest: str
    media_type: str
    raw: bytes = field(repr=False)
    annotations: Mapping[str, str]
    parts: tuple[Descriptor, ...] = ()
    config: Descriptor | None = None
    layer_types: tuple[str, ...] = ()

    @property
    def holds_statements(self) -> bool:
        """Whether all that it holds are statements about an image, which nothing can run."""
        return bool(self.layer_types) and all(one.startswith(_STATEMENTS) for one in self.layer_types)


@dataclass(frozen=True, slots=True)
class ImageConfig:
    """The configuration of one image; `layers` are the digests of their unpacked content, the base's first."""

    platform: str
    labels: Mapping[str, str]
    layers: tuple[str, ...]


def digest_of(body: bytes, like: str = "sha256:") -> str:
    """The digest of some bytes, by the algorithm of another one."""
    algorithm = like.partition(":")[0]
    return f"{algorithm}:{hashlib.new(algorithm, body, usedforsecurity=False).hexdigest()}"


def read(body: bytes, digest: str, told_type: str) -> Manifest:
    """The document with this digest; `told_type` is the media type that the answer states.

    Raises:
        RegistryBroken: it is another one, not what it is called, or cannot be read in one way only.
    """
    _prove(body, digest)
    document = _object(body)
    inside, outside = document.get("mediaType"), told_type.partition(";")[0].strip().lower()
    known = {*INDEXES, *MANIFESTS}
    media_type = inside if isinstance(inside, str) else outside
    if media_type not in known:
        raise RegistryBroken(f"it is of the kind {_shown(media_type)}, not an image")
    if outside in known and outside != media_type:
        raise RegistryBroken(f"the Content-Type is {outside}, but its mediaType is {media_type}")
    if document.get("schemaVersion") != 2:
        raise RegistryBroken("its schemaVersion is not 2")
    annotations = _texts(document.get("annotations"), "annotations")
    if media_type in INDEXES:
        # A document that can be read as both would be another image for another reader.
        if "config" in document or "layers" in document:
            raise RegistryBroken("it is called an index, but is an image too")
        return Manifest(digest, media_type, body, annotations, parts=tuple(_parts(document.get("manifests"))))
    if "manifests" in document:
        raise RegistryBroken("it is called an image, but is an index too")
    layers = document.get("layers")
    if not isinstance(layers, list):
        raise RegistryBroken("it has no list of layers")
    types = tuple(str(row.get("mediaType", "")) if isinstance(row, dict) else "" for row in layers)
    config = _descriptor(document.get("config"), "config")
    return Manifest(digest, media_type, body, annotations, config=config, layer_types=types)


def read_config(body: bytes, stated: Descriptor) -> ImageConfig:
    """The configuration that a manifest names.

    Raises:
        RegistryBroken: it is another document, or cannot be read in one way only.
    """
    if len(body) != stated.size:
        raise RegistryBroken(f"it has {len(body)} bytes, but the manifest states {stated.size}")
    _prove(body, stated.digest)
    document = _object(body)
    inner = document.get("config")
    labels = _texts(inner.get("Labels") if isinstance(inner, dict) else None, "labels")
    rootfs = document.get("rootfs")
    layers = rootfs.get("diff_ids", []) if isinstance(rootfs, dict) else []
    if not isinstance(layers, list) or len(layers) > _MOST_LAYERS or not all(isinstance(one, str) for one in layers):
        raise RegistryBroken("its list of layers cannot be read")
    return ImageConfig(_platform(document), labels, tuple(layers))


def _prove(body: bytes, digest: str) -> None:
    if (found := digest_of(body, digest)) != digest:
        raise RegistryBroken(f"the registry sent digest {found}, but {digest} was requested")


def _object(body: bytes) -> dict[str, Any]:
    try:
        found = strict_json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        why = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise RegistryBroken(f"it is not readable JSON: {_shown(why)}") from error
    if not isinstance(found, dict):
        raise RegistryBroken("it is not a JSON object")
    return found


def _parts(rows: object) -> Iterator[Descriptor]:
    if not isinstance(rows, list):
        raise RegistryBroken("it has no list of manifests")
    if len(rows) > MOST_PARTS:
        raise RegistryBroken(f"it has {len(rows)} entries, at most {MOST_PARTS} are read")
    for row in rows:
        found = _descriptor(row, "an entry")
        if row.get("mediaType") in INDEXES:
            raise RegistryBroken("an entry is an index itself")
        yield found


def _descriptor(row: object, what: str) -> Descriptor:
    if not isinstance(row, dict):
        raise RegistryBroken(f"{what} is missing")
    digest, size = row.get("digest"), row.get("size")
    if not isinstance(digest, str) or not DIGEST.fullmatch(digest):
        raise RegistryBroken(f"{what} has no valid digest")
    if not isinstance(size, int) or isinstance(size, bool) or not 0 <= size <= MOST_BYTES:
        raise RegistryBroken(f"{what} has no length from 0 to {MOST_BYTES}")
    platform = row.get("platform")
    named = _platform(platform) if isinstance(platform, dict) else ""
    annotations = _texts(row.get("annotations"), "annotations")
    key, value = _ATTESTATION
    attestation = named == _UNKNOWN and annotations.get(key) == value
    return Descriptor(digest, size, named, attestation, annotations.get(_ABOUT, "") if attestation else "")


def _platform(found: Mapping[str, Any]) -> str:
    named = [found.get(key) for key in ("os", "architecture", "variant")]
    return "/".join(escape.clip(escape.visible(part), 40) for part in named if isinstance(part, str) and part)


def _texts(found: object, what: str) -> dict[str, str]:
    if found is None:
        return {}
    if not isinstance(found, dict) or len(found) > _MOST_LABELS:
        raise RegistryBroken(f"its {what} cannot be read")
    if not all(isinstance(value, str) for value in found.values()):
        raise RegistryBroken(f"its {what} hold something else than text")
    return found


def _shown(text: str) -> str:
    return escape.clip(escape.visible(text), 100) or "(none)"
