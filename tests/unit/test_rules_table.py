"""Every row of our own table finds what it describes, wherever text may stand, and nothing that only begins like it."""

import re
from pathlib import Path

import pytest

from orch_gates.errors import ScannerError
from orch_gates.scanners.rules import shapes, table
from tests.rules_rig import OWN, Matcher, token

SHAPES = [(row, shape) for row in OWN for shape in row.shapes]
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
def test_a_random_token_is_found_in_every_carrier(matcher: Matcher, row: table.Row, shape: str) -> None:
    for seed, carrier in enumerate(CARRIERS):
        text = token(row, shape, seed)
        value = f"{row.near[0]}_key = '{text}'" if row.near else text
        found = matcher.findings(f"one\n{carrier.replace('{}', value)}\nthree\n".encode())
        assert row.id in {rule for rule, _ in found}, (carrier, shape)


@pytest.mark.parametrize(("row", "shape"), SHAPES, ids=[f"{row.id}-{n}" for n, (row, _) in enumerate(SHAPES)])
def test_the_secret_is_the_token_and_nothing_around_it(matcher: Matcher, row: table.Row, shape: str) -> None:
    text = token(row, shape, 7)
    value = f"{row.near[0]} = '{text}'" if row.near else f"'{text}'"
    assert text.encode() in {secret for rule, secret in matcher.findings(value.encode()) if rule == row.id}


def test_a_longer_text_is_no_token(matcher: Matcher) -> None:
    """A token with a fixed length ends where a character follows that could not belong to it."""
    for row, shape in SHAPES:
        last = shapes.parse(shape)[-1]
        if isinstance(last, shapes.Run) and last.least == last.most and len(row.shapes) == 1 and not row.near:
            assert row.id not in {rule for rule, _ in matcher.findings(f"'{token(row, shape, 3)}0a'".encode())}, shape


def test_repeated_characters_are_no_token(matcher: Matcher) -> None:
    for row, shape in SHAPES:
        if not any(isinstance(part, shapes.Run) and part.least >= 8 for part in shapes.parse(shape)):
            continue
        text = shapes.example(shapes.parse(shape), lambda alphabet, least, _: alphabet[-1] * least)
        found = matcher.findings(f"{row.near[0] if row.near else 'x'} = '{text}'\n".encode())
        assert row.id not in {rule for rule, _ in found}, shape


def test_ids_are_stable_words_and_every_row_of_a_format_says_its_source() -> None:
    import tomllib

    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", row.id) for row in OWN)
    own = tomllib.loads(Path(table.__file__).with_name("own.toml").read_text("utf-8"))["token"]
    assert [row["id"] for row in own if not row.get("source")] == []


@pytest.mark.parametrize("shape", ["", "a{", "}", "{nothing:4}", "{alnum:0}", "{alnum:9-4}", "{alnum:x}b{"])
def test_a_malformed_shape_is_an_error(shape: str) -> None:
    with pytest.raises(ScannerError):
        shapes.parse(shape)


def test_an_unknown_part_is_an_error() -> None:
    with pytest.raises(ScannerError, match="nowhere"):
        table.expand("a<nowhere>b", {})
