"""What git says about a push means one thing, whoever says it (ST-3)."""

from __future__ import annotations

import pytest

from orch_gates.errors import StaleUpdate
from orch_gates.git.answers import FetchOutcome, PushOutcome, read_fetch, read_push

REF = "refs/heads/orch-state"
HOOK = f"remote: orch-gates: {StaleUpdate(REF)}        \n"
FORBIDDING = "https://host.invalid/protected/read-only-forbidden.git/"
TOO_BIG = "remote: fatal: pack exceeds maximum allowed size\nerror: remote unpack failed: index-pack abnormal exit\n"
DISK_FULL = "remote: error: file write error: No space left on device\nerror: remote unpack failed: index-pack failed\n"


def line(flag: str, summary: str) -> str:
    return f"To somewhere\n{flag}\t{REF}:{REF}\t{summary}\nDone\n"


@pytest.mark.parametrize(
    ("code", "stdout", "stderr", "meaning"),
    [
        (0, line(" ", "1234567..89abcde"), "", PushOutcome.LANDED),
        (0, line("*", "[new branch]"), "", PushOutcome.LANDED),
        (0, line("=", "[up to date]"), "", PushOutcome.TWIN),
        (1, line("!", "[rejected] (fetch first)"), "", PushOutcome.LOST),
        (1, line("!", "[rejected] (stale info)"), "", PushOutcome.LOST),
        (1, line("!", "[remote rejected] (pre-receive hook declined)"), "remote: no\n", PushOutcome.REFUSED),
        (1, line("!", "[rejected] (non-fast-forward)"), "", PushOutcome.LOST),
        (1, line("!", "[remote rejected] (non-fast-forward)"), "", PushOutcome.REFUSED),
        (1, line("!", "[remote rejected] (pre-receive hook declined)"), HOOK, PushOutcome.LOST),
        (128, "", "fatal: Authentication failed for 'https://host.invalid/'\n", PushOutcome.REFUSED),
        (128, "", "fatal: the receiving end does not support --atomic push\n", PushOutcome.REFUSED),
        (128, "", "fatal: the receiving end does not support this repository's hash algorithm\n", PushOutcome.REFUSED),
        (1, line("!", "[remote rejected] (unpacker error)"), TOO_BIG, PushOutcome.REFUSED),
        (1, line("!", "[remote rejected] (unpacker error)"), DISK_FULL, PushOutcome.REFUSED),
        (128, "", "fatal: the remote end hung up unexpectedly\n", PushOutcome.UNCLEAR),
        (128, "", f"fatal: unable to access '{FORBIDDING}': Failed to connect\n", PushOutcome.UNSENT),
    ],
)
def test_the_meaning_of_a_push(code: int, stdout: str, stderr: str, meaning: PushOutcome) -> None:
    """A race that our own hook saw first is a lost race, and is tried again; any other word of a hook is final."""
    assert read_push(code, stdout, stderr, [REF]).meaning is meaning


@pytest.mark.parametrize(
    ("stderr", "meaning"),
    [
        ("fatal: couldn't find remote ref refs/heads/orch-state\n", FetchOutcome.ABSENT),
        ("fatal: https://host.invalid/x.git/info/refs not valid: is this a git repository?\n", FetchOutcome.FOREIGN),
        ("fatal: Authentication failed for 'https://host.invalid/'\n", FetchOutcome.REFUSED),
        ("fatal: mismatched algorithms: client sha1; server sha256\n", FetchOutcome.FORMAT),
        ("fatal: unable to access 'https://host.invalid/': Could not resolve host\n", FetchOutcome.FAILED),
        (f"fatal: unable to access '{FORBIDDING}': Failed to connect\n", FetchOutcome.FAILED),
        (f"fatal: unable to access '{FORBIDDING}': The requested URL returned error: 503\n", FetchOutcome.BUSY),
    ],
)
def test_the_meaning_of_a_fetch(stderr: str, meaning: FetchOutcome) -> None:
    """Only git's own word makes a ref absent (ST-9)."""
    assert read_fetch(128, stderr).meaning is meaning


def test_a_hook_that_names_a_file_gives_no_advice_about_refs() -> None:
    """What stands in the way of a ref is told by git, in a line of its own."""
    name = f"'refs/heads/main' exists; cannot create '{REF}'"
    stderr = f"remote: orch-gates: 1 secret found\nremote:   {name}:1\n"
    found = read_push(1, line("!", "[remote rejected] (pre-receive hook declined)"), stderr, [REF])
    assert (found.meaning, found.reason.startswith("refs/")) == (PushOutcome.REFUSED, False)
    assert "1 secret found" in found.hook_output
