"""Cards are shown by a process that is killed at any of its effects; the next ones come to the same end (NTF-1, P7)."""

from __future__ import annotations

import json
import os
import secrets
import signal
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from orch_gates.cli.forge import cards
from orch_gates.forge.port.pulls import Draft
from orch_gates.model.ids import TaskId
from orch_gates.state import layout
from tests import sweep_rig
from tests.card_worker import worker
from tests.fakes import scripted_http, telegram
from tests.fakes.scripted_http import Scripted, says
from tests.fakes.telegram import Telegram
from tests.sweep_rig import SweepRig

pytestmark = pytest.mark.slow

# More moments than a run of these scenes has.
_MOST = 20
TOKEN = f"{secrets.randbelow(10**9) + 10**8}:{secrets.token_urlsafe(26)}"
SECRET = secrets.token_hex(16)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sweep_rig.template(tmp_path_factory.mktemp("cards"))


@pytest.fixture
def server() -> Iterator[Telegram]:
    with telegram.serving(TOKEN) as found:
        yield found


def chat(server: Telegram, mode: str) -> dict[str, str]:
    return {
        "ORCH_TELEGRAM_URL": server.url,
        "ORCH_TELEGRAM_CHAT": "-100500",
        "ORCH_TELEGRAM_TOKEN": TOKEN,
        "ORCH_TELEGRAM_MODE": mode,
    }


def run(rig: SweepRig, env: dict[str, str], later: timedelta = timedelta(0)) -> None:
    """One run, so much later than now."""
    workspace = rig.workspace(datetime.now(UTC) + later, env)
    cards.publish(workspace)
    workspace.store.close()


def dies(rig: SweepRig, env: dict[str, str], moment: int) -> bool:
    """A run of its own process that is to be killed at a moment; False where it had no such moment, and ended."""
    child = worker(rig.work.path, {**rig.settings, **env}, dies_at=moment)
    _, told = child.communicate(timeout=120)
    assert child.returncode in {0, -signal.SIGKILL}, told
    return child.returncode != 0


def killed(made: Path, folder: Path, env: dict[str, str]) -> Iterator[tuple[int, SweepRig]]:
    """A project for each moment at which the run that shows its first card was killed, until there are no more."""
    for moment in range(1, _MOST):
        rig = sweep_rig.copy(made, folder / f"at-{moment}")
        if not dies(rig, env, moment):
            assert moment > 4, "no moment was met"
            return
        yield moment, rig
    raise AssertionError("it has more moments than expected")


def shown(rig: SweepRig) -> dict[str, Any]:
    (found,) = rig.document(layout.card_path(TaskId("T-1")))["shown"]
    assert isinstance(found, dict)
    return found


def clear(server: Telegram) -> None:
    server.messages.clear()
    server.calls.clear()
    server.last = 0


def at_rest(rig: SweepRig, env: dict[str, str]) -> None:
    """Runs until long after a claim is over; the last one changes nothing."""
    run(rig, env)
    rig.looks_on(11)
    run(rig, env)
    before = rig.state()
    rig.looks_on(11)
    run(rig, env, timedelta(hours=1))
    assert rig.state() == before


def test_a_first_card_is_sent_once_wherever_it_dies(made: Path, tmp_path: Path, server: Telegram) -> None:
    """One message with the newest words; only where the answer was all that died with it, there is another one."""
    env, twice = chat(server, "edit"), []
    for moment, rig in killed(made, tmp_path, env):
        rig.passed()
        rig.tick()
        at_rest(rig, env)
        assert "review" in server.messages[shown(rig)["message"]].text, moment
        assert shown(rig)["claim"] is None, moment
        if len(server.messages) > 1:
            twice.append(moment)
        clear(server)
    # Nobody can tell whether a message came whose answer nobody has: it is sent again, and not lost.
    assert len(twice) == 1


@pytest.mark.parametrize("mode", ["edit", "bump"])
def test_a_card_that_changes_is_followed_wherever_it_dies(
    made: Path, tmp_path: Path, server: Telegram, mode: str
) -> None:
    """The chat ends with the newest words in the message that is recorded; an edit makes no other one."""
    env, twice = chat(server, mode), []
    for moment in range(1, _MOST):
        clear(server)
        rig = sweep_rig.copy(made, tmp_path / f"at-{moment}")
        run(rig, env)
        rig.passed()
        rig.tick()
        if not dies(rig, env, moment):
            assert moment > 3, "no moment was met"
            break
        at_rest(rig, env)
        assert "review" in server.messages[shown(rig)["message"]].text, moment
        if len(server.messages) > 1:
            twice.append(moment)
    else:
        raise AssertionError("it has more moments than expected")
    assert len(twice) == (0 if mode == "edit" else 1)


def test_what_was_kept_of_a_message_does_not_stay(made: Path, tmp_path: Path, server: Telegram) -> None:
    """It is gone with the run that recorded it, or a week after one that died."""
    rig = sweep_rig.copy(made, tmp_path / "project")
    run(rig, chat(server, "edit"))
    folder = rig.cache / "cards"
    assert list(folder.iterdir()) == []
    left = folder / f"{'0' * 16}.sent"
    left.write_text("7\n")
    run(rig, chat(server, "edit"))
    assert left.exists()
    os.utime(left, (time.time() - 8 * 86_400,) * 2)
    run(rig, chat(server, "edit"))
    assert not left.exists()


def test_a_post_is_known_by_its_delivery_wherever_it_dies(made: Path, tmp_path: Path) -> None:
    """A receiver that leaves what it had before gets each change once, and the newest one at the end."""
    with scripted_http.serving(says(204)) as receiver:
        env = {"ORCH_WEBHOOK_URL": f"{receiver.url}/hook", "ORCH_WEBHOOK_SECRET": SECRET}
        for moment, rig in killed(made, tmp_path, env):
            run(rig, env)
            rig.looks_on(11)
            run(rig, env)
            rig.passed()
            rig.tick()
            at_rest(rig, env)
            stages = _deliveries(receiver)
            assert list(stages.values()) == ["development", "review"], moment
            receiver.seen.clear()


def _deliveries(receiver: Scripted) -> dict[str, str]:
    return {
        next(value for name, value in one.headers.items() if name.lower() == "x-orch-delivery"): json.loads(one.body)[
            "stage"
        ]
        for one in receiver.seen
    }


def test_a_comment_is_made_once_wherever_it_dies(made: Path, tmp_path: Path) -> None:
    """It is found by its mark, so it is made once, and says what is new at the end."""
    env = {"ORCH_NOTIFY_COMMENT": "true"}
    for moment in range(1, _MOST):
        rig = sweep_rig.copy(made, tmp_path / f"at-{moment}")
        rig.local_forge()
        workspace = rig.workspace()
        number = workspace.need_forge().pulls.open(Draft("task/T-1", "main", "Land it")).number
        died = dies(rig, env, moment)
        rig.passed()
        rig.tick()
        at_rest(rig, env)
        (comment,) = workspace.need_forge().issues.comments(number)
        workspace.store.close()
        assert "review" in comment.body, moment
        if not died:
            assert moment > 4, "no moment was met"
            return
    raise AssertionError("it has more moments than expected")
