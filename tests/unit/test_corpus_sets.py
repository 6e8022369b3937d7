"""The sets that recall is measured on: right by themselves, and the page is about these."""

from __future__ import annotations

import base64
import zlib
from random import Random

import pytest

from tests.corpus.formats import FORMATS, seen
from tests.corpus.judged import Answers
from tests.corpus.labelled import FALSE, TRUE
from tests.corpus.recall import PAGE, sets_digest, tables
from tests.corpus.samples import Sample
from tests.corpus.text_carriers import ENCODED, TEXT
from tests.corpus.values import ALNUM, based, bech32
from tests.corpus.whole_files import FILES


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_is_made_anew(name: str) -> None:
    """No value is ever the same, and none has a blank that would end it."""
    made = {FORMATS[name](Random(seed)) for seed in range(5)}
    assert len(made) == 5
    assert not any(char.isspace() for value in made for char in value)


def test_checksums_are_right() -> None:
    """A format with a checksum is as its provider would have made it."""
    token = FORMATS["github-pat"](Random(1))
    assert token[-6:] == based(zlib.crc32(token[4:-6].encode()), ALNUM, 6)
    grafana = FORMATS["grafana-service"](Random(1))
    assert bytes.fromhex(grafana[-8:])[::-1].hex() == f"{zlib.crc32(grafana[:-9].encode()):08x}"
    # The first valid string of BIP 173.
    assert bech32("a", b"") == "a12uel5l"


def test_carriers_hold_the_token() -> None:
    """What stands in a carrier can be read back out of it."""
    for carrier in TEXT.values():
        assert b"a-token" in carrier.content("a-token")
    assert "a-token".encode("utf-16-le") in ENCODED["UTF-16"].content("a-token")
    assert base64.b64encode(b"a-token") in ENCODED["base64 alone"].content("a-token")


def test_both_halves_are_of_some_size() -> None:
    """A hash decides which half a name is in; neither half is a remainder."""
    for names in (FORMATS, FILES):
        assert 0.35 < sum(map(seen, names)) / len(names) < 0.65


def test_kinds_are_weighed_in_per_cent() -> None:
    """The parts of the labelled set make a whole."""
    for kinds in (TRUE, FALSE):
        assert sum(weight for weight, _ in kinds.values()) == 100


def test_the_page_is_about_these_sets() -> None:
    """When a set changes, `python -m tests.corpus recall --write` measures it anew."""
    assert f"sets {sets_digest()}" in PAGE.read_text("utf-8")


def test_a_table_counts_what_was_found() -> None:
    """Per cent of the samples in whose files a program found something; unseen ones only in the sum."""
    samples = [
        Sample("text carriers", "one", "plain", True, "a", b""),
        Sample("text carriers", "two", "plain", False, "b", b""),
        Sample("whole files", "three", "", True, "c", b""),
    ]
    made = tables(samples, Answers({"ours": frozenset("ac"), "theirs": frozenset("b")}, "an engine"))
    assert "| text carriers, both | 2 | 50 % | 50 % |" in made["summary"]
    assert "| one | 1 | 100 % | 0 % |" in made["by format"]
    assert "two" not in made["by format"]
