"""A person who follows a tutorial on a real Gitea, and types what it says."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from tests.blocks import BLOCK, ROOT, Shell, exported, shown
from tests.e2e.gitea import Gitea


class Person:
    """Alice, whose git knows her token; she exports what the tutorial tells her to."""

    def __init__(self, gitea: Gitea, folder: Path, tutorial: str, scopes: Sequence[str], **exports: str) -> None:
        owner = gitea.alice
        credentials, config = folder / "credentials", folder / "gitconfig"
        for path in (credentials, config):
            path.touch(0o600)
        credentials.write_text(gitea.url.replace("://", f"://{owner.name}:{owner.token}@") + "\n")
        config.write_text(f"[credential]\n\thelper = store --file={credentials}\n")
        self.tutorial = tutorial
        self.token = gitea.token(owner, list(scopes))
        person = {"ORCH_FORGE_URL": gitea.url, "OWNER": owner.name, "ORCH_FORGE_TOKEN": self.token, **exports}
        self.text = (ROOT / tutorial).read_text("utf-8")
        assert set(exported(tutorial)) == set(person)
        self._config = config
        self._shell = Shell(
            folder, {**person, "GIT_CONFIG_GLOBAL": str(config), "ORCH_CACHE_DIR": str(folder / "cache")}
        )

    def follow(self, name: str, count: int) -> str:
        """Run every block, which are so many; what the tutorial shows was said, and no token was."""
        output = self._shell.series(self.tutorial, name, count)
        for block in shown(self.tutorial):
            assert _without_ids(block) in _without_ids(output), f"{block}\n{output}"
        assert self.token not in output
        assert len(BLOCK.findall(self.text)) == self.text.count("<!-- run:")
        return output

    def copy(self, name: str, url: str, source: Path) -> str:
        """Run a block that copies from a url of others, with this repository in its place."""
        with self._config.open("a") as config:
            config.write(f'[url "file://{source}"]\n\tinsteadOf = {url}\n')
        self._shell.here = self._shell.root / "scratch"
        return self._shell.series(self.tutorial, name, 1)


def _without_ids(text: str) -> str:
    return " ".join(re.sub(r"\b[0-9a-f]{10}\b", "ID", text).split())
