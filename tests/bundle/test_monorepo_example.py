"""The scripts of the workflow for a monorepo, as written, in a real repository (DOC-1)."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
import yaml

from scripts.house_rules import ROOT
from tests.builders import Repo, bare, clone

JOBS = yaml.safe_load((ROOT / "docs/examples/gitea-monorepo.yml").read_text("utf-8"))["jobs"]


def script(job: str) -> str:
    (found,) = (step["run"] for step in JOBS[job]["steps"] if "run" in step)
    return str(found)


@pytest.fixture
def work(tmp_path: Path) -> Repo:
    made = clone(bare(tmp_path / "server.git"), tmp_path / "work")
    made.commit("first", {"app/a": "1\n", "lib/l": "1\n", "shared/s": "1\n", "README.md": "1\n"})
    return made


def touched(work: Repo, base: str) -> tuple[int, dict[str, str]]:
    out = work.path.parent / "out"
    out.write_text("")
    env = {**os.environ, "BASE": base, "GITHUB_OUTPUT": str(out)}
    done = subprocess.run(["bash", "-e", "-c", script("changes")], cwd=work.path, env=env, timeout=60, check=False)
    return done.returncode, dict(line.split("=") for line in out.read_text().splitlines())


@pytest.mark.parametrize(
    ("path", "app", "lib"),
    [
        ("app/a", "true", "false"),
        ("lib/l", "false", "true"),
        ("shared/s", "true", "true"),
        ("README.md", "false", "false"),
    ],
)
def test_a_part_is_tested_where_it_was_touched(path: str, app: str, lib: str, work: Repo) -> None:
    """What all parts share touches all of them."""
    base = work.git("rev-parse", "HEAD")
    work.commit("change", {path: "2\n"})
    assert touched(work, base) == (0, {"app": app, "lib": lib})


def test_everything_is_tested_where_there_is_no_base(work: Repo) -> None:
    """A push to main has none."""
    assert touched(work, "") == (0, {"app": "true", "lib": "true"})


def test_a_base_that_is_not_there_is_no_answer(work: Repo) -> None:
    """Nothing is skipped because git failed."""
    code, output = touched(work, "0123456789" * 4)
    assert code not in {0, 1}
    assert output == {}


@pytest.mark.parametrize(
    ("changes", "app", "lib", "green"),
    [
        ("success", "true success", "false skipped", True),
        ("success", "false skipped", "false skipped", True),
        ("success", "true failure", "false skipped", False),
        ("success", "true skipped", "true success", False),
        ("success", "true cancelled", "true success", False),
        ("failure", " skipped", " skipped", False),
        ("success", " skipped", "true success", False),
    ],
)
def test_the_one_status_is_green_where_all_that_was_touched_is(
    changes: str, app: str, lib: str, *, green: bool
) -> None:
    """A part that was touched and did not run is red, and so is not knowing what was touched."""
    env = {**os.environ, "CHANGES": changes, "APP": app, "LIB": lib}
    done = subprocess.run(["bash", "-e", "-c", script("test")], env=env, timeout=60, check=False)
    assert (done.returncode == 0) == green
