"""The recording in the README: real commands in a scratch repository, as an asciicast and an SVG.

`python -m scripts.recording` makes both anew. What was printed is kept as it was; only the pauses are set here.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from scripts.cast_svg import COLUMNS, ROWS, Event, svg

FOLDER = Path(__file__).parent.parent / "docs" / "recording"
CAST, PICTURE = FOLDER / "demo.cast", FOLDER / "demo.svg"
TITLE = "orch-gates: a leaked key is refused; two green branches, and a main that stays green"
PROMPT = "$ "
# A command, its exit code, and for how many seconds its output is left alone.
SCENE: list[tuple[str, int, float]] = [
    ("# config.py holds a key. The server has the hook.", 0, 1.2),
    ('git commit --quiet -m "Add the configuration" && git push origin feature', 1, 6.0),
    ("# T-1 renames a function, T-2 calls it. Each is green by itself.", 0, 1.6),
    ("orch-gates merge --task T-1", 0, 3.5),
    ("orch-gates merge --task T-2", 1, 5.0),
    ("git fetch --quiet && git log --graph --oneline origin/main", 0, 2.0),
]
TYPED_S, TIMEOUT_S = 0.4, 120
_PERSON = {f"GIT_{role}_{what}": name for role in ("AUTHOR", "COMMITTER") for what, name in [
    ("NAME", "Ann"), ("EMAIL", "ann@example.org")
]}  # fmt: skip
_FORGE = {"ORCH_FORGE": "local", "ORCH_FORGE_URL": "../app.git"}
_GIT = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}


def run(script: str, folder: Path, code: int) -> str:
    """What a script prints, which has to end with a code."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-eu", "-c", f"exec 2>&1\n{script}"],
        cwd=folder,
        env={**os.environ, **_PERSON, **_FORGE, **_GIT, "PATH": path},
        stdout=subprocess.PIPE,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    if done.returncode != code:
        raise SystemExit(f"{script}\nended with {done.returncode} and not with {code}:\n{done.stdout}")
    return done.stdout


def record(root: Path) -> list[Event]:
    """Play the scene in an empty folder; what appears, and when."""
    run((FOLDER / "prepare.sh").read_text("utf-8"), root, 0)
    events, now = [], 0.0
    for command, code, rest in SCENE:
        events.append(Event(round(now, 1), f"{PROMPT}{command}\n"))
        now += TYPED_S
        if said := run(command, root / "app", code):
            events.append(Event(round(now, 1), said))
        now += rest
    return [*events, Event(round(now, 1), PROMPT)]


def cast(events: list[Event]) -> str:
    """The events as an asciicast, version 2."""
    header = {"version": 2, "width": COLUMNS, "height": ROWS, "title": TITLE}
    rows = [header, *([event.at, "o", event.text.replace("\n", "\r\n")] for event in events)]
    return "".join(f"{json.dumps(row)}\n" for row in rows)


def read(text: str) -> list[Event]:
    """The events of an asciicast."""
    return [Event(at, said.replace("\r\n", "\n")) for at, _, said in map(json.loads, text.splitlines()[1:])]


def without_ids(events: list[Event]) -> str:
    """What appears, but for what differs each time: ids, and where a Python puts its carets."""
    text = re.sub(r"\b[0-9a-f]{7,40}\b", "ID", "".join(event.text for event in events))
    return "\n".join(line.rstrip() for line in text.splitlines() if not re.fullmatch(r"[| ~^]*\^[| ~^]*", line))


def main() -> None:
    """Record the scene, and draw it."""
    with tempfile.TemporaryDirectory() as folder:
        events = record(Path(folder))
    CAST.write_text(cast(events), "utf-8")
    PICTURE.write_text(svg(events, TITLE), "utf-8")


if __name__ == "__main__":
    main()
