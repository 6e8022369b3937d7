"""Where a gate applies (GATE-3)."""

from __future__ import annotations

import pytest

from orch_gates.gates import registry
from orch_gates.settings import load
from orch_gates.variables.resolve import FileValue


@pytest.mark.parametrize(
    ("repository", "repos", "wanted"),
    [
        ("acme/app", "", True),
        ("", "", True),
        ("acme/app", "acme/app", True),
        ("Acme/App", "other/x,acme/app", True),
        ("acme/app", "ACME/APP", True),
        ("acme/app", "acme/other", False),
        ("acme/app", "app", False),
        ("", "acme/other", True),
    ],
)
def test_a_gate_applies_where_it_was_asked_to(repository: str, repos: str, wanted: bool) -> None:
    """An empty list means here; a repository without a known name is judged, not left out."""
    scope = load({"ORCH_MERGE_REPOS": repos}).scope("merge")
    assert scope.excludes(repository) == ("" if wanted else f"{repository} is not in ORCH_MERGE_REPOS")


@pytest.mark.parametrize("gate", registry.NAMES)
def test_a_gate_that_is_switched_off_names_the_switch(gate: str) -> None:
    """The variable, or the place in the file that a person has to change."""
    variable = f"ORCH_{gate.upper().replace('-', '_')}_ENABLED"
    assert load({variable: "off"}).scope(gate).excludes("acme/app") == f"switched off by {variable}"
    given = {variable: FileValue(False, ".orch-gates.yaml:2:3@abc")}
    key = f"{gate.replace('-', '_')}.enabled in .orch-gates.yaml:2:3@abc"
    assert load({}, given).scope(gate).excludes("acme/app") == f"switched off by {key}"
