"""Another user than root: an installation that this user can run, and folders that are this user's."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from orch_gates.scanners.rules import installed
from tests.builders import Done
from tests.conftest import CACHE, ROOT

UID = 54321
_VERSION = f"python{sys.version_info.major}.{sys.version_info.minor}"


@contextmanager
def folder() -> Iterator[Path]:
    """A folder that everybody may enter, which pytest's own are not."""
    made = Path(tempfile.mkdtemp())
    try:
        made.chmod(0o755)
        yield made
    finally:
        shutil.rmtree(made)


def give(path: Path) -> None:
    """Give a tree to that user."""
    for inner in (path, *path.rglob("*")):
        os.chown(inner, UID, UID, follow_symlinks=False)


def run(*argv: str | Path, cwd: Path, env: Mapping[str, str] | None = None) -> Done:
    """Run a program as that user, who has no home directory."""
    kept = {"PATH": os.environ["PATH"], "GIT_CONFIG_NOSYSTEM": "1", **(env or {})}
    return subprocess.run(
        [str(arg) for arg in argv],
        cwd=cwd,
        env=kept,
        user=UID,
        group=UID,
        extra_groups=[],
        capture_output=True,
        check=False,
        timeout=300,
    )


def install_program(prefix: Path) -> Path | None:
    """orch-gates where everybody can run it, as below /opt; None where no Python of this version can be."""
    packages = prefix / "lib" / _VERSION / "site-packages"
    packages.mkdir(parents=True)
    (packages / "all.pth").write_text(f"{ROOT}\n{sysconfig.get_path('purelib')}\n")
    rules = installed.ensure(CACHE)
    shutil.copytree(rules, prefix / "var" / "orch-gates" / rules.name)
    (prefix / "bin").mkdir()
    program = prefix / "bin" / "orch-gates"
    program.write_text(f"#!{prefix}/bin/python\nfrom orch_gates.__main__ import main\nmain()\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
    for python in (Path(sys.base_prefix, "bin", _VERSION).resolve(), Path("/usr/bin", _VERSION)):
        (prefix / "bin" / "python").unlink(missing_ok=True)
        (prefix / "bin" / "python").symlink_to(python)
        (prefix / "pyvenv.cfg").write_text(f"home = {python.parent}\n")
        try:
            if run(program, "--version", cwd=prefix).returncode == 0:
                return program
        except PermissionError:
            continue
    return None
