"""The samples of a measurement: each a file, with what it is called in the tables."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from tests.corpus.formats import FORMATS, seen
from tests.corpus.labelled import FALSE, TRUE, Maker
from tests.corpus.text_carriers import ENCODED, TEXT
from tests.corpus.whole_files import FILES


@dataclass(frozen=True, slots=True)
class Sample:
    """A file with one credential, or with none where `true` says so; `group` is the table that it counts in."""

    group: str
    name: str
    variant: str
    seen: bool
    path: str
    content: bytes
    true: bool = True


def formats(chance: Random, times: int) -> Iterator[Sample]:
    """Every format in every carrier."""
    number = 0
    for name, make in FORMATS.items():
        for variant, carrier in (TEXT | ENCODED).items():
            group = "text carriers" if variant in TEXT else variant
            for _ in range(times):
                number += 1
                path = f"a{number // 200}/f{number}.{carrier.ending}"
                yield Sample(group, name, variant, seen(name), path, carrier.content(make(chance)))


def whole_files(chance: Random, times: int) -> Iterator[Sample]:
    """Every whole file, under the name that its program gives it."""
    for at, (name, file) in enumerate(FILES.items()):
        for turn in range(times):
            path = f"b{at}/{turn}/{file.path}"
            yield Sample("whole files", name, "", seen(name), path, file.content(chance).encode())


def labelled(chance: Random, rows: int) -> Iterator[Sample]:
    """As many rows with a credential as without, each kind in its part."""
    for true, kinds in ((True, TRUE), (False, FALSE)):
        weights = [weight for weight, _ in kinds.values()]
        chosen = chance.choices(list(kinds.items()), weights, k=rows)
        for at, (kind, (_, make)) in enumerate(chosen):
            path, content = _made(make, chance)
            group = "labelled credentials" if true else "labelled look-alikes"
            yield Sample(group, kind, "", seen=True, path=f"{'cd'[true]}{at}/{path}", content=content, true=true)


def _made(make: Maker, chance: Random) -> tuple[str, bytes]:
    path, content = make(chance)
    return path, content.encode()


def everything(chance: Random, *, times: int = 3, rows: int = 1_000) -> list[Sample]:
    """All of it; each whole file six times, as there are fewer of them."""
    return [*formats(chance, times), *whole_files(chance, 2 * times), *labelled(chance, rows)]
