"""`docs/examples/deploy-blue-green.sh` as written: a real service in two slots, switched, refused and kept (DOC-1)."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import deploy_rig
from tests.blocks import ROOT
from tests.builders import Repo
from tests.deploy_rig import DeployRig

pytestmark = pytest.mark.slow

SCRIPT = ROOT / "docs" / "examples" / "deploy-blue-green.sh"
SERVICE = """\
import http.server, json, pathlib, sys
folder, port = pathlib.Path(sys.argv[1]), int(sys.argv[2])
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        ill = self.path == "/healthz" and (folder / "ill").exists()
        body = json.dumps({"revision": (folder / "REVISION").read_text().strip()}).encode()
        self.send_response(500 if ill else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *args): pass
http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()
"""


class Host(DeployRig):
    """A project, and the host that it is deployed to."""

    def prepare(self) -> None:
        self.app = self.folder / "app"
        (self.folder / "service.py").write_text(SERVICE)
        blue, green = (free_port() for _ in range(2))
        unpack = f'git -C "{self.server.path}" archive "$EXPECTED_REVISION" | tar -x -C "$1"'
        unpack += ' && echo "${UNPACKED:-$EXPECTED_REVISION}" >"$1/REVISION"'
        self.env |= {
            "APP": str(self.app),
            "BLUE_PORT": str(blue),
            "GREEN_PORT": str(green),
            "UNPACK": unpack,
            "START": f'exec "{sys.executable}" "{self.folder / "service.py"}" "$1" "$2"',
            "HEALTH": f'"{sys.executable}" -c "import sys, urllib.request as u; '
            "u.urlopen('http://127.0.0.1:' + sys.argv[1] + '/healthz', timeout=2)\" \"$1\" 2>/dev/null",
            "HEALTH_TRIES": "20",
            "HEALTH_EVERY": "0.2",
            "RELOAD": 'echo reloaded >>"$APP/reloads"',
            "DEPLOY_CHECK": str(ROOT / "hooks" / "deploy-check"),
        }

    def release(self, task: str, code: int = 0, **env: str) -> str:
        return self.ok("deploy", "--task", task, "--timeout", "120", "--", str(SCRIPT), code=code, env=env)

    def serves(self) -> str:
        """The commit that answers where the proxy leads."""
        upstream = (self.app / "current" / "upstream.conf").read_text()
        url = f"http://{upstream.removeprefix('server ').rstrip().rstrip(';')}/version"
        with urllib.request.urlopen(url, timeout=5) as answer:
            return str(json.load(answer)["revision"])

    def pids(self) -> list[Path]:
        """The slots that have a service."""
        return [path for slot in ("blue", "green") if (path := self.app / slot / "pid").exists()]


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    made = deploy_rig.template(tmp_path)
    found = deploy_rig.copy(made, tmp_path / "project")
    host = Host(found.folder, found.server, Repo(found.work.path), found.env)
    host.prepare()
    yield host
    for pid in host.pids():
        end(int(pid.read_text()))


def end(pid: int) -> None:
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.05)


def test_from_slot_to_slot(host: Host) -> None:
    """Deployed, switched; what is not the expected commit or does not become healthy reaches nobody."""
    host.release("T-1")
    assert host.serves() == host.head()
    host.new("T-2")
    host.release("T-2")
    second = host.head("T-2")
    assert (host.serves(), len(host.pids())) == (second, 1)
    # Another commit was unpacked than the expected one.
    host.new("T-3")
    output = host.release("T-3", code=2, UNPACKED="d" * 40)
    assert "deploy-check: refused: the commit is" in output
    assert (host.serves(), host.task("T-3")["state"]) == (second, "held")
    assert host.environment()["unknown"] == ""
    # It starts and is ill.
    host.new("T-4")
    ill = host.env["UNPACK"]
    assert ill is not None
    output = host.release("T-4", code=1, UNPACK=f'{ill} && touch "$1/ill"')
    assert "did not become healthy" in output
    assert (host.serves(), len(host.pids())) == (second, 1)
    assert host.environment()["current"]["revision"] == second
    # The proxy takes neither the new slot nor the old one again: nobody knows what it serves.
    host.ok("task", "resume", "T-3")
    assert "the proxy did not take" in host.release("T-3", code=2, RELOAD="false")
    assert host.environment()["unknown"] == "exit code 3"
    host.legal()


def test_a_late_deploy_is_refused(host: Host) -> None:
    """One that slept while a later one ran must not switch back: the generation tells."""
    host.app.mkdir()
    (host.app / "generation").write_text("7\n")
    assert "a later deploy was here: generation 7" in host.release("T-1", code=2)
    assert not (host.app / "current").exists()
