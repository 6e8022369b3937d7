"""A range is blamed for what it adds, and for all of that (SEC-1, SEC-3)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from orch_gates.gates.security.newness import Newness, place
from orch_gates.git.changes import CommitChange
from orch_gates.git.objects import Object
from orch_gates.scanners.answer import Hit

SECRET = b"password = s3cr3t"


class Story:
    """Versions of files over commits, oldest first; `old` blobs are from before the range."""

    def __init__(self, **old: bytes) -> None:
        self.blobs = dict(old)
        self.old = set(old)
        self.changes: list[CommitChange] = []
        self.vendored = "vendor/"

    def commit(self, name: str, *changes: tuple[str, str, tuple[str, ...]]) -> None:
        """Files that a commit gives a version: path, blob and the blobs before."""
        self.changes += [CommitChange(name, path, oid, before) for path, oid, before in changes]

    def new(self) -> list[tuple[str, str]]:
        """The commit and path of everything that is new, oldest first."""
        hits = {oid: _hits(oid, data) for oid, data in self.blobs.items() if oid not in self.old and _hits(oid, data)}
        placed = place(self._newest_first(), set(hits), set())
        state = Newness(
            hits, lambda oid: oid not in self.old, lambda _, path: path.startswith(self.vendored), self._read
        )
        return [(p.commit, p.path) for p in placed.placements for _ in state.of(p)]

    def judged(self, hit: Hit) -> list[Hit]:
        """What is new of one hit in the only new version of a file."""
        [placement] = place(self.changes, {hit.oid}, set()).placements
        return Newness({hit.oid: [hit]}, lambda oid: oid == hit.oid, lambda *_: False, self._read).of(placement)

    def _newest_first(self) -> list[CommitChange]:
        commits = list(dict.fromkeys(change.commit for change in self.changes))
        return [change for name in reversed(commits) for change in self.changes if change.commit == name]

    def _read(self, names: Sequence[str]) -> Iterator[Object]:
        for name in names:
            yield Object(name, "blob", self.blobs[name])


def _hits(oid: str, data: bytes) -> list[Hit]:
    return [
        Hit("file", oid, "", "generic-password", number, number, 11, SECRET[11:])
        for number, line in enumerate(data.split(b"\n"), 1)
        if SECRET in line
    ]


def test_an_added_file_is_new() -> None:
    """Where nothing stood before, everything is new."""
    story = Story()
    story.blobs["a"] = SECRET
    story.commit("c1", ("x", "a", ()))
    assert story.new() == [("c1", "x")]


def test_an_old_line_is_nobodys_new_leak() -> None:
    """A change elsewhere in the file does not blame anybody for what the file had."""
    story = Story(old=b"one\n" + SECRET)
    story.blobs["a"] = b"two\n" + SECRET
    story.commit("c1", ("x", "a", ("old",)))
    assert story.new() == []


def test_a_changed_line_is_new() -> None:
    """The value stood there, the line around it is another one."""
    story = Story(old=b"# " + SECRET + b" # sample")
    story.blobs["a"] = SECRET
    story.commit("c1", ("x", "a", ("old",)))
    assert story.new() == [("c1", "x")]


def test_a_leak_is_told_once_at_the_commit_that_brings_it() -> None:
    """Later versions that carry it along are not counted again."""
    story = Story()
    story.blobs |= {"a": SECRET, "b": SECRET + b"\nmore", "c": SECRET + b"\nmore\nand more"}
    story.commit("c1", ("x", "a", ()))
    story.commit("c2", ("x", "b", ("a",)))
    story.commit("c3", ("x", "c", ("b",)))
    assert story.new() == [("c1", "x")]


def test_what_is_taken_out_and_put_in_again_is_new() -> None:
    """A line that the range itself removes stood there no more."""
    story = Story(old=SECRET)
    story.blobs |= {"a": b"nothing", "b": SECRET + b"\n"}
    story.commit("c1", ("x", "a", ("old",)))
    story.commit("c2", ("x", "b", ("a",)))
    assert story.new() == [("c2", "x")]


def test_a_moved_file_brings_nothing_new() -> None:
    """A file that is moved and edited in one commit is compared with what the commit removes."""
    story = Story(old=b"one\n" + SECRET)
    story.blobs["a"] = b"two\n" + SECRET
    story.commit("c1", ("was", "", ("old",)), ("is", "a", ()))
    assert story.new() == []


def test_what_moves_out_of_an_exempt_folder_is_new() -> None:
    """A generic value is no finding in a vendored folder, and one when it leaves it in the next commit."""
    story = Story()
    story.blobs |= {"a": SECRET, "b": SECRET + b"\nedited"}
    story.commit("c1", ("vendor/x", "a", ()))
    story.commit("c2", ("vendor/x", "", ("a",)), ("x", "b", ()))
    assert story.new() == [("c2", "x")]


def test_one_object_at_two_paths_is_judged_at_each() -> None:
    """An exempt path beside another one exempts nothing there."""
    story = Story()
    story.blobs["a"] = SECRET
    story.commit("c1", ("vendor/x", "a", ()), ("x", "a", ()))
    assert story.new() == [("c1", "x")]


def test_a_merge_is_compared_with_all_its_parents() -> None:
    """What any parent has is not the merge's."""
    story = Story(main=SECRET + b"\nmain", side=b"side")
    story.blobs["a"] = SECRET + b"\nmain\nside"
    story.commit("merge", ("x", "a", ("side", "main")))
    assert story.new() == []


def test_a_new_name_above_an_old_value_is_new() -> None:
    """Where the value stands alone on its line, the line above is part of it."""
    story = Story(old=b'comment:\n  "s3cr3t"')
    story.blobs["a"] = b'password:\n  "s3cr3t"'
    story.commit("c1", ("x", "a", ("old",)))
    hit = Hit("file", "a", "", "generic-password", 2, 2, 3, b"s3cr3t")
    assert story.judged(hit) == [hit]


def test_a_key_put_together_of_old_lines_is_new() -> None:
    """Lines that were all there, in another order, are not what stood there."""
    story = Story(old=b"two\nbegin\nend\none")
    story.blobs["a"] = b"begin\none\ntwo\nend"
    story.commit("c1", ("x", "a", ("old",)))
    hit = Hit("file", "a", "", "private-key", 1, 4, 0, story.blobs["a"])
    assert story.judged(hit) == [hit]


def test_names_are_told_with_the_commit_that_adds_below_them() -> None:
    """The oldest commit that puts a file below a folder is the one that brings the folder's name."""
    changes = [
        CommitChange("c2", "a/token/y", "2", ()),
        CommitChange("c1", "a/token/x", "1", ()),
        CommitChange("c1", "b", "3", ("4",)),
    ]
    assert place(changes, set(), {"a/token", "b"}).names == {"a/token": "c1"}


def test_a_file_is_compared_with_the_likeliest_of_very_many_removed_ones() -> None:
    """A commit that moves thousands of files does not compare each with each."""
    removed = [CommitChange("c1", f"old/{number}.txt", "", (f"o{number}",)) for number in range(5_000)]
    placed = place([*removed, CommitChange("c1", "new/4321.txt", "n", ())], {"n"}, set())
    [placement] = placed.placements
    assert placement.sources[0] == ("o4321", "old/4321.txt")
    assert len(placement.sources) <= 100


def test_a_key_store_is_new_whenever_it_changes() -> None:
    """Two of them begin alike, and are two secrets."""
    story = Story(old=b"0\202\011\nfirst")
    story.blobs["a"] = b"0\202\011\nsecond"
    story.commit("c1", ("key.p12", "a", ("old",)))
    hit = Hit("key store", "a", "key.p12", "pkcs12-file", 1, 1, 0, b"a")
    assert story.judged(hit) == [hit]


def test_lines_that_are_all_alike_are_compared_in_one_go() -> None:
    """Many leaks below the same line, in a file that had that line very often: comparing each with each takes hours."""
    lines = [line for number in range(5_000) for line in (b"x", SECRET + b"%d" % number)]
    story = Story(old=b"x\n" * 500_000)
    story.blobs["a"] = b"\n".join(lines)
    story.commit("c1", ("x", "a", ("old",)))
    assert len(story.new()) == 5_000
