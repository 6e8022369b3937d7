"""The two lists of exceptions in a work tree, as the commands about them read and write them (SEC-4, SEC-11)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from orch_gates import clock, workspace
from orch_gates.errors import ExceptionListError, OrchError, UsageError
from orch_gates.gates.security import allowlist, allowlist_file, baseline, baseline_file
from orch_gates.gates.security.allowlist import AllowedFinding
from orch_gates.gates.security.baseline import Baseline
from orch_gates.git.cli import Git
from orch_gates.report import files, output_path
from orch_gates.settings import Settings

_MOST = 4_000_000


@dataclass(frozen=True, slots=True)
class Lists:
    """The lists in the work tree of a repository."""

    git: Git
    top: Path

    @classmethod
    def of(cls, settings: Settings, directory: Path) -> Lists:
        """Those of the work tree that holds `directory`.

        Raises:
            GitError: it is in no work tree.
        """
        git = workspace.repository(settings, directory)
        return cls(git, Path(git.text("rev-parse", "--show-toplevel")))

    def allowed(self) -> tuple[AllowedFinding, ...]:
        """The entries of the list of allowed findings; none where there is no list.

        Raises:
            ExceptionListError: it is malformed.
            ReportError: it cannot be read.
        """
        path = self.top / allowlist.PATH
        return allowlist_file.decode(files.read(path, _MOST)) if path.exists() else ()

    def baseline(self) -> Baseline | None:
        """The baseline; None where there is none.

        Raises:
            ExceptionListError: it is malformed.
            ReportError: it cannot be read.
        """
        path = self.top / baseline.PATH
        return baseline_file.decode(files.read(path, _MOST)) if path.exists() else None

    def write_allowed(self, entries: Sequence[AllowedFinding]) -> Path:
        """Write the list of allowed findings, and tell where it is.

        Raises:
            ExceptionListError: an entry is none that could be read again.
            UsageError: a link leads elsewhere, or something that is no file is there.
            ReportError: it cannot be written.
        """
        return self._write(allowlist.PATH, allowlist_file.encode(entries))

    def write_baseline(self, made: Baseline) -> Path:
        """Write the baseline, or remove one without entries, and tell where it is.

        Raises:
            ExceptionListError: it is none that could be read again.
            UsageError: a link leads elsewhere, or something that is no file is there.
            ReportError: it cannot be written.
        """
        if not made.entries:
            files.remove(self.top / baseline.PATH)
            return self.top / baseline.PATH
        return self._write(baseline.PATH, baseline_file.encode(made))

    def _write(self, name: str, text: str) -> Path:
        path = self.top / name
        files.make_folder(path.parent)
        target = output_path.resolve(path, self.top, f"{name},")
        files.replace(target, text)
        return target


def needed_key(settings: Settings, git: Git) -> bytes:
    """The key of the hashes.

    Raises:
        UsageError: there is none.
        SettingsError: it is unusable.
    """
    key = allowlist_file.read_key(settings, git)
    if not key:
        raise UsageError(
            "no key for the hashes of the list; create one with `orch-gates secrets key`, or use the existing key of "
            "your team (ORCH_ALLOW_KEY_FILE)"
        )
    return key


def last_day(text: str) -> date:
    """The day that `--expires` names.

    Raises:
        UsageError: it is no date.
        ExceptionListError: it is in the past.
    """
    try:
        until = date.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"--expires {text!r} is not a date (YYYY-MM-DD)") from error
    if text != until.isoformat():
        raise UsageError(f"--expires {text!r} is not written as YYYY-MM-DD")
    if until < clock.utc_now().date():
        raise ExceptionListError(f"--expires {text} is in the past")
    return until


def unproven(cause: str) -> OrchError:
    """The error where nothing can be written about findings, as it is not known which there are."""
    return OrchError(f"the scan is not proven, so nothing was written: {cause}")
