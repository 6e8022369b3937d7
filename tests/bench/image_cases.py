"""What it costs to prove an image: next to the bare requests, and next to the size of the image (issue 16)."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import requests

from orch_gates.oci import reference
from orch_gates.oci.registry import Registry
from orch_gates.oci.transport import RegistryCall
from orch_gates.variables.services import RegistrySettings
from tests import image_rig as rig
from tests.bench import measure
from tests.bench.history import ENV, git
from tests.bench.row import Row, milliseconds
from tests.bench.tools import CACHE, PROGRAM
from tests.image_rig import Client

_ROUNDS = 30
_PLATFORMS = 2
_BIG = 100_000_000


def image(work: Path) -> Iterator[Row]:
    """An index of two platforms in Debian's registry, with a password: read whole, and judged by the command."""
    found = shutil.which("docker-registry", path=f"{CACHE / 'bin'}:/usr/bin")
    if found is None:
        raise RuntimeError("docker-registry is not there; `make tools` fetches it")
    code = work / "code"
    code.mkdir()
    git(code, "init", "--quiet", "-b", "main")
    git(code, "commit", "--quiet", "--allow-empty", "-m", "first")
    labels = {rig.REVISION: git(code, "rev-parse", "HEAD")}
    with rig.debian(Path(found), work / "registry") as client:
        parts = [rig.image(labels, platform=name) for name in ("linux/amd64", "linux/arm64")]
        client.push("acme/app", rig.index(*parts), "small")
        client.push("acme/app", rig.index(*(_heavy(part) for part in parts)), "big")
        yield from _requests(client)
        yield from _command(client, code)


def _heavy(part: rig.Built) -> rig.Built:
    """The same with one more layer, which nobody has to read."""
    layer, manifest = b"\0" * _BIG, json.loads(part.raw)
    manifest["layers"].append({**manifest["layers"][0], "digest": rig.digest(layer), "size": len(layer)})
    return rig.Built(json.dumps(manifest).encode(), part.media_type, part.platform, (*part.blobs, layer))


def _requests(client: Client) -> Iterator[Row]:
    calls: list[RegistryCall] = []
    image = reference.parse(f"{client.host}/acme/app:small", "--image")
    settings = RegistrySettings(user=client.user, token=client.secret)

    def ours() -> float:
        calls.clear()
        registry = Registry(image, settings, calls.append)
        started = time.perf_counter()
        top = registry.manifest("small")
        for part in top.parts:
            config = registry.manifest(part.digest, part.size).config
            if config is None or not registry.config(config).labels:
                raise RuntimeError("not the image that was pushed")
        return time.perf_counter() - started

    ours()
    paths = [f"http://{call.url}" for call in calls]

    def bare() -> float:
        with requests.Session() as session:
            session.headers["Accept"] = f"{rig.OCI_INDEX}, {rig.OCI_MANIFEST}"
            started = time.perf_counter()
            for number, path in enumerate(paths):
                # As ours: the challenge first.
                auth = (client.user, client.secret) if number else None
                session.get(path, auth=auth, timeout=30).content  # noqa: B018
            return time.perf_counter() - started

    plain, taken = measure.side_by_side(_ROUNDS, bare, ours)
    most = 2 * _PLATFORMS + 2
    what = f"the requests for an image of {_PLATFORMS} platforms"
    yield Row(f"{what}, a challenge among them", "", str(len(calls)), "", f"at most {most}", len(calls) <= most)
    ratio = taken / plain
    timed = (milliseconds(plain), milliseconds(taken), f"x{ratio:.2f}", "at most x1.2", ratio <= 1.2)
    yield Row(f"{what}, next to the same by bare `requests`", *timed)


def _command(client: Client, code: Path) -> Iterator[Row]:
    env = {**ENV, "ORCH_REGISTRY_USER": client.user, "ORCH_REGISTRY_TOKEN": client.secret}

    def judged(tag: str, *, memory: bool = False) -> measure.Run:
        argv = [str(PROGRAM), "gate", "image", "--image", f"{client.host}/acme/app:{tag}", "--repo", str(code)]
        done = measure.run(argv, env, memory=memory)
        if done.returncode:
            raise RuntimeError((done.stdout + done.stderr).decode())
        return done

    start = [str(PROGRAM), "gate", "image", "--help"]
    bare, taken = measure.side_by_side(9, lambda: measure.run(start, env).seconds, lambda: judged("small").seconds)
    extra = f"+{milliseconds(taken - bare)}"
    what = f"`gate image`, {_PLATFORMS} platforms, next to its own `--help`"
    yield Row(what, milliseconds(bare), milliseconds(taken), extra, "under 500 ms", taken < 0.5)
    small, _ = measure.peaks(3, lambda: judged("small", memory=True))
    big, _ = measure.peaks(3, lambda: judged("big", memory=True))
    what = f"peak memory of the same, an image of {_BIG // 1_000_000} MB next to one of 200 bytes"
    more = big - small
    yield Row(what, f"{small:.0f} MB", f"{big:.0f} MB", f"{more:+.0f} MB", "at most +2 MB", more <= 2)
