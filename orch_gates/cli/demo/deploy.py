"""The last part of `orch-gates demo`: a green deploy over a red production, seen by its watch and rolled back."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.request import ProxyHandler, build_opener

from orch_gates.cli.boundary import say
from orch_gates.cli.demo.bench import Bench, expect, step, text
from orch_gates.errors import OrchError

_CONFIG = """\
stages:
  - {{name: staging, role: deployer, gates: [staging-status]}}
  - {{name: deploy, role: deployer, gates: [deploy-status]}}
rework: staging
environments:
  production:
    rollback: python3 deploy.py
    watch:
      window_s: 8
      every_s: 1
      failures: 2
      probes:
        - {{url: "{url}/", body: Hello}}
"""
_DEPLOY = """\
import hashlib, os, pathlib, subprocess, sys

built = subprocess.check_output(["git", "show", os.environ["EXPECTED_REVISION"] + ":home.txt"])
if os.environ["EXPECTED_DIGEST"] != "sha256:" + hashlib.sha256(built).hexdigest():
    sys.exit(2)  # refused: this is not what was tested
pathlib.Path("../live.txt").write_bytes(built)
"""
_RESULTS = (
    '<testsuite name="staging" tests="1" failures="0"><testcase classname="staging" name="health"/></testsuite>\n'
)
_FIRST, _WELL, _ILL = "Hello\n", "Hello, what would you like?\n", "Error: no database\n"
_TIMEOUT_S = 10


def play(bench: Bench, number: int) -> None:
    """Deploy a page that is well and one that is not, and see the second one rolled back.

    Raises:
        OrchError: something did not go as it was told.
    """
    shop = replace(bench, root=bench.root / "shop")
    shop.root.mkdir()
    with _production(shop.root / "live.txt") as url:
        _set_up(shop, url, number)
        step(number + 1, "A task is tested on staging. The exit code of its test runner counts, not only its results.")
        _branch(shop, "T-1", _WELL)
        red = shop.orch("gate", "staging", "results.xml", "--exit-code", "1")
        expect(red.returncode == 1, "exit code 1: no check failed, but the runner did")
        _staged(shop, "T-1")

        step(number + 2, "It is deployed and recorded, and watched for seconds (a quarter of an hour is usual).")
        _deploy(shop, "T-1", _WELL)
        watched = shop.orch("watch", "--task", "T-1")
        expect(watched.returncode == 0 and "HEALTHY" in text(watched), "exit code 0: production is healthy")
        expect(_page(url) == _WELL, "production shows the new page")

        step(number + 3, "The next one was as green on staging, its deploy is green too, and its page is an error.")
        _branch(shop, "T-2", _ILL)
        _staged(shop, "T-2")
        _deploy(shop, "T-2", _ILL)
        expect(_page(url) == _ILL, "production shows the error")

        step(number + 4, "The watch sees what users see, and rolls back to the last verified deploy, once.")
        watched = shop.orch("watch", "--task", "T-2")
        expect(watched.returncode == 1 and "DEGRADED" in text(watched), "exit code 1: production was unhealthy")
        expect(_page(url) == _WELL, "production shows the page of before")
        shown = text(shop.orch("env", "show", "production"))
        expect("rolls back" in shown, "the state records what runs, and what that rolled back")


def _set_up(shop: Bench, url: str, number: int) -> None:
    step(number, "A shop: a repository whose production is a web server. Its deploy command gets what to deploy,")
    say("   and refuses what was not tested. The demo has no registry: the sha256 of the page stands for an image.\n")
    shop.git("init", "--quiet", "--bare", "--initial-branch=main", "server.git")
    shop.git("clone", "--quiet", "server.git", "clone")
    shop.git("checkout", "--quiet", "-B", "main", inside="clone")
    config = _CONFIG.format(url=url)
    for name, content in {"home.txt": _FIRST, "deploy.py": _DEPLOY, ".orch-gates.yaml": config}.items():
        shop.commit(name, content, "-m", f"Add {name}")
    shop.git("push", "--quiet", "origin", "main", inside="clone")
    shop.git("remote", "set-head", "origin", "main", inside="clone")
    expect(shop.orch("state", "init").returncode == 0, "the server has a state branch")


def _branch(shop: Bench, task: str, page: str) -> None:
    shop.git("checkout", "--quiet", "-B", f"task/{task}", "origin/main", inside="clone")
    shop.commit("home.txt", page, "-m", "Change the home page")
    shop.git("push", "--quiet", "origin", f"task/{task}", inside="clone")
    (shop.root / "clone" / "results.xml").write_text(_RESULTS, "utf-8")
    expect(shop.orch("task", "new", task, "Change the home page").returncode == 0, f"there is a task {task}")


def _staged(shop: Bench, task: str) -> None:
    report = ("--report", "15-staging-report.md")
    green = shop.orch("gate", "staging", "results.xml", "--exit-code", "0", *report)
    expect(green.returncode == 0, "exit code 0: staging is green")
    shop.orch("task", "report", task, "--file", "15-staging-report.md")
    expect(shop.orch("advance", task).returncode == 0, "the task moves on to its deploy")


def _deploy(shop: Bench, task: str, page: str) -> None:
    digest = f"sha256:{hashlib.sha256(page.encode()).hexdigest()}"
    done = shop.orch("deploy", "--task", task, "--digest", digest, "--", "python3", "deploy.py")
    expect(done.returncode == 0, "exit code 0: deployed")


@contextmanager
def _production(live: Path) -> Iterator[str]:
    """A web server that shows what was deployed, until the block ends; gives its address."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            shown = live.read_bytes() if live.exists() else _FIRST.encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(shown)))
            self.end_headers()
            self.wfile.write(shown)

        def log_message(self, *_: object) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def _page(url: str) -> str:
    try:
        with build_opener(ProxyHandler({})).open(f"{url}/", timeout=_TIMEOUT_S) as answer:
            shown: bytes = answer.read()
    except OSError as error:
        raise OrchError(f"the demo stopped: production did not answer: {error}") from error
    return shown.decode()
