"""What the port costs next to bare `requests` (issue 5)."""

from __future__ import annotations

import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import requests

from orch_gates.forge.gitea.connect import DIALECT
from orch_gates.forge.http import Api
from tests.bench import forge_server, measure
from tests.bench.row import Row

_ROUNDS = 200
_CALLS = 4
# A real Gitea took longer than this for each (docs/reference/bench.md).
_PULL_MS = 5
_STATUSES_MS = 10
_PULL = "/pulls/1"
_STATUSES = "/commits/6f1d3c5a9b7e2f40816c5d3e7a9b1c2d4e6f8091/statuses"


def port(_: Path) -> Iterator[Row]:
    """The same questions on one connection each, with the same token, bodies and time of the server."""
    token = secrets.token_hex(20)
    with _server() as url, requests.Session() as session:
        session.headers.update({"Accept": "application/json", "Authorization": f"token {token}"})
        for took, what, path in ((_PULL_MS, "a pull request", _PULL), (_STATUSES_MS, "50 statuses", _STATUSES)):
            for wait in (took, 0):
                base = f"{url}/{wait}"
                api = Api(base, token, 30, DIALECT)
                yield _row(what, wait, *_measured(session, api, base, path))


def _measured(session: requests.Session, api: Api, base: str, path: str) -> tuple[float, float]:
    def bare_list() -> int:
        query: dict[str, str | int] = {"sort": "highestindex", "limit": 50, "page": 1}
        answer = session.get(base + path, params=query, timeout=30)
        answer.raise_for_status()
        rows = answer.json()
        if len(rows) != int(answer.headers["X-Total-Count"]):
            raise RuntimeError("not the whole list")
        return len(rows)

    def bare_one() -> int:
        answer = session.get(base + path, timeout=30)
        answer.raise_for_status()
        return int(answer.json()["number"])

    def our_list() -> int:
        return len(list(api.rows(path, sort="highestindex")))

    def our_one() -> int:
        return int(api.get(path)["number"])

    bare, ours = (bare_list, our_list) if path == _STATUSES else (bare_one, our_one)
    if bare() != ours():
        raise RuntimeError("the two do not read the same")
    found = measure.side_by_side(_ROUNDS, partial(_each, bare), partial(_each, ours))
    return found[0], found[1]


def _each(ask: Callable[[], object]) -> float:
    started = time.perf_counter()
    for _ in range(_CALLS):
        ask()
    return (time.perf_counter() - started) / _CALLS


def _row(what: str, wait: int, bare: float, ours: float) -> Row:
    ratio = ours / bare
    taken = (f"{bare * 1000:.2f} ms", f"{ours * 1000:.2f} ms", f"x{ratio:.3f}")
    if wait == 0:
        return Row(f"{what} from a forge that takes no time, next to bare `requests`", *taken)
    named = f"{what} from a forge that takes {wait} ms, next to bare `requests`"
    return Row(named, *taken, "at most x1.05", ratio <= 1.05)


@contextmanager
def _server() -> Iterator[str]:
    argv = [sys.executable, forge_server.__file__]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(server.stdout.readline())}"
        finally:
            server.stdin.close()
