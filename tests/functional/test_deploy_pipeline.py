"""The default pipeline from staging to done: what was validated is deployed, then merged and proven (ENG-1, DEP-1)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import merge_rig
from tests.merge_rig import MergeRig

DIGEST = "sha256:" + "ab" * 32
CONFIG = """\
merge:
  test: sh ./test.sh
  fence: none
  grace_s: 1
  retry_base_s: 1
"""
# What other tests are about.
SKIPPED = {f"ORCH_{gate}_ENABLED": "false" for gate in ("CI_GREEN", "REVIEW_APPROVED", "SECURITY")}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return merge_rig.template(tmp_path_factory.mktemp("pipeline"), config=CONFIG)


@pytest.fixture
def rig(made: Path, tmp_path: Path) -> MergeRig:
    found: MergeRig = merge_rig.copy(made, tmp_path / "project")
    found.env |= SKIPPED
    return found


def report(rig: MergeRig, gate: str, word: str) -> None:
    rig.ok("task", "report", "T-1", gate, word, "--reason", "looked at")


def staged(rig: MergeRig) -> str:
    """T-1 in the stage `deploy`: validated for the merge, with an image that is proven; answers the commit."""
    rig.task("T-1", {"values/a": "7\n"})
    # Somebody else was faster, so the branch has to be caught up.
    rig.branch("main", {"values/b": "8\n"})
    rig.ok("advance", "T-1", "--approve")
    rig.ok("advance", "T-1")
    rig.ok("advance", "T-1")
    rig.ok("advance", "T-1")
    report(rig, "tests-passed", "PASSED")
    rig.ok("advance", "T-1")
    report(rig, "staging-status", "SUCCESS")
    assert rig.gate("T-1")[0] == 0
    commit = str(rig.attempt("T-1")["commit"])
    report(rig, "staging-status", "SUCCESS")
    path = rig.folder / "19-image-report.md"
    path.write_text(
        f"---\nschema: orch.report/1\ngate: image-freshness\nimage_status: FRESH\nhead: {commit}\n"
        f"reason: proven\nevidence: {{digest: '{DIGEST}'}}\n---\n"
    )
    rig.ok("task", "report", "T-1", "--file", str(path))
    rig.ok("advance", "T-1")
    assert rig.state_of("T-1") == ("deploy", "active")
    return commit


def test_what_was_validated_is_deployed_then_merged(rig: MergeRig) -> None:
    """The command is told the caught-up commit and its proven image; the merge is finished after it."""
    commit = staged(rig)
    first = rig.main
    done = rig.say("deploy", "--task", "T-1", "--", "sh", "-c", 'echo "$EXPECTED_REVISION $EXPECTED_DIGEST"')
    assert done.returncode == 0, done.stderr.decode()
    assert done.stdout.decode() == f"{commit} {DIGEST}\n"
    assert rig.main == first
    assert rig.state_of("T-1") == ("deploy", "active")
    code, verdict = rig.merge("T-1")
    assert code == 0, verdict
    assert rig.state_of("T-1") == ("done", "done")
    assert rig.server.git("rev-parse", "refs/heads/main^2") == commit
    again = rig.say("deploy", "--task", "T-1", "--", "touch", "twice")
    assert (again.returncode, (rig.work.path / "twice").exists()) == (0, False)
    assert "legal" in rig.ok("state", "verify")


def test_a_red_deploy_is_sent_back_and_never_merged(rig: MergeRig) -> None:
    staged(rig)
    first = rig.main
    done = rig.say("deploy", "--task", "T-1", "--", "sh", "-c", "echo no room left; exit 1")
    assert done.returncode == 1
    assert rig.state_of("T-1") == ("development", "active")
    assert rig.merge("T-1")[0] != 0
    assert rig.main == first


def test_a_refused_deploy_waits_for_a_person_and_is_not_merged(rig: MergeRig) -> None:
    staged(rig)
    first = rig.main
    assert rig.say("deploy", "--task", "T-1", "--", "sh", "-c", "exit 2").returncode == 2
    assert rig.state_of("T-1") == ("deploy", "held")
    assert rig.merge("T-1")[0] != 0
    assert rig.main == first


def test_what_was_pushed_after_the_validation_is_not_deployed(rig: MergeRig) -> None:
    """Only what was tested with the target reaches production."""
    commit = staged(rig)
    rig.branch("task/T-1", {"values/c": "9\n"}, base=commit, force=True)
    done = rig.say("deploy", "--task", "T-1", "--", "touch", "ran")
    assert done.returncode == 2
    assert f"{commit[:10]} was validated for the merge" in done.stderr.decode()
    assert not (rig.work.path / "ran").exists()
