"""The regression guard: what has to stay in the target is looked for where it is now (MRG-10)."""

from __future__ import annotations

from dataclasses import dataclass

from orch_gates.errors import GitError, OrchError
from orch_gates.git.cli import Git
from orch_gates.model.markers import Marker, Markers


@dataclass(frozen=True, slots=True)
class Guarded:
    """How many markers there are, those that are definitely gone, and what could not be looked at."""

    count: int
    missing: tuple[Marker, ...] = ()
    unknown: tuple[str, ...] = ()

    @property
    def reason(self) -> str:
        """One line for people."""
        if self.missing:
            shown = "; ".join(f"{one.path}: {one.pattern!r} ({one.reason})" for one in self.missing[:3])
            return f"{len(self.missing)} of {self.count} markers are gone: {shown}"
        if self.unknown:
            return f"could not check the markers: {self.unknown[0]}"
        return f"{self.count} markers are there" if self.count else "no markers are registered, so nothing was checked"


def check(git: Git, commit: str, markers: Markers | None) -> Guarded:
    """Look for every marker in a commit's files; never raises (P3)."""
    wanted = markers.markers if markers is not None else ()
    missing, unknown = [], []
    for marker in wanted:
        try:
            if not _found(git, commit, marker):
                missing.append(marker)
        except OrchError as error:
            unknown.append(f"{marker.path}: {error}")
    return Guarded(len(wanted), tuple(missing), tuple(unknown))


def _found(git: Git, commit: str, marker: Marker) -> bool:
    """Whether the text is there; only git's own word "none" says that it is not.

    Raises:
        GitError, ProcessError: git could not tell.
    """
    done = git.run(
        *("grep", "--quiet", "--fixed-strings", "--text", "--no-recurse-submodules", "-e", marker.pattern, commit),
        *("--", f":(top,literal){marker.path}"),
    )
    if done.returncode not in {0, 1} or done.stderr.strip():
        raise GitError(f"git grep failed ({done.returncode}): {done.complaint}")
    return done.returncode == 0
