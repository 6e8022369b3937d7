"""What the reference says about rules is what the tables of rules say."""

from __future__ import annotations

import re
import tomllib

from orch_gates.scanners.rules import shapes
from scripts import rules_reference

TEXT = rules_reference.PAGE.read_text("utf-8")


def test_the_reference_is_generated_from_the_tables() -> None:
    """`python -m scripts.rules_reference` renews it."""
    assert rules_reference.page(TEXT) == TEXT


def test_the_example_of_a_row_is_one() -> None:
    """Whoever copies it has a rule."""
    [example] = re.findall(r"^```toml\n(.*?)^```$", TEXT, re.S | re.M)
    [row] = tomllib.loads(example)["token"]
    assert [shapes.parse(shape) for shape in row["shape"]]
    assert row["source"]
