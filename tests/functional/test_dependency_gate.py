"""`orch-gates gate security` blames a change for the vulnerable pins it adds (SEC-7)."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.builders import Done, Repo, orch, run
from tests.fakes.osv_server import FAILURES, serve

TABLE = {("shop", "1.0"): {"PYSEC-1": "1.5"}, ("shop", "2.0"): {"PYSEC-1": "2.5", "PYSEC-2": "2.1"}}
WARNING = "WARNING: dependencies were not fully audited"

pytestmark = pytest.mark.slow


@pytest.fixture
def work(tmp_path: Path, real: Callable[[str], Path]) -> Repo:
    """A repository whose `main` pins a vulnerable package, with `topic` checked out."""
    real("pip-audit")
    real("kingfisher")
    path = tmp_path / "work"
    run("git", "init", "--quiet", "-b", "main", path, cwd=tmp_path)
    made = Repo(path)
    made.commit("first", {"requirements.txt": "# pins\nshop==1.0\n", "notes.txt": "one\n"})
    made.git("switch", "--quiet", "-c", "topic")
    return made


def judged(work: Repo, *args: str, url: str, **env: str) -> Done:
    proxies: dict[str, str | None] = {name: None for name in os.environ if name.lower().endswith("_proxy")}
    given = {"ORCH_SECURITY_ENGINE": "kingfisher", "ORCH_OSV_URL": url} | env
    return orch("gate", "security", "--base", "main", *args, cwd=work.path, env=proxies | given)


def said(done: Done) -> str:
    return (done.stdout + done.stderr).decode()


def test_a_vulnerability_that_the_change_adds_is_refused(work: Repo) -> None:
    """Exit code 1, with the file, the line, the package and the version that mends it."""
    work.commit("an upgrade", {"requirements.txt": "# pins\n\nshop==2.0\n"})
    with serve(table=TABLE) as feed:
        done = judged(work, url=feed.url)
        document: dict[str, Any] = json.loads(judged(work, "--json", url=feed.url).stdout)
    assert done.returncode == 1, said(done)
    assert "requirements.txt:3" in said(done)
    assert "shop 2.0" in said(done)
    assert "1 new known vulnerability" in said(done)
    [finding] = document["findings"]
    assert (finding["rule"], finding["path"], finding["line"]) == ("PYSEC-2", "requirements.txt", 3)
    assert "2.1" in finding["fix"]


def test_a_vulnerability_that_the_target_has_is_shown(work: Repo) -> None:
    """Exit code 0: the change did not bring it, and whoever reads the verdict sees it."""
    work.commit("another pin", {"requirements.txt": "# pins\nshop==1.0\ntill==3.1\n"})
    with serve(table=TABLE) as feed:
        done = judged(work, "--strict", url=feed.url)
    assert done.returncode == 0, said(done)
    assert "shop 1.0 has PYSEC-1" in said(done)
    assert "as before" in said(done)
    assert WARNING not in said(done)


@pytest.mark.parametrize("mode", FAILURES)
def test_a_feed_that_is_down_warns(work: Repo, mode: str) -> None:
    """Exit code 0 with a warning: the change is not held up by somebody else's server."""
    work.commit("an upgrade", {"requirements.txt": "shop==2.0\n"})
    with serve(mode, TABLE) as feed:
        done = judged(work, url=feed.url, ORCH_SECURITY_DEP_AUDIT_TIMEOUT_S="4" if mode == "slow" else "60")
    assert done.returncode == 0, said(done)
    assert WARNING in said(done)


@pytest.mark.parametrize(
    ("args", "env"),
    [(["--strict"], {}), ([], {"ORCH_SECURITY_DEP_AUDIT_FAIL_CLOSED": "true"})],
    ids=["--strict", "FAIL_CLOSED"],
)
@pytest.mark.parametrize("mode", ["refused", "empty"])
def test_a_feed_that_is_down_refuses_on_request(work: Repo, mode: str, args: list[str], env: dict[str, str]) -> None:
    """Exit code 1 where doubt is to refuse, also where pip-audit itself ends with 0."""
    work.commit("an upgrade", {"requirements.txt": "shop==2.0\n"})
    with serve(mode, TABLE) as feed:
        done = judged(work, *args, url=feed.url, **env)
    assert done.returncode == 1, said(done)
    assert "the dependency audit is not complete" in said(done)


def recorder(folder: Path) -> tuple[Path, Path]:
    """A program in pip-audit's place that leaves a trace when it is started."""
    trace, program = folder / "started", folder / "recorder"
    program.write_text(f"#!/bin/sh\necho started >>'{trace}'\nexit 1\n")
    program.chmod(0o755)
    return program, trace


@pytest.mark.parametrize(
    ("files", "env", "started"),
    [
        ({"requirements.txt": "shop==2.0\n"}, {}, True),
        ({"requirements.txt": "shop==2.0\n"}, {"ORCH_SECURITY_DEP_AUDIT_ENABLED": "false"}, False),
        ({"notes.txt": "two\n"}, {}, False),
    ],
    ids=["changed", "switched off", "nothing changed"],
)
def test_when_there_is_an_audit(
    work: Repo, tmp_path: Path, files: dict[str, str], env: dict[str, str], started: bool
) -> None:
    """pip-audit runs when a file of pins changed and the audit is on, and not otherwise."""
    program, trace = recorder(tmp_path)
    work.commit("a change", files)
    done = judged(work, url="http://127.0.0.1:9/", ORCH_PIP_AUDIT_BIN=str(program), **env)
    assert done.returncode == 0, said(done)
    assert trace.exists() is started
    assert (WARNING in said(done)) is started
