"""What goes wrong around the state branch: rivals, lost answers, killed processes, full disks (ST-2 to ST-7)."""

from __future__ import annotations

import os
import re
import shutil
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from orch_gates.git.tree import Author
from orch_gates.state import place
from orch_gates.state.git_store import GitStore, Identity
from orch_gates.state.outcome import Committed, Unknown
from orch_gates.state.timing import Timing
from tests import state_rig
from tests.fakes import git_http
from tests.fakes.git_http import Fault, GitHttp
from tests.state_rig import BRANCH, FILES, WITNESS, GitRig
from tests.state_writer import COUNTER, Answer, one_more, writer

# Runs up from a hook to the `git push` of a client on the same machine, and to the process that started it.
UP_TO_THE_CLIENT = r"""
above() { sed -n 's/^PPid:\t//p' "/proc/$1/status"; }
pids=$PPID push=$PPID
until tr '\0' ' ' <"/proc/$push/cmdline" | grep -q ' push '; do push=$(above "$push"); pids="$pids $push"; done
client=$(above "$push")
"""


@pytest.fixture
def rig(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[GitRig]:
    """A state branch with one commit; on disk, reached by its path, unless a test asks for another kind."""
    with state_rig.rig(getattr(request, "param", "path"), tmp_path) as made:
        assert isinstance(made, GitRig)
        assert isinstance(made.store().initialise(FILES), Committed)
        yield made


@pytest.fixture
def server(rig: GitRig) -> Iterator[GitHttp]:
    """A server of its own before the repository, whose answers can be spoiled."""
    with git_http.serving(rig.folder) as made:
        rig.url = f"{made.url}/server.git"
        yield made


def on(*kinds: str) -> pytest.MarkDecorator:
    """Reach the branch in these ways."""
    return pytest.mark.parametrize("rig", kinds, indirect=True)


def once(rig: GitRig, hook: str, script: str) -> Path:
    """A hook that runs its script until that removes `armed`, the file that this answers."""
    armed = rig.server.path / "armed"
    armed.touch()
    rig.hook(hook, f"test -e armed || exit 0\n{script}")
    return armed


def counted(rig: GitRig) -> int:
    """How often one was added to the counter, having looked that the server is whole and its history tells the same.

    Nothing was lost: every commit follows one other, added one, and raised the generation by one.
    """
    rig.server.git("fsck", "--full", "--strict", "--no-progress", "--no-dangling")
    refs = rig.server.git("for-each-ref", "--format=%(objectname)", BRANCH, WITNESS).split()
    commits = rig.server.git("log", "--format=%H %P%n%(trailers:key=Orch-Op)", BRANCH).split("\n\n")
    count = len(commits) - 1
    assert refs == [commits[0].split()[0]] * 2
    assert [len(commit.split("\n")[0].split()) for commit in commits] == [2] * count + [1]
    assert len({commit.split("Orch-Op: ")[1] for commit in commits}) == len(commits)
    text = rig.server.git("show", f"{BRANCH}:orch-state.md", *([f"{BRANCH}:{COUNTER}"] if count else []))
    assert f"\ngeneration: {len(commits)}\n" in text
    assert not count or text.splitlines()[-1] == str(count)
    return count


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rig", "writers", "times"),
    [("path", 2, 12), ("path", 4, 6), ("path", 16, 3), ("http", 4, 3)],
    indirect=["rig"],
)
def test_many_processes_lose_no_update(rig: GitRig, writers: int, times: int) -> None:
    """ST-2, faults.md T2, T6, T7: each update is there once, and who made it was told so."""
    names = [[f"{number}-{time}" for time in range(times)] for number in range(writers)]
    with writer(rig, "one-machine") as one, writer(rig, "another") as another:
        one.begin(*names[::2])
        another.begin(*names[1::2])
        answers = one.end() + another.end()
    assert [answer["kind"] for answer in answers] == ["Committed"] * writers * times
    assert counted(rig) == writers * times
    commits = rig.server.git("rev-list", BRANCH).split()
    assert {answer["commit"] for answer in answers} == set(commits[:-1])
    made = rig.server.git("ls-tree", "--name-only", BRANCH, "sweep/").splitlines()
    assert set(made) == {COUNTER, *(f"sweep/{name}.md" for process in names for name in process)}


@pytest.mark.slow
@pytest.mark.parametrize("stride", [1, 3], ids=["warm", "cold"])
@on("path", "file-filter")
def test_a_process_killed_at_any_step_leaves_nothing_half_done(rig: GitRig, stride: int) -> None:
    """The branch is as before or has the whole change; the next process with the same cache goes on (faults.md §5).

    What the killed process had started runs on: a `git push` may still land. A process without a
    cache has more steps, of which each third is tried.
    """
    step = expected = 0
    ended: list[Answer] = []
    with writer(rig) as process:
        while not ended:
            step += stride
            if stride > 1:
                shutil.rmtree(rig.folder / "cache", ignore_errors=True)
            process.begin(["killed"], at=step)
            ended = process.end()
            found = counted(rig)
            assert found in {expected, expected + 1}
            assert process.write("next")["kind"] == "Committed"
            expected = found + 1
    assert step > 30
    assert [answer["kind"] for answer in ended] == ["Committed"]
    assert counted(rig) == expected


@pytest.mark.slow
@pytest.mark.parametrize("stride", [1, 3], ids=["warm", "cold"])
@on("path", "file-filter")
def test_a_rival_at_any_step_costs_nobody_an_update(rig: GitRig, stride: int) -> None:
    """ST-2: another process with the same cache reads, writes and tidies up while this one stands still."""
    step = 0
    answers: list[Answer] = [{}, {}]
    with writer(rig) as process:
        while len(answers) == 2:
            step += stride
            if stride > 1:
                shutil.rmtree(rig.folder / "cache", ignore_errors=True)
            process.begin(["slow"], at=step, do="rival")
            answers = process.end()
            assert {answer["kind"] for answer in answers} == {"Committed"}
    assert counted(rig) == 2 * (step // stride) - 1


def test_commits_that_differ_in_nothing_but_their_op_have_one_winner(rig: GitRig) -> None:
    """faults.md T3: the same change by the same author in the same second; the loser decides again on the winner's."""
    # Both pushes stand at the server before either may go on.
    rig.hook(
        "pre-receive",
        """while read -r _ new _; do git cat-file commit "$new" >"sent-$new"; done
for _ in $(seq 500); do set -- sent-*; test $# -gt 1 && exit 0; sleep 0.02; done; exit 1
""",
    )
    fixed = Timing(now=lambda: datetime(2026, 5, 1, tzinfo=UTC))
    with ThreadPoolExecutor() as threads:
        stores = [timed(rig, fixed), timed(rig, fixed)]
        outcomes = list(threads.map(lambda store: store.transact(one_more("same")), stores))
    landed = [outcome for outcome in outcomes if isinstance(outcome, Committed)]
    won, lost = sorted(landed, key=lambda outcome: outcome.generation)
    assert (won.generation, won.attempts, lost.generation, lost.attempts) == (2, 1, 3, 2)
    sent = [path.read_text() for path in rig.server.path.glob("sent-*") if path.name != f"sent-{lost.commit}"]
    assert len(set(sent)) == 2
    assert len({re.sub("Orch-Op: .*", "", commit) for commit in sent}) == 1
    assert counted(rig) == 2


def timed(rig: GitRig, timing: Timing, *, timeout: float = 60) -> GitStore:
    """A store with a clock of its own, and a cache of its own."""
    folder = rig.folder / f"timed-{len(rig.stores)}"
    made = place.source(place.find(rig.url, rig.folder, {}, timeout=9), "orch-state", folder, {**os.environ, **rig.env})
    store = GitStore(made, Identity(Author("a-tester", "tester@example.invalid"), "a-tester"), timeout, timing)
    rig.stores.append(store)
    return store


@pytest.mark.parametrize("killed", ["client", "server"])
@pytest.mark.parametrize("hook", ["pre-receive", "post-receive"])
def test_a_push_without_an_answer_is_made_once(rig: GitRig, hook: str, killed: str) -> None:
    """ST-3, faults.md T4: one side of the push dies, before it had an effect or after it."""
    armed = once(
        rig, hook, "rm armed\n" + UP_TO_THE_CLIENT + {"client": 'kill -9 "$push"', "server": 'kill -9 "$PPID"'}[killed]
    )
    outcome = rig.store().transact(one_more("file"))
    assert isinstance(outcome, Committed)
    assert not armed.exists()
    assert counted(rig) == 1
    assert outcome.commit == rig.tip()
    # A server that outlives its client may act before the client's second attempt or after it.
    assert outcome.confirmed_late == (hook == "post-receive") or (hook, killed) == ("pre-receive", "client")


def spoil_pushes(server: GitHttp, how: Fault, *, ever: bool = False) -> None:
    """Have the answer to the next push spoiled, or with `ever` the answers to it and to all that follows."""

    def fault(handler: BaseHTTPRequestHandler, answer: bytes) -> bool:
        if handler.command == "POST" and handler.path.endswith("/git-receive-pack"):
            server.fault = how if ever else None
            return how(handler, answer)
        return False

    server.fault = fault


def test_a_lost_answer_is_found_below_what_others_did_since(rig: GitRig, server: GitHttp) -> None:
    """ST-3: the op is looked for in all that came after the base, not at the tip alone."""

    def others_then_reset(handler: BaseHTTPRequestHandler, answer: bytes) -> bool:
        for name in ("other", "another"):
            assert isinstance(rig.store().transact(one_more(name)), Committed)
        return git_http.reset(handler, answer)

    spoil_pushes(server, others_then_reset)
    outcome = rig.store().transact(one_more("mine"))
    assert isinstance(outcome, Committed)
    assert outcome.confirmed_late
    assert outcome.commit == rig.server.git("rev-parse", f"{BRANCH}~2")
    assert counted(rig) == 3


def test_a_push_that_nobody_can_tell_about_is_unknown_and_names_its_op(rig: GitRig, server: GitHttp) -> None:
    """ST-3: neither done nor not done is claimed where the server is gone after it acted."""
    spoil_pushes(server, git_http.reset, ever=True)
    store = rig.store(ORCH_STATE_TIMEOUT_S="2")
    outcome = store.transact(one_more("file"))
    assert isinstance(outcome, Unknown)
    assert f"Orch-Op: {outcome.op}\n" in rig.messages()[0]
    assert outcome.reason
    server.fault = None
    assert isinstance(store.transact(one_more("next")), Committed)
    assert counted(rig) == 2


def test_a_server_that_acts_and_hangs_is_asked_again_while_there_is_time(rig: GitRig, server: GitHttp) -> None:
    """ST-2, ST-3: the answer that never comes is waited for within the deadline only."""
    with hanging() as hang:
        spoil_pushes(server, hang)
        outcome = rig.store(ORCH_STATE_TIMEOUT_S="4").transact(one_more("file"))
    assert isinstance(outcome, Committed)
    assert outcome.confirmed_late
    assert counted(rig) == 1


@contextmanager
def hanging() -> Iterator[Fault]:
    """A fault that keeps a connection open and says nothing for as long as the block lasts."""
    over = threading.Event()

    def hang(_handler: BaseHTTPRequestHandler, _answer: bytes) -> bool:
        return over.wait()

    try:
        yield hang
    finally:
        over.set()


def answer_with(status: int, body: bytes = b"") -> Fault:
    """A fault that answers with a status and a page instead of git's answer."""

    def answer(handler: BaseHTTPRequestHandler, _answer: bytes) -> bool:
        handler.send_response(status)
        handler.send_header("Content-Type", "text/html")
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)
        return True

    return answer


@pytest.mark.parametrize(
    ("hook", "moment", "landed"),
    [
        ("pre-receive", "", False),
        ("update", "refs/orch/witness", False),
        ("reference-transaction", "prepared", False),
        ("reference-transaction", "committed", True),
        ("post-receive", "", True),
    ],
)
def test_a_power_cut_in_the_middle_of_a_push_leaves_nothing_half_done(
    rig: GitRig, hook: str, moment: str, landed: bool
) -> None:
    """Writer, client and server die together. What git wants a person to remove is told in git's words."""
    once(rig, hook, f'test "$1" = "{moment}" || exit 0\nrm armed\n{UP_TO_THE_CLIENT}\nkill -9 "$client" $pids')
    with writer(rig, ORCH_STATE_TIMEOUT_S="3") as process:
        process.begin(["killed"])
        assert process.end() == []
        assert counted(rig) == landed
        locks = list(rig.server.path.rglob("*.lock"))
        if locks:
            answer = process.write("refused")
            assert answer["kind"] == "Unreachable"
            assert re.search(r"orch-state\.lock': File exists.*remove the file", answer["reason"])
            assert counted(rig) == landed
        for lock in locks:
            lock.unlink()
        assert process.write("next")["kind"] == "Committed"
    assert bool(locks) == (moment == "prepared")
    assert counted(rig) == landed + 1


def halve(path: Path) -> None:
    data = path.read_bytes()
    path.chmod(0o600)
    path.write_bytes(data[: len(data) // 2])


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    path.chmod(0o600)
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)


def empty(path: Path) -> None:
    path.chmod(0o600)
    path.write_bytes(b"")


def kept_files(rig: GitRig) -> list[Path]:
    """What there is to damage in the cache, relative to it."""
    cache = rig.folder / "cache"
    return [path.relative_to(cache) for path in cache.rglob("*") if path.is_file() and path.stat().st_size]


@pytest.mark.slow
@pytest.mark.parametrize("damage", [halve, flip])
@on("path", "file-filter")
def test_any_damaged_file_of_the_cache_is_made_up_for(rig: GitRig, damage: Callable[[Path], None]) -> None:
    """Nothing is lost: what the cache had is on the server."""
    cache, kept = rig.folder / "cache", rig.folder / "kept"
    with writer(rig) as process:
        for name in ("one", "two"):
            process.write(name)
        shutil.copytree(cache, kept, symlinks=True)
        files = kept_files(rig)
        for path in files:
            shutil.rmtree(cache)
            shutil.copytree(kept, cache, symlinks=True)
            damage(cache / path)
            assert process.write("next")["kind"] == "Committed", path
    assert len(files) > 10
    assert counted(rig) == 2 + len(files)


@pytest.mark.parametrize("damage", [halve, flip, empty, Path.unlink])
@on("path", "file-filter")
def test_a_cache_with_nothing_but_damage_is_made_up_for(rig: GitRig, damage: Callable[[Path], None]) -> None:
    with writer(rig) as process:
        process.write("one")
        for path in kept_files(rig):
            damage(rig.folder / "cache" / path)
        assert process.write("next")["kind"] == "Committed"
    assert counted(rig) == 2


@on("path", "file-filter")
def test_what_killed_processes_left_in_the_cache_stops_nobody(rig: GitRig) -> None:
    """Locks of every file and folder, half-written packs and objects, stores and records not yet in place."""
    cache = rig.folder / "cache"
    with writer(rig) as process:
        process.write("one")
        for path in [path for path in cache.rglob("*") if not path.is_symlink()]:
            path.with_name(f"{path.name}.lock").touch()
        for objects in cache.rglob("objects"):
            for name in ("pack/tmp_pack_a", "pack/tmp_idx_a", "pack/.tmp-1-pack-a.pack", "17/tmp_obj_a", "info/a.lock"):
                (objects / name).parent.mkdir(exist_ok=True)
                (objects / name).write_bytes(b"PACK")
            (objects / "pack" / f"pack-{'0' * 40}.pack").write_bytes(b"PACK")
        for root in cache.glob("state/*.git"):
            for name in ("new-0123456789abcdef", "dead-store-0123456789abcdef", "store-0123456789abcdef"):
                (root / name / "session-0123456789abcdef" / "refs").mkdir(parents=True)
            (root / "seen.0123456789abcdef").write_text("half")
        for name in ("two", "three"):
            assert process.write(name)["kind"] == "Committed"
    assert counted(rig) == 3
