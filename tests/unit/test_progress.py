"""What takes long says how far it is, and quick work says nothing; no test waits for a clock."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

from orch_gates.cli.progress import Progress
from orch_gates.git.feed import Listed


def ends_after(waits: int, asked: list[float]) -> Callable[[float], bool]:
    """The end comes during the wait after so many."""
    answers: Iterator[bool] = iter([False] * waits + [True])

    def ended(seconds: float) -> bool:
        asked.append(seconds)
        return next(answers)

    return ended


def shown(waits: int, objects: int = 12_345) -> tuple[list[str], list[float]]:
    """What is shown of work that ends after so many waits, and how long each wait was."""
    texts: list[str] = []
    asked: list[float] = []
    listed = Listed(ids={b"%d" % number for number in range(objects)})
    Progress(texts.append, every=5.0, first=1.0).tell(listed, 0.0, ends_after(waits, asked))
    return texts, asked


def test_quick_work_says_nothing() -> None:
    assert shown(0) == ([], [1.0])


def test_long_work_says_how_far_it_is_again_and_again() -> None:
    """First after a second, then less often; at the end whoever shows it is told."""
    texts, asked = shown(3)
    assert asked == [1.0, 5.0, 5.0, 5.0]
    assert [text.startswith("orch-gates: judging 12,345 objects, ") for text in texts] == [True, True, True, False]
    assert texts[-1] == ""


def test_it_ends_with_the_work() -> None:
    """Also where that fails; nothing is shown afterwards."""
    texts: list[str] = []
    begun = threading.Event()

    def show(text: str) -> None:
        texts.append(text)
        begun.set()

    try:
        with Progress(show, every=0.0, first=0.0).of(Listed()):
            assert begun.wait(60)
            raise KeyError
    except KeyError:
        count = len(texts)
    assert texts[-1] == ""
    assert len(texts) == count
