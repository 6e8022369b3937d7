"""The work items of a Plane project as a tracker (TRK-1): an item has one state, so one word stands on it at most."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

from orch_gates.errors import ForgeRefused, ForgeUnavailable, ForgeUnclear, SettingsError
from orch_gates.forge import fields
from orch_gates.forge.fields import Row
from orch_gates.forge.http import Observe, unobserved
from orch_gates.model.effect import TrackerState
from orch_gates.trackers.names import names_of
from orch_gates.trackers.plane import comment as comments
from orch_gates.trackers.plane import states
from orch_gates.trackers.plane.api import PlaneApi
from orch_gates.trackers.plane.comment import SOURCE, TaskComment
from orch_gates.trackers.plane.states import States
from orch_gates.trackers.port import Item
from orch_gates.variables.services import TrackerSettings

_LONGEST_WORDS = 200
_FIELDS = "id,name,state,sequence_id,archived_at"
_SHORT_ID = 8
_T = TypeVar("_T")


# Not slotted: who we are, and which states there are, is asked once.
@dataclass(frozen=True)
class PlaneTracker:
    """`Tracker` by the states of work items; `url` is the page of the workspace."""

    api: PlaneApi
    names: Mapping[TrackerState, str]
    url: str

    def items(self) -> tuple[Item, ...]:
        """All work items are read, as Plane ignores filters by state without a word."""
        known = self._states
        found = [self._item(row, known) for row in self.api.rows("work-items/", fields=_FIELDS)]
        return tuple(sorted((item for item in found if item.open and item.words), key=lambda item: item.number))

    def item(self, number: int) -> Item:
        """One work item."""
        return self._item(self._row(number), self._states)

    def who(self, number: int, word: TrackerState) -> str:
        """Whoever last set the state; Plane writes that down a little later than it sets it."""
        row = self._row(number)
        if self._states.word(fields.optional_text(row, "state")) is not word:
            return ""
        changes = [one for one in self.api.rows(f"{_path(row)}activities/") if one.get("field") == "state"]
        if changes:
            last = max(changes, key=lambda one: fields.text(one, "created_at"))
            set_last = fields.optional_text(last, "new_identifier") == row["state"]
            return self._members.get(fields.optional_text(last, "actor"), "") if set_last else ""
        # Nothing changed since it was made, with this state.
        made_so = row.get("updated_by") is None
        return self._members.get(fields.optional_text(row, "created_by"), "") if made_so else ""

    def last_words(self, number: int, login: str) -> str:
        """The beginning of the newest comment of somebody, ours apart."""
        by = {member for member, name in self._members.items() if login and name == login}
        theirs = [one for one in self._comments(self._row(number)) if one.get("actor") in by and not self._is_ours(one)]
        if not theirs:
            return ""
        text = " ".join(comments.lines_of(fields.text(theirs[-1], "comment_html")))
        return comments.line(text)[:_LONGEST_WORDS]

    def clear(self, number: int, word: TrackerState) -> None:
        """Leave the state, where the item is still in it."""
        self._clear(self._row(number), frozenset({word}), "")

    def show(self, number: int, label: str, text: str, *, generation: int, clears: Sequence[TrackerState] = ()) -> bool:
        """The state first, then the comment, as that alone says which generation was shown."""
        row = self._row(number)
        comment = self._comment(row)
        there = _read_comment(comment)
        if there.generation > generation:
            return False
        self._clear(row, frozenset(clears), label)
        standing = comments.line(text)
        if (there.generation, there.standing) != (generation, standing):
            self._write(row, comment, TaskComment(generation, standing))
        return True

    def say(self, number: int, text: str) -> None:
        """Below what the comment says."""
        row = self._row(number)
        comment = self._comment(row)
        there = _read_comment(comment)
        self._write(row, comment, TaskComment(there.generation, there.standing, comments.line(text)))

    def _clear(self, row: Row, cleared: frozenset[TrackerState], label: str) -> None:
        if self._states.word(fields.optional_text(row, "state")) not in cleared:
            return
        wanted = self._states.after(cleared, label)
        try:
            found = self.api.write("PATCH", _path(row), {"state": wanted})
        except ForgeUnclear as unclear:
            found = _looked(lambda: self.api.get(self.api.at(_path(row))), unclear)
            if found.get("state") != wanted:
                raise
        if found.get("state") != wanted:
            raise ForgeUnclear("Plane answered that the state is set, but shows another one")

    def _write(self, row: Row, there: Row | None, wanted: TaskComment) -> None:
        path = f"{_path(row)}comments/"
        if there is None:
            try:
                # Plane keeps one comment of a name, so that none is made twice.
                name = {"external_source": SOURCE, "external_id": fields.text(row, "id")}
                self.api.write("POST", path, {"comment_html": wanted.html, **name})
                return
            except (ForgeRefused, ForgeUnclear) as unclear:
                there = _looked(lambda: self._comment(row), unclear)
                if there is None:
                    raise
        if _read_comment(there) != wanted:
            try:
                self.api.write("PATCH", f"{path}{fields.text(there, 'id')}/", {"comment_html": wanted.html})
            except ForgeUnclear as unclear:
                if _read_comment(_looked(lambda: self._comment(row), unclear)) != wanted:
                    raise

    def _comments(self, row: Row) -> list[Row]:
        found = self.api.rows(f"{_path(row)}comments/")
        return sorted(found, key=lambda one: fields.text(one, "created_at"))

    def _comment(self, row: Row) -> Row | None:
        return next((one for one in self._comments(row) if self._is_ours(one)), None)

    def _is_ours(self, comment: Row) -> bool:
        return comment.get("external_source") == SOURCE and comment.get("actor") == self._us

    def _row(self, number: int) -> Row:
        """An item by its key, which counts within the workspace."""
        found = self.api.get(f"{self.api.workspace}work-items/{self._identifier}-{number}/")
        if found.get("project") != self.api.project or fields.number(found, "sequence_id") != number:
            raise ForgeUnavailable(
                f"Plane returned another work item than {self._identifier}-{number}; run the command again"
            )
        return found

    def _item(self, row: Row, known: States) -> Item:
        number, state = fields.number(row, "sequence_id"), fields.optional_text(row, "state")
        word = known.word(state)
        is_open = not row.get("archived_at") and not known.is_over(state)
        url = f"{self.url}/browse/{self._identifier}-{number}/"
        return Item(number, fields.text(row, "name"), url, is_open, frozenset() if word is None else frozenset({word}))

    @cached_property
    def _states(self) -> States:
        found = states.read(self.api, self.names)
        if missing := [self.names[word] for word in found.missing]:
            # Who was stopped by a state that was renamed would not be stopped any more.
            raise ForgeRefused(
                f"the Plane project has no state {', '.join(map(repr, missing))}; `orch-gates tracker states --create` "
                "makes it, ORCH_TRACKER_… names another one"
            )
        return found

    @cached_property
    def _identifier(self) -> str:
        return fields.text(self.api.get(self.api.at("")), "identifier")

    @cached_property
    def _us(self) -> str:
        return fields.text(self.api.get("/users/me/"), "id")

    @cached_property
    def _members(self) -> Mapping[str, str]:
        """The names of the members by their ids; two of one name are told apart."""
        found = [(fields.text(row, "id"), fields.text(row, "display_name")) for row in self.api.unpaged("members/")]
        names = [name for _, name in found]
        return {id: name if names.count(name) == 1 else f"{name} ({id[:_SHORT_ID]})" for id, name in found}


def connect(settings: TrackerSettings, observe: Observe = unobserved, *, page: int = 0) -> PlaneTracker:
    """The project that is set; nothing is asked yet.

    Raises:
        SettingsError: as `names_of`, or its URL is not set, or there is no token.
    """
    needed = {
        "ORCH_TRACKER_URL (tracker.url)": settings.url,
        "ORCH_TRACKER_WORKSPACE (tracker.workspace)": settings.workspace,
        "ORCH_TRACKER_PROJECT (tracker.project)": settings.project,
        "ORCH_TRACKER_TOKEN": settings.token,
    }
    if missing := [name for name, value in needed.items() if not value]:
        raise SettingsError(f"the tracker is Plane, but {', '.join(missing)} is not set")
    url = settings.url.rstrip("/")
    api = PlaneApi(url, settings.workspace, settings.project, settings.token, settings.timeout, observe, page)
    return PlaneTracker(api, names_of(settings), f"{url}/{settings.workspace}")


def _path(row: Row) -> str:
    return f"work-items/{fields.text(row, 'id')}/"


def _looked(look: Callable[[], _T], unclear: ForgeUnavailable) -> _T:
    """What there is after a change of which no good answer came; where that cannot be told either, that answer stands.

    Raises:
        ForgeUnavailable: the same.
    """
    try:
        return look()
    except ForgeUnavailable as error:
        raise unclear from error


def _read_comment(comment: Row | None) -> TaskComment:
    return TaskComment() if comment is None else comments.read(fields.text(comment, "comment_html"))
