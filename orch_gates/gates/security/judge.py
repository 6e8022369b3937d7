"""The `security` gate (SEC-1 to SEC-9): no secret and no new known vulnerability gets in."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, assert_never

from orch_gates.gates import gate
from orch_gates.gates.policy import CONFIGURATION, SECRETS
from orch_gates.gates.security import allowlist, baseline, fixes
from orch_gates.gates.security.allowlist import AllowList
from orch_gates.gates.security.baseline import Baseline
from orch_gates.gates.security.scan import SecretFacts, Unproven
from orch_gates.model.finding import Finding
from orch_gates.model.verdict import Outcome, Scalar, Verdict

if TYPE_CHECKING:
    from orch_gates.gates.security.dependencies import DependencyResult
    from orch_gates.settings import Settings

GATE = "security"
NEXT_SECRET = "Revoke each credential first; removing it from the commits does not make it safe again."
NEXT_PAST = (
    "Revoke each credential that is real. What was there before the gate may pass until a day that you choose: "
    "`orch-gates secrets baseline --help`."
)
NEXT_DEPENDENCY = "Upgrade to a fixed version, pin what was not audited, or run again when the audit works."
NEXT_UNPROVEN = "Fix the cause, then run the gate again; this content is not checked yet."
NEXT_CONFIGURATION = (
    "Fix the file on the target branch (`orch-gates config check FILE` lists all problems), then run the gate again."
)


@dataclass(frozen=True, slots=True)
class SecurityFacts:
    """All that `judge` looks at.

    `dependencies` is None where they are not audited (hooks). `doubts` are shown: a list of
    exceptions that cannot be read, say, which then excepts nothing.
    """

    secrets: SecretFacts | Unproven
    base: str = ""
    head: str = ""
    target: str = ""
    allowed: AllowList = field(default_factory=AllowList)
    baselines: tuple[Baseline, ...] = ()
    doubts: tuple[str, ...] = ()
    dependencies: DependencyResult | None = None


def out_of_scope(settings: Settings) -> Verdict | None:
    """A SKIP where this gate is switched off or meant for other repositories (GATE-3); it claims no scan."""
    skipped = gate.out_of_scope(GATE, settings)
    return skipped and replace(skipped, evidence={"scanned": False})


def nothing_to_judge(facts: SecurityFacts, *, whole: bool) -> Verdict | None:
    """A SKIP where a range has no object at all, which is no PASS (GATE-5); None where there is something.

    `whole`: everything that is in the repository was asked for, as it is where HEAD leads to no commit yet.
    """
    scanned = facts.secrets
    if isinstance(scanned, Unproven) or proof_gaps(scanned) or scanned.objects_expected or scanned.commits_expected:
        return None
    if whole or not facts.head:
        reason, step = "nothing to judge: the repository has no commit", "Commit something."
    else:
        head, base = facts.head[:10], facts.target or facts.base[:10]
        reason = f"nothing to judge: {head} adds nothing to {base} at {facts.base[:10]}"
        step = (
            "To judge the whole history, run `orch-gates gate security --all`; to compare with another branch, give "
            "`--base REF`."
        )
    return Verdict(GATE, Outcome.SKIP, reason, evidence={**_evidence(facts, None), "scanned": False}, next_step=step)


def judged_nothing(verdict: Verdict) -> bool:
    """Whether there was nothing to judge; a gate that is out of scope did not look (GATE-3, GATE-5)."""
    return verdict.outcome is Outcome.SKIP and "head" in verdict.evidence


def about_the_past(verdict: Verdict) -> Verdict:
    """The verdict with the way on for who looks at all that there is; nobody rewrites what is published (SEC-11)."""
    if verdict.outcome is not Outcome.FAIL or not verdict.findings:
        return verdict
    findings = tuple(
        one if one.carrier == "dependency" else replace(one, fix=fixes.PAST.text, commands=())
        for one in verdict.findings
    )
    return replace(verdict, findings=findings, next_step=NEXT_PAST)


def undecided(reason: str) -> Verdict:
    """The verdict where the configuration file on the target branch cannot be used (P2, P5)."""
    return Verdict(GATE, CONFIGURATION.unknown, reason, next_step=NEXT_CONFIGURATION)


def judge(facts: SecurityFacts, now: datetime) -> Verdict:
    """Decide (pure). A scan that proves nothing is a FAIL, under every flag."""
    match facts.secrets:
        case Unproven() as unknown:
            lead = "too much for one check" if unknown.too_much else "the scan is not proven"
            return _unproven(facts, f"{lead}: {unknown.cause}")
        case SecretFacts() as scanned:
            if gaps := proof_gaps(scanned):
                return _unproven(facts, f"the scan is not proven: {'; '.join(gaps)}", scanned)
            return _judge_findings(facts, scanned, now)
        case _ as never:
            assert_never(never)


def proof_gaps(scanned: SecretFacts) -> tuple[str, ...]:
    """What keeps a scan from being believed (SEC-2); empty when it is proven (pure)."""
    pairs = (
        ("commits", scanned.commits_read, scanned.commits_expected),
        ("objects", scanned.objects_read, scanned.objects_expected),
        ("bytes", scanned.bytes_scanned, scanned.bytes_given),
        ("canaries", scanned.canaries_found, scanned.canaries),
    )
    gaps = [f"the scanner read {got} of {wanted} {what}" for what, got, wanted in pairs if got != wanted]
    if not scanned.same_objects:
        gaps.append("the scanned objects differ from the listed ones")
    if scanned.canaries < 1:
        gaps.append("the scanner got no test secret (canary) to find")
    return tuple(gaps)


def _unproven(facts: SecurityFacts, reason: str, scanned: SecretFacts | None = None) -> Verdict:
    return Verdict(
        GATE,
        SECRETS.unknown,
        reason,
        evidence=_evidence(facts, scanned),
        next_step=NEXT_UNPROVEN,
    )


def _judge_findings(facts: SecurityFacts, scanned: SecretFacts, now: datetime) -> Verdict:
    today = now.date()
    allowed = allowlist.sort(scanned.findings, facts.allowed, today)
    old = baseline.sort(allowed.standing, facts.baselines, facts.allowed.key, today)
    secrets = tuple(item.finding for item in old.standing)
    dependencies = facts.dependencies
    vulnerable: tuple[Finding, ...] = dependencies.findings if dependencies else ()
    refused_doubt = dependencies.refusal if dependencies else ""
    notices = (
        facts.doubts + scanned.doubts + allowed.notices + old.notices + (dependencies.notices if dependencies else ())
    )
    evidence = _evidence(facts, scanned) | ({"known_findings": old.known} if old.known else {})
    parts = []
    if secrets:
        parts.append(_count(len(secrets), "secret") + " found")
    if vulnerable:
        parts.append(_count(len(vulnerable), "new known vulnerability", "new known vulnerabilities"))
    if refused_doubt:
        parts.append(refused_doubt)
    if parts:
        next_step = NEXT_SECRET if secrets else NEXT_DEPENDENCY
        findings = secrets + vulnerable
        return Verdict(GATE, Outcome.FAIL, ", ".join(parts), findings, notices, evidence, next_step)
    reason = (
        f"no {'new ' if old.known else ''}secret in {_count(scanned.commits_read, 'commit')} "
        f"({_count(scanned.objects_read, 'object')}, {scanned.bytes_scanned} bytes scanned)"
    )
    return Verdict(GATE, Outcome.PASS, reason, (), notices, evidence)


def _evidence(facts: SecurityFacts, scanned: SecretFacts | None) -> dict[str, Scalar]:
    evidence: dict[str, Scalar] = {"base": facts.base, "head": facts.head, "target": facts.target}
    if scanned is not None:
        evidence |= {
            "engine": scanned.engine,
            "rules": scanned.rules,
            **({"repository_rules": scanned.own_rules} if scanned.own_rules else {}),
            "commits_expected": scanned.commits_expected,
            "commits_scanned": scanned.commits_read,
            "objects_expected": scanned.objects_expected,
            "objects_scanned": scanned.objects_read,
            "object_bytes": scanned.bytes_read,
            "bytes_expected": scanned.bytes_given,
            "bytes_scanned": scanned.bytes_scanned,
            "bytes_repeated": scanned.bytes_repeated,
            "canaries_expected": scanned.canaries,
            "canaries_found": scanned.canaries_found,
        }
    if facts.dependencies is not None:
        evidence |= facts.dependencies.evidence
    return evidence


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"
