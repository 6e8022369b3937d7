"""The walls around the tests hold, so that a green run says something about the code alone."""

import signal
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import interruptible_children


def test_the_network_is_out_of_reach() -> None:
    """An address, a name or a datagram to anywhere but this machine ends the test."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagram, socket.socket() as stream:
        for reach in (
            lambda: stream.connect(("192.0.2.1", 9)),
            lambda: datagram.sendto(b"", ("192.0.2.1", 9)),
            lambda: socket.getaddrinfo("example.invalid", 80),
        ):
            with pytest.raises(pytest.fail.Exception, match="a test "):
                reach()


def test_loopback_can_be_reached() -> None:
    """Scripted servers listen there."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname(), timeout=5).close()


def test_git_knows_nobody_from_this_machine(tmp_path: Path) -> None:
    """Neither the system's nor the user's configuration is read: all that git knows is not to clean up."""
    listing = ["git", "config", "--list", "--name-only"]
    known = subprocess.run(listing, cwd=tmp_path, check=True, capture_output=True).stdout.split()
    assert known == [b"gc.auto", b"receive.autogc", b"maintenance.auto"]


@pytest.mark.parametrize("inherited", [signal.SIG_DFL, signal.SIG_IGN], ids=["default", "ignored"])
def test_a_program_can_be_interrupted(inherited: signal.Handlers) -> None:
    """Also where the tests run as a background job, whose shell lets them ignore SIGINT."""
    before = signal.signal(signal.SIGINT, inherited)
    try:
        with interruptible_children(), subprocess.Popen(["sleep", "20"]) as child:
            child.send_signal(signal.SIGINT)
            assert child.wait(10) == -signal.SIGINT
        assert signal.getsignal(signal.SIGINT) is inherited
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_missing_component_is_a_failure_in_ci_and_a_reason_elsewhere(
    real: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing real is left out silently."""
    assert real("git").is_file()
    for required, ending in ((True, pytest.fail.Exception), (False, pytest.skip.Exception)):
        monkeypatch.setitem(real.__globals__, "REQUIRE_REAL", required)
        with pytest.raises(ending, match="no-such-tool is not installed"):
            real("no-such-tool")
