"""The ladder of a landing proof: ancestry makes a commit landed, the rest sees that it is no empty name (MRG-9)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from orch_gates.merge.proof import AncestryFacts, Landed, Rung, prove

A, B, C, D = ("a" * 40, "b" * 40, "c" * 40, "d" * 40)
FACTS = AncestryFacts(A, "main", B, ancestor=True, merge=C)


@pytest.mark.parametrize(
    ("changes", "landed", "rung", "words"),
    [
        ({}, Landed.LANDED, Rung.TREE, "by the merge cccccccccc, with all of its content"),
        ({"merge": ""}, Landed.LANDED, Rung.ANCESTRY, "is one of the commits of main at bbbbbbbbbb itself"),
        ({"unjudged": D}, Landed.LANDED, Rung.ANCESTRY, "dddddddddd merged it by hand"),
        ({"lost": D}, Landed.UNKNOWN, Rung.TREE, "git show --remerge-diff dddddddddd"),
        ({"merge": "", "lost": D}, Landed.UNKNOWN, Rung.TREE, "git show --remerge-diff dddddddddd"),
        ({"lost": D, "branch": "x$(y)"}, Landed.UNKNOWN, Rung.TREE, "`git fetch origin 'x$(y)'`"),
        ({"ancestor": False, "merge": ""}, Landed.NOT_LANDED, Rung.ANCESTRY, "does not have aaaaaaaaaa in its"),
        ({"ancestor": False, "merge": "", "twin": D}, Landed.NOT_LANDED, Rung.ANCESTRY, "is there as dddddddddd"),
        ({"base": B, "own": 0}, Landed.NOT_LANDED, Rung.NOT_EMPTY, "no commit of its own"),
        ({"base": B, "own": 2, "changed": False}, Landed.NOT_LANDED, Rung.NOT_EMPTY, "no change of its own"),
        ({"base": B, "own": 2}, Landed.LANDED, Rung.TREE, "with all of its content"),
    ],
)
def test_each_rung(changes: dict[str, Any], landed: Landed, rung: Rung, words: str) -> None:
    proof = prove(replace(FACTS, **changes))
    assert (proof.landed, proof.rung) == (landed, rung)
    assert words in proof.reason
    assert "\n" not in proof.reason


def test_the_three_answers_have_three_exit_codes() -> None:
    """Could not tell is neither (P2)."""
    assert [answer.exit_code for answer in Landed] == [0, 1, 2]
