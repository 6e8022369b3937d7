"""What a commit that is about to be made would add: the index compared with HEAD and what is being merged."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from orch_gates.documents import escape
from orch_gates.errors import UsageError
from orch_gates.gates.security.scan import ScanSubject
from orch_gates.git import objects
from orch_gates.git.changes import GITLINK, CommitChange, parse_raw
from orch_gates.git.cli import Git
from orch_gates.git.feed import Listed
from orch_gates.scanners.engine import Text

_EMPTY_TREE = {
    "sha1": "4b825dc642cb6eb9a060e54bf8d69288fbee4904",
    "sha256": "6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321",
}


@dataclass(frozen=True, slots=True)
class NothingStaged:
    """There is nothing to judge: why, and whether that is because a merge is in progress."""

    why: str
    merging: bool = False


def staged(git: Git, named: Collection[str] = ()) -> ScanSubject | NothingStaged:
    """The staged files and their names, or why there are none.

    In the middle of a merge what is staged is compared with both sides, so that nobody is blamed for what the other
    branch has already. Where files are `named` that are not staged (`pre-commit run --all-files`), all that are named
    are judged whole, as they are in the index; not in a merge, where pre-commit names what there were conflicts in.

    Raises:
        GitError: the index cannot be read.
        UsageError: a named file is not in it.
    """
    merged = _merged(git)
    heads = (git.resolve("HEAD"), *merged) if git.has("HEAD") else ()
    base = heads or (_EMPTY_TREE[git.object_format()],)
    against = [{change.path: change for change in _changed(git, head)} for head in base]
    # What one side has just so is that side's.
    both = [path for path in against[0] if all(path in one for one in against)]
    found = [_together([one[path] for one in against]) for path in sorted(both)]
    whole = frozenset(named) if not merged and frozenset(named).difference(both) else frozenset()
    found = [*_whole(git, whole), *(change for change in found if change.path not in whole)]
    added = [change for change in found if change.oid]
    if not found:
        return _nothing(merging=bool(merged), named=bool(named))
    listed = Listed()

    def lines() -> Iterator[bytes]:
        for oid, path in {change.oid: change.path for change in added}.items():
            listed.add(oid.encode("ascii"))
            # A path with a line break cannot be told in a line; the changes below have it whole.
            name = "" if "\n" in path else f" {path}"
            yield f"{oid}{name}\n".encode("utf-8", "surrogateescape")

    names = _new_names(git, () if whole else base, [change.path for change in added if not change.before])
    return ScanSubject(listed, lines, lambda: found, lambda: heads, names)


def _nothing(*, merging: bool, named: bool) -> NothingStaged:
    if merging:
        not_named = ", and single files are not judged during a merge" if named else ""
        return NothingStaged(f"the merge in progress adds no content of its own{not_named}", merging=True)
    return NothingStaged(f"nothing is staged, and {'only submodules were' if named else 'no file was'} given")


def _whole(git: Git, named: frozenset[str]) -> list[CommitChange]:
    """Named files as they are in the index, with nothing before them."""
    if not named:
        return []
    listed = git.read("ls-files", "--stage", "-z").decode("utf-8", "surrogateescape").split("\0")
    there = {path: about.split(" ") for about, _, path in (row.partition("\t") for row in listed if row)}
    if absent := sorted(named - there.keys()):
        raise UsageError(f"{escape.visible(absent[0])} is not in the index, which is what is judged; git add it first")
    return [CommitChange("", path, there[path][1], ()) for path in sorted(named) if there[path][0] != GITLINK]


def _merged(git: Git) -> list[str]:
    """The commits that are being merged, from git's own file: a ref of that name could be anybody's."""
    file = git.directory / git.text("rev-parse", "--git-path", "MERGE_HEAD")
    try:
        listed = file.read_text("ascii").split()
    except (OSError, ValueError):
        return []
    return [oid for oid in listed if git.has(oid)]


def _new_names(git: Git, base: Sequence[str], paths: Sequence[str]) -> tuple[Text, ...]:
    """Of each new path what follows the folders that were there."""
    folders = sorted({above for path in paths for above in _above(path) if "\n" not in above})
    names = [f"{head}:{folder}" for head in base for folder in folders]
    known = {name.partition(":")[2] for name, there in zip(names, objects.exist(git, names), strict=True) if there}
    texts = []
    for path in paths:
        there = next((folder for folder in _above(path) if folder in known), "")
        texts.append(("name of a file", path, path.removeprefix(f"{there}/")))
    return tuple(texts)


def _above(path: str) -> Iterator[str]:
    """The folders above a path, the nearest first."""
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path


def _changed(git: Git, head: str) -> Iterator[CommitChange]:
    raw = git.read("diff-index", "--cached", "--raw", "-z", "--no-abbrev", "--no-renames", head)
    return parse_raw(iter(raw.split(b"\0")), commit=" ")


def _together(changes: list[CommitChange]) -> CommitChange:
    first = changes[0]
    before = tuple(oid for change in changes for oid in change.before)
    return CommitChange("", first.path, first.oid, before)
