"""The tutorial of the merge gate is run as written, by a person on a real Gitea."""

from __future__ import annotations

from pathlib import Path

from tests.builders import Repo
from tests.e2e.gitea import Gitea
from tests.e2e.tutorial import Person

TUTORIAL = "docs/tutorials/l1-merge-gate.md"


def test_the_tutorial_keeps_main_green(gitea: Gitea, tmp_path: Path) -> None:
    """Nothing but a tested merge moves main, and what is shown is what was said (DOC-1, MRG-5, MRG-6)."""
    scopes = ["write:repository", "write:user"]
    person = Person(gitea, tmp_path, TUTORIAL, scopes, REPOSITORIES=str(gitea.repositories))
    person.follow("merge", 13)
    server = Repo(gitea.repositories / gitea.alice.name / "greet.git")
    merged = server.git("log", "--first-parent", "--format=%(trailers:key=Orch-Task,valueonly,separator=%x2C)", "main")
    assert merged.split() == ["T-2", "T-1"]
