"""Every carrier of the evasion corpus, by every engine, is caught or refused (SEC-2, SEC-3)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.builders import ENGINES, Template
from tests.corpus.carriers import CARRIERS
from tests.corpus.cells import BROKEN, CAUGHT, PASSED, cells

REFUSED_WHOLE = {"shallow clone"}


@pytest.fixture(scope="module")
def templates(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Template]:
    return {engine: Template(tmp_path_factory.mktemp(engine), engine) for engine in ENGINES}


@pytest.mark.slow
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", CARRIERS)
def test_no_carrier_passes(
    name: str, engine: str, templates: dict[str, Template], real: Callable[[str], Path], tmp_path: Path
) -> None:
    """Wherever a secret is hidden, the gate and the hook both find it; a shallow clone is refused."""
    real(engine)
    if not (templates[engine].folder / "work").exists():
        templates[engine].make()
    answers = cells(templates[engine], name, tmp_path / "lab")
    assert not {PASSED, BROKEN} & set(answers.values()), answers
    if name not in REFUSED_WHOLE:
        assert set(answers.values()) <= {CAUGHT, "-"}, answers
