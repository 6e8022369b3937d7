"""Installing the pre-receive hook, and proving with a push that it refuses."""

from __future__ import annotations

import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from orch_gates import process
from orch_gates.errors import OrchError, UsageError
from orch_gates.git.cli import Git, open_repository
from orch_gates.scanners import locate, provision
from orch_gates.scanners.matcher import canary
from orch_gates.settings import Settings

_NAME = "orch-gates"
_PLAIN = "pre-receive"
_IN_GITEA = f"pre-receive.d/{_NAME}"
_PROBE_REF = "refs/heads/orch-gates-probe"
_OURS = "Written by `orch-gates hook install`."
_SCRIPT = """\
#!/bin/sh
# Refuses a push that adds a secret, or one that cannot be judged. {ours}
{variables}[ -x {program} ] || {{
    echo "orch-gates: push refused: {program} is missing on this server" >&2
    exit 2
}}
exec {program} hook pre-receive
"""


def install(settings: Settings, repository: Path, *, gitea: bool) -> Iterator[str]:
    """Write the hook, then push a canary at it; yields a line about each step.

    Raises:
        UsageError: not a bare repository, or another hook is in the way.
        OrchError: the hook could not be proven; the message says why.
    """
    git = open_repository(repository.resolve(), settings.inherited_env, timeout=60)
    if not git.is_bare():
        raise UsageError(f"{repository} is not a bare repository; server hooks belong into one")
    hooks = _hooks(settings, git.git_dir())
    target = hooks / _IN_GITEA if gitea else hooks / _PLAIN
    if gitea and not (hooks / _PLAIN).exists():
        raise UsageError(f"{hooks} has no dispatcher, so this is not a repository of a Gitea server")
    pin = _pin(settings)
    yield f"engine: {pin}"
    if not gitea and _has_dispatcher(target):
        raise UsageError(f"{target} is Gitea's own hook, which calls others; install this one with --gitea")
    before = _write(target, _script(settings, pin))
    yield f"wrote {target}"
    try:
        yield _prove(git, target)
    except OrchError:
        _put_back(target, before)
        raise


def install_all(settings: Settings, root: Path) -> Iterator[str]:
    """Renew every hook of ours below a folder, and prove each; yields a line about each (SEC-10).

    A hook that cannot be proven is put back as it was, and the others still follow.

    Raises:
        UsageError: there is none.
        OrchError: at least one could not be renewed; the lines say which.
    """
    pin = _pin(settings)
    yield f"engine: {pin}"
    script = _script(settings, pin)
    done = failed = 0
    for repository, target in _ours(settings, root.resolve()):
        before = target.read_bytes()
        try:
            git = open_repository(repository, settings.inherited_env, timeout=60)
            _write(target, script)
            _prove(git, target)
        except OrchError as error:
            failed += 1
            _put_back(target, before)
            yield f"{repository}: not renewed: {error}"
        else:
            done += 1
            yield f"{repository}: renewed and proven"
    if failed:
        raise OrchError(f"{failed} of {done + failed} hooks were not renewed, and are as they were")
    if not done:
        raise UsageError(f"no hook of orch-gates is below {root}; `orch-gates hook install REPOSITORY` makes one")


def _ours(settings: Settings, root: Path) -> Iterator[tuple[Path, Path]]:
    """Our hooks below a folder, each with a repository that git calls it for."""
    seen = set()
    for folder, names, _ in os.walk(root):
        names.sort()
        if {"objects", "refs"} <= set(names):
            try:
                hooks = _hooks(settings, Path(folder))
            except OrchError:
                # What is wrong is told when its hook cannot be proven.
                hooks = Path(folder, "hooks")
            for target in (hooks / _PLAIN, hooks / _IN_GITEA):
                if target not in seen and target.is_file() and _OURS in target.read_text("utf-8", "replace"):
                    seen.add(target)
                    yield Path(folder), target
            names.clear()


def _hooks(settings: Settings, git_dir: Path) -> Path:
    """Where git looks for hooks, which the server's own configuration may say (core.hooksPath)."""
    asked = ["git", "-c", "safe.directory=*", "-C", str(git_dir), "rev-parse", "--git-path", "hooks"]
    done = process.run(asked, env=settings.inherited_env, timeout=60)
    if done.returncode != 0:
        raise OrchError(f"git does not say where the hooks of {git_dir} are: {done.complaint}")
    return (git_dir / done.stdout.decode("utf-8", "surrogateescape").rstrip("\n")).resolve()


def _has_dispatcher(target: Path) -> bool:
    """Whether another hook stands there that calls a folder of them, as Gitea's does."""
    return (
        target.with_name(f"{_PLAIN}.d").is_dir()
        and target.is_file()
        and _OURS not in target.read_text("utf-8", "replace")
    )


def _pin(settings: Settings) -> str:
    """What the engine that will judge is pinned by, once it has found a random token."""
    return provision.tried(locate.engine(settings.security.engine, settings.tools, settings.inherited_env), settings)


def _script(settings: Settings, pin: str) -> str:
    program = Path(sys.executable).parent / "orch-gates"
    if not program.exists():
        found = shutil.which("orch-gates")
        if found is None:
            raise UsageError("the orch-gates program itself was not found; install it with pip or `make setup`")
        program = Path(found)
    # A repository's own file must not choose another engine than the one that was proven.
    known = {"ORCH_SECURITY_PIN": pin, "ORCH_SECURITY_ENGINE": settings.security.engine}
    if settings.tools.gitleaks:
        known["ORCH_GITLEAKS_BIN"] = settings.tools.gitleaks
    if settings.tools.cache_dir is not None:
        # The server runs the hook with another HOME, or none (reference/forges.md §2).
        known["ORCH_CACHE_DIR"] = str(settings.tools.cache_dir.resolve())
    variables = "".join(f"export {name}={_quoted(value)}\n" for name, value in sorted(known.items()))
    return _SCRIPT.format(ours=_OURS, program=_quoted(str(program)), variables=variables)


def _quoted(value: str) -> str:
    return "'" + value.replace("'", "'\\''") + "'"


def _write(target: Path, script: str) -> bytes | None:
    """Write the hook; answers what stood there before."""
    if os.path.lexists(target) and not target.is_file():
        raise UsageError(f"{target} is no file; move it away")
    try:
        before = target.read_bytes() if target.exists() else None
        if before is not None and _OURS.encode() not in before:
            raise UsageError(f"{target} is another hook; move it away, or call `orch-gates hook pre-receive` from it")
        target.parent.mkdir(parents=True, exist_ok=True)
        _replace(target, script.encode())
    except OSError as error:
        raise UsageError(f"{target} cannot be written: {error.strerror}") from error
    return before


def _put_back(target: Path, before: bytes | None) -> None:
    """A hook that is not proven does not stay."""
    if before is None:
        target.unlink(missing_ok=True)
    else:
        _replace(target, before)


def _replace(target: Path, script: bytes) -> None:
    """In one step: a push meets the old hook or the new one."""
    with tempfile.NamedTemporaryFile("wb", dir=target.parent, delete=False) as file:
        file.write(script)
    written = Path(file.name)
    written.chmod(stat.S_IRWXU | stat.S_IRGRP | stat.S_IXGRP | stat.S_IROTH | stat.S_IXOTH)
    written.replace(target)


def _prove(git: Git, target: Path) -> str:
    """Push a leak at the repository itself, and a clean commit at an empty one with the same hook."""
    with tempfile.TemporaryDirectory(prefix="orch-gates-probe-") as directory:
        probe = _probe_repository(git, Path(directory), target)
        refused = _push(probe, _commit(probe, "leak", canary()), git.directory)
        if refused.returncode == 0:
            _push(probe, "", git.directory)
            raise OrchError(
                "the hook is not proven, as git did not call it; perhaps the server's own hook calls none in "
                "pre-receive.d"
            )
        if b"orch-gates: push refused: 1 secret found" not in refused.stderr:
            raise OrchError(f"the hook is not proven, it did not refuse a leaked token: {refused.complaint}")
        accepted = _push(probe, _commit(probe, "clean", b"nothing to see here\n"), probe.directory)
        if accepted.returncode != 0:
            raise OrchError(f"the hook refuses a clean commit: {accepted.complaint}")
    return "proven: a push of a random token was refused, and a clean one was accepted elsewhere"


def _probe_repository(git: Git, work: Path, hook: Path) -> Git:
    """An empty bare repository of the same object format, with the same hook."""
    (work / "config").write_text("[safe]\n\tdirectory = *\n")
    probe = work / "probe.git"
    git.read(
        *("init", "--quiet", "--bare", "--template="),
        f"--object-format={git.text('rev-parse', '--show-object-format')}",
        str(probe),
    )
    (probe / "hooks").mkdir()
    shutil.copy2(hook, probe / "hooks" / "pre-receive")
    env = {
        "PATH": git.env.get("PATH", os.defpath),
        "LC_ALL": "C",
        "GIT_CONFIG_GLOBAL": str(work / "config"),
        "GIT_CONFIG_NOSYSTEM": "1",
    }
    for role in ("AUTHOR", "COMMITTER"):
        env |= {f"GIT_{role}_NAME": _NAME, f"GIT_{role}_EMAIL": f"{_NAME}@localhost"}
    return Git(probe, env, git.timeout)


def _commit(git: Git, name: str, content: bytes) -> str:
    blob = git.read("hash-object", "-w", "--stdin", stdin=content).decode().strip()
    tree = git.read("mktree", stdin=f"100644 blob {blob}\t{name}.txt\n".encode()).decode().strip()
    return git.text("commit-tree", tree, "-m", f"probe: {name}")


def _push(git: Git, commit: str, to: Path) -> process.Completed:
    return git.run("push", "--quiet", str(to), f"{commit}:{_PROBE_REF}")
