"""What every command prints: nobody else's control characters, and JSON stays JSON (OWN-3)."""

from __future__ import annotations

import json

import pytest

from orch_gates.cli.boundary import fail, progress, say

HOSTILE = "a\x1b[2Kb\u202ec\rd\x7fe\x9bf\u200bg"


def test_control_characters_are_shown_as_their_codes(capsys: pytest.CaptureFixture[str]) -> None:
    """On both streams; line ends and other letters stay."""
    say(f"é {HOSTILE}\nsecond\n")
    with pytest.raises(SystemExit):
        fail(HOSTILE, 2)
    shown = capsys.readouterr()
    escaped = r"a\u001b[2Kb\u202ec\u000dd\u007fe\u009bf\u200bg"
    assert shown.out == f"é {escaped}\nsecond\n"
    assert shown.err == f"orch-gates: {escaped}\n"


def test_json_is_read_back_as_it_was(capsys: pytest.CaptureFixture[str]) -> None:
    """Also DEL, which JSON itself leaves as it is."""
    say(json.dumps({"reason": HOSTILE}) + "\n")
    printed = capsys.readouterr().out
    assert json.loads(printed) == {"reason": HOSTILE}
    assert "\x7f" not in printed


def test_progress_overwrites_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    """It has a door of its own, and lets nothing else through."""
    progress("1 of 2\x1b")
    assert capsys.readouterr().err == "\r1 of 2\\u001b"
