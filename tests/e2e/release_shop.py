"""A shop that is built as an image, checked on staging, and deployed: the scripts of the project that is released."""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import os
import signal
import socket
import subprocess
import sys
import tarfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from tests import image_rig
from tests.image_rig import OCI_MANIFEST, REVISION, Client

SHOP = """\
import http.server, sys

class Shop(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/healthz":
            return self.answer(200, "well")
        self.answer(200, "Hello, what would you like?")

    def answer(self, status, text):
        self.send_response(status)
        self.end_headers()
        self.wfile.write(f"{text}\\n".encode())

http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Shop).serve_forever()
"""
_START_S = 60
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def scripts(root: Path, registry: str, image: str, app: Path, port: int) -> dict[str, str]:
    """The scripts that the workflow names, for a production in `app` on a port."""
    call = f"#!/bin/sh\nPYTHONPATH={root} exec {sys.executable} -m {__name__}"
    return {
        "build-image": f"{call} build {registry} {image}\n",
        "staging-checks": f'{call} check "$@"\n',
        "deploy.sh": f"{call} deploy {registry} {image} {app} {port}\n",
    }


def ask(port: int, path: str = "/") -> tuple[int, str]:
    """What the shop answers; status 0 where nobody does."""
    try:
        with _OPENER.open(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()
    except OSError:
        return 0, ""


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def start(shop: Path, port: int) -> int:
    """Start a shop that outlives whoever starts it; answers its pid once it answers."""
    child = subprocess.Popen(
        [sys.executable, "-IS", shop, str(port)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    deadline = time.monotonic() + _START_S
    while not ask(port, "/healthz")[0]:
        if child.poll() is not None or time.monotonic() > deadline:
            raise SystemExit(1)
        time.sleep(0.05)
    return child.pid


def stop(app: Path) -> None:
    """End what runs in production."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        os.kill(int((app / "pid").read_text()), signal.SIGTERM)


def build(registry: str, image: str) -> int:
    """Build ./source, and push it with the tag `staging`."""
    made = image_rig.image({REVISION: os.environ["REVISION"]}, content=(Path("source/shop.py").read_text(),))
    digest = Client(registry, "alice", os.environ["REGISTRY_TOKEN"]).push(image, made, "staging")
    with Path(os.environ["GITHUB_OUTPUT"]).open("a") as outputs:
        outputs.write(f"digest={digest}\n")
    return 0


def check(option: str, results: str) -> int:
    """Start ./source on staging and ask its health page, as staging checks of a project do."""
    assert option == "--junit"
    port = free_port()
    pid = start(Path("source/shop.py"), port)
    well = ask(port, "/healthz")[0] == 200
    os.kill(pid, signal.SIGTERM)
    case = "" if well else '<failure message="not well"/>'
    Path(results).write_text(
        f'<testsuite name="staging" tests="1" failures="{int(not well)}">'
        f'<testcase classname="staging" name="health">{case}</testcase></testsuite>\n'
    )
    return 0 if well else 1


def deploy(registry: str, image: str, app: str, port: str) -> int:
    """Run the image that is to be deployed, in the place of what runs; 2 where it is not that of the revision."""
    digest, revision = os.environ["EXPECTED_DIGEST"], os.environ["EXPECTED_REVISION"]
    client = Client(registry)
    manifest = json.loads(client.ask("GET", image, f"manifests/{digest}", headers={"Accept": OCI_MANIFEST})[2])
    config, packed = (
        client.ask("GET", image, f"blobs/{one['digest']}")[2] for one in (manifest["config"], *manifest["layers"])
    )
    if json.loads(config)["config"]["Labels"][REVISION] != revision:
        return 2
    slot = Path(app, os.environ["ORCH_DEPLOY"])
    slot.mkdir(parents=True)
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(packed))) as tar:
        member = tar.extractfile("content")
        assert member is not None
        (slot / "content").write_bytes(member.read())
    stop(Path(app))
    Path(app, "pid").write_text(str(start(slot / "content", int(port))))
    return 0 if ask(int(port), "/healthz")[0] == 200 else 1


if __name__ == "__main__":
    steps: dict[str, Callable[..., int]] = {"build": build, "check": check, "deploy": deploy}
    sys.exit(steps[sys.argv[1]](*sys.argv[2:]))
