"""The bundle as a user gets it, and secrets that exist only while a test runs."""

from __future__ import annotations

import secrets
import shutil
import string
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from scripts import house_rules
from tests.builders import Repo
from tests.bundle.published import publish


def git(repo: Path, *arguments: str) -> str:
    """Run git and give its answer without the last line end."""
    done = subprocess.run(["git", *arguments], cwd=repo, check=True, capture_output=True, text=True)
    return done.stdout.rstrip("\n")


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with what this checkout would publish, committed or not."""
    return publish(tmp_path_factory.mktemp("bundle")).path


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Repo:
    """This checkout as a repository of its own, with a tag at its only commit."""
    folder = tmp_path_factory.mktemp("release") / "orch-gates"
    for source in house_rules.project_files():
        copy = folder / source.relative_to(house_rules.ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, copy, follow_symlinks=False)
    made = Repo(folder)
    made.git("init", "-q", "-b", "main")
    made.commit("the release")
    made.git("tag", "v9.8.7")
    return made


@pytest.fixture
def new_token() -> Callable[[], str]:
    """Make GitHub tokens that were never issued."""
    return lambda: "ghp_" + "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(36))


@pytest.fixture
def token(new_token: Callable[[], str]) -> str:
    """A GitHub token that was never issued."""
    return new_token()


@pytest.fixture
def commit() -> Callable[..., str]:
    """Commit files to a repository; the answer is the id of the commit."""

    def made(repo: Path, **files: str) -> str:
        for name, text in files.items():
            (repo / name).write_text(text)
        git(repo, "add", "--all")
        git(repo, "commit", "-q", "--no-verify", "-m", "change " + " ".join(files))
        return git(repo, "rev-parse", "HEAD")

    return made
