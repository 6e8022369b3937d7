"""The lines that git gives to a hook: every one is read, or the push is refused (OWN-2)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orch_gates.errors import BudgetExceeded, UsageError
from orch_gates.hooks.updates import RefUpdate, parse_pre_push, parse_pre_receive, refuse_nothing

A, B, NONE = "a" * 40, "b" * 40, "0" * 40
LONG_A, LONG_NONE = "a" * 64, "0" * 64


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        (f"{A} {B} refs/heads/main", RefUpdate(A, B, "refs/heads/main")),
        (f"{NONE} {B} refs/heads/new", RefUpdate(None, B, "refs/heads/new")),
        (f"{A} {NONE} refs/heads/gone", RefUpdate(A, None, "refs/heads/gone")),
        (f"{LONG_NONE} {LONG_A} refs/tags/v1", RefUpdate(None, LONG_A, "refs/tags/v1")),
        (f"{A} {B} refs/for/main/topic", RefUpdate(A, B, "refs/for/main/topic")),
        (f"{A} {B} refs/heads/\udcff", RefUpdate(A, B, "refs/heads/\udcff")),
        (f"{A} {B} refs/heads/a\u3000b", RefUpdate(A, B, "refs/heads/a\u3000b")),
    ],
)
def test_new_deleted_and_odd_refs_are_read(line: str, wanted: RefUpdate) -> None:
    """Ids of both lengths, absence as None, names in any bytes and any namespace."""
    data = line.encode("utf-8", "surrogateescape")
    assert parse_pre_receive(data + b"\n", most=1) == (wanted,)
    assert parse_pre_receive(data, most=1) == (wanted,)


def test_every_line_is_read() -> None:
    """A leak behind the first ref is seen like one behind the last."""
    lines = [f"{NONE} {A} refs/heads/{number}" for number in range(50)]
    updates = parse_pre_receive("\n".join(lines).encode(), most=50)
    assert [update.ref for update in updates] == [f"refs/heads/{number}" for number in range(50)]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n",
        b"\n\n",
        f"{A} {B}".encode(),
        f"{A} {B} ".encode(),
        f"{A}  {B} refs/heads/main".encode(),
        f" {A} {B} refs/heads/main".encode(),
        f"{A} {B} main".encode(),
        f"{A} {B} refs/heads/a b".encode(),
        f"{A} {B} refs/heads/a\0".encode(),
        f"{A} {B} refs/heads/main\r".encode(),
        f"{A.upper()} {B} refs/heads/main".encode(),
        f"{A[1:]} {B} refs/heads/main".encode(),
        f"{A}a {B} refs/heads/main".encode(),
        f"{A} --all refs/heads/main".encode(),
        f"{A} {B} refs/heads/main\n\n{A} {B} refs/heads/next".encode(),
        f"{A} {B} refs/heads/main\nrubbish".encode(),
        f"{A} {B} refs/heads/{'x' * 9_000}".encode(),
    ],
)
def test_a_malformed_line_refuses_the_push(data: bytes) -> None:
    """One bad line, an empty one or none at all: nothing is skipped and nothing passes."""
    with pytest.raises(UsageError):
        parse_pre_receive(data, most=10)


def test_too_many_refs_are_refused() -> None:
    """Over the limit is a definite refusal, not a part of the work (SEC-9)."""
    line = f"{NONE} {A} refs/heads/x\n".encode()
    assert len(parse_pre_receive(line * 3, most=3)) == 3
    with pytest.raises(BudgetExceeded):
        parse_pre_receive(line * 4, most=3)
    push = f"refs/heads/x {A} refs/heads/x {NONE}\n".encode()
    assert len(parse_pre_push(push * 3, most=3)) == 3
    with pytest.raises(BudgetExceeded):
        parse_pre_push(push * 4, most=3)


@given(data=st.one_of(st.binary(max_size=300), st.text(max_size=300).map(str.encode)))
def test_garbage_never_becomes_an_update(data: bytes) -> None:
    """What git would not write is a refusal with a reason, whatever it is."""
    for parse in (parse_pre_receive, parse_pre_push):
        try:
            updates = parse(data, most=5)
        except (UsageError, BudgetExceeded) as error:
            assert str(error)
        else:
            assert parse is parse_pre_push
            assert updates == ()
            assert not data.strip(b"\n")


IDS = st.sampled_from([A, B, NONE, LONG_A, LONG_NONE])
NAMES = st.text(st.characters(exclude_categories=["Z", "C"]), min_size=1, max_size=20).map("refs/heads/{}".format)


@given(lines=st.lists(st.tuples(IDS, IDS, NAMES), min_size=1, max_size=8))
def test_what_git_writes_is_read_back(lines: list[tuple[str, str, str]]) -> None:
    """Every line in, the same updates out, for both hooks."""
    wanted = tuple(RefUpdate(_id(old), _id(new), ref) for old, new, ref in lines)
    received = "".join(f"{old} {new} {ref}\n" for old, new, ref in lines)
    assert parse_pre_receive(received.encode(), most=8) == wanted
    pushed = "".join(f"refs/heads/local {new} {ref} {old}\n" for old, new, ref in lines)
    assert parse_pre_push(pushed.encode(), most=8) == wanted


def _id(oid: str) -> str | None:
    return None if set(oid) == {"0"} else oid


@pytest.mark.parametrize("line", ["x", f"(delete) {NONE} refs/heads/x", f"a {A} b c", f"a b {A} {B}", f"a {A} b {B} c"])
def test_a_malformed_pre_push_line_is_refused(line: str) -> None:
    """The client's hook believes no odd line either."""
    with pytest.raises(UsageError):
        parse_pre_push(line.encode(), most=5)


def test_a_deletion_in_a_pre_push_has_no_new_object() -> None:
    """`git push --delete` writes `(delete)` for the local ref."""
    line = f"(delete) {NONE} refs/heads/x {A}\n".encode()
    assert parse_pre_push(line, most=1) == (RefUpdate(A, None, "refs/heads/x"),)


def test_nothing_to_judge_is_an_error_in_ci_only() -> None:
    """A developer may push nothing; a CI job that judged nothing must not be green."""
    refuse_nothing((), in_ci=False)
    refuse_nothing((RefUpdate(None, A, "refs/heads/x"),), in_ci=True)
    with pytest.raises(UsageError, match="--from-ref"):
        refuse_nothing((), in_ci=True)
