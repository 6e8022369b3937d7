"""The proof that a hook works: it refuses a leak and takes a clean commit, by pushes that git itself carries out."""

from __future__ import annotations

import contextlib
import os
import shlex
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from orch_gates import process
from orch_gates.errors import OrchError
from orch_gates.git.cli import Git
from orch_gates.hooks.server_hook import script
from orch_gates.hooks.server_hook.filesystem import telling
from orch_gates.hooks.server_hook.place import Place
from orch_gates.scanners.matcher import canary

_REF = "refs/heads/orch-gates-probe"
_REFUSED = b"orch-gates: push refused: 1 secret found"
PROVEN = "proven: a push of a random token was refused, and a clean one was accepted elsewhere"


@dataclass(frozen=True, slots=True)
class _Probe:
    """An empty bare repository of the same object format, whose owner is that of the repository."""

    git: Git
    leak: str
    clean: str


@contextlib.contextmanager
def prepared(place: Place) -> Iterator[_Probe]:
    """An empty repository to try a hook in, and the commits to push.

    Raises:
        OrchError: the machine does not let one be made.
    """
    with contextlib.ExitStack() as held:
        with telling("used", Path(tempfile.gettempdir())):
            made = held.enter_context(tempfile.TemporaryDirectory(prefix="orch-gates-probe-"))
            work = Path(made)
            (work / "config").write_text("[safe]\n\tdirectory = *\n")
            if place.owner.is_other:
                for path in (work, work / "config"):
                    os.chown(path, place.owner.uid, place.owner.gid)
        git = _repository(place, work)
        yield _Probe(git, _commit(git, "leak", canary()), _commit(git, "clean", b"nothing to see here\n"))


def rehearse(place: Place, probe: _Probe, hook: Path) -> None:
    """Push a leak and a clean commit at the empty repository, whose hook is this very file.

    Raises:
        OrchError: the hook is not what it should be; the message says why.
    """
    with place.owner.acting(), telling("linked to", hook):
        folder = probe.git.directory / "hooks"
        folder.mkdir(exist_ok=True)
        link = folder / "pre-receive"
        link.unlink(missing_ok=True)
        link.symlink_to(hook)
    refused = _push(probe, probe.leak, probe.git.directory)
    if refused.returncode == 0:
        raise OrchError(f"the hook is not proven, as git did not call it; {why_not_run(place, hook)}")
    _require_refusal(refused)
    accepted = _push(probe, probe.clean, probe.git.directory)
    if accepted.returncode != 0:
        raise OrchError(f"the hook refuses a clean commit: {accepted.complaint}")


def refuse_leak(place: Place, probe: _Probe, hook: Path) -> None:
    """Push a leak at the repository itself, as its owner's server receives it; nothing of it is stored.

    Raises:
        OrchError: the hook that git runs there did not refuse it; the message says why.
    """
    # `env -i`: what this command has around it is not what the server has.
    around = [f"{name}={value}" for name, value in place.env.items()]
    receive = shlex.join(["env", "-i", *around, "git", "receive-pack"])
    pushed = _push(probe, probe.leak, place.git_dir, f"--receive-pack={receive}")
    if pushed.returncode != 0:
        _require_refusal(pushed)
        return
    removed = place.server().run("-c", "safe.directory=*", "update-ref", "-d", _REF, probe.leak)
    left = "" if removed.returncode == 0 else f"; remove {_REF} from it: {removed.complaint}"
    raise OrchError(f"the hook is not proven, as git did not call it; {why_not_run(place, hook)}{left}")


def why_not_run(place: Place, hook: Path) -> str:
    """What keeps git from running a hook that is there, as far as it can be seen."""
    with place.owner.acting():
        if not os.access(hook, os.X_OK, effective_ids=True):
            try:
                closed = os.statvfs(hook).f_flag & os.ST_NOEXEC
            except OSError as error:
                return f"{place.owner.name} cannot look at {hook}: {error.strerror}"
            if closed:
                return f"{hook} is on a file system that is mounted noexec; mount it exec"
            return f"{place.owner.name} may not execute {hook}: look at its rights (chmod +x) and those of its folders"
        if hook.parent != place.hooks and not os.access(place.plain, os.X_OK, effective_ids=True):
            return f"{place.plain}, which should call it, is not executable: chmod +x it"
    return f"perhaps the server's own hook, {place.plain}, calls none in {place.below_dispatcher.parent.name}"


def _require_refusal(pushed: process.Completed) -> None:
    if _REFUSED not in pushed.stderr:
        raise OrchError(f"the hook is not proven, it did not refuse a leaked token: {pushed.complaint}")


def _repository(place: Place, work: Path) -> Git:
    probe = work / "probe.git"
    env = {
        "PATH": place.env["PATH"],
        "LC_ALL": "C",
        "GIT_CONFIG_GLOBAL": str(work / "config"),
        "GIT_CONFIG_NOSYSTEM": "1",
    }
    for role in ("AUTHOR", "COMMITTER"):
        env |= {f"GIT_{role}_NAME": script.NAME, f"GIT_{role}_EMAIL": f"{script.NAME}@localhost"}
    outside = Git(Path("/"), env, place.git.timeout, user=place.owner.user())
    outside.read(
        *("init", "--quiet", "--bare", "--template="),
        f"--object-format={place.git.object_format()}",
        str(probe),
    )
    return Git(probe, env, place.git.timeout, user=place.owner.user())


def _commit(git: Git, name: str, content: bytes) -> str:
    blob = git.read("hash-object", "-w", "--stdin", stdin=content).decode().strip()
    tree = git.read("mktree", stdin=f"100644 blob {blob}\t{name}.txt\n".encode()).decode().strip()
    return git.text("commit-tree", tree, "-m", f"probe: {name}")


def _push(probe: _Probe, commit: str, to: Path, *options: str) -> process.Completed:
    return probe.git.run("push", "--quiet", *options, str(to), f"{commit}:{_REF}")
