"""Exit codes (GATE-2): what a shell, a hook or a CI job learns from the number alone."""

from __future__ import annotations

import inspect

import pytest

from orch_gates import errors
from orch_gates.errors import OrchError
from orch_gates.model.verdict import Outcome


@pytest.mark.parametrize(
    ("outcome", "code"),
    [
        (Outcome.PASS, 0),
        (Outcome.SKIP, 0),
        (Outcome.FAIL, 1),
        (Outcome.ERROR, 2),
        (Outcome.HOLD, 2),
        (Outcome.DEFER, 75),
    ],
)
def test_every_outcome_has_its_exit_code(outcome: Outcome, code: int) -> None:
    """0 is only PASS and SKIP."""
    assert outcome.exit_code == code


def test_no_outcome_is_without_one() -> None:
    """A new outcome cannot be forgotten here."""
    assert {outcome: outcome.exit_code for outcome in Outcome}.keys() == set(Outcome)
    assert len(Outcome) == 6


def test_no_error_is_a_pass() -> None:
    """Every error leaves with 2, could not be decided; a definite refusal with 1; a lost race with 75."""
    kinds = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, OrchError)]
    assert len(kinds) > 5
    others = dict.fromkeys((errors.BudgetExceeded, errors.StaleUpdate, errors.PromotionRefused), 1)
    others |= dict.fromkeys((errors.StateExhausted, errors.LeaseLost, errors.JobWaits), 75)
    assert {kind: kind.exit_code for kind in kinds if kind.exit_code != 2} == others
    assert errors.EXIT_BUG == 70
