"""Taking the hook away: only one of ours, and not in passing for repositories that nobody named."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from orch_gates.errors import OrchError, UsageError
from orch_gates.hooks.server_hook import files, kinds, script
from orch_gates.hooks.server_hook import place as places
from orch_gates.hooks.server_hook.kinds import Kind
from orch_gates.settings import Settings


def uninstall(settings: Settings, repository: Path, *, shared: bool) -> Iterator[str]:
    """Remove our hook from both places that it may be in; yields a line about each.

    Raises:
        UsageError: the folder of hooks is another repository's too, and `shared` does not say that this is meant.
        OrchError: somebody's own hook still calls ours.
    """
    command = [str(script.program()), "hook", "uninstall", *["--shared"] * shared, str(repository.absolute())]
    place = places.find(settings, repository, command)
    with files.removal(place):
        found = [place.look(path) for path in (place.plain, place.below_dispatcher)]
        ours = [one for one in found if one.kind is Kind.OURS]
        if ours and place.shared and not shared:
            raise UsageError(
                f"{place.hooks} holds the hook of every repository that has its hooks there; to take it from all of "
                "them, add --shared"
            )
        for one in ours:
            files.remove(place, one.path)
            yield f"removed {one.path}"
    calling = [one for one in found if one.kind in {Kind.OTHER, Kind.DISPATCHER} and kinds.calls_us(one.content)]
    if calling:
        raise OrchError(f"{calling[0].path} is not ours and calls orch-gates: pushes are judged until you change it")
    if not ours:
        yield f"no hook of orch-gates is in {place.hooks}"
    yield f"pushes to {place.git_dir} are not judged{' any more' if ours else ''}"
