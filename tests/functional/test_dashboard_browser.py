"""The dashboard in a real browser: readable by everybody, asking nobody, and usable with ten thousand tasks (OBS-1)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from orch_gates.report.html.dashboard import render
from orch_gates.report.html.values import Dashboard, LeaseRow
from tests.conftest import CACHE, REQUIRE_REAL
from tests.dashboard_builders import a_board, a_frozen_queue, an_empty_board, make_row, many
from tests.tasks_builders import make_lease

AXE = CACHE / "axe" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
NARROW, WIDE = 360, 1440
HOSTILE = "</script><script>document.title='owned'</script><b>\u202eabc\x07"
# A name without a blank is the hardest to fit.
LONG = "x" * 180


@pytest.fixture(scope="module")
def browser(real: Callable[[str], Path]) -> Iterator[Browser]:
    chromium = real("chromium")
    with sync_playwright() as playwright:
        # Whoever tests may be root, or in a container: there the browser's own sandbox does not start.
        started = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(scope="module")
def axe() -> str:
    if not AXE.is_file():
        reason = "axe is not in the cache (`make tools`)"
        if REQUIRE_REAL:
            pytest.fail(f"{reason}, and ORCH_REQUIRE_REAL=1 allows no stand-in")
        pytest.skip(reason)
    return AXE.read_text("utf-8")


@contextmanager
def opened(browser: Browser, path: Path, *, width: int = WIDE, script: bool = True, **options: Any) -> Iterator[Page]:
    """A page in a fresh browser profile, which has to stay silent and to ask for nothing else."""
    context = browser.new_context(
        viewport={"width": width, "height": 900}, offline=True, java_script_enabled=script, **options
    )
    context.set_default_timeout(20_000)
    page = context.new_page()
    console: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: console.append(message.text))
    page.on("pageerror", lambda error: console.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    try:
        page.goto(path.as_uri())
        yield page
        assert console == []
        assert {url.partition("#")[0] for url in asked} - {"about:blank"} == {path.as_uri()}
    finally:
        context.close()


def written(folder: Path, board: Dashboard) -> Path:
    path = folder / "index.html"
    path.write_text(render(board), "utf-8")
    return path


def hostile() -> Dashboard:
    """What somebody wrote who wants to own the page, or to tear it."""
    board = a_board()
    rows = [make_row(id=f"EVIL-{number}", title=text) for number, text in enumerate((HOSTILE, LONG))]
    queues = (*board.queues, a_frozen_queue())
    leases = (LeaseRow(make_lease(target=LONG, holder="", reason=LONG)),)
    return a_board(tasks=(*board.tasks, *rows), unread=(HOSTILE,), problem=LONG, queues=queues, leases=leases)


@pytest.mark.parametrize(
    ("made", "scheme", "width"),
    [
        (a_board, "light", WIDE),
        (a_board, "dark", NARROW),
        (hostile, "light", NARROW),
        (hostile, "dark", WIDE),
        (an_empty_board, "dark", NARROW),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
def test_it_is_accessible_and_fits(
    browser: Browser, axe: str, tmp_path: Path, made: Callable[[], Dashboard], scheme: Any, width: int
) -> None:
    """No rule of axe is broken, in light and in dark, wide and narrow, with all opened; nothing scrolls sideways."""
    with opened(browser, written(tmp_path, made()), width=width, color_scheme=scheme) as page:
        page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        page.evaluate(axe)
        found = page.evaluate("(tags) => axe.run(document, {runOnly: tags, resultTypes: ['violations']})", RULES)
        broken = {one["id"]: [node["html"] for node in one["nodes"]][:3] for one in found["violations"]}
        assert broken == {}
        assert len(found["passes"]) > 20
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.title() != "owned"


def test_both_schemes_are_drawn(browser: Browser, tmp_path: Path) -> None:
    """The reader's own choice counts."""
    path = written(tmp_path, a_board())
    colours = {}
    for scheme in ("light", "dark"):
        with opened(browser, path, color_scheme=scheme) as page:
            colours[scheme] = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert len(set(colours.values())) == 2


def test_the_policy_refuses_whatever_else_would_run(browser: Browser, tmp_path: Path) -> None:
    """Should markup slip into the page one day, the browser neither runs it nor fetches anything."""
    evil = "<script>document.title='owned'</script><img src='https://evil.invalid/x' onerror='document.title=1'>"
    path = tmp_path / "index.html"
    path.write_text(render(a_board()).replace("<main ", f"{evil}<main "), "utf-8")
    context = browser.new_context(offline=True)
    page = context.new_page()
    refused: list[str] = []
    page.on("console", lambda message: refused.append(message.text))
    page.goto(path.as_uri())
    assert page.title() == "acme/shop: pipeline"
    assert sum("Content Security Policy" in line for line in refused) >= 2
    context.close()


def test_without_a_script_every_row_is_there(browser: Browser, tmp_path: Path) -> None:
    """Histories open, links lead to tasks also in a stage that is closed, and the filter is not offered."""
    path = written(tmp_path, a_board())
    with opened(browser, path, script=False) as page:
        rows = page.locator("details.stage tbody > tr")
        assert rows.count() == len(a_board().tasks)
        assert page.locator("#filter").is_hidden()
        assert page.locator("#task-T-2").is_hidden()
        page.locator("#environments a", has_text="T-2").first.click()
        assert page.locator("#task-T-2").is_visible()
        page.locator("#task-T-12 summary").click()
        assert page.locator("#task-T-12 .history").is_visible()


def test_the_filter(browser: Browser, tmp_path: Path) -> None:
    """It finds what a closed row shows, opens the stages with a find, hides the others, and brings all of it back."""
    path = written(tmp_path, a_board())
    with opened(browser, path) as page:
        stages = page.locator("details.stage:visible")
        rows = page.locator("details.stage tbody > tr:visible")
        before = rows.count()
        expect(page.locator("#shown")).to_have_text("11 tasks")
        page.get_by_label("Show tasks with").fill("dark MODE")
        expect(page.locator("#shown")).to_have_text("1 task of 11")
        assert (stages.count(), rows.count()) == (1, 1)
        page.locator("#filter").fill("nothing has this")
        expect(page.locator("#shown")).to_have_text("0 tasks of 11")
        assert stages.count() == 0
        page.locator("#filter").fill("")
        expect(page.locator("#shown")).to_have_text("11 tasks")
        assert rows.count() == before
        # A link to a task that the filter hides shows it.
        page.locator("#filter").fill("dark mode")
        expect(page.locator("#shown")).to_have_text("1 task of 11")
        page.locator("#attention a", has_text="T-5").click()
        page.locator("#task-T-5 .history").wait_for()


def test_a_link_from_elsewhere_opens_the_task(browser: Browser, tmp_path: Path) -> None:
    """The address of a task may be sent to somebody: its stage and its history are open, also in `done`."""
    path = written(tmp_path, a_board())
    with opened(browser, path) as page:
        page.goto("about:blank")
        page.goto(f"{path.as_uri()}#task-T-2")
        page.locator("#task-T-2 .history").wait_for()


def test_the_keyboard_is_enough(browser: Browser, tmp_path: Path) -> None:
    """The first stop skips to the content; each stop is seen; a history opens by Enter."""
    path = written(tmp_path, a_board())
    with opened(browser, path) as page:
        page.keyboard.press("Tab")
        skip = page.locator(":focus")
        assert skip.inner_text() == "Skip to the content"
        assert skip.bounding_box()["x"] >= 0  # type: ignore[index]
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "content"
        page.locator("#filter").focus()
        stops = []
        for _ in range(3):
            page.keyboard.press("Tab")
            stops.append(page.evaluate("document.activeElement.tagName"))
            assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
        assert stops == ["SUMMARY"] * 3
        closed = page.evaluate("document.activeElement.parentElement.open")
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.parentElement.open") is not closed


def test_a_picture_is_told_in_words(browser: Browser, tmp_path: Path) -> None:
    """What a sparkline shows is its name for who cannot see it."""
    with opened(browser, written(tmp_path, a_board())) as page:
        found = page.get_by_role("img", name=re.compile(r"healthz, .*: 21 well, 6 failed.*first failure at 11:52:00"))
        assert found.count() == 1


@pytest.mark.slow
def test_ten_thousand_tasks(browser: Browser, tmp_path: Path) -> None:
    """They load, are all there, and one of them is found, within the time that a page is waited for."""
    path = written(tmp_path, many(10_000))
    assert path.stat().st_size < 10_000_000
    with opened(browser, path) as page:
        assert page.evaluate("document.querySelectorAll('details.stage tbody > tr').length") == 10_000
        page.locator("#filter").fill("item 04242")
        expect(page.locator("#shown")).to_have_text("1 task of 10,000")
        page.locator("#task-T-4242").wait_for()
