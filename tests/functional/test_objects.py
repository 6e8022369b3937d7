"""Objects are read the same wherever git keeps them, and never half."""

from __future__ import annotations

import zlib
from hashlib import sha1
from pathlib import Path

import pytest

from orch_gates.errors import GitError
from orch_gates.git.tree import Author, MissingObject, Objects, TooBig
from tests.builders import bare

_AUTHOR = Author("A Tester", "tester@example.invalid")


def _written(repository: Path) -> tuple[str, str, str]:
    """A file, its folder and a commit of it, each in a file of its own."""
    objects = Objects(repository / "objects")
    blob = objects.put_blob(b"one\n" * 1_000)
    tree = objects.put_tree(iter([]))
    return blob, tree, objects.put_commit(tree, (), _AUTHOR, 1, "first")


def _repository(directory: Path) -> Path:
    return bare(directory / "bare.git").path


def _file(repository: Path, oid: str) -> Path:
    return repository / "objects" / oid[:2] / oid[2:]


def _put(repository: Path, oid: str, data: bytes) -> None:
    path = _file(repository, oid)
    path.parent.mkdir(exist_ok=True)
    path.unlink(missing_ok=True)
    path.write_bytes(data)


def test_a_pack_is_read_as_single_files_are(tmp_path: Path) -> None:
    """ST-5: `git gc` on the server changes nothing but where objects are."""
    server = bare(tmp_path / "bare.git")
    repository = server.path
    blob, tree, commit = _written(repository)
    before = Objects(repository / "objects")
    alone = before.blob(blob, most=4_000), before.list(tree), before.commit(commit)
    server.git("update-ref", "refs/heads/main", commit)
    server.git("update-ref", "refs/tags/file", blob)
    server.git("repack", "-adq")
    assert not _file(repository, blob).exists()
    packed = Objects(repository / "objects")
    assert (packed.blob(blob, most=4_000), packed.list(tree), packed.commit(commit)) == alone
    assert packed.has(blob)
    with pytest.raises(TooBig):
        packed.blob(blob, most=3_999)


def test_what_is_not_here_is_told_by_its_id(tmp_path: Path) -> None:
    """A partial clone fetches it."""
    objects = Objects(_repository(tmp_path) / "objects")
    absent = "1" * 40
    assert not objects.has(absent)
    for read in (objects.commit, objects.list, lambda oid: objects.blob(oid, most=1)):
        with pytest.raises(MissingObject, match=absent):
            read(absent)


def test_an_object_that_is_too_big_is_not_unpacked(tmp_path: Path) -> None:
    """OWN-3: its size is in its first bytes."""
    repository = _repository(tmp_path)
    blob, _, _ = _written(repository)
    with pytest.raises(TooBig, match="4000 bytes, at most 3999"):
        Objects(repository / "objects").blob(blob, most=3_999)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (zlib.compress(b"blob 4\0two\n"), "something else"),
        (zlib.compress(b"blob 4\0one\ntwo\n"), "something else"),
        (zlib.compress(b"blob 4\0one\n") + b"more", "something else"),
        (zlib.compress(b"blob 400\0one\n"), "something else"),
        (zlib.compress(b"blob 4\0one\n")[:-5], "cut off"),
        (zlib.compress(b"blob 4\0one\n")[:4], "cut off"),
        (zlib.compress(b"bl0b 4\0one\n"), "no object"),
        (zlib.compress(b"blob 1" + b"0" * 40 + b"\0"), "no object"),
        (b"", "cut off"),
        (b"no deflate at all", "cannot be read"),
    ],
)
def test_a_file_that_holds_no_whole_object_is_an_error(tmp_path: Path, content: bytes, why: str) -> None:
    """P1: neither half a file nor another one passes for what was asked for."""
    repository = _repository(tmp_path)
    oid = sha1(b"blob 4\0one\n", usedforsecurity=False).hexdigest()
    _put(repository, oid, content)
    with pytest.raises(GitError, match=why):
        Objects(repository / "objects").blob(oid, most=1_000)


@pytest.mark.parametrize("oid", ["", "12", "../../../../etc/passwd", "/etc/passwd", "G" * 40, "a" * 64])
def test_what_is_no_object_id_names_no_file(tmp_path: Path, oid: str) -> None:
    """OWN-3: a pushed commit may name anything as its tree."""
    objects = Objects(_repository(tmp_path) / "objects")
    with pytest.raises(GitError, match="no object id"):
        objects.commit(oid)


def test_a_folder_that_is_not_there_is_no_empty_store(tmp_path: Path) -> None:
    """P3."""
    with pytest.raises(GitError, match="cannot be opened"):
        Objects(tmp_path / "nowhere")


def test_parents_are_those_that_git_reads(tmp_path: Path) -> None:
    """OWN-2: git takes parents right after the tree only; one that stands elsewhere is none, and the commit is odd."""
    repository = bare(tmp_path / "odd.git")
    tree = repository.git("mktree", stdin=b"")
    parent = repository.git("commit-tree", "-m", "first", tree)
    who = "A Tester <tester@example.invalid> 1 +0000"
    head, tail = f"tree {tree}\n", f"author {who}\ncommitter {who}\n"
    for text, parents, well_formed in (
        (f"{head}parent {parent}\n{tail}\nx", (parent,), True),
        (f"{head}{tail}parent {parent}\n\nx", (), False),
        (f"{head}parent {parent}\n{tail}parent {parent}\n\nx", (parent,), False),
    ):
        oid = repository.object("commit", text.encode())
        found = Objects(repository.path / "objects").commit(oid)
        assert (found.parents, found.well_formed) == (parents, well_formed)
        assert repository.git("show", "--no-patch", "--format=%P", oid).split() == list(parents)
