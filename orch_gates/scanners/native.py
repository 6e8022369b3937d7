"""The matcher's library, loaded with as little else as possible: every hook waits for it (SEC-6).

Of the package only the native part is loaded: the Python around it takes four times as long to import, and is not used.
"""

import contextlib
import importlib.machinery
import importlib.util
import os
from collections.abc import Iterator
from typing import Any

from orch_gates import clock
from orch_gates.errors import ScannerError

LIBRARY = "kingfisher_sdk"
_COPY = "orch-gates-rules-"
_STALE_S = 600
_ENDINGS = (".so", ".pyd", ".dylib")
_loaded: dict[str, Any] = {}


def library() -> Any:
    """The library.

    Raises:
        ScannerError: it is not installed, or this machine cannot load it.
    """
    if LIBRARY not in _loaded:
        _loaded[LIBRARY] = _load()
    return _loaded[LIBRARY]


def _load() -> Any:
    package = importlib.util.find_spec(LIBRARY)
    places = list(package.submodule_search_locations or ()) if package else []
    files = [
        entry.path
        for place in places
        for entry in os.scandir(place)
        if entry.name.startswith("_native") and entry.name.endswith(_ENDINGS)
    ]
    if not files:
        raise ScannerError(
            f"{LIBRARY} is not installed, so nothing can be scanned; install kingfisher-secret-scanner, which has "
            "wheels for glibc, macOS and Windows, or name another engine with ORCH_SECURITY_ENGINE"
        )
    name = f"{LIBRARY}._native"
    loader = importlib.machinery.ExtensionFileLoader(name, files[0])
    spec = importlib.util.spec_from_loader(name, loader)
    assert spec is not None
    try:
        module = importlib.util.module_from_spec(spec)
        loader.exec_module(module)
    except ImportError as error:
        raise ScannerError(f"{files[0]} cannot be loaded, so nothing can be scanned: {error}") from error
    return module


def compiled(rules: str, cache: str, scratch: str) -> tuple[Any, str]:
    """A scanner by the rules of a file, and what became of the cache (empty: none) of their compiled form.

    Raises:
        ScannerError: the library is not there, or does not take the rules.
    """
    found = library()
    with _private(cache, scratch) as folder:
        try:
            loaded = found.Rules([rules], False, "low", cache=bool(cache), cache_dir=folder or None)
            # Base64 is decoded; nothing is left out as seen before, and nothing in the text switches a rule off.
            scanner = found.Scanner(loaded, True, False, False, None, policy=None)
        except (ValueError, RuntimeError, OSError) as error:
            raise ScannerError(f"the matcher does not take the rules of {rules}: {error}") from error
    return scanner, str(loaded.cache_status)


@contextlib.contextmanager
def _private(cache: str, scratch: str) -> Iterator[str]:
    """The cache of compiled rules as a folder of this user's own; the matcher passes over any other, silently.

    What another user owns (root's, read by a server's user) is copied, and the copy removed once it is loaded.
    """
    if not cache or _is_own(cache):
        yield cache
        return
    copy = f"{scratch}/{_COPY}{os.urandom(8).hex()}"
    _sweep(scratch)
    try:
        os.mkdir(copy, 0o700)  # noqa: PTH102 - pathlib is a tenth of the time that all this takes
        for entry in os.scandir(cache):
            with open(entry.path, "rb") as file, open(f"{copy}/{entry.name}", "wb") as to:
                to.write(file.read())
    except OSError:
        # A full disk costs the time to compile the rules again, nothing else.
        _remove(copy)
        yield cache
        return
    try:
        yield copy
    finally:
        _remove(copy)


def _sweep(scratch: str) -> None:
    """Remove what a process left that was killed while it copied; a copy is needed for a tenth of a second."""
    oldest = clock.utc_now().timestamp() - _STALE_S
    with contextlib.suppress(OSError):
        for entry in os.scandir(scratch):
            if entry.name.startswith(_COPY):
                found = entry.stat(follow_symlinks=False)
                if found.st_uid == os.geteuid() and found.st_mtime < oldest:
                    _remove(entry.path)


def _remove(folder: str) -> None:
    with contextlib.suppress(OSError):
        for entry in os.scandir(folder):
            os.unlink(entry.path)  # noqa: PTH108
        os.rmdir(folder)  # noqa: PTH106


def _is_own(folder: str) -> bool:
    try:
        found = os.stat(folder)  # noqa: PTH116
    except OSError:
        return False
    return found.st_uid == os.geteuid() and not found.st_mode & 0o022 and os.access(folder, os.W_OK)
