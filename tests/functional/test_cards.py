"""The cards of tasks on a server with the hook: one message for a task, whoever looks and dies (NTF-1, T23)."""

from __future__ import annotations

import json
import secrets
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from orch_gates.documents import escape
from orch_gates.forge.port.pulls import Draft
from orch_gates.forge.port.server import ForgeKind
from orch_gates.model.ids import TaskId, moment
from orch_gates.notify.claims import Claims
from orch_gates.notify.comment import PullComments
from orch_gates.notify.delivery import DeliveryResult
from orch_gates.state import layout
from tests import sweep_rig
from tests.blocks import Shell, blocks
from tests.builders import install_hook
from tests.fakes import scripted_http, telegram
from tests.fakes.scripted_http import says
from tests.fakes.telegram import Telegram
from tests.sweep_rig import SweepRig, until

TOKEN = f"{secrets.randbelow(10**9) + 10**8}:{secrets.token_urlsafe(26)}"
SECRET = secrets.token_hex(16)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sweep_rig.template(tmp_path_factory.mktemp("cards"), hook=True)


@pytest.fixture
def rig(made: Path, tmp_path: Path) -> SweepRig:
    return sweep_rig.copy(made, tmp_path / "project")


@pytest.fixture
def server() -> Iterator[Telegram]:
    with telegram.serving(TOKEN) as found:
        yield found


def chat(server: Telegram, **more: str) -> dict[str, str]:
    return {"ORCH_TELEGRAM_URL": server.url, "ORCH_TELEGRAM_CHAT": "-100500", "ORCH_TELEGRAM_TOKEN": TOKEN, **more}


def run(rig: SweepRig, env: dict[str, str], code: int = 0) -> str:
    return rig.ok("notify", "run", code=code, env={**rig.settings, **env})


def shown(rig: SweepRig) -> dict[str, Any]:
    (found,) = rig.document(layout.card_path(TaskId("T-1")))["shown"]
    assert isinstance(found, dict)
    return found


def test_a_task_has_one_card_that_follows_it(rig: SweepRig, server: Telegram) -> None:
    """Made once, not touched while nothing changes, edited by the sweep that moves the task; the history is legal."""
    env = chat(server)
    assert run(rig, env) == "T-1: shown in telegram\n"
    before = rig.state()
    assert run(rig, env) == "nothing changed\n"
    assert (rig.state(), server.calls.count("sendMessage")) == (before, 1)
    assert "development · active" in server.messages[1].text
    rig.passed()
    assert "T-1: shown in telegram" in rig.tick(env=env).lines
    assert list(server.messages) == [1]
    assert "review · active" in server.messages[1].text
    assert "✓ tests-passed" in server.messages[1].text
    assert not rig.tick(env=env).lines
    rig.ok("state", "verify")


def test_bump_makes_the_card_anew_for_a_change_only(rig: SweepRig, server: Telegram) -> None:
    """One message in the chat at any time; a tick that changes nothing sends nothing."""
    env = chat(server, ORCH_TELEGRAM_MODE="bump")
    run(rig, env)
    run(rig, env)
    assert list(server.messages) == [1]
    rig.passed()
    rig.tick(env=env)
    assert list(server.messages) == [2]
    assert shown(rig)["message"] == 2


def test_many_at_once_send_one_message(rig: SweepRig, server: Telegram) -> None:
    """Each a process of its own; none fails."""
    env = chat(server)
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda _: run(rig, env), range(3)))
    assert server.calls.count("sendMessage") == 1
    assert shown(rig)["message"] == 1


def test_a_message_that_may_have_come_is_not_sent_again_at_once(rig: SweepRig, server: Telegram) -> None:
    """The answer to it is lost: it stays claimed, is no failure of the tick, and comes anew once that is over."""
    server.lost.append("sendMessage")
    report = rig.tick(env=chat(server))
    assert (report.exit_code, len(report.lines)) == (0, 1)
    assert report.lines[0].startswith("warning: T-1: telegram: ")
    assert shown(rig)["claim"] is not None
    rig.tick(timedelta(minutes=5), env=chat(server))
    assert server.calls.count("sendMessage") == 1
    rig.looks_on(11)
    assert "T-1: shown in telegram" in rig.tick(env=chat(server)).lines
    assert server.calls.count("sendMessage") == 2
    assert (shown(rig)["claim"], shown(rig)["message"]) == (None, 2)


@contextmanager
def forge_at(told: list[datetime]) -> Iterator[dict[str, str]]:
    """The settings of a forge that says what time it is."""

    def gitea(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response_only(200)
        body = b'{"version": "1.25.0"}'
        for name, value in {"Date": format_datetime(told[0], usegmt=True), "Content-Length": str(len(body))}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body)

    with scripted_http.serving(gitea) as forge:
        yield {"ORCH_FORGE": "gitea", "ORCH_FORGE_URL": forge.url, "ORCH_FORGE_REPOSITORY": "a/b"}


def test_another_clock_takes_over_no_message(rig: SweepRig, server: Telegram) -> None:
    """A machine whose clock is ahead by more than a claim lasts sends no second one while the first is on its way."""
    env, goes_on = chat(server, ORCH_NOTIFY_TIMEOUT_S="60"), threading.Event()
    server.late["sendMessage"] = goes_on
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(run, rig, env)
        until(lambda: "sendMessage" in server.calls)
        rig.tick(timedelta(minutes=11), env=env)
        rig.tick(timedelta(minutes=22), env=env)
        goes_on.set()
        assert first.result() == "T-1: shown in telegram\n"
    assert server.calls.count("sendMessage") == 1


def test_a_claim_counts_by_the_time_of_the_forge(rig: SweepRig, server: Telegram) -> None:
    """It is taken over ten minutes after it was made there, whatever this machine's clock says, and has seen."""
    told = [datetime(2020, 1, 1, tzinfo=UTC)]

    with forge_at(told) as host:
        env = chat(server, **host)
        server.lost.append("sendMessage")
        run(rig, env)
        claim = shown(rig)["claim"]
        assert (claim["by_forge"], claim["at"][:16]) == (True, "2020-01-01T00:00")
        told[0] += timedelta(minutes=9)
        rig.looks_on(60)
        rig.tick(timedelta(minutes=11), env=env)
        assert server.calls.count("sendMessage") == 1
        told[0] += timedelta(minutes=2)
        run(rig, env)
        assert server.calls.count("sendMessage") == 2


def test_a_claim_is_dated_when_it_is_made(rig: SweepRig) -> None:
    """In a run of many slow cards the last claims are not as old as the run; the forge is asked once."""
    workspace, elapsed, asked = rig.workspace(), [0.0], []
    began = datetime(2026, 1, 1, tzinfo=UTC)

    def forge() -> datetime:
        asked.append(began)
        return began

    claims = Claims(workspace.store, lambda: began - timedelta(days=1), lambda: elapsed[0], forge, "a host")
    first = claims.made("a" * 64, "0" * 16)
    elapsed[0] = 660.0
    second = claims.made("b" * 64, "1" * 16)
    assert moment(second.at) - moment(first.at) == timedelta(minutes=11)
    assert (claims.over(first), claims.over(second)) == (True, False)
    assert len(asked) == 1
    workspace.store.close()


def test_a_claim_of_a_machine_without_the_forge_is_over_by_it_too(rig: SweepRig, server: Telegram) -> None:
    """Machines that keep nothing would never take it over: it counts from when the first of them saw it."""
    told = [datetime.now(UTC)]

    server.lost.append("sendMessage")
    run(rig, chat(server))
    with forge_at(told) as host:
        for minutes, sent in ((0, 1), (9, 1), (11, 2)):
            told[0] = datetime.now(UTC) + timedelta(minutes=minutes)
            run(rig, chat(server, **host, ORCH_CACHE_DIR=str(rig.folder / f"cache-{minutes}")))
            assert server.calls.count("sendMessage") == sent
    rig.ok("state", "verify")


def test_an_edit_that_comes_late_does_not_stay(rig: SweepRig, server: Telegram) -> None:
    """Its process waits no more, the task moves, and then the old words come: the newest are what the card says."""
    env = chat(server, ORCH_NOTIFY_TIMEOUT_S="2")
    run(rig, env)
    comes = server.late["editMessageText"] = threading.Event()
    rig.ok("task", "hold", "T-1", "--reason", "the old words")
    run(rig, env)
    rig.ok("task", "resume", "T-1")
    rig.ok("task", "hold", "T-1", "--reason", "the new words")
    run(rig, env)
    comes.set()
    until(lambda: "the old words" in server.messages[1].text)
    rig.looks_on(11)
    run(rig, env)
    assert "the new words" in server.messages[1].text
    assert list(server.messages) == [1]


def test_a_limit_holds_for_the_next_tick_too(rig: SweepRig, server: Telegram) -> None:
    """Nothing is asked of Telegram before the time that it named is over, for any task of the chat."""
    env = chat(server)
    rig.ok("task", "new", "T-2", "Another one")
    server.fail("sendMessage", 429, "Too Many Requests: retry after 900", retry_after=900)
    assert rig.tick(env=env).exit_code == 0
    calls = len(server.calls)
    assert "is rate-limited until" in "".join(rig.tick(timedelta(minutes=10), env=env).lines)
    assert len(server.calls) == calls
    rig.tick(timedelta(minutes=16), env=env)
    assert len(server.messages) == 2


BROKEN = {"status": says(500, {"ok": False, "error_code": 500, "description": "broken"}), "page": says(200, b"<html>")}


@pytest.mark.parametrize("name", BROKEN)
def test_a_card_that_fails_keeps_no_other_unshown(rig: SweepRig, server: Telegram, name: str) -> None:
    """The newest is asked for in vain each time; all others are shown, and it is not asked for by every run (P3)."""
    env, others = chat(server), ("T-2", "T-3", "T-4")
    for task in others:
        rig.ok("task", "new", task, f"Change for {task}")
    run(rig, env)
    broken = next(number for number, one in server.messages.items() if "T-1" in one.text)
    server.broken[broken] = BROKEN[name]
    for task in (*others, "T-1"):
        rig.ok("task", "hold", task, "--reason", "the new words")
    run(rig, env)
    output = [one.text for number, one in server.messages.items() if number != broken]
    assert all("the new words" in text for text in output)
    rig.looks_on(11)
    run(rig, env)
    rig.looks_on(11)
    calls = len(server.calls)
    assert run(rig, env) == "nothing changed\n"
    assert len(server.calls) == calls
    server.broken.clear()
    rig.tick(timedelta(minutes=15), env=env)
    assert "the new words" in server.messages[broken].text


def test_cards_that_fail_come_after_those_that_do_not(rig: SweepRig, server: Telegram) -> None:
    """As many as end a run keep nothing unshown that changes later, and nothing that failed once."""
    env, tasks = chat(server), ("T-1", "T-2", "T-3", "T-4")
    for task in tasks[1:]:
        rig.ok("task", "new", task, f"Change for {task}")
    run(rig, env)
    numbers = {task: n for task in tasks for n, one in server.messages.items() if f"<b>{task}<" in one.text}
    server.broken.update({numbers[task]: BROKEN["status"] for task in tasks[1:]})
    for task in tasks:
        rig.ok("task", "hold", task, "--reason", "the new words")
    run(rig, env)
    assert "the new words" not in server.messages[numbers["T-1"]].text
    run(rig, env)
    assert "the new words" in server.messages[numbers["T-1"]].text


def test_a_refusal_is_told_once_and_tried_again(rig: SweepRig, server: Telegram) -> None:
    """A person has to look: the alert is new in one tick, and over once the card is shown."""
    env = chat(server)
    server.chats.clear()
    report = rig.tick(env=env)
    assert [alert.key for alert in report.opened] == ["card telegram"]
    assert "chat not found" in report.opened[0].line
    quiet = rig.tick(timedelta(minutes=10), env=env)
    assert (quiet.exit_code, len(quiet.alerts)) == (0, 1)
    server.chats.add("-100500")
    assert [alert.key for alert in rig.tick(timedelta(minutes=61), env=env).closed] == ["card telegram"]
    assert len(server.messages) == 1


def test_a_bot_that_is_blocked_makes_no_commits(rig: SweepRig, server: Telegram) -> None:
    """No tick of any hour does: an alert says it, and what changed is shown when it is mended (SWP-1)."""
    env, tasks = chat(server), [f"T-{number}" for number in range(1, 6)]
    for task in tasks[1:]:
        rig.ok("task", "new", task, f"Change for {task}")
    rig.tick(env=env)
    for task in tasks:
        rig.ok("task", "hold", task, "--reason", "the new words")
    rig.tick()
    before, server.blocked = rig.commits(), True
    alerts = [rig.tick(timedelta(minutes=minutes), env=env).opened for minutes in (0, 5, 65, 130)]
    assert [len(opened) for opened in alerts] == [1, 0, 0, 0]
    assert "bot was kicked" in alerts[0][0].line
    assert rig.commits() == before
    server.blocked = False
    rig.tick(timedelta(minutes=135), env=env)
    assert all("the new words" in one.text for one in server.messages.values())


def test_a_text_that_is_refused_is_not_asked_for_by_itself(rig: SweepRig, server: Telegram) -> None:
    """By no tick of any hour (SWP-1); it is made up for once the channel takes another one."""
    env, tasks = chat(server), ["T-1", "T-2"]
    rig.ok("task", "new", "T-2", "Change for T-2")
    run(rig, env)
    described = "Bad Request: not enough rights to send text messages to the chat"
    refusal = says(400, {"ok": False, "error_code": 400, "description": described})
    server.broken.update(dict.fromkeys(server.messages, refusal))
    for task in tasks:
        rig.ok("task", "hold", task, "--reason", "the new words")
    rig.tick(env=env)
    before, calls = rig.commits(), len(server.calls)
    for minutes in (5, 65, 130):
        rig.tick(timedelta(minutes=minutes), env=env)
    assert (rig.commits(), len(server.calls)) == (before, calls)
    server.broken.clear()
    rig.ok("task", "new", "T-3", "Change for T-3")
    rig.tick(timedelta(minutes=135), env=env)
    assert ["the new words" in server.messages[number].text for number in (1, 2)] == [True, True]
    rig.ok("state", "verify")


def test_a_refusal_ends_the_command_with_1(rig: SweepRig, server: Telegram) -> None:
    """What Telegram said is in the output."""
    server.chats.clear()
    assert "chat not found" in run(rig, chat(server), code=1)


def test_a_task_that_is_over_shows_its_end(rig: SweepRig, server: Telegram) -> None:
    """Where it had a card; one that is over before cards were turned on gets none."""
    rig.ok("task", "new", "T-2", "Another one")
    rig.ok("task", "cancel", "T-2", "--reason", "no need")
    run(rig, chat(server))
    rig.ok("task", "cancel", "T-1", "--reason", "no need")
    run(rig, chat(server))
    (message,) = server.messages.values()
    assert "development · cancelled" in message.text
    rig.ok("state", "verify")


def test_a_webhook_is_told_once_of_each_change(rig: SweepRig) -> None:
    """One post for what changed, with an id that is the same where it is posted again."""
    with scripted_http.serving(says(500, b""), says(204)) as receiver:
        env = {"ORCH_WEBHOOK_URL": f"{receiver.url}/{secrets.token_hex(8)}", "ORCH_WEBHOOK_SECRET": SECRET}
        rig.tick(env=env)
        rig.tick(timedelta(minutes=1), env=env)
        assert len(receiver.seen) == 1
        rig.looks_on(11)
        rig.tick(timedelta(minutes=11), env=env)
        rig.tick(timedelta(minutes=12), env=env)
        assert len(receiver.seen) == 2
        first, second = ({name.lower(): value for name, value in one.headers.items()} for one in receiver.seen)
        assert first["x-orch-delivery"] == second["x-orch-delivery"]
        assert first["x-orch-timestamp"] != second["x-orch-timestamp"]
        assert json.loads(receiver.seen[1].body)["stage"] == "development"
        path = env["ORCH_WEBHOOK_URL"].rpartition("/")[2]
    assert path not in rig.server.git("show", f"orch-state:{layout.card_path(TaskId('T-1'))}")


def test_one_channel_that_is_down_stops_no_other(rig: SweepRig, server: Telegram) -> None:
    """Nothing listens at the webhook: the chat has its card, and the tick is well."""
    hook = {"ORCH_WEBHOOK_URL": "http://127.0.0.1:9/hook", "ORCH_WEBHOOK_SECRET": SECRET}
    report = rig.tick(env={**chat(server), **hook})
    assert report.exit_code == 0
    assert "T-1: shown in telegram" in report.lines
    assert any(line.startswith("warning: T-1: webhook: ") for line in report.lines)


def test_a_sweep_without_the_token_says_so(rig: SweepRig) -> None:
    """As on the machine of a person: the chat is set by the repository, and the tick is well."""
    report = rig.tick(env={"ORCH_TELEGRAM_CHAT": "-100500"})
    assert report.exit_code == 0
    assert "ORCH_TELEGRAM_TOKEN" in "".join(report.lines)


WRONG = {
    "telegram": ({"ORCH_TELEGRAM_CHAT": "-1", "ORCH_TELEGRAM_URL": "http://chat.example"}, "ORCH_TELEGRAM_"),
    "webhook": ({"ORCH_WEBHOOK_URL": "https://ci.example/hook"}, "ORCH_WEBHOOK_SECRET"),
    "comment": ({"ORCH_NOTIFY_COMMENT": "true", "ORCH_FORGE": "none"}, "forge"),
}


@pytest.mark.parametrize("channel", WRONG)
def test_a_channel_that_is_set_wrong_stops_no_other(rig: SweepRig, server: Telegram, channel: str) -> None:
    """The others show the card, by the command and by the sweep; the wrong one is told, with what to set."""
    env, word = WRONG[channel]
    with scripted_http.serving(says(204)) as receiver:
        hook = {"ORCH_WEBHOOK_URL": f"{receiver.url}/hook", "ORCH_WEBHOOK_SECRET": SECRET}
        good = hook if channel == "telegram" else chat(server)
        text = run(rig, {**good, **env}, code=2)
        other = "webhook" if channel == "telegram" else "telegram"
        shown, told = text.splitlines()
        assert shown == f"T-1: shown in {other}"
        assert told.startswith(f"no card is shown in {channel}: ")
        assert word in told
        report = rig.tick(env={**good, **env})
    assert report.exit_code == 0
    assert [line for line in report.lines if line.startswith(f"warning: no card is shown in {channel}: ")]


def test_a_card_that_was_changed_by_hand_is_refused(rig: SweepRig, server: Telegram) -> None:
    """Nobody makes another message out of the card, or has one sent twice (OWN-3)."""
    run(rig, chat(server))
    path = layout.card_path(TaskId("T-1"))
    rig.work.git("fetch", "--quiet", "origin", "orch-state")
    rig.work.git("checkout", "--quiet", "--detach", "FETCH_HEAD")
    file = rig.work.path / path
    file.write_text(file.read_text("utf-8").replace("message: 1", "message: 7"), "utf-8")
    rig.work.git("commit", "--quiet", "-am", "another message")
    pushed = rig.work.attempt("push", "origin", "HEAD:orch-state")
    assert pushed.returncode != 0
    assert b"may be written by orch-gates only" in pushed.stderr


def test_a_step_shows_its_card(rig: SweepRig, server: Telegram) -> None:
    """`advance` does at its end, in the same one message, and says nothing of it; `--dry-run` shows nothing."""
    env = {**rig.settings, **chat(server)}
    run(rig, chat(server))
    rig.passed()
    rig.ok("advance", "T-1", "--dry-run", env=env)
    assert "development" in server.messages[1].text
    done = rig.say("advance", "T-1", env=env)
    assert (done.returncode, done.stderr) == (0, b"")
    assert "review · active" in server.messages[1].text
    assert list(server.messages) == [1]


def test_an_event_shows_the_card_of_what_it_moved(rig: SweepRig, server: Telegram) -> None:
    """As a sweep would at its end."""
    head = rig.push()
    rig.passed()
    event = rig.folder / "event.json"
    event.write_text(json.dumps({"sha": head, "context": "ci", "state": "success", "sender": {"login": "bot"}}))
    told = {"GITHUB_EVENT_NAME": "status", "GITHUB_EVENT_PATH": str(event), "CI": "true"}
    rig.ok("event", env={**rig.settings, **chat(server), **told})
    (message,) = server.messages.values()
    assert "review · active" in message.text


def test_a_channel_that_fails_changes_no_step(rig: SweepRig, server: Telegram) -> None:
    """Exit code and output are its own; a limit is told and not waited for, and a sweep shows the card later."""
    server.fail("getChat", 429, "Too Many Requests: retry after 900", retry_after=900)
    rig.passed()
    began = time.monotonic()
    done = rig.say("advance", "T-1", "--json", env={**rig.settings, **chat(server)})
    assert time.monotonic() - began < 60
    assert done.returncode == 0
    assert json.loads(done.stdout)
    assert done.stderr.startswith(b"orch-gates: warning: could not show a card now: T-1: telegram: ")
    assert rig.task()["stage"] == "review"
    rig.tick(timedelta(minutes=16), env=chat(server))
    assert "review" in server.messages[1].text


def test_a_step_of_a_person_without_the_token_says_nothing_of_cards(rig: SweepRig) -> None:
    """The chat is set by the repository, and the token is the sweep's."""
    rig.passed()
    done = rig.say("advance", "T-1", env={**rig.settings, "ORCH_TELEGRAM_CHAT": "-100500"})
    assert (done.returncode, done.stderr) == (0, b"")


HOSTILE_TITLE = "\ufeff\u202eA title " + "y" * 180


def test_names_and_subjects_of_any_bytes_break_nothing_that_people_look_at(
    rig: SweepRig, server: Telegram, tmp_path: Path
) -> None:
    """Branches and a commit that are not UTF-8, begin with a byte order mark or never end: all is visible."""
    rig.ok("task", "new", "T-2", HOSTILE_TITLE)
    # One that scans, as doctor tries it.
    install_hook(rig.server, "kingfisher")
    git = ["git", "-C", str(rig.work.path)]
    subject = b"\xef\xbb\xbfsubject \x1b[31m\xff" + b"z" * 90_000
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-F", "-"], input=subject, check=True, timeout=60)
    for name in (b"odd-\xff\xfe", "\ufeffodd".encode(), b"x" * 200):
        subprocess.run([*git, b"push", b"-q", b"origin", b"HEAD:refs/heads/" + name], check=True, timeout=60)
    env, page = {**rig.settings, **chat(server)}, tmp_path / "page"
    output = [rig.ok(*command, env=env) for command in (["doctor"], ["status", "--html", str(page)], ["notify", "run"])]
    shown = "".join(
        [*output, *(one.text for one in server.messages.values()), (page / "index.html").read_text("utf-8")]
    )
    assert not {character for character in escape.HOSTILE.findall(shown) if character not in "\n\r\t"}
    assert shown.count("\\ufeff\\u202eA title") >= 2


# ---- the comment


COMMENT = {"ORCH_NOTIFY_COMMENT": "true"}


def pull(rig: SweepRig) -> int:
    workspace = rig.workspace()
    found = workspace.need_forge().pulls.open(Draft("task/T-1", "main", "Land it"))
    workspace.store.close()
    return found.number


def comments(rig: SweepRig, number: int) -> list[str]:
    workspace = rig.workspace()
    found = workspace.need_forge().issues.comments(number)
    workspace.store.close()
    return [one.body for one in found]


def test_the_pull_request_has_the_card_as_its_one_comment(rig: SweepRig) -> None:
    """Made once, edited where the task moves, left alone where nothing changed; the history is legal."""
    rig.local_forge()
    number = pull(rig)
    assert run(rig, COMMENT) == "T-1: shown in comment\n"
    before = rig.state()
    assert run(rig, COMMENT) == "nothing changed\n"
    assert rig.state() == before
    rig.passed()
    assert "T-1: shown in comment" in rig.tick(env=COMMENT).lines
    (text,) = comments(rig, number)
    assert text.startswith("<!-- orch-gates: card -->")
    assert "| ✓ | `tests-passed` | passed |" in text
    rig.ok("state", "verify")


def test_without_a_pull_request_nothing_is_said(rig: SweepRig) -> None:
    """Nor is it looked for by every tick: one that is opened later has the card with the next change."""
    rig.local_forge()
    assert run(rig, COMMENT) == "nothing changed\n"
    before = rig.state()
    assert run(rig, COMMENT) == "nothing changed\n"
    assert rig.state() == before
    number = pull(rig)
    rig.passed()
    rig.tick(env=COMMENT)
    assert len(comments(rig, number)) == 1


def test_many_at_once_make_one_comment(rig: SweepRig) -> None:
    """Each a process of its own; none fails."""
    rig.local_forge()
    number = pull(rig)
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda _: run(rig, COMMENT), range(3)))
    assert len(comments(rig, number)) == 1


def test_a_comment_that_another_process_edits_is_left_to_it(rig: SweepRig) -> None:
    """Of two edits at once the one with the older words could be the last."""
    rig.local_forge()
    number = pull(rig)
    run(rig, COMMENT)
    before = comments(rig, number)
    workspace = rig.workspace()
    shown = PullComments(workspace.need_forge(), ForgeKind.LOCAL, "main")
    assert shown.show("task/T-1", "older words", number, lambda: False).result is DeliveryResult.LEFT
    assert comments(rig, number) == before
    assert shown.show("task/T-1", "newer words", number, lambda: True).result is DeliveryResult.SHOWN
    assert "newer words" in "".join(comments(rig, number))
    workspace.store.close()


@pytest.mark.parametrize("name", ["test", "now"])
def test_the_commands_of_the_how_to_say_what_it_shows(name: str, rig: SweepRig, server: Telegram) -> None:
    """As written, in the clone; what is printed stands behind each (DOC-1)."""
    page = "docs/how-to/follow-tasks-in-a-chat.md"
    shell = Shell(rig.folder / "person", {**rig.settings, **chat(server)})
    shell.here = rig.work.path
    output = shell.series(page, name, 1)
    (block,) = blocks(page, name)
    assert output.strip() == block["script"].partition("#")[2].strip()
