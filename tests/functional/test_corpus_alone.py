"""Every carrier of the evasion corpus is caught or refused (SEC-2, SEC-3): those that need their own repository."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.builders import Template
from tests.corpus.carriers import ALONE, CARRIERS
from tests.corpus.cells import BROKEN, CAUGHT, NONE, PASSED, cells

REFUSED_WHOLE = {"shallow clone"}


@pytest.fixture(scope="module")
def gitleaks_template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    return Template(tmp_path_factory.mktemp("template"), "gitleaks").make()


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in CARRIERS if name in ALONE])
def test_no_carrier_passes(
    name: str,
    server_template: Template,
    tmp_path: Path,
    real: Callable[[str], Path],
    request: pytest.FixtureRequest,
) -> None:
    """Wherever a secret is hidden, the gate and the hook both find it; a shallow clone is refused."""
    answers = cells(server_template, name, tmp_path / "lab")
    if set(answers.values()) == {NONE}:
        real("gitleaks")
        answers = cells(request.getfixturevalue("gitleaks_template"), name, tmp_path / "other")
    assert set(answers.values()) != {NONE}
    assert not {PASSED, BROKEN} & set(answers.values()), answers
    if name not in REFUSED_WHOLE:
        assert set(answers.values()) <= {CAUGHT, NONE}, answers
