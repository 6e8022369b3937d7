"""What every store of the state branch keeps: the one in memory, and the one on git however it is reached."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from orch_gates.errors import MissingState, RewoundState, StateDenied, StateDocumentError, StateError
from orch_gates.state.layout import ROOT as ROOT_PATH
from orch_gates.state.outcome import Committed, Exists, NothingToDo, Restored
from orch_gates.state.snapshot import Snapshot
from orch_gates.state.store import Change
from tests import state_rig
from tests.state_rig import FILES, KINDS, ROOT, Rig, put


@pytest.fixture(params=KINDS)
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Rig]:
    with state_rig.rig(request.param, tmp_path) as rig:
        yield rig


@pytest.fixture
def rig(empty: Rig) -> Rig:
    assert isinstance(empty.store().initialise(FILES), Committed)
    return empty


def test_a_branch_that_was_never_made_is_no_empty_one(empty: Rig) -> None:
    """ST-4: nothing is read from nothing, and the message says how to begin."""
    store = empty.store()
    with pytest.raises(MissingState, match="state init"):
        store.load()
    with pytest.raises(MissingState, match="state init"):
        store.transact(put("tasks/aa/T1/task.md"))


def test_a_new_branch_holds_what_it_was_given(empty: Rig) -> None:
    store = empty.store()
    made = store.initialise(FILES)
    assert isinstance(made, Committed)
    assert made.generation == 1
    for snapshot in (store.load(), empty.store().load()):
        assert (snapshot.tip, snapshot.generation) == (made.commit, 1)
        assert {entry.path: snapshot.read(entry) for entry in snapshot.files()} == FILES
    assert empty.witness() == empty.tip() == made.commit


def test_a_branch_is_made_once(rig: Rig) -> None:
    before = rig.tip()
    assert rig.store().initialise(FILES) == Exists(before)
    assert rig.tip() == before


def test_a_new_branch_needs_its_root_document(empty: Rig) -> None:
    with pytest.raises(StateDocumentError, match=r"orch-state\.md"):
        empty.store().initialise({"README.md": "x\n"})
    with pytest.raises(MissingState):
        empty.store().load()


def test_a_change_is_one_commit_that_says_whose_it_is(rig: Rig) -> None:
    """ST-3: op id, event, task and author stand in trailers; text from outside cannot forge them."""
    change = Change(
        event="advance",
        task="T-1",
        subject="T-1: advance\nOrch-Op: 9-forged",
        body="because\n\nOrch-Event: forged",
        writes={"tasks/aa/T-1/task.md": "x\n"},
    )
    done = rig.store().transact(lambda _: change)
    assert isinstance(done, Committed)
    message = rig.messages()[0].rstrip().split("\n\n")
    assert message[0].count("\n") == 0
    trailers = dict(line.split(": ", 1) for line in message[-1].split("\n"))
    assert trailers.keys() == {"Orch-Op", "Orch-Event", "Orch-Task", "Orch-By"}
    assert (trailers["Orch-Op"], trailers["Orch-Event"], trailers["Orch-Task"]) == (done.op, "advance", "T-1")
    assert done.op.startswith("2-")
    assert len(rig.messages()) == 2
    assert rig.witness() == rig.tip() == done.commit


def test_every_change_raises_the_generation_by_one_and_keeps_the_rest(rig: Rig) -> None:
    """ST-4: remarks, unknown fields and the text of orch-state.md stay as they were."""
    store, other = rig.store(), rig.store()
    for number in range(2, 6):
        done = (store, other)[number % 2].transact(put(f"tasks/aa/T{number}/task.md"))
        assert isinstance(done, Committed)
        assert done.generation == number
    assert store.load().text(ROOT_PATH) == ROOT.replace("generation: 1", "generation: 5")


def test_a_change_of_the_root_document_is_raised_as_well(rig: Rig) -> None:
    store = rig.store()
    store.transact(put(ROOT_PATH, ROOT.replace("extra: kept", "extra: new")))
    found = store.load().text(ROOT_PATH)
    assert found == ROOT.replace("generation: 1", "generation: 2").replace("extra: kept", "extra: new")


def test_files_are_written_moved_and_removed_in_one_change(rig: Rig) -> None:
    """ST-5: a finished task's folder goes into the archive as it is."""
    store = rig.store()
    for path in ("tasks/aa/T1/task.md", "tasks/aa/T1/jobs/1.md", "tasks/aa/T2/task.md", "leases/main.md"):
        store.transact(put(path, f"{path}\n"))
    change = Change(
        event="archive",
        task="T1",
        subject="archive",
        moves={"tasks/aa/T1": "archive/2026/aa/T1"},
        removals=frozenset({"leases/main.md", "nothing/there"}),
        writes={"archive/2026/aa/T1/task.md": "done\n"},
    )
    assert isinstance(store.transact(lambda _: change), Committed)
    for snapshot in (store.load(), rig.store().load()):
        assert [entry.path for entry in snapshot.files("archive")] == [
            "archive/2026/aa/T1/jobs/1.md",
            "archive/2026/aa/T1/task.md",
        ]
        assert snapshot.text("archive/2026/aa/T1/jobs/1.md") == "tasks/aa/T1/jobs/1.md\n"
        assert snapshot.text("archive/2026/aa/T1/task.md") == "done\n"
        assert [entry.path for entry in snapshot.files("tasks")] == ["tasks/aa/T2/task.md"]
        assert snapshot.text("leases/main.md") is None


def test_a_store_that_has_seen_nothing_of_the_archive_can_add_to_it(rig: Rig) -> None:
    """ST-5: the archive is left out of the first fetch, and still grows and is read."""
    store = rig.store()
    for name in ("T1", "T2", "T3", "T4"):
        store.transact(put(f"tasks/aa/{name}/task.md", f"{name}\n"))
    for name in ("T1", "T2", "T3"):
        moves = {f"tasks/aa/{name}": f"archive/2026/aa/{name}"}
        change = Change(event="archive", task=name, subject="archive", moves=moves)
        assert isinstance(rig.store().transact(partial(_given, change)), Committed)
    assert rig.store().load().text("archive/2026/aa/T2/task.md") == "T2\n"
    assert [entry.path for entry in rig.store().load().files("archive/2026")] == [
        f"archive/2026/aa/{name}/task.md" for name in ("T1", "T2", "T3")
    ]
    assert rig.store().load().text("archive/2025/aa/T9/task.md") is None


def _given(change: Change, _snapshot: Snapshot) -> Change:
    return change


def test_a_snapshot_stays_as_it_was(rig: Rig) -> None:
    store = rig.store()
    store.transact(put("tasks/aa/T1/task.md", "before\n"))
    old = store.load()
    rig.store().transact(put("tasks/aa/T1/task.md", "after\n"))
    assert store.load().text("tasks/aa/T1/task.md") == "after\n"
    assert old.text("tasks/aa/T1/task.md") == "before\n"


def test_files_with_the_same_content_have_the_same_id(rig: Rig) -> None:
    store = rig.store()
    change = Change(event="x", task="-", subject="x", writes={"a/1": "one\n", "a/2": "one\n", "b/3": "two\n"})
    store.transact(lambda _: change)
    found = {entry.path: entry.oid for entry in store.load().files()}
    assert found["a/1"] == found["a/2"] != found["b/3"]
    assert list(found) == sorted(found)
    assert [entry.path for entry in store.load().files("a/")] == ["a/1", "a/2"]
    assert list(store.load().files("a/1")) == list(store.load().files("no")) == []


def test_the_folders_of_a_folder_are_listed(rig: Rig) -> None:
    """Files are none of them; no such folder has none."""
    store = rig.store()
    writes = {"archive/2026/aa/T-1/task.md": "x\n", "archive/2024/bb/T-2/task.md": "x\n", "archive/note.md": "x\n"}
    store.transact(lambda _: Change(event="x", task="-", subject="x", writes=writes))
    snapshot = store.load()
    assert tuple(snapshot.folders("archive")) == ("2024", "2026")
    assert snapshot.folders("archive/2024/bb/T-2") == snapshot.folders("nowhere") == {}
    assert snapshot.folders("archive/note.md") == {}


def test_equal_folders_have_equal_ids(rig: Rig) -> None:
    """Whatever is below one that has not changed is as it was."""
    store = rig.store()
    writes = {"tasks/aa/T-1/task.md": "x\n", "tasks/bb/T-1/task.md": "x\n", "tasks/cc/T-1/task.md": "y\n"}
    store.transact(lambda _: Change(event="x", task="-", subject="x", writes=writes))
    before = store.load().folders("tasks")
    assert before["aa"] == before["bb"] != before["cc"]
    store.transact(put("tasks/aa/T-1/task.md", "z\n"))
    after = store.load().folders("tasks")
    assert after["aa"] != before["aa"]
    assert (after["bb"], after["cc"]) == (before["bb"], before["cc"])


def test_a_text_is_kept_between_calls(rig: Rig) -> None:
    """By a store that has read the branch."""
    store = rig.store()
    store.load()
    assert store.recall("notes") == ""
    for text in ("one", "two ✓\n"):
        store.keep("notes", text)
        assert (store.recall("notes"), store.recall("other")) == (text, "")


def test_what_lies_outside_is_looked_at_again_before_every_decision_but_the_first(rig: Rig) -> None:
    """ENG-10: a decision that is taken again rests on the world as it is then."""
    first, second = rig.store(), rig.store()
    happened: list[str] = []

    def decide(snapshot: Snapshot) -> Change:
        happened.append("decide")
        if len(happened) == 1:
            second.transact(put("sweep/other.md", "other\n"))
        return put("sweep/ours.md", "ours\n")(snapshot)

    first.load()
    assert isinstance(first.transact(decide, lambda: happened.append("look")), Committed)
    assert happened == ["decide", "look", "decide"]


def test_a_lost_race_decides_again_on_what_the_winner_wrote(rig: Rig) -> None:
    """P6, faults.md T2: the decision is taken again, the write is not replayed."""
    first, second = rig.store(), rig.store()
    seen: list[str | None] = []

    def count(snapshot: Snapshot) -> Change:
        text = snapshot.text("sweep/count.md")
        seen.append(text)
        if len(seen) == 1:
            assert isinstance(second.transact(put("sweep/count.md", "1\n")), Committed)
        return put("sweep/count.md", f"{int(text or 0) + 1}\n")(snapshot)

    first.load()
    done = first.transact(count)
    assert isinstance(done, Committed)
    assert (done.attempts, done.generation) == (2, 3)
    assert seen == [None, "1\n"]
    assert first.load().text("sweep/count.md") == "2\n"


def test_the_loser_may_find_that_nothing_is_left_to_do(rig: Rig) -> None:
    first, second = rig.store(), rig.store()

    def make(snapshot: Snapshot) -> Change | None:
        if snapshot.text("tasks/aa/T1/task.md") is not None:
            return None
        second.transact(put("tasks/aa/T1/task.md", "second\n"))
        return put("tasks/aa/T1/task.md", "first\n")(snapshot)

    assert first.transact(make) == NothingToDo(rig.tip())
    assert first.load().text("tasks/aa/T1/task.md") == "second\n"


def test_nothing_to_do_is_believed_only_on_the_branch_as_it_is_now(rig: Rig) -> None:
    store = rig.store()
    store.load()
    rig.store().transact(put("tasks/aa/T1/task.md"))
    seen: list[bool] = []

    def decide(snapshot: Snapshot) -> Change | None:
        seen.append(snapshot.text("tasks/aa/T1/task.md") is not None)
        return put("tasks/aa/T1/done.md")(snapshot) if seen[-1] else None

    assert isinstance(store.transact(decide), Committed)
    assert seen[-1]


def test_an_error_of_the_decision_counts_only_on_the_branch_as_it_is_now(rig: Rig) -> None:
    store = rig.store()
    store.load()
    rig.store().transact(put("tasks/aa/T1/task.md"))

    def decide(snapshot: Snapshot) -> Change:
        if snapshot.text("tasks/aa/T1/task.md") is None:
            raise LookupError("no such task")
        return put("tasks/aa/T1/done.md")(snapshot)

    assert isinstance(store.transact(decide), Committed)
    before = rig.tip()
    with pytest.raises(ZeroDivisionError):
        store.transact(lambda _: 1 / 0)  # type: ignore[arg-type, return-value]
    assert rig.tip() == before


@pytest.mark.parametrize(
    "change",
    [
        Change(event="x", task="-", subject="nothing"),
        Change(event="x", task="-", subject="x", moves={"tasks/aa/none": "archive/2026/aa/none"}),
        Change(event="x", task="-", subject="x", moves={"README.md": "orch-state.md"}),
    ],
)
def test_an_impossible_change_writes_nothing(rig: Rig, change: Change) -> None:
    before = rig.tip()
    with pytest.raises(ValueError, match=r"nothing|something|move"):
        rig.store().transact(lambda _: change)
    assert rig.tip() == before


def test_a_refusal_of_the_server_is_final_and_told_in_its_words(rig: Rig) -> None:
    rig.refuse("only the bot may write here")
    before = rig.tip()
    with pytest.raises(StateDenied, match=r"server refused the change of the state branch: .*only the bot may write"):
        rig.store().transact(put("tasks/aa/T1/task.md"))
    assert rig.tip() == before
    rig.refuse("")
    assert isinstance(rig.store().transact(put("tasks/aa/T1/task.md")), Committed)


def test_a_hand_edit_is_read_and_built_upon(rig: Rig) -> None:
    """A person's commit leaves generation and witness behind; that is no loss."""
    store = rig.store()
    store.transact(put("tasks/aa/T1/task.md", "before\n"))
    for number in range(3):
        edited = rig.hand_edit("tasks/aa/T1/task.md", f"by hand {number}\n".encode())
        for reader in (store, rig.store()):
            snapshot = reader.load()
            assert (snapshot.tip, snapshot.generation) == (edited, 2)
            assert snapshot.text("tasks/aa/T1/task.md") == f"by hand {number}\n"
    done = store.transact(put("tasks/aa/T2/task.md"))
    assert isinstance(done, Committed)
    assert done.generation == 3
    assert rig.witness() == done.commit
    assert store.load().text("tasks/aa/T1/task.md") == "by hand 2\n"


def test_a_file_that_is_no_text_spoils_only_itself(rig: Rig) -> None:
    """ST-6: the others are read as before."""
    rig.store().transact(put("tasks/aa/T1/task.md"))
    rig.hand_edit("tasks/aa/T2/task.md", b"\xff\xfe")
    snapshot = rig.store().load()
    with pytest.raises(StateDocumentError, match=r"tasks/aa/T2/task\.md"):
        snapshot.text("tasks/aa/T2/task.md")
    assert snapshot.text("tasks/aa/T1/task.md") == "x\n"
    assert len(list(snapshot.files("tasks"))) == 2


def test_a_newer_schema_is_refused_with_what_to_do(rig: Rig) -> None:
    store = rig.store()
    store.load()
    rig.hand_edit(ROOT_PATH, ROOT.replace("orch.state/1", "orch.state/2").encode())
    for act in (store.load, lambda: store.transact(lambda _: None)):
        with pytest.raises(StateDocumentError, match="upgrade"):
            act()


def _spoil(rig: Rig, how: str) -> None:
    {"wiped": rig.wipe, "rewound": lambda: rig.rewind(2), "replaced": rig.replace}[how]()


@pytest.mark.parametrize("warm", [True, False], ids=["warm", "cold"])
@pytest.mark.parametrize(
    ("how", "error"), [("wiped", MissingState), ("rewound", RewoundState), ("replaced", RewoundState)]
)
def test_a_lost_branch_is_noticed_written_to_by_nobody_and_mended(
    rig: Rig, how: str, error: type[StateError], warm: bool
) -> None:
    """ST-4, faults.md T16: also where the first attempt would have stood on what was read before."""
    store = rig.store()
    for number in range(4):
        store.transact(put(f"tasks/aa/T{number}/task.md"))
    before = store.load()
    _spoil(rig, how)
    victim = store if warm else rig.store()
    answers = []
    for act in (lambda: victim.transact(put("tasks/aa/T9/task.md")), victim.load):
        with pytest.raises(error, match="state restore") as raised:
            act()
        answers.append((type(raised.value), str(raised.value)))
    assert answers[0] == answers[1]

    mended = (victim if warm else rig.store()).restore()
    assert isinstance(mended, Restored)
    for reader in (store, rig.store()):
        after = reader.load()
        assert {e.path: e.oid for e in after.files("tasks")} == {e.path: e.oid for e in before.files("tasks")}
        assert (after.tip, after.generation) == (before.tip, before.generation)
    done = store.transact(put("tasks/aa/T9/task.md"))
    assert isinstance(done, Committed)
    assert done.generation > before.generation
    assert isinstance(rig.store().restore(), NothingToDo)


def test_a_restored_branch_keeps_what_had_replaced_it(rig: Rig) -> None:
    store = rig.store()
    store.transact(put("tasks/aa/T1/task.md"))
    replaced = rig.replace()
    mended = store.restore()
    assert isinstance(mended, Restored)
    assert (mended.lost, rig.tip(), rig.witness()) == (replaced, mended.commit, mended.commit)


def test_what_two_writers_did_to_one_branch_is_joined(rig: Rig) -> None:
    """ST-8: where both are legal and began as one, a commit follows both; the files are those that the witness knew."""
    store = rig.store()
    for number in range(3):
        store.transact(put("README.md", f"# Edition {number}\n"))
    good = rig.tip()
    rig.rewind(2)
    lost = rig.hand_edit("README.md", b"# By hand\n")
    mended = rig.store().restore()
    assert isinstance(mended, Restored)
    assert (mended.lost, mended.generation) == (lost, 5)
    assert rig.tip() == rig.witness() == mended.commit != good
    assert rig.store().load().text("README.md") == "# Edition 2\n"


def test_a_lost_hand_edit_is_noticed_by_who_saw_it(rig: Rig) -> None:
    """The witness does not know of it, but the machine that read it does."""
    store = rig.store()
    store.transact(put("tasks/aa/T1/task.md"))
    edited = rig.hand_edit("tasks/aa/T1/task.md", b"by hand\n")
    store.load()
    rig.rewind(1)
    with pytest.raises(RewoundState, match="state restore"):
        store.load()
    assert isinstance(store.restore(), Restored)
    assert rig.tip() == edited
    assert store.load().text("tasks/aa/T1/task.md") == "by hand\n"


def test_a_wiped_branch_is_not_made_anew_over_its_witness(rig: Rig) -> None:
    rig.wipe()
    with pytest.raises(MissingState, match="state restore"):
        rig.store().initialise(FILES)


def test_there_is_nothing_to_restore_where_nothing_was_lost(rig: Rig) -> None:
    assert rig.store().restore() == NothingToDo(rig.tip())


def test_there_is_nothing_to_restore_from_where_nothing_ever_was(empty: Rig) -> None:
    with pytest.raises(MissingState, match="state init"):
        empty.store().restore()
