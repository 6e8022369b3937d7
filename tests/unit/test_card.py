"""The card of a task: what it says, and that nothing in it acts in any channel (NTF-1, ENG-8)."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orch_gates.engine.card import Card, GateMark, GateState, Link, card_of
from orch_gates.engine.stages import DEFAULT
from orch_gates.engine.why import QueueContext, explain
from orch_gates.report import card as render
from tests import published
from tests.tasks_builders import NOW, OLD_FEEDBACK, make_task

NOWHERE = QueueContext(position=0, waiting=0, holder="")
PULL = Link("pull request 12", "https://git.example/o/r/pulls/12?a=1&b=2")


def card(*links: Link, **changes: Any) -> Card:
    task = make_task(**changes)
    return card_of(task, DEFAULT, explain(task, DEFAULT, NOWHERE, NOW), links)


def marks(shown: Card) -> dict[str, str]:
    return {one.gate: one.mark.value for one in shown.gates}


class Reading(HTMLParser):
    """Telegram's view: the text after parsing, and the tags that were found."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.text, self.open, self.tags = "", list[str](), list[tuple[str, list[tuple[str, str | None]]]]()
        self.feed(html)
        self.close()

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open.append(tag)
        self.tags.append((tag, attrs))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_gates_behind_the_task_are_ticked() -> None:
    """A gate that was passed is ticked, the one that is asked now waits, the rest is to come."""
    found = marks(card(stage="testing", cause="tests-passed", reason="2 tests failed"))
    assert found["ci-green"] == found["review-approved"] == "passed"
    assert found["tests-passed"] == "waiting"
    assert found["security"] == found["merge-proof"] == "open"


def test_a_gate_that_sent_the_task_back_is_red() -> None:
    """Also though its stage is ahead of the task again."""
    found = marks(card(stage="development", feedback=OLD_FEEDBACK))
    assert found["security"] == "red"
    assert found["ci-green"] == "open"


def test_a_finished_task_has_passed_every_gate() -> None:
    """Nothing is open on the card of what is done."""
    assert set(marks(card(stage="done", state="done")).values()) == {"passed"}


def test_a_stage_that_is_gone_ticks_nothing() -> None:
    """Where the pipeline changed under a task, no gate is called passed."""
    assert set(marks(card(stage="legal")).values()) == {"open"}


def test_every_channel_has_the_line_of_why() -> None:
    """Stage, reason, next and links are on the card, whatever shows it."""
    shown = card(PULL, reason="new", cause="ann")
    html, document = Reading(render.telegram_html(shown)), json.loads(render.webhook_json(shown))
    assert list(published.broken(document)) == []
    assert shown.why.line in html.text
    assert ("a", [("href", PULL.url)]) in html.tags
    assert document["why"]["line"] == shown.why.line
    assert document["next"] == {"action": shown.why.next_action, "when": "now"}
    assert document["links"] == [{"label": PULL.label, "url": PULL.url}]
    comment = render.comment_markdown(shown)
    assert "| ○ | `ci-green` | open |" in comment
    assert f"[pull request 12](<{PULL.url}>)" in comment


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", 'https://x/"onclick="', "https://x/> <b>", "https://x/a b", "ftp://x/", ""]
)
def test_an_address_that_could_act_is_left_out(url: str) -> None:
    """Only addresses of web pages become links, and none ends the attribute that it is in."""
    assert card(Link("a page", url)).links == ()


def test_text_of_others_is_text() -> None:
    """Markup in a title neither formats, links nor mentions."""
    shown = card(title="<a href='https://evil.example'>x</a> & [y](https://evil.example) @everybody `rm`")
    html = Reading(render.telegram_html(shown))
    assert [tag for tag, _ in html.tags] == ["b"]
    assert shown.title in html.text
    comment = render.comment_markdown(shown)
    assert "<a" not in comment
    assert "[y]" not in comment
    assert "@everybody" not in comment
    assert "&#96;rm&#96;" in comment


def test_a_long_card_is_cut_to_what_telegram_takes() -> None:
    """By the count after parsing: escapes cost nothing, characters outside of the basic plane two."""
    gates = tuple(GateMark("s", f"gate-{number}-{'<&>' * 30}", GateState.OPEN) for number in range(200))
    shown = card()
    html = Reading(render.telegram_html(Card("🚀" * 150, shown.why, gates, (PULL,))))
    assert render.units(html.text) in {render.TELEGRAM_MOST, render.TELEGRAM_MOST - 1}
    assert html.text.endswith("…")
    assert html.open == []


@given(st.text(max_size=300).filter(bool), st.integers(min_value=0, max_value=400))
def test_whatever_is_in_it_the_cut_html_is_well_formed(title: str, most: int) -> None:
    """No length and no text halves a tag, an escape or a character."""
    shown = card()
    text = render.telegram_html(Card(title, shown.why, shown.gates, (PULL,)), most)
    text.encode()
    html = Reading(text)
    assert html.open == []
    assert render.units(html.text) <= most
    assert {tag for tag, _ in html.tags} <= {"a", "b"}
