"""The facts of the staging verdict: the files of results, the list on the target branch, the previous report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from orch_gates.documents import frontmatter
from orch_gates.errors import OrchError, ReportError
from orch_gates.gates import recorded, registry
from orch_gates.gates.recorded import ReportContract
from orch_gates.gates.staging import infra_file, judge, ran
from orch_gates.gates.staging.infra import InfraList
from orch_gates.gates.staging.judge import GATE, USED, Before, StagingFacts, StagingRules
from orch_gates.git.cli import Git
from orch_gates.results.model import Format, ResultProblem, Results
from orch_gates.results.read import read as read_results
from orch_gates.variables.groups import StagingSettings

MOST_FILES = 2000
# The clock of a file system may be behind by so much.
_SLACK_NS = 2_000_000_000
_SIGNS = frozenset("*?[")


@dataclass(frozen=True, slots=True)
class Fresh:
    """What was there before a command began that has to write the results: no file of it proves anything.

    `since` is when it began, in nanoseconds since 1970.
    """

    since: int
    there: Mapping[Path, tuple[int, ...]] = field(default_factory=dict)


def remembered(named: Sequence[str], since: int) -> Fresh:
    """The files that are there already."""
    return Fresh(since, {path: _mark(path) for name in named for path in _paths(name) if path.exists()})


def results(named: Sequence[str], wanted: Format | None, fresh: Fresh | None = None) -> tuple[Results, ...]:
    """What each file says; a name with `*`, `?` or `[` in it that is no file's stands for those that fit."""
    found: list[Results] = []
    seen: set[Path] = set()
    for name in named:
        paths = list(_paths(name))
        if not paths:
            found.append(_useless(name, "no file fits this pattern"))
        for path in paths:
            if path in seen:
                continue
            seen.add(path)
            if len(seen) > MOST_FILES:
                return (*found, _useless(name, f"there are more than {MOST_FILES} files"))
            stale = "" if fresh is None else _stale(path, fresh)
            found.append(_useless(str(path), stale) if stale else read_results(path, str(path), wanted))
    return tuple(found)


def report_record() -> ReportContract:
    """The report that the gate on an edge reads."""
    found = registry.find(GATE)
    assert found is not None
    assert found.record is not None
    return found.record


def previous_run(text: str) -> Before:
    """What the report of the previous run says.

    Raises:
        ReportError: it is no staging report.
        UpgradeNeeded: a newer orch-gates wrote it.
    """
    report, _ = recorded.read(report_record(), text)
    _, body = frontmatter.decode(text)
    used = {}
    for name, value in report.evidence.items():
        if name.startswith(USED):
            if type(value) is not int or value < 0:
                raise ReportError(f"evidence: {name} must be a count")
            used[name.removeprefix(USED)] = value
    return Before(ran.parse(body), used)


def with_list(git: Git, facts: StagingFacts, trusted: str) -> StagingFacts:
    """The facts with the list of the sandbox's failures, read only where something failed; a doubt is told."""
    if not judge.red_checks(facts.results):
        return facts
    try:
        found = infra_file.read(git, trusted)
    except OrchError as error:
        return _with(facts, InfraList(), str(error))
    return _with(facts, found)


def rules(settings: StagingSettings, *, strict: bool) -> StagingRules:
    """What is asked of a run."""
    return StagingRules(
        tolerant=settings.infra_tolerance_enabled and not strict,
        required=settings.required,
        least=settings.least,
        missing_fails=settings.missing == "fail",
    )


def _with(facts: StagingFacts, allowed: InfraList, *doubts: str) -> StagingFacts:
    return replace(facts, allowed=allowed, doubts=(*facts.doubts, *doubts))


def _paths(name: str) -> Iterator[Path]:
    path = Path(name)
    if not _SIGNS & set(name) or path.exists():
        yield path
        return
    root = Path(path.anchor) if path.is_absolute() else Path()
    spelled = str(path.relative_to(path.anchor)) if path.is_absolute() else name
    yield from sorted(one for one in root.glob(spelled) if not one.is_dir())


def _mark(path: Path) -> tuple[int, ...]:
    try:
        found = path.lstat()
    except OSError:
        return ()
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _stale(path: Path, fresh: Fresh) -> str:
    mark = _mark(path)
    if mark and fresh.there.get(path) == mark:
        return "it was there before the command began, and the command did not write it again"
    if mark and mark[3] < fresh.since - _SLACK_NS:
        return "it is older than the run of the command"
    return ""


def _useless(name: str, why: str) -> Results:
    return Results(name, None, problems=(ResultProblem(why),))
