"""Where the derived rules of this machine are kept, and that they are the ones that were pinned (SEC-10)."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

from orch_gates.errors import ScannerError
from orch_gates.scanners.rules import pin

RULES = "rules.yml"
META = "meta.json"
CACHE = "compiled"


def read(folder: Path) -> tuple[bytes, str]:
    """What is said about the rules in a folder, and their digest.

    Raises:
        ScannerError: they are not there, or not the pinned ones.
    """
    try:
        rules, described = (folder / RULES).read_bytes(), (folder / META).read_bytes()
    except OSError as error:
        raise ScannerError(f"{folder} has no rules ({error.strerror}); run `orch-gates setup`") from error
    found = pin.digest(rules, described)
    if found != pin.DIGEST:
        raise ScannerError(
            f"the rules in {folder} are not those of this version ({found[:15]}, not {pin.DIGEST[:15]}); "
            "remove that folder and run `orch-gates setup`"
        )
    return described, found


def find(cache_dir: Path | None) -> Path | None:
    """The folder with this version's rules; None where they have not been made yet."""
    return next((folder for folder in _places(cache_dir) if _complete(folder)), None)


def _complete(folder: Path) -> bool:
    try:
        return (folder / META).is_file() and (folder / RULES).is_file()
    except PermissionError:
        # In another user's home directory, as root's cache is to the server's user.
        return False


def ensure(cache_dir: Path | None) -> Path:
    """The folder with this version's rules, which are derived where they are not there yet; that takes seconds.

    Raises:
        ScannerError: they cannot be derived, are not the pinned ones, or can be written nowhere.
    """
    if (found := find(cache_dir)) is not None:
        return found
    from orch_gates.scanners.rules import derive

    derived = derive.derive()
    refused = ""
    for folder in _places(cache_dir):
        try:
            _write(folder, derived.rules, derived.meta)
        except OSError as error:
            refused = f"{folder}: {error.strerror}"
            continue
        read(folder)
        return folder
    raise ScannerError(f"no directory is writable for the rules ({refused or 'ORCH_CACHE_DIR names a place for them'})")


def _places(cache_dir: Path | None) -> Iterator[Path]:
    """Beside the program first: a server's user, whose hook runs it, can read it there."""
    name = f"rules-{pin.DIGEST.removeprefix('sha256:')[:16]}"
    yield Path(sys.prefix) / "var" / "orch-gates" / name
    if cache_dir is not None:
        yield cache_dir / name


def _write(folder: Path, rules: bytes, described: bytes) -> None:
    """All of it or nothing: a process that is killed leaves a folder that nobody looks for."""
    import shutil

    made = folder.with_name(f".{folder.name}-{os.urandom(8).hex()}")
    try:
        (made / CACHE).mkdir(parents=True)
        # kingfisher_sdk passes over a cache that anybody else may write to.
        (made / CACHE).chmod(0o755)
        (made / RULES).write_bytes(rules)
        (made / META).write_bytes(described)
        _compile(made)
        if not _complete(folder):
            # What is left of it is in the way.
            shutil.rmtree(folder, ignore_errors=True)
        made.rename(folder)
    except OSError:
        # Somebody else may have been faster.
        if not _complete(folder):
            raise
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _compile(folder: Path) -> None:
    """Load the rules once, which keeps their compiled form, for every user: loading without it takes two seconds."""
    from orch_gates.scanners import matcher

    matcher.load(folder / RULES, folder / CACHE, folder)
    for compiled in (folder / CACHE).iterdir():
        # kingfisher_sdk keeps it for the user who made it.
        compiled.chmod(0o644)
