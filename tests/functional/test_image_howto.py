"""The commands of the how-to for images are run as written, with Debian's registry."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import image_rig as rig
from tests.blocks import Shell, blocks, shown
from tests.builders import Repo

PAGE = "docs/how-to/promote-the-tested-image.md"

pytestmark = pytest.mark.slow


def told(text: str) -> list[str]:
    """What was said, without what differs from run to run and where lines are broken."""
    plain = re.sub(r"\b[0-9a-f]{10,64}\b", "ID", re.sub(r"127\.0\.0\.1:\d+/acme/app", "IMAGE", text))
    return plain.split()


def test_the_tested_image_is_proven_and_promoted(
    pair: tuple[Repo, Repo], real: Callable[[str], Path], tmp_path: Path
) -> None:
    """From the proof to the way back, as a new user would follow it (DOC-1, IMG-1)."""
    _, work = pair
    commit, older = work.git("rev-parse", "HEAD"), work.git("rev-parse", "HEAD~1")
    with rig.debian(real("docker-registry"), tmp_path / "registry") as client:
        base = rig.image({rig.REVISION: "of the base"}, content=("base",))
        labels = {rig.REVISION: commit, rig.TREE: work.git("rev-parse", "HEAD^{tree}")}
        parts = [rig.image(labels, content=("base", "mine"), platform=name) for name in ("linux/amd64", "linux/arm64")]
        client.push("acme/app", base, "base")
        client.push("acme/app", rig.image({rig.REVISION: older}), "old")
        digest = client.push("acme/app", rig.index(*parts, rig.attestation(parts[0])), "staging")
        env = {"IMAGE": f"{client.host}/acme/app", "DIGEST": digest}
        env |= {"ORCH_REGISTRY_USER": client.user, "ORCH_REGISTRY_TOKEN": client.secret}
        shell = Shell(tmp_path / "person", env)
        shell.here = work.path
        scripts = [(block["script"], int(block["code"] or 0)) for block in blocks(PAGE, "image")]
        assert len(scripts) == 6
        proof, read, stale, promoted, back, based = (shell.run(script, code) for script, code in scripts)
        assert told(proof) == told(shown(PAGE)[0])
        assert (read, based) == ("", "")
        assert "the image is stale" in stale
        assert "production" in promoted
        assert f"Already tagged: {client.host}/acme/app:production" in back
        for tag in ("production", "rollback", f"rev-{commit}"):
            assert client.leads_to("acme/app", tag) == digest
        assert client.secret not in "".join((proof, stale, promoted, back))
