"""What a person reads on a terminal: short, complete about how to mend it, and harmless."""

from __future__ import annotations

import dataclasses
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from orch_gates.model.finding import Finding
from orch_gates.model.verdict import Outcome, Verdict
from orch_gates.report.text import for_cli, for_hook

COMMIT = "1a2b3c4d5e6f708192a3b4c5d6e7f80912345678"
LEAK = Finding(
    id="9f86d081884c",
    rule="aws-access-token",
    path="config/app.env",
    line=3,
    commit=COMMIT,
    description="AWS access token",
    fix="Revoke the key first. Then remove it from every commit: git rebase -i 1a2b3c4d5e^",
)
FAIL = Verdict("security", Outcome.FAIL, "1 secret found", findings=(LEAK,), evidence={"commits_scanned": 1})
names = st.one_of(st.text(st.characters(), max_size=300), st.text("::##[]\x1b\n\u202e ab", max_size=40))
findings = st.builds(Finding, names, names, names, st.integers(0, 10**6), names, names, names, names)
verdicts = st.builds(
    Verdict,
    names,
    st.sampled_from(Outcome),
    names,
    st.lists(findings, max_size=8).map(tuple),
    st.lists(names, max_size=8).map(tuple),
    st.dictionaries(names, names, max_size=8),
    names,
)


def test_a_refused_push_says_what_where_and_how_to_mend() -> None:
    """The whole message a person sees after a leak (P8)."""
    assert for_hook(FAIL) == (
        "orch-gates: push refused: 1 secret found\n"
        "  config/app.env:3  aws-access-token  (commit 1a2b3c4d5e, finding 9f86d081884c)\n"
        "    Revoke the key first. Then remove it from every commit: git rebase -i 1a2b3c4d5e^\n"
        "Nothing was stored. Help: docs/how-to/remove-a-leaked-secret.md\n"
    )


def test_the_cli_shows_all_of_it() -> None:
    """Verdict, findings, notices, evidence and what happens next."""
    verdict = dataclasses.replace(FAIL, notices=("feed is degraded",), next_step="Fix and push again.")
    assert for_cli(verdict) == (
        "security: FAIL: 1 secret found\n"
        "  config/app.env:3  aws-access-token  (commit 1a2b3c4d5e, finding 9f86d081884c)\n"
        "    Revoke the key first. Then remove it from every commit: git rebase -i 1a2b3c4d5e^\n"
        "  note: feed is degraded\n"
        "  commits_scanned = 1\n"
        "Next: Fix and push again.\n"
    )


def test_a_pass_is_silent_in_a_hook_but_for_its_notices() -> None:
    """Git shows every line to the person; a pass has nothing to say."""
    passed = Verdict("security", Outcome.PASS, "no secret", evidence={"commits": 1})
    assert for_hook(passed) == ""
    assert (
        for_hook(dataclasses.replace(passed, notices=("exception X is in use",))) == "  note: exception X is in use\n"
    )


@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        (Outcome.FAIL, "commit refused: because"),
        (Outcome.ERROR, "commit not judged, refused: because"),
        (Outcome.HOLD, "commit not judged, refused: because"),
        (Outcome.DEFER, "commit deferred: because"),
    ],
)
def test_every_refusal_says_why_and_what_next(outcome: Outcome, said: str) -> None:
    """Could-not-tell does not read as a definite refusal (P2, P8)."""
    shown = for_hook(
        Verdict("security", outcome, "because", next_step="Try X."), action="commit", kept="Nothing was committed."
    )
    assert shown == f"orch-gates: {said}\nTry X.\nNothing was committed.\n"


def test_the_rest_is_counted() -> None:
    """At most N findings, then how many more there are."""
    many = dataclasses.replace(FAIL, findings=tuple(dataclasses.replace(LEAK, line=n) for n in range(1, 13)))
    shown = for_hook(many, limit=5)
    assert shown.count("aws-access-token") == 5
    assert "\n  +7 more\n" in shown
    assert shown.count("Revoke") == 1  # the same advice once


def test_a_place_without_lines_and_commit() -> None:
    """A file name, a tag message or staged content is named without a line or commit."""
    odd = dataclasses.replace(LEAK, path="refs/tags/v1", line=0, commit="", carrier="tag message")
    shown = for_hook(dataclasses.replace(FAIL, findings=(odd,)))
    assert "  refs/tags/v1 (tag message)  aws-access-token  (finding 9f86d081884c)\n" in shown
    nameless = dataclasses.replace(odd, path="")
    assert "  tag message  aws-access-token" in for_hook(dataclasses.replace(FAIL, findings=(nameless,)))


@given(verdict=verdicts)
@example(verdict=Verdict(":", Outcome.PASS, "set-output name=x::y"))
@example(verdict=dataclasses.replace(FAIL, findings=(dataclasses.replace(LEAK, path=":"),)))
def test_output_is_bounded_ascii_that_commands_nothing(verdict: Verdict) -> None:
    """Whatever names a push contains: printable ASCII, few lines, no runner command, no escape code."""
    for shown in (for_hook(verdict, limit=3), for_cli(verdict, limit=3)):
        assert re.fullmatch(r"[\x20-\x7e\n]*", shown)
        assert len(shown) < 12_000
        assert shown == "" or shown.endswith("\n")
        assert "##[" not in shown
        assert not re.search(r"^\s*::", shown, re.MULTILINE)


@given(verdict=verdicts)
def test_every_finding_is_shown_or_counted(verdict: Verdict) -> None:
    """No finding is dropped without a word."""
    shown = for_hook(verdict, limit=3)
    places = len(re.findall(r"finding\s", shown))
    assert places >= min(3, len(verdict.findings))
    assert len(verdict.findings) <= 3 or f"+{len(verdict.findings) - 3} more" in shown


def test_lines_fit_behind_the_remote_prefix() -> None:
    """Behind `remote: ` every line of ordinary text stays below 100 columns."""
    words = "several ordinary words about what to do " * 10
    leak = dataclasses.replace(LEAK, path="src/" + "deep/" * 12 + "x.py", fix=words)
    verdict = dataclasses.replace(FAIL, findings=(leak,), reason=words, notices=(words,), next_step=words)
    for shown in (for_hook(verdict), for_cli(verdict)):
        assert max(len(f"remote: {line}") for line in shown.splitlines()) < 100
        assert leak.path in shown
