"""Every gate that an edge may have, in one place (ENG-2): where its facts are, and who judges them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from orch_gates.errors import ForgeRefused, ForgeUnavailable, OrchError
from orch_gates.forge.port.checks import CommitStatuses, Reviews
from orch_gates.gates import ci_green, policy, recorded, review_approved
from orch_gates.gates.recorded import RecordedFacts, RecordedGate
from orch_gates.model.verdict import Outcome, Verdict
from orch_gates.report import security
from orch_gates.report.security_model import GATE
from orch_gates.settings import Settings

_PASSED = {"PASSED": Outcome.PASS, "FAILED": Outcome.FAIL}
_SUCCESS = {"SUCCESS": Outcome.PASS, "FAILED": Outcome.FAIL}

RECORDED: Mapping[str, RecordedGate] = {
    gate.name: gate
    for gate in (
        RecordedGate("ci-green", "10-ci-report.md", "ci_status", _SUCCESS, policy.CI_GREEN),
        RecordedGate(
            "review-approved",
            "11-review-report.md",
            "review_status",
            {"APPROVED": Outcome.PASS, "CHANGES_REQUESTED": Outcome.FAIL},
            policy.REVIEW_APPROVED,
        ),
        RecordedGate("tests-passed", "12-test-report.md", "tests_status", _PASSED, policy.TESTS_PASSED),
        RecordedGate("staging-status", "15-staging-report.md", "staging_status", _SUCCESS, policy.STAGING_STATUS),
        RecordedGate("security", "17-security-report.md", "security_status", _PASSED, policy.SECRETS),
        RecordedGate("merge", "18-merge-report.md", "merge_status", _PASSED, policy.MERGE),
        RecordedGate(
            "image-freshness",
            "19-image-report.md",
            "image_status",
            {"FRESH": Outcome.PASS, "STALE": Outcome.FAIL},
            policy.IMAGE_FRESHNESS,
        ),
        RecordedGate(
            "deploy-status",
            "20-deploy-report.md",
            "deploy_status",
            # The three exit codes of a deploy command (DEP-1).
            {"DEPLOYED": Outcome.PASS, "FAILED": Outcome.FAIL, "REFUSED": Outcome.HOLD},
            policy.DEPLOY_STATUS,
        ),
    )
}
NAMES = tuple(RECORDED)
# Those that ask a forge where one is known.
ASKED = frozenset({ci_green.NAME, review_approved.NAME})


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the facts about one task's commit are.

    `read` gives a report's text by its file name, None where it is absent. `statuses` and `reviews`
    are None where no forge is known: then a recorded report is read instead.
    """

    read: Callable[[str], str | None]
    head: str
    branch: str
    target: str
    settings: Settings
    statuses: CommitStatuses | None = None
    reviews: Reviews | None = None


def judge(name: str, sources: Sources) -> Verdict:
    """The verdict of one gate; never raises, what could not be told is said (P2, P3)."""
    try:
        return ask(name, sources)
    except ForgeRefused as error:
        return Verdict(name, Outcome.ERROR, f"the forge refused: {error}", next_step="Mend that, then run it again.")
    except ForgeUnavailable as error:
        return Verdict(name, Outcome.ERROR, f"the forge could not be asked: {error}", next_step="It is tried again.")


def ask(name: str, sources: Sources) -> Verdict:
    """The verdict of one gate, where a forge that cannot be asked is no verdict.

    Raises:
        ForgeUnavailable: it did not answer, or refused.
    """
    gate = RECORDED.get(name)
    if gate is None:
        return Verdict(name, Outcome.ERROR, f"there is no gate {name!r}; known are {', '.join(NAMES)}")
    try:
        return _skipped(gate, sources.settings) or _judged(gate, sources)
    except ForgeUnavailable:
        raise
    except OrchError as error:
        return Verdict(name, gate.unknown.unknown, f"could not be judged: {error}")
    except Exception as error:  # noqa: BLE001 - whatever a hostile document provokes is this gate's answer (P3)
        return Verdict(name, gate.unknown.unknown, f"could not be judged: {type(error).__name__}: {error}")


def _judged(gate: RecordedGate, sources: Sources) -> Verdict:
    settings = sources.settings
    if gate.name == ci_green.NAME and sources.statuses is not None and sources.head:
        facts = ci_green.gather(sources.statuses, sources.head)
        return ci_green.judge(facts, settings.ci_green.contexts, settings.ci_green.least)
    if gate.name == review_approved.NAME and sources.reviews is not None and sources.head:
        reviews = review_approved.gather(sources.reviews, sources.branch, sources.target, sources.head)
        return review_approved.judge(reviews, settings.review_approved.approvals)
    text = sources.read(gate.file)
    if gate.name == GATE and text is not None and sources.head:
        return _sealed(text, sources.head)
    return recorded.judge(gate, RecordedFacts(text, sources.head))


def _sealed(text: str, head: str) -> Verdict:
    """A whole report about an earlier commit is an absent one, as with every other gate."""
    verdict = security.verdict_of_text(text, head=head)
    return replace(verdict, absent=True) if verdict != security.verdict_of_text(text, head="") else verdict


def reason_in(gate: RecordedGate, text: str) -> str:
    """The reason that a report gives; a security report is sealed, the others are free to be written by hand.

    Raises:
        ReportError: it is no report of this gate that proves anything.
    """
    if gate.name == GATE:
        return security.parse(text).reason
    report, outcome = recorded.read(gate, text)
    return report.reason or f"{gate.file} says {outcome}"


def _skipped(gate: RecordedGate, settings: Settings) -> Verdict | None:
    """A SKIP where the gate is switched off or meant for other repositories (GATE-3)."""
    reason = settings.scope(gate.name).excludes(settings.ci.repository)
    return Verdict(gate.name, Outcome.SKIP, reason) if reason else None
