"""`orch-gates demo`: a leaked key refused, main kept green, a merge queue, and a deploy that is rolled back."""

from __future__ import annotations

import re
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import click

from orch_gates.cli.boundary import exit_codes, say
from orch_gates.cli.demo import deploy, merge, queue
from orch_gates.cli.demo.bench import Bench, expect, step, text
from orch_gates.errors import OrchError
from orch_gates.hooks.server_hook.install import install
from orch_gates.process import Completed
from orch_gates.settings import load

_REFUSAL = "orch-gates: push refused: 1 secret found"
_CLEAN = "import os\n\nTOKEN = os.environ['DEPLOY_TOKEN']\n"
_FINDING = re.compile(r"finding ([0-9a-f]{12})")


@click.command()
def demo() -> None:
    """See a leaked key refused, main kept green, a merge queue, and a deploy that is watched and rolled back.

    Everything happens in a temporary directory that is removed at the end, without a network.
    Exit 0 means that every step went as it was told; each one is checked.

    \b
    Example:
      orch-gates demo
    """
    with exit_codes():
        try:
            with tempfile.TemporaryDirectory(prefix="orch-gates-demo-") as directory:
                _Demo(Bench(load(), Path(directory))).play()
        except KeyboardInterrupt:
            raise SystemExit(130) from None


@dataclass(frozen=True, slots=True)
class _Demo:
    bench: Bench

    def play(self) -> None:
        """Show every step.

        Raises:
            OrchError: one did not go as it was told.
        """
        self._install()
        self._clean_push()
        key, finding = self._leak()
        report = self._judge(key, finding)
        step(5, "The report that the gate wrote, whole:")
        say(self.bench.indented(report))
        self._mend()
        merge.play(self.bench, 7)
        queue.play(self.bench, 13)
        deploy.play(self.bench, 15)
        say("\nAll of this happened as described. The temporary directory is removed.\n")

    def _install(self) -> None:
        step(1, "A server: an empty bare repository, with the hook installed in it.")
        self.bench.git("init", "--quiet", "--bare", "--initial-branch=main", "server.git")
        say("  $ orch-gates hook install server.git\n")
        for line in install(self.bench.settings, self.bench.root / "server.git", gitea=False):
            say(self.bench.indented(line))

    def _clean_push(self) -> None:
        step(2, "A clean commit is pushed; it reads its token from the environment.")
        self.bench.git("init", "--quiet", "--initial-branch=main", "clone")
        self.bench.git("remote", "add", "origin", "../server.git", inside="clone")
        self._commit(_CLEAN, "-m", "Deploy with a token")
        expect(self.bench.push().returncode == 0, "the clean push was accepted")
        expect(self.bench.on_server() == self.bench.head(), "the commit is on the server")

    def _leak(self) -> tuple[str, str]:
        """Push a leaked key; gives the key and the id under which it was found."""
        key = self.bench.key()
        step(3, "The next commit holds a key (random, of the form of a GitHub token; masked here).")
        say(f'  deploy.py:3   TOKEN = "{key[:4]}{"*" * len(key[4:])}"\n')
        before = self.bench.on_server()
        self._commit(f'import os\n\nTOKEN = "{key}"\n', "-m", "Try it with a real key")
        pushed = self.bench.push()
        expect(pushed.returncode != 0 and _REFUSAL in text(pushed), "the push was refused")
        expect(key not in text(pushed), "the refusal does not repeat the key")
        expect(self.bench.on_server() == before, "the server's branch has not moved")
        gone = self.bench.run(["git", "cat-file", "-e", self.bench.head()], inside="server.git")
        expect(gone.returncode != 0, "the commit is not stored on the server")
        return key, _finding(pushed)

    def _judge(self, key: str, finding: str) -> str:
        """Judge the same commit on the command line; gives the report."""
        step(4, "The same commit, judged by the same gate on the command line, as CI does it.")
        say("  $ orch-gates gate security --base origin/main\n")
        report = self.bench.root / "17-security-report.md"
        gate = [sys.executable, "-m", "orch_gates", "gate", "security", "--base", "origin/main"]
        judged = self.bench.run([*gate, "--report", str(report)], inside="clone")
        say(self.bench.indented(text(judged)))
        expect(judged.returncode == 1, "exit code 1: failed")
        expect(_finding(judged) == finding, f"the finding is the one that the hook named, {finding}")
        stored = report.read_text("utf-8")
        expect(key not in text(judged) + stored, "neither the output nor the report holds the key")
        return stored

    def _mend(self) -> None:
        step(6, "The key is taken out of the commit (a real one is revoked first), and pushed again.")
        self._commit(_CLEAN + "print(len(TOKEN))\n", "--amend", "-m", "Print how long the token is")
        expect(self.bench.push().returncode == 0, "the push was accepted")
        expect(self.bench.on_server() == self.bench.head(), "the commit is on the server")

    def _commit(self, content: str, *args: str) -> None:
        self.bench.commit("deploy.py", content, *args)


def _finding(done: Completed) -> str:
    found = _FINDING.search(" ".join(text(done).replace("remote:", "").split()))
    if found is None:
        raise OrchError("the demo stopped: no finding was named")
    return found[1]
