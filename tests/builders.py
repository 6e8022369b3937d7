"""Real git repositories, real pushes, and tokens made at run time: what the other tests are built from."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import string
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests import published
from tests.zygote import Child, Zygote

PROGRAM = Path(sys.executable).parent / "orch-gates"
HOOK = Path("hooks", "pre-receive")
ENGINES = ("kingfisher", "gitleaks")
TIMEOUT_S = 300
_ZYGOTE = Zygote(PROGRAM)
_LETTERS = string.ascii_letters + string.digits

Done = subprocess.CompletedProcess[bytes]


def characters(count: int, alphabet: str = _LETTERS) -> str:
    """Random characters, with enough different ones for the engines' entropy limits."""
    while True:
        made = "".join(secrets.choice(alphabet) for _ in range(count))
        if len(set(made)) >= min(count, len(alphabet)) * 0.4:
            return made


def github_token() -> str:
    """A personal access token that nobody was ever given."""
    return "ghp_" + characters(36)


def aws_key_id() -> str:
    """An AWS access key id: 20 characters, as many as a SHA-1 has bytes."""
    return "AK" + "IA" + characters(16, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")


def _slack() -> str:
    return f"xoxb-{characters(12, '123456789')}-{characters(12, '123456789')}-{characters(24)}"


TOKENS: dict[str, Callable[[], str]] = {
    "GitHub": github_token,
    "Slack": _slack,
    "Stripe": lambda: "sk_" + "live_" + characters(24),
    "GitLab": lambda: "glpat-" + characters(20),
    "npm": lambda: "npm_" + characters(36),
    "GCP": lambda: "AI" + "za" + characters(35),
}


def private_key(folder: Path) -> str:
    """A new private key in PEM."""
    path = folder / "new-key"
    subprocess.run(
        ["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", str(path)],
        check=True,
        capture_output=True,
    )
    text = path.read_text()
    path.unlink()
    return text


def run(*argv: str | Path, cwd: Path, stdin: bytes = b"", env: Mapping[str, str | None] | None = None) -> Done:
    """Run a program to its end; a value of None takes a variable out of the environment."""
    changed = dict(os.environ) | dict(env or {})
    return subprocess.run(
        [str(arg) for arg in argv],
        cwd=cwd,
        input=stdin,
        env={name: value for name, value in changed.items() if value is not None},
        capture_output=True,
        check=False,
        timeout=TIMEOUT_S,
    )


def orch(*args: str | Path, cwd: Path, stdin: bytes = b"", env: Mapping[str, str | None] | None = None) -> Done:
    """Run `orch-gates`; JSON that it prints has to be as published."""
    changed = {name: value for name, value in (dict(os.environ) | dict(env or {})).items() if value is not None}
    done = _ZYGOTE.run([str(arg) for arg in args], str(cwd), stdin, changed, TIMEOUT_S)
    done = run(PROGRAM, *args, cwd=cwd, stdin=stdin, env=env) if done is None else done
    published.check([str(arg) for arg in args], done.stdout)
    return done


def answered(done: Done) -> dict[str, Any]:
    """What a command with `--json` says; of an error the reason."""
    output: dict[str, Any] = json.loads(done.stdout)
    return {"reason": output["error"]["message"]} if "error" in output else output


@dataclass(slots=True)
class Repo:
    """A repository on disk; `git` must succeed, `attempt` may fail."""

    path: Path
    env: dict[str, str | None] = field(default_factory=dict)

    def attempt(self, *args: str | Path, stdin: bytes = b"") -> Done:
        """Run `git ARGS`, whatever comes of it."""
        return run("git", *args, cwd=self.path, stdin=stdin, env=self.env)

    def git(self, *args: str | Path, stdin: bytes = b"") -> str:
        """Run `git ARGS`, which has to succeed; answers its output."""
        done = self.attempt(*args, stdin=stdin)
        if done.returncode:
            raise AssertionError(f"git {args} failed: {done.stderr.decode(errors='replace')}")
        return done.stdout.decode("utf-8", "surrogateescape").strip()

    def write(self, name: str | bytes, content: str | bytes) -> None:
        """Write a file of the work tree."""
        path = os.path.join(os.fsencode(self.path), os.fsencode(name))  # noqa: PTH118 - pathlib knows no bytes
        os.makedirs(os.path.dirname(path), exist_ok=True)  # noqa: PTH103, PTH120
        with open(path, "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)

    def commit(self, message: str = "a change", files: Mapping[str, str | bytes] | None = None) -> str:
        """Write files, commit everything and answer the id."""
        for name, content in (files or {}).items():
            self.write(name, content)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        return self.git("rev-parse", "HEAD")

    def object(self, kind: str, data: bytes) -> str:
        """Store any bytes as an object, well-formed or not."""
        return self.git("hash-object", "-t", kind, "-w", "--stdin", "--literally", stdin=data)

    def push(self, *refspecs: str) -> Done:
        """Push to the server."""
        return self.attempt("push", "--quiet", "origin", *(refspecs or ("HEAD",)))


def bare(path: Path, object_format: str = "sha1") -> Repo:
    """An empty bare repository with `main` as its default branch."""
    path.parent.mkdir(parents=True, exist_ok=True)
    run("git", "init", "--quiet", "--bare", f"--object-format={object_format}", "-b", "main", path, cwd=path.parent)
    return Repo(path)


def install_hook(server: Repo, engine: str) -> None:
    """Install the pre-receive hook as an administrator does."""
    done = orch("hook", "install", server.path, cwd=server.path, env={"ORCH_SECURITY_ENGINE": engine})
    if done.returncode:
        raise AssertionError(done.stderr.decode())


def loaded_program() -> Path:
    """`orch-gates` with its modules loaded, for those who have to name a program."""
    return _ZYGOTE.caller


def start_module(name: str, *args: str, cwd: Path, env: Mapping[str, str | None]) -> Child:
    """Start a process that calls the `main` of a module, with all modules of the program loaded."""
    changed = {key: value for key, value in {**os.environ, **env}.items() if value is not None}
    return _ZYGOTE.module(name, list(args), str(cwd), changed)


def load_hook_early(hook: Path, *, scans: bool = False) -> None:
    """Let an installed hook run `orch-gates` with its modules loaded; for tests of what is behind the hook.

    Where it `scans` it looks for secrets in every push too.
    """
    script = hook.read_text()
    call = f"exec '{PROGRAM}'"
    assert call in script
    skipped = "" if scans else "export ORCH_SECURITY_ENABLED='false'\n"
    hook.write_text(script.replace(call, f"{skipped}{call}").replace(f"'{PROGRAM}'", f"'{loaded_program()}'"))


def clone(server: Repo, path: Path) -> Repo:
    """A clone of the server's repository, empty or not."""
    # git clone takes an empty SHA-256 repository for a SHA-1 one.
    object_format = server.git("rev-parse", "--show-object-format")
    run("git", "init", "--quiet", f"--object-format={object_format}", "-b", "main", path, cwd=path.parent)
    made = Repo(path)
    made.git("remote", "add", "origin", str(server.path))
    made.git("fetch", "--quiet", "origin")
    if made.attempt("rev-parse", "--verify", "--quiet", "origin/main").returncode == 0:
        made.git("reset", "--quiet", "--hard", "origin/main")
    made.git("config", "gc.auto", "0")
    return made


def seed(server: Repo, work: Path) -> None:
    """Give a server its first commits, before there is a hook."""
    first = clone(server, work)
    first.commit("first", {"README.md": "# A project\n", "src/app.py": "".join(f"line_{n} = {n}\n" for n in range(60))})
    first.commit("second", {"settings.ini": "[service]\nname = demo\n"})
    first.git("push", "--quiet", "origin", "main")


@dataclass(slots=True)
class Template:
    """A seeded server with the hook proven once; each `pair` is a fresh copy with a clone of it."""

    folder: Path
    engine: str
    object_format: str = "sha1"

    def make(self) -> Template:
        """Build it."""
        server = bare(self.folder / "server.git", self.object_format)
        seed(server, self.folder / "seed")
        install_hook(server, self.engine)
        clone(server, self.folder / "work")
        return self

    def pair(self, folder: Path) -> tuple[Repo, Repo]:
        """A server and a clone of it that nobody else uses."""
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("server.git", "work"):
            shutil.copytree(self.folder / name, folder / name, symlinks=True)
        server, work = Repo(folder / "server.git"), Repo(folder / "work")
        work.git("remote", "set-url", "origin", str(server.path))
        return server, work
