"""The real pip-audit gives an answer that can be believed, or says that it has none (SEC-7)."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from orch_gates.scanners.pins.pin import Pin
from orch_gates.scanners.pip_audit import CONTROL, Audited, Degraded, PipAudit, Vulnerability
from tests.fakes.osv_server import FAILURES, serve

OLD, NEW, OTHER = Pin("shop", "1.0"), Pin("shop", "2.0"), Pin("till", "3.1")
TABLE = {("shop", "1.0"): {"PYSEC-1": "1.5"}, ("shop", "2.0"): {"PYSEC-2": "2.1"}}

pytestmark = pytest.mark.slow


@pytest.fixture
def auditor(real: Callable[[str], Path]) -> Callable[..., PipAudit]:
    program = str(real("pip-audit"))
    plain = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}

    def make(url: str, timeout: float = 60, **env: str) -> PipAudit:
        return PipAudit(program, plain | env, url, timeout)

    return make


def test_a_healthy_feed_is_answered_pin_by_pin(auditor: Callable[..., PipAudit]) -> None:
    """Every pin has its own vulnerabilities and the versions that mend them, or none."""
    with serve(table=TABLE) as feed:
        answer = auditor(feed.url).audit([OLD, OTHER])
    assert isinstance(answer, Audited), answer
    assert answer.known[OLD] == (Vulnerability("PYSEC-1", ("1.5",)),)
    assert answer.known[OTHER] == ()
    assert answer.known[CONTROL]


def test_two_versions_of_a_package_are_both_answered(auditor: Callable[..., PipAudit]) -> None:
    """An upgrade has an old and a new pin; each has its own answer, also for the control's package."""
    with serve(table=TABLE) as feed:
        answer = auditor(feed.url).audit([OLD, NEW, Pin("jinja2", "3.0")])
    assert isinstance(answer, Audited), answer
    assert [found.id for found in answer.known[OLD]] == ["PYSEC-1"]
    assert [found.id for found in answer.known[NEW]] == ["PYSEC-2"]
    assert answer.known[Pin("jinja2", "3.0")] == ()


@pytest.mark.parametrize("version", ["1.0RC1", "1.0-1", "v1.0", "1.00", "1!2.0+local.1"])
def test_a_version_spelled_in_another_way_is_answered(auditor: Callable[..., PipAudit], version: str) -> None:
    """pip-audit gives versions back in their normal form; the pin is the one that was asked for."""
    with serve() as feed:
        answer = auditor(feed.url).audit([Pin("shop", version)])
    assert isinstance(answer, Audited), answer
    assert answer.known[Pin("shop", version)] == ()


@pytest.mark.parametrize("mode", FAILURES)
def test_a_feed_that_does_not_work_is_no_answer(auditor: Callable[..., PipAudit], mode: str) -> None:
    """An error, a sign-in page, `{}` to everything, silence, a closed port: degraded, and in time."""
    began = time.monotonic()
    with serve(mode, TABLE) as feed:
        answer = auditor(feed.url, timeout=4 if mode == "slow" else 60).audit([OLD])
    assert isinstance(answer, Degraded), answer
    assert answer.reason
    if mode == "slow":
        assert "did not finish within 4 s" in answer.reason
        assert time.monotonic() - began < 15


def test_a_feed_without_the_control_is_not_believed(auditor: Callable[..., PipAudit]) -> None:
    """A feed that answers, but does not know an old and famous vulnerability, is no feed."""
    with serve(table=TABLE, control=False) as feed:
        answer = auditor(feed.url).audit([OLD])
    assert isinstance(answer, Degraded)
    assert "jinja2 2.10" in answer.reason


def test_the_runners_own_variables_do_not_matter(auditor: Callable[..., PipAudit], tmp_path: Path) -> None:
    """PIP_AUDIT_* neither moves the answer away nor changes its form or its feed."""
    moved = tmp_path / "moved.json"
    foreign = {
        "PIP_AUDIT_OUTPUT": str(moved),
        "PIP_AUDIT_FORMAT": "columns",
        "PIP_AUDIT_VULNERABILITY_SERVICE": "pypi",
        "PIP_AUDIT_OSV_URL": "http://127.0.0.1:9/",
        "PIP_AUDIT_DESC": "on",
    }
    with serve(table=TABLE) as feed:
        answer = auditor(feed.url, **foreign).audit([OLD])
    assert isinstance(answer, Audited), answer
    assert answer.known[OLD]
    assert not moved.exists()


def test_nothing_of_the_judged_tree_is_run(
    auditor: Callable[..., PipAudit], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A runner's PYTHONPATH does not let the pushed tree stand in for pip-audit's own libraries."""
    ran = tmp_path / "ran"
    (tmp_path / "requests.py").write_text(f"open({str(ran)!r}, 'w').close()\n")
    monkeypatch.chdir(tmp_path)
    with serve(table=TABLE) as feed:
        answer = auditor(feed.url, PYTHONPATH=".").audit([OLD])
    assert isinstance(answer, Audited), answer
    assert not ran.exists()


def test_a_token_in_the_feeds_address_is_not_told(auditor: Callable[..., PipAudit]) -> None:
    """What pip-audit says of its failure is passed on, without the address."""
    with serve("refused") as feed:
        answer = auditor(f"{feed.url}?key=hidden").audit([OLD])
    assert isinstance(answer, Degraded)
    assert "hidden" not in answer.reason
    assert "refused" in answer.reason


def test_a_full_disk_is_no_answer(
    auditor: Callable[..., PipAudit], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the pins cannot be written down, that is said, and nothing is raised."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "none"))
    answer = auditor("http://127.0.0.1:9/").audit([OLD])
    assert isinstance(answer, Degraded)
    assert "No such file" in answer.reason


def test_every_run_has_the_control(auditor: Callable[..., PipAudit]) -> None:
    """A feed that fails between two runs is seen to."""
    with serve(table=TABLE) as feed:
        auditor(feed.url).audit([OLD, NEW])
    assert feed.asked.count(("jinja2", "2.10")) == 2


@pytest.mark.parametrize(("program", "message"), [("", "is not installed"), ("/nowhere/pip-audit", "cannot start")])
def test_a_missing_program_is_no_answer(program: str, message: str) -> None:
    """Where pip-audit is not there, that is said, and nothing is raised."""
    answer = PipAudit(program, dict(os.environ), "", 5).audit([OLD])
    assert isinstance(answer, Degraded)
    assert message in answer.reason


def test_the_deadline_is_for_all_runs_together(auditor: Callable[..., PipAudit]) -> None:
    """Many versions of one package take many runs, but no more than the one time limit."""
    began = time.monotonic()
    with serve() as feed:
        answer = auditor(feed.url, timeout=3).audit([Pin("shop", f"{n}.0") for n in range(60)])
    assert isinstance(answer, Degraded)
    assert time.monotonic() - began < 10
