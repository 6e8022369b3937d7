"""Gathering for the `security` gate: what was added, scanned, and proven to be scanned (SEC-2)."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

from orch_gates import clock
from orch_gates.errors import BudgetExceeded, ConfigError, OrchError, RepositoryRulesError, ScannerError
from orch_gates.gates.security import findings, newness
from orch_gates.gates.security.findings import New, SecretFinding
from orch_gates.gates.security.newness import Newness, Placed
from orch_gates.git import changes, feed, objects
from orch_gates.git.changes import CommitChange
from orch_gates.git.cli import Git
from orch_gates.git.feed import Listed
from orch_gates.scanners import early, engine, locate, repository_rules
from orch_gates.scanners.answer import Hit, Scan
from orch_gates.scanners.engine import Engine, ScanLimits, Text
from orch_gates.scanners.rules import paths
from orch_gates.settings import Settings
from orch_gates.variables.groups import Budget

T = TypeVar("T")
Watch = Callable[[Listed], contextlib.AbstractContextManager[None]]

# Together with the worker's bound and our own process, what a check may hold in memory (SEC-9).
GIT_MEMORY_BYTES = 200_000_000

_MOST_ASKED = 1_000
# What looks at the clock by itself says better what it was doing.
_LATER_S = 0.5
_PLACED = frozenset({"file", "key store", "file name"})
_OF_A_COMMIT = frozenset({"commit", "author", "committer"})


@dataclass(frozen=True, slots=True)
class SecretFacts:
    """The numbers that make a clean answer believable, and what was found.

    `bytes_repeated` were not scanned again: a clean version of the same file, scanned just before, has the same there.

    `engine` is the engine with its version, `rules` the digest of its rules, `own_rules` that of the repository's own;
    `doubts` are told with the verdict.
    """

    engine: str
    rules: str
    commits_expected: int
    commits_read: int
    objects_expected: int
    objects_read: int
    same_objects: bool
    bytes_read: int
    bytes_given: int
    bytes_scanned: int
    bytes_repeated: int
    canaries: int
    canaries_found: int
    findings: tuple[SecretFinding, ...]
    own_rules: str = ""
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Unproven:
    """The scan did not take place, or not wholly; `too_much` when a budget ended it (SEC-9)."""

    cause: str
    too_much: bool = False


def unwatched(_listed: Listed) -> contextlib.AbstractContextManager[None]:
    """Nobody is told how far a scan is."""
    return contextlib.nullcontext()


@dataclass(frozen=True, slots=True)
class ScanSubject:
    """What is judged: `lines` lists its objects as `<id> <path>` while they are counted in `listed`.

    `changes` and the `boundary`, the commits that stood there before, are asked for only where something was found;
    changes come newest first. `texts` are in no object. `web`: the server's own editor made the commit. `notes` are the
    commits that only notes are of, asked for where something was found; see `findings.secret_findings`. While it is
    judged, `watch` is told how far the list is.
    """

    listed: Listed
    lines: Callable[[], Iterator[bytes]]
    changes: Callable[[], Iterable[CommitChange]]
    boundary: Callable[[], Sequence[str]]
    texts: tuple[Text, ...] = ()
    web: bool = False
    notes: Callable[[], Mapping[str, str]] = dict
    watch: Watch = unwatched


def pushed(
    git: Git,
    tips: Sequence[str],
    excluded: Sequence[str],
    budget: Budget,
    *,
    names: Iterable[str] = (),
    quarantine: str = "",
    web: bool = False,
) -> ScanSubject:
    """Everything that tips add to what is excluded, and everything else in the quarantine; `web`: see there."""
    listed = Listed()

    def lines() -> Iterator[bytes]:
        if tips:
            yield from feed.reachable(git, tips, excluded, listed, most=budget.objects)
        if quarantine:
            yield from feed.quarantined(git, listed, quarantine, str(git.git_dir() / "objects"), most=budget.objects)

    return ScanSubject(
        listed,
        lines,
        lambda: changes.changes(git, listed.commits),
        lambda: feed.boundary(git, tips, excluded) if listed.commits else (),
        tuple(("ref name", name, name) for name in names),
        web,
    )


def prove(
    settings: Settings,
    git: Git,
    subject: Callable[[Git], ScanSubject],
    trusted: str,
    *,
    started: Engine | None = None,
    lenient: bool = False,
) -> SecretFacts | Unproven:
    """Scan a subject with the engine that the settings choose; `started` is one that is loading already.

    A trusted commit adds the repository's own rules. `lenient`: a wrong file of them must not keep its own repair
    out, so the bundle's rules judge alone, and the doubt is told.

    Raises:
        ConfigError: as `attempt`.
    """

    def run() -> SecretFacts:
        if started is not None and settings.security.engine == locate.OWN:
            return _with_rules(settings, git, subject, trusted, started, lenient=lenient)
        with _engine(settings) as running:
            return _with_rules(settings, git, subject, trusted, running, lenient=lenient)

    return attempt(run)


def attempt(run: Callable[[], SecretFacts]) -> SecretFacts | Unproven:
    """Run a scan; every way in which it can fail to prove something becomes a fact (P3).

    Raises:
        ConfigError: what the target branch says cannot be used, which is nothing that the scan found out.
    """
    try:
        return run()
    except ConfigError:
        raise
    except BudgetExceeded as error:
        return Unproven(str(error), too_much=True)
    except OrchError as error:
        return Unproven(str(error))


def redacted(settings: Settings, text: str) -> str:
    """Text of another program without the secrets in it, as the engine that the settings choose finds them (SEC-5).

    Raises:
        OrchError: it could not be told whether there are any.
    """
    with _engine(settings) as running:
        return running.redact([text], clock.monotonic() + settings.security.budget.seconds)[0]


def problems_of_rules(settings: Settings, data: bytes) -> Sequence[str]:
    """Everything that is wrong in a repository's own file of rules, as the engine itself says (SEC-6).

    Raises:
        ScannerError: the engine does not work.
    """
    with _engine(settings) as running:
        try:
            running.add_rules(data, clock.monotonic() + settings.security.budget.seconds)
        except RepositoryRulesError as error:
            return error.problems
    return ()


def _engine(settings: Settings) -> contextlib.AbstractContextManager[Engine]:
    given = locate.engine(settings.security.engine, settings.tools, settings.inherited_env)
    return engine.start(given, early.worker_env(settings), timeout=early.life(settings))


def _with_rules(
    settings: Settings, git: Git, subject: Callable[[Git], ScanSubject], trusted: str, running: Engine, *, lenient: bool
) -> SecretFacts:
    security = settings.security
    bounded = replace(git, timeout=security.budget.seconds, memory=GIT_MEMORY_BYTES)
    own = git.blob(trusted, repository_rules.PATH) if trusted else None
    try:
        return scan(bounded, subject(bounded), running, security.budget, pin=security.pin, own_rules=own or b"")
    except RepositoryRulesError as error:
        if not lenient:
            raise
        doubt = f"{error}; judged by the rules of orch-gates alone until this is fixed on the default branch"
    facts = scan(bounded, subject(bounded), running, security.budget, pin=security.pin)
    return replace(facts, doubts=(*facts.doubts, doubt))


def scan(
    git: Git, subject: ScanSubject, running: Engine, budget: Budget, *, pin: str = "", own_rules: bytes = b""
) -> SecretFacts:
    """Scan everything a subject adds; with a `pin`, by the very engine and rules that it names (SEC-10).

    `own_rules` is the repository's file of rules, which are added to the engine's.

    Raises:
        RepositoryRulesError: that file is wrong; nothing was scanned.
        BudgetExceeded: more content or more time than the budget allows (SEC-9).
        GitError: an object could not be read.
        ScannerError, ProcessError: the engine failed.
    """
    deadline = clock.monotonic() + budget.seconds
    limits = ScanLimits(budget.object_bytes, budget.content_bytes)
    try:
        late = clock.alarm(budget.seconds + _LATER_S, lambda: BudgetExceeded("the scan ran out of time"))
        with late, subject.watch(subject.listed):
            if own_rules:
                running.add_rules(own_rules, deadline)
            found = running.scan(lambda to: feed.stream(git, subject.lines(), to), subject.texts, limits, deadline)
            if pin and running.pin != pin:
                raise ScannerError(
                    f"this hook was tested with {pin}, but {running.pin} is installed now; if that is intended, test "
                    "it again with `orch-gates hook install`, or all hooks of a server with "
                    "`orch-gates hook install --all ROOT`"
                )
            new, doubts = _new(git, subject, running, found, budget, deadline)
            redact = partial(running.redact, deadline=deadline)
            history = changes.history(git, subject.listed.commits if new else ())
            notes = subject.notes() if new else {}
            secrets = findings.secret_findings(new, found.rules, history, redact, web=subject.web, notes=notes)
    except MemoryError as error:
        raise BudgetExceeded("the check needs more memory than it may use; push in smaller parts") from error
    except BudgetExceeded as error:
        if clock.monotonic() >= deadline:
            raise BudgetExceeded(_too_slow(budget)) from error
        raise
    listed = subject.listed
    return SecretFacts(
        engine=f"{running.about['name']} {running.about['version']}",
        rules=running.about["rules"],
        commits_expected=len(listed.commits),
        commits_read=found.commits,
        objects_expected=len(listed.ids),
        objects_read=found.objects,
        same_objects=found.ids == listed.digest,
        bytes_read=found.bytes,
        bytes_given=found.bytes_given,
        bytes_scanned=found.bytes_scanned,
        bytes_repeated=found.bytes_repeated,
        canaries=found.canaries,
        canaries_found=found.canaries_found,
        findings=secrets,
        own_rules=running.about.get("repository rules", ""),
        doubts=doubts,
    )


def _new(
    git: Git, subject: ScanSubject, running: Engine, found: Scan, budget: Budget, deadline: float
) -> tuple[list[New], tuple[str, ...]]:
    """The hits that the subject adds; all of them where it cannot be told what stood there before."""
    placed_by_name = [hit for hit in found.hits if hit.carrier == "file name" and not found.rules[hit.rule].bound]
    in_files = [hit for hit in found.hits if hit.carrier in {"file", "key store"}]
    # A rule that is bound to paths says nothing about what has none.
    elsewhere = [hit for hit in found.hits if hit.carrier not in _PLACED and not found.rules[hit.rule].bound]
    new = [New(hit, "", hit.oid if hit.carrier in _OF_A_COMMIT else "", 0) for hit in elsewhere]
    if not (placed_by_name or in_files):
        return new, ()
    try:
        placed = newness.place(
            _in_time(subject.changes(), deadline, budget),
            {hit.oid for hit in in_files},
            {hit.path for hit in placed_by_name},
        )
    except OrchError as error:
        if clock.monotonic() >= deadline:
            raise
        doubt = f"could not read the old content, so every finding counts as new: {error}"
        return [*new, *(New(hit, hit.path, "", 0) for hit in (*in_files, *placed_by_name))], (doubt,)
    judged = _bound(running, in_files, placed, found, deadline)
    new += _new_in_files(git, in_files, placed, found, judged, subject, budget, deadline)
    new += _new_names(git, placed_by_name, placed, subject, budget, deadline)
    return new, ()


def _new_in_files(
    git: Git,
    hits: Sequence[Hit],
    placed: Placed,
    found: Scan,
    judged: Mapping[str, Collection[str]],
    subject: ScanSubject,
    budget: Budget,
    deadline: float,
) -> Iterator[New]:
    by_oid: dict[str, list[Hit]] = {}
    for hit in hits:
        by_oid.setdefault(hit.oid, []).append(hit)
    ids = subject.listed.ids

    def exempt(hit: Hit, path: str) -> bool:
        if found.rules[hit.rule].bound:
            return hit.rule not in judged.get(path, ())
        elsewhere = bool(hit.kinds) and paths.kind(path) not in hit.kinds
        return found.rules[hit.rule].generic and (elsewhere or paths.exempt(path))

    with objects.reader(git, most_bytes=budget.object_bytes) as reader:
        state = Newness(by_oid, lambda oid: oid.encode("ascii") in ids, exempt, reader.read)
        seen = set()
        for order, placement in enumerate(_in_time(placed.placements, deadline, budget)):
            seen.add(placement.oid)
            for hit in state.of(placement):
                yield New(hit, placement.path, placement.commit, order)
    # What is in no commit has nothing before it: a tag of a file, or an object that no ref reaches.
    for oid in by_oid.keys() - seen:
        for hit in by_oid[oid]:
            if oid.encode("ascii") in ids and not (hit.path and exempt(hit, hit.path)):
                yield New(hit, hit.path, "", 0)


def _bound(running: Engine, hits: Sequence[Hit], placed: Placed, found: Scan, deadline: float) -> dict[str, list[str]]:
    """For the path of each file in which a bound rule found something, which of those rules judge files there."""
    oids = {hit.oid for hit in hits if found.rules[hit.rule].bound}
    at = {placement.path for placement in placed.placements if placement.oid in oids}
    listed = sorted(at | {hit.path for hit in hits if hit.oid in oids})
    return dict(zip(listed, running.bound(listed, deadline), strict=True)) if listed else {}


def _new_names(
    git: Git, hits: Sequence[Hit], placed: Placed, subject: ScanSubject, budget: Budget, deadline: float
) -> Iterator[New]:
    """Names that nothing before the range has at that path; folders are written again around names that were there."""
    before = subject.boundary()[:_MOST_ASKED] if hits else ()
    # A name with a line break cannot be asked for, so it counts.
    paths = sorted({hit.path for hit in hits if "\n" not in hit.path})
    known: set[str] = set()
    for commit in _in_time(before, deadline, budget):
        there = objects.exist(git, [f"{commit}:{path}" for path in paths])
        known |= {path for path, found in zip(paths, there, strict=True) if found}
    for hit in hits:
        if hit.path not in known:
            yield New(hit, hit.path, placed.names.get(hit.path, ""), 0)


def _in_time(items: Iterable[T], deadline: float, budget: Budget) -> Iterator[T]:
    for item in items:
        if clock.monotonic() > deadline:
            raise BudgetExceeded(_too_slow(budget))
        yield item


def _too_slow(budget: Budget) -> str:
    return f"the check took longer than {budget.seconds:.0f} s; push in smaller parts, or raise ORCH_SECURITY_TIMEOUT_S"
