"""The proof that a hook works: it refuses a leak and takes a clean commit, by pushes that git itself carries out."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from orch_gates import process
from orch_gates.errors import OrchError
from orch_gates.git.cli import Git
from orch_gates.hooks.server_hook import script
from orch_gates.hooks.server_hook.bare_repository import BareRepository
from orch_gates.hooks.server_hook.filesystem import telling
from orch_gates.scanners.matcher import canary

_REF = "refs/heads/orch-gates-probe"
_REFUSED = b"orch-gates: push refused: 1 secret found"
_TASK = "refs/heads/task/orch-gates-probe"
# What git itself would run for a push beside pre-receive; none of it belongs to the proof.
_RUN_BY_GIT = frozenset(
    ("pre-receive", "update", "post-receive", "post-update", "proc-receive", "push-to-checkout")
    + ("reference-transaction", "pre-auto-gc", "fsmonitor-watchman")
)
_STAND_IN = "#!/bin/sh\ncat >/dev/null\n"
PROVEN = "proven: a push of a random token was refused, and a clean one was accepted elsewhere"


@dataclass(frozen=True, slots=True)
class _Probe:
    """An empty bare repository of the same object format, whose owner is that of the repository."""

    git: Git
    leak: str
    clean: str


@contextlib.contextmanager
def prepared(bare: BareRepository) -> Iterator[_Probe]:
    """An empty repository to try a hook in, and the commits to push.

    Raises:
        OrchError: the machine does not let one be made.
    """
    with contextlib.ExitStack() as held:
        with telling("used", Path(tempfile.gettempdir())):
            made = held.enter_context(tempfile.TemporaryDirectory(prefix="orch-gates-probe-"))
            work = Path(made)
            (work / "config").write_text("[safe]\n\tdirectory = *\n")
            if bare.owner.is_other:
                for path in (work, work / "config"):
                    os.chown(path, bare.owner.uid, bare.owner.gid)
        git = _repository(bare, work)
        yield _Probe(git, _commit(git, "leak", canary()), _commit(git, "clean", b"nothing to see here\n"))


def names(bare: BareRepository, targets: Sequence[str] = ()) -> tuple[str, ...]:
    """The refs that a hook is tried with elsewhere: of the default branch, of other targets and of a task.

    Raises:
        GitError: git does not say which branch is the default.
    """
    branches = (bare.git.leads_to("HEAD"), *(f"refs/heads/{target}" for target in targets))
    return tuple(dict.fromkeys((*(ref for ref in branches if ref.startswith("refs/heads/")), _TASK)))


def rehearse(bare: BareRepository, probe: _Probe, hook: Path, refs: Sequence[str]) -> None:
    """Push a leak and a clean commit at the empty repository, whose hook is this very file.

    Raises:
        OrchError: the hook is not what it should be; the message says why.
    """
    with bare.owner.acting(), telling("linked to", hook):
        _emptied(probe.git.directory / "hooks").joinpath("pre-receive").symlink_to(hook)
    for ref in refs:
        refused = _push_new(probe, probe.leak, ref)
        if refused.returncode == 0:
            raise OrchError(_not_called(bare, hook, ref))
        _require_refusal(refused)
    accepted = _push_new(probe, probe.clean, *refs)
    if accepted.returncode != 0:
        raise OrchError(f"the hook refuses a clean commit: {accepted.complaint}")


def pass_on(bare: BareRepository, probe: _Probe, hook: Path, refs: Sequence[str]) -> str:
    """Whether the hook that git runs ends as ours below it does, which is tried where all others accept.

    A server's own hook declines a push from this disk anyway, so a refusal there would prove nothing of ours. Returns
    why it could not be told, empty where it is proven.

    Raises:
        OrchError: it lets a leak pass; the message says why.
    """
    with bare.owner.acting(), telling("linked to", bare.hooks):
        _stand_in(bare, probe, hook)
    for ref in refs:
        refused = _push_new(probe, probe.leak, ref)
        if refused.returncode == 0 and _REFUSED in refused.stderr:
            raise OrchError(
                f"{bare.plain} lets a random token pass to {ref} that the hook refuses: "
                "it has to fail when one of those that it calls fails"
            )
        if refused.returncode == 0:
            raise OrchError(_not_called(bare, hook, ref))
    accepted = _push_new(probe, probe.clean, *refs)
    if accepted.returncode == 0:
        return ""
    return f"{bare.plain} refuses a clean commit too, where all that it calls accept it: {accepted.complaint}"


def refuse_leak(bare: BareRepository, probe: _Probe, hook: Path) -> None:
    """Push a leak at the repository itself, as its owner's server receives it; nothing of it is stored.

    Raises:
        OrchError: the hook that git runs there did not refuse it; the message says why.
    """
    # `env -i`: what this command has around it is not what the server has.
    around = [f"{name}={value}" for name, value in bare.env.items()]
    receive = shlex.join(["env", "-i", *around, "git", "receive-pack"])
    pushed = _push(probe, probe.leak, bare.git_dir, _REF, receive=receive)
    if pushed.returncode != 0:
        _require_refusal(pushed)
        return
    removed = bare.server().run("-c", "safe.directory=*", "update-ref", "-d", _REF, probe.leak)
    left = "" if removed.returncode == 0 else f"; remove {_REF} from it: {removed.complaint}"
    raise OrchError(f"{_not_called(bare, hook, _REF)}{left}")


def why_not_run(bare: BareRepository, hook: Path) -> str:
    """What keeps git from running a hook that is there, as far as it can be seen."""
    with bare.owner.acting():
        if not os.access(hook, os.X_OK, effective_ids=True):
            try:
                closed = os.statvfs(hook).f_flag & os.ST_NOEXEC
            except OSError as error:
                return f"{bare.owner.name} cannot look at {hook}: {error.strerror}"
            if closed:
                return f"{hook} is on a file system that is mounted noexec; mount it exec"
            return f"{bare.owner.name} may not execute {hook}: look at its rights (chmod +x) and those of its folders"
        if hook.parent != bare.hooks and not os.access(bare.plain, os.X_OK, effective_ids=True):
            return f"{bare.plain}, which should call it, is not executable: chmod +x it"
    return f"perhaps the server's own hook, {bare.plain}, calls none in {bare.below_dispatcher.parent.name}"


def _not_called(bare: BareRepository, hook: Path, ref: str) -> str:
    why = why_not_run(bare, hook)
    return f"the hook test failed: a random token passed to {ref}, as git did not call the hook; {why}"


def _require_refusal(pushed: process.Completed) -> None:
    if _REFUSED not in pushed.stderr:
        raise OrchError(f"the hook test failed: it did not refuse a leaked token: {pushed.complaint}")


def _repository(bare: BareRepository, work: Path) -> Git:
    probe = work / "probe.git"
    env = {
        "PATH": bare.env["PATH"],
        "LC_ALL": "C",
        "GIT_CONFIG_GLOBAL": str(work / "config"),
        "GIT_CONFIG_NOSYSTEM": "1",
    }
    for role in ("AUTHOR", "COMMITTER"):
        env |= {f"GIT_{role}_NAME": script.NAME, f"GIT_{role}_EMAIL": f"{script.NAME}@localhost"}
    outside = Git(Path("/"), env, bare.git.timeout, user=bare.owner.user())
    outside.read(
        *("init", "--quiet", "--bare", "--template="),
        f"--object-format={bare.git.object_format()}",
        str(probe),
    )
    return Git(probe, env, bare.git.timeout, user=bare.owner.user())


def _commit(git: Git, name: str, content: bytes) -> str:
    blob = git.read("hash-object", "-w", "--stdin", stdin=content).decode().strip()
    tree = git.read("mktree", stdin=f"100644 blob {blob}\t{name}.txt\n".encode()).decode().strip()
    return git.text("commit-tree", tree, "-m", f"probe: {name}")


def _stand_in(bare: BareRepository, probe: _Probe, hook: Path) -> None:
    """Hooks as they are in the repository, with one that accepts everything instead of each that is not ours."""
    folder = _emptied(probe.git.directory / "hooks")
    for path in bare.hooks.iterdir():
        if path.name not in _RUN_BY_GIT and path != bare.below_dispatcher.parent:
            (folder / path.name).symlink_to(path)
    (folder / bare.plain.name).symlink_to(bare.plain)
    below = bare.below_dispatcher.parent
    (folder / below.name).mkdir()
    for path in below.iterdir() if below.is_dir() else ():
        copy = folder / below.name / path.name
        if path == hook:
            copy.symlink_to(path)
        elif os.access(path, os.X_OK, effective_ids=True):
            copy.write_text(_STAND_IN)
            copy.chmod(0o755)


def _emptied(folder: Path) -> Path:
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir()
    return folder


def _push_new(probe: _Probe, commit: str, *refs: str) -> process.Completed:
    # For what is there already git would run no hook, or refuse the push itself.
    for ref in refs:
        probe.git.read("update-ref", "-d", ref)
    return _push(probe, commit, probe.git.directory, *refs)


def _push(probe: _Probe, commit: str, to: Path, *refs: str, receive: str = "git receive-pack") -> process.Completed:
    made = (f"{commit}:{ref}" for ref in refs)
    return probe.git.run("push", "--quiet", f"--receive-pack={receive}", str(to), *made)
