"""What a shell completes after `orch-gates`, asked as the shell asks it (UX-1)."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.builders import PROGRAM, Repo, bare, clone, orch
from tests.hand_edits import edit_state

CONFIG = """\
environments:
  staging:
    watch: {probes: [{url: "https://staging.example.org/health"}]}
"""


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Repo:
    """A clone with two tasks, and an environment in its configuration."""
    folder = tmp_path_factory.mktemp("completion")
    made = clone(bare(folder / "server.git"), folder / "work")
    made.commit("start", {".orch-gates.yaml": CONFIG})
    made.git("push", "--quiet", "origin", "main")
    made.git("fetch", "--quiet")
    made.git("remote", "set-head", "origin", "main")
    for command in (["state", "init"], ["task", "new", "T-1", "One"], ["task", "new", "U-2", "Two"]):
        done = orch(*command, cwd=made.path)
        assert done.returncode == 0, done.stderr
    return made


def asked(folder: Path, shell: str, script: str) -> subprocess.CompletedProcess[str]:
    path = f"{PROGRAM.parent}{os.pathsep}{os.environ['PATH']}"
    env = {**os.environ, "PATH": path}
    return subprocess.run(
        [shell, "-c", script], cwd=folder, env=env, capture_output=True, text=True, timeout=60, check=False
    )


def completed(folder: Path, *words: str) -> list[str]:
    """What bash offers for the last of the words, with our completion loaded as the help says."""
    line = " ".join(f"'{word}'" for word in words)
    script = f"""
    eval "$(orch-gates completion bash)"
    complete -p orch-gates >/dev/null
    COMP_WORDS=({line}); COMP_CWORD={len(words) - 1}
    _orch_gates_completion orch-gates
    printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    done = asked(folder, "bash", script)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.split()


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (("orch-gates", "stat"), ["status", "state"]),
        (("orch-gates", "gate", "sec"), ["security"]),
        (("orch-gates", "gate", "security", "--js"), ["--json"]),
        (("orch-gates", "task", "show", ""), ["T-1", "U-2"]),
        (("orch-gates", "task", "show", "U"), ["U-2"]),
        (("orch-gates", "advance", "T"), ["T-1"]),
        (("orch-gates", "merge", "--task", "T"), ["T-1"]),
        (("orch-gates", "effects", "list", "--task", "T"), ["T-1"]),
        (("orch-gates", "task", "list", "--stage", "rev"), ["review"]),
        (("orch-gates", "env", "show", "st"), ["staging"]),
        (("orch-gates", "completion", ""), ["bash", "zsh", "fish"]),
        (("orch-gates", "doctor", "--only", "state-"), ["state-branch", "state-files", "state-guard", "state-witness"]),
        (("orch-gates", "help", "le"), ["leak"]),
        (("orch-gates", "schema", "task-l"), ["task-list", "task-log"]),
    ],
)
def test_bash_completes(work: Repo, words: tuple[str, ...], found: list[str]) -> None:
    """Commands, options, and the names of tasks, stages and environments of the repository."""
    assert completed(work.path, *words) == found


def test_where_nothing_is_known_nothing_is_offered(tmp_path: Path) -> None:
    """Outside of a repository a shell gets neither a word nor a complaint between what is typed, but what is ours."""
    assert completed(tmp_path, "orch-gates", "task", "show", "") == []
    assert completed(tmp_path, "orch-gates", "task", "list", "--stage", "") == []
    assert completed(tmp_path, "orch-gates", "doctor", "--only", "gi") == ["git"]


def test_a_name_that_a_shell_would_run_is_not_offered(work: Repo) -> None:
    """Whoever writes the state branch names its files; one of them is no command for whoever presses Tab (OWN-3)."""
    names = ("$(touch PWN)", "a\nb,", "e\x1b[31m", "-rf")
    edit_state(Repo(work.path.parent / "server.git"), {f"environments/{name}.md": "x\n" for name in names})
    assert completed(work.path, "orch-gates", "env", "show", "") == ["staging"]


@pytest.mark.parametrize(
    ("shell", "env", "message"),
    [
        ("zsh", "COMP_WORDS='orch-gates task show T' COMP_CWORD=3", "plain\nT-1\n_\n"),
        ("fish", "COMP_WORDS='orch-gates task show T' COMP_CWORD=T", "plain,T-1\n"),
    ],
)
def test_other_shells_are_answered_in_their_way(work: Repo, shell: str, env: str, message: str) -> None:
    """What their script asks gives the same names; the script is for this program."""
    done = asked(work.path, "sh", f"{env} _ORCH_GATES_COMPLETE={shell}_complete orch-gates")
    assert (done.returncode, done.stdout, done.stderr) == (0, message, "")
    script = orch("completion", shell, cwd=work.path).stdout.decode()
    assert f"_ORCH_GATES_COMPLETE={shell}_complete" in script
