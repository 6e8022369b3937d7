"""An administrator's word that one push may bring its past with it: for one tip, by one baseline, once (SEC-11)."""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from orch_gates.errors import OrchError, ReportError, UsageError
from orch_gates.gates.security import allowlist_file, baseline_file
from orch_gates.gates.security.baseline import Baseline
from orch_gates.git.cli import Git
from orch_gates.hooks.server_hook.owner import Owner, of, require
from orch_gates.report import files

SCHEMA = "orch.import/1"
_FIELDS = ("schema", "tip", "baseline", "digest", "created")
_OID = {"sha1": re.compile("[0-9a-f]{40}"), "sha256": re.compile("[0-9a-f]{64}")}
_MOST_WORD = 100_000
_MOST_BASELINE = 4_000_000
_BODY = """
# A first import

Written by `orch-gates hook import`: one push of this tip may bring the findings that the baseline names.
"""


@dataclass(frozen=True, slots=True)
class ImportPermit:
    """The `tip` that may be pushed, the file of the `baseline` that it is judged by, and the digest of that file."""

    tip: str
    baseline: Path
    digest: str

    def known(self) -> Baseline:
        """The baseline, as it was when the word was given.

        Raises:
            OrchError: it cannot be read, or is another one by now.
        """
        text, digest = _read(self.baseline)
        if digest != self.digest:
            raise OrchError(f"{self.baseline} has changed; permit the import again with `orch-gates hook import`")
        return baseline_file.decode(text, str(self.baseline))


def give(git: Git, tip: str, baseline: Path, now: datetime) -> tuple[Path, ImportPermit, Baseline]:
    """Write the word for a push of `tip` into a server's repository; one that was there is replaced.

    Everything is read and written with the rights of the repository's owner, as whom git runs the hook.

    Raises:
        UsageError: the tip is no whole commit id, the baseline has ended or is in the repository itself, or somebody
            else than root and the owner runs this.
        OrchError: the baseline cannot be read, or the word cannot be written.
    """
    from orch_gates.documents import frontmatter

    path = _checked_place(git, tip)
    file = baseline.absolute()
    owner = _owner(git)
    with owner.acting():
        if file.resolve().is_relative_to(git.git_dir().resolve()):
            raise UsageError(f"{baseline} is in the repository itself; keep it where no push can reach it")
        try:
            text, digest = _read(file)
        except OrchError as error:
            raise OrchError(f"{error}{owner.by and f'; the hook reads it as {owner.name}'}") from error
        known = baseline_file.decode(text, str(file))
        if known.expires < now.date():
            raise UsageError(
                f"{baseline} expired on {known.expires}; create a new one with `orch-gates secrets baseline`"
            )
        created = now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        fields = zip(_FIELDS, (SCHEMA, tip, os.fspath(file), digest, created), strict=True)
        files.make_folder(path.parent)
        files.replace(path, frontmatter.encode(dict(fields), _BODY))
    return path, ImportPermit(tip, file, digest), known


def withdraw(git: Git, tip: str) -> bool:
    """Take a word back; tells whether there was one.

    Raises:
        UsageError: the tip is no whole commit id, or somebody else than root and the owner runs this.
        OrchError: it cannot be removed.
    """
    path = _checked_place(git, tip)
    try:
        with _owner(git).acting():
            path.unlink()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise OrchError(f"{path} cannot be removed: {error.strerror}") from error
    return True


def word_for(git: Git, tip: str) -> ImportPermit | None:
    """The word for a push of `tip`; None where none was given.

    Raises:
        OrchError: it cannot be read.
    """
    path = _place(git, tip)
    if not os.path.lexists(path):
        return None
    from orch_gates.documents import frontmatter

    try:
        fields, _ = frontmatter.decode(files.read(path, _MOST_WORD))
    except ReportError as error:
        raise OrchError(f"{path}: {error}") from error
    texts = {name: value for name, value in fields.items() if isinstance(value, str)}
    if texts.keys() != set(_FIELDS) or texts["schema"] != SCHEMA or texts["tip"] != tip:
        raise OrchError(f"{path} is not what `orch-gates hook import` writes")
    return ImportPermit(tip, Path(texts["baseline"]), texts["digest"])


def spend(git: Git, tip: str) -> None:
    """Use the word up; of two pushes at once one can.

    Raises:
        OrchError: it was used meanwhile, or cannot be used up.
    """
    path = _place(git, tip)
    try:
        path.rename(path.with_suffix(".spent.md"))
    except FileNotFoundError as error:
        raise OrchError("another push has already used this import permission") from error
    except OSError as error:
        raise OrchError(f"could not mark this import permission as used: {path}: {error.strerror}") from error


def _checked_place(git: Git, tip: str) -> Path:
    if _OID[git.object_format()].fullmatch(tip) is None or not tip.strip("0"):
        raise UsageError(f"--tip {tip!r} is not a full commit id; `git rev-parse HEAD` in the clone prints it")
    return _place(git, tip)


def _owner(git: Git) -> Owner:
    found = of(git.git_dir())
    require(found, git.git_dir(), ["orch-gates", "hook", "import"])
    return found


def _place(git: Git, tip: str) -> Path:
    return allowlist_file.private_dir(git) / f"import-{tip}.md"


def _read(file: Path) -> tuple[str, str]:
    try:
        text = files.read(file, _MOST_BASELINE)
    except ReportError as error:
        raise OrchError(f"the baseline {file} cannot be used: {error}") from error
    return text, f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
