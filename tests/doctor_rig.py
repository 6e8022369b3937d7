"""What `orch-gates doctor` says, as a person or a program reads it."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.builders import Done, orch, run

Found = dict[str, Any]


def looked(folder: Path, *args: str, env: Mapping[str, str | None] | None = None) -> tuple[int, dict[str, Found]]:
    """The exit code, and what each check found, by its name."""
    done = orch("doctor", "--json", *args, cwd=folder, env=env)
    assert b"Traceback" not in done.stderr, done.stderr.decode()
    document = json.loads(done.stdout)
    assert document["exit_code"] == done.returncode
    return done.returncode, {one["name"]: one for one in document["checks"]}


def only(folder: Path, name: str, *args: str, env: Mapping[str, str | None] | None = None) -> Found:
    """What one check found; its exit code is that of its state."""
    code, found = looked(folder, "--only", name, *args, env=env)
    assert code == {"bad": 1, "unknown": 2, "not used": 2}.get(found[name]["state"], 0)
    return found[name]


def follow(found: Found, folder: Path, env: Mapping[str, str | None] | None = None) -> Done:
    """Do what is said to mend it, as it is written."""
    argv = shlex.split(found["mend"].partition(" (")[0])
    done = orch(*argv[1:], cwd=folder, env=env) if argv[0] == "orch-gates" else run(*argv, cwd=folder, env=env)
    assert done.returncode == 0, (argv, done.stdout, done.stderr)
    return done
