"""Installing the pre-receive hook, and proving with pushes that it refuses."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from pathlib import Path

from orch_gates import process
from orch_gates.errors import OrchError, UsageError
from orch_gates.hooks.server_hook import bare_repository, files, proof, script
from orch_gates.hooks.server_hook.bare_repository import BareRepository
from orch_gates.hooks.server_hook.kinds import HookFileKind
from orch_gates.settings import Settings

_TRY_S = 60


def install(settings: Settings, repository: Path, *, gitea: bool) -> Iterator[str]:
    """Write the hook, and push a canary at it; yields a line about each step.

    Raises:
        UsageError: not a bare repository of this user, or another hook is in the way.
        OrchError: the hook could not be proven; the message says why.
    """
    bare = bare_repository.find(settings, repository, _command(repository, gitea=gitea))
    bare_repository.require_usable(bare)
    target = _target(bare, repository, gitea=gitea)
    pin = script.pin(settings)
    yield f"engine: {pin}"
    require_runnable(bare, script.program())
    if bare.shared:
        yield _shared(bare)
    doubt = _renew(bare, target, script.text(script.for_owner(settings, bare.owner), pin))
    yield f"wrote {target}"
    if bare.owner.is_other:
        yield f"run by root: the hook belongs to {bare.writer.name}, and was tested as {bare.owner.name}"
    left = f"the hook itself is proven; could not tell whether its refusal stops a push: {doubt}"
    yield left if doubt else proof.PROVEN


def install_all(settings: Settings, root: Path) -> Iterator[str]:
    """Renew every hook of ours below a folder, and prove each; yields a line about each (SEC-10).

    A hook that cannot be proven is put back as it was, and the others still follow.

    Raises:
        UsageError: there is none.
        OrchError: at least one could not be renewed; the lines say which.
    """
    pin = script.pin(settings)
    yield f"engine: {pin}"
    refused: list[str] = []
    seen: set[Path] = set()
    done = 0
    # git's own paths, so that a line means the same wherever the command was run.
    for repository in bare_repository.bare_repositories(Path(os.path.realpath(root)), refused):
        try:
            bare = bare_repository.find(settings, repository, _command(root, every=True))
            targets = [
                path for path in (bare.plain, bare.below_dispatcher) if bare.look(path).kind is HookFileKind.OURS
            ]
        except OrchError as error:
            # One that git cannot read is told only where a hook of ours may be in it.
            if _may_be_ours(repository / "hooks"):
                refused.append(f"{repository}: not renewed: {error}")
            continue
        for target in targets:
            if target in seen:
                continue
            seen.add(target)
            try:
                require_runnable(bare, script.program())
                doubt = _renew(bare, target, script.text(script.for_owner(settings, bare.owner), pin))
            except OrchError as error:
                refused.append(f"{repository}: not renewed: {error}")
            else:
                done += 1
                by = f", as {bare.owner.name}" if bare.owner.is_other else ""
                yield f"{repository}: renewed and {f'not wholly proven{by}: {doubt}' if doubt else f'proven{by}'}"
    yield from refused
    if refused:
        raise OrchError(f"{len(refused)} of {done + len(refused)} hooks were not renewed, and are as they were")
    if not done:
        raise UsageError(f"no hook of orch-gates is below {root}; `orch-gates hook install REPOSITORY` makes one")


def require_runnable(bare: BareRepository, program: Path) -> None:
    """Refuse a program that the server's user cannot start, which would refuse every push.

    Raises:
        OrchError: it cannot; the message says what to do.
    """
    if not bare.owner.is_other:
        return
    try:
        done = process.run(
            [str(program), "--version"], env=bare.env, timeout=_TRY_S, cwd=Path("/"), user=bare.owner.user()
        )
    except OrchError as error:
        why = str(error)
    else:
        if done.returncode == 0:
            return
        why = done.complaint
    raise OrchError(
        f"{bare.owner.name}, whose repository this is, cannot run {program} ({why}); install orch-gates where that "
        f"user can read it, for instance below /opt and not in a home directory, and run `hook install` from there"
    )


def _renew(bare: BareRepository, target: Path, content: bytes) -> str:
    """Prove the hook beside its path, move it there, and prove that git runs it there; returns what is in doubt."""
    refs = proof.names(bare)
    with proof.prepared(bare) as probe, files.candidate(bare, target, content) as path:
        # Looked at again, as somebody else may have been at work until now.
        before = _replaceable(bare, target)
        proof.rehearse(bare, probe, path, refs)
        files.move(bare, path, target)
        try:
            doubt = "" if target == bare.plain else proof.pass_on(bare, probe, target, refs)
            proof.refuse_leak(bare, probe, target)
        except BaseException:
            # Also where a person stops it.
            files.put_back(bare, before)
            raise
    return doubt


def _target(bare: BareRepository, repository: Path, *, gitea: bool) -> Path:
    """Where the hook goes; what is there now must be nothing, or ours.

    Raises:
        UsageError: it has to go elsewhere, or something is in the way.
    """
    plain = bare.look(bare.plain)
    if not gitea:
        if bare.dispatches():
            command = shlex.join(_command(repository, gitea=True))
            raise UsageError(
                f"{bare.plain} is the hook of a Gitea or Forgejo server, which calls those in pre-receive.d; "
                f"install this one there, with --gitea:\n{command}"
            )
        return _replaceable(bare, bare.plain).path
    if plain.kind in {HookFileKind.ABSENT, HookFileKind.OURS}:
        there = "a hook of orch-gates" if plain.kind is HookFileKind.OURS else "no hook"
        raise UsageError(
            f"{bare.plain} is {there} and no dispatcher of a Gitea or Forgejo server, so nothing would call "
            "pre-receive.d; leave --gitea out, or have the server write its hooks: gitea admin regenerate hooks"
        )
    return _replaceable(bare, bare.below_dispatcher).path


def _replaceable(bare: BareRepository, target: Path) -> bare_repository.HookFile:
    found = bare.look(target)
    if found.kind is HookFileKind.NOT_A_FILE:
        leads = f" but a link to {found.link}" if found.link else ""
        raise UsageError(f"{target} is not a file{leads}; move it away")
    if found.kind not in {HookFileKind.ABSENT, HookFileKind.OURS}:
        raise UsageError(f"{target} is another hook; move it away, or call `orch-gates hook pre-receive` from it")
    return found


def _shared(bare: BareRepository) -> str:
    by = f" (core.hooksPath in {bare.configured})" if bare.configured else ""
    return f"note: {bare.hooks} is shared{by}: the hook judges every repository whose hooks are there"


def _command(repository: Path, *, gitea: bool = False, every: bool = False) -> list[str]:
    option = ["--gitea"] * gitea + ["--all"] * every
    return [str(script.program()), "hook", "install", *option, str(Path(repository).absolute())]


def _may_be_ours(hooks: Path) -> bool:
    try:
        return any(bare_repository.look(path).kind is HookFileKind.OURS for path in bare_repository.hook_paths(hooks))
    except OSError:
        return True
