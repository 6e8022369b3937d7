"""What goes wrong around the state branch: rivals, lost answers, killed processes, full disks (ST-2 to ST-7)."""

from __future__ import annotations

import os
import re
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from orch_gates.document_kinds import KINDS
from orch_gates.engine.stages import DEFAULT
from orch_gates.errors import StateDenied, StateError, StateUnclear, StateUnreachable
from orch_gates.git.tree import Author
from orch_gates.state import codec, layout
from orch_gates.state.branch import remote
from orch_gates.state.branch.git_store import CommitIdentity, GitStore
from orch_gates.state.branch.timing import Timing
from orch_gates.state.outcome import Committed
from orch_gates.state.store import Change
from orch_gates.tasks import book
from orch_gates.tasks.create import new_task
from tests.builders import orch, run
from tests.fakes import git_http
from tests.fakes.git_http import Fault, GitHttp
from tests.state_rig import BRANCH, WITNESS, GitRig, put
from tests.state_writer import COUNTER, Answer, one_more, writer

# Runs up from a hook to the `git push` of a client on the same machine, and to the process that started it.
UP_TO_THE_CLIENT = r"""
above() { sed -n 's/^PPid:\t//p' "/proc/$1/status"; }
pids=$PPID push=$PPID
until tr '\0' ' ' <"/proc/$push/cmdline" | grep -q ' push '; do push=$(above "$push"); pids="$pids $push"; done
client=$(above "$push")
"""


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
@pytest.mark.parametrize(("cold", "stride"), [(False, 2), (True, 3)], ids=["warm", "cold"])
@on("path", "file-filter")
def test_a_process_killed_at_any_step_leaves_nothing_half_done(rig: GitRig, cold: bool, stride: int) -> None:
    """The branch is as before or has the whole change; the next process with the same cache goes on (faults.md §5).

    What the killed process had started runs on: a `git push` may still land.
    """
    step = expected = 0
    ended: list[Answer] = []
    with writer(rig) as process:
        while not ended:
            step += stride
            if cold:
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
@pytest.mark.parametrize("cold", [False, True], ids=["warm", "cold"])
@on("path", "file-filter")
def test_a_rival_at_any_step_costs_nobody_an_update(rig: GitRig, cold: bool) -> None:
    """ST-2: another process with the same cache reads, writes and tidies up while this one stands still."""
    rounds = 0
    answers: list[Answer] = [{}, {}]
    with writer(rig) as process:
        while len(answers) == 2:
            rounds += 1
            if cold:
                shutil.rmtree(rig.folder / "cache", ignore_errors=True)
            process.begin(["slow"], at=4 * rounds, do="rival")
            answers = process.end()
            assert {answer["kind"] for answer in answers} == {"Committed"}
    assert rounds > 10
    assert counted(rig) == 2 * rounds - 1


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
    made = remote.source(remote.RemoteUrl(rig.url, ()), "orch-state", folder, {**os.environ, **rig.env})
    store = GitStore(
        made, CommitIdentity(Author("a-tester", "tester@example.invalid"), "a-tester"), timeout, KINDS, timing
    )
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
    with pytest.raises(StateUnclear, match=r"could not check whether change .* was recorded: .*") as raised:
        store.transact(one_more("file"))
    assert f"Orch-Op: {raised.value.op}\n" in rig.messages()[0]
    server.fault = None
    assert isinstance(rig.store().transact(one_more("next")), Committed)
    assert counted(rig) == 2


def test_a_server_that_acts_and_hangs_is_asked_again_while_there_is_time(rig: GitRig, server: GitHttp) -> None:
    """ST-2, ST-3: the answer that never comes is waited for within the deadline only."""
    with hanging() as hang:
        spoil_pushes(server, hang)
        outcome = rig.store(ORCH_STATE_TIMEOUT_S="30").transact(one_more("file"))
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
            # The last of its pushes may have run out of time.
            assert answer["kind"] in {"StateUnreachable", "StateUnclear"}
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
@on("path", "file-filter")
def test_any_file_of_the_cache_may_be_cut_off(rig: GitRig) -> None:
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
            halve(cache / path)
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
def test_damage_of_the_server_itself_is_told_and_stops_nothing_that_does_not_need_it(rig: GitRig) -> None:
    rig.store().transact(put("sweep/damaged.md", "text\n"))
    oid = rig.server.git("rev-parse", f"{BRANCH}:sweep/damaged.md")
    reader = rig.store("cold")
    warm = rig.store()
    warm.load()
    halve(rig.server.path / "objects" / oid[:2] / oid[2:])
    for store in (reader, rig.store("cold")):
        with pytest.raises(StateError, match=rf"git fsck.*server\.git|corrupt loose object '{oid}'"):
            store.load().text("sweep/damaged.md")
    assert isinstance(warm.transact(one_more("file")), Committed)
    if not rig.url.startswith("file"):
        assert isinstance(reader.transact(one_more("another")), Committed)


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


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 75 blocks where the cache is going to be."""
    disk = tmp_path / "cache"
    disk.mkdir()
    if run("mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", disk, cwd=tmp_path).returncode:
        pytest.skip("no tmpfs may be mounted here")
    yield disk
    run("umount", "--lazy", disk, cwd=tmp_path)


def leave_free(disk: Path, blocks: int) -> None:
    """Fill a disk but for some blocks."""
    filler = disk / "filler"
    filler.unlink(missing_ok=True)
    there = os.statvfs(disk)
    filler.write_bytes(bytes((there.f_bavail - blocks) * there.f_bsize))


@pytest.mark.parametrize("cold", [True, False], ids=["cold", "warm"])
@on("path", "file-filter")
def test_a_full_disk_is_named_and_nothing_is_half_done(rig: GitRig, cold: bool, small_disk: Path) -> None:
    """With ever more blocks left, it gets full at ever later steps; with space again the same cache goes on."""
    committed = blocks = full = 0
    with writer(rig) as process:
        if not cold:
            committed += process.write("first")["kind"] == "Committed"
        while committed < 4:
            if cold:
                shutil.rmtree(small_disk / "state", ignore_errors=True)
            leave_free(small_disk, blocks)
            answer = process.write("next")
            if answer["kind"] == "Committed":
                committed += 1
            else:
                full += 1
                assert answer["kind"] == "StateError"
                assert re.search("No space left on device|Out of diskspace", answer["reason"])
            assert counted(rig) == committed
            blocks += 2
        (small_disk / "filler").unlink()
        assert process.write("last")["kind"] == "Committed"
    assert full >= 3
    assert counted(rig) == committed + 1


def test_a_command_on_a_full_disk_says_so(rig: GitRig, small_disk: Path) -> None:
    leave_free(small_disk, 0)
    env = {"ORCH_CACHE_DIR": str(small_disk)}
    done = orch("task", "new", "T-1", "A task", "--repo", rig.server.path, cwd=rig.folder, env=env)
    assert done.returncode == 2
    assert b"No space left on device; set ORCH_CACHE_DIR to a folder that you may write" in done.stderr
    assert counted(rig) == 0


@pytest.fixture
def silent() -> Iterator[str]:
    """The url of a server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/server.git"


@pytest.mark.parametrize("warm", [True, False], ids=["warm", "cold"])
def test_a_server_that_says_nothing_is_waited_for_until_the_deadline(rig: GitRig, server: GitHttp, warm: bool) -> None:
    """Reading and writing alike; a push that was sent into the silence may still land, so that is not denied."""
    store = rig.store(ORCH_STATE_TIMEOUT_S="2")
    if warm:
        store.load()
    with hanging() as hang:
        server.fault = hang
        with pytest.raises(StateUnclear if warm else StateUnreachable):
            store.transact(one_more("file"))
        with pytest.raises(StateUnreachable, match="could not be fetched"):
            store.load()
    server.fault = None


def test_a_command_ends_although_the_server_says_nothing(rig: GitRig, silent: str) -> None:
    env = {"ORCH_STATE_REMOTE": silent, "ORCH_STATE_TIMEOUT_S": "2", "GIT_ALLOW_PROTOCOL": "http:file"}
    done = orch("status", "--repo", rig.server.path, cwd=rig.folder, env=env)
    assert done.returncode == 2
    assert b"the state branch could not be fetched: git did not finish" in done.stderr


@pytest.mark.parametrize("hook", ["pre-receive", "update"])
def test_a_refusing_hook_is_asked_once(rig: GitRig, hook: str) -> None:
    rig.hook(hook, "echo asked >>asked\necho 'this repository is read-only' >&2\nexit 1\n")
    with pytest.raises(StateDenied, match="read-only"):
        rig.store().transact(one_more("file"))
    assert (rig.server.path / "asked").read_text() == "asked\n"
    assert counted(rig) == 0


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_server_that_forbids_to_push_is_asked_once(rig: GitRig, server: GitHttp, status: int) -> None:
    asked = []

    def forbid(handler: BaseHTTPRequestHandler, answer: bytes) -> bool:
        if "git-receive-pack" not in handler.path:
            return False
        asked.append(handler.path)
        return answer_with(status)(handler, answer)

    server.fault = forbid
    with pytest.raises(StateDenied, match=r"the server refused the change of the state branch: ."):
        rig.store().transact(one_more("file"))
    assert len(asked) == 1
    assert counted(rig) == 0


@pytest.mark.parametrize("fault", [git_http.reset, answer_with(502, b"<h1>Bad gateway</h1>")], ids=["reset", "502"])
def test_a_server_that_is_down_for_a_while_is_asked_again(rig: GitRig, server: GitHttp, fault: Fault) -> None:
    times = iter(range(3))

    def down(handler: BaseHTTPRequestHandler, answer: bytes) -> bool:
        return next(times, None) is not None and fault(handler, answer)

    server.fault = down
    assert isinstance(rig.store().transact(one_more("file")), Committed)
    assert counted(rig) == 1


JUMPS = [0, -10 * 365, 20 * 365, -400 * 365, 1]


def test_a_clock_that_jumps_orders_nothing(rig: GitRig) -> None:
    """ST-7: order is that of the commits, whatever dates they carry; also before 1970 and far ahead."""
    start = datetime(2026, 5, 1, tzinfo=UTC)
    made = []
    for days in JUMPS:
        store = timed(rig, Timing(now=lambda days=days: start + timedelta(days=days)))  # type: ignore[misc]
        outcome = store.transact(one_more(f"{days}"))
        assert isinstance(outcome, Committed)
        made.append(outcome)
        assert store.load().generation == outcome.generation
    assert [outcome.generation for outcome in made] == [2, 3, 4, 5, 6]
    assert counted(rig) == len(JUMPS)
    logged = [entry.commit for entry in rig.store().log()]
    assert logged[:-1] == [outcome.commit for outcome in reversed(made)]


def test_a_machine_that_slept_in_the_middle_still_learns_what_became_of_its_push(rig: GitRig) -> None:
    """The deadline is long over when it wakes up, but the lost answer is looked for once more (ST-3)."""
    armed = once(rig, "post-receive", 'rm armed\nkill -9 "$PPID"')
    slept = Timing(monotonic=lambda: time.monotonic() + (0 if armed.exists() else 3600))
    outcome = timed(rig, slept).transact(one_more("file"))
    assert isinstance(outcome, Committed)
    assert outcome.confirmed_late
    assert counted(rig) == 1


@pytest.mark.slow
def test_one_corrupt_document_among_a_thousand_stops_none_of_the_others(rig: GitRig) -> None:
    """ST-6: it is set apart with its path and why; the rest is listed and moved."""
    store = rig.store()
    now = datetime(2026, 5, 1, tzinfo=UTC)
    tasks = [new_task(f"T-{n}", f"Task {n}", branch="", by="ann", pipeline=DEFAULT, now=now) for n in range(1000)]
    texts = {layout.task_path(task.id): codec.encode(task, f"\n# {task.id}\n") for task in tasks}
    made = store.transact(lambda _: Change(event="import", task="-", subject="a thousand", writes=texts))
    assert isinstance(made, Committed)
    corrupt = layout.task_path(tasks[500].id)
    rig.hand_edit(corrupt, b"---\nschema: orch.task/1\nid: [T-500\n---\n")

    found = book.read(store.load())
    assert [file.path for file in found.quarantined] == [corrupt]
    assert {task.id for task in found.tasks} == {task.id for task in tasks} - {"T-500"}

    env = {"ORCH_CACHE_DIR": str(rig.folder / "cache")}
    status = orch("status", "--repo", rig.server.path, cwd=rig.folder, env=env)
    assert status.returncode == 0
    assert f"cannot read a file of the state branch: {corrupt}: ".encode() in status.stderr
    hold = ("--reason", "wait", "--repo", rig.server.path)
    assert orch("task", "hold", "T-499", *hold, cwd=rig.folder, env=env).returncode == 0
    refused = orch("task", "hold", "T-500", *hold, cwd=rig.folder, env=env)
    assert refused.returncode == 2
    assert corrupt.encode() in refused.stderr
