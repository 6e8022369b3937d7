"""The commands of the reference are run as written (DOC-1)."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests import job_rig
from tests.blocks import FENCE, ROOT, Shell, blocks
from tests.job_rig import JobRig

GATES = "docs/reference/gates.md"


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> JobRig:
    folder = tmp_path_factory.mktemp("made")
    return job_rig.copy(job_rig.template(folder), folder / "project")


def person(rig: JobRig, folder: Path) -> Shell:
    shell = Shell(folder / "person", {key: value for key, value in rig.env.items() if value})
    shell.here = rig.work.path
    return shell


def head(rig: JobRig) -> str:
    return rig.server.git("rev-parse", "refs/heads/task/T-1")


def test_reports_are_recorded_by_hand(rig: JobRig, tmp_path: Path) -> None:
    """The last word about a gate counts."""
    output = person(rig, tmp_path).series(GATES, "report", 1)
    assert output.count("recorded") == 3


def test_a_report_is_recorded_from_a_file(rig: JobRig, tmp_path: Path) -> None:
    """The file that the page shows, about the head of the branch."""
    text = (ROOT / GATES).read_text("utf-8")
    example = next(one["text"] for one in FENCE.finditer(text) if one["language"] == "markdown")
    rig.work.write("12-test-report.md", example.replace("0123456789abcdef0123456789abcdef01234567", head(rig)))
    assert "12-test-report.md recorded" in person(rig, tmp_path).series(GATES, "file", 1)
    assert "1 of 214 tests failed" in rig.ok("advance", "T-1", "--dry-run", code=1)


def test_a_sealed_report_is_recorded(rig: JobRig, tmp_path: Path) -> None:
    """Written beside the clone by the gate, and taken as it is."""
    rig.work.git("fetch", "--quiet", "origin")
    rig.work.git("checkout", "--quiet", "--force", "--detach", head(rig))
    assert "17-security-report.md recorded" in person(rig, tmp_path).series(GATES, "sealed", 1)


def test_the_schema_of_an_output_is_printed(tmp_path: Path) -> None:
    """The list names the one that is asked for next."""
    listed, schema = (Shell(tmp_path / name).run(line) for name, line in enumerated("docs/reference/json.md", "schema"))
    assert "task-list" in listed
    assert json.loads(schema)["$schema"]


def enumerated(page: str, series: str) -> list[tuple[str, str]]:
    (block,) = blocks(page, series)
    return [(str(number), line) for number, line in enumerate(block["script"].splitlines())]


def test_completion_is_written_where_shells_look(tmp_path: Path) -> None:
    """Into a new home, as a person has it."""
    home = tmp_path / "home"
    home.mkdir()
    Shell(tmp_path / "person", {"HOME": str(home)}).series("docs/reference/cli.md", "completion", 1)
    (block,) = blocks("docs/reference/cli.md", "completion")
    written = re.findall(r">~/(\S+)", block["script"])
    assert len(written) == 3
    assert all("orch-gates" in (home / path).read_text("utf-8") for path in written)


def test_a_registry_gets_its_login(tmp_path: Path) -> None:
    """Of names that are settings."""
    page = "docs/how-to/promote-the-tested-image.md"
    Shell(tmp_path, {"ORCH_REGISTRY_TOKEN": "given"}).series(page, "login", 1)
    (block,) = blocks(page, "login")
    settings = (ROOT / ".env.example").read_text("utf-8")
    for name in re.findall(r"[A-Z_]{5,}", block["script"]):
        assert f"\n{name}=" in settings
