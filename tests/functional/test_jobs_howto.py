"""The commands of the how-to for jobs are run as written, about a task T-1 in development."""

from __future__ import annotations

import re

import pytest

from tests import job_rig
from tests.blocks import BLOCK, ROOT, Shell
from tests.job_rig import CONFIG, JobRig

PAGE = "docs/how-to/run-jobs.md"
TEXT = (ROOT / PAGE).read_text("utf-8")

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> JobRig:
    folder = tmp_path_factory.mktemp("made")
    config = CONFIG.replace("gates: [tests-passed]", "gates: [ci-green]")
    return job_rig.copy(job_rig.template(folder, config=config), folder / "project")


def follow(rig: JobRig, name: str) -> list[str]:
    """Run the blocks of a series where a person would, in the clone; answers what each said."""
    shell = Shell(rig.folder / f"person-{name}", {key: value for key, value in rig.env.items() if value})
    shell.here = rig.work.path
    found = [block for block in BLOCK.finditer(TEXT) if block["name"] == name]
    return [shell.run(block["script"], int(block["code"] or 0)) for block in found]


def told(text: str) -> list[str]:
    """Lines without what differs from run to run, in an order that both streams have."""
    plain = re.sub(r"\d+ s$", "N s", re.sub(r"\b[0-9a-f]{10,16}\b", "ID", text), flags=re.M)
    return sorted(line for line in plain.splitlines() if line)


def test_the_work_is_run_looked_at_and_tried_again(rig: JobRig) -> None:
    """From the first run to a person's retry (DOC-1, JOB-1)."""
    first, second, looked = follow(rig, "jobs")
    (shown,) = re.findall(r"^```text\n(.*?)^```$", TEXT, re.S | re.M)
    assert told(first) == told(shown)
    assert "T-1: advance (now active in review)" in second
    assert re.search(r"^stage +review$", second, re.M)
    assert "no job runs or waits to run" in looked
    assert "10-ci-report.md recorded" in looked
    rig.new("T-2")
    rig.ok("task", "hold", "T-2", "--reason", "its work failed 3 times: run 3 failed (exit code 1)")
    retried = TEXT.replace("job retry T-1", "job retry T-2")
    script = next(block["script"] for block in BLOCK.finditer(retried) if block["name"] == "retry")
    dispatched = {**rig.env, "ORCH_DISPATCH_ENABLED": "true"}
    shell = Shell(rig.folder / "person", {key: value for key, value in dispatched.items() if value})
    shell.here = rig.work.path
    assert "run 1 (developer) started as command" in shell.run(script)


def test_every_block_is_run() -> None:
    """No block is marked and left out."""
    assert len(re.findall(r"<!-- run:", TEXT)) == 4
