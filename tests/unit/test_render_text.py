"""What a person reads on a terminal: short, complete about how to mend it, and harmless."""

from __future__ import annotations

import dataclasses
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from orch_gates.model.finding import Finding
from orch_gates.model.verdict import Outcome, Verdict
from orch_gates.report import text
from orch_gates.report.text import Detail, Tone, for_hook

COMMIT = "1a2b3c4d5e6f708192a3b4c5d6e7f80912345678"
LEAK = Finding(
    id="9f86d081884c",
    rule="aws-access-token",
    path="config/app.env",
    line=3,
    commit=COMMIT,
    description="AWS access token",
    fix="Revoke the key first. Then remove it from every commit:",
    commands=("git rebase -i 1a2b3c4d5e^",),
)
FAIL = Verdict("security", Outcome.FAIL, "1 secret found", findings=(LEAK,), evidence={"commits_scanned": 1})
names = st.one_of(st.text(st.characters(), max_size=300), st.text("::##[]\x1b\n\u202e ab", max_size=40))
commands = st.lists(names, max_size=3).map(tuple)
findings = st.builds(Finding, names, names, names, st.integers(0, 10**6), names, names, names, names, commands)
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


def for_cli(verdict: Verdict, detail: Detail = Detail.NORMAL) -> str:
    """All pieces of what the command prints."""
    return "".join(piece for piece, _ in text.for_cli(verdict, detail))


def test_a_refused_push_says_what_where_and_how_to_mend() -> None:
    """The whole message a person sees after a leak (P8)."""
    assert for_hook(FAIL) == (
        "orch-gates: push refused: 1 secret found\n"
        "  config/app.env:3  aws-access-token  (commit 1a2b3c4d5e, finding 9f86d081884c)\n"
        "    Revoke the key first. Then remove it from every commit:\n"
        "      git rebase -i 1a2b3c4d5e^\n"
        "If it is not a secret, write an entry for the target branch's list:\n"
        "  orch-gates secrets allow 9f86d081884c --owner WHO --reason WHY --expires YYYY-MM-DD\n"
        "Nothing was stored.\n"
        "Help: orch-gates help leak\n"
    )


def test_the_cli_shows_what_a_person_has_to_know() -> None:
    """Verdict, findings, notices and what happens next; the evidence in one line, and whole where it is asked for."""
    verdict = dataclasses.replace(FAIL, notices=("feed is degraded",), next_step="Fix and push again.")
    head = (
        "security: FAIL: 1 secret found\n"
        "  config/app.env:3  aws-access-token  (commit 1a2b3c4d5e, finding 9f86d081884c)\n"
        "    Revoke the key first. Then remove it from every commit:\n"
        "      git rebase -i 1a2b3c4d5e^\n"
        "  note: feed is degraded\n"
    )
    end = (
        "Next: Fix and push again.\n"
        "If it is not a secret, write an entry for the target branch's list:\n"
        "  orch-gates secrets allow 9f86d081884c --owner WHO --reason WHY --expires YYYY-MM-DD\n"
        "Help: orch-gates help leak\n"
    )
    assert for_cli(verdict) == f"{head}  evidence: 1 fact; --verbose shows them\n{end}"
    assert for_cli(verdict, Detail.VERBOSE) == f"{head}  commits_scanned = 1\n{end}"


def test_the_quiet_cli_says_why_it_is_no_pass_and_nothing_else() -> None:
    """A script needs the exit code, a person the reason."""
    assert for_cli(FAIL, Detail.QUIET) == "security: FAIL: 1 secret found\n"
    assert for_cli(Verdict("security", Outcome.SKIP, "it is off"), Detail.QUIET) == "security: SKIP: it is off\n"
    assert for_cli(Verdict("security", Outcome.PASS, "no secret", notices=("x",)), Detail.QUIET) == ""


def test_the_word_of_the_verdict_and_what_failed_stand_out() -> None:
    """A terminal shows these pieces in colour, and no others."""
    toned = [(piece, tone) for piece, tone in text.for_cli(FAIL) if tone is not Tone.PLAIN]
    place = "  config/app.env:3  aws-access-token  (commit 1a2b3c4d5e, finding 9f86d081884c)\n"
    assert toned == [("FAIL", Tone.FAILED), (place, Tone.FAILED)]
    assert text.for_cli(Verdict("security", Outcome.PASS, "no secret"))[1] == ("PASS", Tone.PASSED)


def test_a_long_list_is_short_until_all_of_it_is_asked_for() -> None:
    """Ten findings fit on a screen; the rest is counted, with the way to see it."""
    many = dataclasses.replace(FAIL, findings=tuple(dataclasses.replace(LEAK, line=n) for n in range(1, 301)))
    assert for_cli(many).count("aws-access-token") == 10
    assert "\n  +290 more; --verbose or --json shows them\n" in for_cli(many)
    assert for_cli(many, Detail.VERBOSE).count("aws-access-token") == 200
    assert "\n  +100 more\n" in for_cli(many, Detail.VERBOSE)


def test_a_hook_that_shows_a_part_says_how_to_see_all() -> None:
    """By a command on a line of its own; where all is shown there is nothing to say."""
    command = "orch-gates gate security --verbose"
    many = dataclasses.replace(FAIL, findings=(LEAK,) * 6)
    assert f"\n  {command}\n" in for_hook(many, see_all=command)
    assert command not in for_hook(FAIL, see_all=command)


def test_help_is_where_the_installation_says() -> None:
    """On a line of its own, whole."""
    address = "https://git.example.org/" + "help/" * 60
    assert for_hook(FAIL, help_at=address).endswith(f"\nHelp: {address}\n")


def test_a_command_is_one_line_however_long_it_is() -> None:
    """A command that is cut into lines cannot be copied."""
    command = "git rebase -i " + "word " * 100
    shown = for_hook(dataclasses.replace(FAIL, findings=(dataclasses.replace(LEAK, commands=(command,)),)))
    assert f"\n      {command}\n" in shown


def test_what_is_staged_is_allowed_by_no_id() -> None:
    """`secrets allow` looks into commits, and there is none yet."""
    assert "secrets allow" not in for_hook(FAIL, action="commit")
    assert "orch-gates help allow" in for_hook(FAIL, action="commit")


def test_a_vulnerable_package_is_not_allowed_as_a_secret() -> None:
    pin = dataclasses.replace(LEAK, carrier="dependency")
    assert "secrets allow" not in for_hook(dataclasses.replace(FAIL, findings=(pin,)))


def test_a_pass_is_silent_in_a_hook_but_for_its_notices() -> None:
    """Git shows every line to the person; a pass has nothing to say."""
    passed = Verdict("security", Outcome.PASS, "no secret", evidence={"commits": 1})
    assert for_hook(passed) == ""
    assert (
        for_hook(dataclasses.replace(passed, notices=("exception X is in use",))) == "  note: exception X is in use\n"
    )


@pytest.mark.parametrize(
    ("outcome", "message"),
    [
        (Outcome.FAIL, "commit refused: because"),
        (Outcome.ERROR, "commit not judged, refused: because"),
        (Outcome.HOLD, "commit not judged, refused: because"),
        (Outcome.DEFER, "commit deferred: because"),
    ],
)
def test_every_refusal_says_why_and_what_next(outcome: Outcome, message: str) -> None:
    """Could-not-tell does not read as a definite refusal (P2, P8)."""
    shown = for_hook(
        Verdict("security", outcome, "because", next_step="Try X."), action="commit", kept="Nothing was committed."
    )
    assert shown == f"orch-gates: {message}\nTry X.\nNothing was committed.\n"


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
def test_output_is_bounded_text_that_commands_nothing(verdict: Verdict) -> None:
    """Whatever names a push contains: what can be seen, few lines, no runner command, no escape code."""
    for shown in (for_hook(verdict, limit=3), *(for_cli(verdict, detail) for detail in Detail)):
        assert all(line.isprintable() for line in shown.split("\n"))
        assert len(shown) < 60_000
        assert shown == "" or shown.endswith("\n")
        assert "##[" not in shown
        assert not re.search(r"^\s*::", shown, re.MULTILINE)


@given(verdict=verdicts)
def test_every_finding_is_shown_or_counted(verdict: Verdict) -> None:
    """No finding is dropped without a word."""
    shown = for_hook(verdict, limit=3)
    places = len(re.findall(r"\((?:commit|finding)\s", shown))
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
