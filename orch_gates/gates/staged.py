"""What a commit that is about to be made would add: the index compared with HEAD."""

from __future__ import annotations

from orch_gates.content.fragments import Fragment, Origin
from orch_gates.gates.secret_scan import Subject
from orch_gates.git import objects
from orch_gates.git.cli import Git
from orch_gates.git.placement import parse_raw

_EMPTY_TREE = {
    "sha1": "4b825dc642cb6eb9a060e54bf8d69288fbee4904",
    "sha256": "6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321",
}


def staged(git: Git) -> Subject | None:
    """The staged files and their names, or None where nothing is staged.

    Raises:
        GitError: the index cannot be read.
    """
    format_name = git.text("rev-parse", "--show-object-format")
    base = "HEAD" if git.has("HEAD") else _EMPTY_TREE[format_name]
    raw = git.read("diff-index", "--cached", "--raw", "-z", "--no-abbrev", "-M", base)
    if not raw:
        return None
    placed = tuple(parse_raw(b"\0".join((b"index", raw))))
    headers = objects.headers(git, [item.oid for item in placed])
    names = "\n".join(sorted({item.path for item in placed})).encode("utf-8", "surrogateescape")
    return Subject(
        new=objects.NewObjects((), headers),
        placed=tuple(item.uncommitted() for item in placed),
        commits_expected=0,
        extra=(Fragment(Origin("file name", "", "", "index"), 1, names),) if names else (),
    )
