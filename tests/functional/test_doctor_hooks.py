"""`orch-gates doctor`: the hook on the server and the hook in a clone, each broken for real and mended as is said."""

from __future__ import annotations

import os
import secrets
import shutil
from pathlib import Path

import pytest

from tests.builders import PROGRAM, Repo, bare, clone, github_token, orch
from tests.doctor_rig import follow, only
from tests.functional.test_server_hook import GITEA, write_hook

HOOK = Path(__file__).parents[2] / "hooks" / "pre-commit"


@pytest.fixture(autouse=True)
def on_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hook in a clone finds the program on PATH."""
    monkeypatch.setenv("PATH", f"{PROGRAM.parent}{os.pathsep}{os.environ['PATH']}")


@pytest.fixture
def server(tmp_path: Path) -> Repo:
    """A bare repository with a hook that works, and nothing in it."""
    made = bare(tmp_path / "srv" / "app.git")
    assert orch("hook", "install", made.path, cwd=tmp_path).returncode == 0
    return made


@pytest.fixture
def work(server: Repo, tmp_path: Path) -> Repo:
    """A clone of it."""
    return clone(server, tmp_path / "work")


def everything(repository: Path) -> dict[str, bytes]:
    """All files of a repository, with their content."""
    return {str(path): path.read_bytes() for path in sorted(repository.rglob("*")) if path.is_file()}


def test_a_hook_that_refuses_is_green_and_nothing_stays(server: Repo, work: Repo) -> None:
    """It is tried with a push of a random token, of which nothing is left; a clone on the same disk looks there too."""
    before = everything(server.path)
    assert only(server.path, "hook")["state"] == "ok"
    assert only(work.path, "hook")["state"] == "ok"
    assert everything(server.path) == before


def test_no_hook_is_bad_on_the_server(tmp_path: Path) -> None:
    """What is said installs it. From a clone it is no matter, where nothing relies on it."""
    bare_one = bare(tmp_path / "app.git")
    work = clone(bare_one, tmp_path / "work")
    assert only(work.path, "hook")["state"] == "not used"
    found = only(bare_one.path, "hook")
    assert found["state"] == "bad"
    assert "pushes are not judged" in found["seen"]
    follow(found, tmp_path)
    assert only(bare_one.path, "hook")["state"] == "ok"


def test_a_fence_without_its_hook_is_bad_from_a_clone_too(tmp_path: Path) -> None:
    """The configuration relies on it."""
    work = clone(bare(tmp_path / "app.git"), tmp_path / "work")
    work.commit(files={".orch-gates.yaml": "merge:\n  fence: hook\n"})
    work.git("push", "--quiet", "origin", "HEAD:refs/heads/main")
    work.git("remote", "set-head", "origin", "--auto")
    found = only(work.path, "hook")
    assert (found["state"], "merge.fence is `hook`" in found["seen"]) == ("bad", True)
    work.git("remote", "set-url", "origin", "http://127.0.0.1:9/app.git")
    found = only(work.path, "hook")
    assert (found["state"], "on the server" in found["mend"]) == ("unknown", True), "it cannot be seen from here"


def test_a_hook_that_is_not_executable_is_bad(server: Repo, tmp_path: Path) -> None:
    """As a copy of the repository may leave it; git runs none such, and says so to nobody on the server."""
    (server.path / "hooks" / "pre-receive").chmod(0o644)
    found = only(server.path, "hook")
    assert found["state"] == "bad"
    assert found["mend"].startswith("chmod +x ")
    follow(found, tmp_path)
    assert only(server.path, "hook")["state"] == "ok"


def test_a_hook_that_no_dispatcher_calls_is_bad(tmp_path: Path) -> None:
    """Gitea's own hook calls those in pre-receive.d; where it is gone, or calls none, ours is never run."""
    server = bare(tmp_path / "app.git")
    plain = write_hook(server.path / "hooks" / "pre-receive", GITEA)
    assert orch("hook", "install", "--gitea", server.path, cwd=tmp_path).returncode == 0
    assert only(server.path, "hook")["state"] == "ok"
    plain.unlink()
    found = only(server.path, "hook")
    assert (found["state"], "no dispatcher calls it" in found["seen"]) == ("bad", True)
    assert "gitea admin regenerate hooks" in found["mend"]
    write_hook(plain, "#!/bin/sh\nexit 0 # pre-receive.d is not looked at\n")
    assert only(server.path, "hook")["state"] == "bad"
    assert not server.git("for-each-ref")


DECLINES = "#!/bin/sh\necho 'not from this disk' >&2\nexit 1\n"


@pytest.fixture
def below(tmp_path: Path) -> Repo:
    """A repository of a server whose own hook declines every push that did not come through it, as Gitea's does."""
    made = bare(tmp_path / "srv" / "gitea.git")
    write_hook(made.path / "hooks" / "pre-receive", GITEA)
    write_hook(made.path / "hooks" / "pre-receive.d" / "gitea", DECLINES)
    assert orch("hook", "install", "--gitea", made.path, cwd=tmp_path).returncode == 0
    return made


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("[ ${i} -eq 0 ] || exit ${i}", ":"),
        ("data=$(cat)\n", "data=$(cat)\ncase $data in *refs/heads/main*) exit 0; esac\n"),
        ("data=$(cat)\n", "data=$(cat)\ncase $data in *refs/heads/task/*) exit 0; esac\n"),
        ('test -x "${hook}"', 'test "${hook##*/}" = gitea'),
    ],
)
def test_a_dispatcher_that_does_not_pass_a_refusal_on_is_bad(before: str, after: str, below: Repo) -> None:
    """That another hook declines what is tried on the server proves nothing: of ours the refusal has to count."""
    assert only(below.path, "hook")["state"] == "ok"
    dispatcher = below.path / "hooks" / "pre-receive"
    assert before in GITEA
    dispatcher.write_text(GITEA.replace(before, after))
    found = only(below.path, "hook")
    assert found["state"] == "bad", found
    assert "regenerate hooks" in found["mend"]
    proven = orch("hook", "status", "--prove", below.path, cwd=below.path)
    assert proven.returncode == 1
    assert not below.git("for-each-ref")


def test_a_dispatcher_that_refuses_everything_is_not_told(below: Repo, tmp_path: Path) -> None:
    """No push says then whether our refusal counts (P2); an installation says the same, and is made."""
    dispatcher = below.path / "hooks" / "pre-receive"
    dispatcher.write_text(f"{GITEA}echo closed >&2\nexit 1\n")
    found = only(below.path, "hook")
    assert (found["state"], "refuses a clean commit too" in found["seen"]) == ("unknown", True)
    done = orch("hook", "install", "--gitea", below.path, cwd=tmp_path)
    assert (
        done.returncode,
        b"could not tell whether its refusal stops a push" in done.stdout,
        b"proven: a push" in done.stdout,
    ) == (0, True, False)


@pytest.mark.parametrize("branch", ["main", "next", "task/*"])
def test_a_hook_that_leaves_out_a_branch_that_matters_is_bad(branch: str, server: Repo) -> None:
    """It is tried with the names of the target and of a task, elsewhere: neither is ever moved here."""
    hook = server.path / "hooks" / "pre-receive"
    env = {"ORCH_TARGET": "next"} if branch == "next" else {}
    start = f'#!/bin/sh\nin=$(cat)\ncase $in in *refs/heads/{branch}*) exit 0; esac\necho "$in" | (\n'
    hook.write_text(hook.read_text().replace("#!/bin/sh\n", start) + ")\n")
    found = only(server.path, "hook", env=env)
    assert (found["state"], branch.strip("*") in found["seen"]) == ("bad", True)
    assert not server.git("for-each-ref")


def test_a_hook_of_ones_own_is_tried_with_what_lies_beside_it(server: Repo) -> None:
    """It may call others in its folder."""
    hook = server.path / "hooks" / "pre-receive"
    hook.rename(hook.with_name("secrets"))
    write_hook(hook, '#!/bin/sh\n# orch-gates hook pre-receive\nexec "$(dirname "$0")/secrets"\n')
    assert only(server.path, "hook")["state"] == "ok"
    write_hook(hook, '#!/bin/sh\n# orch-gates hook pre-receive\n"$(dirname "$0")/secrets" || exit 0\n')
    assert only(server.path, "hook")["state"] == "bad"


def test_a_hook_that_lets_leaks_pass_is_bad(server: Repo) -> None:
    """It is there, executable and ours by its first line, and judges nothing; what got in while trying is taken out."""
    hook = server.path / "hooks" / "pre-receive"
    kept = hook.read_text().splitlines(keepends=True)
    hook.write_text("".join(kept[:3]) + "exit 0\n")
    assert only(server.path, "hook")["state"] == "bad"
    assert not server.git("for-each-ref")


def test_a_hook_in_a_clone_is_tried(work: Repo) -> None:
    """A commit of a random token, elsewhere, has to be refused by it."""
    assert only(work.path, "pre-commit")["state"] == "not used"
    hook = work.path / ".git" / "hooks" / "pre-commit"
    shutil.copy(HOOK, hook)
    before = everything(work.path)
    assert only(work.path, "pre-commit")["state"] == "ok"
    assert everything(work.path) == before
    hook.chmod(0o644)
    found = only(work.path, "pre-commit")
    assert (found["state"], "not executable" in found["seen"]) == ("bad", True)
    follow(found, work.path)
    assert only(work.path, "pre-commit")["state"] == "ok"


HANDED = {
    "ORCH_FORGE_TOKEN": "",
    "MY_TOKEN": "",
    "ORCH_FORGE_TOKEN_ENV": "MY_TOKEN",
    "ORCH_WEBHOOK_URL": "https://ci.example/",
    "ORCH_TELEGRAM_TOKEN": "1:",
    "npm_config__authToken": "",
    "DEPLOY_SECRET": "",
    "PGPASSWORD": "",
    "CLOUD_ACCESS_KEY_ID": "",
    "HTTPS_PROXY": "http://ann:",
    "HEADER_OF_TOKEN": "Bearer ",
}


def test_the_hook_that_is_tried_gets_no_credential(work: Repo, tmp_path: Path) -> None:
    """Neither ours nor what only looks like one, nor what git is configured with; the rest it gets."""
    secret = secrets.token_hex(16)
    env = {name: f"{before}{secret}" for name, before in HANDED.items()} | {"ORCH_FORGE_TOKEN_ENV": "MY_TOKEN"}
    env["HTTPS_PROXY"] += "@proxy.example:3128"
    env["CARRIED_ALONG"] = f"as {env['MY_TOKEN']}"
    git = {"http.extraHeader": f"Authorization: basic {secrets.token_hex(8)}", "user.nickname": "ann"}
    env |= {f"GIT_CONFIG_KEY_{number}": name for number, name in enumerate(git)}
    env |= {f"GIT_CONFIG_VALUE_{number}": value for number, value in enumerate(git.values())}
    env |= {"GIT_CONFIG_COUNT": str(len(git)), "OTHER_THING": "kept"}
    told = tmp_path / "told"
    write_hook(
        work.path / ".git" / "hooks" / "pre-commit",
        f"#!/bin/sh\n{{ env; git config --get user.nickname; }} >>{told}\nexec orch-gates hook pre-commit\n",
    )
    assert only(work.path, "pre-commit", env=env)["state"] == "ok"
    text = told.read_text()
    assert secret not in text
    assert git["http.extraHeader"] not in text
    assert "OTHER_THING=kept\n" in text
    assert "\nann\n" in text


@pytest.mark.parametrize("script", ["orch-gates hook pre-commit || true", "exit 0 # orch-gates", "nowhere/orch-gates"])
def test_a_hook_in_a_clone_that_refuses_nothing_of_ours_is_bad(script: str, work: Repo, tmp_path: Path) -> None:
    """Also one that refuses everything, for another reason than a leak; core.hooksPath is honoured."""
    write_hook(tmp_path / "shared" / "pre-commit", f"#!/bin/sh\n{script}\n")
    work.git("config", "core.hooksPath", str(tmp_path / "shared"))
    found = only(work.path, "pre-commit")
    assert (found["state"], "did not refuse a random token" in found["seen"]) == ("bad", True)


@pytest.mark.parametrize("way", ["global", "includeIf", "worktree", "environment", "local, nothing there"])
def test_a_hook_that_git_does_not_run_is_bad(way: str, work: Repo, tmp_path: Path) -> None:
    """It lies in .git/hooks, and core.hooksPath leads elsewhere, by whatever sets it: a leak is committed."""
    shutil.copy(HOOK, work.path / ".git" / "hooks" / "pre-commit")
    other = tmp_path / "others"
    write_hook(other / "pre-commit", "#!/bin/sh\nexit 0\n")
    env: dict[str, str | None] = {}
    setting = f"[core]\n\thooksPath = {other}\n"
    match way:
        case "global":
            (tmp_path / "global").write_text(setting)
            env["GIT_CONFIG_GLOBAL"] = str(tmp_path / "global")
        case "includeIf":
            (tmp_path / "more").write_text(setting)
            (tmp_path / "global").write_text(f'[includeIf "gitdir:{work.path}/"]\n\tpath = {tmp_path / "more"}\n')
            env["GIT_CONFIG_GLOBAL"] = str(tmp_path / "global")
        case "worktree":
            work.git("config", "extensions.worktreeConfig", "true")
            work.git("config", "--worktree", "core.hooksPath", str(other))
        case "environment":
            env |= {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "core.hooksPath", "GIT_CONFIG_VALUE_0": str(other)}
        case _:
            work.git("config", "core.hooksPath", "nowhere")
    work.env |= {name: value for name, value in env.items() if value is not None}
    work.commit(files={"leak.txt": f"{github_token()}\n"})
    found = only(work.path, "pre-commit", env=env)
    assert (found["state"], "core.hooksPath is set in" in found["seen"]) == ("bad", True), found
    if way == "environment":
        assert "set in the environment" in found["seen"]


def test_a_hook_for_all_clones_may_call_that_of_the_clone(work: Repo, tmp_path: Path) -> None:
    """What counts is whether a leak is refused in the end, and not where the hook lies."""
    shutil.copy(HOOK, work.path / ".git" / "hooks" / "pre-commit")
    shared = write_hook(tmp_path / "shared" / "pre-commit", "#!/bin/sh\nexec .git/hooks/pre-commit\n")
    work.git("config", "core.hooksPath", str(shared.parent))
    assert only(work.path, "pre-commit")["state"] == "ok"
    shared.write_text("#!/bin/sh\n.git/hooks/pre-commit || true\n")
    assert only(work.path, "pre-commit")["state"] == "bad"
    shared.write_text("#!/bin/sh\necho 'not today' >&2\nexit 1\n")
    assert only(work.path, "pre-commit")["state"] == "unknown"


def test_the_hook_of_a_linked_work_tree(work: Repo, tmp_path: Path) -> None:
    """Git runs that of the repository there too."""
    shutil.copy(HOOK, work.path / ".git" / "hooks" / "pre-commit")
    work.commit(files={"a.txt": "fine\n"})
    work.git("worktree", "add", "--quiet", str(tmp_path / "tree"))
    assert only(tmp_path / "tree", "pre-commit")["state"] == "ok"


def test_husky_runs_a_script_that_need_not_refuse(work: Repo) -> None:
    """The script that git runs does not name us, and the one that it calls does; before it is set up nothing runs."""
    script = write_hook(work.path / ".husky" / "pre-commit", "orch-gates hook pre-commit\n")
    assert only(work.path, "pre-commit")["state"] == "warning"
    called = 's=$(dirname "$(dirname "$0")")/$(basename "$0")\n[ ! -f "$s" ] && exit 0\nsh -e "$s" "$@"\n'
    write_hook(work.path / ".husky" / "_" / "h", f"#!/usr/bin/env sh\n{called}")
    write_hook(work.path / ".husky" / "_" / "pre-commit", '#!/usr/bin/env sh\n. "$(dirname "$0")/h"\n')
    work.git("config", "core.hooksPath", ".husky/_")
    assert only(work.path, "pre-commit")["state"] == "ok"
    script.write_text("orch-gates hook pre-commit || true\n")
    found = only(work.path, "pre-commit")
    assert (found["state"], ".husky/pre-commit" in found["mend"]) == ("bad", True)


def test_a_hook_that_refuses_everything_says_nothing_about_leaks(work: Repo) -> None:
    """It has our words for a token, and for what is none too: that is no proof (P2)."""
    hook = work.path / ".git" / "hooks" / "pre-commit"
    hook.write_text('#!/bin/sh\n# orch-gates\necho "orch-gates: commit refused: 1 secret found" >&2\nexit 1\n')
    hook.chmod(0o755)
    found = only(work.path, "pre-commit")
    assert (found["state"], "but also one without" in found["seen"]) == ("unknown", True)


def test_pre_commit_that_is_configured_and_not_installed_is_told(work: Repo) -> None:
    """Its configuration alone does nothing; what it wrote itself counts as installed."""
    work.write(".pre-commit-config.yaml", "repos:\n  - repo: x\n    hooks:\n      - id: orch-secrets\n")
    found = only(work.path, "pre-commit")
    assert (found["state"], found["mend"]) == ("warning", "pre-commit install")
    hook = write_hook(work.path / ".git" / "hooks" / "pre-commit", "#!/bin/sh\n# another one\n")
    assert only(work.path, "pre-commit")["state"] == "warning"
    work.git("config", "core.hooksPath", str(hook.parent))
    assert only(work.path, "pre-commit")["state"] == "bad", "pre-commit installs nothing then"
    hook.write_text("#!/bin/sh\nexec pre-commit run\n")
    assert only(work.path, "pre-commit")["state"] == "ok"
    work.git("config", "--unset", "core.hooksPath")
    hook.write_text("#!/bin/sh\n# File generated by pre-commit: https://pre-commit.com\n")
    assert only(work.path, "pre-commit")["state"] == "ok"
    hook.chmod(0o644)
    assert only(work.path, "pre-commit")["state"] == "bad"
