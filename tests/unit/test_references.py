"""How images, challenges and manifests are read: every text from outside in one way, or not at all (OWN-3)."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orch_gates.errors import RegistryBroken, UsageError
from orch_gates.oci import challenge, manifest, reference
from tests import image_rig as rig

HEX = "ab" * 32


@pytest.mark.parametrize(
    ("text", "host", "name", "tag", "digest"),
    [
        ("git.example.org/acme/app:v1", "git.example.org", "acme/app", "v1", ""),
        ("localhost:5000/app:v1", "localhost:5000", "app", "v1", ""),
        ("localhost/app:v1", "localhost", "app", "v1", ""),
        ("[::1]:5000/app:v1", "[::1]:5000", "app", "v1", ""),
        (f"ghcr.io/a/b/c@sha256:{HEX}", "ghcr.io", "a/b/c", "", f"sha256:{HEX}"),
        (f"GHCR.io/a/b:t@sha256:{HEX}", "ghcr.io", "a/b", "t", f"sha256:{HEX}"),
        ("docker.io/python:3.13", "docker.io", "library/python", "3.13", ""),
        ("index.docker.io/acme/app:1", "docker.io", "acme/app", "1", ""),
    ],
)
def test_an_image_is_named_in_full(text: str, host: str, name: str, tag: str, digest: str) -> None:
    """Registry, name, and a tag or a digest or both."""
    found = reference.parse(text, "--image")
    assert (found.host, found.name, found.tag, found.digest) == (host, name, tag, digest)
    assert reference.parse(str(found), "--image") == found


@pytest.mark.parametrize(
    "text",
    [
        *("", "app", "app:v1", "acme/app:v1", "git.example.org/acme/app", "git.example.org/:v1"),
        *("git.example.org/Acme/app:v1", "git.example.org/a/../b:v1", "git.example.org/a//b:v1", "git.example.org/a:"),
        *("https://git.example.org/a:v1", "user:pw@git.example.org/a:v1", "git.example.org/a:-v", "-x.org/a:v1"),
        *("git.example.org/a@sha256:ab", f"git.example.org/a@md5:{HEX}", f"git.example.org/a@sha256:{HEX.upper()}"),
        *("git.example.org/a:v1?x=1", "git.example.org/a:v1#", "git.example.org/a b:v1", "git.example.org/a:v1\n"),
        *("git.example.org:99999999/a:v1", f"git.example.org/{'a' * 300}:v1", "a.b" * 400 + "/c:v1"),
    ],
)
def test_what_could_be_read_otherwise_is_refused(text: str) -> None:
    """Nothing that is put into an address can lead elsewhere."""
    with pytest.raises(UsageError, match="--image"):
        reference.parse(text, "--image")


def test_a_digest_is_taken_as_tools_print_it() -> None:
    """By itself, or behind an image."""
    assert reference.digest(f"git.example.org/a@sha256:{HEX}\n", "--tested") == f"sha256:{HEX}"
    with pytest.raises(UsageError, match="--tested"):
        reference.digest("v1", "--tested")


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        *(("127.0.0.1:5000", True), ("127.9.9.9", True), ("localhost", True), ("[::1]:5000", True)),
        *(("10.0.0.1:5000", False), ("localhost.example.org", False), ("127.0.0.1.example.org", False)),
    ],
)
def test_only_this_machine_is_this_machine(host: str, *, expected: bool) -> None:
    """A name that begins like it is another one."""
    assert reference.is_loopback(host) is expected


def test_challenges_are_read_as_servers_write_them() -> None:
    """A token is preferred; commas and quotes inside of a value are its own."""
    text = 'Basic realm="a, b", Bearer realm="https://x/t?a=1,2",service="s",scope="repository:a:pull,push", Foo'
    assert [one.scheme for one in challenge.parse(text)] == ["basic", "bearer", "foo"]
    chosen = challenge.preferred(text)
    assert chosen is not None
    assert (chosen.realm, chosen.service) == ("https://x/t?a=1,2", "s")
    assert challenge.preferred('BASIC realm="x"') == challenge.Challenge("basic", {"realm": "x"})
    assert challenge.preferred("Negotiate abc=") is None
    assert challenge.preferred('realm="x"') is None


@given(st.text() | st.text(st.sampled_from('Bbearic=", \\')))
def test_no_header_breaks_the_reader(text: str) -> None:
    """Whatever a server sends there."""
    challenge.preferred(text)


@pytest.mark.parametrize("kind", [rig.OCI_MANIFEST, rig.DOCKER_MANIFEST])
@pytest.mark.parametrize("around", [rig.OCI_INDEX, rig.DOCKER_INDEX])
def test_both_families_are_read_mixed_too(kind: str, around: str) -> None:
    """An OCI index of Docker manifests is usual; an attestation is told from an image."""
    built = rig.image({rig.REVISION: "x"}, kind=kind, platform="linux/arm64/v8")
    whole = rig.index(built, rig.attestation(built), kind=around)
    found = manifest.read(whole.raw, whole.digest, around)
    assert [(part.platform, part.attestation) for part in found.parts] == [
        ("linux/arm64/v8", False),
        ("unknown/unknown", True),
    ]
    inner = manifest.read(built.raw, built.digest, kind)
    assert inner.config is not None
    config = manifest.read_config(built.blobs[0], inner.config)
    assert (config.platform, config.labels) == ("linux/arm64/v8", {rig.REVISION: "x"})


def test_only_both_marks_make_an_attestation() -> None:
    """A platform that is only called unknown, or only annotated, has to be of the commit like any other."""
    for platform, notes in (
        ({"os": "unknown", "architecture": "unknown"}, {}),
        ({"os": "linux", "architecture": "amd64"}, {"vnd.docker.reference.type": "attestation-manifest"}),
    ):
        made = rig.image()
        part = rig.Built(made.raw, made.media_type, platform, made.blobs, annotations=notes)
        whole = rig.index(part)
        assert not manifest.read(whole.raw, whole.digest, rig.OCI_INDEX).parts[0].attestation


GOOD = json.loads(rig.index(rig.image()).raw)
IMAGE = json.loads(rig.image().raw)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ([], "not a JSON object"),
        ({}, "not an image"),
        ({**GOOD, "mediaType": "application/vnd.oci.image.config.v1+json"}, "not an image"),
        ({**GOOD, "schemaVersion": 1}, "schemaVersion"),
        ({**GOOD, "manifests": {}}, "no list of manifests"),
        ({**GOOD, "manifests": GOOD["manifests"] * 65}, "65 entries"),
        ({**GOOD, "manifests": [None]}, "is missing"),
        ({**GOOD, "manifests": [{**GOOD["manifests"][0], "digest": "sha256:../../x"}]}, "no valid digest"),
        ({**GOOD, "manifests": [{**GOOD["manifests"][0], "size": -1}]}, "no length"),
        ({**GOOD, "manifests": [{**GOOD["manifests"][0], "size": True}]}, "no length"),
        ({**GOOD, "manifests": [{**GOOD["manifests"][0], "size": 10**12}]}, "no length"),
        ({**GOOD, "manifests": [{**GOOD["manifests"][0], "mediaType": rig.OCI_INDEX}]}, "an index itself"),
        ({**GOOD, "config": IMAGE["config"]}, "but is an image too"),
        ({**GOOD, "annotations": {"a": 1}}, "something else than text"),
        ({**IMAGE, "manifests": []}, "but is an index too"),
        ({**IMAGE, "layers": None}, "no list of layers"),
        ({**IMAGE, "config": None}, "is missing"),
    ],
)
def test_a_document_that_proves_nothing_is_refused(document: object, message: str) -> None:
    """Also where its digest is the right one."""
    raw = json.dumps(document).encode()
    with pytest.raises(RegistryBroken, match=message):
        manifest.read(raw, rig.digest(raw), "")


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b'{"a": ' + b"[" * 100_000, "nested too deeply|not readable JSON"),
        (b'{"mediaType": "x", "mediaType": "y"}', "names a field twice"),
        (b"\xff", "not readable JSON"),
        (b"", "not readable JSON"),
        (b'{"schemaVersion": ' + b"1" * 5000 + b"}", "not readable JSON"),
    ],
)
def test_json_that_readers_disagree_about_is_refused(raw: bytes, message: str) -> None:
    """Depth, fields that are there twice, bytes that are no text."""
    with pytest.raises(RegistryBroken, match=message):
        manifest.read(raw, rig.digest(raw), "")


def test_the_media_type_of_the_answer_has_to_agree() -> None:
    """One document must not be an index for one reader and an image for another."""
    built = rig.image()
    with pytest.raises(RegistryBroken, match="but its mediaType is"):
        manifest.read(built.raw, built.digest, rig.DOCKER_INDEX)
    with pytest.raises(RegistryBroken, match="was requested"):
        manifest.read(built.raw, f"sha256:{HEX}", rig.OCI_MANIFEST)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists))
def test_no_manifest_breaks_the_reader(value: object) -> None:
    """Any value in any place is read, or refused by one error."""
    for key in (*GOOD, "layers", "config", "annotations"):
        for base in (GOOD, IMAGE):
            raw = json.dumps({**base, key: value}).encode()
            with contextlib.suppress(RegistryBroken):
                manifest.read(raw, rig.digest(raw), "")
