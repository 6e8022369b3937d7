"""What the parts of `orch-gates demo` share: a folder to work in, commands run there, claims that are checked."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from orch_gates import process
from orch_gates.cli.boundary import say
from orch_gates.errors import OrchError
from orch_gates.process import Completed
from orch_gates.scanners.matcher import canary
from orch_gates.settings import Settings

_TIMEOUT_S = 120


@dataclass(frozen=True, slots=True)
class Bench:
    """A throw-away folder with a server and a clone; `scanner` finds and makes the keys of the demo."""

    settings: Settings
    root: Path

    def git(self, *args: str, inside: str = "") -> str:
        """Run `git ARGS`, which has to succeed; its output.

        Raises:
            OrchError: it did not.
        """
        done = self.run(["git", *args], inside=inside)
        if done.returncode != 0:
            raise OrchError(f"the demo stopped: git {args[0]} failed: {done.complaint}")
        return done.stdout.decode().strip()

    def run(self, argv: list[str], *, inside: str, env: Mapping[str, str] | None = None) -> Completed:
        """Run a command in a folder of the demo, whatever comes of it."""
        return process.run(argv, env={**self.env(), **(env or {})}, timeout=_TIMEOUT_S, cwd=self.root / inside)

    def push(self, branch: str = "main") -> Completed:
        """Push a branch of the clone, and show what git said."""
        say(f"  $ git push origin {branch}\n")
        pushed = self.run(["git", "push", "origin", branch], inside="clone")
        say(self.indented(text(pushed)))
        return pushed

    def commit(self, name: str, content: str, *args: str) -> None:
        """Commit a file of the clone."""
        (self.root / "clone" / name).write_text(content, "utf-8")
        self.git("add", name, inside="clone")
        self.git("commit", "--quiet", *args, inside="clone")

    def orch(self, *args: str) -> Completed:
        """Run `orch-gates ARGS` in the clone as a person does, and show what it says."""
        say(f"  $ orch-gates {' '.join(arg if ' ' not in arg else repr(arg) for arg in args)}\n")
        done = self.run([sys.executable, "-m", "orch_gates", *args], inside="clone", env=self.forge_env())
        say(self.indented(text(done)))
        return done

    def forge_env(self) -> Mapping[str, str]:
        """The server's bare repository is the forge."""
        return {"ORCH_FORGE": "local", "ORCH_FORGE_URL": str(self.root / "server.git")}

    def head(self) -> str:
        """The clone's commit."""
        return self.git("rev-parse", "HEAD", inside="clone")

    def on_server(self) -> str:
        """The commit of the server's main."""
        return self.git("rev-parse", "refs/heads/main", inside="server.git")

    def key(self) -> str:
        """A random key that the scanner knows for one."""
        return canary().decode("ascii")

    def indented(self, shown: str) -> str:
        """Text of another program, without the name of the folder."""
        lines = shown.replace(f"{self.root}/", "").splitlines()
        return "".join(f"    {line.rstrip()}\n" for line in lines)

    def env(self) -> Mapping[str, str]:
        """Nothing of this machine's git configuration or CI run, and a made-up committer."""
        kept = ("PATH", "PYTHONPATH", "TMPDIR", "ORCH_GITLEAKS_BIN", "ORCH_SECURITY_ENGINE")
        inherited = self.settings.inherited_env
        env = {name: inherited[name] for name in kept if name in inherited}
        if self.settings.tools.cache_dir is not None:
            env["ORCH_CACHE_DIR"] = str(self.settings.tools.cache_dir.absolute())
        env |= {"HOME": str(self.root), "LC_ALL": "C", "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}
        for role in ("AUTHOR", "COMMITTER"):
            env |= {f"GIT_{role}_NAME": "Demo", f"GIT_{role}_EMAIL": "demo@example.invalid"}
        return env


def step(number: int, title: str) -> None:
    """Begin a step."""
    say(f"\n{number}. {title}\n")


def expect(held: bool, claim: str) -> None:
    """Claim something, and stop where it is not so.

    Raises:
        OrchError: it is not.
    """
    if not held:
        raise OrchError(f"the demo stopped, because this did not happen: {claim}")
    say(f"  -> {claim}\n")


def text(done: Completed) -> str:
    """All that a command printed."""
    return (done.stdout + done.stderr).decode("utf-8", "replace")
