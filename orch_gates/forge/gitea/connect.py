"""The API of a Gitea or Forgejo server, ready to be asked."""

from __future__ import annotations

from orch_gates.forge.gitea import errors
from orch_gates.forge.http import Api, Dialect, Observe, unobserved

DIALECT = Dialect(scheme="token", headers={}, page="limit", page_size=50, trouble=errors.trouble)


def api(url: str, token: str, timeout: float, observe: Observe = unobserved) -> Api:
    """The API of the server at `url`, the page that people open."""
    return Api(f"{url.rstrip('/')}/api/v1", token, timeout, DIALECT, observe)
