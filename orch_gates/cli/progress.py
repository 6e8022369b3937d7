"""What takes longer than a second says so on stderr, and how far it is (UX-1)."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orch_gates import clock
from orch_gates.cli import boundary

if TYPE_CHECKING:
    from orch_gates.git.feed import Listed

_LINE_EVERY_S = 5.0
_TERMINAL_EVERY_S = 0.5
_NARROW = 80


@dataclass(frozen=True, slots=True)
class Progress:
    """Shows the progress of a scan after `first` seconds, and then each time that `every` seconds have passed.

    `shown` gets each text, and an empty one at the end if there was another before.
    """

    shown: Callable[[str], None]
    every: float
    first: float = 1.0

    @contextlib.contextmanager
    def of(self, listed: Listed) -> Iterator[None]:
        """Show how many objects are listed, as long as the block runs."""
        ended = threading.Event()
        began = clock.monotonic()
        teller = threading.Thread(target=self.tell, args=(listed, began, ended.wait), daemon=True)
        try:
            teller.start()
        except RuntimeError:
            # No thread, so no progress: that is no reason to refuse anything.
            yield
            return
        try:
            yield
        finally:
            ended.set()
            teller.join()

    def tell(self, listed: Listed, began: float, ended: Callable[[float], bool]) -> None:
        """Show the count until the end, which `ended` waits for so many seconds; quick work shows nothing."""
        if ended(self.first):
            return
        while True:
            seconds = int(clock.monotonic() - began)
            self.shown(f"orch-gates: judging {len(listed.ids):,} objects, {seconds} s")
            if ended(self.every):
                break
        self.shown("")


def in_hook() -> Progress:
    """Lines, which git passes on to whoever pushes."""
    return Progress(_line, _LINE_EVERY_S)


def on_terminal() -> Progress | None:
    """One line that is written again and again; None where nobody looks at a terminal."""
    return Progress(_in_place, _TERMINAL_EVERY_S) if sys.stderr.isatty() else None


def _line(text: str) -> None:
    if text:
        boundary.say(f"{text}\n", to=sys.stderr)


def _in_place(text: str) -> None:
    # A line that is longer than the terminal is wide could not be written over.
    width = _columns() - 1
    boundary.progress(text[:width].ljust(width))
    if not text:
        boundary.progress("")


def _columns() -> int:
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns or _NARROW
    except OSError:
        return _NARROW
