"""The recorded answers are the server's: the table that reads them is judged by the truth."""

from __future__ import annotations

import json
from pathlib import Path

from tests.e2e.gitea import Gitea
from tests.e2e.scenes import RECORDED, Stage, recorded


def test_the_recorded_answers_are_those_of_the_server(gitea: Gitea, tmp_path: Path) -> None:
    """After a new release: `python -m tests.e2e.record`, and look at what changed."""
    assert recorded(Stage(gitea, tmp_path)) == json.loads(RECORDED.read_text("utf-8"))
