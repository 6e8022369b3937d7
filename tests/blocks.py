"""The commands that documents show are run as written.

A block marked `<!-- run: NAME -->` is run in the series of that name, `<!-- run: NAME, exit N -->` must end with that
exit code. A series has a scratch directory, and each block starts where the last one ended. `<!-- not run: REASON -->`
is for what no test can run; `tests/unit/test_doc_blocks.py` knows the reasons.
"""

from __future__ import annotations

import os
import re
import subprocess
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from tests.builders import PROGRAM, loaded_program

ROOT = Path(__file__).parents[1]
BLOCK = re.compile(r"<!-- run: (?P<name>[a-z]+)(?:, exit (?P<code>\d+))? -->\n```sh\n(?P<script>.*?)^```$", re.S | re.M)
FENCE = re.compile(r"^(?:<!-- (?P<mark>[^\n]*) -->\n)?```(?P<language>\w*)\n(?P<text>.*?)^```$", re.S | re.M)
SHOWN = re.compile(r"^```text\n(.*?)^```$", re.S | re.M)
HEAD = "name: shown\non: workflow_dispatch\npermissions: {}\nconcurrency:\n  group: shown\n"
RUNS_ON = "name: shown\nruns-on: ubuntu-latest\ntimeout-minutes: 5\n"
STEPS = "steps:\n  {}\n"


@dataclass
class Shell:
    """Runs blocks as a person would type them, one after the other; `env` is what that person has exported."""

    root: Path
    env: Mapping[str, str] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        self.state = self.root / "state"
        self.here = self.root / "scratch"
        self.here.mkdir(parents=True)

    def run(self, script: str, code: int = 0, typed: str = "") -> str:
        """What a script prints; `typed` is what it reads."""
        path = self.env.get("PATH", os.environ["PATH"])
        ready = [str(loaded_program().parent), str(PROGRAM.parent)]
        known = {"PATH": os.pathsep.join([*ready, path]), "STATE": str(self.state)}
        wrapped = f"trap 'pwd > \"$STATE\"' EXIT\n{script}"
        done = subprocess.run(
            ["bash", "-eu", "-o", "pipefail", "-c", wrapped],
            cwd=self.here,
            env={**os.environ, **self.env, **known},
            input=typed,
            capture_output=True,
            text=True,
            # Longer than a document's own waits, which say what they wait for.
            timeout=600,
            check=False,
        )
        output = done.stdout + done.stderr
        assert done.returncode == code, f"{script}\n{output}"
        self.here = Path(self.state.read_text().strip())
        return output

    def series(self, document: str, name: str, count: int, yours: Mapping[str, str] | None = None) -> str:
        """Run the blocks of a series, which are so many; answers all that they said.

        What a page says that it differs for everybody, a host or a folder, is replaced by `yours`.
        """
        found = blocks(document, name)
        assert len(found) == count
        output = []
        for block in found:
            script = block["script"]
            for old, new in (yours or {}).items():
                script = script.replace(old, new)
            output.append(self.run(script, int(block["code"] or 0)))
        for old in yours or {}:
            assert any(old in block["script"] for block in found), old
        return "\n".join(output)


def blocks(document: str, name: str) -> list[re.Match[str]]:
    return [found for found in BLOCK.finditer((ROOT / document).read_text("utf-8")) if found["name"] == name]


def exported(document: str) -> list[str]:
    """The names that a tutorial asks for values of your own."""
    (own,) = blocks(document, "own")
    lines = re.findall(r"\bexport ([^#\n]*)", own["script"])
    return [word.partition("=")[0] for line in lines for word in line.split()]


def shown(document: str) -> list[str]:
    """The outputs that a document shows."""
    return SHOWN.findall((ROOT / document).read_text("utf-8"))


def workflow(text: str) -> str | None:
    """A workflow with the steps or the job that a page shows, or None where it shows neither."""
    shown = yaml.safe_load(text)
    match shown:
        case {"on": _, "jobs": _} | {True: _, "jobs": _}:  # YAML reads `on` as a boolean
            return text
        case {"jobs": {**jobs}} if all(isinstance(job, dict) for job in jobs.values()):
            rest = "".join(line for line in RUNS_ON.splitlines(keepends=True) if line.partition(":")[0] not in text)
            rest += "" if "steps:" in text else STEPS.format("- run: make")
            return HEAD + text + textwrap.indent(rest, "    ")
        case [{"run": _}] | [{"uses": _}]:
            steps = textwrap.indent(textwrap.dedent(text), "  ").lstrip()
            return HEAD + "jobs:\n  shown:\n" + textwrap.indent(RUNS_ON + STEPS.format(steps), "    ")
        case _:
            return None
