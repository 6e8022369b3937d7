"""Taking the hook away: only one of ours, and not in passing for repositories that nobody named."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from orch_gates.errors import OrchError, UsageError
from orch_gates.hooks.server_hook import bare_repository, files, kinds, script
from orch_gates.hooks.server_hook.kinds import HookFileKind
from orch_gates.settings import Settings


def uninstall(settings: Settings, repository: Path, *, shared: bool) -> Iterator[str]:
    """Remove our hook from both paths that git or Gitea may run; yields a line about each.

    Raises:
        UsageError: the folder of hooks is another repository's too, and `shared` does not say that this is meant.
        OrchError: somebody's own hook still calls ours.
    """
    command = [str(script.program()), "hook", "uninstall", *["--shared"] * shared, str(repository.absolute())]
    bare = bare_repository.find(settings, repository, command)
    with files.removal(bare):
        found = [bare.look(path) for path in (bare.plain, bare.below_dispatcher)]
        ours = [one for one in found if one.kind is HookFileKind.OURS]
        if ours and bare.shared and not shared:
            raise UsageError(
                f"{bare.hooks} holds the hook of every repository that has its hooks there; to take it from all of "
                "them, add --shared"
            )
        for one in ours:
            files.remove(bare, one.path)
            yield f"removed {one.path}"
    calling = [
        one
        for one in found
        if one.kind in {HookFileKind.OTHER, HookFileKind.DISPATCHER} and kinds.calls_us(one.content)
    ]
    if calling:
        what = f"{calling[0].path} calls orch-gates, but was not written by it"
        raise OrchError(f"{what}; edit it by hand, as pushes are judged until then")
    if not ours:
        yield f"no hook of orch-gates is in {bare.hooks}"
    yield f"pushes to {bare.git_dir} are not judged{' any more' if ours else ''}"
