"""Random runs of many clients on real git answer, and leave behind, what the store in memory does (ST-2, ST-3, ST-4).

The store in memory is the model: it does one thing after the other, on a few dictionaries. Whoever
is overtaken in the middle of a decision on real git has to end as if the other had come first, or,
where nothing was to be written, after it.
"""

from __future__ import annotations

import io
import os
import re
import shutil
import sys
import tarfile
import tempfile
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, precondition, rule
from hypothesis.stateful import run_state_machine_as_test as run_machine

from orch_gates.errors import MissingState, RewoundState, StateDenied, StateError
from orch_gates.git.tree import Author, Commit
from orch_gates.model.ids import TaskId
from orch_gates.model.task import TaskState
from orch_gates.state import codec, layout
from orch_gates.state.branch import generation, remote
from orch_gates.state.branch.git_snapshot import GitSnapshot
from orch_gates.state.branch.git_store import CommitIdentity, GitStore
from orch_gates.state.branch.timing import Timing
from orch_gates.state.history.message import LogEntry, log_entry
from orch_gates.state.kinds import CORE, PAGES, TASK, FreeText, Kinds
from orch_gates.state.outcome import Committed, Exists, NothingToDo, Restored
from orch_gates.state.paths import PathPattern
from orch_gates.state.refs import LOST, WITNESS
from orch_gates.state.snapshot import Snapshot
from orch_gates.state.store import Change, Decide
from tests.fakes.memory_store import MemorySnapshot, MemoryStore
from tests.state_rig import BRANCH, FILES, GitRig, MemoryRig, Rig
from tests.tasks_builders import NOW, make_job, make_task

pytestmark = pytest.mark.slow

REFUSAL = "only on weekdays"
TIMEOUT = 60.0
OID = re.compile(r"[0-9a-f]{40}")
COUNTER = "notes/count.md"
KINDS = Kinds(CORE, (*PAGES, FreeText(PathPattern("notes/{name}.md"))))

Name = Callable[[str], str]


def _change(subject: str, task: str = "-", **what: object) -> Change:
    return Change(event="test", task=task, subject=subject, **what)  # type: ignore[arg-type]


def nothing(_snapshot: Snapshot) -> None:
    """Decide that there is nothing to do."""


def count(snapshot: Snapshot) -> Change:
    """Add one to what was counted: an update that is lost, or made twice, shows."""
    before = snapshot.text(COUNTER)
    number = 0 if before is None else int(before)
    return _change(f"count {number + 1}", writes={COUNTER: f"{number + 1}\n"})


def write(name: str, text: str, _snapshot: Snapshot) -> Change:
    return _change(f"write {name}", writes={f"notes/{name}.md": text})


def remove(path: str, snapshot: Snapshot) -> Change | None:
    if not any(True for _ in snapshot.files(path)) and snapshot.text(path) is None:
        return None
    return _change(f"remove {path}", removals=frozenset({path}))


def rename(source: str, target: str, snapshot: Snapshot) -> Change | None:
    if snapshot.text(f"notes/{source}.md") is None:
        raise LookupError(f"there is no {source}")
    if snapshot.text(f"notes/{target}.md") is not None:
        return None
    return _change(f"rename {source}", moves={f"notes/{source}.md": f"notes/{target}.md"})


def remark(snapshot: Snapshot) -> Change:
    """Write into the root document, whose generation is the store's."""
    return _change("remark", writes={layout.ROOT: f"{snapshot.text(layout.ROOT)}A remark.\n"})


def work_on(task: TaskId, state: TaskState, snapshot: Snapshot) -> Change | None:
    """Begin a task that never was; hold or resume one that is, or cancel it for good."""
    path = layout.task_path(task)
    text = snapshot.text(path)
    if text is None:
        return _begin(task, snapshot)
    found, body = codec.decode(TASK, path, text)
    if found.state.finished:
        return None
    wanted = TaskState.ACTIVE if found.state is state else state
    text = codec.encode(found.model_copy(update={"state": wanted}), codec.append_line(body, NOW, f"now {wanted}"))
    return _change(f"{wanted} {task}", task, writes={path: text})


def _begin(task: TaskId, snapshot: Snapshot) -> Change | None:
    if snapshot.text(f"{layout.archive_folder(NOW.year, task)}/{layout.TASK_FILE}") is not None:
        return None
    job = make_job(task=task)
    texts = {layout.task_path(task): codec.encode(make_task(id=task), "\n# A task\n")}
    return _change(f"begin {task}", task, writes=texts | {layout.job_path(task, job.attempt): codec.encode(job, "")})


def compact(snapshot: Snapshot) -> Change | None:
    """Move all finished tasks to the archive, write a file and remove another in the same commit."""
    moves = {}
    for entry in snapshot.files("tasks"):
        if TASK.path.match(entry.path):
            task, _ = codec.decode(TASK, entry.path, snapshot.read(entry))
            if task.state.finished:
                moves[layout.task_folder(task.id)] = layout.archive_folder(NOW.year, task.id)
    if not moves:
        return None
    gone = frozenset({"notes/a.md"})
    return _change("compact", moves=moves, removals=gone, writes={"notes/last.md": f"{sorted(moves)}\n"})


NAMES = st.sampled_from(["a", "b"])
TASKS = st.sampled_from([TaskId("T-1"), TaskId("T-2")])
TEXTS = st.sampled_from(["", "one\n", "é\u2028two\r\n"])
DECISIONS: st.SearchStrategy[Decide] = st.one_of(
    st.just(count),
    st.builds(partial, st.just(work_on), TASKS, st.sampled_from([TaskState.CANCELLED, TaskState.HELD])),
    st.just(compact),
    st.builds(partial, st.just(write), NAMES, TEXTS),
    st.builds(partial, st.just(rename), NAMES, NAMES),
    st.builds(partial, st.just(remove), st.sampled_from(["notes/a.md", "notes", "README.md"])),
    st.sampled_from([remark, nothing]),
)
EDITED = st.sampled_from(["README.md", "notes/a.md", COUNTER])
LOSSES = st.sampled_from(["wipe", "replace", "rewind 1", "rewind 2", "rewind 3"])


@dataclass(frozen=True, eq=False)
class Client:
    """A process that works on the branch, and its model. Processes of one machine share a cache, and what it saw."""

    machine: str
    git: GitStore
    memory: MemoryStore


@dataclass(frozen=True)
class Both:
    """The same deed on real git and on the model."""

    on_git: Callable[[], object]
    in_memory: Callable[[], object]


def _there(machine: StoreMachine) -> bool:
    return bool(machine.memory.remote.branch)


def _whole(machine: StoreMachine) -> bool:
    """Whether nothing is lost that a store has written."""
    remote = machine.memory.remote
    return _there(machine) and remote.reaches(remote.branch, remote.witness)


def _few(machine: StoreMachine) -> bool:
    return len(machine.everybody) < 5


class StoreMachine(RuleBasedStateMachine):
    """Clients and an administrator at work on one branch."""

    clients = Bundle("clients")

    def __init__(self, kind: str, parent: Path) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(dir=parent))
        self.git = GitRig(self.folder)
        self.git.url = ("file://" if kind == "file" else "") + str(self.git.server.path)
        self.git.server.git("config", "receive.autogc", "false")
        self.git.server.git("config", "uploadpack.allowFilter", "true")
        self.memory = MemoryRig()
        self.everybody: list[Client] = []
        # What each commit on the server is called in the model.
        self.names = {"": ""}
        self.generations: dict[str, int] = {}
        self.highest = 0
        self.answered_ops: dict[str, str] = {}
        self.ops: dict[str, str] = {}
        # What was read some time ago.
        self.snapshots = deque([Both(str, str)] * 2)
        self.refusing = 0
        self.losing = 0
        self.deeds = 0
        self.clock = 0.0
        self.nonces = 0
        self.twin_nonces: list[str] = []

    @initialize(target=clients)
    def begin(self) -> object:
        made = [self._client(f"machine-{number}") for number in range(2)]
        assert isinstance(self._initialise(made[0]), Committed)
        return multiple(*made)

    @precondition(_few)
    @rule(target=clients, beside=st.none() | clients)
    def another_client(self, beside: Client | None) -> Client:
        """On a machine of its own, or beside another one."""
        if beside is None:
            return self._client(f"machine-{len(self.everybody)}")
        return self._client(beside.machine, beside.memory)

    @precondition(_whole)
    @rule(client=clients, log=st.booleans())
    def read(self, client: Client, log: bool) -> None:
        """Read the branch; what was read of it before stays as it was."""
        git, memory = self._agree(_loading(client))
        self.snapshots.append(Both(lambda: git, lambda: memory))
        self._agree(self.snapshots.popleft())
        if log:
            self._agree(Both(lambda: list(client.git.log()), lambda: list(client.memory.log())))

    @rule(client=clients, decide=DECISIONS)
    def transact(self, client: Client, decide: Decide, others_wait: bool = False) -> None:
        self._agree(_transaction(client, decide, others_wait=others_wait))

    @precondition(_whole)
    @rule(client=clients, decide=DECISIONS, rival=clients, rivals=DECISIONS)
    def transact_overtaken(self, client: Client, decide: Decide, rival: Client, rivals: Decide) -> None:
        self._overtaken(client, decide, _transaction(self._other(client, rival), rivals))

    @precondition(_whole)
    @rule(client=clients, rival=clients)
    def transact_with_a_twin(self, client: Client, rival: Client) -> None:
        """Both know how the branch is, and make the very same commit, down to the nonce (faults.md T3)."""
        rival = self._other(client, rival)
        for who in (client, rival):
            self._agree(_loading(who))
        self.twin_nonces = [self._nonce()] * 2
        self._overtaken(client, count, _transaction(rival, count))
        self.twin_nonces = []

    @precondition(_whole)
    @rule(client=clients, decide=DECISIONS, path=EDITED)
    def transact_overtaken_by_an_edit(self, client: Client, decide: Decide, path: str) -> None:
        self._overtaken(client, decide, self._edit(path))

    @precondition(_whole)
    @rule(client=clients, decide=DECISIONS, how=LOSSES, mender=clients)
    def transact_overtaken_by_a_loss(self, client: Client, decide: Decide, how: str, mender: Client) -> None:
        self._overtaken(client, decide, self._loss(how))
        self._lost(mender)

    @precondition(_there)
    @rule(path=EDITED)
    def edit(self, path: str) -> None:
        self._agree(self._edit(path))

    @precondition(_there)
    @rule(how=LOSSES, decide=DECISIONS, mender=clients)
    def lose(self, how: str, decide: Decide, mender: Client) -> None:
        """Where that loses what a store has written, everybody notices, and nobody writes on top until it is mended."""
        self._agree(self._loss(how))
        if not _whole(self):
            for client in self.everybody:
                assert isinstance(self._agree(_transaction(client, decide))[0], MissingState | RewoundState)
            assert isinstance(self._initialise(mender), MissingState | RewoundState)
            self._lost(mender)

    @precondition(_whole)
    @rule(client=clients, path=EDITED, other=clients)
    def lose_an_edit(self, client: Client, path: str, other: Client) -> None:
        """Who has seen it notices, like all of its machine; the others cannot, and write on."""
        self._agree(self._edit(path))
        self._agree(_loading(client))
        self._agree(self._loss("rewind 1"))
        self._agree(_transaction(other, count))
        self._lost(client)

    @precondition(_whole)
    @rule(commits=st.integers(1, 2), client=clients, other=clients)
    def rewind_both(self, commits: int, client: Client, other: Client) -> None:
        """The witness is set back too: who has seen more notices, the others cannot."""
        commits = self._behind(commits, joins=False)
        self._agree(self._administrator(lambda rig: rig.rewind_both(commits)))
        self.highest = 0
        self._agree(_transaction(other, count))
        self._lost(client)

    @rule(client=clients, forget=st.booleans())
    def restore(self, client: Client, *, forget: bool) -> None:
        self._agree(Both(lambda: client.git.restore(forget=forget), lambda: client.memory.restore(forget=forget)))

    @precondition(lambda self: not self.refusing)
    @rule(steps=st.integers(1, 3))
    def refuse(self, steps: int) -> None:
        """The server refuses all pushes for so many steps."""
        self._refuse(steps + 1)

    @invariant()
    def look(self) -> None:
        self._pass()
        refs = self._refs()
        self._compare_refs(refs)
        for oid in self.names.keys() - self.generations.keys() - {""}:
            self._compare_commit(oid)
        if not self.everybody:
            return
        if _whole(self):
            found = self.generations[refs[BRANCH]]
            assert found >= self.highest, "the generation fell"
            self.highest = found
        else:
            for client in self.everybody:
                assert isinstance(self._agree(_loading(client))[0], MissingState | RewoundState)

    def _pass(self) -> None:
        """A step has passed: the server comes to its senses, or somebody finds time to mend."""
        if self.refusing:
            self._refuse(self.refusing - 1)
        if self.losing:
            self.losing -= 1
            if not self.losing:
                self.restore(self.mender, forget=True)
                self.losing = int(not _whole(self))

    def teardown(self) -> None:
        try:
            # With an error on its way, that is what failed.
            if sys.exc_info()[0] is None and self.everybody:
                self.prove()
        finally:
            self.close()

    def close(self) -> None:
        self.git.close()
        shutil.rmtree(self.folder)

    def prove(self) -> None:
        """In the end the branch can be mended, and only what was done by hand may be illegal in its history (ST-6)."""
        last = self._client("last")
        self._refuse(0)
        self.restore(last, forget=True)
        self.look()
        with last.git.audit() as audit:
            found = list(audit.checked(lambda _: True))
        assert audit.generation == self.highest
        assert audit.chain.follows
        assert [judged for judged in found if judged.entry.op and judged.problems] == []
        self.git.server.git("fsck", "--full", "--strict", "--no-progress", "--no-dangling")

    def _lost(self, mender: Client) -> None:
        self.losing, self.mender = 3, mender

    def _initialise(self, client: Client) -> object:
        return self._agree(Both(lambda: client.git.initialise(FILES), lambda: client.memory.initialise(FILES)))[0]

    def _refuse(self, steps: int) -> None:
        if bool(steps) is not bool(self.refusing):
            for rig in (self.git, self.memory):
                rig.refuse(REFUSAL if steps else "")
        self.refusing = steps

    def _client(self, machine: str, memory: MemoryStore | None = None) -> Client:
        source = remote.source(remote.RemoteUrl(self.git.url, ()), "orch-state", self.folder / machine, os.environ)
        timing = Timing(
            now=lambda: NOW,
            monotonic=lambda: self.clock,
            sleep=self.sleep,
            uniform=lambda least, most: (least + most) / 2,
            nonce=self._nonce,
        )
        store = GitStore(
            source, CommitIdentity(Author("A Tester", "tester@example.invalid"), "a tester"), TIMEOUT, KINDS, timing
        )
        self.git.stores.append(store)
        made = Client(machine, store, memory or MemoryStore(self.memory.remote))
        self.everybody.append(made)
        return made

    def sleep(self, seconds: float) -> None:
        self.clock += seconds

    def _nonce(self) -> str:
        if self.twin_nonces:
            return self.twin_nonces.pop()
        self.nonces += 1
        return f"{self.nonces:032x}"

    def _other(self, client: Client, wanted: Client) -> Client:
        return wanted if wanted is not client else next(other for other in self.everybody if other is not client)

    def _edit(self, path: str) -> Both:
        # No two are the same, or git would make one commit of them.
        text = f"# By hand {self.deeds}\n" if path == layout.README else f"{self.deeds}00\n"
        return self._administrator(lambda rig: rig.hand_edit(path, text.encode()))

    def _loss(self, how: str) -> Both:
        if how == "wipe":
            return self._administrator(lambda rig: rig.wipe())
        if how == "replace":
            return self._administrator(lambda rig: rig.replace())
        commits = self._behind(int(how.split()[1]))
        return self._administrator(lambda rig: rig.rewind(commits))

    def _behind(self, most: int, *, joins: bool = True) -> int:
        """How far back the branch can go, at most; without `joins` not past what a restore has joined."""
        remote = self.memory.remote
        number, oid = 0, remote.branch
        while number < most and (parents := remote.commits[oid].parents) and (joins or len(parents) == 1):
            number, oid = number + 1, parents[0]
        return number

    def _administrator(self, deed: Callable[[Rig], str | None]) -> Both:
        self.deeds += 1
        self.git.server.env["GIT_COMMITTER_DATE"] = f"@{self.deeds} +0000"
        return Both(lambda: deed(self.git), lambda: deed(self.memory))

    def _overtaken(self, client: Client, decide: Decide, other: Both) -> None:
        """A transaction in whose first decision something else is done, from its beginning to its end."""
        before = self._refs().get(BRANCH, "")
        tips: list[str] = []
        others: list[object] = []

        def overtaken(snapshot: Snapshot) -> Change | None:
            tips.append(snapshot.tip)
            if len(tips) == 1:
                others.append(_answer(other.on_git))
            return decide(snapshot)

        own = _answer(lambda: client.git.transact(overtaken))
        own_first = isinstance(own, NothingToDo | LookupError) and tips[-1:] == [before]
        if tips[:1] == [before]:
            # It had seen the branch as it was.
            _answer(client.memory.load)
        for turn_of_own in (own_first, not own_first):
            if turn_of_own:
                self._compare(own, _answer(lambda: client.memory.transact(decide)))
            elif others:
                self._compare(others[0], _answer(other.in_memory))

    def _agree(self, both: Both) -> tuple[object, object]:
        answers = _answer(both.on_git), _answer(both.in_memory)
        self._compare(*answers)
        return answers

    def _compare(self, git: object, memory: object) -> None:
        match git, memory:
            case (Committed(commit=real), Committed(commit=model)) | (Restored(commit=real), Restored(commit=model)):
                self._pair(real, model)
            case str(real), str(model):
                self._pair(real, model)
            case _:
                pass
        assert _told(git, self._name) == _told(memory, str), f"{git} is not {memory}"
        if isinstance(git, Committed):
            self.answered_ops[git.commit] = git.op

    def _pair(self, real: str, model: str) -> None:
        assert self.names.setdefault(real, model) == model, "a commit was answered twice"

    def _name(self, oid: str) -> str:
        return self.names.get(oid, oid)

    def _refs(self) -> dict[str, str]:
        lines = self.git.server.git("for-each-ref", "--format=%(refname) %(objectname)").splitlines()
        return dict(line.split(" ") for line in lines)

    def _compare_refs(self, refs: dict[str, str]) -> None:
        remote = self.memory.remote
        assert self._name(refs.get(BRANCH, "")) == remote.branch
        assert self._name(refs.get(WITNESS, "")) == remote.witness
        lost = [self._name(oid) for ref, oid in refs.items() if ref.startswith(LOST)]
        assert sorted(lost) == sorted(remote.lost)

    def _compare_commit(self, oid: str) -> None:
        model = self.memory.remote.commits[self.names[oid]]
        keys = "".join(f"%x00%(trailers:key=Orch-{key},valueonly)" for key in ("Op", "Event", "Task", "By"))
        fields = self.git.server.git("log", "-1", f"--format=%P%x00%s{keys}", oid).split("\0")
        parents, subject, op, *trailers = (field.strip() for field in fields)
        assert tuple(map(self._name, parents.split())) == model.parents
        output = log_entry("", Commit("", (), "", 0, model.message))
        assert (_renamed(subject, self._name), _raised(op)) == (output.subject, _raised(output.op))
        assert trailers == ([output.event, ",".join(output.tasks) or "-", output.by] if output.op else [""] * 3)
        assert op == self.answered_ops.get(oid, op)
        assert not op or self.ops.setdefault(op, oid) == oid, "an op id was used twice"
        packed = self.git.server.attempt("archive", oid).stdout
        with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
            files = {entry.name: tar.extractfile(entry) for entry in tar if not entry.isdir()}
            read = {path: file.read() for path, file in files.items() if file is not None}
        assert read == model.files
        self.generations[oid] = generation.read(read[layout.ROOT].decode())


def _loading(client: Client) -> Both:
    return Both(client.git.load, client.memory.load)


def _transaction(client: Client, decide: Decide, *, others_wait: bool = False) -> Both:
    return Both(
        lambda: client.git.transact(decide, others_wait=others_wait),
        lambda: client.memory.transact(decide, others_wait=others_wait),
    )


def _answer(deed: Callable[[], object]) -> object:
    try:
        return deed()
    except (StateError, LookupError) as error:
        return error


def _told(answer: object, name: Name) -> object:
    """An answer without what is a matter of chance, in the words of the model."""
    match answer:
        case Committed():
            told: object = (name(answer.commit), answer.generation, _raised(answer.op), answer.confirmed_late)
        case Restored():
            told = (name(answer.commit), answer.generation, name(answer.lost))
        case NothingToDo() | Exists():
            told = name(answer.tip)
        case StateDenied():
            told = REFUSAL in str(answer)
        case StateError():
            told = "state restore" in str(answer)
        case GitSnapshot() | MemorySnapshot():
            return name(answer.tip), answer.generation, _files(answer)
        case list():
            told = [_said(entry, name) for entry in answer]
        case str():
            told = name(answer)
        case _:
            told = str(answer)
    return type(answer).__name__, told


def _files(snapshot: Snapshot) -> list[tuple[str, str, int]]:
    entries = list(snapshot.files())
    oids = [entry.oid for entry in entries]
    return [(entry.path, snapshot.read(entry), oids.index(entry.oid)) for entry in entries]


def _said(entry: LogEntry, name: Name) -> tuple[str, ...]:
    return name(entry.commit), _renamed(entry.subject, name), _raised(entry.op), entry.event, *entry.tasks, entry.by


def _renamed(text: str, name: Name) -> str:
    return OID.sub(lambda found: name(found[0]), text)


def _raised(op: str) -> str:
    return op.partition("-")[0]


@pytest.mark.parametrize(("kind", "runs", "steps"), [("path", 32, 12), ("file", 10, 12)])
def test_any_run_does_on_real_git_what_it_does_in_memory(kind: str, runs: int, steps: int, tmp_path: Path) -> None:
    """With the repository used in place, and with all that is read of it fetched into a cache."""
    chosen = settings(
        max_examples=runs, stateful_step_count=steps, deadline=None, derandomize=True, database=None, print_blob=True
    )
    run_machine(partial(StoreMachine, kind, tmp_path), settings=chosen)  # type: ignore[arg-type]


def test_an_edit_that_one_process_saw_is_not_lost_on_another_of_its_machine(tmp_path: Path) -> None:
    """Although that one had read the branch before, and would have written on what it knew (ST-4)."""
    with _machine(tmp_path) as machine:
        first = machine.everybody[0]
        second = machine.another_client(first)
        machine.read(first, log=False)
        machine.lose_an_edit(second, "README.md", other=first)


def test_who_rests_after_a_slow_transaction_has_time_for_the_next_one(tmp_path: Path) -> None:
    """The others go first, but not for all the time that a call has (ST-2)."""

    def slowly(snapshot: Snapshot) -> Change:
        if isinstance(snapshot, GitSnapshot):
            machine.sleep(TIMEOUT * 0.8)
        return count(snapshot)

    with _machine(tmp_path) as machine:
        (client, *_) = machine.everybody
        machine.transact(client, slowly)
        before = machine.clock
        machine.transact(client, count)
        assert machine.clock - before < TIMEOUT / 2


def test_who_is_waited_for_does_not_rest(tmp_path: Path) -> None:
    """The steps of a merge follow at once: everybody who is queued waits for them (MRG-13)."""

    def slowly(snapshot: Snapshot) -> Change:
        if isinstance(snapshot, GitSnapshot):
            machine.sleep(2)
        return count(snapshot)

    def rested(*, others_wait: bool) -> float:
        machine.transact(client, slowly, others_wait)
        before = machine.clock
        machine.transact(client, count)
        return machine.clock - before

    with _machine(tmp_path) as machine:
        (client, *_) = machine.everybody
        assert rested(others_wait=False) >= 2
        assert rested(others_wait=True) < 1


def test_a_push_from_an_empty_cache_after_a_hand_edit_is_known_to_have_landed(tmp_path: Path) -> None:
    """There the history ends with the edit, before the commit that the witness stands at (ST-3, ST-5)."""
    with _machine(tmp_path, "file") as machine:
        machine.edit("README.md")
        machine.transact(machine.another_client(None), count)


@contextmanager
def _machine(folder: Path, kind: str = "path") -> Iterator[StoreMachine]:
    """A machine that has begun, and whose branch is proven in the end."""
    made = StoreMachine(kind, folder)
    try:
        made.begin()
        yield made
        made.look()
        made.prove()
    finally:
        made.close()
