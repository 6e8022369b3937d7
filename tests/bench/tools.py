"""The commands that are compared: our gate and hook, bare gitleaks, bare git."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bench import measure
from tests.bench.history import ENV, git

PROGRAM = Path(sys.executable).parent / "orch-gates"
_CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "orch-gates"
CACHE = Path(os.environ.get("ORCH_CACHE_DIR") or _CACHE)
# The audit of dependencies has nothing to do with the scan; the budgets are raised so that all sizes are judged.
OURS = {
    **ENV,
    "ORCH_CACHE_DIR": str(CACHE),
    "ORCH_SECURITY_DEP_AUDIT_ENABLED": "false",
    "ORCH_SECURITY_TIMEOUT_S": "900",
    "ORCH_SECURITY_MAX_BYTES": "300000000",
}


def gitleaks() -> str:
    found = shutil.which("gitleaks", path=f"{CACHE / 'bin'}:{ENV['PATH']}")
    if found is None:
        raise SystemExit("make bench compares with bare gitleaks, which is not here; run `make setup` where Go is")
    return found


@dataclass(frozen=True, slots=True)
class Range:
    repository: Path
    base: str
    head: str

    def bare(self, *, memory: bool = False) -> measure.Run:
        """Bare gitleaks with its own rules and defaults."""
        command = [gitleaks(), "git", "--no-banner", "--exit-code=0", f"--log-opts={self.base}..{self.head}"]
        return measure.run([*command, str(self.repository)], ENV, memory=memory)

    def ours(self, *, memory: bool = False, engine: str = "") -> measure.Run:
        """Our gate, with the engine that it takes by itself or a named one; only a scan that is proven counts."""
        command = [str(PROGRAM), "gate", "security", f"--base={self.base}", f"--head={self.head}", "--json"]
        env = {**OURS, **({"ORCH_SECURITY_ENGINE": engine} if engine else {})}
        done = measure.run([*command, f"--repo={self.repository}"], env, memory=memory)
        if not proven(done):
            raise RuntimeError(f"the gate did not judge: {done.stdout[-600:]!r} {done.stderr[-600:]!r}")
        return done

    def bare_findings(self) -> int:
        with tempfile.TemporaryDirectory() as directory:
            report = Path(directory) / "report.json"
            command = [gitleaks(), "git", "--no-banner", "--exit-code=0", f"--log-opts={self.base}..{self.head}"]
            measure.run([*command, f"--report-path={report}", str(self.repository)], ENV)
            return len(json.loads(report.read_bytes()))

    def our_findings(self, engine: str) -> int:
        return len(json.loads(self.ours(engine=engine).stdout)["findings"])


def proven(done: measure.Run) -> bool:
    """Whether the verdict rests on a whole scan, and not on a refusal that took no time."""
    try:
        evidence: dict[str, Any] = json.loads(done.stdout)["evidence"]
    except (ValueError, KeyError):
        return False
    return bool(evidence.get("canaries_found")) and evidence["canaries_found"] == evidence["canaries_expected"]


@dataclass(frozen=True, slots=True)
class Push:
    """A push of `refspecs` from a clone to a fresh copy of a server's repository."""

    clone: Path
    server: Path
    refspecs: tuple[str, ...]

    def seconds(self) -> float:
        return self.run().seconds

    def run(self, *, memory: bool = False) -> measure.Run:
        with tempfile.TemporaryDirectory() as directory:
            copy = Path(directory) / "server.git"
            shutil.copytree(self.server, copy)
            command = ["git", "-C", str(self.clone), "push", "--quiet", str(copy), *self.refspecs]
            done = measure.run(command, OURS, memory=memory)
            if done.returncode != 0:
                raise RuntimeError(f"the push was refused: {done.stderr[-600:]!r}")
            return done


def server(directory: Path, source: Path, tip: str, *, hooked: bool) -> Path:
    """A bare repository with `tip` of `source` as its main branch, and with our hook or without."""
    subprocess.run(["git", "init", "--quiet", "--bare", "-b", "main", str(directory)], env=ENV, check=True)
    git(source, "push", "--quiet", str(directory), f"{tip}:refs/heads/main")
    git(directory, "repack", "-adq")
    if hooked:
        done = measure.run([str(PROGRAM), "hook", "install", str(directory)], OURS)
        if done.returncode != 0:
            raise RuntimeError(f"the hook could not be installed: {done.stderr!r}")
    return directory
