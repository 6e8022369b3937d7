"""The commands that documents show are run as written.

A block marked `<!-- run: NAME -->` is run in the series of that name, `<!-- run: NAME, exit N -->` must end with that
exit code. A series has a scratch directory, and each block starts where the last one ended.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[1]
BLOCK = re.compile(r"<!-- run: (?P<name>[a-z]+)(?:, exit (?P<code>\d+))? -->\n```sh\n(?P<script>.*?)^```$", re.S | re.M)
SHOWN = re.compile(r"^```text\n(.*?)^```$", re.S | re.M)
PROGRAM = Path(sys.executable).with_name("orch-gates")


@dataclass
class Shell:
    """Runs blocks as a person would type them, one after the other; `env` is what that person has exported."""

    root: Path
    env: Mapping[str, str] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        self.state = self.root / "state"
        self.here = self.root / "scratch"
        self.here.mkdir(parents=True)

    def run(self, script: str, code: int = 0) -> str:
        path = self.env.get("PATH", os.environ["PATH"])
        known = {"PATH": f"{PROGRAM.parent}{os.pathsep}{path}", "STATE": str(self.state)}
        wrapped = f"trap 'pwd > \"$STATE\"' EXIT\n{script}"
        done = subprocess.run(
            ["bash", "-eu", "-o", "pipefail", "-c", wrapped],
            cwd=self.here,
            env={**os.environ, **self.env, **known},
            capture_output=True,
            text=True,
            # Longer than a document's own waits, which say what they wait for.
            timeout=600,
            check=False,
        )
        said = done.stdout + done.stderr
        assert done.returncode == code, f"{script}\n{said}"
        self.here = Path(self.state.read_text().strip())
        return said

    def series(self, document: str, name: str, count: int) -> str:
        """Run the blocks of a series, which are so many; answers all that they said."""
        found = blocks(document, name)
        assert len(found) == count
        return "\n".join(self.run(block["script"], int(block["code"] or 0)) for block in found)


def blocks(document: str, name: str) -> list[re.Match[str]]:
    return [found for found in BLOCK.finditer((ROOT / document).read_text("utf-8")) if found["name"] == name]


def shown(document: str) -> list[str]:
    """The outputs that a document shows."""
    return SHOWN.findall((ROOT / document).read_text("utf-8"))
