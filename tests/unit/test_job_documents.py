"""What a job leaves for people: the end of its output, its record on the machine, and the Markdown that it is told."""

from __future__ import annotations

import base64
import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orch_gates.documents.escape import HOSTILE
from orch_gates.jobs import environment, output, spool
from orch_gates.model.feedback import Feedback, of_verdict
from orch_gates.model.finding import Finding
from orch_gates.model.verdict import Outcome, Verdict
from orch_gates.state import codec
from orch_gates.state.kinds import JOB
from tests.tasks_builders import NOW, make_job, make_task

ATTEMPT = "0123456789abcdef"
TOKEN = "".join(chr(ord("a") + number % 26) for number in os.urandom(30))


# ---- the end of the output


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        (b"one\ntwo\n", "one\ntwo\n"),
        (b"no end", "no end\n"),
        (b"", ""),
        (b"\n\n", ""),
        (b"\x1b[32mgreen\x1b[0m \x1b]0;title\x07and\x1b(B more", "green and more\n"),
        (b"10%\r50%\r100%\nwindows\r\n", "100%\nwindows\n"),
        (b"\ta\tb", "        a       b\n"),
        (b"\xff\xfe\0", "\ufffd\ufffd\\x00\n"),
        ("\u202egnp.exe".encode(), "\\u202egnp.exe\n"),
        (b"::error::not ours", ":\\x3aerror::not ours\n"),
    ],
)
def test_what_is_shown_of_an_output(written: bytes, shown: str) -> None:
    """Lines as a terminal ends up showing them; what would act instead of being read is spelled out."""
    assert output.tail(output.text_of(written, whole=True)) == shown


def test_of_a_part_the_first_line_goes() -> None:
    """Its beginning is lost, and half of a secret is none that could be found."""
    assert output.text_of(b"cret\nnext\n", whole=False) == f"{output.CUT}\nnext\n"


def test_only_the_last_lines_are_kept() -> None:
    """At most 200, and 20 kB: a document has to stay small."""
    many = output.tail("\n".join(str(number) for number in range(500)))
    assert many.split("\n")[:-1] == [str(number) for number in range(300, 500)]
    long = output.tail("\n".join("x" * 1000 for _ in range(100)))
    assert len(long) <= output.MOST_BYTES
    assert long.count("\n") == 19
    assert len(output.tail("y" * 100_000)) < 2100


@given(st.text(max_size=200) | st.from_regex(r"(`{1,6}(text)?\n?){0,6}", fullmatch=True))
def test_a_block_is_read_back_whatever_is_in_it(text: str) -> None:
    """Nothing in an output can end its block, add a line to the log, or reach a terminal (OWN-3)."""
    shown = output.tail(text)
    body = f"- a line\n{output.block(shown)}"
    assert output.in_body(body) == shown
    assert not HOSTILE.search(shown.replace("\n", ""))
    document = codec.encode(make_job(), body)
    assert codec.decode(JOB, JOB.at(task="T-1", attempt=make_job().attempt), document) == (make_job(), body)


# ---- the record on the machine


@pytest.mark.parametrize("code", [0, 3, -9, None])
def test_a_record_is_read_back_and_forgotten(tmp_path: Path, code: int | None) -> None:
    """REAP-1, tier 2: a sweep on this machine learns how it ended; nobody else on it does."""
    record = spool.ExitRecord(code, "it ended", NOW)
    spool.write(tmp_path, ATTEMPT, record)
    spool.write(tmp_path, ATTEMPT, record)
    assert spool.read(tmp_path, ATTEMPT) == record
    (file,) = (tmp_path / "jobs").iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    spool.remove(tmp_path, ATTEMPT)
    spool.remove(tmp_path, ATTEMPT)
    assert spool.read(tmp_path, ATTEMPT) is None


def test_without_a_folder_nothing_is_kept() -> None:
    """A machine without a home runs jobs too."""
    spool.write(None, ATTEMPT, spool.ExitRecord(0, "", NOW))
    assert spool.read(None, ATTEMPT) is None
    spool.remove(None, ATTEMPT)


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", "[" * 9000, '{"exit_code": 0}']
    + [
        json.dumps({"exit_code": 0, "reason": "x", "ended": "2026-01-31T12:00:00Z"} | change)
        for change in ({"exit_code": "0"}, {"exit_code": True}, {"reason": 1}, {"ended": "now"}, {"ended": None})
    ],
)
def test_a_record_that_is_none_proves_nothing(tmp_path: Path, text: str) -> None:
    """A damaged one is as good as none (P2)."""
    spool.write(tmp_path, ATTEMPT, spool.ExitRecord(0, "", NOW))
    (tmp_path / "jobs" / f"{ATTEMPT}.json").write_text(text)
    assert spool.read(tmp_path, ATTEMPT) is None


@pytest.mark.parametrize("name", ["../../etc/passwd", "", "0123", ATTEMPT.upper()])
def test_only_an_attempt_has_a_record(tmp_path: Path, name: str) -> None:
    assert spool.read(tmp_path, name) is None


# ---- what the command is told


def feedback(**changes: Any) -> Feedback:
    finding = Finding("f-1", "a-rule", "src/a b.py", 7, "", "it is `wrong`", "do <this>", commands=("git status",))
    verdict = Verdict("ci-green", Outcome.FAIL, "2 of 12 failed", next_step="Look.", findings=(finding,))
    return of_verdict(verdict).model_copy(update=changes)


def test_a_gates_words_are_markdown() -> None:
    """ENG-4: verbatim, but for what would act."""
    assert environment.feedback(feedback(), "T-1") == (
        "# ci-green\n\n2 of 12 failed\n\nNext: Look.\n\n"
        "- `src/a b.py:7` `a-rule`: it is \\`wrong\\` do &lt;this&gt; `git status`\n"
    )
    assert environment.feedback(None, "T-1") == ""


@given(st.text(max_size=4000), st.integers(0, 600))
def test_they_fit_into_an_environment(text: str, count: int) -> None:
    """Whatever a gate says; what is left out is counted."""
    shown = environment.feedback(
        feedback(reason=text, findings=feedback().findings * count, findings_total=count), "T-1"
    )
    assert len(shown.encode()) <= environment.MOST_FEEDBACK
    assert "\0" not in shown
    assert count < 500 or re.search(r"\d+ more findings", shown)


def test_the_command_knows_its_work() -> None:
    """The same names for a person's script and a workflow's step (JOB-1)."""
    variables = environment.variables(
        make_task(feedback=feedback().model_dump()), make_job(), "c" * 40, "/tmp/feedback.md"
    )
    assert variables.pop("ORCH_FEEDBACK").startswith("# ci-green")
    assert variables == {
        "ORCH_TASK": "T-1",
        "ORCH_ROLE": make_job().role,
        "ORCH_STAGE": make_job().stage,
        "ORCH_ATTEMPT": make_job().attempt,
        "ORCH_NUMBER": "1",
        "ORCH_BRANCH": "task/T-1",
        "ORCH_HEAD": "c" * 40,
        "ORCH_FEEDBACK_FILE": "/tmp/feedback.md",
    }


def test_our_token_is_not_told() -> None:
    """By its name, by its value, and as git sends it; git's own numbers stay without a gap (OWN-1)."""
    basic = base64.b64encode(f"x-access-token:{TOKEN}".encode()).decode()
    env = {
        "PATH": "/bin",
        "ORCH_FORGE_TOKEN": TOKEN,
        "ORCH_ALLOW_KEY": "a key",
        "ANOTHER": f"https://x:{TOKEN}@git.example.org",
        "GIT_CONFIG_COUNT": "3",
        "GIT_CONFIG_KEY_0": "user.name",
        "GIT_CONFIG_VALUE_0": "ann",
        "GIT_CONFIG_KEY_1": "http.https://git.example.org/.extraHeader",
        "GIT_CONFIG_VALUE_1": f"AUTHORIZATION: basic {basic}",
        "GIT_CONFIG_KEY_2": "user.email",
        "GIT_CONFIG_VALUE_2": "ann@example.org",
    }
    assert environment.without_secrets(env, {"ORCH_FORGE_TOKEN", "ORCH_ALLOW_KEY"}, TOKEN) == {
        "PATH": "/bin",
        "GIT_CONFIG_COUNT": "2",
        "GIT_CONFIG_KEY_0": "user.name",
        "GIT_CONFIG_VALUE_0": "ann",
        "GIT_CONFIG_KEY_1": "user.email",
        "GIT_CONFIG_VALUE_1": "ann@example.org",
    }


def test_without_a_token_nothing_else_is_taken() -> None:
    """An empty value is in every other one."""
    env = {"PATH": "/bin", "EMPTY": "", "GIT_CONFIG_COUNT": "x"}
    assert environment.without_secrets(env, {"ORCH_FORGE_TOKEN"}, "") == env
