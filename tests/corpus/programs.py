"""The programs that are compared, from outside: our gate and gitleaks with its own rules."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PROGRAM = Path(sys.executable).parent / "orch-gates"
_HOME_CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "orch-gates"
CACHE = Path(os.environ.get("ORCH_CACHE_DIR") or _HOME_CACHE)
PLAIN = {
    "PATH": os.environ["PATH"],
    "HOME": "/nonexistent",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    **{f"GIT_{role}_NAME": "A Tester" for role in ("AUTHOR", "COMMITTER")},
    **{f"GIT_{role}_EMAIL": "tester@example.invalid" for role in ("AUTHOR", "COMMITTER")},
}
# The audit of dependencies has nothing to do with the scan; the budgets are raised so that all sizes are judged.
OURS = {
    **PLAIN,
    **{name: value for name, value in os.environ.items() if name == "ORCH_SECURITY_ENGINE"},
    "ORCH_CACHE_DIR": str(CACHE),
    "ORCH_SECURITY_DEP_AUDIT_ENABLED": "false",
    "ORCH_SECURITY_TIMEOUT_S": "900",
    "ORCH_SECURITY_MAX_BYTES": "1000000000",
    "ORCH_SECURITY_MAX_OBJECT_BYTES": "200000000",
}


class NotJudged(RuntimeError):
    """A program gave no answer that counts."""


@dataclass(frozen=True, slots=True)
class Found:
    """A finding: its line, and the first and last line of what matched. `secret` is known of gitleaks' only."""

    path: str
    line: int
    first: int
    last: int
    commit: str
    rule: str
    secret: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Judged:
    """What our gate found, and the evidence; commits with more findings than a report holds are `clipped`."""

    found: list[Found]
    evidence: Mapping[str, Any]
    clipped: tuple[str, ...] = ()

    def engine(self) -> str:
        """The engine and its rules, for a page that has to say what was measured."""
        named = (f"{name} {self.evidence[name]}" for name in ("rules", "config_digest") if name in self.evidence)
        return ", ".join([str(self.evidence.get("engine", "unknown engine")), *named])


def gitleaks() -> Path | None:
    """Where gitleaks is, if it is anywhere."""
    found = shutil.which("gitleaks", path=f"{CACHE / 'bin'}{os.pathsep}{os.environ['PATH']}")
    return Path(found) if found else None


def gate(repository: Path, chain: Sequence[str]) -> Judged:
    """Our gate over `chain[0]..chain[-1]`; only a scan that is proven counts.

    A report holds a limited number of findings, so that a range with more is judged in halves of the chain.
    """
    found, evidence, clipped = _gate(repository, chain[0], chain[-1])
    if not clipped or len(chain) == 2:
        return Judged(found, evidence, (chain[-1],) if clipped else ())
    middle = len(chain) // 2
    halves = [gate(repository, chain[: middle + 1]), gate(repository, chain[middle:])]
    found, clipped_commits = [item for half in halves for item in half.found], [half.clipped for half in halves]
    return Judged(found, evidence, sum(clipped_commits, ()))


def _gate(repository: Path, base: str, head: str) -> tuple[list[Found], Mapping[str, Any], bool]:
    command: list[str | Path] = [
        PROGRAM,
        "gate",
        "security",
        f"--base={base}",
        f"--head={head}",
        "--json",
        f"--repo={repository}",
    ]
    # A report of its own for each run, as several run at once in one repository.
    with tempfile.TemporaryDirectory() as directory:
        done = _run([*command, f"--report={Path(directory, 'report.md')}"], OURS)
    answer = _proven(done.stdout)
    if answer is None:
        told = re.search(rb'"reason": "(.*)"', done.stdout)
        raise NotJudged(f"the gate did not judge: {(told[1] if told else done.stderr)[-400:]!r}")
    findings = answer["findings"]
    counted = re.match(r"(\d+) secrets? found", answer["reason"])
    clipped = len(findings) < int(counted[1]) if counted else len(findings) >= 25
    return [_ours(finding) for finding in findings], answer["evidence"], clipped


def _proven(stdout: bytes) -> dict[str, Any] | None:
    """The verdict, if it rests on a whole scan and is no refusal."""
    try:
        answer: dict[str, Any] = json.loads(stdout)
        evidence = answer["evidence"]
        return answer if evidence["canaries_found"] == evidence["canaries_expected"] > 0 else None
    except (ValueError, KeyError, TypeError):
        return None


def _ours(finding: Mapping[str, Any]) -> Found:
    line = finding.get("line") or 0
    return Found(finding.get("path") or "", line, line, line, finding.get("commit") or "", finding["rule"])


def gitleaks_git(program: Path, repository: Path, base: str, head: str) -> list[Found]:
    """`gitleaks git` over a range."""
    return _gitleaks(program, ["git", f"--log-opts={base}..{head}"], repository, repository)


def gitleaks_dir(program: Path, folder: Path) -> list[Found]:
    """`gitleaks dir` in a folder; paths are from that folder on."""
    return _gitleaks(program, ["dir"], folder, folder)


def _gitleaks(program: Path, options: list[str], target: Path, folder: Path) -> list[Found]:
    with tempfile.TemporaryDirectory() as directory:
        report = Path(directory, "report.json")
        command: list[str | Path] = [
            program,
            *options,
            "--no-banner",
            "--exit-code=0",
            f"--report-path={report}",
            target,
        ]
        done = _run(command, PLAIN)
        if done.returncode or not report.exists():
            raise NotJudged(f"gitleaks failed: {done.stderr[-600:]!r}")
        return [_theirs(finding, folder) for finding in json.loads(report.read_bytes())]


def _theirs(finding: Mapping[str, Any], folder: Path) -> Found:
    match, secret, first = finding["Match"], finding["Secret"], finding["StartLine"]
    # A match may begin lines before its secret, at the name that the secret is given to.
    line = first + max(match[: max(match.find(secret), 0)].count("\n"), 0)
    path = finding["File"].removeprefix(f"{folder}/")
    return Found(path, line, first, max(finding["EndLine"], line), finding["Commit"], finding["RuleID"], secret)


def masked(text: str, secret: str) -> str:
    """A line for people: enough of the secret to judge it by eye, not enough to use it."""
    start = secret.split("\n", maxsplit=1)[0].strip()
    shown = text.strip().replace(start, f"{start[:4]}…[{len(secret)}]") if len(start) > 8 else "…"
    return shown if len(shown) <= 160 else shown[:160] + "…"


def _run(command: list[str | Path], env: Mapping[str, str]) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([str(part) for part in command], env=dict(env), capture_output=True, check=False)


def git(repository: Path, *args: str) -> str:
    """A git command that has to succeed; answers what it said."""
    return git_bytes(repository, *args).decode("utf-8", "surrogateescape").strip()


def git_bytes(repository: Path, *args: str) -> bytes:
    """The same, as it came."""
    done = _run(["git", "-C", repository, *args], PLAIN)
    if done.returncode:
        raise NotJudged(f"git {args} failed: {done.stderr[-600:]!r}")
    return done.stdout
