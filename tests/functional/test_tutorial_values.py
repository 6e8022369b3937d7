"""What tutorials ask people to say about their own server is exported by the commands as written (DOC-1)."""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest

from tests.blocks import Shell, blocks, exported

PAGES = ["docs/tutorials/l0-gitea.md", "docs/tutorials/l1-merge-gate.md", "docs/tutorials/l1-merge-queue.md"]
PAGES += ["docs/tutorials/l2-pipeline.md", "docs/tutorials/l2-deploy.md"]


@pytest.mark.parametrize("page", PAGES)
def test_values_are_exported(page: str, tmp_path: Path) -> None:
    """A token is typed, never shown, and in the environment of what follows."""
    token = secrets.token_hex(20)
    (own,) = blocks(page, "own")
    shell = Shell(tmp_path)
    output = shell.run(f"{own['script']}\nenv >values", typed=f"{token}\n")
    values = dict(line.split("=", 1) for line in (shell.here / "values").read_text().splitlines() if "=" in line)
    assert token not in output
    assert all(values[name] for name in exported(page))
    assert ("ORCH_FORGE_TOKEN" in exported(page)) == (values.get("ORCH_FORGE_TOKEN") == token)
