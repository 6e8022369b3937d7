"""The commands of the how-to for watches are run as written (DOC-1, WCH-1)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from orch_gates.config.parse import parse
from tests import watch_rig
from tests.blocks import BLOCK, ROOT, Shell

PAGE = "docs/how-to/watch-a-deploy.md"
TEXT = (ROOT / PAGE).read_text("utf-8")

pytestmark = pytest.mark.slow


def test_the_page_is_followed(tmp_path: Path) -> None:
    """Deployed and verified, an alert-only deploy that is stopped, and a rollback by hand."""
    with watch_rig.production() as served:
        rig = watch_rig.copy(watch_rig.template(tmp_path / "made", served.url, 8), tmp_path / "project", served)
        rig.new("T-3")
        rig.work.write("deploy.sh", "#!/bin/sh\nexit 0\n")
        (rig.work.path / "deploy.sh").chmod(0o755)
        shell = Shell(rig.folder / "person", {key: value for key, value in rig.env.items() if value})
        shell.here = rig.work.path
        for name in ("watch", "alert"):
            for block in BLOCK.finditer(TEXT):
                if block["name"] == name:
                    shell.run(block["script"])
            if name == "watch":
                verified = rig.environment()["verified"]
                assert verified["revision"] == rig.head("T-1")
        assert rig.over()["verdict"] == "STOPPED"
        rig.deploy("exit 0", task="T-3")
        (order,) = (block["script"] for block in BLOCK.finditer(TEXT) if block["name"] == "order")
        shell.run(order)
        assert rig.rolled == [rig.head("T-1")]
        verified = rig.environment()["verified"]
        yours = {"REVISION=REVISION": f"REVISION={verified['revision']}", "=DIGEST": f"={verified['digest']}"}
        shell.series(PAGE, "back", 1, {**yours, "--runs DEPLOY": f"--runs {verified['deploy']}"})
        assert rig.environment()["current"]["deploy"] == verified["deploy"]


def test_every_block_is_run() -> None:
    """No block is marked and left out."""
    assert {block["name"] for block in BLOCK.finditer(TEXT)} == {"watch", "alert", "order", "back"}


def test_the_configuration_that_it_shows_is_taken() -> None:
    """As it stands there, and in the reference."""
    for page in (TEXT, (ROOT / "docs/reference/configuration.md").read_text("utf-8")):
        (shown,) = (
            one for one in re.findall(r"^```yaml\n(.*?)^```$", page, re.S | re.M) if one.startswith("environments")
        )
        plan = parse(shown.encode()).environments["production"].watch
        assert plan is not None
        assert plan.probes
