"""A Gitea or Forgejo server, ready for requests."""

from __future__ import annotations

from orch_gates.forge.gitea import errors
from orch_gates.forge.gitea.checks import GiteaReviews, GiteaStatuses
from orch_gates.forge.gitea.issues import GiteaIssues
from orch_gates.forge.gitea.labels import GiteaLabels
from orch_gates.forge.gitea.protection import GiteaProtections
from orch_gates.forge.gitea.pulls import GiteaPulls
from orch_gates.forge.gitea.server import GiteaServer
from orch_gates.forge.gitea.workflows import GiteaWorkflows
from orch_gates.forge.http import Api, Dialect, Observe, unobserved
from orch_gates.forge.port.forge import Forge

DIALECT = Dialect(scheme="token", headers={}, page="limit", page_size=50, trouble=errors.trouble)


def api(url: str, token: str, timeout: float, observe: Observe = unobserved, dialect: Dialect = DIALECT) -> Api:
    """The API of the server at `url`, the page that people open."""
    return Api(f"{url.rstrip('/')}/api/v1", token, timeout, dialect, observe)


def connect(
    url: str,
    repository: str,
    token: str,
    timeout: float,
    observe: Observe = unobserved,
    dialect: Dialect = DIALECT,
) -> Forge:
    """The repository `owner/name` on the server at `url`; no request is sent yet."""
    client = api(url, token, timeout, observe, dialect)
    # Forgejo has this beside the other one, and Gitea has not.
    own = Api(f"{url.rstrip('/')}/api/forgejo/v1", token, timeout, dialect, observe)
    return Forge(
        repository=repository,
        server=GiteaServer(client, own, repository),
        pulls=GiteaPulls(client, repository),
        statuses=GiteaStatuses(client, repository),
        reviews=GiteaReviews(client, repository),
        protections=GiteaProtections(client, repository),
        issues=GiteaIssues(client, repository),
        labels=GiteaLabels(client, repository),
        workflows=GiteaWorkflows(client, repository),
    )
