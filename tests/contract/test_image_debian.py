"""Debian's registry, `docker-registry`, with a user and a password."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests import image_rig
from tests.builders import Repo
from tests.contract.image_suite import ImageSuite, Place, code
from tests.image_rig import Client

__all__ = ["code"]


@pytest.fixture(scope="module")
def client(real: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with image_rig.debian(real("docker-registry"), tmp_path_factory.mktemp("registry") / "made") as running:
        yield running


@pytest.fixture
def place(client: Client, code: Repo) -> Place:
    return Place(Client(client.host, client.user, client.secret), code, "acme")


class TestDebian(ImageSuite):
    """Basic authentication."""
