"""gitleaks as the referee: what it finds on lines that a range adds, the gate finds too (SEC-6).

What differs is a secret that the gate lets pass, or has its reason in `tests/corpus/referee.py`. A history of random
placements is made again by its seed, which a failure names: `python -m tests.corpus referee placements KIND SEED`.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from random import SystemRandom

import pytest

from tests.bench import history
from tests.conftest import REQUIRE_REAL, ROOT
from tests.corpus import placements
from tests.corpus.programs import git
from tests.corpus.referee import Compared, compared

ROUNDS = 3


@pytest.fixture
def referee(real: Callable[[str], Path]) -> Callable[[Path], Compared]:
    """Both programs on a repository's whole history."""
    program = real("gitleaks")

    def compare(repository: Path) -> Compared:
        chain = git(repository, "rev-list", "--reverse", "--first-parent", "HEAD").split()
        return compared(repository, chain, program)

    return compare


def agreed(answer: Compared, what: str) -> None:
    """Fail with what only gitleaks found, line by line."""
    if missed := answer.unnamed():
        pytest.fail("\n".join([f"{what}: {len(missed)} of {answer.theirs}", *map(str, missed)]), pytrace=False)


@pytest.mark.slow
@pytest.mark.parametrize("kind", placements.KINDS)
def test_random_placements(kind: str, referee: Callable[[Path], Compared], tmp_path: Path) -> None:
    """Secrets of any form in any place of ordinary texts: none that gitleaks finds passes the gate."""
    found = 0
    for number in range(ROUNDS):
        seed = SystemRandom().randrange(10**9)
        repository = tmp_path / f"{number}.git"
        placements.history(repository, placements.KINDS[kind], seed)
        answer = referee(repository)
        found += answer.theirs
        agreed(answer, f"{kind}, seed {seed}")
    assert found > 10, "gitleaks found next to nothing, so this proves nothing"


@pytest.mark.slow
def test_the_history_of_this_project(referee: Callable[[Path], Compared], tmp_path: Path) -> None:
    """This project's own commits, all of them."""
    if git(ROOT, "rev-parse", "--is-shallow-repository") == "true":
        reason = "this clone is shallow"
        pytest.fail(reason) if REQUIRE_REAL else pytest.skip(reason)
    repository = tmp_path / "own.git"
    subprocess.run(["git", "clone", "--quiet", "--bare", str(ROOT), str(repository)], check=True)
    agreed(referee(repository), "this project")


@pytest.mark.slow
def test_an_ordinary_history(referee: Callable[[Path], Compared], tmp_path: Path) -> None:
    """Hundreds of commits of source text that hold no secret."""
    agreed(referee(history.ordinary(tmp_path / "ordinary.git", 300)), "an ordinary history")


@pytest.mark.slow
def test_the_standard_library_added_at_once(referee: Callable[[Path], Compared], tmp_path: Path) -> None:
    """Eight hundred files in one commit."""
    answer = referee(history.library(tmp_path / "library.git", whole=False))
    assert answer.theirs > 0
    agreed(answer, "the standard library")
