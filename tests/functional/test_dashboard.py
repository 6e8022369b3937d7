"""`orch-gates status --html DIR`, and the sweep that refreshes the page (OBS-1): what the state tells, or no page."""

from __future__ import annotations

import json
import os
import re
from datetime import timedelta
from pathlib import Path

import pytest

from orch_gates.cli.task import dashboard
from orch_gates.model.ids import TaskId, timestamp
from orch_gates.state import codec, layout
from tests import sweep_rig
from tests.dashboard_builders import a_watch
from tests.deploy_builders import make_deployed, make_environment
from tests.sweep_rig import SweepRig
from tests.tasks_builders import NOW, make_attempt, make_lease

TARGET = "main"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sweep_rig.template(tmp_path_factory.mktemp("dashboard"))


@pytest.fixture
def rig(made: Path, tmp_path: Path) -> SweepRig:
    return sweep_rig.copy(made, tmp_path / "project")


def page_of(folder: Path) -> str:
    return (folder / "index.html").read_text("utf-8")


def sections(page: str) -> dict[str, str]:
    """The text of each section, by its name."""
    found = re.findall(r'<section id="([a-z]+)".*?</section>', page, re.DOTALL)
    texts = re.findall(r"<section .*?</section>", page, re.DOTALL)
    return {name: " ".join(re.sub(r"<[^>]*>", " ", text).split()) for name, text in zip(found, texts, strict=True)}


def test_what_a_killed_run_left_half_written_is_not_published(rig: SweepRig, tmp_path: Path) -> None:
    """Whichever command writes there next, also where the page is the same; what another may be writing stays."""
    new, other = tmp_path / f".orch-gates-{'1' * 16}.tmp", tmp_path / ".orch-gates-mine.tmp"
    for words in (("status",), ("status",), ("sweep",)):
        old = tmp_path / f".orch-gates-{'0' * 16}.tmp"
        for path in (old, new, other):
            path.write_text("half\n")
        for path in (old, other):
            os.utime(path, (0, 0))
        rig.ok(*words, "--html", str(tmp_path))
        assert (old.exists(), new.exists(), other.exists()) == (False, True, True)


def test_the_page_shows_the_state(rig: SweepRig, tmp_path: Path) -> None:
    """Tasks with their history, a lease with its attempt, an environment with its watch, jobs, and the sweep."""
    rig.add_job(minutes=3)
    rig.tick()
    watch = a_watch(ill=True)
    deployed = make_deployed(deploy=watch.deploy, task="T-1", standing="degraded")
    attempt = make_attempt(phase="testing", reason="the tests run", target=TARGET)
    rig.put(
        {
            layout.environment_path("production"): codec.encode(make_environment(current=deployed), ""),
            layout.watch_path(watch.deploy): codec.encode(watch, "\n- 2026-03-01T12:00:00Z DEGRADED, ill\n"),
            layout.lease_path(TARGET): codec.encode(make_lease(attempt=attempt.id), ""),
            layout.attempt_path(TaskId("T-1")): codec.encode(attempt, ""),
        }
    )
    output = rig.ok("status", "--html", str(tmp_path / "pages" / "board"))
    tip = rig.state()
    assert output == f"{tmp_path}/pages/board/index.html: the state at commit {tip[:10]}, generation 4\n"
    page = page_of(tmp_path / "pages" / "board")
    shown = sections(page)
    assert f'<code title="{tip}">{tip[:10]}</code>, generation 4' in page
    assert "<bdi>server</bdi>" in page
    assert str(rig.folder) not in page
    assert "T-1 Change for T-1" in shown["tasks"]
    assert "run 1 by the developer running" in shown["tasks"]
    assert re.search(r" \d\d:\d\d new: Change for T-1 \[by bot\] active", shown["tasks"]) is not None
    assert "T-1 developer run 1 in development running" in shown["jobs"]
    assert "production generation 3" in shown["environments"]
    assert "degraded" in shown["environments"]
    assert "DEGRADED" in shown["watches"]
    assert "testing 1 round, 1 test run" in shown["leases"]
    assert "on time the last sweep began" in shown["sweep"]
    assert "Sweeps 1" in shown["sweep"]


def test_the_same_state_at_the_same_moment_is_the_same_file(rig: SweepRig, tmp_path: Path) -> None:
    """It is not even written again; a later moment makes another page."""
    first, second = (dashboard.write(rig.workspace(now), tmp_path).path.stat() for now in (NOW, NOW))
    assert (first.st_ino, first.st_mtime_ns) == (second.st_ino, second.st_mtime_ns)
    dashboard.write(rig.workspace(NOW + timedelta(hours=1)), tmp_path)
    assert "2026-03-01 13:00:00 UTC" in page_of(tmp_path)


def test_other_files_stay(rig: SweepRig, tmp_path: Path) -> None:
    """The folder is that of a site; nothing else is left in it."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "CNAME").write_text("board.example\n")
    for _ in range(2):
        rig.ok("status", "--html", str(tmp_path / "site"))
    assert sorted(path.name for path in (tmp_path / "site").iterdir()) == ["CNAME", "index.html"]


def test_a_page_of_somebody_else_is_kept(rig: SweepRig, tmp_path: Path) -> None:
    """A page of a site is not replaced by accident."""
    (tmp_path / "index.html").write_text("<h1>Our shop</h1>")
    output = rig.ok("status", "--html", str(tmp_path), code=2)
    assert "index.html was not made by orch-gates, so it is kept; name another folder" in output
    assert page_of(tmp_path) == "<h1>Our shop</h1>"


def test_a_link_out_of_the_work_tree_is_not_followed(rig: SweepRig, tmp_path: Path) -> None:
    """A repository may hold links; a page is written where it was asked for."""
    (tmp_path / "elsewhere").mkdir()
    (rig.work.path / "public").symlink_to(tmp_path / "elsewhere")
    assert "a link leads out of the work tree" in rig.ok("status", "--html", "public", code=2)
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_state_that_cannot_be_read_makes_no_page(rig: SweepRig, tmp_path: Path) -> None:
    """The page that is there says of itself how old it is."""
    rig.ok("status", "--html", str(tmp_path / "old"))
    before = page_of(tmp_path / "old")
    gone = {"ORCH_STATE_REMOTE": str(tmp_path / "nowhere.git")}
    rig.ok("status", "--html", str(tmp_path / "old"), code=2, env=gone)
    rig.ok("status", "--html", str(tmp_path / "new"), code=2, env=gone)
    assert page_of(tmp_path / "old") == before
    assert not (tmp_path / "new" / "index.html").exists()


def test_a_file_that_cannot_be_read_is_named_and_the_rest_is_shown(rig: SweepRig, tmp_path: Path) -> None:
    """Whatever kind it is of; what depends on it is shown without it."""
    rig.new("T-2")
    current = make_deployed(deploy="9" * 16)
    rig.put(
        {
            layout.task_path(TaskId("T-1")): "no frontmatter\n",
            layout.job_path(TaskId("T-2"), "f" * 16): "no frontmatter\n",
            layout.attempt_path(TaskId("T-2")): "no frontmatter\n",
            layout.lease_path(TARGET): codec.encode(make_lease(holder="T-2"), ""),
            layout.lease_path("release"): "no frontmatter\n",
            layout.environment_path("staging"): "no frontmatter\n",
            layout.environment_path("production"): codec.encode(make_environment(current=current), ""),
            layout.watch_path("9" * 16): "no frontmatter\n",
        }
    )
    told = json.loads(rig.say("status", "--html", str(tmp_path), "--json").stdout)
    named = sorted(why.split(":")[0] for why in told["unread"])
    assert len(named) == 6
    assert {path.split("/")[0] for path in named} == {"tasks", "leases", "environments", "watches"}
    shown = sections(page_of(tmp_path))
    assert "6 files of the state branch not known" in shown["attention"]
    assert "T-2 Change for T-2" in shown["tasks"]
    assert "main generation 5 T-2" in shown["leases"]
    assert "production" in shown["environments"]


def test_programs_are_told_where_the_page_is(rig: SweepRig, tmp_path: Path) -> None:
    told = json.loads(rig.ok("status", "--html", str(tmp_path), "--json"))
    made = told.pop("made")
    assert made <= timestamp(rig.workspace().now)
    assert told == {
        "schema": "orch.dashboard/1",
        "path": f"{tmp_path}/index.html",
        "commit": rig.state(),
        "generation": 2,
        "unread": [],
    }


def test_what_people_write_is_shown_and_not_run(rig: SweepRig, tmp_path: Path) -> None:
    """A title, from its document to the page."""
    rig.push("T-2")
    rig.ok("task", "new", "T-2", "</script><script>alert(1)</script>")
    rig.ok("status", "--html", str(tmp_path))
    page = page_of(tmp_path)
    assert "&lt;/script&gt;&lt;script&gt;alert(1)" in page
    assert page.count("<script>") == 1


def test_the_sweep_refreshes_the_page(rig: SweepRig, tmp_path: Path) -> None:
    """With what the tick itself did."""
    rig.passed()
    assert rig.sweep("--html", str(tmp_path)) == "T-1: advance to review: tests-passed PASS\n"
    shown = sections(page_of(tmp_path))
    assert "review 1 task: 1 active" in shown["tasks"]
    assert "Tasks moved on (reconciler) 1" in shown["sweep"]
    assert "T-1" not in shown["attention"]


def test_a_page_that_cannot_be_written_stops_no_tick(rig: SweepRig, tmp_path: Path) -> None:
    """It is said, with exit code 2; a dry run writes nothing, so it takes no folder."""
    (tmp_path / "file").write_text("")
    rig.passed()
    output = rig.sweep("--html", str(tmp_path / "file"), code=2)
    assert "T-1: advance to review" in output
    assert "the dashboard was not written: " in output
    assert rig.task()["stage"] == "review"
    assert "use --html without --dry-run" in rig.sweep("--html", str(tmp_path / "page"), "--dry-run", code=2)
    assert not (tmp_path / "page").exists()
