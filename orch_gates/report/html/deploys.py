"""What runs where, and what was seen of it since."""

from __future__ import annotations

from orch_gates.model.environment import Deployed, Environment
from orch_gates.model.watch import Act, Watch
from orch_gates.report.html.markup import Html, foreign, joined, tag
from orch_gates.report.html.parts import NONE, RenderContext, badge, commit, empty, line, lines, section, table, when
from orch_gates.report.html.spark import sparks
from orch_gates.report.html.values import Dashboard

_HEADS = ("Environment", "Runs", "Image", "Since", "Details", "Verified last", "Now")
_BEFORE = ("Deploy", "Commit", "Task", "Since", "Details", "By")
_LEGEND = (
    "A low bar is a moment at which all was well, a high one shows errors, a dot that nothing was seen; each picture "
    "goes from the begin of the watch to its end."
)


def environments(board: Dashboard, page: RenderContext) -> Html:
    """What each runs, whether that was verified, and what it ran before."""
    if not board.environments:
        return section("environments", "Environments", empty("Nothing was ever deployed."))
    rows = (_environment(one, page) for one in board.environments)
    before = [_history(one, page) for one in board.environments if len(one.history) > 1]
    return section("environments", "Environments", table("What runs where", _HEADS, rows), *before)


def _environment(one: Environment, page: RenderContext) -> tuple[Html | str, ...]:
    current, verified = one.current, one.verified
    name = lines(tag("b", one.name), tag("span", f"generation {one.generation}", class_="age"))
    last = NONE if verified is None else lines(commit(verified.revision), when(verified.at, page.now))
    if current is None:
        return name, "nothing yet", NONE, NONE, NONE, last, _now(one, page)
    runs = lines(commit(current.revision), page.task(current.task))
    since = lines(when(current.at, page.now), foreign(f"by {current.by}"))
    return name, runs, commit(current.digest), since, _known(current), last, _now(one, page)


def _known(one: Deployed) -> Html:
    more = [f"rolls back {one.rollback_of}"] if one.rollback_of else []
    more += [f"only alerts: {one.alert_only}"] if one.alert_only else []
    return lines(badge(one.standing.value), *(tag("span", line(detail), class_="age") for detail in more))


def _now(one: Environment, page: RenderContext) -> Html:
    if one.running is not None:
        deploy = joined((page.task(one.running.task), " at ", commit(one.running.revision)))
        return lines(badge("deploying"), deploy, joined(("until ", when(one.running.until, page.now))))
    return lines(badge("unknown"), line(one.unknown)) if one.unknown else Html("settled")


def _history(one: Environment, page: RenderContext) -> Html:
    rows = (
        (
            tag("code", old.deploy),
            commit(old.revision),
            page.task(old.task),
            when(old.at, page.now),
            badge(old.standing.value),
            line(old.by),
        )
        for old in one.history
    )
    shown = table(f"What {one.name} ran", _BEFORE, rows)
    return tag("details", tag("summary", f"What {one.name} ran before"), shown)


def watches(board: Dashboard, page: RenderContext) -> Html:
    """What was seen of each deploy after it."""
    if not board.watches:
        return section("watches", "Watches", empty("No deploy was watched yet."))
    shown = [_watch(one, page) for one in board.watches]
    return section("watches", "Watches", tag("div", *shown, class_="cards"), note=_LEGEND)


def _watch(one: Watch, page: RenderContext) -> Html:
    head = (foreign(one.environment), " ", page.task(one.task), " ", commit(one.revision))
    state = badge(one.verdict.value or one.state.value)
    armed = joined(("since ", when(one.armed, page.now), ", until ", when(one.deadline, page.now)))
    seen = sparks(one)
    parts = [tag("h3", *head, " ", state), tag("p", armed, class_="since")]
    parts += [tag("p", line(one.reason))] if one.reason else []
    if one.reaction.what is not Act.NONE:
        parts.append(tag("p", f"reaction: {one.reaction.what.value} ", line(one.reaction.why)))
    parts.append(tag("ul", *seen, class_="sparks") if seen else empty("Nothing was seen yet."))
    return tag("article", *parts)
