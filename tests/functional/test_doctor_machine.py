"""`orch-gates doctor`: git, the secret scanner, the pin of its rules, and names that nothing reads."""

from __future__ import annotations

import json
import os
import re
import sys
import sysconfig
from pathlib import Path

import pytest

from tests.builders import Repo, bare, clone, github_token, orch, run
from tests.doctor_rig import follow, looked, only

ROOT = Path(__file__).parents[2]


def program(folder: Path, name: str, script: str) -> dict[str, str | None]:
    """A PATH on which a program is this script."""
    folder.mkdir()
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)
    return {"PATH": f"{folder}:{os.environ['PATH']}"}


def test_a_machine_that_is_well_is_green(tmp_path: Path) -> None:
    """Git and the scanner are tried, also where there is no repository, of which nothing is known to be well then."""
    code, found = looked(tmp_path)
    assert (code, found["repository"]["state"]) == (2, "unknown")
    assert found["git"]["state"] == found["engine-kingfisher"]["state"] == found["variables"]["state"] == "ok"
    assert {one["state"] for one in found.values()} == {"ok", "not used", "unknown"}
    assert "no git repository" in found["hook"]["seen"]


def test_nothing_to_look_at_is_not_well(tmp_path: Path) -> None:
    """A job that looks at the wrong folder is not green for ever."""
    assert looked(tmp_path, "--only", "protection")[0] == 2
    assert orch("doctor", "--repo", tmp_path / "nowhere", cwd=tmp_path).returncode == 2


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("exit 1", "git version failed (1)"),
        (
            "case $1 in version) echo git version 2.99;; cat-file) echo something;; *) echo 0;; esac",
            "returns other content",
        ),
        ("sleep 60", "did not finish"),
    ],
)
def test_a_git_that_does_not_work_is_bad(script: str, message: str, tmp_path: Path) -> None:
    """What it does counts, and not what it calls itself; one that hangs is given up."""
    found = only(tmp_path, "git", env=program(tmp_path / "bin", "git", script))
    assert found["state"] == "bad"
    assert message in found["seen"]
    assert "install git" in found["mend"]


def test_a_git_that_cannot_merge_is_a_warning(tmp_path: Path) -> None:
    """Only merges need `git merge-tree --write-tree`."""
    real = next(path for path in os.environ["PATH"].split(":") if (Path(path) / "git").exists())
    env = program(tmp_path / "bin", "git", f'[ "$1" = merge-tree ] && exit 129\nexec {real}/git "$@"')
    found = only(tmp_path, "git", env=env)
    assert (found["state"], "cannot merge" in found["seen"]) == ("warning", True)


def test_a_scanner_that_finds_nothing_is_bad(tmp_path: Path) -> None:
    """A gitleaks of one's own that always says that all is well."""
    env = program(tmp_path / "bin", "gitleaks", "echo '[]'")
    env |= {"ORCH_SECURITY_ENGINE": "gitleaks", "ORCH_GITLEAKS_BIN": str(tmp_path / "bin" / "gitleaks")}
    code, found = looked(tmp_path, "--only", "engine-gitleaks", "--only", "engine-kingfisher", env=env)
    assert (code, found["engine-gitleaks"]["state"]) == (1, "bad")
    assert "orch-gates setup" in found["engine-gitleaks"]["mend"]
    assert found["engine-kingfisher"]["state"] == "not used"


def test_a_scanner_that_is_not_installed_is_bad(tmp_path: Path) -> None:
    """The one that comes with orch-gates, run by a Python that lacks it."""
    python = Path(sys.base_prefix) / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}"
    env = {"PYTHONPATH": os.pathsep.join((str(ROOT), sysconfig.get_paths()["purelib"]))}
    argv = (python, "-m", "orch_gates", "doctor", "--json", "--only", "engine-kingfisher")
    done = run(*argv, cwd=tmp_path, env=env)
    (found,) = json.loads(done.stdout)["checks"]
    assert (done.returncode, found["state"]) == (1, "bad")
    assert "no gate can pass" in found["seen"]


def test_a_pin_of_other_rules_is_bad(tmp_path: Path) -> None:
    """In the environment of a hook as in the hook itself; proving it again, as is said, mends that."""
    assert only(tmp_path, "rules-pin")["state"] == "not used"
    server = bare(tmp_path / "srv" / "app.git")
    assert orch("hook", "install", server.path, cwd=tmp_path).returncode == 0
    assert only(server.path, "rules-pin")["state"] == "ok"
    hook = server.path / "hooks" / "pre-receive"
    pinned = hook.read_text()
    hook.write_text(re.sub(r"sha256:[0-9a-f]{4}", "sha256:beef", pinned))
    found = only(server.path, "rules-pin")
    assert found["state"] == "bad"
    assert "every push is refused" in found["seen"]
    follow({"mend": found["mend"].replace("ROOT", str(tmp_path / "srv"), 1)}, tmp_path)
    assert only(server.path, "rules-pin")["state"] == "ok"
    assert only(tmp_path, "rules-pin", env={"ORCH_SECURITY_PIN": "kingfisher_sdk 0 sha256:beef"})["state"] == "bad"


def test_a_name_that_nothing_reads_is_told(tmp_path: Path) -> None:
    """A switch that is misspelled switches nothing; the name that was probably meant is said, and no value."""
    value = github_token()
    found = only(tmp_path, "variables", env={"ORCH_SECURTY_ENABLED": value, "ORCH_INPUT_TASK": "T-1"})
    assert found["state"] == "warning"
    assert "ORCH_SECURTY_ENABLED (did you mean ORCH_SECURITY_ENABLED?)" in found["seen"]
    assert "INPUT" not in found["seen"]
    assert value not in str(found)
    assert only(tmp_path, "variables", env={"ORCH_SECURITY_ENABLED": "true"})["state"] == "ok"


def test_a_setting_that_is_unusable_makes_nothing_green(tmp_path: Path) -> None:
    """What could not be looked at is said to be so, each with the reason, and the exit code is 2."""
    work = clone(bare(tmp_path / "app.git"), tmp_path / "work")
    code, found = looked(work.path, env={"ORCH_MERGE_GRACE_S": "soon"})
    assert code == 2
    assert {one["state"] for one in found.values()} == {"unknown"}
    assert "ORCH_MERGE_GRACE_S" in found["git"]["seen"]


def test_a_clone_of_several_servers_makes_nothing_green(tmp_path: Path) -> None:
    """At which of them the state and the hook are nobody says, so that nothing is told of either."""
    work = clone(bare(tmp_path / "app.git"), tmp_path / "work")
    work.git("remote", "set-url", "--add", "origin", str(bare(tmp_path / "other.git").path))
    code, found = looked(work.path, "--only", "hook", "--only", "state-branch")
    assert (code, {one["state"] for one in found.values()}) == (2, {"unknown"})
    assert "pushes to 2 URLs" in found["hook"]["seen"]


def test_an_unknown_check_is_wrong_usage(tmp_path: Path) -> None:
    """The one that was probably meant is said."""
    done = orch("doctor", "--only", "hok", cwd=tmp_path)
    assert (done.returncode, b"did you mean hook?" in done.stderr) == (2, True)
    assert orch("doctor", "--repo", tmp_path / "nowhere", cwd=tmp_path).returncode == 2


def test_what_does_not_apply_is_shown_where_it_is_asked_for(tmp_path: Path) -> None:
    """With `--all`, by its name, and to programs: each with the reason."""
    line = "  not applicable  hook: no git repository is here\n"
    everything = orch("doctor", "--all", cwd=tmp_path).stdout.decode()
    assert f"\nhooks\n{line}" in everything
    assert "--all shows them" not in everything
    assert line in orch("doctor", "--only", "hook", cwd=tmp_path).stdout.decode()
    assert looked(tmp_path)[1]["hook"]["state"] == "not used"


def test_a_repository_that_git_cannot_read_is_told_as_that(tmp_path: Path) -> None:
    """It is there: that git does not read it is what has to be mended."""
    work = clone(bare(tmp_path / "app.git"), tmp_path / "work")
    (work.path / ".git" / "config").write_text("[core\n")
    code, found = looked(work.path)
    assert (code, found["repository"]["state"]) == (2, "unknown")
    assert "git cannot read the repository at" in found["repository"]["seen"]
    assert found["hook"]["seen"] == "git cannot read the repository here"


def test_people_read_a_line_for_each_check(tmp_path: Path) -> None:
    """Grouped, with what mends it below, and a line of counts at the end."""
    done = orch("doctor", cwd=tmp_path, env={"ORCH_SECURTY_ENABLED": "1"})
    text = done.stdout.decode()
    assert text.startswith("this machine\n  could not tell  repository: no git repository is here")
    assert "  ok              git: git version " in text
    assert "  warning         variables: no setting is named ORCH_SECURTY_ENABLED" in text
    assert "\n                  mend: unset ORCH_SECURTY_ENABLED" in text
    assert "\nhooks\n" not in text
    folded = re.search(r"\n\n(\d+) checks do not apply here: (.*, hook, .*); --all shows them\n\n", text)
    assert folded is not None
    assert len(folded[2].split(", ")) == int(folded[1])
    ends = r"\n\d+ checks: \d+ ok, 1 warning, 1 could not tell; (\d+) not applicable\n\Z"
    assert (counted := re.search(ends, text)) is not None
    assert counted[1] == folded[1]
    assert not list(Repo(tmp_path).path.iterdir())
