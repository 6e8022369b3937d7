"""The list of the sandbox's failures: what is read, what is refused, and patterns that stay quick (STG-1, T24)."""

from __future__ import annotations

import time
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orch_gates.errors import ExceptionListError
from orch_gates.gates.staging import pattern
from orch_gates.gates.staging.infra_file import decode

ENTRY = {
    "id": "db-down",
    "check": "db::*",
    "signature": "connection refused",
    "owner": "ops",
    "reason": "the sandbox has no database",
    "expires": "2027-01-31",
    "uses": "5",
}


def text(*, schema: str = "orch.staging-infra/1", more: str = "", drop: str = "", **changes: str) -> str:
    fields = {**ENTRY, **changes}
    lines = [
        f"    {name}: {value}" if name == "uses" else f'    {name}: "{value}"'
        for name, value in fields.items()
        if name != drop
    ]
    lines[0] = lines[0].replace("    ", "  - ", 1)
    return f'---\nschema: "{schema}"\n{more}entries:\n' + "\n".join(lines) + "\n---\n\n# Why\n"


def test_a_list_is_read() -> None:
    """By hand, as Markdown; a date may stand without quotes."""
    found = decode(text())
    (entry,) = found.entries
    assert (entry.id, entry.check, entry.uses, entry.expires) == ("db-down", "db::*", 5, date(2027, 1, 31))
    assert found.exit_codes == (1,)
    assert decode(text().replace('"2027-01-31"', "2027-01-31")) == found
    assert decode(text(more="exit_codes: [1, 8]\n")).exit_codes == (1, 8)


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (text(schema="orch.staging-infra/2"), "schema is not"),
        (text(drop="owner"), "must have exactly"),
        (text(drop="signature"), "must have exactly"),
        (text(extra="x"), "must have exactly"),
        (text(owner=" "), "owner must be a text"),
        (text(check="*"), "check must have at least 3"),
        (text(check="**a*"), "check must have at least 3"),
        (text(signature="* error *"), "signature must have at least 8"),
        (text(expires="soon"), "expires must be a date"),
        (text(uses="0"), "uses must be a whole number"),
        (text(uses="true"), "uses must be a whole number"),
        (text(uses='"5"'), "uses must be a whole number"),
        (text(id="DB down"), "id must be 1 to 40 small letters"),
        (text(more="exit_codes: [0]\n"), "exit_codes"),
        (text(more="exit_codes: [137]\n"), "exit_codes"),
        (text(more="exit_codes: []\n"), "exit_codes"),
        (text(more="waive_all: true\n"), "no such field"),
        ("# nothing\n", "line 1"),
    ],
)
def test_a_list_that_is_wide_or_wrong_is_refused_whole(made: str, message: str) -> None:
    """Each entry names owner, reason, end and budget, and is narrow."""
    with pytest.raises(ExceptionListError, match=message):
        decode(made)


def test_an_id_stands_once() -> None:
    """Its uses are counted by it."""
    one = text()
    twice = one.replace("\n---\n\n#", "\n" + one.split("entries:\n")[1].split("\n---")[0] + "\n---\n\n#")
    with pytest.raises(ExceptionListError, match="same id"):
        decode(twice)


@given(st.text("ab*", max_size=8), st.text("ab", max_size=8))
def test_a_pattern_fits_as_a_regular_expression_would(spelled: str, given_text: str) -> None:
    """`*` is anything, all else itself; a signature may stand anywhere."""
    import re

    regex = ".*".join(map(re.escape, spelled.split("*")))
    assert pattern.fits(spelled, given_text) == bool(re.fullmatch(regex, given_text))
    assert pattern.occurs(spelled, given_text) == bool(re.search(regex, given_text))


def test_a_signature_stands_in_one_line() -> None:
    """A word of the source that is shown and one of an answer are not together what a sandbox says (STG-1)."""
    signature = "ConnectionRefusedError: * Connection refused"
    assert pattern.occurs(signature, "E   ConnectionRefusedError: db:5432: Connection refused\nmore")
    assert not pattern.occurs(
        signature, "# ConnectionRefusedError: said before\nassert 500 == 200\n Connection refused"
    )


def test_both_ends_of_a_pattern_have_their_own_letters() -> None:
    """The end of a name is not taken for its beginning as well."""
    assert pattern.fits("ab*ba", "abba")
    assert not pattern.fits("ab*ba", "aba")


def test_a_pattern_is_quick_on_hostile_text() -> None:
    """Where a regular expression would take for ever."""
    begin = time.monotonic()
    assert not pattern.occurs("*a" * 200 + "b", "a" * 100_000)
    assert time.monotonic() - begin < 1
