"""Gitea's own registry of images: bearer tokens, an owner whom nobody sees, and indexes that are forgotten (IMG-1)."""

from __future__ import annotations

import secrets
from base64 import b64encode

import pytest

from orch_gates.model.verdict import Outcome
from tests import image_rig as rig
from tests.builders import Repo
from tests.contract.image_suite import ImageSuite, Place, code
from tests.e2e.api import Api
from tests.e2e.gitea import Gitea
from tests.image_rig import Client

__all__ = ["code"]

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


@pytest.fixture(scope="module")
def client(gitea: Gitea) -> Client:
    """A person whose packages only people of the server may see, with a token for packages alone."""
    password = secrets.token_urlsafe(24)
    account = {"username": "deployer", "password": password, "email": "deployer@example.invalid"}
    gitea.admin.api.post("/admin/users", {**account, "must_change_password": False, "visibility": "private"}).ok()
    basic = Api(gitea.url, f"Basic {b64encode(f'deployer:{password}'.encode()).decode()}")
    made = basic.post("/users/deployer/tokens", {"name": "images", "scopes": ["write:package"]}).ok()
    return Client(gitea.url.partition("://")[2], "deployer", str(made["sha1"]))


@pytest.fixture
def place(client: Client, code: Repo) -> Place:
    return Place(Client(client.host, client.user, client.secret), code, "deployer")


class TestGitea(ImageSuite):
    """Bearer authentication, with a token for this repository alone."""

    forgets = True

    def test_packages_of_a_public_owner_need_no_login(self, place: Place, gitea: Gitea) -> None:
        """An anonymous token is had like any other."""
        token = gitea.token(gitea.alice, ["write:package"])
        shared = Place(Client(place.client.host, "alice", token), place.work, "alice")
        digest = shared.push(rig.image({rig.REVISION: place.commit}), "staging")
        shared.client = Client(place.client.host)
        found = shared.judged(":staging", tested=digest)
        assert found.outcome is Outcome.PASS, found.reason
        assert [call.status for call in shared.calls] == [401, 200, 200, 200]
