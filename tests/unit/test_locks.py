"""What set-up installs is fixed to the byte, and comes from wherever the machine is told to look."""

import json
from pathlib import Path

import pytest

from scripts import house_rules

TOOLS = house_rules.ROOT / "tools"
NPM = [TOOLS / folder / "package-lock.json" for folder in ("axe", "openapi")]
LOCKS = [
    *house_rules.LOCKS,
    *(TOOLS / folder / name for folder in ("", "gitea") for name in ("go.mod", "go.sum")),
    *NPM,
]


@pytest.mark.parametrize("lock", house_rules.LOCKS, ids=lambda path: path.name)
def test_every_entry_has_a_hash(lock: Path) -> None:
    """An entry that any file could satisfy is no lock."""
    text = lock.read_text()
    assert text.count("==") > 20
    assert list(house_rules.unhashed(text)) == []


@pytest.mark.parametrize("lock", NPM, ids=lambda path: path.parent.name)
def test_every_npm_package_has_a_hash(lock: Path) -> None:
    packages = {name: one for name, one in json.loads(lock.read_text())["packages"].items() if name}
    assert packages
    assert [name for name, one in packages.items() if not one.get("integrity", "").startswith("sha512-")] == []


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_no_lock_names_a_registry(lock: Path) -> None:
    """A mirror can be used without touching the lock."""
    text = lock.read_text()
    assert list(house_rules.registry_hosts(text)) == []
    assert "://" not in text


def test_runtime_is_part_of_dev() -> None:
    """Tests run with the versions that a runner installs."""
    dev, runtime = ({line for line in lock.read_text().splitlines() if "==" in line} for lock in house_rules.LOCKS)
    assert runtime <= dev


@pytest.mark.parametrize("entry", ["click", "click==8.1", "click==8.1 \\\n    --hash=md5:00", "click>=8"])
def test_an_entry_without_hash_is_found(entry: str) -> None:
    """The rule itself can fail."""
    assert list(house_rules.unhashed(entry))


def test_an_expression_in_a_script_is_found() -> None:
    """Only a script is meant: expressions belong into env (OWN-1)."""
    step = "steps:\n  - env: {A: '${{ b }}'}\n    run: |\n      echo %s\n"
    assert list(house_rules.expressions_in_shell(step % '"$A"')) == []
    assert list(house_rules.expressions_in_shell(step % "${{ b }}")) != []


@pytest.mark.parametrize("cited", ["SPEC §4.2", "DESIGN §7", "faults.md T3", "(issue 5)"])
def test_a_comment_that_cites_what_nobody_can_open_is_found(cited: str) -> None:
    """A reader has the repository alone."""
    assert len(list(house_rules.unopenable(f"# Doubt is a refusal {cited}\n"))) == 1
    assert list(house_rules.unopenable("# Doubt is a refusal (P2), see docs/reference/faults.md\n")) == []
