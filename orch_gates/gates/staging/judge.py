"""The staging verdict (STG-1): results, the runner's exit code and the list of the sandbox's failures in, verdict out.

Pure. Whatever cannot be told is FAILED, and nothing that fails in addition ever makes it better.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from orch_gates.documents.escape import clip
from orch_gates.gates.policy import CONFIGURATION, STAGING_STATUS
from orch_gates.gates.staging import infra, pattern
from orch_gates.gates.staging import ran as listing
from orch_gates.gates.staging.infra import Classified, InfraList
from orch_gates.gates.staging.ran import ChecksRun, ReportSection
from orch_gates.model.finding import Finding
from orch_gates.model.verdict import Outcome, Scalar, Verdict
from orch_gates.results.model import Check, CheckStatus, Results

GATE = "staging-status"
USED = "infra_used."
NEXT_REAL = "Fix what failed, and run the checks again."
NEXT_PROBLEM = "Run the checks again to get whole results, and pass the runner's exit code (--exit-code)."
NEXT_CONFIGURATION = (
    "Fix the file on the target branch (`orch-gates config check FILE` lists all problems), then run the gate again."
)
_FIX_RULES = {
    "results": "These results are incomplete; make the runner write all of them.",
    "exit-code": "Look into the runner's output: a suite that did not load is in no report.",
    "required": "Run this check, or remove it from staging_status.required on the target branch.",
    "missing": "Run this check again. If it was removed on purpose, run the gate once without the previous report.",
    "checks": "Let the checks run: see why the runner ran none, or too few.",
}
_MOST_LISTED = 1000
_MOST_NOTICES = 100
_LINE_SHOWN = 200


@dataclass(frozen=True, slots=True)
class StagingRules:
    """What is asked of a run, by the settings: `required` are patterns, `least` is how many checks have to pass."""

    tolerant: bool = True
    required: tuple[str, ...] = ()
    least: int = 1
    missing_fails: bool = False


@dataclass(frozen=True, slots=True)
class Before:
    """What the report of the run before this one keeps: what ran, and how often each entry was used."""

    ran: ChecksRun = field(default_factory=ChecksRun)
    used: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StagingFacts:
    """All that `judge` looks at.

    `exit_code` is the runner's; `broken` are reasons why the run proves nothing, besides those in the results.
    `doubts` are shown: a list that cannot be read, say, which then waives nothing. `about` is evidence of its own.
    """

    results: tuple[Results, ...]
    exit_code: int
    rules: StagingRules = StagingRules()
    allowed: InfraList = field(default_factory=InfraList)
    before: Before = field(default_factory=Before)
    broken: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    about: Mapping[str, Scalar] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Judged:
    """The verdict, what is kept of what ran, and what was waived."""

    verdict: Verdict
    ran: ChecksRun

    def outputs(self) -> dict[str, str]:
        """How many checks there were, and what became of those that failed, for the steps after this one."""
        evidence = self.verdict.evidence
        return {name: str(evidence.get(name, "")) for name in ("checks", "real", "waived")}


def undecided(reason: str) -> Verdict:
    """The verdict where the configuration file on the target branch cannot be used (P2, P5)."""
    return Verdict(GATE, CONFIGURATION.unknown, reason, next_step=NEXT_CONFIGURATION)


def broken(reason: str) -> Verdict:
    """The verdict where something kept the gate from judging."""
    return Verdict(GATE, STAGING_STATUS.unknown, f"could not be judged: {reason}", next_step=NEXT_PROBLEM)


def red_checks(results: Iterable[Results]) -> bool:
    """Whether there is anything that a list could waive."""
    return any(check.status.is_red for one in results for check in one.checks)


def judge(facts: StagingFacts, today: date) -> Judged:
    """Decide."""
    checks = merged(facts.results)
    red = [check for check in checks.values() if check.status.is_red]
    classified = infra.classify(red, facts.allowed, facts.before.used, today)
    if not facts.rules.tolerant and classified.waived:
        why = {one.check: "this run waives no failures of the sandbox" for one in classified.waived}
        classified = Classified(tuple(red), why={**classified.why, **why})
    ran_now = [check.id for check in checks.values() if check.status.was_run]
    gone = listing.missing(facts.before.ran, ran_now)
    problems = [*_problems(facts, checks, classified, gone)]
    failed = bool(classified.real or problems)
    now = listing.of(ran_now)
    ran = listing.carried(facts.before.ran, now) if failed else now
    verdict = Verdict(
        GATE,
        Outcome.FAIL if failed else Outcome.PASS,
        _reason(checks, classified, problems),
        tuple(_findings(classified, problems)),
        tuple(_notices(facts, checks, classified, gone, now)),
        _evidence(facts, checks, classified, today),
        "" if not failed else NEXT_REAL if classified.real else NEXT_PROBLEM,
    )
    return Judged(verdict, ran)


def merged(results: Iterable[Results]) -> dict[str, Check]:
    """Every check once: of several runs of one the worst counts, with the failures of all of them."""
    found: dict[str, Check] = {}
    for one in results:
        for check in one.checks:
            before = found.get(check.id)
            found[check.id] = check if before is None else _worse(before, check)
    return found


_RANKS = {
    CheckStatus.SKIPPED: 0,
    CheckStatus.TODO: 1,
    CheckStatus.PASSED: 2,
    CheckStatus.FAILED: 3,
    CheckStatus.ERRORED: 4,
}


def _worse(one: Check, other: Check) -> Check:
    worst = max(one, other, key=lambda check: _RANKS[check.status])
    return replace(worst, failures=one.failures + other.failures, flaky=one.flaky or other.flaky)


@dataclass(frozen=True, slots=True)
class _Problem:
    rule: str
    what: str
    place: str = ""
    line: int = 0


def _problems(
    facts: StagingFacts, checks: Mapping[str, Check], classified: Classified, gone: Sequence[str]
) -> Iterator[_Problem]:
    """Why the run proves nothing, whatever its checks say."""
    yield from (_Problem("run", what) for what in facts.broken)
    if not facts.results:
        yield _Problem("results", "no file of results was found")
    for one in facts.results:
        yield from (_Problem("results", problem.what, one.source, problem.line) for problem in one.problems)
        if one.exit_code and not facts.exit_code:
            what = f"it records the runner's exit code {one.exit_code}, but 0 was given"
            yield _Problem("exit-code", what, one.source)
    yield from _of_exit_code(facts, len(classified.real) + len(classified.waived), classified)
    if what := _too_few(facts, checks, classified):
        yield _Problem("checks", what)
    for wanted in facts.rules.required:
        if what := _absent(wanted, checks):
            yield _Problem("required", what, wanted)
    if facts.rules.missing_fails:
        yield from (_Problem("missing", "this check ran before, but not now", name) for name in gone)


def _too_few(facts: StagingFacts, checks: Mapping[str, Check], classified: Classified) -> str:
    """Why what passed is too little to prove anything; empty where it is enough, or red anyway."""
    passed = sum(check.status is CheckStatus.PASSED for check in checks.values())
    if not checks:
        return "there are no checks"
    if not passed and not classified.real:
        why = "every check that ran was waived" if classified.waived else "no check was run to its end"
        return f"nothing passed: {why}"
    least = facts.rules.least
    return f"{_count(passed, 'check')} passed; at least {least} must" if 0 < passed < least else ""


def _of_exit_code(facts: StagingFacts, red: int, classified: Classified) -> Iterator[_Problem]:
    code = facts.exit_code
    if code == 0 and red:
        yield _Problem("exit-code", f"the runner ended with 0 although {_count(red, 'check')} failed")
    elif code != 0 and not red:
        yield _Problem("exit-code", f"the runner ended with {code}, and no check failed")
    elif code != 0 and not classified.real and code not in facts.allowed.exit_codes:
        codes = ", ".join(map(str, facts.allowed.exit_codes))
        yield _Problem(
            "exit-code",
            f"the runner ended with {code}, which the waived failures do not explain (that would be {codes})",
        )


def _absent(wanted: str, checks: Mapping[str, Check]) -> str:
    """Why a required check proves nothing; empty where one that fits was run."""
    if (exact := checks.get(wanted)) is not None:
        fitting = [exact]
    elif pattern.WILDCARD in wanted:
        fitting = [check for check in checks.values() if pattern.fits(wanted, check.id)]
    else:
        fitting = []
    if any(check.status.was_run for check in fitting):
        return ""
    return f"it is required, but was {fitting[0].status}" if fitting else "it is required, but absent"


def _reason(checks: Mapping[str, Check], classified: Classified, problems: Sequence[_Problem]) -> str:
    parts = []
    if classified.real:
        parts.append(f"{len(classified.real)} of {_count(len(checks), 'check')} failed")
    if problems:
        first = problems[0]
        parts.append((f"{first.place}: " if first.place else "") + first.what)
    if len(problems) > 1:
        parts.append(f"{len(problems) - 1} more")
    if parts:
        return "; ".join(parts)
    passed = sum(check.status is CheckStatus.PASSED for check in checks.values())
    waived = f", {_count(len(classified.waived), 'failure')} of the sandbox waived" if classified.waived else ""
    return f"{passed} of {_count(len(checks), 'check')} passed{waived}"


def _findings(classified: Classified, problems: Sequence[_Problem]) -> Iterator[Finding]:
    for problem in problems[:_MOST_LISTED]:
        yield Finding(
            id=_id(problem.rule, problem.place, problem.what),
            rule=problem.rule,
            path=problem.place,
            line=problem.line,
            commit="",
            description=problem.what,
            fix=_FIX_RULES.get(problem.rule, NEXT_PROBLEM),
            carrier="run" if problem.rule in {"run", "exit-code", "checks"} else "check",
        )
    for check in classified.real[:_MOST_LISTED]:
        waiver = classified.why.get(check.id, "")
        yield Finding(
            id=_id("check", check.id),
            rule=check.status.value,
            path=check.id,
            line=0,
            commit="",
            description=_shown(check.failures),
            fix=f"Not waived: {waiver}." if waiver else f"Fix what this check found: {_first_line(check.failures)}",
            carrier="check",
        )


def _shown(failures: Sequence[str]) -> str:
    messages = [text for text in dict.fromkeys(failures) if text]
    return "; ".join(messages) or "it failed without a message"


def _first_line(failures: Sequence[str]) -> str:
    lines = (line.strip() for text in failures for line in text.split("\n"))
    return clip(next(filter(None, lines), "it failed without a message."), _LINE_SHOWN)


def _notices(
    facts: StagingFacts, checks: Mapping[str, Check], classified: Classified, gone: Sequence[str], now: ChecksRun
) -> Iterator[str]:
    yield from facts.doubts
    lines = []
    for one in classified.waived:
        by = "; ".join(f"{entry.id} of {entry.owner} until {entry.expires}: {entry.reason}" for entry in one.entries)
        lines.append(f"waived: {one.check}: {by}")
    uses = {entry.tally: entry.uses for one in classified.waived for entry in one.entries}
    lines += [f"{tally}: used {classified.used[tally]} of {most} times" for tally, most in uses.items()]
    yield from _bounded(lines)
    if not facts.rules.missing_fails:
        yield from _bounded([f"ran before, but not now: {name}" for name in gone])
    flaky = [check.id for check in checks.values() if check.flaky and check.status is CheckStatus.PASSED]
    if flaky:
        yield f"{_count(len(flaky), 'check')} passed only when run again: {', '.join(flaky[:5])}"
    if checks and not now.counts:
        yield "the checks that ran are too many to record; the next run cannot detect missing ones"
    elif now.kind is ReportSection.SUITES:
        yield "what ran is recorded by suites, as there are too many checks to name"


def _bounded(lines: Sequence[str]) -> Iterator[str]:
    yield from lines[:_MOST_NOTICES]
    if len(lines) > _MOST_NOTICES:
        yield f"and {len(lines) - _MOST_NOTICES} more"


def _evidence(
    facts: StagingFacts, checks: Mapping[str, Check], classified: Classified, today: date
) -> dict[str, Scalar]:
    statuses = Counter(check.status for check in checks.values())
    kept = {tally: used for tally, used in facts.before.used.items() if tally.rpartition("@")[2] >= today.isoformat()}
    used = {f"{USED}{tally}": count for tally, count in sorted({**kept, **classified.used}.items())}
    digests = hashlib.sha256("\n".join(one.digest for one in facts.results).encode()).hexdigest()
    return {
        **facts.about,
        "exit_code": facts.exit_code,
        "infra_tolerance": facts.rules.tolerant,
        "files": len(facts.results),
        "formats": ", ".join(sorted({one.format or "unknown" for one in facts.results})),
        "results": f"sha256:{digests}",
        "checks": len(checks),
        **{status.value: statuses[status] for status in CheckStatus},
        "real": len(classified.real),
        "waived": len(classified.waived),
        **used,
    }


def _id(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _count(number: int, one: str) -> str:
    return f"{number} {one}{'' if number == 1 else 's'}"
