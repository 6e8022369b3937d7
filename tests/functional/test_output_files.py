"""The files that a person or a runner names for output, with the real command (GATE-6)."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from tests.builders import Done, Repo, github_token, orch

NO_AUDIT = {"ORCH_SECURITY_DEP_AUDIT_ENABLED": "false"}
RECORDED = ("gate", "ci-green")
OPTIONS = pytest.mark.parametrize("option", ["--report", "--sarif"])


@pytest.fixture
def work(tmp_path: Path) -> Repo:
    """A clone with a leak that no scanner has to find: what is tested comes before."""
    made = Repo(tmp_path / "work")
    made.path.mkdir()
    made.git("init", "--quiet", "--initial-branch=main")
    made.commit(files={"README.md": "# A project\n"})
    made.git("update-ref", "refs/remotes/origin/main", "HEAD")
    return made


def gate(work: Repo, *args: str | Path, **env: str | None) -> Done:
    done = orch("gate", "security", "--base", "origin/main", *args, cwd=work.path, env={**NO_AUDIT, **env})
    assert b"Traceback" not in done.stderr
    return done


def null(folder: Path) -> Path:
    """The device that swallows everything: one of the test's own where root runs it, who could lose the real one."""
    if os.geteuid() != 0:
        return Path("/dev/null")
    try:
        os.mknod(folder / "null", stat.S_IFCHR | 0o666, os.makedev(1, 3))
    except PermissionError:
        pytest.skip("this root may make no device, but could replace one")
    return folder / "null"


def refused(done: Done, option: str) -> None:
    """Exit code 2, one line that begins with the option, and nothing judged."""
    assert done.returncode == 2
    assert done.stdout == b""
    [line] = done.stderr.decode().splitlines()
    assert line.startswith(f"orch-gates: {option} ")


@OPTIONS
def test_a_device_stays_a_device(option: str, work: Repo, tmp_path: Path) -> None:
    """As root, too: renaming a file over /dev/null breaks every program of the machine."""
    device = null(tmp_path)
    before = device.lstat()
    done = gate(work, option, device)
    refused(done, option)
    assert b"this is a device" in done.stderr
    assert (device.lstat().st_mode, device.lstat().st_ino) == (before.st_mode, before.st_ino)


@OPTIONS
@pytest.mark.parametrize("way", ["/proc/self/fd/1", "/proc/self/fd/2", "/dev/null", "/tmp", "nowhere/at/all"])
def test_a_link_like_that_of_stdout_stays_a_link(option: str, way: str, work: Repo, tmp_path: Path) -> None:
    """Neither what it leads to nor the link itself is written to."""
    link = tmp_path / "link"
    link.symlink_to(way)
    refused(gate(work, option, link), option)
    assert link.readlink() == Path(way)


@OPTIONS
def test_a_pipe_is_not_waited_for(option: str, work: Repo, tmp_path: Path) -> None:
    """What a shell puts in the place of `>(...)` is refused at once."""
    os.mkfifo(tmp_path / "pipe")
    refused(gate(work, option, tmp_path / "pipe"), option)
    assert stat.S_ISFIFO((tmp_path / "pipe").lstat().st_mode)


@OPTIONS
def test_a_missing_folder_is_named_and_not_made(option: str, work: Repo) -> None:
    """The path may be a slip of the pen; `mkdir -p` is one line of a workflow."""
    done = gate(work, option, "build/out/file")
    refused(done, option)
    assert b"the folder build/out does not exist" in done.stderr
    assert not (work.path / "build").exists()


@OPTIONS
@pytest.mark.parametrize("named", ["out/file", "file"])
def test_a_link_of_the_judged_tree_leads_nowhere(option: str, named: str, work: Repo, tmp_path: Path) -> None:
    """A branch that turns a folder or file of the workflow into a link has nothing written outside (OWN-3)."""
    away = tmp_path / "away"
    away.mkdir()
    (away / "file").write_text("precious")
    (work.path / named.split("/", maxsplit=1)[0]).symlink_to(away if "/" in named else away / "file")
    done = gate(work, option, named)
    refused(done, option)
    assert b"leads out of the work tree" in done.stderr
    assert [(found.name, found.read_text()) for found in away.iterdir()] == [("file", "precious")]


def test_two_outputs_in_one_file_are_refused(work: Repo) -> None:
    """The report that counts would be overwritten by the other."""
    refused(gate(work, "--report", "one", "--sarif", "./one"), "--report")
    assert not (work.path / "one").exists()


def test_files_are_written_where_they_were_named(work: Repo, real: object, tmp_path: Path) -> None:
    """Relative to the current folder, through a link within the tree, over an older file, and nothing beside them."""
    assert callable(real)
    real("gitleaks")
    (work.path / "sub").mkdir()
    (work.path / "inner").symlink_to("sub")
    (work.path / "old.sarif").write_text("{}")
    work.commit(files={"a.txt": github_token()})
    done = gate(work, "--report", "inner/report.md", "--sarif", "old.sarif")
    assert done.returncode == 1, done.stderr
    assert b"Report: inner/report.md" in done.stdout
    assert "FAIL" in (work.path / "sub" / "report.md").read_text()
    assert "github-pat" in (work.path / "old.sarif").read_text()
    assert sorted(found.name for found in work.path.iterdir()) == [
        ".git",
        "README.md",
        "a.txt",
        "inner",
        "old.sarif",
        "sub",
    ]
    assert list((work.path / "sub").iterdir()) == [work.path / "sub" / "report.md"]


@pytest.mark.parametrize("variable", ["GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"])
@pytest.mark.parametrize("args", [("gate", "security", "--base", "origin/main"), RECORDED])
def test_the_runners_files_are_files(variable: str, args: tuple[str, ...], work: Repo, tmp_path: Path) -> None:
    """A device or a folder in their place is told before anything is judged, and stays."""
    device = null(tmp_path)
    for place in (device, tmp_path, tmp_path / "absent" / "file"):
        env = {"GITHUB_ACTIONS": "true", "CI": "true", variable: str(place), **NO_AUDIT}
        refused(orch(*args, cwd=work.path, env=env), variable)
    assert stat.S_ISCHR(device.lstat().st_mode)


def test_a_device_in_place_of_the_usual_report_stays(work: Repo, tmp_path: Path) -> None:
    """Also where nobody named a path."""
    if os.geteuid() != 0:
        pytest.skip("only root makes devices")
    (work.path / ".git" / "orch-gates").mkdir()
    report = work.path / ".git" / "orch-gates" / "17-security-report.md"
    null(tmp_path).rename(report)
    done = gate(work)
    assert done.returncode == 2
    assert b"is a device, not a regular file" in done.stderr
    assert stat.S_ISCHR(report.lstat().st_mode)


def test_a_key_is_made_once_for_its_owner(work: Repo) -> None:
    """Whole or not at all, and never over another."""
    path = work.path / ".git" / "orch-gates" / "allow-key"
    assert orch("secrets", "key", cwd=work.path).returncode == 0
    first = path.read_text()
    assert len(first.strip()) == 64
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    done = orch("secrets", "key", cwd=work.path)
    assert (done.returncode, path.read_text()) == (0, first)
    assert b"kept" in done.stdout
    assert list(path.parent.iterdir()) == [path]
