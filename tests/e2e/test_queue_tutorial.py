"""The tutorial of the merge queue is run as written, by a person on a real Gitea."""

from __future__ import annotations

import time
from pathlib import Path

from tests.blocks import ROOT
from tests.builders import Repo
from tests.e2e.gitea import Gitea
from tests.e2e.tutorial import Person

TUTORIAL = "docs/tutorials/l1-merge-queue.md"
SCOPES = ["write:repository", "write:issue", "write:user"]


def test_the_tutorial_gives_a_repository_a_merge_queue(gitea: Gitea, tmp_path: Path) -> None:
    """Green alone and red together: one lands, one is sent back with a comment, and lands repaired (DOC-1, MRG-13)."""
    person = Person(gitea, tmp_path, TUTORIAL, SCOPES, ORCH_GATES=str(ROOT))
    began = time.monotonic()
    output = person.follow("queue", 14)
    took = time.monotonic() - began
    print(f"the commands of {TUTORIAL} took {took:.0f} s")
    assert took < 10 * 60
    assert "protected branch main" in output
    owner = gitea.alice
    server = Repo(gitea.repositories / owner.name / "hello.git")
    merged = server.git("log", "--first-parent", "--format=%(trailers:key=Orch-Task,valueonly,separator=%x2C)", "main")
    assert merged.split() == ["PR-3", "PR-2", "PR-1"]
    workflow = server.git("show", "main:.gitea/workflows/queue.yml")
    assert workflow == (ROOT / "docs" / "examples" / "gitea-queue.yml").read_text("utf-8").rstrip("\n")
    # Else its workflow would be run, with the zeros that a person replaces.
    owner.api.call("DELETE", f"/repos/{owner.name}/hello").ok()
