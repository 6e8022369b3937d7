"""The recall tables: per cent found of what is known to be there, seen and unseen formats apart."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from random import SystemRandom

from scripts.generated import renewed, table
from tests.corpus.formats import FORMATS
from tests.corpus.judged import Answers, judge
from tests.corpus.labelled import FALSE, TRUE
from tests.corpus.samples import Sample, everything
from tests.corpus.text_carriers import ENCODED, TEXT
from tests.corpus.whole_files import FILES

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "recall.md"
_TRUE, _FALSE = "labelled credentials", "labelled look-alikes"


def main(arguments: Sequence[str]) -> int:
    """Print the tables; with `--write`, put them into the page."""
    samples = everything(SystemRandom())
    made = tables(samples, judge(samples))
    for name, text in made.items():
        print(f"{name}:\n\n{text}", flush=True)
    if "--write" in arguments:
        PAGE.write_text(renewed(PAGE.read_text("utf-8"), made, PAGE), "utf-8")
    elif arguments:
        print(f"usage: python -m tests.corpus recall [--write], not {' '.join(arguments)}", file=sys.stderr)
        return 2
    return 0


def sets_digest() -> str:
    """Changes when a format, a file, a carrier or a kind is added, removed or weighed anew."""
    weights = [{name: weight for name, (weight, _) in kinds.items()} for kinds in (TRUE, FALSE)]
    names = [sorted(FORMATS), sorted(FILES), sorted(TEXT), sorted(ENCODED), weights]
    return hashlib.sha256(json.dumps(names, sort_keys=True).encode()).hexdigest()[:12]


def tables(samples: Sequence[Sample], answers: Answers) -> dict[str, str]:
    """The generated parts of the page; details are shown of the seen half only."""
    in_text = [sample for sample in samples if sample.group == "text carriers"]
    files = [sample for sample in samples if sample.group == "whole files"]
    kinds = [sample for sample in samples if sample.group in {_TRUE, _FALSE}]
    return {
        "measured": _measured(samples, answers),
        "summary": _table("set", _summary(samples), answers),
        "by carrier": _table("carrier", _grouped(in_text, lambda sample: sample.variant), answers),
        "by format": _table("format, seen", _grouped(_seen(in_text), lambda sample: sample.name), answers),
        "by file": _table("file, seen", _grouped(_seen(files), lambda sample: sample.name), answers),
        "labelled": _table("kind", _grouped(kinds, lambda sample: f"{sample.group}: {sample.name}"), answers),
    }


def _measured(samples: Sequence[Sample], answers: Answers) -> str:
    return (
        f"{datetime.now(UTC):%d %B %Y}, {len(samples)} samples, sets {sets_digest()} ({len(FORMATS)} formats, "
        f"{len(TEXT)} + {len(ENCODED)} carriers, {len(FILES)} files).\nEngine: {answers.engine}.\n"
    )


def _seen(samples: Iterable[Sample]) -> list[Sample]:
    return [sample for sample in samples if sample.seen]


def _summary(samples: Sequence[Sample]) -> Iterator[tuple[str, list[Sample]]]:
    for group, group_samples in _grouped(samples, lambda sample: sample.group):
        if group in {_TRUE, _FALSE}:
            continue
        seen = _seen(group_samples)
        unseen = [sample for sample in group_samples if not sample.seen]
        yield from ((f"{group}, seen", seen), (f"{group}, unseen", unseen), (f"{group}, both", group_samples))
    for group in (_TRUE, _FALSE):
        yield group, [sample for sample in samples if sample.group == group]


def _grouped(samples: Iterable[Sample], key: Callable[[Sample], str]) -> list[tuple[str, list[Sample]]]:
    groups: dict[str, list[Sample]] = {}
    for sample in samples:
        groups.setdefault(key(sample), []).append(sample)
    return list(groups.items())


def _table(what: str, groups: Iterable[tuple[str, list[Sample]]], answers: Answers) -> str:
    rows = (
        [name, str(len(of)), *(_percent(sample.path in paths for sample in of) for paths in answers.paths.values())]
        for name, of in groups
        if of
    )
    return table([what, "samples", *answers.paths], rows)


def _percent(found: Iterable[bool]) -> str:
    answers = list(found)
    return f"{100 * sum(answers) / len(answers):.0f} %"
