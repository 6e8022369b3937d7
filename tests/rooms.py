"""Which modules of the program a push, an advance, a merge and a sweep run: `python -m tests.rooms`.

A module counts where one of its functions was called, not where it was only imported.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections import Counter
from pathlib import Path

from tests import merge_rig
from tests.builders import run

ROOT = Path(__file__).parents[1]
# All is imported before: what is called while a module is imported is not counted.
_TRACED = """\
import importlib, os, pkgutil, sys, threading
import orch_gates
for module in pkgutil.walk_packages(orch_gates.__path__, "orch_gates."):
    importlib.import_module(module.name)
from orch_gates.__main__ import main
seen = set()
def note(frame, event, argument):
    if event == "call":
        seen.add(frame.f_code.co_filename)
threading.setprofile(note)
sys.setprofile(note)
try:
    main()
finally:
    sys.setprofile(None)
    with open(os.environ["ROOMS_LOG"], "a") as log:
        log.writelines(f"{name}\\n" for name in seen)
"""


def main() -> None:
    """Print a table for the push of a branch, and for each command."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {
            "HOME": folder,
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            "PYTHONPATH": str(ROOT),
        }
        os.environ |= {
            f"GIT_{role}_{what}": "a@b.invalid" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
        }
        made = merge_rig.template(Path(folder, "made"), early=False)
        rig = merge_rig.copy(made, Path(folder, "rig"))
        log, program = Path(folder, "log"), Path(folder, "traced.py")
        program.write_text(_TRACED)
        rig.task("T-1", {"values/two": "2\n"})
        passed: dict[str, set[str]] = {}

        hook = rig.server.path / "hooks" / "pre-receive"
        untraced = hook.read_text()
        hook.write_text(f"#!/bin/sh\nROOMS_LOG='{log}' exec '{sys.executable}' '{program}' hook pre-receive\n")
        rig.work.env = {}
        rig.branch("task/T-2", {"values/three": "3\n"})
        passed["push"] = _modules(log)
        hook.write_text(untraced)
        for name, args in {
            "advance": ["advance", "T-1"],
            "merge": ["merge", "--task", "T-1"],
            "sweep": ["sweep"],
        }.items():
            env = {**rig.env, "ROOMS_LOG": str(log)}
            done = run(sys.executable, program, *args, cwd=rig.work.path, env=env)
            if done.returncode not in {0, 1, 75}:
                raise SystemExit(done.stderr.decode())
            passed[name] = _modules(log)
    for name, modules in passed.items():
        rooms = Counter(module.split("/")[0] for module in modules).most_common()
        print(f"{name}: {len(modules)} modules in {len(rooms)} rooms:", ", ".join(f"{r} {n}" for r, n in rooms))


def _modules(log: Path) -> set[str]:
    """The modules in a log, which is emptied."""
    package = f"{ROOT / 'orch_gates'}/"
    found = {line.removeprefix(package) for line in log.read_text().splitlines() if line.startswith(package)}
    log.write_text("")
    return found


if __name__ == "__main__":
    main()
