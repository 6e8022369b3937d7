"""Who writes under which configuration: the newest wins, and an older one is never written back (ENG-10)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from orch_gates.engine import events, legality
from orch_gates.engine.stages import EdgeGate, Pipeline, Stage
from orch_gates.errors import StaleConfiguration
from orch_gates.git.heads import DefaultBranch
from orch_gates.tasks import book
from orch_gates.tasks.configured import Configured
from tests.step_rig import PIPELINE, A, B, Rig
from tests.tasks_builders import root_of

NEW = Pipeline(
    (Stage("development", "developer", (EdgeGate("ci-green"), EdgeGate("security"))), PIPELINE.stages[2]), "development"
)


def configured(
    pipeline: Pipeline = NEW, *, commit: str = B, tip: str = B, branch: str = "main", default: str = "main"
) -> Configured:
    file = "f" * 40 if pipeline is NEW else ""
    return Configured(pipeline, file, DefaultBranch(branch, commit), lambda: DefaultBranch(default, tip))


def test_the_newest_configuration_is_adopted_in_one_commit() -> None:
    """It names the commit and the file that it is from; the next writer writes nothing."""
    rig = Rig()
    before = rig.commits
    configured().agree(rig.store)
    root = book.root_of(rig.store.load())
    assert (root.stages, root.configuration, root.configured_by) == (NEW.names, "f" * 40, B)
    assert rig.commits == before + 1
    configured(commit=A).agree(rig.store)
    assert rig.commits == before + 1


def test_an_older_configuration_is_refused_and_never_written_back() -> None:
    """By every writer, with what to do; nothing is written."""
    rig = Rig()
    configured().agree(rig.store)
    before = rig.commits
    stale = replace(rig.step(), configured=configured(PIPELINE, commit=A))
    with pytest.raises(StaleConfiguration, match=r"configured by bbbbbbbbbb.*run `git fetch`"):
        stale.take("T-1")
    assert rig.commits == before


def test_a_configuration_that_changes_under_a_decision_refuses_it() -> None:
    """It is compared in the transaction, not before it only."""
    rig = Rig()
    rig.remote.before_push = lambda: configured().agree(rig.store)
    with pytest.raises(StaleConfiguration):
        rig.ask(events.HoldRequested("ann", "wait"))
    assert rig.task.state == "active"


def test_the_same_file_in_another_commit_is_the_same_configuration() -> None:
    """A clone that is behind by other commits may write."""
    rig = Rig()
    configured().agree(rig.store)
    configured(commit=A, tip=B).agree(rig.store)


@pytest.mark.parametrize(
    ("changes", "by_hand", "legal"),
    [
        ({"stages": ("development", "testing"), "configured_by": B}, False, True),
        ({"configuration": "e" * 40, "configured_by": B}, False, True),
        ({"stages": ("development", "testing")}, False, False),
        ({"configuration": "e" * 40}, False, False),
        ({"configured_by": ""}, False, False),
        ({"stages": ("development", "testing"), "configured_by": B}, True, False),
    ],
)
def test_the_pipeline_changes_with_the_commit_that_configures_it(
    changes: dict[str, object], *, by_hand: bool, legal: bool
) -> None:
    """Once it was configured so; a branch of before goes on as it was."""
    before = root_of(PIPELINE, configuration="f" * 40, configured_by=A)
    after = before.model_copy(update={"generation": before.generation + (not by_hand), **changes})
    assert (legality.root_change(before, after, by_hand=by_hand) == ()) is legal
    older = before.model_copy(update={"configuration": "", "configured_by": ""})
    after = older.model_copy(update={"generation": older.generation + 1, "stages": ("development", "testing")})
    assert legality.root_change(older, after, by_hand=False) == ()
