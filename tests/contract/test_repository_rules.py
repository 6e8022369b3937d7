"""A repository's own rules in the real matcher: what gitleaks finds by them is found, with the same secret (SEC-6)."""

from __future__ import annotations

import importlib
import json
import re
import secrets
import string
import subprocess
import warnings
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from orch_gates.scanners.repository_rules import RepositoryRules
from orch_gates.scanners.repository_rules_file import parse
from orch_gates.scanners.rule_syntax import SyntaxProblem, translate
from tests.conftest import REQUIRE_REAL
from tests.unit.test_repository_rules import blocks

Found = set[tuple[str, bytes]]


@pytest.fixture(scope="module")
def sdk() -> Any:
    """The matcher; without it the test fails in CI and is listed elsewhere."""
    if find_spec("kingfisher_sdk") is None:
        if REQUIRE_REAL:
            pytest.fail("kingfisher_sdk is not installed, and ORCH_REQUIRE_REAL=1 allows no stand-in")
        pytest.skip("kingfisher_sdk is not installed")
    return importlib.import_module("kingfisher_sdk")


class Matcher:
    """Finds what a document of rules finds."""

    def __init__(self, sdk: Any, folder: Path, document: bytes) -> None:
        path = folder / "rules.yml"
        path.write_bytes(document)
        loaded = sdk.Rules([str(path)], builtins=False, confidence="medium", cache=False)
        self._scanner = sdk.Scanner(loaded, base64=False)

    def spans(self, text: bytes) -> set[tuple[str, int, int]]:
        found = self._scanner.scan(text)
        return {(one.rule_id, one.location["start_offset"], one.location["end_offset"]) for one in found}

    def found(self, text: bytes) -> Found:
        return {(rule, text[start:end]) for rule, start, end in self.spans(text)}


def drawn(count: int, alphabet: str = string.ascii_lowercase + string.digits) -> str:
    return "".join(secrets.choice(alphabet) for _ in range(count))


def rule(name: str, regex: str, **more: object) -> str:
    values = "".join(f"{key} = {json.dumps(value)}\n" for key, value in more.items())
    return f"[[rules]]\nid = '{name}'\nregex = '''{regex}'''\n{values}"


RULES = (
    rule("whole", "acme_[a-z0-9]{20}")
    + rule("group", r"""(?i)acme[_-]?key["'\s:=]{1,5}([a-z0-9-]{20,40})(?:["'\s;]|$)""")
    + rule("second", r"(user)=([a-z0-9]+)", secretGroup=2)
    + rule("named", r"pass=(?P<secret>[^\s&]{8,})")
    + rule("entropy", r"level=([a-z]{8})", entropy=2)
    + rule("equal", r"same=([a-z]{8})")
    + rule("boundary", r"\btok-[\w-]{10}\b")
    + rule("dashed", r"\bdash-[a-z-]+-\b")
    + rule("inner", r"in\B[a-z]+\B")
    + rule("signs", r"[[]{2}[&&~]+\Q(.)\E{x}")
    + rule("lines", r"(?m)^begin[0-9]+end$")
    + rule("case", r"UPPER(?i:lower)(?-i)X")
)
TEXT = "\n".join(
    (
        f"x acme_{drawn(20)} y",
        f'ACME-KEY = "{drawn(30)}"',
        f"acme_key: {drawn(25)}",
        f"user={drawn(9)} user=",
        f"https://host/?pass={drawn(12)}&x=1",
        "level=aabbccdd level=aaaaaaab level=abcdefgh same=zzzzzzzz",
        "tok-abc_1-d23x tok-abc_1-d234. tok-abc_1-d2-345 tok-abcd_1-d2- xtok-abc_1-d234",
        "dash-a-b-c dash-abc- d",
        "inside interior in",
        "[[&~&(.){x} [&(.){x}",
        "begin12end",
        " begin12end",
        "UPPERLoWerX UPPERlowerx",
    )
)


def test_what_gitleaks_finds_by_the_same_file_is_found(sdk: Any, real: Callable[[str], Path], tmp_path: Path) -> None:
    """One file of rules, one text: every rule finds the same secrets, by groups, entropy, boundaries and signs."""
    (tmp_path / "rules.toml").write_text(RULES)
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "a.txt").write_text(TEXT)
    argv = [real("gitleaks"), "dir", "--no-banner", "--exit-code=0", "--report-format=json", "--report-path=-"]
    argv += [f"--config={tmp_path / 'rules.toml'}", tmp_path / "text"]
    done = subprocess.run([str(arg) for arg in argv], check=True, capture_output=True)
    theirs = {(one["RuleID"], one["Secret"].encode()) for one in json.loads(done.stdout)}
    ours = Matcher(sdk, tmp_path, parse(RULES.encode()).document()).found(TEXT.encode())
    assert theirs - ours == set()
    assert {name for name, _ in theirs} == {name for name, _ in ours} == set(re.findall("id = '(.*)'", RULES))
    assert ours - theirs == set()


def test_the_example_in_the_documents_finds_its_leaks(sdk: Any, tmp_path: Path) -> None:
    """The secret is the group that the file names; the path is matched as the content is."""
    rules = parse(blocks("toml")[0].encode())
    token, password = f"acme_live_{drawn(32)}", drawn(16)
    text = f"t = {token}\nacmedb://bob:{password}@db/x\nacmedb://bob:{'a' * 16}@db/x\n".encode()
    expected = {("acme-token", token.encode()), ("acme-database-url", password.encode())}
    assert Matcher(sdk, tmp_path, rules.document()).found(text) == expected
    bound = rules.path_document()
    assert bound is not None
    paths = Matcher(sdk, tmp_path, bound)
    for path, fits in (
        (b"a/.env", True),
        (b"A.YML", True),
        (b"a.yml.txt", False),
        (b"env", False),
        (b"\xff.yml", True),
    ):
        assert ({name for name, _ in paths.found(path)} == {"acme-database-url"}) is fits, path


@pytest.mark.parametrize(
    ("regex", "why"),
    [
        ("a\\n^b", "has ^ behind something else"),
        ("a$\\nb", "has $ before something else"),
        (r"a\b_", "can never match"),
    ],
)
def test_what_only_the_matcher_refuses_is_told_with_its_line(regex: str, why: str, sdk: Any, tmp_path: Path) -> None:
    """An expression that passes the reading and not the matcher is the same kind of problem."""
    rules = parse((rule("fine", "xyz[0-9]") + rule("bad", regex.replace("\\\\", "\\"))).encode())
    with pytest.raises(RuntimeError) as refusal:
        Matcher(sdk, tmp_path, rules.document())
    [problem] = rules.refused(str(refusal.value)).problems
    assert problem.startswith(".gitleaks.toml:6: rule bad: regex ")
    assert why in problem


PIECES = st.sampled_from(
    [
        "a",
        "b",
        "0",
        "=",
        "-",
        "_",
        r"\.",
        ".",
        r"\n",
        "[ab]",
        "[^a]",
        r"[\w-]",
        r"[=\s]",
        r"\d",
        r"\W",
        r"\S",
        r"\b",
        r"\B",
    ]
)
QUANTIFIED = st.builds(
    lambda piece, times: piece if piece in {r"\b", r"\B"} else piece + times,
    PIECES,
    st.sampled_from(["", "", "", "+", "*", "?", "{2}", "{1,3}", "+?", "*?"]),
)
SEQUENCES = st.lists(QUANTIFIED, min_size=1, max_size=4).map("".join)
GROUPS = st.builds(
    lambda opening, options, times: f"{opening}{'|'.join(options)}){times}",
    st.sampled_from(["(?:", "(?i:", "(?s:"]),
    st.lists(SEQUENCES, min_size=1, max_size=2),
    st.sampled_from(["", "?", "+"]),
)
SOURCES = st.lists(st.one_of(SEQUENCES, GROUPS), min_size=1, max_size=3).map("".join)
TEXTS = st.text("abAB0=-_. \n", max_size=20).map(str.encode)


@pytest.mark.slow
@hypothesis_settings(max_examples=150)
@given(source=SOURCES, texts=st.lists(TEXTS, min_size=5, max_size=10))
def test_nothing_is_missed_by_any_expression(
    sdk: Any, tmp_path_factory: pytest.TempPathFactory, source: str, texts: list[bytes]
) -> None:
    """Whatever an expression matches by the rules of Go and Perl, the matcher reports at that place."""
    try:
        pattern = translate(source, None).text
        rules = RepositoryRules(parse(rule("any", source).encode()).rules)
        matcher = Matcher(sdk, tmp_path_factory.getbasetemp(), rules.document())
    except (SyntaxProblem, RuntimeError):
        assume(False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        expected = re.compile(pattern.encode())
    for text in texts:
        reported = matcher.spans(text)
        for match in expected.finditer(text):
            start, end = match.span(1 if expected.groups else 0)
            if end > start:
                assert any(first < end and start < last for _, first, last in reported), (pattern, text)
