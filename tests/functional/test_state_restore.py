"""What stands on the state branch is told apart, and put back, also where somebody prevents it (ST-4, ST-8)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from orch_gates.errors import MissingState, RewoundState, StateDenied, StateError, WrongStateBranch
from orch_gates.state.outcome import Committed, NothingToDo, Restored
from tests import state_rig
from tests.builders import Repo, orch
from tests.state_rig import BRANCH, FILES, WITNESS, GitRig, put


def code_over_the_state(rig: GitRig) -> str:
    """Another branch is pushed over the state by force."""
    tree = rig.server.git("mktree", stdin=b"")
    made = rig.server.git("commit-tree", "-m", "Start", tree)
    rig.server.git("update-ref", BRANCH, made)
    return made


COMMANDS = [("status",), ("task", "new", "T-2", "two"), ("state", "lint"), ("state", "verify"), ("state", "init")]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_branch_that_code_was_pushed_over_is_named_by_every_command(rig: GitRig, command: tuple[str, ...]) -> None:
    """Whatever it holds instead is not read, so its missing files are nobody's trouble."""
    bad = code_over_the_state(rig)
    env = {"ORCH_CACHE_DIR": str(rig.folder / "cache")}
    done = orch(*command, "--repo", rig.server.path, cwd=rig.folder, env=env)
    assert done.returncode == 2
    assert f"rewound or replaced: it is at {bad}".encode() in done.stderr
    assert b"state restore" in done.stderr


def test_what_is_no_history_of_the_state_is_taken_off_the_branch(rig: GitRig) -> None:
    """It is kept aside, and no commit follows both."""
    rig.store().transact(put("README.md", "# One\n"))
    good, bad = rig.tip(), code_over_the_state(rig)
    mended = rig.store().restore()
    assert isinstance(mended, Restored)
    assert (rig.tip(), rig.witness(), mended.lost) == (good, good, bad)
    assert rig.server.git("rev-parse", mended.kept) == bad


def test_names_that_others_took_stop_no_restore(rig: GitRig) -> None:
    """Anybody who may push may have made `refs/orch/lost/<n>`, or something below it."""
    good, bad = rig.tip(), code_over_the_state(rig)
    for name in ("1", "2/x", "3"):
        rig.server.git("update-ref", f"refs/orch/lost/{name}", good)
    mended = rig.store().restore()
    assert isinstance(mended, Restored)
    assert (rig.tip(), mended.kept) == (good, "refs/orch/lost/4")
    assert rig.server.git("rev-parse", mended.kept) == bad


def test_a_hundred_that_were_set_aside_are_enough(rig: GitRig) -> None:
    """The branch is put back all the same, and nothing is said to be kept."""
    good, bad = rig.tip(), code_over_the_state(rig)
    for number in range(100):
        rig.server.git("update-ref", f"refs/orch/lost/{number}", good)
    mended = rig.store().restore()
    assert isinstance(mended, Restored)
    assert (rig.tip(), mended.lost, mended.kept) == (good, bad, "")


def test_a_server_that_forbids_to_go_back_needs_its_administrator(rig: GitRig) -> None:
    """The message holds the very command, which helps."""
    good, bad = rig.tip(), code_over_the_state(rig)
    rig.server.git("config", "receive.denyNonFastForwards", "true")
    command = f"git update-ref {BRANCH} {good} {bad}"
    with pytest.raises(StateDenied, match=f"administrator puts it back with `{command}`"):
        rig.store(ORCH_STATE_TIMEOUT_S="20").restore()
    rig.server.git(*command.split()[1:])
    assert rig.store().load().tip == good


def test_a_merge_that_calls_itself_a_restore_hides_nothing(rig: GitRig) -> None:
    """The witness has to be in the branch's own history: behind the other parent it is what was set aside."""
    rig.store().transact(put("README.md", "# One\n"))
    good, tree = rig.tip(), rig.server.git("rev-parse", f"{BRANCH}^{{tree}}")
    forged = rig.server.git("commit-tree", "-m", "a past of my own", tree)
    text = f"restore\n\nOrch-Op: 3-{'0' * 32}\nOrch-Event: restore\nOrch-Task: -\nOrch-By: eve\n"
    merge = rig.server.git("commit-tree", "-m", text, "-p", good, "-p", forged, tree)
    rig.server.git("update-ref", BRANCH, merge)
    store = rig.store()
    with pytest.raises(RewoundState, match="its witness"):
        store.load()
    assert isinstance(store.restore(), Restored)
    assert rig.tip() == good


def test_what_only_one_machine_has_seen_is_given_up_by_a_word_only(rig: GitRig) -> None:
    """An older backup was put back, and others went on from there: whoever knows more says which steps that lacks."""
    store = rig.store("knows")
    for number in range(2):
        store.transact(put("README.md", f"# Edition {number}\n"))
    lost = rig.tip()
    rig.rewind_both(1)
    rig.store("fresh").transact(put("tasks/aa/T1/task.md"))
    for _ in range(2):
        with pytest.raises(RewoundState, match=rf"(?s)lack commits .*\n  {lost[:10]} .*\n.*restore --forget"):
            store.restore()
        with pytest.raises(RewoundState, match="state restore"):
            store.load()
    assert isinstance(store.restore(forget=True), Restored)
    assert store.load().text("README.md") == "# Edition 0\n"
    assert store.load().text("tasks/aa/T1/task.md") is not None


def test_a_whole_history_is_put_back_from_a_cache_that_began_in_the_middle(tmp_path: Path) -> None:
    """ST-4: a machine that has the history pushes it, also where its first read fetched no more than the tip."""
    with state_rig.rig("file-filter", tmp_path) as rig:
        assert isinstance(rig, GitRig)
        rig.store("known").initialise(FILES)
        rig.store("known").load()
        for number in range(2):
            rig.store("known").transact(put("README.md", f"# {number}\n"))
        good = gone(rig)
        assert isinstance(rig.store("known").restore(), Restored)
        assert (rig.tip(), rig.witness()) == (good, good)


def test_a_reverted_step_is_no_loss(rig: GitRig) -> None:
    """`git revert` lowers the generation and goes forward: every machine goes on, with nothing to mend."""
    store = rig.store("one")
    for number in range(3):
        store.transact(put("README.md", f"# {number}\n"))
    rig.server.git("update-ref", BRANCH, _reverted(rig, 2))
    for cache in ("one", "another"):
        snapshot = rig.store(cache).load()
        assert (snapshot.tip, snapshot.generation) == (rig.tip(), 2)
        assert rig.store(cache).restore() == NothingToDo(rig.tip())
    done = rig.store("one").transact(put("README.md", "# again\n"))
    assert isinstance(done, Committed)
    assert (done.attempts, done.generation) == (1, 3)
    assert rig.witness() == rig.tip() == done.commit


def _reverted(rig: GitRig, commits: int) -> str:
    tree = f"{BRANCH}~{commits}^{{tree}}"
    return rig.server.git("commit-tree", "-m", "Revert", "-p", BRANCH, rig.server.git("rev-parse", tree))


def gone(rig: GitRig) -> str:
    """Branch and witness are deleted together."""
    good = rig.tip()
    for ref in (BRANCH, WITNESS):
        rig.server.git("update-ref", "-d", ref)
    return good


def test_a_machine_that_knows_a_branch_makes_no_empty_one_in_its_place(rig: GitRig) -> None:
    """A CI job runs `state init` first, every time: a branch that is gone stays a loss until somebody decides."""
    store = rig.store("known")
    store.transact(put("README.md", "# One\n"))
    good = gone(rig)
    with pytest.raises(MissingState, match=f"the branch was at {good}.*state restore.*init --anew"):
        rig.store("known").initialise(FILES)
    mended = rig.store("known").restore()
    assert isinstance(mended, Restored)
    assert (rig.tip(), rig.witness()) == (good, good)
    gone(rig)
    assert isinstance(rig.store("known").initialise(FILES, anew=True), Committed)
    assert rig.store("known").load().generation == 1


def test_a_machine_without_the_whole_history_says_what_to_push(tmp_path: Path) -> None:
    with state_rig.rig("file-filter", tmp_path) as rig:
        assert isinstance(rig, GitRig)
        rig.store().initialise(FILES)
        rig.store().transact(put("README.md", "# One\n"))
        rig.store("known").load()
        good = gone(rig)
        with pytest.raises(MissingState, match=f"git push origin {good}:{BRANCH}"):
            rig.store("known").restore()
        rig.server.git("push", str(rig.server.path), f"{good}:{BRANCH}")
        assert rig.store("known").load().tip == good


def test_a_wrong_name_of_the_branch_is_no_loss(rig: GitRig) -> None:
    """One runner that spells it otherwise is told so, and may not make a second branch on one witness."""
    store = rig.store(ORCH_STATE_BRANCH="orch_state")
    for act in (store.load, store.restore, lambda: store.initialise(FILES)):
        with pytest.raises(WrongStateBranch, match="'orch_state', but the state is on 'orch-state'"):
            act()
    before = rig.server.git("for-each-ref")
    rig.server.git("update-ref", "refs/heads/main", rig.server.git("commit-tree", "-m", "Start", f"{BRANCH}^{{tree}}"))
    rig.server.git("symbolic-ref", "HEAD", "refs/heads/main")
    main = rig.store(ORCH_STATE_BRANCH="main")
    for act in (main.load, main.restore):
        with pytest.raises(WrongStateBranch, match="'main'"):
            act()
    assert before in rig.server.git("for-each-ref")


@pytest.mark.parametrize("how", ["rewound", "deleted"])
def test_a_copy_of_the_state_is_in_nobodys_way(how: str, rig: GitRig) -> None:
    """Somebody kept a branch where the state stood: a machine that knows its name puts the state back."""
    rig.store("known").transact(put("README.md", "# One\n"))
    good = rig.tip()
    rig.server.git("update-ref", "refs/heads/backup", good)
    rig.server.git("update-ref", *(["-d", BRANCH] if how == "deleted" else [BRANCH, f"{good}~1"]))
    caches = ("known",) if how == "deleted" else ("new", "known")
    for cache in caches:
        with pytest.raises((RewoundState, MissingState), match="state restore"):
            rig.store(cache).load()
    assert isinstance(rig.store(caches[0]).restore(), Restored)
    assert rig.store("another").load().tip == good


def test_who_does_not_know_the_name_is_told_both_ways(rig: GitRig, tmp_path: Path) -> None:
    """A wrong name and a deleted branch with a copy look alike; what helps is in the message."""
    good = rig.tip()
    rig.server.git("update-ref", "refs/heads/backup", good)
    rig.server.git("update-ref", "-d", BRANCH)
    with pytest.raises(WrongStateBranch) as told:
        rig.store().load()
    clone = Repo(tmp_path / "clone")
    rig.server.git("clone", "--quiet", rig.server.path, clone.path)
    for command in re.findall(r"`git ([^`]+)`", str(told.value)):
        clone.git(*command.split())
    assert rig.store().load().tip == good


@pytest.mark.parametrize("rig", ["path", "file-filter"], indirect=True)
@pytest.mark.parametrize("what", ["code", "a tag", "a file"])
@pytest.mark.parametrize("branch", ["stands", "is gone"])
def test_a_witness_that_is_no_state_is_named(what: str, branch: str, rig: GitRig, tmp_path: Path) -> None:
    """Anybody may have pushed it: it sends nobody to another branch, and nothing is set back to it."""
    rig.store("known").load()
    good, server = rig.tip(), rig.server
    code = server.git("commit-tree", "-m", "Start", server.git("mktree", stdin=b""))
    server.git("update-ref", "refs/heads/main", code)
    foreign = {"code": code, "a file": server.git("hash-object", "-w", "--stdin", stdin=b"x")}
    if what == "a tag":
        server.git("tag", "-a", "-m", "x", "v1", code)
        foreign[what] = server.git("rev-parse", "refs/tags/v1")
    server.git("update-ref", WITNESS, foreign[what])
    if branch == "is gone":
        server.git("update-ref", "-d", BRANCH)
    output = ""
    for act in (rig.store("known").load, rig.store().load, rig.store("known").restore):
        with pytest.raises(StateError, match="holds no state") as told:
            act()
        output = str(told.value)
    clone = Repo(tmp_path / "clone")
    server.git("clone", "--quiet", server.path, clone.path)
    clone.git(*re.findall(r"`git (push [^`]+)`", output)[0].split())
    rig.store("known").restore()
    assert (rig.tip(), rig.witness()) == (good, good)


def test_a_branch_without_a_witness_is_not_said_to_lose_nothing(rig: GitRig) -> None:
    """Whether its last steps were lost is not known; `restore` begins to watch over it again."""
    rig.server.git("update-ref", "-d", WITNESS)
    env = {"ORCH_CACHE_DIR": str(rig.folder / "cache")}

    def state(command: str) -> tuple[int, str]:
        done = orch("state", command, "--repo", rig.server.path, cwd=rig.folder, env=env)
        return done.returncode, (done.stdout + done.stderr).decode()

    code, output = state("verify")
    assert (code, "cannot be detected; `orch-gates state restore` creates it" in output) == (2, True)
    code, output = state("restore")
    assert (code, "the witness ref refs/orch/witness was missing and is back" in output) == (0, True)
    assert rig.witness() == rig.tip()
    assert state("verify")[0] == 0
    assert "nothing is lost" in state("restore")[1]
