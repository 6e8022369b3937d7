"""Writes down what the pinned server says no with, and what it tells workflows.

`python -m tests.e2e.record`, after `make tools`.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path

from tests.conftest import CACHE
from tests.e2e import event_scenes
from tests.e2e.actions import Bundle, Project
from tests.e2e.gitea import Gitea
from tests.e2e.runner import Runner
from tests.e2e.scenes import RECORDED, Stage, recorded


def main() -> int:
    """Play every scene on a server of its own."""
    os.environ.update(GIT_ALLOW_PROTOCOL="file:http", GIT_CONFIG_GLOBAL=os.devnull, GIT_CONFIG_NOSYSTEM="1")
    for role in ("AUTHOR", "COMMITTER"):
        os.environ.update({f"GIT_{role}_NAME": "A Tester", f"GIT_{role}_EMAIL": "tester@example.invalid"})
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for name in ("server", "work", "bundle", "runner", "project", "told"):
            (root / name).mkdir()
        server = Gitea(CACHE / "bin" / "gitea", root / "server")
        runner = Runner(server, CACHE / "bin" / "gitea-runner", root / "runner")
        try:
            server.start()
            server.populate()
            found = recorded(Stage(server, root / "work"))
            Bundle(server, root / "bundle")
            runner.start()
            project = Project(server, server.alice, root / "project", event_scenes.CI, event_scenes.files())
            told = event_scenes.recorded(event_scenes.play(server, project, root / "told"))
        finally:
            runner.stop()
            server.stop()
    RECORDED.parent.mkdir(exist_ok=True)
    RECORDED.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n")
    event_scenes.RECORDED.write_text(event_scenes.written(told))
    return 0


if __name__ == "__main__":
    sys.exit(main())
