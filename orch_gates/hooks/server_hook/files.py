"""Writing the hook's file, and putting back what was there: a push meets the old hook or the new one, whole."""

from __future__ import annotations

import contextlib
import fcntl
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from orch_gates import clock
from orch_gates.errors import UsageError
from orch_gates.hooks.server_hook.bare_repository import BareRepository, HookFile
from orch_gates.hooks.server_hook.filesystem import telling
from orch_gates.hooks.server_hook.kinds import HookFileKind

# Gitea's dispatcher calls what `*` matches, which no name with a dot in front is.
_UNFINISHED = ".orch-gates-"
_STALE_S = 600
_MODE = 0o755


@contextlib.contextmanager
def candidate(bare: BareRepository, target: Path, content: bytes) -> Iterator[Path]:
    """The hook under another name in the same folder, on the same file system; taken away again unless it was moved.

    Nobody else installs or uninstalls there meanwhile.

    Raises:
        UsageError: it cannot be written.
    """
    with _locked(bare):
        made: list[Path] = []
        path: Path | None = None
        try:
            with bare.writer.acting(), telling(f"written{bare.writer.by}", target):
                made = _make_folders(bare, target.parent)
                _remove_unfinished(target.parent)
                path = _write(target.parent, content)
            yield path
        finally:
            # What cannot be taken away now is by the next command.
            with bare.writer.acting(), contextlib.suppress(OSError):
                if path is not None:
                    path.unlink(missing_ok=True)
                for folder in reversed(made):
                    folder.rmdir()


def move(bare: BareRepository, path: Path, target: Path) -> None:
    """Put a hook at its path, in one step.

    Raises:
        UsageError: it cannot be put there.
    """
    with bare.writer.acting(), telling(f"written{bare.writer.by}", target):
        path.replace(target)


def put_back(bare: BareRepository, before: HookFile) -> None:
    """What was there before; a hook that is not proven does not stay.

    Raises:
        UsageError: it cannot be put back.
    """
    target = before.path
    with bare.writer.acting(), telling("put back as it was", target):
        if before.kind is HookFileKind.ABSENT:
            target.unlink(missing_ok=True)
        elif before.link:
            link = target.with_name(f"{_UNFINISHED}{os.urandom(8).hex()}")
            link.symlink_to(before.link)
            link.replace(target)
        else:
            written = _write(target.parent, before.content, _MODE if before.executable else _MODE & ~0o111)
            written.replace(target)


@contextlib.contextmanager
def removal(bare: BareRepository) -> Iterator[None]:
    """Hold the folder of hooks, and take away what commands that were killed left in it."""
    with _locked(bare):
        yield
        for folder in {bare.plain.parent, bare.below_dispatcher.parent}:
            with bare.writer.acting(), contextlib.suppress(OSError):
                _remove_unfinished(folder, 0)


def remove(bare: BareRepository, path: Path) -> None:
    """Take a hook away.

    Raises:
        UsageError: it cannot be.
    """
    with bare.writer.acting(), telling(f"removed{bare.writer.by}", path):
        path.unlink(missing_ok=True)


def _make_folders(bare: BareRepository, folder: Path) -> list[Path]:
    """The folders that were made, the outer one first."""
    made = []
    for one in (bare.hooks, folder):
        if not one.exists():
            one.mkdir(mode=_MODE, exist_ok=True)
            made.append(one)
    return made


def _write(folder: Path, content: bytes, mode: int = _MODE) -> Path:
    with tempfile.NamedTemporaryFile("wb", prefix=_UNFINISHED, dir=folder, delete=False) as file:
        path = Path(file.name)
        try:
            file.write(content)
            file.flush()
            # An empty file that a power cut left would be a hook that lets everything pass.
            os.fsync(file.fileno())
            os.fchmod(file.fileno(), mode)
        except OSError:
            path.unlink(missing_ok=True)
            raise
    return path


def _remove_unfinished(folder: Path, older_than: float = _STALE_S) -> None:
    now = clock.utc_now().timestamp()
    for path in folder.glob(f"{_UNFINISHED}*"):
        with contextlib.suppress(FileNotFoundError):
            if path.lstat().st_mtime <= now - older_than:
                path.unlink()


@contextlib.contextmanager
def _locked(bare: BareRepository) -> Iterator[None]:
    """One command at a time in a folder of hooks, as far as its file system has locks."""
    with contextlib.ExitStack() as held:
        for folder in (bare.hooks, bare.hooks.parent):
            try:
                with bare.writer.acting():
                    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC | os.O_DIRECTORY)
            except (FileNotFoundError, NotADirectoryError):
                # The folder of hooks is made first; until then the repository is held.
                continue
            except OSError as error:
                raise UsageError(f"{folder} cannot be opened: {(error.strerror or '').lower()}") from error
            held.callback(os.close, descriptor)
            with contextlib.suppress(OSError):
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            break
        yield
