"""How checks are run and counted, and that each is explained: pure."""

from __future__ import annotations

import json
import re
import shlex
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import pytest

from orch_gates.adopt.bundle import Bundle
from orch_gates.cli.doctor import view as doctor_view
from orch_gates.doctor import check, finding, left_open, machine
from orch_gates.doctor import forge as at_forge
from orch_gates.doctor.check import Check, CheckResult, Group, summary
from orch_gates.doctor.finding import CheckFinding, CheckState, NotUsedError, TooLongError
from orch_gates.doctor.registry import CHECKS
from orch_gates.doctor.subject import DoctorSubject
from orch_gates.documents import escape
from orch_gates.errors import GitError, UsageError
from orch_gates.forge.port.protection import BranchRule, Who
from orch_gates.forge.port.server import Access
from tests.tasks_builders import NOW

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "find-what-is-wrong.md"
HERE = DoctorSubject(Path())


def ran(
    gather: Callable[[DoctorSubject], Any], finding_of: Callable[[Any], CheckFinding] = finding.ok, seconds: float = 30
) -> CheckFinding:
    """What comes of one check, between two others that have to be run all the same."""
    fine = Check("fine", Group.MACHINE, lambda _: "fine", finding.ok)
    begun: list[str] = []
    results = list(check.run((fine, Check("this", Group.FORGE, gather, finding_of, seconds), fine), HERE, begun.append))
    assert begun == ["fine", "this", "fine"]
    assert [one.finding.state for one in (results[0], results[2])] == [CheckState.OK, CheckState.OK]
    return results[1].finding


def raising(error: BaseException) -> Callable[[object], NoReturn]:
    def gather(_: object) -> NoReturn:
        raise error

    return gather


def test_a_check_that_raises_could_not_tell() -> None:
    """Whether it gathers or judges, and whatever it raises: never well, and no other check is stopped (P3)."""
    assert ran(raising(GitError("no git"))) == finding.unknown("no git")
    for found in (ran(raising(KeyError("secret"))), ran(lambda _: "", raising(KeyError("secret")))):
        assert found.state is CheckState.UNKNOWN
        assert "bug: KeyError" in found.seen
        assert "secret" not in found.seen


def test_a_check_that_takes_too_long_could_not_tell() -> None:
    """Its time is over, whatever it does."""

    def gather(_: object) -> str:
        try:
            time.sleep(10)
        except GitError:
            return "never"
        return "too late"

    begun = time.monotonic()
    found = ran(gather, seconds=0.1)
    assert (found.state, found.mend) == (CheckState.UNKNOWN, "orch-gates doctor --only this")
    assert time.monotonic() - begun < 5


def test_a_mend_says_where_its_page_is_read() -> None:
    """Here there is none of our pages."""
    page = Bundle("https://git.example.org/acme/gates", "a" * 40).page("docs/how-to/a-b.md")
    here = DoctorSubject(Path(), _known={"bundle": Bundle("https://git.example.org/acme/gates", "a" * 40)})
    told = Check("this", Group.FORGE, lambda _: "red", lambda seen: finding.bad(seen, "x (see docs/how-to/a-b.md)"))
    (found,) = check.run((told,), here, lambda _: None)
    assert found.finding == finding.bad("red", f"x (see {page})")


def test_what_is_not_used_is_no_green() -> None:
    """It is said why."""
    assert ran(raising(NotUsedError("no state branch"))) == finding.not_used("no state branch")


@pytest.mark.parametrize(
    ("states", "code"),
    [
        ((CheckState.OK, CheckState.WARNING, CheckState.NOT_USED), 0),
        ((CheckState.NOT_USED,), 2),
        ((), 2),
        ((CheckState.OK, CheckState.UNKNOWN, CheckState.WARNING), 2),
        ((CheckState.UNKNOWN, CheckState.BAD), 1),
    ],
)
def test_the_exit_code_is_that_of_the_worst(states: tuple[CheckState, ...], code: int) -> None:
    """Something bad counts before what could not be told, and a warning is none of both (GATE-2)."""
    found = summary(CheckResult("x", Group.MACHINE, CheckFinding(state, "")) for state in states)
    assert found.exit_code == code
    assert sum(found.counts.values()) == len(states)


def test_of_several_the_worst_counts() -> None:
    """All that are not well are named, the worst first; where all are well, all of them."""
    several = (finding.ok("a"), finding.unknown("c"), finding.bad("b", "m"), finding.bad("d", "m"))
    assert finding.worst(*several) == finding.bad("b; d; c", "m")
    assert finding.worst(finding.warning("b", "m"), finding.unknown("c", "n")) == finding.unknown("c; b", "n; m")
    assert finding.worst(finding.ok("a"), finding.ok("b")) == finding.ok("a; b")


def test_an_answer_is_asked_for_once() -> None:
    """One that is an error too: a server that is down is not waited for by every check."""
    asked: list[str] = []
    subject = DoctorSubject(Path())

    def ask() -> str:
        asked.append("")
        raise GitError("down")

    for _ in range(3):
        with pytest.raises(GitError):
            subject.once("x", ask)
    assert len(asked) == 1

    def slow() -> str:
        asked.append("")
        raise TooLongError

    for _ in range(2):
        with pytest.raises(TooLongError):
            subject.once("z", slow)
    assert len(asked) == 2
    assert subject.once("y", lambda: 1) == subject.once("y", lambda: 2) == 1


def test_every_check_is_explained() -> None:
    """The page has a row for each, below its group, and for nothing else; all names are different."""
    parts = re.split(r"^## ", PAGE.read_text("utf-8"), flags=re.MULTILINE)[1:]
    told = [
        (part.partition("\n")[0].lower(), name)
        for part in parts
        for row in re.findall(r"^\| (`[^|]*`) \|", part, re.MULTILINE)
        for name in re.findall(r"`([^`]+)`", row)
    ]
    assert told == [(each.group.value, each.name) for each in CHECKS]
    assert len({name for _, name in told}) == len(told)


@pytest.mark.parametrize(
    ("fence", "posts", "contexts", "message"),
    [
        ("none", False, (), ""),
        ("none", True, ("orch/security/main",), ""),
        ("none", True, ("orch/*",), ""),
        ("none", True, ("build",), "posts orch/security/main, but main does not require it"),
        ("none", False, ("orch/merge/main",), "so nothing posts it: no merge is possible"),
        ("status", False, ("orch/merge/main",), ""),
        ("status", False, ("build",), "main does not require the status orch/merge/main"),
    ],
)
def test_what_is_required_is_what_is_said(fence: str, posts: bool, contexts: tuple[str, ...], message: str) -> None:
    """A verdict that nobody requires stops no merge, and one that nobody gives stops all of them."""
    rule = BranchRule("main", Who.NOBODY, False, False, contexts, True, True)
    found = at_forge.protection_finding(at_forge.ProtectionFacts("main", fence, rule, "the page", posts))
    assert found.state is (CheckState.BAD if message else CheckState.OK)
    assert message in found.seen


def test_what_others_named_is_one_word_in_a_command_that_mends() -> None:
    """A folder or a variable may be called anything, and what is said is copied into a shell."""
    odd = "it's;$(id)"
    unset = left_open.glass_finding(left_open.GlassFacts(NOW, (), ("soon",), odd)).mend
    assert shlex.split(unset)[:3] == ["git", "-C", odd]
    names = machine.names_finding({f"ORCH_{odd}": "", "ORCH_B": ""}).mend.partition("; `")[0]
    assert shlex.split(names) == ["unset", f"ORCH_{odd}", "ORCH_B"]


@pytest.mark.parametrize(("can_read", "can_write"), [(False, False), (True, False), (True, None)])
def test_a_token_that_the_forge_names_nobody_for_is_not_called_an_app(can_read: bool, can_write: bool | None) -> None:
    """One of a user, without the scope to read its own user, has no name either."""
    access = Access("", ("read:repository",), can_read, can_write, None, False, "main")
    found = at_forge.token_finding(at_forge.TokenFacts(access, "ORCH_FORGE_TOKEN", False))
    assert found.seen.startswith("this token")
    assert "an app" not in found.seen + found.mend
    assert found.mend.startswith("give its user ") or can_write is None


@pytest.mark.parametrize(
    "text", ["\ufeffname", "x" * 1_000_000, "a\udcffb", "\x1b[31m\u202ered", "\ufeff" + "y" * 99_999 + "\udce9"]
)
def test_what_others_wrote_is_shown_short_and_visible(text: str) -> None:
    """A name with a byte order mark, of any length or not UTF-8: to people and programs, alone and among others."""
    many = finding.worst(*(finding.bad(f"{number} {text}", "do it") for number in range(99)))
    for found in (
        finding.bad(text, "do it"),
        finding.unknown(text),
        finding.warning(text, "x"),
        finding.ok(text),
        many,
    ):
        result = CheckResult("this", Group.OPEN, found)
        shown = "".join(piece for piece, _ in doctor_view.pieces(result, before=None, width=80))
        assert len(shown) < 30_000
        assert not escape.HOSTILE.search(shown.replace("\n", ""))
        document = json.loads(doctor_view.as_json([result], summary([result])))
        assert len(document["checks"][0]["seen"]) < 30_000
        shown.encode()


def test_several_checks_are_named_one_by_one() -> None:
    """Who writes a list is told how to name several."""
    assert [each.name for each in check.chosen(CHECKS, ("hook", "token"))] == ["hook", "token"]
    with pytest.raises(UsageError, match="give --only once for each check"):
        check.chosen(CHECKS, ("hook,token",))
