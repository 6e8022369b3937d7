"""Output files: whole or as they were, and never in the place of something else (GATE-6)."""

from __future__ import annotations

import os
import socket
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from orch_gates.errors import ReportError, UsageError
from orch_gates.report import files, output_path
from orch_gates.settings import CiContext

TOP = "tree"


def fifo(path: Path) -> None:
    os.mkfifo(path)


def listening(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(os.path.relpath(path))


def device(path: Path) -> None:
    try:
        os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 3))
    except PermissionError:
        pytest.skip("only root makes devices")


KINDS: dict[str, Callable[[Path], None]] = {
    "folder": lambda path: path.mkdir(),
    "pipe": fifo,
    "socket": listening,
    "device": device,
    "link": lambda path: path.symlink_to("/proc/self/fd/1"),
}


@pytest.fixture(params=KINDS)
def other(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, Path]:
    """Something that is no regular file, and what it is called."""
    # The name of a socket has to be short.
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "other"
    KINDS[request.param](path)
    return request.param, path


def test_old_files_are_removed_and_nothing_else(tmp_path: Path) -> None:
    """Regular files with the suffix that nobody wrote lately; no link is followed, and no folder is entered."""
    for name in ("old.log", "new.log", "old.txt"):
        (tmp_path / name).write_text(name)
        os.utime(tmp_path / name, (0, 99 if name.startswith("old") else 101))
    (tmp_path / "folder.log").mkdir()
    (tmp_path / "link.log").symlink_to(tmp_path / "old.txt")
    files.remove_older(tmp_path, (".log",), 100)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder.log", "link.log", "new.log", "old.txt"]
    files.remove_older(tmp_path / "absent", (".log",), 100)


def test_only_a_regular_file_is_replaced_or_removed(other: tuple[str, Path]) -> None:
    """A device, pipe, socket, folder or link stays what it is, and the refusal names it."""
    kind, path = other
    before = path.lstat()
    with pytest.raises(ReportError, match=f"a {kind}, not a regular file"):
        files.replace(path, "text")
    with pytest.raises(ReportError, match=f"a {kind}, not a regular file"):
        files.remove(path)
    after = path.lstat()
    assert (after.st_mode, after.st_ino) == (before.st_mode, before.st_ino)
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("mask", [0o022, 0o077])
def test_a_new_file_has_the_permissions_that_the_user_wants(mask: int, tmp_path: Path) -> None:
    """As any program's output: what the umask leaves."""
    old = os.umask(mask)
    try:
        files.replace(tmp_path / "new", "text")
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o666 & ~mask


def test_a_file_keeps_its_permissions(tmp_path: Path) -> None:
    """A report that only its owner may read stays so; a set-user-id bit is not carried over."""
    path = tmp_path / "report.md"
    path.write_text("old")
    path.chmod(0o4640)
    files.replace(path, "new")
    assert path.read_text() == "new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


@pytest.mark.parametrize("name", ["r", "x" * 255])
def test_nothing_is_left_behind(name: str, tmp_path: Path) -> None:
    """After a failure and after a success there is the file and nothing else, whatever its name's length."""
    path = tmp_path / name
    files.replace(path, "old")
    with pytest.raises(ReportError, match="cannot write"):
        files.replace(path, "not text: \ud800")
    assert [(found.name, found.read_text()) for found in tmp_path.iterdir()] == [(name, "old")]


def test_a_missing_folder_is_an_error_that_names_it(tmp_path: Path) -> None:
    """No folder is made for a path that may be a slip of the pen."""
    with pytest.raises(ReportError, match=r"report\.md: No such file"):
        files.replace(tmp_path / "absent" / "report.md", "text")
    assert list(tmp_path.iterdir()) == []


def test_removing_what_is_not_there_is_no_error(tmp_path: Path) -> None:
    """Neither the file nor its folder has to be there."""
    files.remove(tmp_path / "absent")
    files.remove(tmp_path / "absent" / "too")


def test_a_file_is_made_once(tmp_path: Path) -> None:
    """The second of two that make one file is told so, and the first one's stays, for its owner alone."""
    path = tmp_path / "key"
    assert files.create(path, "first", 0o600)
    assert not files.create(path, "second", 0o600)
    assert path.read_text() == "first"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


# --- the path that a person names -------------------------------------------------------------------


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A work tree beside a folder of somebody else's, with links as a branch may hold them."""
    tree, away = tmp_path / TOP, tmp_path / "away"
    for folder in (tree / "sub", away):
        folder.mkdir(parents=True)
    (away / "precious").write_text("precious")
    (tree / "file").write_text("")
    for name, target in {
        "out": away,
        "up": Path(".."),
        "inner": Path("sub"),
        "to-file": Path("sub/report"),
        "to-precious": away / "precious",
        "to-new": away / "new",
        "loop": Path("loop"),
    }.items():
        (tree / name).symlink_to(target)
    return tree


@pytest.mark.parametrize(
    ("named", "written"),
    [
        ("report", f"{TOP}/report"),
        ("file", f"{TOP}/file"),
        ("sub/report", f"{TOP}/sub/report"),
        ("sub/../report", f"{TOP}/report"),
        ("inner/report", f"{TOP}/sub/report"),
        ("to-file", f"{TOP}/sub/report"),
        ("../away/report", "away/report"),
        ("../away/precious", "away/precious"),
    ],
)
def test_a_path_for_a_file_is_followed(named: str, written: str, tree: Path, tmp_path: Path) -> None:
    """Links that stay in the work tree are followed; what a person names outside of it is his own."""
    for path in (tree / named, Path(os.path.relpath(tree)) / named):
        assert output_path.resolve(path, tree, "--report") == tmp_path / written


@pytest.mark.parametrize(
    ("named", "complaint"),
    [
        ("absent/report", "the folder .*absent does not exist; create it"),
        ("file/report", "file is not a folder"),
        ("sub", "this is a folder, not a regular file"),
        ("out/report", "leads out of the work tree, to .*away"),
        ("inner/../out/report", "leads out of the work tree"),
        ("up/report", "leads out of the work tree"),
        ("to-precious", "leads out of the work tree, to .*precious"),
        ("to-new", "leads out of the work tree"),
        ("loop", "this is a link|leads out"),
        ("..", "this is a folder"),
    ],
)
def test_a_path_for_no_file_is_refused_before_anything_is_judged(named: str, complaint: str, tree: Path) -> None:
    """One line says what is there and where a link of the tree leads."""
    with pytest.raises(UsageError, match=f"^--sarif .*{complaint}") as error:
        output_path.resolve(tree / named, tree, "--sarif")
    assert "\n" not in str(error.value)


def test_the_tree_by_another_name_is_still_the_tree(tree: Path, tmp_path: Path) -> None:
    """Whoever comes through a link to the work tree is kept in it as well."""
    (tmp_path / "alias").symlink_to(tree)
    assert output_path.resolve(tmp_path / "alias" / "report", tree, "--report") == tree / "report"
    with pytest.raises(UsageError, match="leads out of the work tree"):
        output_path.resolve(tmp_path / "alias" / "out" / "report", tree, "--report")


def test_outside_of_a_work_tree_no_link_is_written_to(tmp_path: Path) -> None:
    """There is no tree to stay in; the folders on the way may be links, as on some systems."""
    (tmp_path / "real").mkdir()
    (tmp_path / "way").symlink_to("real")
    (tmp_path / "link").symlink_to("real/report")
    assert output_path.resolve(tmp_path / "way" / "report", None, "--report") == tmp_path / "real" / "report"
    with pytest.raises(UsageError, match="this is a link"):
        output_path.resolve(tmp_path / "link", None, "--report")


def test_what_is_no_file_is_named(other: tuple[str, Path]) -> None:
    """Before anything is judged, and without opening it."""
    kind, path = other
    with pytest.raises(UsageError, match=f"this is a {kind}"):
        output_path.resolve(path, None, "--report")


def runner(output: Path) -> CiContext:
    return CiContext(True, "", "", "", str(output), "")


def test_the_runners_files_are_looked_at_first(other: tuple[str, Path], tmp_path: Path) -> None:
    """What the runner collects is a file, or nothing is judged; its own links are followed."""
    kind, path = other
    if kind == "link":
        path.unlink()
        path.symlink_to("/dev/null")
    with pytest.raises(UsageError, match=r"GITHUB_OUTPUT .*not a regular file; unset"):
        output_path.check_runner_files(runner(path))
    with pytest.raises(UsageError, match=r"GITHUB_OUTPUT .*the folder .* does not exist"):
        output_path.check_runner_files(runner(tmp_path / "absent" / "output"))
    real, link = tmp_path / "real", tmp_path / "link"
    link.symlink_to(real)
    for good in (real, link):
        output_path.check_runner_files(runner(good))
        files.append(good, "x\n")
    assert real.read_text() == "x\nx\n"


def test_a_runners_file_that_is_none_is_not_waited_for(other: tuple[str, Path]) -> None:
    """A pipe that nobody reads, a folder, a device: an error at once (GATE-6)."""
    kind, path = other
    with pytest.raises(ReportError, match=r"is a|cannot write"):
        files.append(path if kind != "link" else path.parent, "x\n")


@pytest.mark.parametrize("write", [files.replace, lambda path, text: files.create(path, text, 0o600)])
def test_what_a_killed_process_left_goes_with_the_next_file(
    write: Callable[[Path, str], object], tmp_path: Path
) -> None:
    """Of whatever is written so: a page, a report, an effect that was made."""
    left = tmp_path / f".orch-gates-{'0' * 16}.tmp"
    left.write_text("half\n")
    os.utime(left, (0, 0))
    write(tmp_path / "report.md", "whole\n")
    assert [path.name for path in tmp_path.iterdir()] == ["report.md"]
