"""Every row of our own table finds what it describes, wherever text may stand, and nothing that only begins like it."""

import re
import tomllib
from pathlib import Path

import pytest

from orch_gates.errors import ScannerError
from orch_gates.scanners.rules import shapes, table
from tests.builders import github_token
from tests.rules_rig import OWN, Matcher, token

TABLE = tomllib.loads(Path(table.__file__).with_name("own.toml").read_text("utf-8"))["token"]
SHAPES = [(row, shape) for row in OWN for shape in row.shapes]
ANYWHERE = {row for row, told in zip(OWN, TABLE, strict=False) if told.get("anywhere")}
# What stands around a token: files of settings, programs, addresses, notebooks, prose.
CARRIERS = (
    "{}",
    "X={}",
    'value: "{}",',
    "v = '{}'",
    '"v = \\"{}\\"\\n",',
    "https://host.test/p?x={}&y=1",
    "<v>{}</v>",
    "a,{},b",
    "got ({}) ok",
    "`{}`",
    '"one\\n{}\\ntwo"',
    "[{}]",
)


@pytest.mark.parametrize(("row", "shape"), SHAPES, ids=[f"{row.id}-{n}" for n, (row, _) in enumerate(SHAPES)])
def test_a_random_token_is_found_in_every_carrier(matcher: Matcher, row: table.RuleRow, shape: str) -> None:
    for seed, carrier in enumerate(CARRIERS):
        text = token(row, shape, seed)
        value = f"{row.near[0]}_key = '{text}'" if row.near else text
        found = matcher.findings(f"one\n{carrier.replace('{}', value)}\nthree\n".encode())
        assert row.id in {rule for rule, _ in found}, (carrier, shape)


@pytest.mark.parametrize(("row", "shape"), SHAPES, ids=[f"{row.id}-{n}" for n, (row, _) in enumerate(SHAPES)])
def test_the_secret_is_the_token_and_nothing_around_it(matcher: Matcher, row: table.RuleRow, shape: str) -> None:
    text = token(row, shape, 7)
    value = f"{row.near[0]} = '{text}'" if row.near else f"'{text}'"
    assert text.encode() in {secret for rule, secret in matcher.findings(value.encode()) if rule == row.id}


def test_a_longer_text_is_no_token(matcher: Matcher) -> None:
    """A token with a fixed length ends where a character follows that could not belong to it."""
    for row, shape in SHAPES:
        if row in ANYWHERE:
            continue
        last = shapes.parse(shape)[-1]
        if isinstance(last, shapes.CharacterRun) and last.least == last.most and len(row.shapes) == 1 and not row.near:
            assert row.id not in {rule for rule, _ in matcher.findings(f"'{token(row, shape, 3)}0a'".encode())}, shape


@pytest.mark.parametrize("around", ["x{}", "{}0", "{}abc", "https://{}x@host.test/"])
def test_a_telling_token_is_found_in_a_longer_word(matcher: Matcher, around: str) -> None:
    """A leak that was pasted without a blank behind it, or stands in an address, is one too (SEC-6)."""
    for row, shape in SHAPES:
        if row in ANYWHERE and (shapes.has_end(shapes.parse(shape)) or around.endswith("{}")):
            text = token(row, shape, 5)
            found = matcher.findings(f"see {around.replace('{}', text)} there".encode())
            assert any(rule == row.id and secret.startswith(text.encode()) for rule, secret in found), shape


def test_what_follows_a_token_does_not_hide_its_checksum(matcher: Matcher) -> None:
    """The secret is the token alone, with the checksum that its provider gave it, and no letter more."""
    text = github_token()
    assert matcher.findings(f"see {text}abc".encode()) == [("github-pat", text.encode())]


def test_repeated_characters_are_no_token(matcher: Matcher) -> None:
    for row, shape in SHAPES:
        if not any(isinstance(part, shapes.CharacterRun) and part.least >= 8 for part in shapes.parse(shape)):
            continue
        text = shapes.example(shapes.parse(shape), lambda alphabet, least, _: alphabet[-1] * least)
        found = matcher.findings(f"{row.near[0] if row.near else 'x'} = '{text}'\n".encode())
        assert row.id not in {rule for rule, _ in found}, shape


def test_ids_are_stable_words_and_every_row_of_a_format_says_its_source() -> None:
    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", row.id) for row in OWN)
    assert [row["id"] for row in TABLE if not row.get("source")] == []


@pytest.mark.parametrize("shape", ["", "a{", "}", "{nothing:4}", "{alnum:0}", "{alnum:9-4}", "{alnum:x}b{"])
def test_a_malformed_shape_is_an_error(shape: str) -> None:
    with pytest.raises(ScannerError):
        shapes.parse(shape)


def test_an_unknown_part_is_an_error() -> None:
    with pytest.raises(ScannerError, match="nowhere"):
        table.expand("a<nowhere>b", {})
