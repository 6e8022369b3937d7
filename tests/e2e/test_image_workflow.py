"""The workflow that promotes an image, run as written by Gitea's own runner, with Gitea's own registry (IMG-1)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests import image_rig as rig
from tests.e2e.actions import Project
from tests.e2e.gitea import ROOT
from tests.e2e.repository import MAIN
from tests.image_rig import Client

EXAMPLE = (ROOT / "docs" / "examples" / "gitea-image.yml").read_text("utf-8")

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


def test_the_tested_image_gets_the_tag_of_production(project: Callable[..., Project], tmp_path: Path) -> None:
    """From the push of an image to the tag; an image of an older commit is red, and changes nothing."""
    made = project(EXAMPLE, {**MAIN, "old.txt": "old\n"})
    server = made.server
    host = server.url.partition("://")[2]
    old = made.repository.tip()
    # As a user edits the copy: the image, and whose token it is.
    workflow = EXAMPLE.replace("git.example.org/acme/app", f"{host}/alice/app").replace("deploy-bot", "alice")
    pinned = made.work.git("show", "HEAD:.gitea/workflows/ci.yml").partition("actions/image@")[2][:40]
    commit = made.push({".gitea/workflows/ci.yml": workflow.replace("0" * 40, pinned)})
    token = server.token(server.alice, ["write:package"])
    made.secret("ORCH_REGISTRY_TOKEN", token)
    client = Client(host, "alice", token)
    labels = {rig.REVISION: commit}
    digest = client.push(
        "alice/app", rig.index(rig.image(labels), rig.image(labels, platform="linux/arm64")), "staging"
    )
    stale = made.dispatch(tested=digest, revision=old)
    assert stale.ended() == "failure"
    assert "the image is stale" in stale.log("promote")
    assert client.leads_to("alice/app", "production") == ""
    run = made.dispatch(tested=digest, revision=commit)
    assert run.ended() == "success", run.log("promote")
    for tag in ("production", f"rev-{commit}"):
        assert client.leads_to("alice/app", tag) == digest
    assert token not in run.log("promote") + stale.log("promote")
