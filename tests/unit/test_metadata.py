"""Every byte of a commit, tag or tree that a person can choose is shown to the scanner (SEC-3)."""

from __future__ import annotations

import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orch_gates.content import metadata
from orch_gates.content.metadata import MessageReader

ID = "0123456789abcdef" * 2 + "01234567"
PERSON = "A Tester <tester@example.invalid>"


def commit(*extra: str, message: str = "A message\n", person: str = PERSON, tree: str = ID) -> bytes:
    lines = [f"tree {tree}", f"parent {ID}", f"author {person} 1700000000 +0000", f"committer {person} 1 -1200"]
    return "\n".join([*lines, *extra, "", message]).encode()


def test_ids_and_times_are_left_out_and_the_rest_is_kept() -> None:
    """What every commit has in common costs nothing; what a person wrote is all there."""
    text, people = MessageReader().readable(commit("encoding latin-1", message="Subject\n\ntree of life\n"))
    assert text == f"{PERSON}\nencoding latin-1\n\nSubject\n\ntree of life\n".encode()
    assert people == {1: "author"}


def test_people_are_known_by_what_they_did() -> None:
    """How a name is taken out of a commit is another way for each of them (SEC-5)."""
    data = f"tree {ID}\nauthor Ann <a@b> 1 +0000\ncommitter Bob <b@b> 1 +0000\nencoding x\n\nauthor Carl\n".encode()
    assert MessageReader().readable(data)[1] == {1: "author", 2: "committer"}
    assert MessageReader().readable(f"object {ID}\ntag v1\ntagger Ann <a@b> 1 +0000\n\nx".encode())[1] == {2: "tagger"}


@pytest.mark.parametrize(
    "place",
    [
        lambda token: commit(message=f"Add {token}\n"),
        lambda token: commit(f"x-custom {token}"),
        lambda token: commit(f"gpgsig {token}\n {token}"),
        lambda token: commit(f"mergetag object {ID}\n type commit\n tag {token}"),
        lambda token: commit(person=f"{token} <a@example.invalid>"),
        lambda token: commit(person=f"A <{token}@example.invalid>"),
        lambda token: commit(f"tree {token}"),
        lambda token: commit(f"parent {token}"),
        lambda token: commit(f"object {ID} {token}"),
        lambda token: commit(f"author {token}"),
        lambda token: commit(message=f"tree {ID}\nauthor {token} 1 +0000\n"),
        lambda token: f"object {ID}\ntype commit\ntag {token}\ntagger {PERSON} 1 +0000\n\nv1\n".encode(),
        lambda token: f"object {ID}\ntype commit\ntag v1\n{token}".encode(),
        lambda token: token.encode(),
    ],
    ids=[
        *("message", "own header", "signature", "merge tag", "name", "address", "false tree", "false parent"),
        *("after an id", "no address", "header-like message", "tag name", "no blank line", "not a commit"),
    ],
)
def test_a_token_is_shown_wherever_it_stands(place: object) -> None:
    """No header, however odd, hides a token."""
    token = secrets.token_hex(16)
    assert callable(place)
    assert token.encode() in MessageReader().readable(place(token))[0]


def test_a_person_is_shown_once_for_a_whole_scan() -> None:
    """A thousand commits by one author do not cost a thousand addresses."""
    reader = MessageReader()
    assert PERSON.encode() in reader.readable(commit())[0]
    assert PERSON.encode() not in reader.readable(commit())[0]
    assert b"Another" in reader.readable(commit(person="Another <b@example.invalid>"))[0]


@given(message=st.binary(max_size=200))
def test_messages_are_kept_byte_for_byte(message: bytes) -> None:
    """Nothing in a message is dropped, whatever it looks like."""
    assert MessageReader().readable(commit(message="") + message)[0].endswith(message)


def test_root_tree_and_parents_come_from_the_header_only() -> None:
    """A message that looks like a header changes nothing about the history."""
    other = "f" * 40
    data = commit(f"parent {other}", message=f"tree {other}\nparent {other}\n")
    assert metadata.root_tree_and_parents(data) == (ID, (ID, other))


def entry(mode: bytes, name: bytes, oid: bytes) -> bytes:
    return mode + b" " + name + b"\0" + oid


NAMES = st.binary(min_size=1, max_size=20).filter(lambda name: b"\0" not in name and b"/" not in name)


@pytest.mark.parametrize("size", [20, 32])
@given(names=st.lists(NAMES, max_size=8, unique=True), data=st.data())
def test_every_name_of_a_tree_is_shown(size: int, names: list[bytes], data: st.DataObject) -> None:
    """Names of any bytes come out of SHA-1 and SHA-256 trees, beside ids of any bytes."""
    ids = st.binary(min_size=size, max_size=size)
    tree = b"".join(entry(b"100644", name, data.draw(ids)) for name in names)
    assert {name for name, _ in metadata.folder(tree, size).entries} == set(names)


@pytest.mark.parametrize("size", [20, 32])
def test_the_id_of_a_submodule_is_shown(size: int) -> None:
    """Nobody checks that id, so it could spell a token."""
    oid = secrets.token_hex(size).encode()[:size]
    tree = entry(b"100644", b"file", b"\1" * size) + entry(b"160000", b"module", oid)
    shown = metadata.folder(tree, size)
    assert ([name for name, _ in shown.entries], shown.odd) == ([b"file", b"module"], (oid,))


@pytest.mark.parametrize("size", [20, 32])
@given(rubbish=st.binary(min_size=1, max_size=80))
def test_a_tree_of_another_form_is_shown_whole(size: int, rubbish: bytes) -> None:
    """Bytes that are no tree are never passed over: either names cover them, or all is shown."""
    assert metadata.folder(rubbish, size).odd == (rubbish,) or len(rubbish) > size
