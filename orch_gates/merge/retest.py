"""Testing a tree with the configured command: in a credential-free export, bounded, and not twice (MRG-3)."""

from __future__ import annotations

import hashlib
import platform
import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from orch_gates import process
from orch_gates.errors import GitError, SettingsError
from orch_gates.git.cli import Git
from orch_gates.model.ids import moment, timestamp
from orch_gates.model.proven import MAX_PROVEN, Proven, ProvenTree
from orch_gates.model.task import Task
from orch_gates.variables.groups import MergeSettings

KEPT = 20_000
_ALWAYS = ("PATH", "LANG", "LC_ALL", "TZ", "SYSTEMROOT")
_SECRET = re.compile(
    r"ORCH_|GITHUB_|GITEA_|ACTIONS_|RUNNER_|FORGEJO_|SSH_|GIT_|.*(?:TOKEN|SECRET|PASSW|CREDENTIAL|_KEY)"
)


@dataclass(frozen=True, slots=True)
class Command:
    """What is run, for how long, how often when it is red, and the variables that it sees."""

    text: str
    timeout: float
    retries: int
    env: Mapping[str, str]

    def digest(self, tree: str, git_version: str) -> str:
        """What a green run of it on a tree is remembered by."""
        # Where programs are differs from runner to runner, and says nothing about which they are.
        env = (f"{name}={value}" for name, value in sorted(self.env.items()) if name != "PATH")
        about = [tree, self.text, git_version, *env]
        return hashlib.sha256("\0".join([*about, *_machine()]).encode("utf-8", "surrogateescape")).hexdigest()


@dataclass(frozen=True, slots=True)
class Tested:
    """What the runs of a command came to; `output` is the end of what the last one wrote."""

    green: bool
    runs: int
    reason: str
    output: str


def command(settings: MergeSettings, inherited: Mapping[str, str]) -> Command | None:
    """The configured command; None where none is, and statuses count.

    Raises:
        SettingsError: a variable is to be handed to it that may hold a credential.
    """
    if not settings.test:
        return None
    for name in settings.test_env:
        if _SECRET.match(name.upper()):
            raise SettingsError(
                f"ORCH_MERGE_TEST_ENV (merge.test_env) names {name}: the command runs the branch's own code, "
                "which gets no credentials; use a variable of another name"
            )
    names = (*_ALWAYS, *settings.test_env)
    env = {name: inherited[name] for name in names if name in inherited}
    return Command(settings.test, settings.test_timeout, settings.test_retries, env)


def run(git: Git, commit: str, wanted: Command) -> Tested:
    """Run the command on a commit's files until it is green, at most `retries` times more than once.

    Raises:
        GitError: the files could not be written.
        ProcessError: there is no shell.
    """
    results, tail = [], b""
    for number in range(1, wanted.retries + 2):
        done = _once(git, commit, wanted)
        tail = done.output
        results.append(_how(done, wanted))
        if done.returncode == 0 and not done.timed_out:
            earlier = f", after {', '.join(results[:-1])}" if number > 1 else ""
            return Tested(True, number, f"the test command passed{earlier}", _text(tail))
    more = f" ({len(results)} runs: {', '.join(results)})" if len(results) > 1 else ""
    return Tested(False, len(results), f"the test command {results[-1]}{more}", _text(tail))


def known(proven: Proven | None, digest: str, now: datetime) -> ProvenTree | None:
    """A green run that still counts."""
    trees = proven.trees if proven is not None else ()
    return next((one for one in trees if one.digest == digest and now < moment(one.expires)), None)


def remembered(
    proven: Proven | None, target: str, digest: str, tree: str, task: Task, now: datetime, days: int
) -> Proven:
    """The green runs with one more; those that expired are forgotten, and the oldest."""
    kept = [
        one
        for one in (proven.trees if proven is not None else ())
        if one.digest != digest and now < moment(one.expires)
    ]
    made = ProvenTree(
        digest=digest, tree=tree, task=task.id, tested=timestamp(now), expires=timestamp(now + timedelta(days=days))
    )
    return Proven(target=target, trees=tuple([*kept, made][-MAX_PROVEN:]))


def _once(git: Git, commit: str, wanted: Command) -> process.Tail:
    try:
        with tempfile.TemporaryDirectory(prefix="orch-gates-", ignore_cleanup_errors=True) as name:
            home, files = Path(name) / "home", Path(name) / "files"
            for folder in (home, files):
                folder.mkdir()
            export(git, commit, files, Path(name) / "index")
            env = {**wanted.env, "HOME": str(home), "TMPDIR": str(home), "CI": "true"}
            argv = ["sh", "-c", wanted.text]
            done = process.run_apart(argv, env=env, timeout=wanted.timeout, cwd=files, most=KEPT)
            # Where the files were is of no use to whoever reads it, and another one each time.
            return replace(done, output=done.output.replace(f"{files}/".encode(), b""))
    except OSError as error:
        raise GitError(f"cannot use a temporary folder to test in: {error}") from error


def export(git: Git, commit: str, folder: Path, index: Path) -> None:
    """Write a commit's files into a folder: no repository, no remote, no credential is beside them.

    Raises:
        GitError: git could not.
    """
    apart = git.with_env({"GIT_INDEX_FILE": str(index), "GIT_OPTIONAL_LOCKS": None})
    work = f"--work-tree={folder}"
    apart.read(work, "read-tree", commit)
    apart.read(work, "checkout-index", "--all", "--quiet", "--force")


def _how(done: process.Tail, wanted: Command) -> str:
    if done.timed_out:
        return f"did not finish within {wanted.timeout:.0f} s"
    if done.returncode < 0:
        return f"was ended by signal {-done.returncode}"
    return "passed" if done.returncode == 0 else f"failed with exit code {done.returncode}"


def _machine() -> Sequence[str]:
    return platform.system(), platform.machine()


def _text(output: bytes) -> str:
    return output.decode("utf-8", "replace")
