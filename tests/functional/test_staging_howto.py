"""The commands of the how-to for a staging run are run as written, about a task T-1 (DOC-1, STG-1)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from orch_gates.gates.staging import infra
from tests import job_rig
from tests.blocks import BLOCK, ROOT, SHOWN, Shell
from tests.job_rig import CONFIG, JobRig

PAGE = "docs/how-to/judge-a-staging-run.md"
TEXT = (ROOT / PAGE).read_text("utf-8")
# What a runner of the reader's would do.
CHECKS = """#!/bin/sh
cat >"$2" <<'END'
<testsuites><testsuite name="s" tests="3" failures="1">
<testcase classname="staging.login" name="test_page"/><testcase classname="staging.login" name="test_form"/>
<testcase classname="staging.db" name="test_read">
<failure message="ConnectionRefusedError: [Errno 111] Connection refused"/></testcase>
</testsuite></testsuites>
END
exit 1
"""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> JobRig:
    folder = tmp_path_factory.mktemp("made")
    config = CONFIG.replace("gates: [tests-passed]", "gates: [staging-status]")
    return job_rig.copy(job_rig.template(folder, config=config), folder / "project")


def plain(text: str) -> str:
    """Without what differs from run to run."""
    return re.sub(r"\b[0-9a-f]{16}\b", "ID", text)


def test_a_run_is_judged_waived_and_recorded(rig: JobRig) -> None:
    """From the first red verdict to the task that moves on; what is shown is what is printed."""
    program = Path(rig.work.path / "checks")
    program.write_text(CHECKS)
    program.chmod(0o755)
    rig.work.git("switch", "--quiet", "task/T-1")
    shell = Shell(rig.folder / "person", {key: value for key, value in rig.env.items() if value})
    shell.here = rig.work.path
    found = [block for block in BLOCK.finditer(TEXT) if block["name"] == "staging"]
    output = [shell.run(block["script"], int(block["code"] or 0)) for block in found]
    red, green = SHOWN.findall(TEXT)
    assert plain(output[1]) == red
    assert plain(output[2]) == green
    assert rig.task()["stage"] == "review"


def test_every_block_is_run() -> None:
    """No block is marked and left out, and the page names the list's real place."""
    assert len(re.findall(r"<!-- run:", TEXT)) == 4
    assert infra.PATH in TEXT
