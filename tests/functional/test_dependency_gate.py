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
    assert "already before this change" in said(done)
    assert WARNING not in said(done)


TABLES = '[[{key}]]\nname = "shop"\nversion = "{version}"\n'
KINDS = {
    "uv.lock": "version = 1\n" + TABLES.replace("{key}", "package"),
    "script.py.lock": "version = 1\n" + TABLES.replace("{key}", "package"),
    "poetry.lock": "# made by hand\n" + TABLES.replace("{key}", "package"),
    "pdm.lock": TABLES.replace("{key}", "package"),
    "pylock.toml": 'lock-version = "1.0"\n' + TABLES.replace("{key}", "packages"),
    "pylock.dev.toml": 'lock-version = "1.0"\n' + TABLES.replace("{key}", "packages"),
    "Pipfile": '[packages]\nshop = "=={version}"\n',
    "Pipfile.lock": '{"default": {\n"shop": {"version": "=={version}"}}}\n',
    "pyproject.toml": '[project]\nname = "x"\nversion = "1"\ndependencies = ["Shop[all]=={version}"]\n',
    "setup.cfg": "[options]\ninstall_requires =\n    shop=={version}\n",
    "environment.yml": "dependencies:\n  - pip:\n      - shop=={version}\n",
    "conda/environment.yaml": "dependencies:\n  - shop=={version}\n",
    "constraints.txt": "shop=={version} \\\n    --hash=sha256:00\n",
    "requirements.in": "shop=={version}\n",
    "requirements/prod/base.txt": "shop=={version} ; python_version > '3'\n",
    "dev-reqs.txt": "shop=={version}\n",
}


def pinned(version: str) -> dict[str, str]:
    return {path: text.replace("{version}", version) for path, text in KINDS.items()}


def line(path: str) -> int:
    return next(n for n, text in enumerate(KINDS[path].lower().splitlines(), 1) if "shop" in text)


def test_every_kind_of_file_is_audited(work: Repo) -> None:
    """A vulnerable pin is refused wherever it stands, with its file and line."""
    work.git("rm", "--quiet", "requirements.txt")
    work.commit("pins of every kind", pinned("2.0"))
    with serve(table=TABLE) as feed:
        document: dict[str, Any] = json.loads(judged(work, "--json", url=feed.url).stdout)
    blamed = {(finding["path"], finding["line"]) for finding in document["findings"]}
    assert blamed == {(path, line(path)) for path in KINDS}
    assert {finding["rule"] for finding in document["findings"]} == {"PYSEC-2"}
    assert document["evidence"]["dependency_files_changed"] == len(KINDS) + 1
    assert document["evidence"]["dependency_files_unread"] == 0


def test_what_every_kind_of_file_pinned_before_is_shown(work: Repo) -> None:
    """A change elsewhere in the file is not blamed for it, whatever the kind."""
    work.git("switch", "--quiet", "main")
    work.commit("pins of every kind", pinned("1.0"))
    work.git("switch", "--quiet", "-C", "topic")
    changed = {path: text + ("\n" if path.endswith(".lock") else "# why\n") for path, text in pinned("1.0").items()}
    work.commit("a word more in each", changed)
    with serve(table=TABLE) as feed:
        done = judged(work, "--strict", "--json", url=feed.url)
    assert done.returncode == 0, said(done)
    notices = json.loads(done.stdout)["notices"]
    for path in KINDS:
        assert f"{path}:{line(path)}: shop 1.0 has PYSEC-1 (fixed in 1.5), already before this change" in notices


@pytest.mark.parametrize(
    ("path", "text", "reason"),
    [
        ("setup.py", "from setuptools import setup\nsetup()\n", "setup.py is not read: a program"),
        ("uv.lock", "version = 1\n<<<<<<< ours\n", "uv.lock could not be read: not TOML (line 2)"),
        ("poetry.lock", b"\xff\0", "poetry.lock could not be read: not UTF-8"),
        ("pixi.lock", "version: 6\n", "pixi.lock is not read: a lockfile of an unknown kind"),
        ("environment.yml", "dependencies:\n  - numpy>=1\n", "environment.yml: 1 entry for conda"),
        (
            "pyproject.toml",
            '[project]\ndynamic = ["dependencies"]\n',
            "pyproject.toml: 1 entry known only after a build",
        ),
        ("pyproject.toml", '[project]\ndependencies = ["till>=1"]\n', "pyproject.toml: 1 entry with no exact version"),
        ("requirements.in", "till @ git+https://git.example.invalid/till\n", "requirements.in: 1 entry with a url"),
        ("Pipfile.lock", "{}", "Pipfile.lock could not be read: no packages in it"),
    ],
)
def test_what_cannot_be_read_is_never_silent(work: Repo, path: str, text: str | bytes, reason: str) -> None:
    """A warning that names the file and why; exit code 1 where doubt is to refuse."""
    work.commit("a file", {path: text})
    done = judged(work, "--json", url="http://127.0.0.1:9/")
    assert done.returncode == 0, said(done)
    [notice] = json.loads(done.stdout)["notices"]
    assert notice.startswith(f"{WARNING}: {reason}")
    strict = judged(work, "--strict", url="http://127.0.0.1:9/")
    assert strict.returncode == 1, said(strict)
    assert "the dependency audit is not complete" in said(strict)


def test_ranges_beside_a_lock_pass(work: Repo) -> None:
    """The lock is audited; the ranges it was made from are counted, and refuse nothing."""
    lock = "version = 1\n" + TABLES.replace("{key}", "package").replace("shop", "till").replace("{version}", "3.1")
    project = '[project]\nname = "x"\nversion = "1"\ndependencies = ["till>=3"]\n'
    work.commit("a project", {"pyproject.toml": project, "uv.lock": lock})
    with serve(table=TABLE) as feed:
        done = judged(work, "--strict", "--json", url=feed.url)
    assert done.returncode == 0, said(done)
    [notice] = json.loads(done.stdout)["notices"]
    assert notice == "pyproject.toml: 1 entry with no exact version (line 4); a lockfile is beside it"


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
        ({"pyproject.toml": "[tool.ruff]\n"}, {}, False),
    ],
    ids=["changed", "switched off", "nothing changed", "nothing pinned"],
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
