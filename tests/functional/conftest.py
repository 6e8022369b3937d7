"""A server with the hook, made once, and a copy of it for each test."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.builders import Repo, Template


@pytest.fixture(scope="session")
def server_template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    return Template(tmp_path_factory.mktemp("template"), "kingfisher").make()


@pytest.fixture
def pair(server_template: Template, tmp_path: Path) -> tuple[Repo, Repo]:
    """A server and a clone of it that no other test uses."""
    return server_template.pair(tmp_path / "pair")
