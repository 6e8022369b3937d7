"""A push that the server takes after its writer has given up (ST-3); tests/model/store.pml finds the same."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from orch_gates.errors import StateUnclear
from orch_gates.git.answers import PushAnswer, PushOutcome
from orch_gates.git.remote import Remote, Update
from orch_gates.state.outcome import Committed
from tests import state_rig
from tests.fakes import git_http
from tests.state_rig import BRANCH, FILES, GitRig, put


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[GitRig]:
    """A state branch behind a server that goes on with a push when its client is gone."""
    with state_rig.rig("http", tmp_path) as made:
        assert isinstance(made, GitRig)
        assert isinstance(made.store().initialise(FILES), Committed)
        yield made


@pytest.fixture
def silent(rig: GitRig) -> Iterator[None]:
    """No push gets an answer."""

    def fault(handler: BaseHTTPRequestHandler, _answer: bytes) -> bool:
        return handler.command == "POST" and handler.path.endswith("/git-receive-pack")

    with git_http.serving(rig.folder) as server:
        server.fault = fault
        rig.url = f"{server.url}/server.git"
        yield


@pytest.mark.slow
@pytest.mark.usefixtures("silent")
def test_a_push_that_may_land_yet_is_not_called_unwritten(rig: GitRig) -> None:
    """Looked for and not found says nothing while the branch stands where the push was made upon."""
    before = rig.tip()
    rig.hook("pre-receive", "until test -e go; do sleep 0.01; done")
    with pytest.raises(StateUnclear, match=r"could not check whether change .* was recorded: ."):
        rig.store(ORCH_STATE_TIMEOUT_S="2").transact(put("a.md"))
    unchanged = rig.tip() == before
    (rig.server.path / "go").touch()
    assert unchanged
    for _ in range(3000):
        if rig.tip() != before:
            break
        time.sleep(0.01)
    assert len(rig.messages()) == 2


def pushed(rig: GitRig) -> PushAnswer:
    made = rig.server.git("commit-tree", "-m", "made", "-p", rig.tip(), f"{rig.tip()}^{{tree}}")
    remote = Remote.at(rig.url, {**os.environ, **rig.env})
    return remote.push(rig.server.path, [Update(BRANCH, rig.tip(), made)], timeout=60)


def test_a_push_that_the_server_declined_will_not_land(rig: GitRig) -> None:
    """Its own word is an answer, whatever kept it from taking the push."""
    (rig.server.path / "refs" / "heads" / "orch-state.lock").touch()
    answer = pushed(rig)
    assert "orch-state.lock" in answer.reason
    assert (answer.meaning, answer.declined) == (PushOutcome.UNCLEAR, True)


@pytest.mark.usefixtures("silent")
def test_a_push_without_an_answer_was_not_declined(rig: GitRig) -> None:
    before = rig.tip()
    answer = pushed(rig)
    assert rig.tip() != before
    assert (answer.meaning, answer.declined) == (PushOutcome.UNCLEAR, False)
