"""Reading history with the real git: which objects are new, and where each one stands (SEC-2, SEC-3)."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path
from unittest.mock import ANY

import pytest

from orch_gates.errors import BudgetExceeded, GitError, ShallowRepository, UnknownRevision
from orch_gates.git import feed, objects
from orch_gates.git.changes import CommitChange, changes
from orch_gates.git.cli import Git, open_repository
from orch_gates.git.feed import Listed

MOST = 10_000


class Repository:
    """A repository to commit into, and our reader on it."""

    def __init__(self, path: Path, object_format: str = "sha1") -> None:
        self.path = path
        path.mkdir(parents=True, exist_ok=True)
        self.git("init", "--quiet", "-b", "main", f"--object-format={object_format}")
        self.reader = open_repository(path, os.environ, timeout=60)

    def git(self, *args: str) -> str:
        done = subprocess.run(["git", "-C", str(self.path), *args], check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def commit(self, message: str = "A commit", **files: str | None) -> str:
        for name, content in files.items():
            path = self.path / name
            if content is None:
                path.unlink()
            else:
                path.write_text(content)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD")

    def blob(self, revision: str, path: str) -> str:
        return self.git("rev-parse", f"{revision}:{path}")

    def files(self, *commits: str) -> dict[str, CommitChange]:
        """What commits change, by path; the last one wins."""
        return {change.path: change for change in changes(self.reader, commits)}

    def listed(self, tips: list[str], excluded: list[str], most: int = MOST) -> Listed:
        """What a range adds, as it is listed for the scan."""
        listed = Listed()
        for _ in feed.reachable(self.reader, tips, excluded, listed, most=most):
            pass
        return listed

    def streamed(self, lines: list[bytes]) -> bytes:
        """What git writes for the objects of some lines."""
        with tempfile.TemporaryFile() as file:
            feed.stream(self.reader, lines, file.fileno())
            file.seek(0)
            return file.read()


@pytest.fixture(params=["sha1", "sha256"])
def repository(request: pytest.FixtureRequest, tmp_path: Path) -> Repository:
    return Repository(tmp_path / "repository", request.param)


def test_new_objects_are_all_and_only_what_the_range_adds(repository: Repository) -> None:
    """Commits, newest first, with their trees and blobs, and none of what was there."""
    base = repository.commit(old="old\n")
    first = repository.commit(new="first\n")
    second = repository.commit(new="second\n")
    listed = repository.listed([second], [base])
    assert listed.commits == [second, first]
    wanted = {first, second, repository.blob(first, "new"), repository.blob(second, "new")}
    wanted |= {repository.git("rev-parse", f"{commit}^{{tree}}") for commit in (first, second)}
    assert listed.ids == {oid.encode() for oid in wanted}


def test_nothing_new_is_nothing(repository: Repository) -> None:
    """What the target has already is not judged again."""
    base = repository.commit(old="old\n")
    assert repository.listed([base], [base]) == Listed(_digest=ANY)
    assert repository.listed([base], ["--all"]).commits == []


def test_an_added_and_removed_file_is_new(repository: Repository) -> None:
    """What only a commit in the middle has is read too (SEC-3)."""
    base = repository.commit(old="old\n")
    middle = repository.commit(gone="for a moment\n")
    tip = repository.commit(gone=None)
    listed = repository.listed([tip], [base])
    assert repository.blob(middle, "gone").encode() in listed.ids
    assert repository.files(middle)["gone"].commit == middle


def test_a_tag_is_an_object_too(repository: Repository) -> None:
    """An annotated tag brings its message, and is no commit."""
    commit = repository.commit(a="a\n")
    repository.git("tag", "-a", "v1", "-m", "A tag")
    tag = repository.git("rev-parse", "v1")
    listed = repository.listed([tag], [commit])
    assert (listed.commits, listed.ids) == ([], {tag.encode()})


def test_too_many_objects_are_refused(repository: Repository) -> None:
    """Over the budget there is a refusal that names the setting, not a part of the objects (SEC-9)."""
    tip = repository.commit(a="a\n", b="b\n")
    assert len(repository.listed([tip], [], most=4).ids) == 4
    with pytest.raises(BudgetExceeded, match="ORCH_SECURITY_MAX_OBJECTS"):
        repository.listed([tip], [], most=3)


def test_the_commits_before_a_range_are_told(repository: Repository) -> None:
    """Those that the range is made upon, and none where it begins with nothing."""
    base = repository.commit(a="a\n")
    tip = repository.commit(a="b\n")
    assert feed.boundary(repository.reader, [tip], [base]) == [base]
    assert feed.boundary(repository.reader, [tip], []) == []


def test_a_root_commit_is_read(repository: Repository) -> None:
    """The first commit has no parent and is read like any other."""
    root = repository.commit(a="a\n")
    assert repository.files(root) == {"a": CommitChange(root, "a", repository.blob(root, "a"), ())}


def test_a_change_knows_what_was_there(repository: Repository) -> None:
    """The earlier version of a file is the one to compare with."""
    base = repository.commit(a="one\n", b="same\n")
    tip = repository.commit(a="two\n")
    before = (repository.blob(base, "a"),)
    assert repository.files(tip) == {"a": CommitChange(tip, "a", repository.blob(tip, "a"), before)}


def test_a_move_is_an_addition_and_a_removal(repository: Repository) -> None:
    """No limit on how many files are compared can make a commit unreadable."""
    base = repository.commit(old="a line\n" * 50)
    tip = repository.commit(old=None, new="a line\n" * 51)
    assert repository.files(tip) == {
        "new": CommitChange(tip, "new", repository.blob(tip, "new"), ()),
        "old": CommitChange(tip, "old", "", (repository.blob(base, "old"),)),
    }


def branches(repository: Repository, count: int) -> list[str]:
    """Branches off main that each change a file of their own and one in common."""
    repository.commit(shared="start\n")
    tips = []
    for number in range(count):
        repository.git("checkout", "--quiet", "-b", f"side{number}", "main")
        tips.append(repository.commit(**{f"file{number}": f"{number}\n"}))
    repository.git("checkout", "--quiet", "main")
    return tips


def test_an_honest_merge_adds_no_file(repository: Repository) -> None:
    """What a merge takes over from one parent is that parent's."""
    branches(repository, 2)
    repository.git("merge", "--quiet", "--no-ff", "-m", "merge", "side0")
    repository.git("merge", "--quiet", "--no-ff", "-m", "merge", "side1")
    assert repository.files(repository.git("rev-parse", "HEAD")) == {}


@pytest.mark.parametrize("count", [1, 4])
def test_content_that_only_a_merge_has_is_placed(repository: Repository, count: int) -> None:
    """An evil merge, and an evil octopus: their own content is found, against all parents (SEC-3)."""
    tips = branches(repository, count)
    main = repository.commit(shared="main\n")
    repository.git("merge", "--quiet", "--no-ff", "--no-commit", *(f"side{number}" for number in range(count)))
    merge = repository.commit("merge", evil="only here\n", shared="changed by the merge\n")
    assert repository.git("rev-list", "--parents", "-n1", merge).split()[1:] == [main, *tips]
    found = repository.files(merge)
    assert set(found) == {"evil", "shared"}
    assert found["evil"].before == ()
    start = repository.blob(tips[0], "shared")
    assert found["shared"].before == (repository.blob(main, "shared"), *[start] * count)


def test_odd_names_come_through(repository: Repository) -> None:
    """Blanks, line breaks, quotes and letters of any script in a path change nothing."""
    names = {"a b": "1\n", "line\nbreak": "2\n", 'quo"te': "3\n", "ünï": "4\n", "-dash": "5\n"}
    tip = repository.commit(**names)
    assert set(repository.files(tip)) == set(names)


def test_objects_are_read_whole_and_in_order(repository: Repository) -> None:
    """More objects than one request holds, empty ones and trees of commits too, byte for byte."""
    contents = {f"file{number}": "x" * number for number in range(700)}
    tip = repository.commit(**contents)
    listed = repository.git("ls-tree", "-r", tip).splitlines()
    by_name = {line.split("\t")[1]: line.split()[2] for line in listed}
    oids = [by_name[name] for name in contents]
    with objects.reader(repository.reader, most_bytes=10_000) as reader:
        read = list(reader.read([*oids, f"{tip}^{{tree}}"]))
    assert [item.data.decode() for item in read[:-1]] == list(contents.values())
    assert read[-1].data == b""


def test_objects_are_streamed_with_their_paths(repository: Repository) -> None:
    """Id, kind, size and path on a line, and the bytes after it, whatever the path holds."""
    tip = repository.commit(**{"a b": "one\n", "c\rd": ""})
    first, second = repository.blob(tip, "a b"), repository.blob(tip, "c\rd")
    streamed = repository.streamed([f"{first} a b\n".encode(), f"{second} c\rd\n".encode()])
    assert streamed == f"{first} blob 4 a b\none\n\n{second} blob 0 c\rd\n\n".encode()


def test_a_missing_object_is_an_error(repository: Repository) -> None:
    """Broken history is never read as shorter history."""
    base = repository.commit(a="first\n")
    tip = repository.commit(a="second\n")
    blob = repository.blob(tip, "a")
    tree = repository.git("rev-parse", f"{tip}^{{tree}}")
    (repository.path / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    assert b" missing\n" in repository.streamed([f"{blob} a\n".encode()])
    with objects.reader(repository.reader, most_bytes=100) as reader, pytest.raises(GitError):
        list(reader.read([blob]))
    (repository.path / ".git" / "objects" / tree[:2] / tree[2:]).unlink()
    with pytest.raises(GitError):
        repository.listed([tip], [base])


def test_whether_a_path_exists_is_told(repository: Repository) -> None:
    """For each name that is asked, in order."""
    tip = repository.commit(a="a\n")
    assert objects.exist(repository.reader, [f"{tip}:a", f"{tip}:b", f"{'1' * 40}:a"]) == [True, False, False]


def test_a_replaced_object_is_read_as_it_is(repository: Repository) -> None:
    """refs/replace cannot hide a commit's content."""
    tip = repository.commit(a="the real one\n")
    blob = repository.blob(tip, "a")
    other = repository.commit(a="a harmless one\n")
    repository.git("replace", blob, repository.blob(other, "a"))
    with objects.reader(repository.reader, most_bytes=100) as reader:
        [read] = reader.read([blob])
    assert read.data == b"the real one\n"


def test_a_branch_named_like_an_object_changes_no_answer(repository: Repository) -> None:
    """Whoever may push can choose that name; git's warning about it is no failure, and it names no object."""
    tip = repository.commit(a="one\n")
    other = repository.commit(a="two\n")
    repository.git("update-ref", f"refs/heads/{tip}", other)
    repository.git("update-ref", f"refs/tags/{tip}", other)
    assert repository.reader.resolve(tip) == tip
    assert repository.reader.blob(tip, "a") == b"one\n"
    assert repository.files(tip)["a"].oid == repository.blob(tip, "a")


@pytest.mark.parametrize(
    ("name", "value"),
    [("color.ui", "always"), ("diff.orderFile", "/nowhere"), ("diff.noprefix", "true"), ("diff.renames", "false")],
)
def test_local_configuration_does_not_change_what_is_read(repository: Repository, name: str, value: str) -> None:
    """A repository's own configuration gives the same answer, or an error; never less (OWN-2)."""
    repository.commit(a="one\n")
    tip = repository.commit(a="two\n", b="new\n")
    wanted = repository.files(tip)
    repository.git("config", name, value)
    try:
        found = repository.files(tip)
    except GitError:
        return
    assert found == wanted


def test_a_shallow_clone_is_refused(repository: Repository, tmp_path: Path) -> None:
    """Cut-off history proves nothing (SEC-2)."""
    repository.commit(a="one\n")
    repository.commit(a="two\n")
    clone = tmp_path / "clone"
    repository.git("clone", "--quiet", "--depth=1", f"file://{repository.path}", str(clone))
    repository.reader.refuse_shallow()
    with pytest.raises(ShallowRepository):
        open_repository(clone, os.environ, timeout=60).refuse_shallow()


@pytest.mark.parametrize("revision", ["", "--all", "-x", "nothing", "a\0b", "HEAD^{tree}", "0" * 40])
def test_only_revisions_of_commits_resolve(repository: Repository, revision: str) -> None:
    """An option, an unknown name or another kind of object is no end of a range."""
    tip = repository.commit(a="one\n")
    assert repository.reader.resolve("HEAD") == tip
    with pytest.raises(UnknownRevision):
        repository.reader.resolve(revision)


def test_a_folder_that_is_no_repository_is_refused(tmp_path: Path) -> None:
    """A typing error in a path is never an empty history."""
    with pytest.raises(GitError):
        open_repository(tmp_path, os.environ, timeout=60)


def test_a_complaint_of_git_is_an_error(repository: Repository) -> None:
    """A warning on stderr beside exit code 0 is not believed (scanners.md §0)."""
    repository.commit(a="one\n")
    loud = Git(repository.path, {**repository.reader.env, "GIT_TRACE": "1"}, 60)
    with pytest.raises(GitError):
        loud.read("rev-parse", "HEAD")


def test_a_tag_does_not_stand_in_for_a_branch(repository: Repository) -> None:
    """Whoever may push a tag `origin/main` could make every range empty; the branch that was fetched comes first."""
    base = repository.commit(a="one\n")
    tip = repository.commit(a="two\n")
    repository.git("update-ref", "refs/remotes/origin/main", base)
    repository.git("update-ref", "refs/tags/origin/main", tip)
    repository.git("update-ref", "refs/tags/main", base)
    reader = repository.reader
    assert reader.resolve(reader.unambiguous("origin/main")) == base
    assert reader.resolve(reader.unambiguous("main")) == tip
    assert reader.resolve(reader.unambiguous("main~1")) == base
    assert [reader.unambiguous(name) for name in ("HEAD~1", tip, "refs/tags/main")] == ["HEAD~1", tip, "refs/tags/main"]


def test_a_branch_named_like_the_beginning_of_an_id_is_ambiguous(repository: Repository) -> None:
    """Which of the two was meant cannot be told."""
    base = repository.commit(a="one\n")
    tip = repository.commit(a="two\n")
    repository.git("update-ref", f"refs/heads/{base[:8]}", tip)
    with pytest.raises(UnknownRevision, match="whole id"):
        repository.reader.unambiguous(base[:8])
    assert repository.reader.unambiguous(tip[:8]) == tip[:8]


def test_refs_that_are_looked_up_together_are_as_if_asked_for_alone(repository: Repository) -> None:
    """A branch, a tag that is no commit, none at all, and symbolic refs, one to a branch that is gone."""
    tip = repository.commit(a="one\n")
    repository.git("tag", "--annotate", "--message", "v1", "v1")
    repository.git("update-ref", "refs/remotes/origin/main", tip)
    repository.git("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/main")
    repository.git("symbolic-ref", "refs/remotes/gone/HEAD", "refs/remotes/gone/main")
    symbolic = ("refs/remotes/origin/HEAD", "refs/remotes/gone/HEAD")
    refs = (*symbolic, "refs/heads/main", "refs/tags/v1", "refs/heads/none")

    def answers(reader: Git) -> list[str]:
        found = []
        for ref in refs:
            for kind in ("object", "commit"):
                try:
                    found.append(reader.resolve(ref, kind))
                except UnknownRevision as error:
                    found.append(str(error))
        return [*found, *(reader.leads_to(ref) for ref in symbolic)]

    together, alone = (open_repository(repository.path, os.environ, timeout=60) for _ in range(2))
    together.look_up(*refs)
    assert answers(together) == answers(alone)
    assert answers(alone)[-2:] == ["refs/remotes/origin/main", "refs/remotes/gone/main"]
