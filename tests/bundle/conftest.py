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

PARTS = ("action.yml", "actions", "orch_gates", "requirements", "pyproject.toml", "README.md", ".pre-commit-hooks.yaml")


def git(repo: Path, *arguments: str) -> str:
    """Run git and give its answer without the last line end."""
    done = subprocess.run(["git", *arguments], cwd=repo, check=True, capture_output=True, text=True)
    return done.stdout.rstrip("\n")


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with what this checkout would publish, committed or not."""
    copy = tmp_path_factory.mktemp("bundle")
    for source in house_rules.project_files():
        relative = source.relative_to(house_rules.ROOT)
        if relative.parts[0] in PARTS:
            (copy / relative).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, copy / relative)
    git(copy, "init", "-q", "-b", "main")
    git(copy, "add", "--all")
    git(copy, "commit", "-q", "-m", "the bundle")
    return copy


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
