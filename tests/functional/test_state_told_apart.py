"""What only looks like a wiped state branch, or like a race, has words of its own, never those of a loss (ST-9)."""

from __future__ import annotations

import os
import time
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from orch_gates.document_kinds import KINDS
from orch_gates.errors import MissingState, StateDenied, StateError, StateUnreachable
from orch_gates.git.tree import Author
from orch_gates.state.branch import remote
from orch_gates.state.branch.git_store import CommitIdentity, GitStore
from orch_gates.state.outcome import Committed
from tests import state_rig
from tests.fakes import git_http
from tests.fakes.git_http import Fault, GitHttp
from tests.state_rig import BRANCH, FILES, WITNESS, GitRig, put


def page(body: bytes, status: int = 200, **headers: str) -> Fault:
    """A fault that answers with a page."""

    def answer(handler: BaseHTTPRequestHandler, _answer: bytes) -> bool:
        handler.send_response(status)
        handler.send_header("Content-Type", "text/html")
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)
        return True

    return answer


@pytest.mark.parametrize("warm", [True, False], ids=["warm", "cold"])
@pytest.mark.parametrize("body", [b"", b"<html>Log in</html>", b"<html>\n<head>\n\t<title>Sign in</title>\n</html>\n"])
def test_a_page_to_log_in_is_no_repository_without_a_state_branch(
    rig: GitRig, server: GitHttp, body: bytes, warm: bool
) -> None:
    """Nothing follows from it: neither is the branch wiped, nor is there none yet."""
    store = rig.store(ORCH_STATE_TIMEOUT_S="4")
    if warm:
        store.load()
    server.fault = page(body)
    for act in (store.load, lambda: store.initialise(FILES), store.restore):
        with pytest.raises(StateUnreachable, match="is not git"):
            act()
    server.fault = None


LOOKALIKES = [
    "refs/heads/refs/heads/orch-state",
    "refs/tags/refs/heads/orch-state",
    "refs/heads/refs/orch/witness",
    "refs/tags/orch-state",
    "refs/heads/heads/orch-state",
]


@pytest.mark.parametrize("rig", ["path", "file-filter"], indirect=True)
def test_refs_that_only_end_like_those_of_the_state_stop_no_write(rig: GitRig) -> None:
    """Anybody who may push a branch may make them; git alone would take their names for ambiguous."""
    other = rig.server.git("commit-tree", "-m", "other", rig.server.git("mktree", stdin=b""))
    for name in LOOKALIKES:
        rig.server.git("update-ref", name, other)
    for cache in ("one", "one", "another"):
        done = rig.store(cache).transact(put("README.md", f"# {time.monotonic_ns()}\n"))
        assert isinstance(done, Committed)
        assert rig.tip() == rig.witness() == done.commit


@pytest.mark.parametrize("warm", [True, False], ids=["warm", "cold"])
@pytest.mark.parametrize("rig", ["file-filter"], indirect=True)
def test_a_ref_that_only_ends_like_the_branch_is_not_taken_for_it(rig: GitRig, warm: bool) -> None:
    """Where the branch is gone, that is what is told."""
    store = rig.store()
    if warm:
        store.load()
    rig.server.git("update-ref", LOOKALIKES[0], rig.server.git("commit-tree", "-m", "x", f"{BRANCH}^{{tree}}"))
    rig.wipe()
    with pytest.raises(MissingState, match="was deleted; its witness ref"):
        store.load()


def hidden(rig: GitRig) -> str:
    rig.server.git("config", "receive.hideRefs", "refs/orch")
    return WITNESS


def not_atomic(rig: GitRig) -> str:
    rig.server.git("config", "receive.advertiseAtomic", "false")
    return "atomic"


def small(rig: GitRig) -> str:
    rig.server.git("config", "receive.maxInputSize", "100")
    return "exceeds maximum allowed size"


@pytest.mark.parametrize("server_is", [hidden, not_atomic, small])
def test_what_no_retry_can_help_ends_at_once_and_names_the_cause(rig: GitRig, server_is: object) -> None:
    """It is the server's administrator who has to act, not time."""
    assert callable(server_is)
    match = server_is(rig)
    begun = time.monotonic()
    with pytest.raises(StateDenied, match=match):
        rig.store().transact(put("README.md", "# One\n"))
    assert time.monotonic() - begun < 20


BUSY = {
    "429": page(b"slow down", 429, Retry_After="1"),
    "502": page(b"<h1>Bad gateway</h1>", 502),
    "503": page(b"<h1>Maintenance</h1>", 503),
    "reset": git_http.reset,
}


@pytest.mark.parametrize("fault", BUSY.values(), ids=BUSY)
def test_a_read_is_tried_again_while_the_server_has_no_time(rig: GitRig, server: GitHttp, fault: Fault) -> None:
    """One bad answer ends no command; a server that asks for time gets it."""
    times = iter(range(2))

    def busy(handler: BaseHTTPRequestHandler, answer: bytes) -> bool:
        return next(times, None) is not None and fault(handler, answer)

    server.fault = busy
    begun = time.monotonic()
    assert rig.store().load().tip == rig.tip()
    assert next(times, None) is None
    assert time.monotonic() - begun > (2 if fault is BUSY["429"] else 0)


def test_a_server_that_asks_for_more_time_than_there_is_is_not_waited_for(rig: GitRig, server: GitHttp) -> None:
    server.fault = page(b"slow down", 429, Retry_After="3600")
    begun = time.monotonic()
    with pytest.raises(StateUnreachable, match="429"):
        rig.store().load()
    assert time.monotonic() - begun < 20


@pytest.mark.parametrize("status", [429, 503])
def test_a_push_that_was_never_sent_is_known_not_to_have_landed(rig: GitRig, server: GitHttp, status: int) -> None:
    """The server refused to talk before it got a commit; nobody has to look for one."""

    def refuse(handler: BaseHTTPRequestHandler, answer: bytes) -> bool:
        return "git-receive-pack" in handler.path and page(b"", status, Retry_After="3")(handler, answer)

    before = rig.tip()
    server.fault = refuse
    # A last try has a tenth of the time at least, which a busy machine needs to hear the answer.
    with pytest.raises(StateUnreachable, match=str(status)):
        rig.store(ORCH_STATE_TIMEOUT_S="12").transact(put("README.md", "# One\n"))
    assert len([path for _, path, _ in server.requests if path.endswith("info/refs")]) < 12
    assert rig.tip() == before


@pytest.mark.parametrize("how", ["path", "file"])
def test_a_remote_that_is_shallow_itself_proves_nothing_and_hangs_nobody(rig: GitRig, how: str) -> None:
    """`verify` and `task log` say so at once, in the same words however the remote is reached."""
    for number in range(3):
        rig.store().transact(put("README.md", f"# {number}\n"))
    cut = rig.folder / "cut.git"
    source = f"file://{rig.server.path}"
    rig.server.git("clone", "--quiet", "--bare", "--depth=2", "--branch=orch-state", source, str(cut))
    rig.url = f"file://{cut}" if how == "file" else str(cut)
    store = rig.store(ORCH_STATE_TIMEOUT_S="60")
    begun = time.monotonic()
    with pytest.raises(StateError, match=r"the remote repository is shallow.*--unshallow"):
        next(iter(store.log()))
    with pytest.raises(StateError, match=r"the remote repository is shallow.*--unshallow"), store.audit():
        pass
    assert time.monotonic() - begun < 20


@pytest.mark.parametrize("rig", ["path", "file-filter"], indirect=True)
def test_a_push_that_landed_is_told_whatever_became_of_the_cache(rig: GitRig) -> None:
    """Something cleans up the cache while the push is under way; whoever is told of a failure would write twice."""
    store = rig.store("cache")
    store.load()
    rig.hook("post-receive", f"rm -rf {rig.folder / 'cache'}\n")
    done = store.transact(put("README.md", "# One\n"))
    assert isinstance(done, Committed)
    assert done.commit == rig.tip()
    rig.hook("post-receive", "exit 0\n")
    assert rig.store("cache").load().tip == done.commit


@pytest.mark.parametrize("name", ["refs/heads/orch-state/x", "refs/orch/witness/x"])
def test_a_ref_in_the_way_of_a_new_branch_is_named(tmp_path: Path, name: str) -> None:
    """Anybody may have pushed it; without it the branch is made."""
    with state_rig.rig("path", tmp_path) as rig:
        assert isinstance(rig, GitRig)
        rig.server.git(
            "update-ref", name, rig.server.git("commit-tree", "-m", "x", rig.server.git("mktree", stdin=b""))
        )
        with pytest.raises(StateDenied, match=f"{name} is in the way of .*: delete or rename it"):
            rig.store(ORCH_STATE_TIMEOUT_S="20").initialise(FILES)
        rig.server.git("update-ref", "-d", name)
        assert isinstance(rig.store().initialise(FILES), Committed)


@pytest.mark.parametrize("who", ["bot <CI Bot <ci@example.org>> 5 +0000", "bot\nci <a@b> 5 +0000", "nobody"])
def test_a_commit_with_an_author_that_cannot_be_read_stops_nobody(rig: GitRig, who: str) -> None:
    """An older version, or a person, may have pushed one: it is read past, built upon, and named by `verify`."""
    tree = rig.server.git("rev-parse", f"{BRANCH}^{{tree}}")
    text = f"tree {tree}\nparent {rig.tip()}\nauthor {who}\ncommitter {who}\n\nx\n".encode()
    bad = rig.server.git("hash-object", "-t", "commit", "-w", "--stdin", "--literally", stdin=text)
    rig.server.git("update-ref", BRANCH, bad)
    store = rig.store()
    assert store.load().tip == bad
    assert isinstance(store.transact(put("README.md", "# One\n")), Committed)
    assert [entry.commit for entry in store.log()][1] == bad
    with store.audit() as audit:
        judged = {one.entry.commit: one.problems for one in audit.checked(lambda _: True)}
    assert "author" in {problem.field for problem in judged[bad]}


def test_an_author_that_no_commit_can_have_is_refused(rig: GitRig) -> None:
    before = rig.tip()
    made = remote.source(remote.RemoteUrl(rig.url, ()), "orch-state", rig.folder / "c", os.environ)
    store = GitStore(made, CommitIdentity(Author("bot", "CI Bot <ci@example.org>"), "bot"), 20, KINDS)
    with pytest.raises(StateError, match="is no author"):
        store.transact(put("README.md", "# One\n"))
    store.close()
    assert rig.tip() == before
