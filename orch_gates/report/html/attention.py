"""What needs a person, from everywhere, with since when and what to do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from orch_gates.report.html.markup import Child, Html, foreign, joined, tag
from orch_gates.report.html.parts import RenderContext, advice, badge, count, empty, section, when
from orch_gates.report.html.values import Dashboard

# A page that names more is read by nobody.
_MOST = 100


@dataclass(frozen=True, slots=True)
class AttentionItem:
    """One thing that a person has to look at; `since` is empty where that is not known."""

    what: Html
    state: str
    since: str
    reason: str
    way_on: str = ""


def wanted(board: Dashboard, page: RenderContext) -> list[AttentionItem]:
    """All of it: what stops others first, then tasks, those that wait longest first."""
    found = [*_environments(board), *_leases(board, page), *_alerts(board), *_unread(board)]
    return found + sorted(_tasks(board, page), key=lambda one: one.since)


def attention(found: list[AttentionItem], page: RenderContext) -> Html:
    """The section."""
    if not found:
        return section("attention", "Needs a person", empty("Nothing waits for a person."))
    items = [_item(one, page) for one in found[:_MOST]]
    if left := len(found) - _MOST:
        items += [tag("li", f"And {left:,} more, below.")] if left > 0 else []
    return section("attention", "Needs a person", tag("ul", *items, class_="wanted"))


def _item(one: AttentionItem, page: RenderContext) -> Html:
    head: list[Child] = [one.what, badge(one.state)]
    if one.since:
        head.append(tag("span", "since ", when(one.since, page.now), class_="since"))
    under = [tag("div", advice(one.reason))]
    under += [tag("div", advice(f"next: {one.way_on}"), class_="next")] if one.way_on else []
    return tag("li", tag("div", joined(head, " ")), *under)


def _tasks(board: Dashboard, page: RenderContext) -> Iterator[AttentionItem]:
    for one in board.tasks:
        task = one.task
        if task.state.waits_for_a_person:
            what = joined((page.task(task.id), " ", foreign(task.title)))
            way_on = one.why.next_action if one.why is not None else ""
            yield AttentionItem(what, task.state.value, task.updated, task.reason, way_on)


def _environments(board: Dashboard) -> Iterator[AttentionItem]:
    for one in board.environments:
        if one.unknown:
            since = one.unsettled.began if one.unsettled is not None else ""
            way_on = f"`orch-gates env settle {one.name} --runs DEPLOY|REVISION --reason TEXT`"
            yield AttentionItem(joined(("environment ", one.name)), "unknown", since, one.unknown, way_on)


def _leases(board: Dashboard, page: RenderContext) -> Iterator[AttentionItem]:
    for row in board.leases:
        lease = row.lease
        if lease.holder and lease.held:
            what = joined(("merge lease of ", foreign(lease.target), ", which ", page.task(lease.holder), " has"))
            way_on = f"`orch-gates task resume {lease.holder}`, or `orch-gates lease release --reason TEXT`"
            yield AttentionItem(what, "held", lease.renewed or lease.granted or "", lease.held, way_on)
        glass = lease.break_glass
        if glass is not None and not glass.acknowledged:
            what = joined(("break-glass override for ", foreign(lease.target)))
            yield AttentionItem(what, "not known", "", f"by {glass.by} at {glass.tip[:10]}: {glass.reason}")


def _alerts(board: Dashboard) -> Iterator[AttentionItem]:
    for alert in board.sweep.memory.alerts:
        yield AttentionItem(Html("the sweep"), "alert", alert.since, alert.line)


def _unread(board: Dashboard) -> Iterator[AttentionItem]:
    if board.problem:
        yield AttentionItem(Html("the configuration"), "not known", "", board.problem)
    if board.sweep.problem:
        yield AttentionItem(Html("the record of the sweep"), "not known", "", board.sweep.problem)
    if board.unread:
        what = Html(f"{count(len(board.unread), 'file')} of the state branch")
        shown = " · ".join(board.unread[:3]) + (" · …" if len(board.unread) > 3 else "")
        yield AttentionItem(what, "not known", "", shown, "`orch-gates state lint` names every one")
