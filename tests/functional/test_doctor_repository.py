"""`orch-gates doctor`: the configuration, the history, attributes that servers ignore, and exceptions that ended."""

from __future__ import annotations

import re
import secrets
from datetime import date, timedelta
from pathlib import Path

import pytest

from orch_gates import clock
from orch_gates.gates.security import allowlist_file, baseline_file
from orch_gates.gates.security.allowlist import AllowedFinding
from orch_gates.gates.security.baseline import Baseline, BaselineEntry
from tests.builders import Repo, bare, clone, orch
from tests.doctor_rig import Found, follow, only

WAIVER = """\
---
schema: orch.staging-infra/1
entries:
  - id: no-dns
    check: "*::test_reaches*"
    signature: "Name or service not known"
    owner: ops
    reason: the sandbox has no network
    expires: {last}
    uses: 3
---
"""
TODAY = clock.utc_now().date()
PAST, SOON, LATER = (TODAY + timedelta(days=days) for days in (-1, 7, 100))


class Project:
    """A server and a clone of it; `land` puts files on the default branch."""

    def __init__(self, folder: Path) -> None:
        self.server = bare(folder / "app.git")
        self.work: Repo = clone(self.server, folder / "work")
        self.env: dict[str, str | None] = {"ORCH_CACHE_DIR": str(folder / "cache"), "ORCH_STATE_BY": "ann"}
        self.land({"README.md": "# A project\n"})
        self.work.git("remote", "set-head", "origin", "--auto")

    def land(self, files: dict[str, str]) -> None:
        self.work.commit(files=files)
        self.work.git("push", "--quiet", "origin", "HEAD:refs/heads/main")
        self.work.git("fetch", "--quiet")

    def look(self, name: str) -> Found:
        return only(self.work.path, name, env=self.env)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def allowed(last: date) -> dict[str, str]:
    """A list of one allowed finding."""
    made = f"hmac-sha256-path:{secrets.token_hex(32)}"
    entry = AllowedFinding(made, "a.py", "orch.github-token", "ops@example.invalid", "a sandbox", last)
    return {".orch-gates/allowed-secrets.md": allowlist_file.encode([entry])}


def test_a_configuration_that_cannot_be_used_is_bad(project: Project) -> None:
    """All that rests on it could be anything; the line and column are said."""
    assert project.look("configuration")["state"] == "not used"
    project.land({".orch-gates.yaml": "merge:\n  fence: hok\n"})
    found = project.look("configuration")
    assert (found["state"], ".orch-gates.yaml:2:10" in found["seen"]) == ("bad", True)
    assert orch("config", "check", ".orch-gates.yaml", cwd=project.work.path).returncode == 1
    project.land({".orch-gates.yaml": "merge:\n  fence: hook\n"})
    assert project.look("configuration")["state"] == "ok"
    follow({"mend": "orch-gates config check .orch-gates.yaml"}, project.work.path)


def test_a_history_that_is_cut_off_is_bad(project: Project, tmp_path: Path) -> None:
    """A shallow clone, and one without contents; what is said makes each whole."""
    assert project.look("history")["state"] == "ok"
    project.land({"b.txt": "b\n"})
    project.land({"b.txt": "c\n"})
    project.server.git("config", "uploadpack.allowFilter", "true")
    project.server.git("config", "uploadpack.allowAnySHA1InWant", "true")
    for option, words in (("--depth=1", "shallow"), ("--filter=blob:none", "--filter=blob:none")):
        folder = tmp_path / option
        project.work.git("clone", "--quiet", option, f"file://{project.server.path}", str(folder))
        found = only(folder, "history")
        assert (found["state"], words in found["seen"]) == ("bad", True)
        follow(found, folder)
        assert only(folder, "history")["state"] == "ok"


def test_a_union_that_servers_do_not_make(project: Project) -> None:
    """It is no matter where branches are caught up before the server merges them."""
    assert project.look("union-merge")["state"] == "not used"
    project.land({".gitattributes": "# merge=union\nCHANGELOG.md text merge=union\n*.bin binary\n"})
    found = project.look("union-merge")
    assert (found["state"], "CHANGELOG.md: " in found["seen"]) == ("warning", True)
    project.land({".gitattributes": "\ufeffNEWS.md merge=union\n"})
    assert project.look("union-merge")["seen"].startswith("NEWS.md: ")
    project.land({".orch-gates.yaml": "merge:\n  fence: status\n"})
    assert project.look("union-merge")["state"] == "ok"
    project.land({".orch-gates.yaml": "merge:\n  fence: none\n"})
    assert project.look("union-merge")["state"] == "warning"
    assert orch("state", "init", cwd=project.work.path, env=project.env).returncode == 0
    assert project.look("union-merge")["state"] == "ok"


def test_a_green_that_waits_for_no_status_in_particular(project: Project) -> None:
    """The first status is green before others have begun; a name, or a number, is waited for."""
    project.env["ORCH_FORGE"] = "local"
    assert project.look("ci-contexts")["state"] == "not used", "nothing is moved by a status"
    assert orch("state", "init", cwd=project.work.path, env=project.env).returncode == 0
    found = project.look("ci-contexts")
    assert (found["state"], "green once its first status is" in found["seen"]) == ("warning", True)
    (advice,) = re.findall(r"`(ci_green: [^`]*)`", found["mend"])
    project.land({".orch-gates.yaml": f"{advice}\n"})
    found = project.look("ci-contexts")
    assert found["state"] == "ok", found
    project.land({".orch-gates.yaml": "ci_green:\n  least: 2\n"})
    assert project.look("ci-contexts")["state"] == "ok"
    project.land({".orch-gates.yaml": 'ci_green: {contexts: ["*"]}\n'})
    assert project.look("ci-contexts")["state"] == "warning", "any status is one of these"
    project.land({".orch-gates.yaml": "ci_green: {enabled: false}\nmerge: {test: make}\n"})
    assert project.look("ci-contexts")["state"] == "not used", "a command proves a commit"
    project.land({".orch-gates.yaml": "ci_green: {enabled: false}\n"})
    assert project.look("ci-contexts")["state"] == "warning", "a merge waits for the statuses of the merged commit"
    project.land({".orch-gates.yaml": "pipeline: merge-queue\n"})
    assert project.look("ci-contexts")["state"] == "bad"
    project.land({".orch-gates.yaml": "ci_green: {contexts: [test]}\nbogus: 1\n"})
    assert project.look("ci-contexts")["state"] == "unknown"
    project.land({".orch-gates.yaml": ""})
    project.env["ORCH_FORGE"] = "none"
    assert project.look("ci-contexts")["state"] == "not used", "the gate reads a report"


def test_exceptions_that_ended(project: Project) -> None:
    """Each list has its own way out; one that ends soon is named, and what is said takes the old ones away."""
    assert project.look("exceptions")["state"] == "not used"
    project.land(allowed(SOON))
    found = project.look("exceptions")
    assert (found["state"], f"until {SOON}" in found["seen"]) == ("ok", True)
    project.land(allowed(PAST))
    found = project.look("exceptions")
    assert (found["state"], f"expired after {PAST}" in found["seen"]) == ("warning", True)
    follow(found, project.work.path)
    project.work.commit(files={"note": "taken out\n"})
    project.work.git("push", "--quiet", "origin", "HEAD:refs/heads/main")
    project.work.git("fetch", "--quiet")
    assert project.look("exceptions")["state"] == "not used"
    old = BaselineEntry(
        f"hmac-sha256-path:{secrets.token_hex(32)}", secrets.token_hex(20), 1, "orch.github-token", "old.py"
    )
    known = Baseline("ops", "from before", PAST, "0" * 16, (old,))
    project.land({".orch-gates/secrets-baseline.md": baseline_file.encode(known)})
    found = project.look("exceptions")
    assert (found["state"], "the baseline of ops" in found["seen"]) == ("warning", True)
    follow(found, project.work.path)
    project.work.git("commit", "--quiet", "--all", "--message", "take it out")
    project.work.git("push", "--quiet", "origin", "HEAD:refs/heads/main")
    project.work.git("fetch", "--quiet")
    assert project.look("exceptions")["state"] == "not used"
    project.land({".orch-gates/staging-infra.md": WAIVER.format(last=PAST)})
    found = project.look("exceptions")
    assert (found["state"], "no-dns (of ops)" in found["seen"]) == ("warning", True)
    assert "staging-infra.md" in found["mend"]


def test_a_list_that_cannot_be_read_is_bad(project: Project) -> None:
    """Every gate that reads it refuses."""
    project.land(allowed(LATER))
    assert project.look("exceptions")["state"] == "ok"
    project.land({".orch-gates/allowed-secrets.md": "no list\n"})
    assert project.look("exceptions")["state"] == "bad"


@pytest.mark.parametrize("name", ["actions", "secrets"])
def test_a_workflow_that_cannot_be_read_is_not_one_that_asks_for_nothing(name: str, project: Project) -> None:
    """git goes on past a damaged file, and ends as if nothing was in it (P2)."""
    path = ".gitea/workflows/queue.yml"
    assert project.look(name)["state"] == "not used"
    step = "- uses: http://127.0.0.1:9/a/b/actions/queue@1\n"
    project.land({path: f"{step}  with: {{token: '${{{{ secrets.ORCH_TOKEN }}}}'}}\n"})
    blob = project.work.git("rev-parse", f"HEAD:{path}")
    (project.work.path / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    found = project.look(name)
    assert (found["state"], "could not be read" in found["seen"]) == ("unknown", True)
