"""Collecting what the rules find in one object after another, and telling it in lines (pure but for the matcher)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from orch_gates import clock
from orch_gates.content.pieces import Piece, plain
from orch_gates.content.views import decode, views
from orch_gates.errors import BudgetExceeded
from orch_gates.scanners.answer import Hit
from orch_gates.scanners.matcher import MatcherOutput, Raw
from orch_gates.scanners.rules import paths, refine
from orch_gates.scanners.rules.meta import RuleMeta
from orch_gates.scanners.worker.versions import Versions

if TYPE_CHECKING:
    from orch_gates.scanners.repository_rules import RepositoryRule

# More is no leak but a dump; what is listed already refuses it.
MOST_HITS = 100_000
_DEEPEST_DECODING = 3
_ANYWHERE = {"other": ""}


class Scans(Protocol):
    """What finds matches in one piece of text: the matcher, or a program behind the same call.

    One that `decides` has sorted out by itself what is no secret.
    """

    decides: bool

    def scan(self, data: bytes, *, timeout: float) -> MatcherOutput:
        """See `matcher.Matcher.scan`."""
        ...


@dataclass(frozen=True, slots=True)
class Match:
    """A match that counts, in files of some kinds or of all (`kinds` is empty)."""

    raw: Raw
    kinds: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class _Span:
    start: int
    end: int
    match: Match


@dataclass(slots=True)
class HitCollector:
    """Scans texts and keeps the hits, until `deadline` (monotonic seconds)."""

    engines: Sequence[Scans]
    rules: Mapping[str, RuleMeta]
    own: Mapping[str, RepositoryRule]
    deadline: float
    hits: list[Hit] = field(default_factory=list)
    canaries: int = 0
    canaries_found: int = 0
    bytes_given: int = 0
    bytes_scanned: int = 0
    bytes_repeated: int = 0
    versions: Versions = field(default_factory=Versions)

    def take(self, other: HitCollector) -> None:
        """Add what another one collected."""
        self.hits += other.hits
        self.canaries += other.canaries
        self.canaries_found += other.canaries_found
        self.bytes_given += other.bytes_given
        self.bytes_scanned += other.bytes_scanned
        self.bytes_repeated += other.bytes_repeated

    def text(self, carrier: str, oid: str, path: str, data: bytes) -> None:
        """Scan an object, in every way in which it can be read as text.

        Raises:
            BudgetExceeded: the time is up, or there are more hits than anybody reads.
            ScannerError: an engine did not prove that it read a piece.
        """
        self._collect(carrier, oid, path, data, views(data))

    def file(self, oid: str, path: str, data: bytes) -> None:
        """Scan a file; of a version that follows a clean one only what it changes.

        Raises:
            BudgetExceeded, ScannerError: as `text`.
        """
        start, stop = self.versions.changed(path, data)
        if (start, stop) == (0, len(data)):
            clean = self._collect("file", oid, path, data, views(data))
        else:
            self.bytes_repeated += len(data) - (stop - start)
            clean = self._collect("file", oid, path, data, plain(data, start, stop))
        if clean:
            self.versions.hold(path, data)
        else:
            self.versions.drop(path)

    def _collect(self, carrier: str, oid: str, path: str, data: bytes, pieces: Iterable[Piece]) -> bool:
        """Whether nothing was found in the pieces of an object."""
        spans = [_span(piece, match) for piece in pieces for match in self.matches(piece.data)]
        spans = [span for span in spans if self._concerns(span.match.raw.rule, data)]
        if spans:
            self.hits += _hits(carrier, oid, path, data, self._best(spans), self.rules)
            if len(self.hits) > MOST_HITS:
                raise BudgetExceeded(f"more than {MOST_HITS} places look like secrets; push in smaller parts")
        return not spans

    def matches(self, text: bytes, depth: int = 0) -> Iterator[Match]:
        """The matches of a text that count, those in what is encoded in it included."""
        for engine in self.engines:
            self.canaries += 1
            self.bytes_given += len(text)
            read = engine.scan(text, timeout=self._remaining())
            self.canaries_found += read.canaries
            self.bytes_scanned += read.bytes
            found = read.matches
            if engine.decides:
                yield from (Match(raw) for raw in found)
                continue
            yield from self._counting(text, [raw for raw in found if not self.rules[raw.rule].helper], depth > 0)
            if depth < _DEEPEST_DECODING:
                for raw in found:
                    if self.rules[raw.rule].helper:
                        yield from self._decoded(raw, depth)

    def _decoded(self, encoded: Raw, depth: int) -> Iterator[Match]:
        for piece in plain(decode(encoded.rule, encoded.secret)):
            for inner in self.matches(piece.data, depth + 1):
                yield Match(Raw(inner.raw.rule, encoded.start, encoded.end, inner.raw.secret, decoded=True))

    def _counting(self, text: bytes, found: list[Raw], decoded: bool) -> Iterator[Match]:
        """Those that count, judged from the rules that say most to those that say least about a place."""
        taken = NamedIntervals()
        for raw in sorted(found, key=lambda raw: (*refine.order(self.rules[raw.rule]), raw.start - raw.end)):
            rule, coded = self.rules[raw.rule], decoded or raw.decoded
            around = raw.secret if raw.decoded else _around(text, raw)
            # What is encoded has one place, whatever number of secrets it holds.
            also = [] if raw.decoded else taken.at(raw.start, raw.end)
            judged = [
                kind
                for kind, path in (paths.EXAMPLES if rule.generic else _ANYWHERE).items()
                if refine.counts(rule, raw.secret, around, path=path, also=also, decoded=coded)
            ]
            if judged:
                taken.add(raw.start, _first_line(raw), rule.id)
                yield Match(
                    raw, frozenset(judged) if 0 < len(judged) < len(paths.EXAMPLES) and rule.generic else frozenset()
                )

    def _concerns(self, rule: str, data: bytes) -> bool:
        own = self.own.get(rule)
        return own is None or own.concerns(data)

    def _remaining(self) -> float:
        remaining = self.deadline - clock.monotonic()
        if remaining <= 0:
            raise BudgetExceeded("the scan ran out of time")
        return remaining

    def _best(self, spans: list[_Span]) -> list[_Span]:
        """One span for each secret and rule: a provider's format before a generic rule, then the longest."""
        order = sorted(spans, key=lambda span: (*refine.order(self.rules[span.match.raw.rule]), span.start - span.end))
        taken = NamedIntervals()
        coded = NamedIntervals()
        kept = []
        for span in order:
            raw = span.match.raw
            rule = self.rules[raw.rule]
            # The repository's own rules say something at some paths only, and stand for no other.
            if raw.rule not in self.own:
                others = taken.at(span.start, span.end)
                if raw.decoded:
                    secret = raw.secret.decode("latin-1")
                    if secret in coded.at(span.start, span.end):
                        continue
                    coded.add(span.start, span.end, secret)
                # A token inside of a key is a leak of its own; a name beside a value that is told already is not.
                elif rule.id in others or (others and (rule.generic or rule.named)):
                    continue
                taken.add(span.start, span.start + _first_line(raw) - raw.start, rule.id)
            kept.append(span)
        return sorted(kept, key=lambda span: (span.start, span.end))


class NamedIntervals:
    """Intervals with a name each, in buckets, so that very many of them stay quick."""

    _WIDTH = 512

    def __init__(self) -> None:
        self._buckets: dict[int, list[tuple[int, int, str]]] = {}

    def at(self, start: int, end: int) -> list[str]:
        """The names of those that overlap an interval."""
        return [
            name
            for number in range(start // self._WIDTH, (end - 1) // self._WIDTH + 1)
            for low, high, name in self._buckets.get(number, ())
            if low < end and start < high
        ]

    def add(self, start: int, end: int, name: str) -> None:
        """Put an interval in."""
        for number in range(start // self._WIDTH, (end - 1) // self._WIDTH + 1):
            self._buckets.setdefault(number, []).append((start, end, name))


def _span(piece: Piece, match: Match) -> _Span:
    last = max(match.raw.end - 1, match.raw.start)
    return _Span(piece.origin(match.raw.start), piece.origin(last) + piece.step, match)


def _hits(
    carrier: str, oid: str, path: str, data: bytes, spans: Sequence[_Span], rules: Mapping[str, RuleMeta]
) -> Iterator[Hit]:
    line, position = 1, 0
    for span in spans:
        line += data.count(b"\n", position, span.start)
        position = span.start
        yield Hit(
            carrier=carrier,
            oid=oid,
            path=path,
            rule=rules[span.match.raw.rule].id,
            first=line,
            last=line + data.count(b"\n", span.start, span.end),
            column=span.start - (data.rfind(b"\n", 0, span.start) + 1),
            secret=span.match.raw.secret,
            kinds=span.match.kinds,
        )


def _first_line(raw: Raw) -> int:
    """Where a match's first line ends: what someone put between the lines of a key is a leak of its own."""
    end = raw.secret.find(b"\n")
    return raw.end if raw.decoded or end < 1 else raw.start + end


def _around(text: bytes, raw: Raw) -> bytes:
    """The lines of a match, as far as they help to judge it."""
    start = text.rfind(b"\n", max(0, raw.start - 300), raw.start) + 1 or max(0, raw.start - 300)
    end = text.find(b"\n", raw.end, raw.end + 300)
    return text[start : end if end >= 0 else raw.end + 300]
