"""Finding a scanner and learning by behaviour, not by version, whether it can be used (SEC-6)."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from orch_gates.errors import ScannerError
from orch_gates.scanners import gitleaks, kingfisher
from orch_gates.scanners.port import Engine, SecretScanner
from orch_gates.settings import Tools

MISSING = (
    "no secret scanner was found, so nothing can be proven; "
    "run `orch-gates setup`, or name one with ORCH_GITLEAKS_BIN or ORCH_KINGFISHER_BIN"
)


def find_scanner(choice: str, tools: Tools, env: Mapping[str, str]) -> SecretScanner:
    """The engine to use: gitleaks where there is one, else kingfisher; or the one that was chosen.

    Raises:
        ScannerError: there is none, or the chosen one is missing.
    """
    path = find_gitleaks(tools, env) if choice in {"auto", "gitleaks"} else None
    if path is not None:
        return gitleaks.Gitleaks(Engine("gitleaks", str(path), gitleaks.CONFIG), env)
    path = find_kingfisher(tools, env) if choice in {"auto", "kingfisher"} else None
    if path is not None:
        engine = Engine("kingfisher", str(path), None)
        return kingfisher.Kingfisher(engine, env, rule_cache(tools))
    if choice == "auto":
        raise ScannerError(MISSING)
    raise ScannerError(f"ORCH_SECURITY_ENGINE={choice}, but {choice} was not found; run `orch-gates setup`")


def find_gitleaks(tools: Tools, env: Mapping[str, str]) -> Path | None:
    """The named binary, else the one `orch-gates setup` made, else the one on PATH.

    Raises:
        ScannerError: a binary is named and is not there.
    """
    return _find("gitleaks", tools.gitleaks, tools.cache_dir, env)


def find_kingfisher(tools: Tools, env: Mapping[str, str]) -> Path | None:
    """The named binary, else the wheel's, else the one on PATH.

    Raises:
        ScannerError: a binary is named and is not there.
    """
    return _find("kingfisher", tools.kingfisher, tools.cache_dir, env)


def find_pip_audit(tools: Tools, env: Mapping[str, str]) -> str:
    """The named program, else the one beside this Python, else the one on PATH; empty if none."""
    if tools.pip_audit:
        return tools.pip_audit
    beside = shutil.which("pip-audit", path=str(Path(sys.executable).parent))
    return beside or shutil.which("pip-audit", path=env.get("PATH", "")) or ""


def rule_cache(tools: Tools) -> Path | None:
    """Where kingfisher keeps its compiled rules; None costs seconds in each run.

    `orch-gates setup` makes the folder beside the program, which a server's user can read.
    """
    beside = Path(sys.prefix) / "var" / "orch-gates" / "kingfisher"
    if beside.is_dir() or tools.cache_dir is None:
        return beside if beside.is_dir() else None
    own = tools.cache_dir / "kingfisher"
    try:
        own.mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    return own


def _find(name: str, named: str, cache_dir: Path | None, env: Mapping[str, str]) -> Path | None:
    if named:
        if shutil.which(named) is None:
            raise ScannerError(f"ORCH_{name.upper()}_BIN={named} is not an executable file")
        return Path(named)
    places = [Path(sys.executable).parent, Path(sys.prefix) / "var" / "orch-gates" / "bin"]
    if cache_dir is not None:
        places.append(cache_dir / "bin")
    for place in places:
        if found := shutil.which(name, path=str(place)):
            return _real_binary(name, Path(found))
    found = shutil.which(name, path=env.get("PATH", ""))
    return _real_binary(name, Path(found)) if found else None


def _real_binary(name: str, found: Path) -> Path:
    """The wheel's binary itself: its Python launcher would start a second interpreter."""
    if name == "kingfisher":
        for binary in found.parent.parent.glob("lib/python3*/site-packages/kingfisher/bin/kingfisher"):
            return binary
    return found
