"""The API of github.com or an Enterprise Server, ready to be asked."""

from __future__ import annotations

from urllib.parse import quote, urlsplit, urlunsplit

from orch_gates.forge.github import errors
from orch_gates.forge.github.checks import GithubReviews, GithubStatuses
from orch_gates.forge.github.issues import GithubIssues
from orch_gates.forge.github.labels import GithubLabels
from orch_gates.forge.github.protection import GithubProtections
from orch_gates.forge.github.pulls import GithubPulls
from orch_gates.forge.github.server import GithubServer
from orch_gates.forge.github.workflows import GithubWorkflows
from orch_gates.forge.http import Api, Dialect, Observe, unobserved
from orch_gates.forge.port.forge import Forge

DIALECT = Dialect(
    scheme="Bearer",
    headers={"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"},
    page="per_page",
    page_size=100,
    trouble=errors.trouble,
    short_page_ends=True,
)
_HOSTED = "github.com"
_RESIDENT = ".ghe.com"


def api_url(url: str) -> str:
    """Where the API of the GitHub at `url` is, the page that people open; an API's own url is that already."""
    parts = urlsplit(url.rstrip("/"))
    host = parts.netloc.lower()
    if host in {_HOSTED, f"www.{_HOSTED}"}:
        return f"https://api.{_HOSTED}"
    if host == f"api.{_HOSTED}" or (host.startswith("api.") and host.endswith(_RESIDENT)):
        return f"https://{host}"
    if host.endswith(_RESIDENT):
        return f"https://api.{host}"
    path = parts.path if parts.path.endswith("/api/v3") else f"{parts.path}/api/v3"
    return urlunsplit((parts.scheme, parts.netloc, path, "", ""))


def connect(
    url: str, repository: str, token: str, timeout: float, observe: Observe = unobserved, *, api: str = ""
) -> Forge:
    """The repository `owner/name` of the GitHub at `url`, the page that people open.

    `api` names its API where that is known (a runner tells it: GITHUB_API_URL), else it follows from `url`.
    """
    return ported(Api(api or api_url(url), token, timeout, DIALECT, observe), repository)


def ported(api: Api, repository: str) -> Forge:
    """All ports of a repository, over one connection."""
    owner, _, name = repository.partition("/")
    path = f"/repos/{quote(owner, safe='')}/{quote(name, safe='')}"
    pulls = GithubPulls(api, path, owner)
    return Forge(
        repository=repository,
        server=GithubServer(api, path),
        pulls=pulls,
        statuses=GithubStatuses(api, path),
        reviews=GithubReviews(api, path, pulls),
        protections=GithubProtections(api, path, owner),
        issues=GithubIssues(api, path),
        labels=GithubLabels(api, path),
        workflows=GithubWorkflows(api, path),
    )
