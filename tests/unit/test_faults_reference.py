"""The reference of faults says nothing that no test shows, and leaves none of the catalogue out."""

from __future__ import annotations

import re
from pathlib import Path

from scripts import faults_reference
from tests import faults

TESTS = Path(__file__).parents[1]
# The kinds of faults of merges that are told apart, by number.
CATALOGUE = range(1, 27)


def test_every_fault_names_tests_that_there_are() -> None:
    for fault in faults.every():
        assert fault.tests, fault.what
        for name in fault.tests:
            file, _, test = name.partition("::")
            text = (TESTS / file).read_text("utf-8")
            assert test == "*" or f"def {test}(" in text, name


def test_no_fault_of_a_merge_is_left_out() -> None:
    assert [int(fault.what.partition(".")[0]) for fault in faults.MERGES] == list(CATALOGUE)


def test_the_page_is_the_one_of_the_code() -> None:
    text = faults_reference.PAGE.read_text("utf-8")
    assert text == faults_reference.page(text)
    assert not re.search(r"<!-- generated: \w+ -->\n<!-- end", text)
