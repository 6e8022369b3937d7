"""`orch-gates prove` on real histories: as the server has them now, whatever this clone knows (MRG-9)."""

from __future__ import annotations

import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from orch_gates.errors import GitError
from orch_gates.git.cli import open_repository
from orch_gates.git.remote import Remote
from orch_gates.merge import landed
from tests.builders import Done, Repo, answered, bare, clone, orch


@dataclass(frozen=True, slots=True)
class Scene:
    """A server, somebody's clone, and a branch `task` with one commit beyond `base`."""

    server: Repo
    work: Repo
    base: str
    head: str

    def prove(self, *args: str, repo: Repo | None = None) -> tuple[int, dict[str, Any]]:
        done = self.run(*args, "--json", repo=repo)
        return done.returncode, answered(done)

    def run(self, *args: str, repo: Repo | None = None) -> Done:
        return orch("prove", *args, cwd=(repo or self.work).path)

    def merge(self, *args: str) -> str:
        """Merge `task` into main by hand and push that."""
        self.work.git("switch", "--quiet", "main")
        self.work.git("merge", "--quiet", *args, "task")
        return self.pushed()

    def pushed(self) -> str:
        self.work.git("push", "--quiet", "origin", "main")
        return self.work.git("rev-parse", "main")


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    server = bare(tmp_path / "server.git")
    work = clone(server, tmp_path / "work")
    base = work.commit("first", {"README.md": "# A project\n", "a.txt": "one\n"})
    work.git("push", "--quiet", "origin", "HEAD:main")
    work.git("switch", "--quiet", "-c", "task")
    head = work.commit("work", {"task.txt": "done\n"})
    work.git("push", "--quiet", "origin", "task")
    return Scene(server, work, base, head)


def test_a_merge_is_proven_with_its_content(scene: Scene) -> None:
    landed = scene.merge("--no-ff", "--message", "Land it")
    code, output = scene.prove(scene.head, "--on", "main", "--base", scene.base)
    assert (code, output["landed"], output["rung"], output["merge"]) == (0, "landed", "tree identity", landed)
    done = scene.run("task", "--on", "main")
    assert done.stdout.decode().startswith(f"landed: main at {landed[:10]} has {scene.head[:10]} by the merge")


def test_a_fast_forward_and_what_came_after_are_proven(scene: Scene) -> None:
    scene.merge("--ff-only")
    scene.work.commit("more", {"more.txt": "x\n"})
    scene.pushed()
    code, output = scene.prove(scene.head)
    assert (code, output["rung"], output["merge"]) == (0, "ancestry", None)


def test_an_older_merge_is_found_among_many(scene: Scene) -> None:
    landed = scene.merge("--no-ff", "--message", "Land it")
    for number in range(5):
        scene.work.commit(f"later {number}", {f"{number}.txt": "x\n"})
    scene.pushed()
    assert scene.prove(scene.head)[1]["merge"] == landed


def test_what_the_clone_does_not_know_yet_is_fetched(scene: Scene, tmp_path: Path) -> None:
    """Landed by somebody else after the last fetch; nothing is written into this clone."""
    stale = clone(scene.server, tmp_path / "stale")
    before = stale.git("for-each-ref")
    assert scene.prove(scene.head, "--on", "main", repo=stale)[0] == 1
    scene.merge("--no-ff", "--message", "Land it")
    assert scene.prove(scene.head, "--on", "main", repo=stale)[0] == 0
    assert stale.git("for-each-ref") == before


def test_what_is_not_there_is_not_landed(scene: Scene) -> None:
    code, output = scene.prove("task", "--on", "main")
    assert (code, output["landed"], output["rung"]) == (1, "not landed", "ancestry")


@pytest.mark.parametrize("how", ["squash", "rebase"])
def test_another_commit_with_the_same_content_is_named(scene: Scene, how: str) -> None:
    """A squash or a rebase: what was validated is not in the history, so nothing proves that it landed."""
    scene.work.git("switch", "--quiet", "main")
    scene.work.commit("meanwhile", {"b.txt": "two\n"})
    if how == "squash":
        scene.work.git("merge", "--quiet", "--squash", "task")
        scene.work.git("commit", "--quiet", "--message", "Land it")
    else:
        scene.work.git("cherry-pick", "task")
    landed = scene.pushed()
    code, output = scene.prove(scene.head, "--on", "main")
    assert code == 1
    assert f"its content is there as {landed[:10]}" in output["reason"]


def test_a_merge_that_drops_the_content_is_seen(scene: Scene) -> None:
    """It has the commit as a parent, so ancestry alone would say yes; the command in the message shows what is gone."""
    scene.merge("--no-ff", "--strategy=ours", "--message", "Land it")
    code, output = scene.prove(scene.head, "--on", "main")
    assert (code, output["landed"], output["rung"]) == (2, "unknown", "tree identity")
    command = output["reason"].split("`")[3]
    assert "task.txt" in scene.work.git(*command.split()[1:])


def test_a_conflict_that_a_person_resolved_is_no_doubt(scene: Scene) -> None:
    scene.work.git("switch", "--quiet", "main")
    scene.work.commit("other", {"task.txt": "other\n"})
    scene.work.attempt("merge", "--no-ff", "--message", "Land it", "task")
    scene.work.commit("Land it", {"task.txt": "both\n"})
    scene.pushed()
    code, output = scene.prove(scene.head, "--on", "main")
    assert (code, output["rung"]) == (0, "ancestry")
    assert "merged it by hand" in output["reason"]


def test_a_rebase_that_emptied_the_branch_landed_nothing(scene: Scene) -> None:
    """The head is main's own tip: ancestry holds, and no commit of the branch is there."""
    code, output = scene.prove(scene.base, "--on", "main", "--base", scene.base)
    assert (code, output["rung"]) == (1, "not empty")
    scene.work.git("switch", "--quiet", "main")
    scene.work.git("commit", "--quiet", "--allow-empty", "--message", "nothing")
    empty = scene.pushed()
    code, output = scene.prove(empty, "--on", "main", "--base", scene.base)
    assert (code, output["rung"]) == (1, "not empty")


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("shallow", "this clone is shallow"),
        ("an unknown commit", "names no commit"),
        ("no such branch", "branch nowhere does not exist on the server"),
        ("no server", "could not be fetched"),
        ("nothing", "is not the name of a commit, branch or tag"),
    ],
)
def test_what_cannot_be_told_is_neither(scene: Scene, tmp_path: Path, what: str, words: str) -> None:
    """128 of git, a cut off history, a server that is away: exit 2, never `not landed` (P2)."""
    scene.merge("--no-ff", "--message", "Land it")
    args, repo = [scene.head, "--on", "main"], scene.work
    match what:
        case "shallow":
            repo = Repo(tmp_path / "shallow")
            scene.work.git("clone", "--quiet", "--depth=1", f"file://{scene.server.path}", repo.path)
        case "an unknown commit":
            args[0] = "1" * 40
        case "no such branch":
            args[2] = "nowhere"
        case "no server":
            scene.server.path.rename(tmp_path / "gone.git")
        case _:
            args[0] = ""
    code, output = scene.prove(*args, repo=repo)
    assert code == 2
    assert words in output["reason"]


def test_the_server_itself_needs_no_clone(scene: Scene) -> None:
    landed = scene.merge("--no-ff", "--message", "Land it")
    code, output = scene.prove(scene.head, "--on", "main", repo=scene.server)
    assert (code, output["merge"]) == (0, landed)


def test_of_a_stack_every_commit_is_proven_by_its_merge(scene: Scene) -> None:
    """One below the head of a branch came in with it."""
    scene.work.commit("more", {"more.txt": "x\n"})
    landed = scene.merge("--no-ff", "--message", "Land it")
    code, output = scene.prove(scene.head, "--on", "main")
    assert (code, output["rung"], output["merge"]) == (0, "tree identity", landed)


def lose(scene: Scene, how: str) -> None:
    """Bring the task into main in name only."""
    work = scene.work
    match how:
        case "below the head":
            work.commit("more", {"more.txt": "x\n"})
            scene.merge("--no-ff", "--strategy=ours", "--message", "Land it")
        case "several at once":
            work.git("switch", "--quiet", "-c", "other", "main")
            work.commit("other", {"other.txt": "x\n"})
            work.git("switch", "--quiet", "main")
            tree = work.git("rev-parse", "main^{tree}")
            parents = ["-p", "main", "-p", "task", "-p", "other"]
            work.git("reset", "--quiet", "--hard", work.git("commit-tree", "-m", "Land both", *parents, tree))
        case "a conflict":
            work.git("switch", "--quiet", "main")
            work.commit("other", {"task.txt": "other\n"})
            work.git("merge", "--quiet", "--no-ff", "--strategy=ours", "--message", "Land it", "task")
        case "the other way round":
            work.git("switch", "--quiet", "main")
            work.commit("other", {"other.txt": "x\n"})
            parents = ["-p", "task", "-p", "main"]
            work.git("reset", "--quiet", "--hard", work.git("commit-tree", "-m", "Land", *parents, "main^{tree}"))
        case _:
            work.git("switch", "--quiet", "-c", "outer", "main")
            work.git("merge", "--quiet", "--no-ff", "--strategy=ours", "--message", "inner", "task")
            work.commit("outer", {"outer.txt": "x\n"})
            work.git("switch", "--quiet", "main")
            work.git("merge", "--quiet", "--no-ff", "--message", "outer", "outer")
    scene.pushed()


LOST = ["below the head", "several at once", "a conflict", "the other way round", "a merge in a merge"]


@pytest.mark.parametrize("how", LOST)
def test_content_that_is_lost_on_the_way_is_seen(scene: Scene, how: str) -> None:
    """Wherever the merge that drops it stands, the file is not there, and the answer is no yes (MRG-9)."""
    lose(scene, how)
    assert scene.work.attempt("cat-file", "-e", "main:task.txt").returncode or how == "a conflict"
    code, output = scene.prove(scene.head, "--on", "main")
    assert (code, output["landed"], output["rung"]) == (2, "unknown", "tree identity")


def test_an_honest_merge_of_several_is_landed(scene: Scene) -> None:
    scene.work.git("switch", "--quiet", "-c", "other", "main")
    scene.work.commit("other", {"other.txt": "x\n"})
    scene.work.git("switch", "--quiet", "main")
    scene.work.commit("meanwhile", {"m.txt": "x\n"})
    landed = scene.merge("--no-ff", "--message", "Land both", "other")
    code, output = scene.prove(scene.head, "--on", "main")
    assert (code, output["rung"], output["merge"]) == (0, "ancestry", landed)


def test_bookkeeping_after_it_takes_nothing_away(scene: Scene) -> None:
    """A merge on top that keeps all of main has lost nothing of it."""
    scene.work.git("switch", "--quiet", "--create", "old", scene.base)
    scene.work.commit("old", {"old.txt": "x\n"})
    scene.merge("--ff-only")
    scene.work.git("merge", "--quiet", "--strategy=ours", "--message", "Keep", "old")
    scene.pushed()
    assert scene.prove(scene.head, "--on", "main")[0] == 0


@pytest.mark.parametrize("name", ["target", "target~0", "heads/target", "HEAD~9", "1234567"])
def test_only_names_of_this_clone_count(scene: Scene, name: str) -> None:
    """And full ids; whatever the comparison is made with has no names for anybody."""
    scene.merge("--no-ff", "--message", "Land it")
    for args in ([name, "--on", "main"], [scene.head, "--on", "main", "--base", name]):
        code, output = scene.prove(*args)
        assert code == 2
        assert "names no commit" in output["reason"]


def test_a_name_that_may_be_two_things_is_none(scene: Scene) -> None:
    """A branch that is called like the short id of what has landed."""
    landed = scene.merge("--no-ff", "--message", "Land it")
    scene.work.git("switch", "--quiet", "--create", landed[:6])
    scene.work.commit("not landed", {"x.txt": "x\n"})
    assert scene.prove(landed[:6], "--on", "main")[0] == 2


@pytest.mark.parametrize("how", ["pushurl", "mirror"])
def test_the_server_is_where_the_clone_fetches(scene: Scene, tmp_path: Path, how: str) -> None:
    """A fork that one pushes to has a main of its own, and a mirror may be behind."""
    scene.merge("--no-ff", "--message", "Land it")
    fork = Repo(tmp_path / "fork.git")
    scene.server.git("clone", "--quiet", "--mirror", scene.server.path, fork.path)
    scene.server.git("update-ref", "refs/heads/main", scene.base)
    if how == "pushurl":
        scene.work.git("config", "remote.origin.pushurl", str(fork.path))
    code, output = scene.prove(scene.head, "--on", "main", repo=scene.work if how == "pushurl" else fork)
    assert (code, output["landed"]) == (1, "not landed")


@pytest.mark.parametrize("what", ["nothing", "what the base has"])
def test_what_changes_nothing_at_the_base_landed_nothing(scene: Scene, what: str) -> None:
    """The branch is behind the base, so their trees differ all the same."""
    work = scene.work
    work.git("switch", "--quiet", "main")
    work.commit("ahead", {"a.txt": "two\n"})
    base = scene.pushed()
    work.git("switch", "--quiet", "--create", "empty", scene.base)
    head = work.commit("empty", {} if what == "nothing" else {"a.txt": "two\n"})
    work.git("switch", "--quiet", "main")
    work.git("merge", "--quiet", "--no-ff", "--message", "Land", "empty")
    scene.pushed()
    code, output = scene.prove(head, "--on", "main", "--base", base)
    assert (code, output["rung"]) == (1, "not empty")


def test_without_room_to_compare_in_nothing_is_told(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that is full or read-only is no bug, and no answer."""
    env = os.environ
    git, remote = open_repository(scene.work.path, env, timeout=20), Remote.at(str(scene.server.path), env)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    with pytest.raises(GitError, match="nowhere"):
        landed.facts(git, remote, "main", scene.head, "", timeout=20)


def test_a_broken_object_is_told_at_once(scene: Scene) -> None:
    """git does not ask for it again and again."""
    tree = scene.work.git("rev-parse", "task^{tree}")
    path = scene.work.path / ".git" / "objects" / tree[:2] / tree[2:]
    path.chmod(0o644)
    path.write_bytes(b"x")
    started = time.monotonic()
    assert scene.run(scene.head, "--on", "main", "--base", scene.base).returncode == 2
    assert time.monotonic() - started < 30
