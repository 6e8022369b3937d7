"""The engine in its worker: the same promises from the matcher that comes with orch-gates and from gitleaks (SEC-6)."""

from __future__ import annotations

import os
import secrets
import string
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from orch_gates import clock
from orch_gates.errors import BudgetExceeded, GitError, OrchError, ScannerError
from orch_gates.scanners import engine, locate
from orch_gates.scanners.answer import Scan
from orch_gates.scanners.engine import Engine, ScanLimits
from orch_gates.scanners.matcher import canary
from orch_gates.settings import load

ORDINARY = Path(os.__file__).read_text()
LIMITS = ScanLimits(object_bytes=50_000_000, content_bytes=500_000_000)
SECONDS = 60.0


def token() -> str:
    return "ghp_" + "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(36))


def given(choice: str) -> dict[str, str]:
    return locate.engine(choice, load().tools, {"PATH": os.environ["PATH"]})


@pytest.fixture(params=["kingfisher", "gitleaks"])
def started(request: pytest.FixtureRequest, real: Callable[[str], Path]) -> Iterator[Engine]:
    if request.param == "gitleaks":
        real("gitleaks")
    with engine.start(given(request.param), {"PATH": os.environ["PATH"]}, timeout=SECONDS) as running:
        yield running


@pytest.fixture
def own() -> Iterator[Engine]:
    """The engine that comes with orch-gates."""
    with engine.start(given("kingfisher"), {"PATH": os.environ["PATH"]}, timeout=SECONDS) as running:
        yield running


def scan(running: Engine, *texts: str, limits: ScanLimits = LIMITS, seconds: float = SECONDS) -> Scan:
    """Scan texts as files called 0, 1, 2 …"""
    return running.scan(
        None, [("file", str(at), text) for at, text in enumerate(texts)], limits, clock.monotonic() + seconds
    )


def objects(running: Engine, *contents: bytes, limits: ScanLimits = LIMITS, seconds: float = SECONDS) -> Scan:
    """Scan contents as git would hand them over."""

    def feed(descriptor: int) -> None:
        for at, data in enumerate(contents):
            os.write(descriptor, b"%040d blob %d file-%d.txt\n" % (at, len(data), at))
            _write_all(descriptor, data + b"\n")

    return running.scan(feed, (), limits, clock.monotonic() + seconds)


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        try:
            view = view[os.write(descriptor, view) :]
        except BrokenPipeError:
            return


def found(result: Scan) -> set[bytes]:
    return {hit.secret for hit in result.hits}


def test_ordinary_text_holds_nothing_and_every_byte_is_proven(started: Engine) -> None:
    """No finding in source code; every text has a canary that was found, every byte is counted twice."""
    texts = [ORDINARY[at : at + 3_000] for at in range(0, 15_000, 3_000)]
    result = scan(started, *texts)
    assert result.hits == ()
    # One more: every scan begins with a line of its own.
    assert result.canaries == result.canaries_found == len(texts) + 1
    assert result.bytes_given == result.bytes_scanned == sum(len(text.encode()) for text in texts) + 1


def test_a_token_is_found_where_it_stands(started: Engine) -> None:
    """The object, the line and the column of a match are those of the text."""
    leak = token()
    result = scan(started, ORDINARY[:5_000], f"one\ntwo\nkey = '{leak}'\n")
    [hit] = result.hits
    assert (hit.oid, hit.rule, hit.first, hit.last, hit.column) == ("1", "github-pat", 3, 3, 7)
    assert hit.secret == leak.encode()


@pytest.mark.parametrize("comment", ["gitleaks:allow", "kingfisher:ignore", "nosec", "pragma: allowlist secret"])
def test_a_comment_allows_nothing(started: Engine, comment: str) -> None:
    """What stands beside a token in the judged text does not switch the rule off (SEC-4)."""
    leak = token()
    assert leak.encode() in found(scan(started, f"key = '{leak}'  # {comment}\n"))


def test_the_same_secret_twice_is_two_hits(started: Engine) -> None:
    """Nothing is left out as a repetition: each place has to be mended."""
    leak = token()
    result = scan(started, f"a = '{leak}'\n", f"b = '{leak}'\n")
    assert sorted(hit.oid for hit in result.hits) == ["0", "1"]


def test_objects_are_read_as_git_gives_them(started: Engine) -> None:
    """Ids, paths and sizes come from the stream, and each object is counted."""
    leak = token()
    result = objects(started, b"", b"plain\n", f"x\nkey = '{leak}'\n".encode())
    assert (result.objects, result.bytes) == (3, 6 + 2 + 7 + 40 + 2)
    [hit] = result.hits
    assert (hit.oid, hit.path, hit.first) == ("2".zfill(40), "file-2.txt", 2)


@pytest.mark.parametrize("mark", [b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf", b"\x1f\x8b", b"%PDF-1.4\n", b"{\\rtf1"])
def test_no_first_bytes_make_a_text_something_else(own: Engine, mark: bytes) -> None:
    """A byte order mark or the signature of another kind of file hides nothing that is readable as it is."""
    leak = token().encode()
    assert leak in found(objects(own, mark + b"key = '" + leak + b"'\n"))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_wide_text_is_read(own: Engine, encoding: str) -> None:
    """With its lines counted."""
    leak = token()
    [hit] = objects(own, f"one\ntwo\nkey = '{leak}'\n".encode(encoding)).hits
    assert (hit.secret, hit.first) == (leak.encode(), 3)


@pytest.mark.parametrize(
    "coded",
    [
        lambda leak: leak.hex().encode(),
        lambda leak: b"".join(b"%%%02x" % byte for byte in leak),
        lambda leak: b"".join(b"\\x%02x" % byte for byte in leak),
        lambda leak: b"".join(b"\\u%04x" % byte for byte in leak),
    ],
)
def test_encoded_text_is_read(own: Engine, coded: Callable[[bytes], bytes]) -> None:
    """Hex digits, percent signs and escapes are what they spell."""
    leak = token().encode()
    [hit] = objects(own, b"one\nvalue = '" + coded(leak) + b"'\n").hits
    assert (hit.secret, hit.first) == (leak, 2)


@pytest.mark.parametrize("size", [59_990, 60_000, 60_010, 120_000, 1_000_000])
def test_a_border_hides_nothing(own: Engine, size: int) -> None:
    """A token is found once wherever the pieces of a large file meet."""
    leak = token().encode()
    [hit] = objects(own, b"x " * (size // 2 - 20) + leak + b" y" * 50_000).hits
    assert (hit.secret, hit.first, hit.column) == (leak, 1, size // 2 * 2 - 40)


def test_an_object_over_the_limit_is_a_refusal(own: Engine) -> None:
    """The message names the object's size and what to do (SEC-9)."""
    with pytest.raises(BudgetExceeded, match="ORCH_SECURITY_MAX_OBJECT_BYTES"):
        objects(own, b"x" * 2_000, limits=replace(LIMITS, object_bytes=1_000))


def test_all_objects_over_the_limit_are_a_refusal(own: Engine) -> None:
    """Many small ones are no way around."""
    with pytest.raises(BudgetExceeded, match="ORCH_SECURITY_MAX_BYTES"):
        objects(own, *[b"x" * 600] * 3, limits=replace(LIMITS, content_bytes=1_000))


@pytest.mark.parametrize(
    "stream",
    [
        b"0123456789012345678901234567890123456789 missing\n",
        b"0123456789012345678901234567890123456789 blob 100 a\nshort",
        b"0123456789012345678901234567890123456789 bl",
        b"rubbish\n",
        b"0123456789012345678901234567890123456789 blob x a\n\n",
    ],
)
def test_a_stream_that_is_not_whole_is_an_error(own: Engine, stream: bytes) -> None:
    """A missing object, or one that is cut off, is never the end of what there is (SEC-2)."""
    with pytest.raises(ScannerError):
        own.scan(lambda descriptor: _write_all(descriptor, stream), (), LIMITS, clock.monotonic() + SECONDS)


def test_a_scan_that_takes_too_long_is_ended(started: Engine) -> None:
    """The limit holds, and is an error (SEC-9)."""
    started_at = time.monotonic()
    with pytest.raises(OrchError):
        scan(started, *[ORDINARY] * 200, seconds=0.02)
    assert time.monotonic() - started_at < 20


def test_hostile_text_takes_bounded_time(own: Engine) -> None:
    """Lone markers of keys, many tokens on a line, and one long line are all read quickly."""
    many = " ".join(token() for _ in range(9_000))
    result = scan(own, "-----BEGIN RSA PRIVATE KEY-----\n" * 20_000, many, "a" * 5_000_000, seconds=40)
    # What is drawn may spell a placeholder, once in a hundred thousand.
    assert len([hit for hit in result.hits if hit.oid == "1"]) >= 8_990


def test_what_is_shown_holds_no_secret(own: Engine) -> None:
    """A path that will be printed is read by the rules too (SEC-5)."""
    leak = token()
    [shown, plain] = own.redact([f"src/{leak}/a.py", "src/main.py"], clock.monotonic() + SECONDS)
    assert leak not in shown
    assert shown.startswith("src/")
    assert shown.endswith("/a.py")
    assert plain == "src/main.py"


def test_a_worker_that_is_killed_proves_nothing(own: Engine) -> None:
    """Out of memory, a crash of native code, an administrator: the scan is an error with the signal's number."""
    own._child.kill()
    with pytest.raises(ScannerError, match="signal 9"):
        scan(own, "text")


def cut_off(descriptor: int) -> None:
    """Ten objects that nobody reads to their end: git breaks off, and says so."""
    try:
        for at in range(10):
            view = memoryview(b"%040d blob 1000000 a.txt\n%b\n" % (at, b"x" * 1_000_000))
            while view:
                view = view[os.write(descriptor, view) :]
    except BrokenPipeError as error:
        raise GitError("git ended early") from error


@pytest.mark.parametrize(
    ("fault", "told"),
    [("limit", "ORCH_SECURITY_MAX_OBJECT_BYTES"), ("killed", "signal 9"), ("rules", "orch-gates setup")],
)
def test_an_error_is_told_at_once_however_much_was_to_come(fault: str, told: str, tmp_path: Path) -> None:
    """Git is not waited for until the time is up (SEC-9), and the cause is told, not that git broke off."""
    asked = given("kingfisher") | ({"rules": str(tmp_path)} if fault == "rules" else {})
    limits = replace(LIMITS, object_bytes=1_000) if fault == "limit" else LIMITS
    late = clock.alarm(SECONDS / 2, lambda: TimeoutError("git was waited for"))
    with engine.start(asked, {"PATH": os.environ["PATH"]}, timeout=SECONDS) as running:
        if fault == "killed":
            running._child.kill()
        with late, pytest.raises(OrchError, match=told):
            running.scan(cut_off, (), limits, clock.monotonic() + SECONDS)


def test_git_that_breaks_off_says_why(own: Engine) -> None:
    """Half an object is all that the worker saw; the cause is what git said."""

    def feed(descriptor: int) -> None:
        os.write(descriptor, b"0123456789012345678901234567890123456789 blob 100 a\nshort")
        raise GitError("the pack is corrupt")

    with pytest.raises(GitError, match="the pack is corrupt"):
        own.scan(feed, (), LIMITS, clock.monotonic() + SECONDS)


def test_missing_rules_are_told(tmp_path: Path) -> None:
    """An engine without its rules says what to run."""
    absent = {**given("kingfisher"), "rules": str(tmp_path)}
    with engine.start(absent, {}, timeout=SECONDS) as running, pytest.raises(ScannerError, match="orch-gates setup"):
        scan(running, "text")


def test_changed_rules_are_a_refusal(tmp_path: Path) -> None:
    """One byte more in the rules is another digest than the pinned one (SEC-10)."""
    source = Path(given("kingfisher")["rules"])
    for name in ("rules.yml", "meta.json"):
        (tmp_path / name).write_bytes((source / name).read_bytes())
    with (tmp_path / "rules.yml").open("ab") as file:
        file.write(b"\n")
    changed = {**given("kingfisher"), "rules": str(tmp_path)}
    with engine.start(changed, {}, timeout=SECONDS) as running, pytest.raises(ScannerError, match="not those"):
        scan(running, "text")


def test_another_users_compiled_rules_are_used(own: Engine, tmp_path: Path) -> None:
    """Whoever runs a server's hook does not own what set-up made; it is copied, and the copy leaves no trace."""
    if os.geteuid() != 0:
        pytest.skip("needs two users")
    source = Path(given("kingfisher")["cache"])
    cache, scratch = tmp_path / "compiled", tmp_path / "scratch"
    cache.mkdir()
    scratch.mkdir()
    for file in source.iterdir():
        (cache / file.name).write_bytes(file.read_bytes())
        os.chown(cache / file.name, 65534, 65534)
    os.chown(cache, 65534, 65534)
    foreign = {**given("kingfisher"), "cache": str(cache), "scratch": str(scratch)}
    with engine.start(foreign, {}, timeout=SECONDS) as running:
        scan(running, "text")
        assert running.about["cache"] == "loaded"
    assert list(scratch.iterdir()) == []


def test_they_are_used_too_where_a_folder_for_short_lived_files_is_closed(tmp_path: Path) -> None:
    """Compiling the rules takes seconds, and each push of a server's user would wait for that."""
    for named in ("", str(tmp_path / "missing")):
        found = locate.engine("kingfisher", load().tools, {"PATH": os.environ["PATH"], "TMPDIR": named})
        assert os.access(found["scratch"], os.W_OK), found["scratch"]
    assert locate.engine("kingfisher", load().tools, {"TMPDIR": str(tmp_path)})["scratch"] == str(tmp_path)


def test_canaries_are_never_the_same() -> None:
    """A canary is made anew each time, so no list of known values can hold it."""
    assert len({canary() for _ in range(100)}) == 100


def test_a_feed_that_fails_is_told_as_it_is(own: Engine) -> None:
    """What git says is the cause, not that the scan found little."""

    def feed(_: int) -> None:
        raise ScannerError("git said so")

    with pytest.raises(ScannerError, match="git said so"):
        own.scan(feed, (), LIMITS, clock.monotonic() + SECONDS)
