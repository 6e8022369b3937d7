"""Which engine scans, and where it is; none replaces another by itself (SEC-6)."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from orch_gates.errors import ScannerError
from orch_gates.scanners.rules import installed
from orch_gates.settings import Tools

OWN = "kingfisher"


def ready(choice: str, tools: Tools, env: Mapping[str, str]) -> dict[str, str] | None:
    """As `engine`, for the engine that comes with orch-gates where its rules are there; else None."""
    if choice != OWN or installed.find(tools.cache_dir) is None:
        return None
    return engine(choice, tools, env)


def engine(choice: str, tools: Tools, env: Mapping[str, str]) -> dict[str, str]:
    """What a worker has to load for the engine that was chosen; rules that were never derived are made first.

    Raises:
        ScannerError: the engine is not there, or its rules cannot be made.
    """
    if choice == "gitleaks":
        binary = find_gitleaks(tools, env)
        if binary is None:
            raise ScannerError(
                "the engine chosen is gitleaks, which was not found; name it with ORCH_GITLEAKS_BIN, or choose the one "
                "that comes with orch-gates: ORCH_SECURITY_ENGINE=kingfisher, or security.engine in .orch-gates.yaml"
            )
        found = {"engine": "gitleaks", "binary": str(binary), "path": env.get("PATH", ""), "digest": _digest(binary)}
    else:
        folder = installed.ensure(tools.cache_dir)
        found = {"engine": OWN, "rules": str(folder), "cache": str(folder / installed.CACHE)}
    return {**found, "scratch": _scratch(env)}


def _scratch(env: Mapping[str, str]) -> str:
    """Where short-lived files go; without such a place, rules of another user are compiled for each push."""
    # A folder of a random name is made in it.
    places = [place for place in (env.get("TMPDIR"), "/tmp", "/var/tmp") if place]  # noqa: S108
    return next((place for place in places if os.access(place, os.W_OK | os.X_OK)), places[0])


def find_gitleaks(tools: Tools, env: Mapping[str, str]) -> Path | None:
    """The named binary, else the one that set-up made, else the one on PATH.

    Raises:
        ScannerError: a binary is named and is not there.
    """
    import shutil

    if tools.gitleaks:
        if shutil.which(tools.gitleaks) is None:
            raise ScannerError(f"ORCH_GITLEAKS_BIN={tools.gitleaks} is not an executable file")
        return Path(tools.gitleaks)
    for place in _places(tools, env):
        if found := shutil.which("gitleaks", path=place):
            return Path(found)
    return None


def find_pip_audit(tools: Tools, env: Mapping[str, str]) -> str:
    """The named program, else the one beside this Python, else the one on PATH; empty if none."""
    import shutil

    if tools.pip_audit:
        return tools.pip_audit
    beside = shutil.which("pip-audit", path=str(Path(sys.executable).parent))
    return beside or shutil.which("pip-audit", path=env.get("PATH", "")) or ""


def _places(tools: Tools, env: Mapping[str, str]) -> Iterator[str]:
    yield os.fspath(Path(sys.executable).parent)
    yield os.fspath(Path(sys.prefix) / "var" / "orch-gates" / "bin")
    if tools.cache_dir is not None:
        yield os.fspath(tools.cache_dir / "bin")
    yield env.get("PATH", "")


def _digest(binary: Path) -> str:
    import hashlib

    try:
        with binary.open("rb") as file:
            return "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ScannerError(f"{binary} cannot be read: {error.strerror}") from error
