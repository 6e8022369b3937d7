"""What this machine keeps of a state branch: objects shared by all processes, and the tip last seen (ST-5).

    <hash of the url>.git/seen               tip, witness and generation last seen
    <hash of the url>.git/kept-<name>        what is quicker to read than to find out again
    <hash of the url>.git/current            the store in use, by name
    <hash of the url>.git/store-<random>/    objects/, shallow, and a repository per process

Only objects are shared, and git adds those atomically; refs, locks and all else that processes
could trip over lie in a repository of one process. A store that is damaged or has grown is left
behind for a new one, and removed when nobody uses it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from orch_gates.errors import StateError
from orch_gates.state.branch.timing import Timing
from orch_gates.state.branch.turn import Patience, turn

_MOST_PACKS = 100
_MOST_LOOSE = 40  # in one of 256 folders
_MOST_SESSIONS = 200
_STORE = re.compile(r"store-[0-9a-f]{16}")
_CONFIG = "[core]\n\trepositoryformatversion = 0\n\tbare = true\n\tlogAllRefUpdates = false\n"


@dataclass(frozen=True, slots=True)
class SeenRefs:
    """Where the branch and its witness stood; an empty witness is none."""

    tip: str
    witness: str
    generation: int


@dataclass(frozen=True, slots=True)
class ObjectSession:
    """A bare repository of this process alone, on the objects of a store."""

    git_dir: Path
    store: Path

    @property
    def objects(self) -> Path:
        """The shared objects."""
        return self.store / "objects"

    def know(self, tip: str) -> None:
        """Let the server believe that everything at `tip` is here."""
        # On a full disk more is fetched than is needed; what was pushed before has landed all the same.
        with contextlib.suppress(OSError):
            _replace(self.git_dir / "refs" / "known", f"{tip}\n")

    @contextlib.contextmanager
    def apart(self) -> Iterator[Path]:
        """A repository without a single object, for as long as the block lasts.

        Raises:
            StateError: the cache folder cannot be used.
        """
        with contextlib.ExitStack() as held:
            with _usable(self.store.parent):
                git_dir = _session(self.store, held).git_dir
                (git_dir / "shallow").unlink(missing_ok=True)
                (git_dir / "objects").unlink()
                (git_dir / "objects" / "info").mkdir(parents=True)
            yield git_dir

    def lend(self, git_dir: Path) -> None:
        """Let a repository use the shared objects too.

        Raises:
            StateError: the cache folder cannot be used.
        """
        with _usable(self.store.parent):
            (git_dir / "objects" / "info" / "alternates").write_bytes(_line(self.objects))


class Cache:
    """The cache of one remote; its folder is made when it is first used."""

    def __init__(self, folder: Path, url: str) -> None:
        self._root = folder / "state" / f"{sha256(os.fsencode(url)).hexdigest()[:32]}.git"

    def turn(self, timing: Timing, patience: Patience) -> contextlib.AbstractContextManager[None]:
        """The turn among the writers that use this cache; see `turn.turn`."""
        with _usable(self._root):
            self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
        return turn(self._root, timing, patience)

    def seen(self) -> SeenRefs | None:
        """What was last seen; None where nothing was, or the record is damaged."""
        try:
            tip, witness, generation = (self._root / "seen").read_text("ascii").split()
            return SeenRefs(tip, witness.strip("-"), int(generation))
        except (OSError, ValueError):
            return None

    def note(self, seen: SeenRefs, followed: SeenRefs | None) -> None:
        """Record what was seen, unless another process has seen more than that and more than `followed`."""
        before = self.seen()
        # A person's revert lowers the generation, and goes forward all the same.
        newer = before is None or before == followed or before.generation <= seen.generation
        if before != seen and newer:
            # A full disk costs this record, which the next one makes up for.
            with contextlib.suppress(OSError):
                _replace(self._root / "seen", f"{seen.tip} {seen.witness or '-'} {seen.generation}\n")

    def forget(self) -> None:
        """Drop the record: the branch was restored, and what was seen before no longer binds."""
        with _usable(self._root):
            (self._root / "seen").unlink(missing_ok=True)

    def recall(self, name: str) -> str:
        """A text that was kept between commands; empty where there is none that can be read."""
        try:
            return (self._root / f"kept-{name}").read_text("utf-8")
        except (OSError, ValueError):
            return ""

    def keep(self, name: str, text: str) -> None:
        """Keep a text between commands, if that can be done."""
        with contextlib.suppress(OSError):
            _replace(self._root / f"kept-{name}", text)

    def open(self, held: contextlib.ExitStack, alternate: Path | None) -> ObjectSession | None:
        """A session on the store in use, until `held` is closed; None where there has to be a new one.

        `alternate` is where it has to find more objects.

        Raises:
            StateError: the cache folder cannot be used.
        """
        with _usable(self._root):
            try:
                name = (self._root / "current").read_text("ascii").strip()
                store = self._root / name
                if not _STORE.fullmatch(name) or not _shared(store, held) or _worn(store):
                    return None
                return _session(store, held) if _alternate(store) == _line(alternate) else None
            except (FileNotFoundError, UnicodeDecodeError, PermissionError):
                # Another user's, e.g. of a command that was run with sudo once.
                return None

    def begin(self, held: contextlib.ExitStack, alternate: Path | None) -> ObjectSession:
        """A session on a new store that nobody else sees yet; `alternate` holds objects to be used in place.

        Raises:
            StateError: the cache folder cannot be used.
        """
        with _usable(self._root):
            store = _new_store(self._root, held)
            if alternate is not None:
                _alternates(store).write_bytes(_line(alternate))
            return _session(store, held)

    def publish(self, session: ObjectSession) -> None:
        """Let all processes use the session's store from now on, and remove those that nobody uses.

        Raises:
            StateError: the cache folder cannot be used.
        """
        with _usable(self._root):
            with contextlib.suppress(FileNotFoundError):
                shutil.copyfile(session.git_dir / "shallow", session.store / "shallow")
            _replace(self._root / "current", f"{session.store.name}\n")
            _remove_unused(self._root, session.store)

    def retire(self, session: ObjectSession) -> None:
        """Have the next session start on a new store: this one is damaged."""
        with _usable(self._root), contextlib.suppress(FileNotFoundError):
            if (self._root / "current").read_bytes().strip() == os.fsencode(session.store.name):
                (self._root / "current").unlink()


@contextlib.contextmanager
def _usable(root: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StateError(
            f"the cache {root} cannot be used: {error.strerror}{_whose(error, root)}; "
            "set ORCH_CACHE_DIR to a folder that you may write"
        ) from error


def _whose(error: OSError, root: Path) -> str:
    """Who has to be asked about a folder that may not be used."""
    if not isinstance(error, PermissionError):
        return ""
    try:
        there = next(path for path in (root, *root.parents) if path.exists())
        return f" ({there} belongs to {there.owner()})"
    except (OSError, KeyError, StopIteration):
        return ""


def _alternates(store: Path) -> Path:
    return store / "objects" / "info" / "alternates"


def _alternate(store: Path) -> bytes:
    try:
        return _alternates(store).read_bytes()
    except FileNotFoundError:
        return b""


def _line(alternate: Path | None) -> bytes:
    return b"" if alternate is None else os.fsencode(alternate) + b"\n"


def _shared(store: Path, held: contextlib.ExitStack) -> bool:
    try:
        descriptor = os.open(store / "in-use", os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    held.callback(os.close, descriptor)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return (store / "in-use").exists()


def _new_store(root: Path, held: contextlib.ExitStack) -> Path:
    name = secrets.token_hex(8)
    made = root / f"new-{name}"
    for folder in (made / "objects" / "info", made / "objects" / "pack"):
        folder.mkdir(mode=0o700, parents=True)
    (made / "in-use").touch()
    # In use before it has a name under which others would remove it as unused.
    if not _shared(made, held):
        raise StateError(f"{made} vanished while it was made; try again")
    return made.rename(root / f"store-{name}")


def _remove_unused(root: Path, kept: Path) -> None:
    for store in root.glob("store-*"):
        if store != kept:
            with contextlib.suppress(FileNotFoundError, PermissionError), contextlib.ExitStack() as held:
                descriptor = os.open(store / "in-use", os.O_RDWR | os.O_CLOEXEC)
                held.callback(os.close, descriptor)
                with contextlib.suppress(BlockingIOError):
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    store.rename(root / f"dead-{store.name}")
    for dead in root.glob("dead-*"):
        shutil.rmtree(dead, ignore_errors=True)


def _worn(store: Path) -> bool:
    objects = store / "objects"
    try:
        packs = len(list((objects / "pack").glob("*.pack")))
        loose = len(list((objects / "17").glob("*")))
        sessions = len(list(store.glob("session-*")))
        # A command of another user has left folders that only that one may write to.
        foreign = not all(os.access(folder, os.W_OK) for folder in (store, objects, *objects.iterdir()))
    except FileNotFoundError:
        return True
    return packs > _MOST_PACKS or loose > _MOST_LOOSE or sessions > _MOST_SESSIONS or foreign


def _session(store: Path, held: contextlib.ExitStack) -> ObjectSession:
    git_dir = store / f"session-{secrets.token_hex(8)}"
    (git_dir / "refs").mkdir(mode=0o700, parents=True)
    owner = os.getpid()
    held.callback(lambda: shutil.rmtree(git_dir, ignore_errors=True) if os.getpid() == owner else None)
    (git_dir / "objects").symlink_to("../objects")
    (git_dir / "HEAD").write_text("ref: refs/heads/none\n")
    (git_dir / "config").write_text(_CONFIG)
    with contextlib.suppress(FileNotFoundError):
        shutil.copyfile(store / "shallow", git_dir / "shallow")
    return ObjectSession(git_dir, store)


def _replace(path: Path, text: str) -> None:
    temporary = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    try:
        temporary.write_text(text)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
