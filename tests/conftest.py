"""Isolation around every test, and the list of what was not exercised."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from pathlib import Path

import pytest
from hypothesis import settings as hypothesis_settings

from tests import in_memory

ROOT = Path(__file__).parent.parent
REQUIRE_REAL = os.environ.get("ORCH_REQUIRE_REAL") == "1"
CACHE = Path(
    os.environ.get("ORCH_CACHE_DIR") or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "orch-gates")
).absolute()
FOREIGN = (
    "ORCH_",
    "GITHUB_",
    "GITEA_",
    "FORGEJO_",
    "PRE_COMMIT",
    "GIT_",
    "XDG_",
    "RUNNER_",
    "ACTIONS_",
    "PYTHONDONTWRITEBYTECODE",
    "PYTHONUNBUFFERED",
)

# Before pytest chooses its folder, and before its workers begin.
in_memory.use()

# The suites that several test modules inherit fail with the values, as tests do.
_SUITES = ("forge_pulls", "forge_steps", "forge_suite", "forge_labels", "tracker_steps", "tracker_suite", "image_suite")
pytest.register_assert_rewrite(*(f"tests.contract.{name}" for name in _SUITES))

# A busy machine is slow; that is no finding about the code. CI judges a commit alike each time.
hypothesis_settings.register_profile("orch-gates", deadline=None, derandomize=REQUIRE_REAL)
hypothesis_settings.load_profile("orch-gates")


@contextmanager
def interruptible_children() -> Iterator[None]:
    """Programs started meanwhile can be interrupted, also where this one ignores SIGINT as a background job does."""
    before = signal.getsignal(signal.SIGINT)
    if before is signal.SIG_IGN:
        # A program inherits what is ignored; a handler that does nothing is reset when it starts.
        signal.signal(signal.SIGINT, lambda *_: None)
    try:
        yield
    finally:
        if before is signal.SIG_IGN:
            signal.signal(signal.SIGINT, before)


def _own_cache(folder: Path) -> Path:
    """A cache that has the programs of the user's, and remembers no state branch or card of an earlier run."""
    (CACHE / "uv").mkdir(parents=True, exist_ok=True)
    for name in ("axe", "bin", "openapi", "tools", "uv"):
        (folder / name).symlink_to(CACHE / name)
    return folder


def _git_config(folder: Path) -> Path:
    """No repository of a test lives long enough to be cleaned up, and git would look after each push and fetch."""
    config = folder / "config"
    config.write_text("[gc]\n\tauto = 0\n[receive]\n\tautogc = false\n[maintenance]\n\tauto = false\n")
    return config


@pytest.fixture(scope="session", autouse=True)
def isolation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test sees this machine's user, git configuration, CI run or way of starting it."""
    with pytest.MonkeyPatch.context() as patch, interruptible_children():
        for name in [name for name in os.environ if name.startswith(FOREIGN) or name == "CI"]:
            patch.delenv(name)
        patch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
        patch.setenv("ORCH_CACHE_DIR", str(_own_cache(tmp_path_factory.mktemp("cache"))))
        patch.setenv("PIP_CACHE_DIR", os.environ.get("PIP_CACHE_DIR", str(CACHE / "pip")))
        patch.setenv("GIT_CONFIG_GLOBAL", str(_git_config(tmp_path_factory.mktemp("git"))))
        patch.setenv("GIT_CONFIG_NOSYSTEM", "1")
        patch.setenv("GIT_ALLOW_PROTOCOL", "file")
        patch.setenv("GIT_TERMINAL_PROMPT", "0")
        for role in ("AUTHOR", "COMMITTER"):
            patch.setenv(f"GIT_{role}_NAME", "A Tester")
            patch.setenv(f"GIT_{role}_EMAIL", "tester@example.invalid")
        yield


@pytest.fixture(scope="session")
def real() -> Callable[[str], Path]:
    """Find a real program by name; without it the test fails in CI and is listed elsewhere."""

    def find(name: str) -> Path:
        for folder in (CACHE / "bin", Path(sys.executable).parent):
            if os.access(folder / name, os.X_OK):
                return folder / name
        if found := shutil.which(name):
            return Path(found)
        reason = f"{name} is not installed"
        if REQUIRE_REAL:
            pytest.fail(f"{reason}, and ORCH_REQUIRE_REAL=1 allows no stand-in")
        pytest.skip(reason)

    return find


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Fast tests first; then those that take minutes each, so that no worker is left alone with them at the end."""
    order = ("unit", "e2e", "bundle")
    items.sort(
        key=lambda item: next((place for place, name in enumerate(order) if name in item.path.parts), len(order))
    )


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what this run does not prove, and why."""
    reasons = Counter(
        str(report.longrepr[2]) if isinstance(report.longrepr, tuple) else str(getattr(report, "wasxfail", ""))
        for outcome in ("skipped", "xfailed")
        for report in terminalreporter.getreports(outcome)
    )
    if deselected := len(terminalreporter.getreports("deselected")):
        reasons["deselected by -k or -m"] = deselected
    if reasons:
        terminalreporter.section("not exercised")
    for reason, count in sorted(reasons.items()):
        terminalreporter.write_line(f"{count} x {reason.removeprefix('Skipped: ')}")


def _is_local(host: object) -> bool:
    if host in (None, "", "localhost", b"localhost"):
        return True
    try:
        return ip_address(host.decode() if isinstance(host, bytes) else str(host)).is_loopback
    except ValueError:
        return False


def _tripwire(event: str, arguments: tuple[object, ...]) -> None:
    match event, arguments:
        case ("socket.connect" | "socket.sendto", (_, (host, *_))) if not _is_local(host):
            pytest.fail(f"a test reached for the network: {host!r}")
        case ("socket.getaddrinfo", (host, *_)) if not _is_local(host):
            pytest.fail(f"a test looked up a name: {host!r}")
        case _:
            pass


# An audit hook sees every socket of this process, whoever opens it.
sys.addaudithook(_tripwire)
