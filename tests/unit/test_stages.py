"""The transition table as data: the default one, and what no pipeline may be (ENG-1, ENG-2)."""

from __future__ import annotations

import pytest

from orch_gates.engine.stages import DEFAULT, Caps, EdgeGate, OnRed, Pipeline, Stage
from orch_gates.gates import registry

STAY, BACK = OnRed.STAY, OnRed.ROLLBACK


def test_the_default_pipeline_is_the_one_of_the_spec() -> None:
    """Stages, roles, humans, gates in their order, and what each does when it is red, or has no record."""
    table = [
        (stage.name, stage.role, stage.human, [(gate.name, gate.on_fail, gate.on_absent) for gate in stage.gates])
        for stage in DEFAULT.stages
    ]
    assert table == [
        ("analysis", "analyst", True, []),
        ("architecture", "architect", False, []),
        ("development", "developer", False, [("ci-green", STAY, STAY)]),
        ("review", "reviewer", False, [("review-approved", BACK, STAY)]),
        ("testing", "tester", False, [("tests-passed", BACK, STAY)]),
        (
            "deploy-staging",
            "deployer",
            False,
            [
                ("staging-status", BACK, STAY),
                ("security", BACK, BACK),
                ("merge", BACK, STAY),
                ("image-freshness", BACK, BACK),
            ],
        ),
        ("deploy", "deployer", False, [("deploy-status", BACK, STAY), ("merge-proof", BACK, STAY)]),
    ]
    assert DEFAULT.rework == "development"
    assert Caps(max_developer_retries=3, defer_max_attempts=10) == DEFAULT.caps


def test_every_gate_of_the_default_pipeline_is_registered() -> None:
    """The table names no gate that nobody can judge; the registry has none that no edge uses."""
    assert [gate.name for stage in DEFAULT.stages for gate in stage.gates] == list(registry.NAMES)


def test_stages_follow_each_other_and_end_in_done() -> None:
    """Each stage leads to the next; the last one to `done`, which is no stage of its own."""
    assert [DEFAULT.after(name) for name in DEFAULT.names] == [*DEFAULT.names[1:], "done"]
    assert DEFAULT.stage("done") is None


def test_a_stage_is_found_by_its_whole_name() -> None:
    """Nothing else of the same beginning is."""
    found = DEFAULT.stage("deploy")
    assert found is not None
    assert found.name == "deploy"
    assert DEFAULT.stage("dep") is None


def test_a_gate_of_which_nothing_is_said_rolls_back_on_red_and_waits_for_its_record() -> None:
    """Red is somebody's to mend; no record yet is nobody's fault."""
    assert EdgeGate("any") == EdgeGate("any", on_fail=BACK, on_absent=STAY)


A, B = Stage("a", "worker"), Stage("b", "worker")


@pytest.mark.parametrize(
    ("stages", "rework", "why"),
    [
        ((), "a", "at least one stage"),
        ((A, B, Stage("a", "other")), "a", "no two of one name"),
        ((A, Stage("done", "worker")), "a", "none named 'done'"),
        ((A, B), "c", "rework stage 'c' is none of: a, b"),
        ((A, B), "done", "rework stage 'done' is none of: a, b"),
    ],
)
def test_a_pipeline_that_cannot_work_is_refused(stages: tuple[Stage, ...], rework: str, why: str) -> None:
    """No stage, one name twice, a stage `done`, or a rework stage that is not there."""
    with pytest.raises(ValueError, match=why):
        Pipeline(stages, rework)


def test_a_pipeline_of_one_stage_works() -> None:
    """Rework there is the stage itself, and `done` comes next."""
    only = Pipeline((A,), "a")
    assert (only.names, only.after("a")) == (("a",), "done")
