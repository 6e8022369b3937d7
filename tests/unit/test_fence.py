"""The fence: from a merge that is taken, any one fact changed makes one that is refused, in the right words (MRG-5)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orch_gates.merge import fence, steps, trailers
from orch_gates.merge.fence import HeldLease, TargetUpdate
from orch_gates.model.ids import timestamp
from tests.tasks_builders import NOW, make_attempt, make_lease

OLD, COMMIT, TREE, MERGE, OTHER = ("d" * 40, "c" * 40, "e" * 40, "a" * 40, "f" * 40)
ATTEMPT = "0123456789abcdef"
MERGING = make_attempt(phase="merging", pull=12)
LEASE = make_lease(attempt=ATTEMPT)
RECORDED = HeldLease(LEASE, MERGING)
SAID = steps.validation(MERGING)
PUSHED = TargetUpdate("main", OLD, MERGE, (OLD, COMMIT), TREE, f"T-1: it\n\n{trailers.render(SAID)}\n", on_base=True)
PLAIN = replace(PUSHED, message="a change by hand")
ONLY = "only merges of `orch-gates merge` may change main"


def refused(push: TargetUpdate, recorded: HeldLease | None = RECORDED, now: datetime = NOW) -> str:
    why = fence.refusal(push, recorded, now)
    assert "\n" not in why
    return why


def saying(**changes: Any) -> TargetUpdate:
    """A merge whose trailers say something else."""
    return replace(PUSHED, message=f"T-1: it\n\n{trailers.render(replace(SAID, **changes))}\n")


def with_lease(**changes: Any) -> HeldLease:
    return HeldLease(make_lease(**{"attempt": ATTEMPT} | changes), MERGING)


def with_attempt(**changes: Any) -> HeldLease:
    return HeldLease(LEASE, make_attempt(**{"phase": "merging", "pull": 12} | changes))


def test_what_was_validated_is_taken() -> None:
    """On the tested base, the validated commit, with its tree, under the lease that is recorded."""
    assert refused(PUSHED) == ""


def test_what_the_driver_records_is_what_the_server_compares() -> None:
    """The trailers of a request are those of the attempt when it began to merge."""
    attempt = steps.merging(make_attempt(task="PR-9", generation=41), 3, NOW)
    push = replace(PUSHED, message=f"PR-9: it\n\n{trailers.render(steps.validation(attempt))}")
    lease = make_lease(holder="PR-9", generation=41, attempt=ATTEMPT)
    assert refused(push, HeldLease(lease, attempt)) == ""


@pytest.mark.parametrize(
    ("push", "words"),
    [
        # the target itself
        (replace(PUSHED, new=""), "main is never deleted"),
        (replace(PUSHED, old=""), "main is protected by the fence but does not exist"),
        # what is pushed
        (replace(PUSHED, parents=(COMMIT,)), f"aaaaaaaaaa is not a merge of two commits; {ONLY}"),
        (replace(PUSHED, parents=()), f"is not a merge of two commits; {ONLY}"),
        (replace(PUSHED, parents=(OLD, COMMIT, OTHER)), f"is not a merge of two commits; {ONLY}"),
        (PLAIN, f"does not end with a block of trailers; {ONLY}"),
        (replace(PUSHED, message=""), ONLY),
        (replace(PUSHED, message=f"{PUSHED.message}\nSee it."), "does not end with a block of trailers"),
        (replace(PUSHED, message=f"{PUSHED.message.strip()}\norch-task: T-1"), "has Orch-Task twice"),
        (replace(PUSHED, old=OTHER), "main is at ffffffffff, but the merge was made on dddddddddd"),
        (replace(PUSHED, parents=(OTHER, COMMIT)), "main is at dddddddddd, but the merge was made on ffffffffff"),
        (replace(PUSHED, parents=(COMMIT, OLD)), "main is at dddddddddd, but the merge was made on cccccccccc"),
        (replace(PUSHED, parents=(OLD, OTHER)), "cccccccccc was validated, but ffffffffff is merged"),
        (replace(PUSHED, on_base=False), "cccccccccc does not have dddddddddd in its history"),
        (replace(PUSHED, tree=OTHER), "the tree of the merge is ffffffffff, but eeeeeeeeee was validated"),
        (replace(PUSHED, tree=""), "but eeeeeeeeee was validated"),
        # what it says
        (saying(base=OTHER), "it was tested with ffffffffff, but main is at dddddddddd"),
        (saying(commit=OTHER), "ffffffffff was validated, but cccccccccc is merged"),
        (saying(tree=OTHER), "the tree of the merge is eeeeeeeeee, but ffffffffff was validated"),
        (
            saying(task="T-2"),
            "the merge is for T-2, generation 5, but T-1 holds the lease on main, generation 5: to merge",
        ),
        (saying(generation=4), "the merge is for T-1, generation 4, but T-1 holds the lease on main, generation 5"),
        (saying(generation=6), "the merge is for T-1, generation 6, but T-1 holds the lease on main, generation 5"),
    ],
)
def test_one_other_fact_of_the_push_is_refused(push: TargetUpdate, words: str) -> None:
    """By a person's hand, by a process that was overtaken, or by a server that merged something else."""
    assert words in refused(push)


@pytest.mark.parametrize(
    ("recorded", "words"),
    [
        (None, "no lease on main was ever granted"),
        (HeldLease(LEASE, None), "T-1 holds the lease on main, generation 5: to merge"),
        (with_lease(holder="", granted=None, attempt=""), "nobody holds the lease on main, generation 5"),
        (with_lease(holder="T-2"), "T-2 holds the lease on main, generation 5"),
        (with_lease(generation=6), "the merge is for T-1, generation 5, but T-1 holds the lease on main, generation 6"),
        (with_lease(generation=4), "T-1 holds the lease on main, generation 4"),
        (with_lease(attempt="f" * 16), "the lease on main and the attempt of T-1 do not belong together"),
        (with_attempt(id="f" * 16), "do not belong together"),
        (with_attempt(generation=4), "do not belong together"),
        (with_attempt(generation=6), "do not belong together"),
        (with_attempt(target="release"), "do not belong together"),
        (
            with_attempt(phase="acquired"),
            "the attempt of T-1 is acquired; only an attempt in phase `merging` may merge",
        ),
        (with_attempt(phase="caught-up"), "is caught-up; only an attempt in phase `merging` may merge"),
        (with_attempt(phase="testing"), "is testing; only an attempt in phase"),
        (with_attempt(phase="validated"), "is validated; only an attempt in phase"),
        (with_attempt(phase="landed", outcome="PASS"), "the attempt of T-1 is PASS; only an attempt in phase"),
        (with_attempt(closing=True), "the attempt of T-1 is given up; only an attempt in phase `merging` may merge"),
        (with_attempt(outcome="HOLD"), "the attempt of T-1 is HOLD; only an attempt in phase"),
        (with_attempt(outcome="DEFER"), "the attempt of T-1 is DEFER; only an attempt in phase"),
        (with_attempt(outcome="FAIL"), "the attempt of T-1 is FAIL; only an attempt in phase"),
        (with_attempt(base=OTHER), "the attempt of T-1 validated cccccccccc with ffffffffff, not this merge"),
        (with_attempt(commit=OTHER), "the attempt of T-1 validated ffffffffff with dddddddddd, not this merge"),
        (with_attempt(tree=OTHER), "the attempt of T-1 validated cccccccccc with dddddddddd, not this merge"),
    ],
)
def test_one_other_fact_of_the_record_is_refused(recorded: HeldLease | None, words: str) -> None:
    """As it was before the push: whatever the push itself brings along is not asked."""
    assert words in refused(PUSHED, recorded)


def test_a_merge_is_taken_however_late_its_lease_is() -> None:
    """Time takes nothing back by itself: whoever gives an attempt up closes it first, which is recorded (MRG-4)."""
    assert refused(PUSHED, RECORDED, NOW + timedelta(days=9)) == ""


@dataclass(frozen=True)
class Changed:
    """Which facts are other ones."""

    push: dict[str, Any]
    said: dict[str, Any]
    lease: dict[str, Any]
    attempt: dict[str, Any]

    def __bool__(self) -> bool:
        return bool(self.push or self.said or self.lease or self.attempt)


def some_of(changes: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.sets(st.sampled_from(sorted(changes))).map(lambda keys: {key: changes[key] for key in keys})


@given(
    st.builds(
        Changed,
        some_of({"old": OTHER, "parents": (OLD, OTHER), "tree": OTHER, "on_base": False}),
        some_of({"task": "T-2", "generation": 4, "base": OTHER, "commit": OTHER, "tree": OTHER}),
        some_of({"holder": "T-2", "generation": 4, "attempt": "f" * 16}),
        some_of({"phase": "validated", "closing": True, "outcome": "HOLD", "target": "release", "id": "f" * 16}),
    )
)
def test_it_is_taken_exactly_where_no_fact_is_another(changed: Changed) -> None:
    """Also where several change together, as an overtaken merge has several that fit each other."""
    push = replace(saying(**changed.said), **changed.push)
    recorded = HeldLease(
        make_lease(**{"attempt": ATTEMPT} | changed.lease),
        make_attempt(**{"phase": "merging", "pull": 12} | changed.attempt),
    )
    if changed.lease.get("attempt") == changed.attempt.get("id") and set(changed.attempt) == {"id"}:
        # Another attempt of the same lease is the recorded one then.
        changed = replace(changed, lease={key: value for key, value in changed.lease.items() if key != "attempt"})
        changed = replace(changed, attempt={})
    generations = changed.said.get("generation"), changed.lease.get("generation")
    assert (refused(push, recorded) == "") is (not changed) or generations == (4, 4)


# ---- the broken glass


def broken(tip: str = OLD, until: timedelta = timedelta(minutes=5), *, acknowledged: bool = False) -> HeldLease:
    glass = {"tip": tip, "expires": timestamp(NOW + until), "by": "ann", "reason": "fire", "acknowledged": acknowledged}
    return HeldLease(make_lease(holder="", granted=None, generation=6, break_glass=glass), None)


@pytest.mark.parametrize("acknowledged", [True, False])
def test_an_emergency_lets_one_change_pass(*, acknowledged: bool) -> None:
    """Any change but a deletion, from the commit that was named (MRG-15)."""
    for push in (PLAIN, replace(PLAIN, parents=(OTHER,)), replace(PLAIN, tree="", on_base=False)):
        assert refused(push, broken(acknowledged=acknowledged)) == ""
    assert refused(replace(PLAIN, new=""), broken()) == "main is never deleted"


def test_it_is_spent_as_soon_as_the_target_moves() -> None:
    assert ONLY in refused(PLAIN, broken(tip=OTHER))
    assert ONLY in refused(replace(PLAIN, old=MERGE), broken())


def test_it_makes_no_target() -> None:
    """Where there is none, there is no commit to name."""
    assert "but does not exist" in refused(replace(PLAIN, old=""), broken())
    assert not fence.broken_glass(broken().lease, "", NOW)


@pytest.mark.parametrize(("until", "lets"), [(1, True), (0, False), (-1, False)])
def test_it_ends_at_its_second(until: int, *, lets: bool) -> None:
    assert (refused(PLAIN, broken(until=timedelta(seconds=until))) == "") is lets


@pytest.mark.parametrize(
    "message", [PUSHED.message, f"{PUSHED.message}\nand more", "x\n\norch-generation: 5\n\ny", "Orch-Task: T-1"]
)
def test_no_merge_of_an_attempt_passes_by_it(message: str) -> None:
    """One that was under way when the glass was broken was given up, whole or mangled."""
    assert refused(replace(PUSHED, message=message), broken()) != ""
