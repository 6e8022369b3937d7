"""gitleaks as the referee: what it finds on lines that a range adds, the gate finds too (SEC-6).

What differs is a secret that the gate lets pass, or has its reason in `tests/corpus/referee.py`. The seeds are fixed: a
commit is judged alike each time. `python -m tests.corpus referee placements` draws new ones; what they find is added.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.bench import history
from tests.builders import Repo, bare, clone, github_token
from tests.conftest import REQUIRE_REAL, ROOT
from tests.corpus import placements
from tests.corpus.programs import Found, git
from tests.corpus.referee import Compared, compared, missing

SEEDS = (1, 2, 3)
# Histories in which the gate once missed something.
FOUND = {"everything": (647556558,)}


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
    for seed in (*SEEDS, *FOUND.get(kind, ())):
        repository = tmp_path / f"{seed}.git"
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
def test_many_files_added_at_once(referee: Callable[[Path], Compared], tmp_path: Path) -> None:
    """The standard library's modules in one commit."""
    repository = history.init(tmp_path / "library.git")
    files = {path.name: path.read_bytes() for path in sorted(history.STANDARD_LIBRARY.glob("*.py"))}
    with history.Importer(repository) as stream:
        history.commit(stream, 0, "Begin", {"README": b"The library follows.\n"})
        history.commit(stream, 1, "Add the library", files)
    agreed(referee(repository), "the standard library")


@pytest.fixture
def moved(tmp_path: Path) -> tuple[Repo, Found]:
    """A token in the second line of a file that is moved later, and gitleaks' finding where it was added."""
    work = clone(bare(tmp_path / "server.git"), tmp_path / "work")
    token = github_token()
    text = "".join(f"line {number}\n" for number in range(9))
    added = work.commit(files={"a.txt": f"first\ntoken = {token}\n{text}"})
    work.git("mv", "a.txt", "b.txt")
    work.commit()
    return work, Found("a.txt", 2, 2, 2, added, "github-pat", token)


def test_what_ours_lack_is_a_difference(moved: tuple[Repo, Found]) -> None:
    """No finding, one on another line, or one in another file: each time gitleaks' is told, without its secret."""
    work, theirs = moved
    elsewhere = [Found("a.txt", 3, 3, 3, theirs.commit, "x"), Found("README.md", 2, 2, 2, theirs.commit, "x")]
    for ours in ([], elsewhere[:1], elsewhere):
        [difference] = missing(work.path, "HEAD", ours, "git", [theirs])
        assert not difference.named
        assert "a.txt:2" in str(difference)
        assert theirs.secret not in f"{difference} {difference!r}"


def test_what_ours_have_is_none(moved: tuple[Repo, Found]) -> None:
    """The same line of the same file agrees, whatever the rule; a file that is moved later is named at its old path."""
    work, theirs = moved
    ours = [Found("a.txt", 2, 2, 2, theirs.commit, "another-rule")]
    assert not list(missing(work.path, "HEAD", ours, "git", [theirs]))
    at_head = Found("b.txt", 2, 2, 2, "", "github-pat", theirs.secret)
    [difference] = missing(work.path, "HEAD", ours, "dir", [at_head])
    assert difference.named


def test_a_name_without_quotes_is_one_in_programs_only(tmp_path: Path) -> None:
    """`password = default_3` reads another name there; in quotes, in settings or with other signs it is a value."""
    work = clone(bare(tmp_path / "server.git"), tmp_path / "work")
    values = {"a.php": "Tuesdays_26", "b.php": '"Tuesdays_26"', "c.ini": "Tuesdays_26", "d.php": "Tuesdays-26"}
    work.commit(files={path: f"password = {value}\n" for path, value in values.items()})
    theirs = [Found(path, 1, 1, 1, "", "generic-api-key", value.strip('"')) for path, value in values.items()]
    named = {found.theirs.path: bool(found.named) for found in missing(work.path, "HEAD", [], "dir", theirs)}
    assert named == {"a.php": True, "b.php": False, "c.ini": False, "d.php": False}
