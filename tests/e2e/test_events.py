"""What starts a workflow on a real Gitea, and what its event says; docs/reference/forges.md tells it in words."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from orch_gates.ci.event import Event
from orch_gates.ci.read import parse
from tests.e2e import event_scenes
from tests.e2e.actions import Project
from tests.e2e.gitea import Gitea


def test_what_starts_a_workflow_and_what_it_is_told(
    gitea: Gitea, project: Callable[..., Project], tmp_path: Path
) -> None:
    """After a new release: `python -m tests.e2e.record`, and look at what changed (MRG-13, REC-3).

    A status, a dismissed review, labels that are all taken away and what the token of a run does start nothing.
    """
    place = tmp_path / "told"
    place.mkdir()
    scenes = event_scenes.play(gitea, project(event_scenes.CI, event_scenes.files()), place)
    assert scenes.runs() == scenes.started
    recorded = json.loads(event_scenes.RECORDED.read_text("utf-8"))
    assert event_scenes.recorded(scenes) == recorded
    for scene, whole in scenes.found.items():
        assert read(whole) == read(recorded[scene]), scene


def read(told: dict[str, Any]) -> Event:
    return parse(told["event"], told["payload"], ref=told["ref"], sha=told["sha"])
