"""The tutorial of the merge gate is run as written, by a person on a real Gitea."""

from __future__ import annotations

import re
from pathlib import Path

from tests.blocks import BLOCK, ROOT, Shell, shown
from tests.builders import Repo
from tests.e2e.gitea import Gitea

TUTORIAL = "docs/tutorials/l1-merge-gate.md"


def without_ids(text: str) -> str:
    return " ".join(re.sub(r"\b[0-9a-f]{10}\b", "ID", text).split())


def test_the_tutorial_keeps_main_green(gitea: Gitea, tmp_path: Path) -> None:
    """Nothing but a tested merge moves main, and what is shown is what was said (DOC-1, MRG-5, MRG-6)."""
    owner = gitea.alice
    credentials, config = tmp_path / "credentials", tmp_path / "gitconfig"
    for path in (credentials, config):
        path.touch(0o600)
    credentials.write_text(gitea.url.replace("://", f"://{owner.name}:{owner.token}@") + "\n")
    config.write_text(f"[credential]\n\thelper = store --file={credentials}\n")
    person = {
        "ORCH_FORGE_URL": gitea.url,
        "OWNER": owner.name,
        "REPOSITORIES": str(gitea.repositories),
        "ORCH_FORGE_TOKEN": gitea.token(owner, ["write:repository", "write:user"]),
    }
    text = (ROOT / TUTORIAL).read_text("utf-8")
    assert set(re.findall(r"export (\w+)", text)) == set(person)
    shell = Shell(tmp_path, {**person, "GIT_CONFIG_GLOBAL": str(config), "ORCH_CACHE_DIR": str(tmp_path / "cache")})
    said = shell.series(TUTORIAL, "merge", 13)
    for block in shown(TUTORIAL):
        assert without_ids(block) in without_ids(said), f"{block}\n{said}"
    assert person["ORCH_FORGE_TOKEN"] not in said
    assert len(BLOCK.findall(text)) == text.count("<!-- run:")
    server = Repo(gitea.repositories / owner.name / "greet.git")
    merged = server.git("log", "--first-parent", "--format=%(trailers:key=Orch-Task,valueonly,separator=%x2C)", "main")
    assert merged.split() == ["T-2", "T-1"]
