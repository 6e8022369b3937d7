"""The dashboard's page from values: all is on it, foreign text stays text, a browser may trust it (OBS-1, OWN-3)."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from orch_gates.documents import escape
from orch_gates.engine.why import QueueContext
from orch_gates.model.ids import timestamp
from orch_gates.report.html.dashboard import render
from orch_gates.report.html.markup import link
from orch_gates.report.html.parts import age, when
from orch_gates.report.html.values import Dashboard, TaskRow
from tests.dashboard_builders import TIP, a_board, a_frozen_queue, an_empty_board, asked, make_row, many
from tests.deploy_builders import make_environment, make_running, make_watch
from tests.tasks_builders import NOW, make_job, make_lease

VOID = {"meta", "link", "input"}
# What stands on a line of its own, or in a cell.
BLOCKS = {"section", "div", "p", "h2", "h3", "li", "tr", "th", "td", "caption", "summary", "details", "dt", "dd"}
HOSTILE = st.text(
    st.one_of(
        st.sampled_from("<>&\"'`/=-! \u202e\u2066\u200d\x00\x07\x1b\x7f\x9f\ufeff\u2028\U000e0041"),
        st.characters(exclude_categories=["Cs"]),
    ),
    min_size=1,
    max_size=60,
).filter(lambda text: not re.search(r"[\n\r]", text))
SCRIPT = "</script><script>alert(1)</script>"
ATTACKS = (SCRIPT, "<!--", "]]>", "&lt;b&gt;", "' onload='x", '" onfocus="x', "\u202egnp.exe")


class Parsed(HTMLParser):
    """What a browser makes of the page: its elements, its text, and what it links to."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.texts: list[str] = []
        self.spoken = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(dict(attrs)) == len(attrs), tag
        self.elements.append((tag, dict(attrs)))
        self.spoken += " " if tag in BLOCKS else ""
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
        self.spoken += " " if tag in BLOCKS else ""

    def handle_data(self, data: str) -> None:
        if not {"style", "script"} & set(self.open[-1:]):
            self.texts.append(data)
            self.spoken += data

    @property
    def shape(self) -> list[tuple[str, tuple[str, ...]]]:
        """The elements with the names of their attributes: what foreign text must not change."""
        return [(tag, tuple(attributes)) for tag, attributes in self.elements]

    def values(self, name: str) -> list[str]:
        return [str(attributes[name]) for _, attributes in self.elements if name in attributes]


def section(board: Dashboard, name: str) -> str:
    """The text of one section, blanks as one."""
    found = re.search(rf'<section id="{name}".*?</section>', render(board), re.DOTALL)
    assert found is not None
    return " ".join(Parsed(found[0]).spoken.split())


def made(text: str) -> Dashboard:
    """A board with a text wherever somebody else chooses one."""
    board = a_board()
    rows: list[TaskRow] = [
        make_row(id="T-70", title=text, reason=text, cause=text, created_by=text, state="held"),
        asked(71, text, QueueContext(1, 1, ""), by=text),
        replace(make_row(id="T-72"), log=(f"- {text}", text), jobs=(make_job(task="T-72", runner=text, reason=text),)),
    ]
    environment = make_environment(unknown=text, unsettled=make_running(), current=None, history=())
    memory = board.sweep.memory
    memory = memory.model_copy(update={"alerts": tuple(one.model_copy(update={"line": text}) for one in memory.alerts)})
    return a_board(
        repository=text,
        tasks=rows,
        queues=(a_frozen_queue(), *(replace(one, rows=(rows[1],)) for one in board.queues)),
        leases=tuple(replace(one, lease=make_lease(holder=text, held=text)) for one in board.leases),
        environments=(environment,),
        watches=(make_watch(reason=text),),
        sweep=replace(board.sweep, line=text, memory=memory),
        unread=(text,),
        problem=text,
    )


@settings(max_examples=50)
@given(HOSTILE)
@example(ATTACKS[0])
@example(ATTACKS[1])
@example(ATTACKS[4])
@example(ATTACKS[5])
def test_foreign_text_stays_text(text: str) -> None:
    """It changes no element and no attribute, and nothing in it acts: controls and reordering marks are seen as codes.

    A backquote sets off a command, so a text with some has other elements; no other ones than those.
    """
    page = render(made(text))
    parsed = Parsed(page)
    assert parsed.open == []
    calm = Parsed(render(made(re.sub("[^`]", "x", text) if "`" in text else "x")))
    assert {tag for tag, _ in parsed.elements} == {tag for tag, _ in calm.elements} | {"code"}
    assert sum(tag == "script" for tag, _ in parsed.elements) == 1
    if "`" not in text:
        assert [one for one in parsed.shape if one[0] != "code"] == [one for one in calm.shape if one[0] != "code"]
    assert not set(re.findall(escape.HOSTILE, page)) - {"\n"}
    page.encode("utf-8")


@settings(max_examples=50)
@given(HOSTILE.filter(lambda text: "`" not in text))
@example(ATTACKS[0])
@example(ATTACKS[3])
@example(ATTACKS[6])
def test_foreign_text_is_found_again(text: str) -> None:
    """As it was written, where it is only letters, and with codes for what is not."""
    seen = escape.HOSTILE.sub(lambda hit: escape.code(hit[0]), text)
    parsed = Parsed(render(made(text)))
    assert parsed.texts.count(seen) >= 8


def test_bytes_that_are_no_text_are_seen_as_codes() -> None:
    """The page is UTF-8, whatever a file's name was made of."""
    page = render(a_board(unread=("tasks/\udcff/task.md: no UTF-8",), repository="\ud800"))
    assert "tasks/\\xff/task.md: no UTF-8" in Parsed(page).spoken
    page.encode("utf-8")


def test_the_same_values_make_the_same_page() -> None:
    """And another moment another one."""
    assert render(a_board()) == render(a_board())
    assert render(a_board()) != render(a_board(now=NOW + timedelta(days=1)))


def test_it_says_when_and_from_what_it_was_made() -> None:
    """Also which version made it, and of which repository it tells."""
    head = " ".join(Parsed(render(a_board())).spoken.split())
    assert f"Made 2026-03-01 12:00:00 UTC from state commit {TIP[:10]}, generation 421" in head
    assert "acme/shop pipeline" in head
    assert "orch-gates 1.2.3" in head


@pytest.mark.parametrize("board", [a_board(), an_empty_board()], ids=["everything", "nothing"])
def test_only_what_is_on_the_page_may_run(board: Dashboard) -> None:
    """The policy names its one style and its one script by their digests, and there is nothing that it would refuse."""
    page = render(board)
    parsed = Parsed(page)
    (policy,) = [one["content"] for _, one in parsed.elements if one.get("http-equiv") == "Content-Security-Policy"]
    assert policy is not None
    assert policy.startswith("default-src 'none'; ")
    for tag, directive in (("style", "style-src"), ("script", "script-src")):
        (content,) = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{directive} 'sha256-{digest}'" in policy
    assert "unsafe" not in policy
    names = {name for _, attributes in parsed.elements for name in attributes}
    assert not {name for name in names if name.startswith("on") or name in {"style", "src", "srcset", "action"}}
    assert all(re.match(r"#|https?://|data:,$", target) for target in parsed.values("href"))


def test_links_on_the_page_lead_somewhere() -> None:
    """Each name is given once."""
    parsed = Parsed(render(a_board()))
    names = parsed.values("id")
    assert len(names) == len(set(names))
    inside = {target[1:] for target in parsed.values("href") if target.startswith("#")}
    assert inside - set(names) == set()
    assert "task-T-2" in inside


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", "//evil.example", "", "https://a b"])
def test_only_an_address_on_the_web_is_a_link(url: str) -> None:
    assert link("words", url) == "words"
    assert 'href="https://ci.example/1"' in link("words", "https://ci.example/1")


def test_the_queue_tells_who_waits_for_what_and_since_when() -> None:
    """In its order, with the phase of whoever is merged; and why nothing is merged while it is frozen."""
    shown = section(a_board(), "queue")
    assert re.findall(r"#(\d+) ", shown) == ["41", "38", "40"]
    first = shown.split("#38")[0]
    assert "urgent testing 2026-03-01 11:30 30 min ago" in first
    assert "place 2 of 3 · the merge lease is held by PR-41" in shown
    assert "next: orch-gates queue run, now" in shown
    assert "frozen by ann until 2026-03-01T18:00:00Z: release day" in section(
        a_board(queues=(a_frozen_queue(),)), "queue"
    )


def test_what_needs_a_person_comes_first() -> None:
    """From everywhere, with since when and what to do; those tasks first that wait longest."""
    shown = section(a_board(), "attention")
    order = [shown.index(words) for words in ("the sweep", "1 file of the state branch", "T-5 Faster", "T-7 Export")]
    assert order == sorted(order)
    assert "held since 2026-02-27 12:00 2 d ago the report tests-passed cannot be read" in shown
    assert "next: orch-gates task resume T-7 or orch-gates task cancel T-7" in shown
    lost = make_environment(unknown="nobody knows", unsettled=make_running())
    told = section(a_board(environments=(lost,), problem="a stage has no name"), "attention")
    assert "environment production unknown" in told
    assert "nobody knows" in told
    assert "the configuration not known a stage has no name" in told


def test_a_held_lease_and_broken_glass_need_a_person() -> None:
    """Until somebody ends the one and looks at the other."""
    glass = {
        "tip": "e" * 40,
        "expires": timestamp(NOW),
        "by": "eve",
        "reason": "the server burns",
        "acknowledged": False,
    }
    leases = [replace(one, lease=make_lease(held="ask ann", break_glass=glass)) for one in a_board().leases[:1]]
    shown = section(a_board(leases=tuple(leases)), "attention")
    assert "merge lease of main, which T-1 has held" in shown
    assert "by eve at eeeeeeeeee: the server burns" in shown
    seen = make_lease(holder="", break_glass={**glass, "acknowledged": True})
    calm = section(a_board(leases=tuple(replace(one, lease=seen) for one in leases)), "attention")
    assert "the server burns" not in calm


def test_environments_tell_what_runs_and_whether_it_was_verified() -> None:
    """What is under way too, and what ran before."""
    shown = section(a_board(), "environments")
    assert (
        "production generation 3 cccccccccc T-2 sha256:ababababab 2026-03-01 11:00 60 min ago by ann watching" in shown
    )
    assert "bbbbbbbbbb 2026-02-20 12:00 9 d ago settled" in shown
    assert "deploying T-9 at cccccccccc until 2026-03-01 13:00 in 60 min" in shown
    assert "What production ran before" in shown


def test_watches_are_pictures_and_words() -> None:
    """Each moment is a bar; who sees no bars is told the numbers and the first and last failure."""
    parsed = Parsed(render(a_board()))
    labels = [attributes["aria-label"] for tag, attributes in parsed.elements if tag == "svg"]
    assert labels == [
        "https://shop.example/healthz, 11:40:00 to 11:55:00 UTC: 21 well, 6 failed, 1 not made; "
        "the first failure at 11:52:00, the last at 11:54:30",
        "access log, 11:40:00 to 11:55:00 UTC: 2,640 requests, 180 errors, no data 1 time",
        "https://shop.example/healthz, 11:40:00 to 11:55:00 UTC: 27 well, 0 failed, 1 not made",
        "access log, 11:40:00 to 11:55:00 UTC: 2,700 requests, 0 errors, no data 1 time",
    ]
    bars = [attributes for tag, attributes in parsed.elements if tag == "rect"]
    assert len(bars) == 4 * 28
    assert {bar["class"] for bar in bars} == {"well", "ill", "none"}
    assert all(0 <= float(bar["x"] or -1) <= 240 for bar in bars)
    assert "DEGRADED" in section(a_board(), "watches")


def test_leases_tell_the_attempt_and_who_works_on_it() -> None:
    """Free ones too."""
    shown = section(a_board(), "leases")
    assert (
        "PR-41 since 2026-03-01 11:51 9 min ago testing 1 round, 1 test run 2026-03-01 12:08 in 8 min build-1" in shown
    )
    assert "release/1 generation 5 free" in shown


def test_jobs_that_run_or_wait_are_listed() -> None:
    """A finished one only in the history of its task, with its exit code and the page of its CI run."""
    over = make_job(
        task="T-1", status="failed", exit_code=3, reason="exit code 3",
        run={"id": 7, "attempt": 1, "job": "work", "url": "https://ci.example/7"},
    )  # fmt: skip
    row = replace(make_row(), jobs=(over, make_job(status="queued", role="tester")))
    shown = section(a_board(tasks=(row,), queues=()), "jobs")
    assert "T-1 tester run 1 in development queued" in shown
    assert "failed" not in shown
    tasks = section(a_board(tasks=(row,), queues=()), "tasks")
    assert "run 1 by the developer failed 2026-03-01 12:00 0 s ago · exit code 3" in tasks
    assert "https://ci.example/7" in Parsed(render(a_board(tasks=(row,), queues=()))).values("href")


def test_tasks_are_by_stage_with_their_history() -> None:
    """Stages in the order of the pipeline, `done` last; an empty one is named too."""
    shown = section(a_board(), "tasks")
    strip = shown.split("Show tasks with")[0]
    assert strip.startswith(
        "Tasks by stage analysis 0 architecture 0 development 3 review 1 testing 1 deploy-staging 1"
    )
    assert strip.rstrip().endswith("queued 3 done 2")
    assert "development 3 tasks: 2 active, 1 escalated" in shown
    assert "2026-03-01 11:00 made by ann 2026-02-23 12:00 done: it landed" in shown


def test_a_long_history_says_where_the_rest_is() -> None:
    """And one that is left out takes its row no details."""
    long = replace(make_row(), earlier=31)
    assert "31 earlier lines in orch-gates task log T-1" in section(a_board(tasks=(long,), queues=()), "tasks")
    bare = replace(make_row(), log=None)
    page = render(a_board(tasks=(bare,), queues=()))
    (row,) = re.findall(r'<tr id="task-T-1">.*?</tr>', page)
    assert "<details>" not in row


def test_the_sweep_tells_its_schedule_and_its_counters() -> None:
    """Each counter by what it counts, one of a newer version by its own name; or why nothing is known."""
    board = a_board()
    shown = section(board, "sweep")
    assert "on time the last sweep began 4 minutes ago" in shown
    assert (
        "Sweeps 1,312 Dead jobs ended (reaper) 3 Leases taken back (reaper) 1 Tasks moved on (reconciler) 17" in shown
    )
    assert shown.count("orch-bot") == 3
    newer = board.sweep.memory.model_copy(update={"counters": {"ticks": 1, "painted": 4}})
    assert "painted 4" in section(a_board(sweep=replace(board.sweep, memory=newer)), "sweep")
    lost = replace(board.sweep, problem="refs/orch/sweep cannot be read")
    assert "not known refs/orch/sweep cannot be read" in section(a_board(sweep=lost), "sweep")


def test_right_after_the_start_it_says_that_there_is_nothing() -> None:
    """In every section, in words."""
    told = {
        "attention": "Nothing waits for a person.",
        "queue": "Nothing is queued for a merge.",
        "environments": "Nothing was ever deployed.",
        "watches": "No deploy was watched yet.",
        "leases": "No lease was ever granted.",
        "jobs": "No job runs, and none is queued.",
        "tasks": "There is no task yet.",
        "sweep": "no sweep has run yet",
    }
    assert {name: words in section(an_empty_board(), name) for name, words in told.items()} == dict.fromkeys(told, True)


def test_of_many_tasks_each_has_its_row() -> None:
    """A stage that is long is closed until somebody opens it."""
    page = render(many(1000))
    assert len(re.findall(r'<tr id="task-', page)) == 1000
    opened = re.findall(r'<details id="stage-([a-z-]+)" class="stage" open>', page)
    assert "done" not in opened
    assert len(opened) == 7


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0, "0 s ago"), (119, "119 s ago"), (120, "2 min ago"), (7199, "119 min ago"), (7200, "2 h ago"),
     (172_800, "2 d ago"), (-30, "in 30 s"), (-86_400, "in 24 h")],
)  # fmt: skip
def test_an_age_is_said_in_the_largest_unit_of_which_there_are_two(seconds: int, shown: str) -> None:
    assert age(timestamp(NOW - timedelta(seconds=seconds)), NOW) == shown


def test_no_moment_is_a_dash() -> None:
    assert when(None, NOW) == "-"
