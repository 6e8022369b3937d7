"""The end of what a command wrote, as a job's document keeps it and as it is read back: pure (OWN-3, SEC-5)."""

from __future__ import annotations

import re

from orch_gates.documents import escape

# More than is shown is looked through, so that no secret is cut in two before it is found.
KEPT = 65_536
CUT = "[what came before is not kept]"
MOST_LINES = 200
MOST_BYTES = 20_000
_LONGEST_LINE = 2000
_TAB = 8
# What colours and moves: CSI and OSC sequences, and the other, shorter escapes.
_TERMINAL = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[ -/]+[0-~]|[0-Z\\^-~])")
_FENCE = re.compile(r"^(?P<fence>`{3,})text\n(?P<text>.*?)^(?P=fence)$", re.DOTALL | re.MULTILINE)
_TICKS = re.compile(r"`+")


def text_of(output: bytes, *, whole: bool) -> str:
    """What a command wrote as text; of less than the `whole`, the first line is a mark: its beginning may be lost."""
    shown = _TERMINAL.sub("", output.decode("utf-8", "replace")).replace("\r\n", "\n")
    lines = shown.split("\n")
    if not whole:
        lines[0] = CUT
    # What a progress bar wrote over is not to be seen in a terminal either.
    return "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in lines)


def tail(text: str) -> str:
    """The last lines of a text, as many as a document keeps, each one safe to show."""
    lines = [escape.visible(escape.clip(line.expandtabs(_TAB), _LONGEST_LINE)) for line in _lines(text)[-MOST_LINES:]]
    size, kept = 0, 0
    for line in reversed(lines):
        size += len(line.encode("utf-8", "surrogatepass")) + 1
        if size > MOST_BYTES:
            break
        kept += 1
    return "".join(f"{line.rstrip()}\n" for line in lines[len(lines) - kept :])


def block(shown: str) -> str:
    """A fenced block, which nothing in it can end."""
    fence = "`" * max(3, *(len(ticks) + 1 for ticks in _TICKS.findall(shown) or [""]))
    return f"\n{fence}text\n{shown}{fence}\n" if shown else ""


def in_body(body: str) -> str:
    """The output in a job's document; empty where it keeps none."""
    found = _FENCE.search(body)
    return found["text"] if found is not None else ""


def _lines(text: str) -> list[str]:
    return text.rstrip("\n").split("\n") if text.strip("\n") else []
