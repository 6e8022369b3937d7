"""`orch-gates demo`: a leaked key refused, shown step by step in a throw-away repository."""

from __future__ import annotations

import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

import click

from orch_gates.cli.boundary import exit_codes, say
from orch_gates.errors import OrchError
from orch_gates.process import Completed
from orch_gates.settings import Settings, load

_TIMEOUT_S = 50
_REFUSAL = "orch-gates: push refused: 1 secret found"
_CLEAN = "import os\n\nTOKEN = os.environ['DEPLOY_TOKEN']\n"
_FINDING = re.compile(r"finding ([0-9a-f]{12})")


@click.command()
def demo() -> None:
    """See a leaked key refused, in a throw-away repository.

    Everything happens in a temporary directory that is removed at the end, without a network.
    Exit 0 means that every step went as it was told; each one is checked.
    """
    with exit_codes():
        try:
            with tempfile.TemporaryDirectory(prefix="orch-gates-demo-") as directory:
                _Demo(load(), Path(directory)).play()
        except KeyboardInterrupt:
            raise SystemExit(130) from None


@dataclass(frozen=True, slots=True)
class _Demo:
    settings: Settings
    root: Path

    def play(self) -> None:
        """Show every step.

        Raises:
            OrchError: one did not go as it was told.
        """
        self._install()
        self._clean_push()
        key, finding = self._leak()
        report = self._judge(key, finding)
        _step(5, "The report that the gate wrote, whole:")
        say(_indented(report))
        self._mend()
        say("\nAll of this happened as described. The temporary directory is removed.\n")

    def _install(self) -> None:
        from orch_gates.hooks.install import install

        _step(1, "A server: an empty bare repository, with the hook installed in it.")
        self._git("init", "--quiet", "--bare", "--initial-branch=main", "server.git")
        say("  $ orch-gates hook install server.git\n")
        for line in install(self.settings, self.root / "server.git", gitea=False):
            say(_indented(line.replace(f"{self.root}/", "")))

    def _clean_push(self) -> None:
        _step(2, "A clean commit is pushed; it reads its token from the environment.")
        self._git("init", "--quiet", "--initial-branch=main", "clone")
        self._git("remote", "add", "origin", "../server.git", inside="clone")
        self._commit(_CLEAN, "-m", "Deploy with a token")
        _expect(self._push().returncode == 0, "the clean push was accepted")
        _expect(self._on_server() == self._head(), "the commit is on the server")

    def _leak(self) -> tuple[str, str]:
        """Push a leaked key; gives the key and the id under which it was found."""
        from orch_gates.scanners.locate import find_scanner

        scanner = find_scanner(self.settings.security.engine, self.settings.tools, self.settings.inherited_env)
        key = scanner.canary().decode("ascii")
        _step(3, "The next commit holds a key (random, of the form of a GitHub token; masked here).")
        say(f'  deploy.py:3   TOKEN = "{key[:4]}{"*" * len(key[4:])}"\n')
        before = self._on_server()
        self._commit(f'import os\n\nTOKEN = "{key}"\n', "-m", "Try it with a real key")
        pushed = self._push()
        _expect(pushed.returncode != 0 and _REFUSAL in _text(pushed), "the push was refused")
        _expect(key not in _text(pushed), "the refusal does not repeat the key")
        _expect(self._on_server() == before, "the server's branch has not moved")
        gone = self._run(["git", "cat-file", "-e", self._head()], inside="server.git")
        _expect(gone.returncode != 0, "the commit is not stored on the server")
        return key, _finding(pushed)

    def _judge(self, key: str, finding: str) -> str:
        """Judge the same commit on the command line; gives the report."""
        import sys

        _step(4, "The same commit, judged by the same gate on the command line, as CI does it.")
        say("  $ orch-gates gate security --base origin/main\n")
        report = self.root / "17-security-report.md"
        gate = [sys.executable, "-m", "orch_gates", "gate", "security", "--base", "origin/main"]
        judged = self._run([*gate, "--report", str(report)], inside="clone")
        say(_indented(_text(judged).replace(f"{self.root}/", "")))
        _expect(judged.returncode == 1, "exit code 1: failed")
        _expect(_finding(judged) == finding, f"the finding is the one that the hook named, {finding}")
        stored = report.read_text("utf-8")
        _expect(key not in _text(judged) + stored, "neither the output nor the report holds the key")
        return stored

    def _mend(self) -> None:
        _step(6, "The key is taken out of the commit (a real one is revoked first), and pushed again.")
        self._commit(_CLEAN + "print(len(TOKEN))\n", "--amend", "-m", "Print how long the token is")
        _expect(self._push().returncode == 0, "the push was accepted")
        _expect(self._on_server() == self._head(), "the commit is on the server")

    def _commit(self, content: str, *args: str) -> None:
        (self.root / "clone" / "deploy.py").write_text(content, "utf-8")
        self._git("add", "deploy.py", inside="clone")
        self._git("commit", "--quiet", *args, inside="clone")

    def _push(self) -> Completed:
        say("  $ git push origin main\n")
        pushed = self._run(["git", "push", "origin", "main"], inside="clone")
        say(_indented(_text(pushed).replace(f"{self.root}/", "")))
        return pushed

    def _head(self) -> str:
        return self._git("rev-parse", "HEAD", inside="clone")

    def _on_server(self) -> str:
        return self._git("rev-parse", "refs/heads/main", inside="server.git")

    def _git(self, *args: str, inside: str = "") -> str:
        done = self._run(["git", *args], inside=inside)
        if done.returncode != 0:
            raise OrchError(f"the demo stopped: git {args[0]} failed: {done.complaint}")
        return done.stdout.decode().strip()

    def _run(self, argv: list[str], *, inside: str) -> Completed:
        from orch_gates import process

        return process.run(argv, env=self._env(), timeout=_TIMEOUT_S, cwd=self.root / inside)

    def _env(self) -> dict[str, str]:
        """Nothing of this machine's git configuration or CI run, and a made-up committer."""
        kept = ("PATH", "TMPDIR", "ORCH_GITLEAKS_BIN", "ORCH_KINGFISHER_BIN", "ORCH_SECURITY_ENGINE")
        inherited = self.settings.inherited_env
        env = {name: inherited[name] for name in kept if name in inherited}
        if self.settings.tools.cache_dir is not None:
            env["ORCH_CACHE_DIR"] = str(self.settings.tools.cache_dir.absolute())
        env |= {"HOME": str(self.root), "LC_ALL": "C", "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}
        for role in ("AUTHOR", "COMMITTER"):
            env |= {f"GIT_{role}_NAME": "Demo", f"GIT_{role}_EMAIL": "demo@example.invalid"}
        return env


def _step(number: int, title: str) -> None:
    say(f"\n{number}. {title}\n")


def _expect(held: bool, claim: str) -> None:
    if not held:
        raise OrchError(f"the demo stopped: it is not true that {claim}")
    say(f"  -> {claim}\n")


def _finding(done: Completed) -> str:
    found = _FINDING.search(" ".join(_text(done).replace("remote:", "").split()))
    if found is None:
        raise OrchError("the demo stopped: no finding was named")
    return found[1]


def _text(done: Completed) -> str:
    return (done.stdout + done.stderr).decode("utf-8", "replace")


def _indented(text: str) -> str:
    return "".join(f"    {line.rstrip()}\n" for line in text.splitlines())
