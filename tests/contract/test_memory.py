"""The sweep's memory on real remotes: one ref, one commit without a parent, replaced by compare-and-swap (SWP-1)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from orch_gates.errors import StateError
from orch_gates.model.sweep import Memory, nothing
from orch_gates.state.branch.git_store import GitStore
from tests.state_rig import FILES, GitRig, rig

REF = "refs/orch/sweep"


@pytest.fixture(params=["inside", "path", "file-filter", "file-plain", "http"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[GitRig]:
    with rig(request.param, tmp_path) as made:
        assert isinstance(made, GitRig)
        made.store().initialise(FILES)
        yield made


def opened(server: GitRig) -> GitStore:
    store = server.store()
    store.load()
    return store


def counting(number: int) -> Memory:
    return nothing().model_copy(update={"cursor": f"T-{number}"})


def test_what_one_tick_leaves_the_next_finds(server: GitRig) -> None:
    """On another machine too: nothing of it is kept anywhere else."""
    first = opened(server)
    assert (first.memory.read().memory, first.memory.read().oid) == (None, "")
    assert first.memory.replace(counting(1), "").done
    found = opened(server).memory.read()
    assert (found.memory, found.problem) == (counting(1), "")
    assert found.oid == server.server.git("rev-parse", REF)


def test_it_is_replaced_and_makes_no_history(server: GitRig) -> None:
    """The state branch and its witness stay as they are, and the ref has one commit for ever."""
    store = opened(server)
    before = (server.tip(), server.witness())
    for number in range(3):
        assert store.memory.replace(counting(number), store.memory.read().oid).done
    assert server.server.git("rev-list", "--count", REF) == "1"
    assert server.server.git("ls-tree", "-r", "--name-only", REF) == "sweep.md"
    assert (server.tip(), server.witness()) == before


def test_another_ticks_memory_is_not_overwritten_unseen(server: GitRig) -> None:
    """T5: the force names what it replaces; whoever comes second loses, and that is no error."""
    one, two = opened(server), opened(server)
    seen = [store.memory.read().oid for store in (one, two)]
    assert one.memory.replace(counting(1), seen[0]).done
    late = two.memory.replace(counting(2), seen[1])
    assert (late.done, late.lost) == (False, True)
    assert opened(server).memory.read().memory == counting(1)
    assert two.memory.replace(counting(2), two.memory.read().oid).done


def test_two_ticks_with_the_same_words_are_two(server: GitRig) -> None:
    """T3: the very same memory of two ticks is not taken for one's own."""
    one, two = opened(server), opened(server)
    assert one.memory.replace(counting(1), "").done
    assert not two.memory.replace(counting(1), "").done


def test_what_cannot_be_read_is_begun_anew(server: GitRig) -> None:
    """Whoever damaged it, the next tick goes on, and says so."""
    blob = server.server.git("hash-object", "-w", "--stdin", stdin=b"---\nhello\n")
    tree = server.server.git("mktree", stdin=f"100644 blob {blob}\tsweep.md\n".encode())
    server.server.git("update-ref", REF, server.server.git("commit-tree", "-m", "x", tree))
    store = opened(server)
    found = store.memory.read()
    assert found.memory is None
    assert "is written anew" in found.problem
    assert store.memory.replace(counting(1), found.oid).done
    assert store.memory.read().memory == counting(1)


def test_a_lookalike_is_not_taken_for_it(server: GitRig) -> None:
    """A branch that only ends like it is anybody's."""
    server.server.git("update-ref", f"refs/heads/{REF}", "refs/heads/orch-state")
    assert opened(server).memory.read().oid == ""


def test_a_server_that_refuses_it_stops_nobody(server: GitRig) -> None:
    """P3: what the tick did is done; it says that it remembers nothing of it."""
    store = opened(server)
    server.refuse("not here")
    answer = store.memory.replace(counting(1), "")
    assert (answer.done, answer.lost) == (False, False)
    assert answer.reason


def test_a_server_that_is_gone_is_told(server: GitRig) -> None:
    store = opened(server)
    server.server.path.rename(server.server.path.with_suffix(".gone"))
    with pytest.raises(StateError):
        store.memory.read()
    assert not store.memory.replace(counting(1), "").done
