"""What a release publishes: the actions and the package, as this checkout has them, committed or not."""

from __future__ import annotations

import shutil
from pathlib import Path

from scripts import house_rules
from tests.builders import Repo

PARTS = (
    *("action.yml", "actions", "orch_gates", "requirements", "pyproject.toml", "README.md", ".pre-commit-hooks.yaml"),
    *(".gitattributes", ".git_archival.txt"),
)


def publish(folder: Path) -> Repo:
    """Fill an empty folder with the bundle; answers the repository that it becomes, with one commit."""
    for source in house_rules.project_files():
        relative = source.relative_to(house_rules.ROOT)
        if relative.parts[0] in PARTS:
            (folder / relative).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, folder / relative)
    made = Repo(folder)
    made.git("init", "-q", "-b", "main")
    made.commit("the bundle")
    return made
