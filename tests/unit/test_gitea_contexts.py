"""Required contexts as the server reads them: patterns; tests/e2e/test_forge_gitea.py has the server read them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orch_gates.forge.gitea.protection import escaped, unescaped


@given(st.text(max_size=40))
def test_an_escaped_context_means_itself(text: str) -> None:
    assert unescaped(escaped(text)) == text


@pytest.mark.parametrize("special", "*?[]{}\\")
def test_what_makes_a_pattern_is_escaped(special: str) -> None:
    assert escaped(f"a{special}b") == f"a\\{special}b"


def test_a_plain_context_stays() -> None:
    assert escaped("orch/security/main") == "orch/security/main"
