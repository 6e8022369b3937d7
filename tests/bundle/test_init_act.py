"""What `orch-gates init` writes for level 0 runs: it passes what is clean, and refuses a leaked key (UX-1)."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.builders import orch
from tests.bundle.acting import PINNED, Runner
from tests.bundle.test_actions_act import leak, pull_request

Commit = Callable[..., str]


@pytest.mark.parametrize("forge", ["gitea", "forgejo", "github"])
def test_the_workflow_of_level_0_judges_a_pull_request(
    forge: str, real: Callable[[str], Path], bundle: Path, tmp_path: Path, commit: Commit, token: str
) -> None:
    """Without a change by hand but one: there is no forge here to post the status to."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    runner = Runner(real("act"), bundle, tmp_path, path)
    runner.repo.mkdir()
    runner.git("init", "-q", "-b", "main")
    before = commit(runner.repo, app="print('hello')\n")
    runner.git("update-ref", "refs/remotes/origin/main", "HEAD")
    done = orch("init", "--yes", "--forge", forge, "--actions", f"orch/orch-gates@{PINNED}", cwd=runner.repo)
    assert done.returncode == 0, done.stderr
    workflow = (runner.repo / f".{forge}/workflows/security.yml").read_text().replace("status: true", "status: false")
    clean = commit(runner.repo, app="print('hello, world')\n")
    good = runner.run("pull_request", pull_request(clean, before), workflow, "run")
    assert good.passed, good.log
    assert "security: PASS" in good.log
    leaked = commit(runner.repo, settings=leak(token))
    bad = runner.run("pull_request", pull_request(leaked, before), workflow, "run")
    assert not bad.passed, bad.log
    assert "::error file=settings,line=3," in bad.log
    assert token not in bad.log
