"""What the sections of the page are made of: tables, badges, moments, links to tasks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from orch_gates.documents.escape import clip
from orch_gates.model.ids import moment
from orch_gates.report.html.markup import Child, Html, foreign, joined, tag, text

_COMMIT = 10
_LINE = 400
_UNITS = ((86_400, "d"), (3600, "h"), (60, "min"))
NONE = Html("-")

# The word itself is always shown: nobody has to see the colour.
_TONES = {
    "good": {"verified", "HEALTHY", "succeeded", "on time", "free"},
    "bad": {"held", "escalated", "degraded", "DEGRADED", "failed", "unknown", "dead", "frozen"},
    "busy": {"running", "watching", "deploying", "merging", "testing", "acquired", "caught-up", "validated"},
    "odd": {"deferred", "unobserved", "UNOBSERVED", "late", "never", "queued", "not known", "alert"},
}


@dataclass(frozen=True, slots=True)
class RenderContext:
    """What every section needs to know: the moment, and which tasks have a row to link to."""

    now: datetime
    tasks: frozenset[str]

    def task(self, name: str) -> Html:
        """A task's name, linked to its row."""
        if not name:
            return NONE
        return tag("a", name, href=f"#{anchor(name)}", class_="id") if name in self.tasks else foreign(name)


def anchor(task: str) -> str:
    """What the row of a task is linked by."""
    return f"task-{task}"


def badge(word: str) -> Html:
    """A word for how something stands."""
    tone = next((name for name, members in _TONES.items() if word in members), "plain")
    return tag("span", word, class_=f"badge {tone}")


def commit(oid: str) -> Html:
    """The begin of a commit's id, or of an image's digest; a dash for none."""
    if not oid:
        return NONE
    kind, found, rest = oid.rpartition(":")
    return tag("code", f"{kind}{found}{rest[:_COMMIT]}", title=oid)


def line(value: str) -> Html:
    """A foreign line, not longer than a person reads; a dash for none."""
    return foreign(clip(value, _LINE)) if value else NONE


def advice(value: str) -> Html:
    """What to do: what stands between backquotes is typed."""
    pieces = clip(value, _LINE).split("`")
    if len(pieces) % 2 == 0:
        return line(value)
    parts = (tag("code", piece) if number % 2 else text(piece) for number, piece in enumerate(pieces))
    return tag("bdi", *parts)


def table(label: str, heads: Sequence[str], rows: Iterable[Sequence[Child]], *, kind: str = "") -> Html:
    """A table; on a narrow screen each row is a card, whose lines are named by the heads."""
    body = joined(row(heads, cells) for cells in rows)
    return tag(
        "table",
        tag("caption", label, class_="quiet"),
        tag("thead", tag("tr", *(tag("th", head, scope="col") for head in heads))),
        tag("tbody", body),
        class_=kind or None,
    )


def row(heads: Sequence[str], cells: Sequence[Child], **attributes: str) -> Html:
    """A row of such a table; its first cell names it."""
    named = [tag("th", cells[0], scope="row", data_label=heads[0])]
    named += [
        tag("td", cell, data_label=head, class_="nothing" if cell == NONE else None)
        for head, cell in zip(heads[1:], cells[1:], strict=True)
    ]
    return tag("tr", *named, **attributes)


def section(name: str, title: str, *children: Child, note: str = "") -> Html:
    """A part of the page with its heading, to link to."""
    heading = tag("h2", title, id=f"{name}-title")
    under = [tag("p", note, class_="note")] if note else []
    return tag("section", heading, *under, *children, id=name, aria_labelledby=f"{name}-title")


def empty(message: str) -> Html:
    """Where there is nothing to show."""
    return tag("p", message, class_="empty")


def count(number: int, one: str, many: str = "") -> str:
    """A number with its noun."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def lines(*values: Child) -> Html:
    """Several values of one cell, each on a line of its own."""
    return joined(tag("div", value) for value in values)


def when(stamp: str | None, now: datetime) -> Html:
    """A moment of a document in UTC, and how old it was when the page was made; a dash for none."""
    if not stamp:
        return NONE
    shown = moment(stamp).strftime("%Y-%m-%d %H:%M")
    return joined((tag("time", shown, datetime=stamp), tag("span", age(stamp, now), class_="age")), " ")


def age(stamp: str, now: datetime) -> str:
    """How long ago a moment was, or in how long it will be, in the largest unit that it has at least two of."""
    seconds = int((now.astimezone(UTC) - moment(stamp)).total_seconds())
    short = span(abs(seconds))
    return f"in {short}" if seconds < 0 else f"{short} ago"


def span(seconds: int) -> str:
    """So many seconds in the largest unit that they have at least two of."""
    for size, unit in _UNITS:
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
