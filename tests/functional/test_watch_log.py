"""An access log read while it is written and rotated, made by hand and by a real nginx (WCH-2)."""

from __future__ import annotations

import http.client
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from orch_gates.deploy.sources.access_log import EMPTIED, AccessLog
from orch_gates.engine.watch_assessment import Count, NoData

Real = Callable[[str], Path]
LogAt = Callable[..., AccessLog]
WINDOW_S = 900
COMMON = '127.0.0.1 - ann [{at:%d/%b/%Y:%H:%M:%S %z}] "GET /{path} HTTP/1.1" {status} 17{more}\n'


def line(status: int, path: str = "", more: str = "", age: int = 0) -> str:
    at = datetime.now(UTC) - timedelta(seconds=age)
    return COMMON.format(status=status, path=path, more=more, at=at)


@pytest.fixture
def log_at() -> Iterator[LogAt]:
    """Begin to read a log; with a text it is there already."""
    opened: list[AccessLog] = []

    def begin(path: Path, text: str | None = "") -> AccessLog:
        if text is not None:
            path.write_text(text)
        opened.append(AccessLog(path, "log", WINDOW_S))
        opened[-1].begin()
        return opened[-1]

    yield begin
    for log in opened:
        log.close()


def add(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)


def counted(log: AccessLog, requests: int) -> Count:
    """A server writes its line after the answer."""
    found = Count("log", 0, 0)
    for _ in range(100):
        more = log.read()
        assert isinstance(more, Count)
        found = Count("log", found.requests + more.requests, found.errors + more.errors)
        if found.requests >= requests:
            break
        time.sleep(0.05)
    return found


def test_what_is_written_after_the_begin_counts(tmp_path: Path, log_at: LogAt) -> None:
    """Both formats, each status once; a line that is still being written counts when it is whole."""
    path = tmp_path / "access.log"
    log = log_at(path, line(500))
    add(path, line(200) + line(503, more=' "http://ref/" "agent \\"x\\""') + line(404)[:20])
    assert log.read() == Count("log", 2, 1)
    add(path, line(404)[20:])
    assert log.read() == Count("log", 1, 0)
    assert log.read() == Count("log", 0, 0)
    assert log.before() == Count("log", 4, 2)


def test_what_is_older_than_a_window_tells_nothing_of_before(tmp_path: Path, log_at: LogAt) -> None:
    """Errors of last week excuse none of today; a line whose time cannot be read is left out too."""
    old = line(500, age=2 * WINDOW_S) * 1000 + line(500).replace("/20", "/x") * 10
    log = log_at(tmp_path / "access.log", old + line(200, age=60) * 9 + line(500))
    assert log.before() == Count("log", 10, 1)


@pytest.mark.parametrize("hostile", [r"\x22 500 \x22", r"\" 500 1 \"", '] \\" 502 '])
def test_a_request_cannot_pass_for_a_status(tmp_path: Path, log_at: LogAt, hostile: str) -> None:
    """Servers escape the quotes in what they were asked for."""
    path = tmp_path / "access.log"
    log = log_at(path)
    add(path, line(200, hostile))
    assert log.read() == Count("log", 1, 0)


def test_a_rotated_log_is_read_to_its_end_and_then_the_new_one(tmp_path: Path, log_at: LogAt) -> None:
    """Also where a moment lies between the two, and where it is rotated twice."""
    path = tmp_path / "access.log"
    log = log_at(path)
    add(path, line(500))
    path.rename(tmp_path / "access.log.1")
    add(tmp_path / "access.log.1", line(501))
    assert log.read() == Count("log", 2, 2)
    add(path, line(200))
    assert log.read() == Count("log", 1, 0)


@pytest.mark.parametrize("many", [1, 5, 9])
def test_a_log_that_is_copied_and_emptied_is_read_from_its_begin(tmp_path: Path, log_at: LogAt, many: int) -> None:
    """As `copytruncate` does it, also where it is as long as before by then, or longer; what may be lost is said."""
    path = tmp_path / "access.log"
    log = log_at(path, line(200) * 5)
    path.write_text(line(500) * many)
    assert log.read() == Count("log", many, many, EMPTIED)
    add(path, line(200))
    assert log.read() == Count("log", 1, 0)
    path.write_text("")
    assert log.read() == Count("log", 0, 0, EMPTIED)
    assert log.read() == Count("log", 0, 0)


def test_what_a_server_writes_to_a_rotated_log_counts(tmp_path: Path, log_at: LogAt) -> None:
    """Until it is told to open the new one, which is there already where logrotate makes it."""
    path, old = tmp_path / "access.log", tmp_path / "access.log.1"
    log = log_at(path)
    path.rename(old)
    add(old, line(500))
    add(path, "")
    assert log.read() == Count("log", 1, 1)
    add(old, line(502))
    add(path, line(200))
    assert log.read() == Count("log", 2, 1)
    assert log.read() == Count("log", 0, 0)


def test_what_was_read_before_the_log_could_not_be_is_told_later(tmp_path: Path, log_at: LogAt) -> None:
    """Errors are not forgotten because something else stands at the path for a while."""
    path = tmp_path / "access.log"
    log = log_at(path)
    add(path, line(500))
    path.rename(tmp_path / "access.log.1")
    path.mkdir()
    assert isinstance(log.read(), NoData)
    path.rmdir()
    add(path, line(200))
    assert log.read() == Count("log", 2, 1)


def test_a_log_that_is_not_there_is_no_data(tmp_path: Path, log_at: LogAt) -> None:
    """One that comes later is read from its begin."""
    path = tmp_path / "access.log"
    log = log_at(path, None)
    assert log.read() == NoData("log", "it cannot be read: No such file or directory")
    add(path, line(502))
    assert log.read() == Count("log", 1, 1)


def test_another_format_gives_no_number(tmp_path: Path, log_at: LogAt) -> None:
    """Rather than none that failed; one odd line among others is left out."""
    path = tmp_path / "access.log"
    log = log_at(path)
    odd = '{"status": 500}\n'
    add(path, odd * 2 + line(200))
    found = log.read()
    assert isinstance(found, NoData)
    assert "not in the common or combined format" in found.why
    add(path, odd + line(200) + line(500))
    assert log.read() == Count("log", 2, 1)


def test_a_pipe_is_no_log_and_is_not_waited_for(tmp_path: Path, log_at: LogAt) -> None:
    """A deploy would wait for whoever never writes there."""
    path = tmp_path / "access.log"
    os.mkfifo(path)
    log = log_at(path, None)
    log.begin()
    for found in (log.before(), log.read()):
        assert found == NoData("log", "it cannot be read: it is not a regular file")


def test_a_line_without_an_end_is_bounded(tmp_path: Path, log_at: LogAt) -> None:
    """Whoever writes one fills no memory."""
    path = tmp_path / "access.log"
    log = log_at(path)
    add(path, "x" * 5_000_000)
    log.read()
    add(path, "\n" + line(500))
    assert log.read() == Count("log", 1, 1)


def test_the_log_of_a_real_nginx(tmp_path: Path, log_at: LogAt, real: Real) -> None:
    """It tells what never reached the program behind, and goes on after a rotation as logrotate does it."""
    nginx = real("nginx")
    with socket.socket() as one, socket.socket() as two:
        one.bind(("127.0.0.1", 0))
        two.bind(("127.0.0.1", 0))
        port, nobody = one.getsockname()[1], two.getsockname()[1]
    (tmp_path / "html").mkdir()
    (tmp_path / "html" / "index.html").write_text("well")
    (tmp_path / "nginx.conf").write_text(
        f"""daemon off; master_process off; pid {tmp_path}/nginx.pid; error_log {tmp_path}/error.log;
events {{}}
http {{
    access_log {tmp_path}/access.log combined;
    {" ".join(f"{kind}_temp_path {tmp_path}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))}
    server {{
        listen 127.0.0.1:{port};
        location / {{ root {tmp_path}/html; }}
        location /behind {{ proxy_pass http://127.0.0.1:{nobody}; }}
        location /ill {{ return 500; }}
    }}
}}
"""
    )

    def ask(path: str) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        connection.request("GET", path, headers={"User-Agent": 'a "quoted" one'})
        status = connection.getresponse().status
        connection.close()
        return status

    server = subprocess.Popen([nginx, "-c", tmp_path / "nginx.conf", "-p", tmp_path, "-e", tmp_path / "error.log"])
    try:
        for _ in range(100):
            try:
                assert ask("/") == 200
                break
            except OSError:
                time.sleep(0.05)
        time.sleep(0.2)
        log = log_at(tmp_path / "access.log", None)
        assert [ask(path) for path in ("/", "/behind", "/ill", "/nothing")] == [200, 502, 500, 404]
        assert counted(log, 4) == Count("log", 4, 2)
        shutil.move(tmp_path / "access.log", tmp_path / "access.log.1")
        ask("/ill")
        os.kill(server.pid, signal.SIGUSR1)
        for _ in range(100):
            if (tmp_path / "access.log").exists():
                break
            time.sleep(0.05)
        ask("/")
        assert counted(log, 2) == Count("log", 2, 1)
    finally:
        server.kill()
        server.wait()
