"""The dashboard as one file that asks nobody for anything; a browser refuses what was not written here (OBS-1)."""

from __future__ import annotations

import base64
import hashlib
from importlib import resources

from orch_gates.model.ids import timestamp
from orch_gates.report.html import activity, attention, deploys, queues, tasks
from orch_gates.report.html.markup import Child, Html, foreign, joined, tag
from orch_gates.report.html.parts import RenderContext, advice, badge, commit
from orch_gates.report.html.values import Dashboard

# What tells a page of ours from somebody's own.
MARK = '<meta name="generator" content="orch-gates dashboard">'


def render(board: Dashboard) -> str:
    """The whole page; the same values make the same text."""
    page = RenderContext(board.now, frozenset(one.task.id for one in board.tasks))
    wanted = attention.wanted(board, page)
    sections = (
        attention.attention(wanted, page),
        queues.queues(board, page),
        deploys.environments(board, page),
        deploys.watches(board, page),
        queues.leases(board, page),
        activity.jobs(board, page),
        tasks.tasks(board, page),
        activity.sweep(board, page),
    )
    body = tag(
        "body",
        tag("a", "Skip to the content", href="#content", class_="skip"),
        _header(board, len(wanted)),
        tag("main", *sections, id="content", tabindex="-1"),
        _footer(board),
        Html(f"<script>{_own('dashboard.js')}</script>"),
    )
    return f"<!doctype html>\n{tag('html', _head(board), body, lang='en')}\n"


def _head(board: Dashboard) -> Html:
    style = _own("dashboard.css")
    policy = (
        f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(_own('dashboard.js'))}'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )
    return tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=policy),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("meta", name="robots", content="noindex"),
        Html(MARK),
        tag("title", f"{board.repository or 'orch-gates'}: pipeline"),
        # Or a browser asks the server for an icon.
        tag("link", rel="icon", href="data:,"),
        Html(f"<style>{style}</style>"),
    )


def _header(board: Dashboard, wanted: int) -> Html:
    made = tag("time", f"{board.now:%Y-%m-%d %H:%M:%S} UTC", datetime=timestamp(board.now))
    facts = joined(("Made ", made, " from state commit ", commit(board.commit), f", generation {board.generation}"))
    title = tag("h1", foreign(board.repository or "orch-gates"), " ", tag("span", "pipeline", class_="age"))
    return tag("header", title, tag("p", facts, class_="since"), _summary(board, wanted))


def _summary(board: Dashboard, wanted: int) -> Html:
    queued = sum(len(one.rows) for one in board.queues)
    open_tasks = sum(1 for one in board.tasks if not one.task.state.finished)
    held = sum(1 for one in board.leases if one.lease.holder)
    running = len(activity.active(board))
    schedule = "not known" if board.sweep.problem else board.sweep.schedule
    tiles: tuple[tuple[str, str, Child], ...] = (
        ("attention", "Needs a person", tag("b", f"{wanted:,}", class_="bad" if wanted else None)),
        ("queue", "Merge queue", tag("b", f"{queued:,}")),
        ("environments", "Environments", tag("b", f"{len(board.environments):,}")),
        ("watches", "Watches", tag("b", f"{len(board.watches):,}")),
        ("leases", "Leases held", tag("b", f"{held:,}")),
        ("jobs", "Jobs", tag("b", f"{running:,}")),
        ("tasks", "Open tasks", tag("b", f"{open_tasks:,}")),
        ("sweep", "Sweep", badge(schedule)),
    )
    items = (tag("li", tag("a", tag("span", label), " ", shown, href=f"#{name}")) for name, label, shown in tiles)
    return tag("nav", tag("ul", *items, class_="tiles"), aria_label="Sections")


def _footer(board: Dashboard) -> Html:
    note = (
        "Times are in UTC, ages as of when this page was made; the page does not update itself. "
        "Archived tasks are not here: `orch-gates task log ID` shows them. "
        f"Made by orch-gates {board.version}."
    )
    return tag("footer", tag("p", advice(note)))


def _own(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text("utf-8")


def _digest(content: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}"
