"""The client hooks through the real `pre-commit`, with this bundle as the hook repository."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.blocks import FENCE, ROOT, blocks

PAGE = "docs/tutorials/l0-security-gate.md"

pytestmark = pytest.mark.slow
Commit = Callable[..., str]


@dataclass
class Project:
    """A project whose hooks `pre-commit` installed, and what it says."""

    work: Path
    pre_commit: Path
    env: dict[str, str] = field(default_factory=dict)

    @property
    def repo(self) -> Path:
        return self.work / "repo"

    def call(self, *command: str | Path, **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(word) for word in command],
            cwd=self.repo,
            env={**os.environ, **self.env, **env},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
            check=False,
        )

    def hooks(self, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
        return self.call(self.pre_commit, "run", *arguments, **env)

    def git(self, *arguments: str) -> str:
        done = self.call("git", *arguments)
        assert done.returncode == 0, done.stdout
        return done.stdout.strip()

    def write(self, **files: str) -> None:
        for name, text in files.items():
            (self.repo / name).write_text(text)


@pytest.fixture(scope="session")
def pre_commit_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`pre-commit` builds the hooks once for all tests here."""
    return tmp_path_factory.mktemp("pre-commit-home")


@pytest.fixture
def project(
    real: Callable[[str], Path], bundle: Path, pre_commit_home: Path, tmp_path: Path, commit: Commit
) -> Project:
    """A clone of an empty server with both hooks installed and one clean commit pushed."""
    made = Project(tmp_path, real("pre-commit"), {"PRE_COMMIT_HOME": str(pre_commit_home)})
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", tmp_path / "server.git"], check=True)
    made.repo.mkdir()
    made.git("init", "-q", "-b", "main")
    made.git("remote", "add", "origin", f"file://{tmp_path / 'server.git'}")
    rev = subprocess.run(["git", "rev-parse", "HEAD"], cwd=bundle, check=True, capture_output=True, text=True).stdout
    page = (ROOT / PAGE).read_text("utf-8")
    (config,) = (block["text"] for block in FENCE.finditer(page) if block["mark"] == "read: client")
    config = config.replace("https://git.example.org/orch/orch-gates", f"file://{bundle}").replace(
        "0" * 40, rev.strip()
    )
    (made.repo / ".pre-commit-config.yaml").write_text(config)
    commit(made.repo, app="print('hello')\n")
    made.git("push", "-q", "origin", "main")
    (install,) = blocks(PAGE, "client")
    path = f"{made.pre_commit.parent}{os.pathsep}{os.environ['PATH']}"
    assert made.call("sh", "-c", install["script"], PATH=path).returncode == 0
    installed = made.call(made.pre_commit, "install-hooks")
    assert installed.returncode == 0, installed.stdout
    return made


def test_a_clean_commit_is_made_and_pushed(project: Project) -> None:
    """The hooks are silent partners of ordinary work."""
    project.write(app="print('hello, world')\n")
    project.git("add", "app")
    output = project.git("commit", "-m", "more")
    assert "no secret in staged content (orch-gates)" in output
    assert "Passed" in output
    project.git("push", "origin", "main")
    assert project.git("rev-parse", "HEAD") == project.git("ls-remote", "origin", "main").split()[0]


def test_a_staged_secret_is_refused_and_stays_staged(project: Project, token: str) -> None:
    """No commit is made, nothing is lost, and the message says where without saying what."""
    before = project.git("rev-parse", "HEAD")
    project.write(settings=f"\ntoken = '{token}'\n")
    project.git("add", "settings")
    # What is staged counts, not what the file became since.
    project.write(settings="clean\n")
    done = project.call("git", "commit", "-m", "leak")
    assert done.returncode == 1, done.stdout
    assert "settings:2" in done.stdout
    assert token not in done.stdout
    assert project.git("rev-parse", "HEAD") == before
    assert project.git("diff", "--cached", "--name-only") == "settings"
    assert (project.repo / "settings").read_text() == "clean\n"


def test_a_commit_of_one_file_is_judged_by_its_own_index(project: Project, token: str) -> None:
    """`git commit FILE` answers for that file, not for what else is staged."""
    project.write(settings=f"token = '{token}'\n", app="x = 1\n")
    project.git("add", "settings", "app")
    project.git("commit", "-m", "only the app", "app")
    assert project.git("diff", "--cached", "--name-only") == "settings"
    assert project.call("git", "commit", "-m", "only the leak", "settings").returncode == 1
    assert project.git("log", "-1", "--format=%s") == "only the app"


def test_a_push_of_a_secret_is_refused(project: Project, token: str) -> None:
    """A secret that got past the commit hook, and was undone since, does not leave the clone."""
    server = project.git("ls-remote", "origin")
    project.write(settings=f"token = '{token}'\n")
    project.git("add", "settings")
    project.git("commit", "--no-verify", "-m", "leak")
    project.git("rm", "-q", "settings")
    project.git("commit", "-m", "undo")
    for ref in ("main", "HEAD:refs/heads/new"):
        done = project.call("git", "push", "origin", ref)
        assert done.returncode == 1, done.stdout
        assert "settings:1" in done.stdout
        assert token not in done.stdout
    assert project.git("ls-remote", "origin") == server


@pytest.mark.parametrize("ci", ["", "true"])
def test_all_files_are_judged(project: Project, token: str, ci: str) -> None:
    """`pre-commit run --all-files` judges every file whole, whatever was committed before; in CI as well."""
    assert project.hooks("--all-files", CI=ci).returncode == 0
    project.write(old=f"token = '{token}'\n")
    project.git("add", "old")
    project.git("commit", "--no-verify", "-m", "leak")
    (project.repo / "link").symlink_to(token)
    project.git("add", "link")
    project.git("commit", "--no-verify", "-m", "a link")
    done = project.hooks("--all-files", CI=ci)
    assert done.returncode == 1, done.stdout
    assert "old:1" in done.stdout
    assert "link:1" in done.stdout
    assert token not in done.stdout
    # What is staged besides is judged too, and whole.
    project.write(new=f"\ntoken = '{token}'\n", old=f"token = '{token}'\n# more\n")
    project.git("add", "new", "old")
    output = project.hooks("--all-files", CI=ci).stdout
    assert "new:2" in output
    assert "old:1" in output


@pytest.mark.parametrize("name", ["--help", "-h", "--", "-x", "--json"])
def test_a_file_that_is_called_like_an_option_is_a_file(name: str, project: Project, token: str) -> None:
    """Whoever may add a file must not switch the hook off, nor keep everybody from committing, by its name."""
    (project.repo / name).write_text("fine\n")
    project.git("add", "--", f"./{name}")
    project.git("commit", "-m", "an odd name")
    project.write(settings=f"token = '{token}'\n")
    project.git("add", "settings")
    (project.repo / name).write_text("fine too\n")
    project.git("add", "--", f"./{name}")
    done = project.call("git", "commit", "-m", "leak")
    assert (done.returncode, "settings:1" in done.stdout) == (1, True), done.stdout
    assert "settings:1" in project.hooks("--all-files").stdout


def test_the_first_commit_of_all_is_judged(project: Project, token: str) -> None:
    """Of a push that brings the root commit pre-commit names no range; all that the remote lacks is judged."""
    empty = project.repo.parent / "empty.git"
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", empty], check=True)
    project.git("remote", "set-url", "origin", f"file://{empty}")
    project.git("update-ref", "-d", "refs/remotes/origin/main")
    project.write(settings=f"token = '{token}'\n")
    project.git("add", "settings")
    project.git("commit", "--no-verify", "-m", "leak")
    by_hand = project.hooks("--all-files", "--hook-stage", "pre-push")
    assert (by_hand.returncode, "settings:1" in by_hand.stdout) == (1, True), by_hand.stdout
    done = project.call("git", "push", "origin", "main")
    assert (done.returncode, "settings:1" in done.stdout) == (1, True), done.stdout
    assert project.git("ls-remote", "origin") == ""


def test_nothing_to_judge_is_said(project: Project) -> None:
    """With nothing staged and no file named there is nothing to judge: normal for a person, an error in CI (GATE-5)."""
    for ci, code in (("", 0), ("true", 1)):
        done = project.hooks("orch-secrets", "--verbose", "--files", CI=ci)
        assert done.returncode == code, done.stdout
        assert "nothing to judge: nothing is staged" in done.stdout
        assert "pre-commit run --all-files" in done.stdout


def test_a_push_without_a_range_is_an_error_in_ci(project: Project) -> None:
    """The push hook says which options to give."""
    done = project.hooks("--all-files", "--hook-stage", "pre-push", CI="true")
    assert done.returncode != 0, done.stdout
    assert "no range was given, so nothing was judged" in done.stdout


def test_a_range_can_be_named_in_ci(project: Project, token: str) -> None:
    """`--from-ref` and `--to-ref` judge every commit between them, and only those."""
    first = project.git("rev-parse", "HEAD")
    project.write(settings=f"token = '{token}'\n")
    project.git("add", "settings")
    project.git("commit", "--no-verify", "-m", "leak")
    leaked = project.git("rev-parse", "HEAD")
    project.git("rm", "-q", "settings")
    project.git("commit", "-m", "undo")
    stage = ("orch-secrets-push", "--hook-stage", "pre-push")
    bad = project.hooks(*stage, "--from-ref", first, "--to-ref", "HEAD", CI="true")
    assert bad.returncode == 1, bad.stdout
    assert "settings:1" in bad.stdout
    good = project.hooks(*stage, "--from-ref", leaked, "--to-ref", "HEAD", CI="true")
    assert good.returncode == 0, good.stdout
    unknown = project.hooks(*stage, "--from-ref", "no-such-ref", "--to-ref", "HEAD", CI="true")
    assert unknown.returncode != 0, unknown.stdout


def test_staged_content_cannot_be_judged_by_a_range(project: Project) -> None:
    """Giving a range to the staged hook is a mistake that is named, not a pass."""
    done = project.hooks("orch-secrets", "--from-ref", "HEAD", "--to-ref", "HEAD")
    assert done.returncode != 0, done.stdout
    assert "use the hook orch-secrets-push" in done.stdout


def test_state_documents_are_checked_before_a_commit(project: Project) -> None:
    """In a checkout of the state branch; `orch-gates state lint` says which file, which field and which rule (ST-6)."""
    config = (project.repo / ".pre-commit-config.yaml").read_text().partition("    hooks:")[0]
    project.write(**{".pre-commit-config.yaml": f"{config}    hooks:\n      - id: orch-state-lint\n"})
    templates = Path(__file__).parents[2] / "state" / "templates"
    task = project.repo / "tasks" / "cd" / "T-1" / "task.md"
    task.parent.mkdir(parents=True)
    task.write_text((templates / "task.md").read_text())
    (project.repo / "orch-state.md").write_text((templates / "orch-state.md").read_text())
    project.git("add", "--all")
    output = project.git("commit", "-m", "legal")
    assert "state documents are well (orch-gates)" in output
    assert "Passed" in output
    task.write_text(task.read_text().replace('state: "active"', 'state: "done"'))
    project.git("add", "--all")
    done = project.call("git", "commit", "-m", "illegal")
    assert done.returncode == 1, done.stdout
    assert "tasks/cd/T-1/task.md: state: must be done in stage 'done', and in no other" in done.stdout
