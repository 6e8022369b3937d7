"""A cache that a command of another user has been in, e.g. with sudo once, stops nobody (ST-5)."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from orch_gates.errors import StateError
from orch_gates.state.branch.cache import Cache
from tests.conftest import REQUIRE_REAL

SOMEBODY = 54321
URL = "https://host.invalid/app.git\norch-state"

pytestmark = pytest.mark.skipif(os.geteuid() != 0 and not REQUIRE_REAL, reason="only root can be two users")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder of somebody who is not root."""
    made = Path(tempfile.mkdtemp())
    made.chmod(0o755)
    (made / "cache").mkdir()
    os.chown(made / "cache", SOMEBODY, SOMEBODY)
    yield made / "cache"
    shutil.rmtree(made)


def as_somebody(deed: Callable[[], str]) -> str:
    """What a deed answers in a process of that user."""
    reader, writer = os.pipe()
    if (pid := os.fork()) == 0:
        os.setgroups([])
        os.setgid(SOMEBODY)
        os.setuid(SOMEBODY)
        try:
            answer = deed()
        except Exception as error:  # noqa: BLE001 - the test shows it
            answer = str(error) if isinstance(error, StateError) else repr(error)
        os.write(writer, answer.encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        answer = pipe.read()
    os.waitpid(pid, 0)
    return answer


def use(folder: Path) -> str:
    """The name of the store in use, begun where there is none."""
    with contextlib.ExitStack() as held:
        cache = Cache(folder, URL)
        session = cache.open(held, None)
        if session is None:
            session = cache.begin(held, None)
            cache.publish(session)
        (session.objects / "17").mkdir(exist_ok=True)
        (session.objects / "17" / session.git_dir.name).touch()
        return session.store.name


def test_folders_that_root_left_in_a_store_are_left_behind(folder: Path) -> None:
    """The next command of its owner begins a new store, once."""
    first = as_somebody(lambda: use(folder))
    (store,) = folder.rglob(first)
    (store / "objects" / "aa").mkdir(mode=0o755)
    second = as_somebody(lambda: use(folder))
    assert second != first
    assert as_somebody(lambda: use(folder)) == second


def test_a_store_that_root_began_is_left_to_root(folder: Path) -> None:
    as_somebody(lambda: use(folder))
    shutil.rmtree(next(folder.rglob("store-*")))
    first = use(folder)
    second = as_somebody(lambda: use(folder))
    assert second.startswith("store-")
    assert second != first


def test_a_cache_that_is_root_s_altogether_is_named_with_its_owner(folder: Path) -> None:
    use(folder)
    answer = as_somebody(lambda: use(folder))
    assert answer.endswith("belongs to root); set ORCH_CACHE_DIR to a folder that you may write")
