"""`orch-gates init` in real repositories, common and odd: what it writes, leaves alone, and takes away (UX-1)."""

from __future__ import annotations

import json
import os
import pty
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests import somebody
from tests.builders import PROGRAM, Done, Repo, bare, clone, github_token, orch, run
from tests.conftest import REQUIRE_REAL

COMMIT = "0123456789" * 4
ACTIONS = f"https://git.example.invalid/orch/orch-gates@{COMMIT}"
LEVELS = {
    0: {"security"},
    1: {"security", "queue"},
    2: {"security", "queue", "merge", "issues", "sweep"},
}
CI = "name: ci\non: [push, pull_request]\njobs:\n  test:\n    runs-on: ubuntu-latest\n    steps: [{run: make}]\n"
Init = Callable[..., Done]


@pytest.fixture
def work(tmp_path: Path) -> Repo:
    """A repository with a first commit and tests, whose server does not answer."""
    made = empty(tmp_path / "app")
    made.commit("first", {"Makefile": "test:\n\ttrue\n", "app.py": "x = 1\n"})
    made.git("remote", "add", "origin", "http://127.0.0.1:9/acme/app.git")
    return made


def empty(path: Path) -> Repo:
    path.mkdir(parents=True)
    made = Repo(path)
    made.git("init", "--quiet", "-b", "main")
    return made


def init(work: Repo, *args: str | Path, **env: str) -> Done:
    """Run it where nobody can be asked; no traceback comes of it."""
    done = orch("init", *args, cwd=work.path, env=env)
    assert b"Traceback" not in done.stderr
    assert b"bug" not in done.stderr
    return done


def said(done: Done, code: int = 0) -> dict[str, Any]:
    assert done.returncode == code, (done.stdout, done.stderr)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def files(work: Repo) -> dict[str, bytes]:
    """Everything in the work tree."""
    paths = (
        path for path in work.path.rglob("*") if path.is_file() and ".git" not in path.relative_to(work.path).parts
    )
    return {str(path.relative_to(work.path)): path.read_bytes() for path in paths}


def deeds(document: dict[str, Any]) -> dict[str, str]:
    return {one["path"]: one["deed"] for one in document["files"]}


@pytest.mark.parametrize("level", [0, 1, 2])
@pytest.mark.parametrize("forge", ["gitea", "forgejo", "github"])
def test_every_level_is_written_once_and_taken_away(
    work: Repo, level: int, forge: str, real: Callable[[str], Path]
) -> None:
    """What is written is valid, a second run changes nothing, and `--remove` leaves what was there (MRG-11)."""
    before = files(work)
    args = ("--yes", "--json", "--level", str(level), "--forge", forge)
    # actionlint knows no urls of actions.
    first = said(init(work, *args, "--actions", f"orch/orch-gates@{COMMIT}"))
    folder = work.path / f".{forge}" / "workflows"
    assert {path.stem for path in folder.iterdir()} == LEVELS[level]
    assert set(deeds(first).values()) == {"create"}
    assert (work.path / ".gitattributes").read_text().endswith("CHANGELOG.md merge=union\n")
    assert orch("config", "check", cwd=work.path).returncode == 0
    workflows = sorted(folder.iterdir())
    for program, options in (
        ("actionlint", ("-shellcheck=", "-pyflakes=")),
        ("zizmor", ("--quiet", "--pedantic", "--offline")),
    ):
        checked = run(real(program), *options, *workflows, cwd=work.path)
        assert checked.returncode == 0, checked.stdout
    assert work.git("status", "--porcelain") != ""
    assert work.git("rev-list", "--count", "HEAD") == "1"

    written = files(work)
    again = said(init(work, *args))
    assert set(deeds(again).values()) == {"same"}
    assert again["next"] == []
    assert files(work) == written
    text = init(work, "--yes", "--forge", forge)
    assert b"nothing was changed: the files are as they should be" in text.stdout

    assert set(deeds(said(init(work, "--remove", "--yes", "--json"))).values()) == {"delete"}
    assert files(work) == before
    assert not (work.path / f".{forge}").exists()
    assert b"no file here is as init wrote it" in init(work, "--remove", "--yes").stdout


def test_what_to_do_next_works_as_printed(tmp_path: Path) -> None:
    """Three commands, from any folder of the clone; nothing was committed or pushed before."""
    server = bare(tmp_path / "app.git")
    work = clone(server, tmp_path / "work")
    work.write("docs/a.md", "a\n")
    done = orch("init", "--yes", "--forge", "gitea", "--actions", ACTIONS, cwd=work.path / "docs")
    assert done.returncode == 0, done.stderr
    commands = done.stdout.decode().partition("Next:\n")[2].splitlines()
    assert [line.split()[0:2] for line in commands] == [
        ["cd", str(work.path)],
        *(["git", word] for word in ("add", "commit", "push")),
    ]
    assert server.attempt("rev-parse", "--verify", "--quiet", "main").returncode == 1
    shell = run("sh", "-e", "-c", "\n".join(commands), cwd=work.path / "docs")
    assert shell.returncode == 0, shell.stderr
    assert server.git("ls-tree", "--name-only", "main").split() == [".gitattributes", ".gitea", ".orch-gates.yaml"]
    # Once they are committed, taking them away is a change that git has to be told of.
    removed = said(init(work, "--remove", "--yes", "--json"))
    shell = run("sh", "-e", "-c", "\n".join(removed["next"]), cwd=work.path)
    assert shell.returncode == 0, shell.stderr
    assert server.git("ls-tree", "--name-only", "main") == ""


def test_a_dry_run_writes_nothing_and_shows_a_diff(work: Repo) -> None:
    before = files(work)
    done = init(work, "--dry-run", "--level", "1", "--forge", "gitea", "--actions", ACTIONS)
    assert done.returncode == 0, done.stderr
    assert files(work) == before
    assert b"--- /dev/null\n+++ b/.gitea/workflows/queue.yml\n@@ -0,0 +1," in done.stdout
    assert b"would create" in done.stdout
    assert b'+  test: "make test"    # seen in Makefile:1\n' in done.stdout


def test_level_0_needs_neither_network_nor_token(work: Repo) -> None:
    """The forge is told by its address, or by the workflows that are there."""
    work.git("remote", "set-url", "origin", "git@github.com:acme/app.git")
    document = said(init(work, "--yes", "--json", "--actions", "acme/orch-gates@" + COMMIT))
    assert (document["forge"], document["level"]) == ("github", 0)
    work.git("remote", "set-url", "origin", "http://127.0.0.1:9/acme/app.git")
    work.write(".forgejo/workflows/ci.yml", CI)
    document = said(init(work, "--dry-run", "--json", "--level", "0", "--actions", ACTIONS))
    assert (document["forge"], document["forge_told_by"]) == ("forgejo", "its workflows")


@pytest.mark.parametrize(
    ("args", "option"),
    [
        ((), b"--forge KIND"),
        (("--forge", "gitea"), b"--level"),
        (("--forge", "gitea", "--level", "1"), b"--yes"),
        (("--forge", "github", "--level", "0"), b"--actions OWNER/NAME"),
    ],
)
def test_nobody_is_asked_without_a_terminal(work: Repo, args: tuple[str, ...], option: bytes) -> None:
    """What has to be said is named by its option, and nothing is written."""
    before = files(work)
    done = init(work, *args, "--actions", ACTIONS)
    assert done.returncode == 2
    assert option in done.stderr
    assert files(work) == before


def test_a_person_is_asked_only_what_cannot_be_found_out(work: Repo) -> None:
    """At a terminal: the forge that does not answer, the level, and whether to write."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [str(PROGRAM), "init", "--actions", ACTIONS], cwd=work.path, stdin=theirs, stdout=theirs, stderr=theirs
    ) as child:
        os.close(theirs)
        os.write(ours, b"gitea\n0\ny\n")
        seen = b""
        while b"git push" not in seen:
            try:
                seen += os.read(ours, 65536)
            except OSError:
                break
        assert child.wait(60) == 0, seen
    os.close(ours)
    assert seen.index(b"Which kind is it?") < seen.index(b"Which one?") < seen.index(b"Write these 3 files?")
    assert (work.path / ".gitea/workflows/security.yml").is_file()


def test_what_a_person_declines_is_not_written(work: Repo) -> None:
    before = files(work)
    ours, theirs = pty.openpty()
    argv = [str(PROGRAM), "init", "--actions", ACTIONS, "--level", "0", "--forge", "gitea"]
    with subprocess.Popen(argv, cwd=work.path, stdin=theirs, stdout=subprocess.PIPE, stderr=theirs) as child:
        os.close(theirs)
        os.write(ours, b"n\n")
        child.communicate(timeout=60)
        assert child.returncode == 2
    os.close(ours)
    assert files(work) == before


def test_workflows_that_judge_pull_requests_are_what_proves_a_commit(work: Repo) -> None:
    """Then no test command is written, and the end of these workflows wakes the queue."""
    work.write(".gitea/workflows/ci.yml", CI)
    document = said(init(work, "--yes", "--json", "--level", "1", "--forge", "gitea", "--actions", ACTIONS))
    assert document["contexts"] == ["ci / test (*)", "orch/security/main"]
    assert "workflows: [ci, security]" in (work.path / ".gitea/workflows/queue.yml").read_text()
    assert "\n  test:" not in (work.path / ".orch-gates.yaml").read_text()
    assert deeds(document).get(".gitea/workflows/ci.yml") is None


def test_a_new_folder_never_hides_the_workflows_that_are_there(work: Repo) -> None:
    """Gitea looks into `.github` only where there is no `.gitea`."""
    work.write(".github/workflows/ci.yml", CI)
    document = said(init(work, "--yes", "--json", "--forge", "gitea", "--actions", ACTIONS))
    assert ".github/workflows/security.yml" in deeds(document)
    assert not (work.path / ".gitea").exists()


def test_a_forge_that_does_not_answer_stops_no_file(work: Repo) -> None:
    """What a token was to do there is said with its reason; the files are as planned."""
    args = ("--yes", "--json", "--forge", "gitea", "--actions", ACTIONS, "--level", "1")
    document = said(init(work, *args, ORCH_FORGE_TOKEN=github_token()), 2)
    assert set(deeds(document).values()) == {"create"}
    (failed,) = document["steps"]
    assert (failed["what"], failed["outcome"]) == ("the forge", "could not")
    assert "nothing answers there" in failed["why"]
    assert failed["why"].endswith("; no further request was sent")
    assert failed["by_hand"].startswith("run `orch-gates init` again once the forge answers")


def test_what_was_changed_by_hand_stays(work: Repo) -> None:
    """On every way: a second run, a higher level, and `--remove`; the diff shows what init would have there."""
    args = ("--yes", "--forge", "gitea", "--actions", ACTIONS)
    assert init(work, *args).returncode == 0
    path = work.path / ".gitea/workflows/security.yml"
    path.write_text(path.read_text().replace("ubuntu-latest", "our-runner"))
    changed = path.read_text()
    done = init(work, *args, "--level", "1")
    assert done.returncode == 0, done.stderr
    assert b"left alone" in done.stdout
    assert b"+    runs-on: ubuntu-latest\n" in done.stdout
    assert b"security.yml" in init(work, "--remove", "--yes").stdout
    assert path.read_text() == changed
    assert sorted(files(work)) == [".gitea/workflows/security.yml", "Makefile", "app.py"]


def test_a_lower_level_takes_the_rest_away(work: Repo) -> None:
    args = ("--yes", "--json", "--forge", "gitea", "--actions", ACTIONS)
    said(init(work, *args, "--level", "2"))
    document = said(init(work, *args, "--level", "1"))
    assert {path for path, deed in deeds(document).items() if deed == "delete"} == {
        f".gitea/workflows/{name}.yml" for name in LEVELS[2] - LEVELS[1]
    }
    assert {path.stem for path in (work.path / ".gitea/workflows").iterdir()} == LEVELS[1]


def test_a_workflow_of_the_same_name_is_in_the_way(work: Repo) -> None:
    """It is never overwritten: the rest is written, the diff is shown, and the exit code says so."""
    work.write(".gitea/workflows/security.yml", CI)
    done = init(work, "--yes", "--forge", "gitea", "--actions", ACTIONS)
    assert done.returncode == 2
    assert b"in the way       .gitea/workflows/security.yml: init did not write this file" in done.stdout
    assert (work.path / ".gitea/workflows/security.yml").read_text() == CI
    assert (work.path / ".orch-gates.yaml").is_file()
    assert init(work, "--remove", "--yes").returncode == 0
    assert (work.path / ".gitea/workflows/security.yml").read_text() == CI


@pytest.mark.parametrize(
    ("there", "level", "code", "words"),
    [
        ("securty: {}\n", "0", 2, b"fix the file first: .orch-gates.yaml:1:1"),
        ("security: {dep_audit_enabled: false}\n", "0", 0, b"your own file, and valid"),
        ("security: {dep_audit_enabled: false}\n", "1", 2, b"neither `pipeline: merge-queue`"),
        ("pipeline: merge-queue\nci_green: {contexts: [a]}\n", "1", 0, b"your own file, and valid"),
        ("pipeline: merge-queue\n", "2", 2, b"no tracker"),
    ],
)
def test_a_configuration_of_ones_own(work: Repo, there: str, level: str, code: int, words: bytes) -> None:
    """It stays; where the level does not work with it, that is said."""
    work.write(".orch-gates.yaml", there)
    done = init(work, "--yes", "--forge", "gitea", "--actions", ACTIONS, "--level", level)
    assert done.returncode == code, done.stderr
    assert words in done.stdout
    assert (work.path / ".orch-gates.yaml").read_text() == there


@pytest.mark.parametrize("branch", ["trunk", "feature/x"])
def test_a_default_branch_of_another_name(tmp_path: Path, branch: str) -> None:
    """As the clone knows it, as the server says, or as the only one."""
    server = bare(tmp_path / "app.git")
    server.git("symbolic-ref", "HEAD", f"refs/heads/{branch}")
    seed = clone(server, tmp_path / "seed")
    seed.commit("first", {"go.mod": "module a\n"})
    seed.git("push", "--quiet", "origin", f"HEAD:{branch}", "HEAD:main")
    args = ("--dry-run", "--json", "--level", "1", "--forge", "gitea", "--actions", ACTIONS)
    run("git", "clone", "--quiet", server.path, tmp_path / "work", cwd=tmp_path)
    document = said(init(Repo(tmp_path / "work"), *args))
    assert (document["target"], document["target_told_by"]) == (branch, "origin/HEAD")
    assert document["contexts"] == [f"orch/security/{branch}"]
    document = said(init(seed, *args))
    assert (document["target"], document["target_told_by"]) == (branch, "the server")
    shutil.rmtree(server.path)
    assert said(init(seed, *args))["target"] == "main"


def test_odd_repositories(tmp_path: Path) -> None:
    """Without a commit, without a remote, with a detached HEAD: each gets its files, and commands that fit."""
    args = ("--yes", "--json", "--forge", "gitea", "--actions", ACTIONS)
    new = empty(tmp_path / "new")
    assert [line.split()[1] for line in said(init(new, *args))["next"]] == ["add", "commit"]
    detached = empty(tmp_path / "detached")
    detached.commit("first", {"a": "b\n"})
    detached.git("checkout", "--quiet", "--detach")
    document = said(init(detached, *args))
    assert (document["target"], document["next"][0]) == ("main", "git switch -c orch-gates-init")
    two = empty(tmp_path / "two")
    for name in ("one", "other"):
        two.git("remote", "add", name, f"http://127.0.0.1:9/{name}/app.git")
    done = init(two, "--yes", "--actions", ACTIONS)
    assert done.returncode == 2
    assert b"--forge KIND" in done.stderr
    two.git("remote", "add", "origin", "http://127.0.0.1:9/acme/app.git")
    assert b"origin of one, origin, other" in init(two, "--yes", *args[2:]).stdout


def test_where_nothing_can_be_written(tmp_path: Path) -> None:
    """Outside of a repository, and in a bare one."""
    outside = Repo(tmp_path)
    assert b"not inside a git repository" in init(outside, "--yes").stderr
    server = bare(tmp_path / "app.git")
    done = init(server, "--yes")
    assert done.returncode == 2
    assert b"hook install" in done.stderr


def test_a_monorepo_is_told_apart(tmp_path: Path) -> None:
    """No command tests all of it, so it has to be named."""
    work = empty(tmp_path / "mono")
    work.commit("first", {"api/go.mod": "module a\n", "web/package.json": "{}"})
    args = ("--yes", "--forge", "gitea", "--actions", ACTIONS, "--level", "1")
    done = init(work, *args)
    assert done.returncode == 2
    assert b"there are projects in api, web; give one with --test COMMAND" in done.stderr
    assert init(work, *args, "--test", "./test-all").returncode == 0
    written = files(work)
    assert 'test: "./test-all"\n' in (work.path / ".orch-gates.yaml").read_text()
    # What was said once is in the file, and whoever comes later need not say it again.
    work.commit("by somebody else")
    work.git("commit", "--quiet", "--allow-empty", "--author", "Ann <ann@example.invalid>", "-m", "more")
    assert init(work, *args).returncode == 0
    assert files(work) == written
    assert init(work, *args, "--test", "make check").returncode == 0
    assert 'test: "make check"\n' in (work.path / ".orch-gates.yaml").read_text()


def test_links_are_not_followed(work: Repo, tmp_path: Path) -> None:
    """A forge reads what git has, and of a link that is the link."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (work.path / ".github").mkdir()
    (work.path / ".github/workflows").symlink_to(elsewhere)
    (work.path / ".gitattributes").symlink_to(tmp_path / "attributes")
    done = init(work, "--yes", "--forge", "github", "--actions", f"orch/orch-gates@{COMMIT}")
    assert done.returncode == 2
    assert b".github/workflows is a symbolic link" in done.stdout
    assert list(elsewhere.iterdir()) == []
    assert not (tmp_path / "attributes").exists()


def test_what_a_killed_run_left_half_written_goes_away(work: Repo) -> None:
    """Only that, and only once no other run can be writing it; `git add --all` would take it along."""
    old, new, other = (work.path / f".orch-gates-{name}.tmp" for name in ("0" * 16, "1" * 16, "mine"))
    for path in (old, new, other):
        path.write_text("half\n")
    os.utime(old, (0, 0))
    os.utime(other, (0, 0))
    assert init(work, "--yes", "--forge", "gitea", "--actions", ACTIONS).returncode == 0
    assert (old.exists(), new.exists(), other.exists()) == (False, True, True)


def test_a_file_that_was_changed_by_hand_still_says_where_orch_gates_is(work: Repo) -> None:
    """A later run needs no option again."""
    assert init(work, "--yes", "--forge", "gitea", "--actions", ACTIONS).returncode == 0
    workflow = work.path / ".gitea/workflows/security.yml"
    workflow.write_text(workflow.read_text().replace("timeout-minutes: 10", "timeout-minutes: 20"))
    done = init(work, "--yes", "--forge", "gitea")
    assert done.returncode == 0, done.stderr
    assert b"timeout-minutes: 20" in workflow.read_bytes()


def test_what_a_sparse_checkout_leaves_out_is_not_replaced(work: Repo) -> None:
    """Git has a person's own file although it is not on disk; it is in the way, and how to have it is said."""
    own = {".gitattributes": "*.psd filter=lfs\n", ".gitea/workflows/security.yml": "on: push\n"}
    work.commit("ours", {**own, "README.md": "x\n"})
    work.git("sparse-checkout", "set", "--no-cone", "/README.md")
    done = init(work, "--yes", "--forge", "gitea", "--actions", ACTIONS)
    assert done.returncode == 2
    assert done.stdout.count(b"the file is in git, but not in this sparse checkout") == 2
    work.git("sparse-checkout", "disable")
    assert {name: work.path.joinpath(name).read_text() for name in own} == own


def test_a_folder_in_the_place_of_a_file(work: Repo) -> None:
    (work.path / ".gitea").write_text("a file\n")
    done = init(work, "--yes", "--forge", "gitea", "--actions", ACTIONS)
    assert done.returncode == 2
    assert b"nothing was written: " in done.stderr
    assert b"is not a folder, but .gitea/workflows/security.yml has to go there; move it away" in done.stderr
    assert sorted(files(work)) == [".gitea", "Makefile", "app.py"]


def test_other_line_ends_are_kept(work: Repo) -> None:
    """A checkout with CRLF is as it was written; what is added to a file with them has them too."""
    work.write(".gitattributes", "*.png binary\r\n")
    args = ("--yes", "--json", "--forge", "gitea", "--actions", ACTIONS)
    said(init(work, *args))
    assert b"CHANGELOG.md merge=union\r\n" in (work.path / ".gitattributes").read_bytes()
    for path in (work.path / ".orch-gates.yaml", work.path / ".gitea/workflows/security.yml"):
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert set(deeds(said(init(work, *args))).values()) == {"same"}
    said(init(work, "--remove", "--yes", "--json"))
    assert (work.path / ".gitattributes").read_bytes() == b"*.png binary\r\n"


def test_a_checkout_with_other_line_ends_is_read(work: Repo) -> None:
    """As git makes one with core.autocrlf: the configuration says the same, to init and to those who check it."""
    args = ("--yes", "--json", "--forge", "gitea", "--actions", ACTIONS)
    said(init(work, *args, "--level", "1"))
    work.git("add", "--all")
    work.git("commit", "--quiet", "-m", "init")
    work.git("config", "core.autocrlf", "true")
    for path in (work.path / name for name in files(work)):
        path.unlink()
    work.git("reset", "--quiet", "--hard")
    path = work.path / ".orch-gates.yaml"
    assert b"\r\n" in path.read_bytes()
    again = said(init(work, *args))
    assert (set(deeds(again).values()), again["level"]) == ({"same"}, 1)
    assert orch("config", "check", cwd=work.path).returncode == 0
    path.write_bytes(path.read_bytes() + b"# one's own\r\n")
    assert deeds(said(init(work, *args)))[".orch-gates.yaml"] == "keep"
    path.write_bytes(path.read_bytes() + b"merge: {fence:\rstatus}\r\n")
    assert orch("config", "check", cwd=work.path).returncode == 1


def test_two_parts_of_one_file_are_both_taken_out(work: Repo) -> None:
    """A merge by hand kept the part of either side; one that was cut off is named, and then nothing is taken out."""
    path = work.path / ".gitattributes"
    args = ("--yes", "--json", "--forge", "gitea", "--actions", ACTIONS)
    said(init(work, *args))
    part = path.read_text()
    path.write_text(f"*.png binary\n{part}*.sh text\n{part}")
    assert deeds(said(init(work, "--remove", "--yes", "--json")))[".gitattributes"] == "update"
    assert path.read_text() == "*.png binary\n*.sh text\n"

    cut = part.splitlines(keepends=True)[0]
    path.write_text(f"*.png binary\n{part}*.sh text\n{cut}")
    before = path.read_text()
    done = init(work, "--remove", "--yes")
    assert done.returncode == 0, done.stderr
    assert (
        b".gitattributes: what init wrote at line 5 was changed or cut off since; nothing is taken out" in done.stdout
    )
    assert path.read_text() == before


def test_hooks_of_clones_only_where_they_are_wanted(work: Repo) -> None:
    """There is a configuration of pre-commit, or it is asked for; `--remove` gives it back as it was."""
    args = ("--yes", "--json", "--forge", "gitea", "--actions", ACTIONS)
    assert ".pre-commit-config.yaml" not in deeds(said(init(work, *args)))
    assert deeds(said(init(work, *args, "--pre-commit")))[".pre-commit-config.yaml"] == "create"
    said(init(work, "--remove", "--yes", "--json"))
    theirs = "repos:\n- repo: local\n  hooks: []\n"
    work.write(".pre-commit-config.yaml", theirs)
    assert deeds(said(init(work, *args)))[".pre-commit-config.yaml"] == "update"
    assert b"orch-secrets-push" in (work.path / ".pre-commit-config.yaml").read_bytes()
    said(init(work, "--remove", "--yes", "--json"))
    assert (work.path / ".pre-commit-config.yaml").read_text() == theirs


@pytest.mark.skipif(os.geteuid() != 0 and not REQUIRE_REAL, reason="only root can be another user")
def test_a_folder_that_may_not_be_written() -> None:
    """That is seen before the first file is written."""
    with somebody.folder() as folder:
        program = somebody.install_program(folder / "opt")
        if program is None:
            reason = "no Python of this version can be run by another user"
            if REQUIRE_REAL:
                pytest.fail(reason)
            pytest.skip(reason)
        work = empty(folder / "app")
        somebody.give(work.path)
        os.chown(work.path, 0, 0)
        safe = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "*"}
        done = somebody.run(program, "init", "--yes", "--forge", "gitea", "--actions", ACTIONS, cwd=work.path, env=safe)
        assert done.returncode == 2
        assert b"nothing was written: " in done.stderr
        assert b"is not writable; change its permissions" in done.stderr
        assert files(work) == {}


def test_without_a_forge_there_are_no_workflows(tmp_path: Path) -> None:
    """A bare repository on this disk runs none; its hook is the fence."""
    work = clone(bare(tmp_path / "app.git"), tmp_path / "work")
    work.commit("first", {"go.mod": "module a\n"})
    document = said(init(work, "--yes", "--json", "--level", "1"))
    assert document["forge"] == "local"
    assert sorted(deeds(document)) == [".gitattributes", ".orch-gates.yaml"]
    assert "fence: hook" in (work.path / ".orch-gates.yaml").read_text()
    assert orch("config", "check", cwd=work.path).returncode == 0
    text = init(work, "--remove", "--yes").stdout + init(work, "--yes", "--level", "1").stdout
    assert f"orch-gates hook install {tmp_path}/app.git".encode() in text
    work.git("add", ".")
    work.git("commit", "--quiet", "-m", "set up")
    work.git("push", "--quiet", "origin", "HEAD")
    assert b"done             state branch orch-state" in init(work, "--yes", ORCH_FORGE="local").stdout
    assert b"nothing was changed: all is set up" in init(work, "--yes").stdout
    kept = init(work, "--remove", "--yes")
    assert b"left alone       state branch orch-state: it holds the history" in kept.stdout
    assert b"by hand: git push origin --delete orch-state" in kept.stdout
    # One whose name is set is named so; a file that cannot be used any more is in nobody's way.
    for more, branch in (("state: {branch: elsewhere}\n", b""), ("broken: {\n", b"orch-state")):
        work.git("checkout", "--quiet", "HEAD", ".")
        path = work.path / ".orch-gates.yaml"
        path.write_text(path.read_text() + more)
        kept = init(work, "--remove", "--yes")
        assert kept.returncode == 0
        assert (b"state branch " + branch in kept.stdout) == bool(branch)
        path.unlink()
    none = init(work, "--yes", "--level", "1", "--forge", "none")
    assert none.returncode == 2
    assert b"level 1 needs a forge" in none.stderr
