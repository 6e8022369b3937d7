"""The rule file is derived, the same on every machine, and refused where the wheel is another."""

import json
from pathlib import Path

import pytest

from orch_gates.errors import ScannerError
from orch_gates.scanners.rules import derive, meta, pin, table
from orch_gates.scanners.rules.table import RuleRow


@pytest.fixture(scope="module")
def derived() -> derive.Derived:
    return derive.derive()


def test_the_committed_digest_is_that_of_the_derived_rules(derived: derive.Derived) -> None:
    """SEC-10: `python scripts/derive_rules.py` after a change of the table."""
    assert pin.digest(derived.rules, derived.meta) == pin.DIGEST


def test_the_digest_covers_both_documents(derived: derive.Derived) -> None:
    digests = {
        pin.digest(derived.rules, derived.meta),
        pin.digest(derived.rules, derived.meta + b" "),
        pin.digest(derived.rules + b" ", derived.meta),
    }
    assert len(digests) == 3


def test_rows_of_one_id_are_told_apart_and_keep_it() -> None:
    rows = [RuleRow("a-key", "One", "format", "aaa[0-9]{8}"), RuleRow("a-key", "Two", "generic", "bbb[0-9]{8}")]
    derived = derive.render(rows)
    assert [rule["id"] for rule in json.loads(derived.rules)["rules"]] == ["a-key", "a-key.2"]
    rules = meta.load(derived.meta)
    assert (rules["a-key.2"].id, rules["a-key.2"].generic, rules["a-key"].generic) == ("a-key", True, False)


def test_every_rule_of_the_engine_is_described_and_none_has_a_pattern_twice(derived: derive.Derived) -> None:
    rules = json.loads(derived.rules)["rules"]
    told = meta.load(derived.meta)
    assert {rule["id"] for rule in rules} | {"pkcs12-file"} == set(told)
    patterns = [rule["pattern"] for rule in rules]
    assert len(set(patterns)) == len(patterns)
    assert all(rule.description for rule in told.values())


def test_helpers_are_invisible_and_nothing_else_is(derived: derive.Derived) -> None:
    told = meta.load(derived.meta)
    for rule in json.loads(derived.rules)["rules"]:
        assert told[rule["id"]].helper == (rule.get("visible") is False)


def test_no_rule_is_bound_to_a_path(derived: derive.Derived) -> None:
    assert not any(rule.paths for rule in meta.load(derived.meta).values())


def test_no_pattern_of_the_catalogue_is_kept_here(derived: derive.Derived) -> None:
    """They come out of the wheel; only ours are written down."""
    own = {row.pattern for row in table.rows()}
    taken = [rule["pattern"] for rule in json.loads(derived.rules)["rules"] if rule["pattern"] not in own]
    texts = [file.read_text("utf-8") for file in Path(derive.__file__).parent.iterdir() if file.is_file()]
    assert taken
    assert not [pattern for pattern in taken for text in texts if pattern in text]


def test_another_wheel_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "kingfisher_secret_scanner-0.0.1.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: kingfisher-secret-scanner\nVersion: 0.0.1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ScannerError, match=r"0\.0\.1"):
        derive.build()
