"""What forges and registries are asked with: connections that are timed whole, and answers that are read in bounds."""

from __future__ import annotations

from typing import Any

import requests
from requests.adapters import HTTPAdapter

from orch_gates import clock
from orch_gates.wire import breakage, timed

UNUSABLE_URL = (
    requests.exceptions.InvalidURL,
    requests.exceptions.MissingSchema,
    requests.exceptions.InvalidSchema,
)


class _Adapter(HTTPAdapter):
    """What `requests` sends with; a proxy's connections are timed as the others are."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = timed.POOLS

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        made = super().proxy_manager_for(*args, **kwargs)
        made.pool_classes_by_scheme = timed.POOLS
        return made


class Session(requests.Session):
    """Follows nothing, so that what a redirect says is read as every other answer is: bounded."""

    def __init__(self) -> None:
        super().__init__()
        for scheme in ("http://", "https://"):
            self.mount(scheme, _Adapter())

    def get_redirect_target(self, _response: requests.Response) -> None:
        """None: `requests` reads all of the answer before it follows one."""


def body(response: requests.Response, give_up: float, most: int) -> bytes:
    """All of it; what comes is looked at as it comes, so that no trickle outlasts the time.

    Raises:
        TooLong: it has more than `most` bytes.
        TimeoutError: it is later than `give_up`, as the monotonic clock counts.
    """
    found = bytearray()
    while chunk := response.raw.read1(65536, decode_content=True):
        found += chunk
        if len(found) > most:
            raise breakage.TooLong(f"answered with more than {most} bytes")
        if clock.monotonic() > give_up:
            raise TimeoutError
    return bytes(found)
