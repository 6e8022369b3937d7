"""Images made of a few bytes, pushed to a registry over HTTP; and Debian's registry, started for a test."""

from __future__ import annotations

import ctypes
import gzip
import hashlib
import io
import json
import secrets
import socket
import subprocess
import tarfile
import time
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from orch_gates.oci import challenge

OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
_CONFIGS = {
    OCI_MANIFEST: "application/vnd.oci.image.config.v1+json",
    DOCKER_MANIFEST: "application/vnd.docker.container.image.v1+json",
}
_LAYERS = {
    OCI_MANIFEST: "application/vnd.oci.image.layer.v1.tar+gzip",
    DOCKER_MANIFEST: "application/vnd.docker.image.rootfs.diff.tar.gzip",
}
REVISION = "org.opencontainers.image.revision"
TREE = "org.orch-gates.tree"
STATEMENTS = "application/vnd.in-toto+json"
NOWHERE = "unknown/unknown"


def digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def layer(content: str) -> tuple[bytes, str]:
    """A packed layer with one file, and the digest of it unpacked."""
    packed, entry = io.BytesIO(), tarfile.TarInfo("content")
    entry.size = len(content)
    with tarfile.open(fileobj=packed, mode="w") as tar:
        tar.addfile(entry, io.BytesIO(content.encode()))
    return gzip.compress(packed.getvalue(), mtime=0), digest(packed.getvalue())


@dataclass(frozen=True)
class Built:
    """An image or an index, with all that belongs to it, the manifests of an index first."""

    raw: bytes
    media_type: str
    platform: Mapping[str, str] = field(default_factory=dict)
    blobs: tuple[bytes, ...] = ()
    parts: tuple[Built, ...] = ()
    annotations: Mapping[str, str] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        return digest(self.raw)

    @property
    def descriptor(self) -> dict[str, Any]:
        found: dict[str, Any] = {"mediaType": self.media_type, "digest": self.digest, "size": len(self.raw)}
        if self.platform:
            found["platform"] = dict(self.platform)
        return found | ({"annotations": dict(self.annotations)} if self.annotations else {})


def image(
    labels: Mapping[str, str] | None = None,
    *,
    content: Sequence[str] = ("a layer",),
    platform: str = "linux/amd64",
    kind: str = OCI_MANIFEST,
    annotations: Mapping[str, str] | None = None,
    layers: str = "",
) -> Built:
    """The image of one platform, of layers with these contents, of the kind `layers`."""
    packed = [layer(text) for text in content]
    system, _, rest = platform.partition("/")
    architecture, _, variant = rest.partition("/")
    named = {"os": system, "architecture": architecture} | ({"variant": variant} if variant else {})
    config = json.dumps(
        {
            **named,
            "config": {"Labels": dict(labels)} if labels is not None else {},
            "rootfs": {"type": "layers", "diff_ids": [unpacked for _, unpacked in packed]},
        }
    ).encode()
    manifest: dict[str, Any] = {
        "schemaVersion": 2,
        "mediaType": kind,
        "config": {"mediaType": _CONFIGS[kind], "digest": digest(config), "size": len(config)},
        "layers": [
            {"mediaType": layers or _LAYERS[kind], "digest": digest(one), "size": len(one)} for one, _ in packed
        ],
    }
    if annotations:
        manifest["annotations"] = dict(annotations)
    return Built(json.dumps(manifest).encode(), kind, named, (config, *(one for one, _ in packed)))


def index(*parts: Built, kind: str = OCI_INDEX, annotations: Mapping[str, str] | None = None) -> Built:
    """An index of images."""
    document: dict[str, Any] = {
        "schemaVersion": 2,
        "mediaType": kind,
        "manifests": [part.descriptor for part in parts],
    }
    if annotations:
        document["annotations"] = dict(annotations)
    return Built(json.dumps(document).encode(), kind, parts=parts)


def attestation(about: Built) -> Built:
    """What BuildKit puts beside an image: statements, for no platform, and said to be about the image."""
    return dressed(image(content=("provenance",), platform=NOWHERE, layers=STATEMENTS), about.digest)


def dressed(made: Built, about: str) -> Built:
    """Something that an index calls an attestation about an image."""
    told = {"vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": about}
    nowhere = {"os": "unknown", "architecture": "unknown"}
    return Built(made.raw, made.media_type, nowhere, made.blobs, annotations=told)


@dataclass
class Client:
    """Pushes and asks, by HTTP and nothing else; what it may not do, it is told to."""

    host: str
    user: str = ""
    secret: str = field(default="", repr=False)
    tokens: dict[str, str] = field(default_factory=dict, repr=False)

    def push(self, name: str, built: Built, *tags: str) -> str:
        """Store an image, and lead tags to it; answers its digest."""
        for part in built.parts:
            self.push(name, part)
        for blob in built.blobs:
            self._blob(name, blob)
        for named in tags or (built.digest,):
            status, _, body = self.ask("PUT", name, f"manifests/{named}", built.raw, {"Content-Type": built.media_type})
            assert status == 201, (status, body[:300])
        return built.digest

    def leads_to(self, name: str, named: str) -> str:
        """The digest of what a tag leads to, or of what has a digest; empty where there is nothing."""
        accept = ", ".join((OCI_INDEX, OCI_MANIFEST, DOCKER_INDEX, DOCKER_MANIFEST))
        status, _, body = self.ask("GET", name, f"manifests/{named}", headers={"Accept": accept})
        assert status in {200, 404}, (status, body[:300])
        return digest(body) if status == 200 else ""

    def _blob(self, name: str, blob: bytes) -> None:
        if self.ask("HEAD", name, f"blobs/{digest(blob)}")[0] == 200:
            return
        status, headers, body = self.ask("POST", name, "blobs/uploads/")
        assert status == 202, (status, body[:300])
        place = urlsplit(headers["location"])
        query = f"{place.query}{'&' if place.query else ''}{urlencode({'digest': digest(blob)})}"
        octets = {"Content-Type": "application/octet-stream"}
        status, _, body = self._send("PUT", f"{place.path}?{query}", blob, {**octets, **self._given(name)})
        assert status == 201, (status, body[:300])

    def ask(
        self, method: str, name: str, what: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        """A request about a repository, let in as the registry wants it."""
        path = f"/v2/{name}/{what}"
        status, told, content = self._send(method, path, body, {**(headers or {}), **self._given(name)})
        if status == 401 and self._let_in(name, told.get("www-authenticate", "")):
            status, told, content = self._send(method, path, body, {**(headers or {}), **self._given(name)})
        return status, told, content

    def _given(self, name: str) -> dict[str, str]:
        return {"Authorization": self.tokens[name]} if name in self.tokens else {}

    def _let_in(self, name: str, header: str) -> bool:
        found = challenge.preferred(header)
        if found is None or name in self.tokens:
            return False
        basic = f"Basic {b64encode(f'{self.user}:{self.secret}'.encode()).decode()}"
        self.tokens[name] = basic
        if found.scheme == "bearer":
            place = urlsplit(found.realm)
            query = urlencode({"service": found.service, "scope": f"repository:{name}:pull,push"})
            _, _, output = self._send(
                "GET", f"{place.path}?{query}", b"", {"Authorization": basic} if self.user else {}
            )
            self.tokens[name] = f"Bearer {json.loads(output)['token']}"
        return True

    def _send(
        self, method: str, path: str, body: bytes, headers: Mapping[str, str]
    ) -> tuple[int, dict[str, str], bytes]:
        connection = HTTPConnection(self.host, timeout=30)
        try:
            connection.request(method, path, body, {"Content-Length": str(len(body)), **headers})
            answer = connection.getresponse()
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
        finally:
            connection.close()


@contextmanager
def debian(program: Path, folder: Path) -> Iterator[Client]:
    """Debian's registry on loopback, with one user and a password made for it (basic authentication)."""
    user, password = "deployer", secrets.token_urlsafe(18)
    (folder / "data").mkdir(parents=True)
    (folder / "users").write_text(f"{user}:{_bcrypt(password)}\n")
    for _ in range(3):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        config = {
            "version": "0.1",
            "log": {"level": "error", "accesslog": {"disabled": True}},
            "storage": {"filesystem": {"rootdirectory": str(folder / "data")}, "delete": {"enabled": True}},
            "http": {"addr": f"127.0.0.1:{port}", "secret": secrets.token_hex(16)},
            "auth": {"htpasswd": {"realm": "test", "path": str(folder / "users")}},
        }
        (folder / "config.yml").write_text(json.dumps(config))
        with (folder / "log").open("wb") as log:
            running = subprocess.Popen([program, "serve", folder / "config.yml"], stdout=log, stderr=log)
        try:
            if _answers(running, port):
                yield Client(f"127.0.0.1:{port}", user, password)
                return
        finally:
            running.terminate()
            running.wait(10)
    raise AssertionError((folder / "log").read_text()[-2000:])


def _answers(running: subprocess.Popen[bytes], port: int) -> bool:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and running.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return True
    return False


def _bcrypt(password: str) -> str:
    """The only kind of hash that this registry takes."""
    library = ctypes.CDLL("libcrypt.so.1")
    library.crypt.restype = ctypes.c_char_p
    salt = "$2b$05$" + "".join(secrets.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(21)) + "u"
    made: bytes = library.crypt(password.encode(), salt.encode())
    return made.decode()
