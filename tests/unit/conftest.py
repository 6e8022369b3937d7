"""What is dear to make and the same for several files."""

from __future__ import annotations

import pytest

from tests.rules_rig import Matcher


@pytest.fixture(scope="session")
def matcher(tmp_path_factory: pytest.TempPathFactory) -> Matcher:
    """The engine with our own rows, compiled once for each process of the tests."""
    return Matcher(tmp_path_factory.mktemp("rules"))
