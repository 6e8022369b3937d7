"""`orch-gates doctor`: a forge whose clock is another than this machine's, or that tells none."""

from __future__ import annotations

import json
import secrets
from datetime import timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from orch_gates import clock
from tests.builders import bare, clone
from tests.doctor_rig import looked, only
from tests.fakes import scripted_http
from tests.fakes.scripted_http import Answer

ROW = {
    "permissions": {"pull": True, "push": True, "admin": True},
    "archived": False,
    "mirror": False,
    "empty": False,
    "default_branch": "main",
    "allow_merge_commits": True,
}
ANSWERS = {
    "/api/v1/version": (200, {"version": "1.26.4"}),
    "/api/v1/repos/acme/app": (200, ROW),
    "/api/v1/user": (200, {"login": "ann"}),
    "/api/v1/repos/acme/app/branch_protections": (200, []),
}


def at(offset: timedelta | None) -> Answer:
    """A Gitea whose clock is so far ahead, or that sends no time."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        status, body = ANSWERS.get(handler.path, (404, {"message": "not found"}))
        data = json.dumps(body).encode()
        handler.send_response_only(status)
        if offset is not None:
            handler.send_header("Date", format_datetime(clock.utc_now() + offset, usegmt=True))
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data)

    return answer


@pytest.mark.parametrize(
    ("offset", "state", "words"),
    [
        (timedelta(0), "ok", "clock"),
        (timedelta(seconds=20), "ok", "from the forge's"),
        (timedelta(minutes=10), "bad", "the forge's clock is"),
        (timedelta(minutes=-10), "bad", "this machine's clock is"),
        (None, "unknown", "sends no time"),
    ],
)
def test_clocks(offset: timedelta | None, state: str, words: str, tmp_path: Path) -> None:
    """Leases compare with the forge's clock, so a minute is too much; no time is never the right one."""
    work = clone(bare(tmp_path / "app.git"), tmp_path / "work")
    with scripted_http.serving(at(offset)) as server:
        env = {
            "ORCH_FORGE": "gitea",
            "ORCH_FORGE_URL": server.url,
            "ORCH_FORGE_REPOSITORY": "acme/app",
            "ORCH_FORGE_TOKEN": secrets.token_hex(20),
        }
        found = only(work.path, "clock", env=env)
    assert (found["state"], words in found["seen"]) == (state, True), found


def test_a_forge_that_hangs_is_waited_for_once(tmp_path: Path) -> None:
    """All checks of it could not tell, and only the first of them waits for an answer."""
    work = clone(bare(tmp_path / "app.git"), tmp_path / "work")
    names = ("token", "merge-styles", "protection", "clock")
    with scripted_http.serving(scripted_http.hangs) as server:
        env = {
            "ORCH_FORGE": "gitea",
            "ORCH_FORGE_URL": server.url,
            "ORCH_FORGE_REPOSITORY": "acme/app",
            "ORCH_FORGE_TOKEN": secrets.token_hex(20),
            "ORCH_FORGE_TIMEOUT_S": "1",
        }
        begun = clock.monotonic()
        code, found = looked(work.path, *(word for name in names for word in ("--only", name)), env=env)
        took = clock.monotonic() - begun
        asked = len(server.seen)
    assert (code, {one["state"] for one in found.values()}) == (2, {"unknown"})
    assert took < 20
    assert asked <= 2


def test_a_bare_repository_has_the_clock_of_its_machine(tmp_path: Path) -> None:
    """There is no other to compare with."""
    work = clone(bare(tmp_path / "app.git"), tmp_path / "work")
    assert only(work.path, "clock", env={"ORCH_FORGE": "local"})["state"] == "not used"
