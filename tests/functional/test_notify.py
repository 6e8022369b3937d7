"""`orch-gates notify test`: what it sends, what it says, and what it never shows (NTF-1)."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.builders import Done, bare, clone, orch
from tests.fakes import scripted_http, telegram
from tests.fakes.scripted_http import says
from tests.fakes.telegram import Telegram

TOKEN = f"{secrets.randbelow(10**9) + 10**8}:{secrets.token_urlsafe(26)}"
SECRET = secrets.token_hex(16)
Say = Callable[..., Done]


@pytest.fixture
def say(tmp_path: Path) -> Say:
    """Run a command in a clone with one commit; no traceback comes of it."""
    work = clone(bare(tmp_path / "app.git"), tmp_path / "work")
    work.commit("first", {"README.md": "# A project\n"})
    work.git("push", "--quiet", "origin", "HEAD:main")

    def run(*args: str, **env: str) -> Done:
        done = orch(
            *args, cwd=work.path, env={"ORCH_CACHE_DIR": str(tmp_path / "cache"), "ORCH_STATE_BY": "ann", **env}
        )
        assert b"Traceback" not in done.stderr
        return done

    return run


@pytest.fixture
def server() -> Iterator[Telegram]:
    with telegram.serving(TOKEN) as made:
        yield made


def chat(server: Telegram) -> dict[str, str]:
    return {"ORCH_TELEGRAM_URL": server.url, "ORCH_TELEGRAM_CHAT": "-100500", "ORCH_TELEGRAM_TOKEN": TOKEN}


def test_each_channel_gets_one_card(say: Say, server: Telegram) -> None:
    """One message in the chat, one signed post, and a line for each."""
    with scripted_http.serving(says(204)) as receiver:
        hook = {"ORCH_WEBHOOK_URL": f"{receiver.url}/hook", "ORCH_WEBHOOK_SECRET": SECRET}
        done = say("notify", "test", **chat(server), **hook)
    assert (done.returncode, done.stdout) == (0, b"telegram: shown\nwebhook: shown\n")
    (message,) = server.messages.values()
    assert message.text.startswith("<b>TEST-1</b> A test of this channel\n")
    (posted,) = receiver.seen
    assert json.loads(posted.body)["task"] == "TEST-1"


@pytest.mark.parametrize("mode", ["edit", "bump", "Bump ", "sideways"])
def test_every_mode_works(say: Say, server: Telegram, mode: str) -> None:
    """A mode that is not known is edit, and no error."""
    assert say("notify", "test", **chat(server), ORCH_TELEGRAM_MODE=mode).returncode == 0


def test_a_chat_that_is_not_there_is_told(say: Say, server: Telegram) -> None:
    """Exit 2, and what Telegram answered."""
    server.chats.clear()
    done = say("notify", "test", "--json", **chat(server))
    assert done.returncode == 2
    (row,) = json.loads(done.stdout)["channels"]
    assert (row["channel"], row["result"]) == ("telegram", "refused")
    assert "chat not found" in row["reason"]


@pytest.mark.parametrize(
    ("env", "word"),
    [
        ({}, "ORCH_TELEGRAM_CHAT or ORCH_WEBHOOK_URL"),
        ({"ORCH_TELEGRAM_CHAT": "-1"}, "ORCH_TELEGRAM_TOKEN"),
        (
            {"ORCH_TELEGRAM_CHAT": "-1", "ORCH_TELEGRAM_TOKEN": TOKEN, "ORCH_TELEGRAM_URL": "http://chat.example"},
            "https://",
        ),
        ({"ORCH_WEBHOOK_URL": "https://ci.example/hook"}, "ORCH_WEBHOOK_SECRET"),
    ],
)
def test_what_is_missing_is_named(say: Say, env: dict[str, str], word: str) -> None:
    """Before anything is sent there, with the variable to set."""
    done = say("notify", "test", **env)
    assert done.returncode == 2
    assert word in (done.stdout + done.stderr).decode()


def test_a_channel_that_is_set_wrong_stops_no_other(say: Say, server: Telegram) -> None:
    """The chat gets its message, and the webhook without a secret is told."""
    done = say("notify", "test", **chat(server), ORCH_WEBHOOK_URL="https://ci.example/hook")
    assert done.returncode == 2
    assert len(server.messages) == 1
    first, second = done.stdout.decode().splitlines()
    assert first == "telegram: shown"
    assert second.startswith("webhook: refused: ")
    assert "ORCH_WEBHOOK_SECRET" in second


def test_no_secret_is_shown(say: Say) -> None:
    """Neither the bot's token, nor the address, nor the secret; nothing listens, which is in every message."""
    path = secrets.token_hex(16)
    env = {
        "ORCH_TELEGRAM_URL": "http://127.0.0.1:9",
        "ORCH_TELEGRAM_CHAT": "-1",
        "ORCH_TELEGRAM_TOKEN": TOKEN,
        "ORCH_WEBHOOK_URL": f"http://127.0.0.1:9/{path}",
        "ORCH_WEBHOOK_SECRET": SECRET,
    }
    done = say("notify", "test", **env, ORCH_DEBUG="true")
    shown = say("config", "show", **env)
    assert done.returncode == 2
    assert done.stdout.count(b": later: ") == 2
    for secret in (TOKEN, path, SECRET):
        assert secret.encode() not in done.stdout + done.stderr + shown.stdout + shown.stderr
