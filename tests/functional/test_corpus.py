"""Every carrier of the evasion corpus is caught or refused (SEC-2, SEC-3): those that share a repository."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tests.builders import Template
from tests.corpus.carriers import ALONE, CARRIERS
from tests.corpus.cells import CAUGHT, ENTRIES
from tests.corpus.shared import shared_cells

SHARED = [name for name in CARRIERS if name not in ALONE]


@pytest.fixture(scope="module")
def answers(server_template: Template, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Mapping[str, str]]:
    return shared_cells(server_template, SHARED, tmp_path_factory.mktemp("shared"))


@pytest.mark.slow
@pytest.mark.parametrize("name", SHARED)
def test_no_carrier_passes(name: str, answers: Mapping[str, Mapping[str, str]]) -> None:
    """Wherever a secret is hidden, the gate names its commit and the hook counts it."""
    assert answers[name] == dict.fromkeys(ENTRIES, CAUGHT)
