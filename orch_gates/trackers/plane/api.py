"""Requests to Plane's API, version 1: lists that are read until they stand still, and no request beyond its limit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

from orch_gates import clock
from orch_gates.errors import ForgeUnavailable
from orch_gates.forge import fields
from orch_gates.forge.answer import ForgeResponse, Trouble
from orch_gates.forge.fields import Row
from orch_gates.forge.http import Api, Dialect, Observe, unobserved
from orch_gates.trackers.plane import errors

_MOST_PAGES = 200
_MOST_READINGS = 5
_T = TypeVar("_T")


class _Changed(ForgeUnavailable):
    """A list was not the same all the time that it was read."""


class PlaneApi:
    """One project, for one thread.

    A path is one below the project; each has to end with a slash, as Plane redirects all others. `page` is how many
    rows a page has, 0 for as many as the server likes to give.
    """

    def __init__(
        self,
        url: str,
        workspace: str,
        project: str,
        token: str,
        timeout: float,
        observe: Observe = unobserved,
        page: int = 0,
    ) -> None:
        self.project = project
        self.workspace = f"/workspaces/{workspace}/"
        self._page = page
        self._open_again = 0.0
        dialect = Dialect("", {}, "per_page", page, self._trouble, header="X-API-Key")
        self._api = Api(f"{url.rstrip('/')}/api/v1", token, timeout, dialect, observe)

    def at(self, path: str) -> str:
        """The whole path of one below the project."""
        return f"{self.workspace}projects/{self.project}/{path}"

    def get(self, path: str) -> Row:
        """The document at a whole path.

        Raises:
            ForgeRefused: Plane says no.
            ForgeUnavailable: it does not answer, or takes no more requests for now.
        """
        return self._send(lambda: fields.document(self._api.get(path)))

    def unpaged(self, path: str) -> list[Row]:
        """The rows of a list without pages.

        Raises:
            ForgeRefused, ForgeUnavailable: as `get`.
        """
        found = self._send(lambda: self._api.get(self.at(path)))
        return list(fields.parts({"list": found}, "list"))

    def rows(self, path: str, **query: str | int) -> list[Row]:
        """Every row of a list, all pages of it.

        The cursor is an offset: where a row comes or goes, all others move. So what has several pages is read until
        it is the same twice.

        Raises:
            ForgeRefused, ForgeUnavailable: as `get`, or it changed with each reading.
        """
        before: list[str] | None = None
        for _ in range(_MOST_READINGS):
            try:
                pages = list(self._pages(path, query))
            except _Changed:
                continue
            found = [row for page in pages for row in page]
            ids = [fields.text(row, "id") for row in found]
            if len(pages) == 1 or (ids == before and len({*ids}) == len(ids)):
                return found
            before = ids
        raise ForgeUnavailable(f"{self._api.at(path)} changed during each read; run the command again")

    def write(self, method: str, path: str, document: Row) -> Row:
        """Have something done, once; the document in the answer.

        Raises:
            ForgeRefused: Plane says no.
            ForgeUnclear: it may have been done, as Plane answers 500 also after it was.
            ForgeUnavailable: it was not done.
        """
        return self._send(lambda: fields.written(dict, self._api.write(method, self.at(path), document)))

    def _pages(self, path: str, query: dict[str, str | int]) -> Iterator[list[Row]]:
        params = {**query, **({"per_page": self._page} if self._page else {})}
        cursors: set[str] = set()
        total = count = 0
        for page in range(_MOST_PAGES):
            found = self._send(lambda: fields.document(self._api.get(self.at(path), **params)))
            rows = list(fields.parts(found, "results"))
            claimed = fields.number(found, "total_count")
            if page and claimed != total:
                raise _Changed(path)
            total, count = claimed, count + len(rows)
            yield rows
            if not fields.flag(found, "next_page_results"):
                if count != total:
                    raise _Changed(path)
                return
            cursor = fields.text(found, "next_cursor")
            if cursor in cursors:
                raise ForgeUnavailable(f"{self._api.at(path)} gives the same page again and again")
            cursors.add(cursor)
            params["cursor"] = cursor
        raise ForgeUnavailable(f"{self._api.at(path)} has more than {_MOST_PAGES} pages")

    def _send(self, ask: Callable[[], _T]) -> _T:
        left = self._open_again - clock.monotonic()
        if left > 0:
            raise ForgeUnavailable(
                f"{self._api.at('')} takes no more requests for {left:.0f} s; the next run asks again"
            )
        return ask()

    def _trouble(self, answer: ForgeResponse) -> Trouble:
        if answer.status == errors.LIMITED:
            self._open_again = clock.monotonic() + errors.limit(answer)
        return errors.trouble(answer)
