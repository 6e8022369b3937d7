"""A push never goes to the target, however its name is spelled (P4)."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from orch_gates.errors import ForbiddenPush
from orch_gates.git.remote import Remote, Update
from orch_gates.model.branch import BRANCH

OLD, NEW = "a" * 40, "b" * 40
# No program is found with it: a push that gets as far as git answers, and sends nothing.
NOWHERE = Remote.at("/nonexistent", {"PATH": "/nonexistent"}, partial=False, never=("main", "release/1.0"))


def pushes(ref: str, *, remote: Remote = NOWHERE, after: str = NEW) -> bool:
    """Whether a push of this ref is tried."""
    try:
        remote.push(Path("/nonexistent"), [Update(ref, OLD, after)], timeout=1)
    except ForbiddenPush as error:
        assert "nothing was pushed" in str(error)
        return False
    return True


@pytest.mark.parametrize(
    "ref",
    [
        "refs/heads/main",
        "refs/heads/MAIN",
        "refs/heads/mAiN",
        "refs/heads/main/",
        "refs/heads/main//",
        "refs/heads/main.",
        "refs/heads/main/.",
        "refs/heads/main.lock",
        "refs/heads/main ",
        "refs/heads/main\n",
        "refs/heads/main\0",
        "refs/heads/main:x",
        "refs/heads//main",
        "refs/heads/./main",
        "refs/heads/x/../main",
        "refs/heads/x.lock/main",
        "refs/heads/refs/heads/main",
        "refs/heads/ma*",
        "refs/heads/m?in",
        "refs/heads/[m]ain",
        "refs/heads/main^{}",
        "refs/heads/@{-1}",
        "refs/heads/MAIN~1",
        "refs/heads/\uff4dain",
        "refs/heads/mai\u0131n",
        "refs/heads/RELEASE/1.0",
        "refs/heads/release/1.0",
        "refs/heads/release/./1.0",
        "refs/heads/-main",
        "refs/heads/",
        "refs/heads",
        "refs/orch/../heads/main",
        "refs/orch/./../heads/main",
        "refs/tags/main",
        "refs/Heads/main",
        "refs//heads/main",
        "refs/remotes/origin/main",
        "heads/main",
        "main",
        "HEAD",
        "+refs/heads/main",
        " refs/heads/main",
        "/refs/heads/main",
        "",
    ],
)
def test_no_spelling_of_the_target_is_pushed(ref: str) -> None:
    """Nor anything that a disk, a shell, a pattern or another program could read as it."""
    assert not pushes(ref)


@pytest.mark.parametrize(
    "ref",
    ["refs/heads/task/T-1", "refs/heads/main2", "refs/heads/x/main", "refs/heads/main/x", "refs/orch/main"],
)
def test_other_branches_are(ref: str) -> None:
    """What only looks like the target is another ref."""
    assert pushes(ref)


SPELLED = st.one_of(
    st.text(alphabet="maiMAIN/.\\ \n\0~:*", min_size=1, max_size=9),
    st.lists(st.sampled_from(["main", "MAIN", ".", "..", "/", "//", "x", ".lock", "refs", "heads"]), max_size=7).map(
        "".join
    ),
)


@settings(max_examples=300)
@given(SPELLED)
@example("main/")
def test_what_is_pushed_is_one_branch_by_one_spelling(name: str) -> None:
    """Whatever passes is a name that git takes, stays itself as a path, and is not the target in capitals either."""
    ref = f"refs/heads/{name}"
    if pushes(ref):
        assert BRANCH.fullmatch(name)
        assert str(Path(ref)) == ref
        assert name.casefold() not in {"main", "release/1.0"}


@pytest.mark.parametrize("name", ["".join(c) for c in itertools.product("mM", "aA", "iI", "nN")])
def test_capitals_make_no_other_branch(name: str) -> None:
    """On a server whose disk knows none, they are the target; also where it is the target that has them."""
    assert not pushes(f"refs/heads/{name}")
    capitals = Remote.at("/nonexistent", {"PATH": "/nonexistent"}, never=("Main",))
    assert not pushes(f"refs/heads/{name}", remote=capitals)


@pytest.mark.parametrize("after", ["", "0" * 40, "0" * 64])
def test_no_push_deletes(after: str) -> None:
    """A task branch is a person's work: the merge leaves it, and so does everything else (MRG-16)."""
    assert not pushes("refs/heads/task/T-1", after=after)


def test_one_bad_update_stops_all_of_them() -> None:
    """Nothing of a push is sent where a part of it is refused."""
    updates = [Update("refs/heads/task/T-1", OLD, NEW), Update("refs/heads/main", OLD, NEW)]
    for order in (updates, updates[::-1]):
        with pytest.raises(ForbiddenPush, match="main is moved by the forge's merges only"):
            NOWHERE.push(Path("/nonexistent"), order, timeout=1)


def test_the_names_hold_without_a_target_too() -> None:
    """The state's own pushes name no target; a spelling with two meanings is refused there as well."""
    anywhere = Remote.at("/nonexistent", {"PATH": "/nonexistent"})
    assert pushes("refs/heads/orch-state", remote=anywhere)
    assert not pushes("refs/heads/orch-state/", remote=anywhere)
