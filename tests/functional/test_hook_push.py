"""Pushes through the installed pre-receive hook: what a person sees, and what a server may rely on."""

from __future__ import annotations

import re
import resource
import secrets
import stat
from pathlib import Path

import pytest

from tests.builders import PROGRAM, TOKENS, Repo, Template, bare, clone, github_token, orch, run

ZERO = "0" * 40
Pair = tuple[Repo, Repo]


def refs(server: Repo) -> str:
    return server.git("for-each-ref", "--format=%(refname) %(objectname)")


def receive(server: Repo, stdin: bytes, **env: str | None) -> tuple[int, str]:
    """What the hook answers to bytes that git never sends."""
    done = orch("hook", "pre-receive", cwd=server.path, stdin=stdin, env={"GIT_DIR": ".", **env})
    text = (done.stdout + done.stderr).decode(errors="replace")
    assert "Traceback" not in text
    assert "bug in" not in text
    return done.returncode, text


def test_a_clean_push_is_accepted(pair: Pair) -> None:
    """Branches, tags, forced and deleted refs without a secret all go through."""
    server, work = pair
    head = work.commit(files={"a.txt": "nothing special\n"})
    work.git("tag", "-a", "v1", "-m", "a version")
    done = work.push("HEAD:refs/heads/topic", "refs/tags/v1", "HEAD:refs/x/y")
    assert done.returncode == 0, done.stderr
    work.git("commit", "--quiet", "--amend", "-m", "another message")
    assert work.push("+HEAD:refs/heads/topic", ":refs/x/y").returncode == 0
    assert "refs/x/y" not in refs(server)
    assert head not in refs(server)


@pytest.mark.parametrize("provider", TOKENS)
def test_a_leak_is_refused_with_its_place_and_never_shown(provider: str, pair: Pair) -> None:
    """The message names file, line and rule and says what to do; the secret is in no byte of it."""
    server, work = pair
    before, token = refs(server), TOKENS[provider]()
    work.commit(files={"conf/app.ini": f'# settings\n\nvalue = "{token}"\n'})
    done = work.push("HEAD:refs/heads/topic")
    text = done.stderr.decode()
    assert done.returncode != 0
    assert "orch-gates: push refused" in text
    assert "conf/app.ini:3" in text
    assert "evoke" in text
    assert token not in text
    assert refs(server) == before


@pytest.mark.parametrize(
    "ref", ["refs/heads/x", "refs/tags/x", "refs/notes/x", "refs/replace/x", "refs/for/x", "refs/pull/1/head"]
)
def test_every_namespace_is_judged(ref: str, pair: Pair) -> None:
    """There is no namespace to hide in."""
    _, work = pair
    work.commit(files={"a.txt": github_token()})
    assert b"orch-gates: push refused" in work.push(f"HEAD:{ref}").stderr


def test_one_leak_refuses_the_whole_push(pair: Pair) -> None:
    """Refs pushed together are stored together or not at all, and the clean one goes alone."""
    server, work = pair
    before = refs(server)
    clean = work.commit(files={"a.txt": "fine\n"})
    work.commit(files={"b.txt": github_token()})
    assert work.push(f"{clean}:refs/heads/a", "HEAD:refs/heads/b").returncode != 0
    assert refs(server) == before
    assert work.push(f"{clean}:refs/heads/a").returncode == 0


def test_what_the_server_has_is_not_blamed_on_a_push(pair: Pair) -> None:
    """An old leak on the server does not stop people from working on."""
    server, work = pair
    work.commit(files={"old.txt": f"{github_token()}\n"})
    server.git("fetch", "--quiet", str(work.path), "HEAD:refs/heads/main")
    work.commit(files={"old.txt": (work.path / "old.txt").read_text() + "more\n"})
    done = work.push("HEAD:refs/heads/topic")
    assert done.returncode == 0, done.stderr


def test_sha256_repositories_are_judged(tmp_path: Path) -> None:
    """Longer object ids change nothing, in a submodule's id neither."""
    server, work = Template(tmp_path / "made", "kingfisher", "sha256").make().pair(tmp_path / "pair")
    work.commit(files={"a.txt": "fine\n"})
    assert work.push("HEAD:refs/heads/fine").returncode == 0
    tree = work.object("tree", b"160755 sub\0" + TOKENS["Stripe"]().encode())
    commit = work.git("commit-tree", tree, "-p", "HEAD", "-m", "a change")
    assert b"1 secret found" in work.push(f"{commit}:refs/heads/sub").stderr
    work.commit(files={"a.txt": github_token()})
    assert b"1 secret found" in work.push("HEAD:refs/heads/leak").stderr
    assert "refs/heads/leak" not in refs(server)


@pytest.mark.parametrize("leak", [False, True])
def test_it_works_without_home_and_search_path(leak: bool, pair: Pair) -> None:
    """A service account with an empty environment gets the same verdict."""
    server, work = pair
    work.commit(files={"a.txt": github_token() if leak else "fine\n"})
    work.env |= {"HOME": None, "XDG_CACHE_HOME": None, "ORCH_CACHE_DIR": None, "USER": None, "PATH": "/usr/bin:/bin"}
    done = work.push("HEAD:refs/heads/topic")
    assert (done.returncode != 0) == leak, done.stderr
    assert (b"1 secret found" in done.stderr) == leak
    assert ("refs/heads/topic" in refs(server)) != leak


@pytest.mark.parametrize(
    "stdin",
    [
        b"",
        b"\n",
        b"one two three\n",
        f"{ZERO} {ZERO[1:]} refs/heads/x\n".encode(),
        f"{ZERO} {'1' * 40} heads/x\n".encode(),
        f"{ZERO} {'1' * 40} refs/heads/a b\n".encode(),
        f"{ZERO} {'1' * 40} refs/heads/x\n\n".encode(),
        f"{ZERO} {'A' * 40} refs/heads/x\n".encode(),
        f"{ZERO} {'1' * 40} refs/{'x' * 9000}\n".encode(),
        f"{ZERO} {'1' * 40} refs/heads/\0\n".encode(),
    ],
)
def test_a_malformed_line_is_refused(stdin: bytes, pair: Pair) -> None:
    """What git would never say is answered with exit 2 and a reason."""
    code, text = receive(pair[0], stdin)
    assert code == 2, text
    assert "orch-gates: " in text


def test_binary_rubbish_is_refused(pair: Pair) -> None:
    """Random bytes get a reason, whatever they are."""
    for size in (1, 64, 4096, 200_000):
        code, text = receive(pair[0], secrets.token_bytes(size))
        assert code == 2, text


def test_more_input_than_any_push_has_is_refused(pair: Pair) -> None:
    """Seventeen megabytes of ref names are not read to their end."""
    code, text = receive(pair[0], b"x" * 17_000_000)
    assert code in {1, 2}, text
    assert "fewer" in text


def test_an_unknown_object_is_refused(pair: Pair) -> None:
    """A ref to an object that nobody sent cannot be judged."""
    code, text = receive(pair[0], f"{ZERO} {'1' * 40} refs/heads/x\n".encode())
    assert code in {1, 2}, text
    assert "push refused" in text


def test_only_deletions_need_no_scan(pair: Pair) -> None:
    """Deleting adds nothing."""
    server, work = pair
    server.git("branch", "old", "main")
    assert work.push(":refs/heads/old").returncode == 0


def test_a_missing_program_refuses(pair: Pair) -> None:
    """An uninstalled orch-gates closes the door instead of opening it."""
    server, work = pair
    script = server.path / "hooks/pre-receive"
    script.write_text(script.read_text().replace(str(PROGRAM), "/nonexistent/orch-gates"))
    work.commit(files={"a.txt": "fine\n"})
    done = work.push("HEAD:refs/heads/topic")
    assert done.returncode != 0
    assert b"is missing on this server" in done.stderr


def test_a_missing_scanner_refuses(pair: Pair) -> None:
    """Without a scanner nothing is proven, so nothing is stored."""
    server, work = pair
    work.commit(files={"a.txt": "fine\n"})
    code, text = receive(
        server,
        f"{ZERO} {server.git('rev-parse', 'main')} refs/heads/x\n".encode(),
        ORCH_SECURITY_ENGINE="gitleaks",
        ORCH_GITLEAKS_BIN="/nonexistent/gitleaks",
    )
    assert code in {1, 2}
    assert "ORCH_GITLEAKS_BIN=/nonexistent/gitleaks" in text


def test_a_corrupt_scanner_setting_refuses(pair: Pair) -> None:
    """A setting that cannot be read is no reason to let a push through."""
    head = pair[0].git("rev-parse", "main")
    code, text = receive(pair[0], f"{ZERO} {head} refs/heads/x\n".encode(), ORCH_SECURITY_TIMEOUT_S="soon")
    assert code == 2
    assert "ORCH_SECURITY_TIMEOUT_S" in text


@pytest.mark.parametrize(
    "setting",
    [
        "ORCH_SECURITY_MAX_BYTES",
        "ORCH_SECURITY_MAX_OBJECT_BYTES",
        "ORCH_SECURITY_MAX_OBJECTS",
        "ORCH_SECURITY_MAX_REFS",
    ],
)
def test_over_budget_is_refused_and_says_what_to_do(setting: str, pair: Pair) -> None:
    """Too much for one check is a refusal that names the way out (SEC-9)."""
    _, work = pair
    work.commit(files={"a.txt": "many words\n" * 500})
    work.env[setting] = "1"
    done = work.push("HEAD:refs/heads/a", "HEAD:refs/heads/b")
    assert done.returncode != 0
    assert b"push" in done.stderr
    assert setting.encode() in done.stderr or b"fewer" in done.stderr


@pytest.mark.slow
def test_ten_thousand_refs_are_judged_in_bounded_time(pair: Pair) -> None:
    """Many refs in one push cost little more than one, and the leak in the last is found."""
    server, work = pair
    head = work.commit(files={"a.txt": "fine\n"})
    server.git("fetch", "--quiet", str(work.path), f"{head}:refs/heads/known")
    lines = "".join(f"{ZERO} {head} refs/heads/topic-{number}\n" for number in range(10_000))
    code, text = receive(server, lines.encode(), ORCH_SECURITY_TIMEOUT_S="60")
    assert code == 0, text
    code, text = receive(
        server, f"{lines}{ZERO} {head} refs/heads/{github_token()}\n".encode(), ORCH_SECURITY_TIMEOUT_S="60"
    )
    assert code == 1, text


@pytest.mark.slow
def test_a_huge_push_is_refused_in_bounded_memory(pair: Pair) -> None:
    """200 MB in one file end in a refusal that says their size, not in a server out of memory (SEC-9)."""
    server, work = pair
    for repository in (server, work):
        # How git packs them is not what is measured.
        repository.git("config", "core.compression", "0")
    (work.path / "big.bin").write_bytes(secrets.token_bytes(1_000_000) * 200)
    work.commit()
    done = work.push("HEAD:refs/heads/topic")
    assert b"too much for one check: object" in done.stderr
    assert b"200000000 bytes" in b" ".join(done.stderr.replace(b"remote:", b"").split())
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss < 1_500_000


def test_install_twice_is_install_once(pair: Pair) -> None:
    """Installing again renews the hook and proves it again."""
    server, _ = pair
    hook = server.path / "hooks/pre-receive"
    before, stored = hook.read_bytes(), refs(server)
    done = orch("hook", "install", server.path, cwd=server.path, env={"ORCH_SECURITY_ENGINE": "kingfisher"})
    assert done.returncode == 0, done.stderr
    assert b"proven" in done.stdout
    assert hook.read_bytes() == before
    assert hook.stat().st_mode & stat.S_IXOTH
    assert refs(server) == stored


def test_install_leaves_a_foreign_hook_alone(tmp_path: Path) -> None:
    """Somebody else's hook is not overwritten."""
    server = bare(tmp_path / "server.git")
    hook = server.path / "hooks/pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nexit 0\n")
    done = orch("hook", "install", server.path, cwd=tmp_path)
    assert done.returncode == 2
    assert b"another hook" in done.stderr
    assert hook.read_text() == "#!/bin/sh\nexit 0\n"


def test_install_refuses_a_work_tree(tmp_path: Path) -> None:
    """A server hook in a clone would never run."""
    run("git", "init", "-q", tmp_path / "work", cwd=tmp_path)
    assert orch("hook", "install", tmp_path / "work", cwd=tmp_path).returncode == 2


def test_install_for_gitea(tmp_path: Path) -> None:
    """The hook goes where Gitea's dispatcher looks, and needs that dispatcher."""
    server = bare(tmp_path / "server.git")
    assert orch("hook", "install", "--gitea", server.path, cwd=tmp_path).returncode == 2
    dispatcher = server.path / "hooks/pre-receive"
    dispatcher.parent.mkdir(exist_ok=True)
    dispatcher.write_text(
        '#!/bin/sh\ndata=$(cat)\nfor hook in "$GIT_DIR"/hooks/pre-receive.d/*; do\n'
        '  printf "%s\\n" "$data" | "$hook" || exit $?\ndone\n'
    )
    dispatcher.chmod(0o755)
    done = orch("hook", "install", "--gitea", server.path, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (server.path / "hooks/pre-receive.d/orch-gates").stat().st_mode & stat.S_IXUSR
    work = clone(server, tmp_path / "work")
    work.commit(files={"a.txt": github_token()})
    assert b"push refused" in work.push("HEAD:refs/heads/main").stderr


def test_an_upgrade_refuses_until_the_hook_is_proven_again(pair: Pair) -> None:
    """Another engine or other rules than the hook was proven with are told, with what to run (SEC-10)."""
    server, work = pair
    hook = server.path / "hooks/pre-receive"
    hook.write_text(re.sub(r"sha256:[0-9a-f]{64}", f"sha256:{'0' * 64}", hook.read_text()))
    work.commit(files={"a.txt": "fine\n"})
    done = work.push("HEAD:refs/heads/topic")
    assert done.returncode != 0
    assert b"orch-gates hook install" in b" ".join(done.stderr.replace(b"remote:", b"").split())
    done = orch("hook", "install", "--all", server.path.parent, cwd=server.path)
    assert done.returncode == 0, done.stderr
    assert b"renewed and proven" in done.stdout
    assert work.push("HEAD:refs/heads/topic").returncode == 0


def test_all_hooks_are_renewed_and_others_left_alone(pair: Pair, tmp_path: Path) -> None:
    """One command moves a server, Gitea's repositories too; a hook that cannot be proven stays as it was."""
    server, _ = pair
    script = (server.path / "hooks/pre-receive").read_bytes().replace(b"sha256:", b"sha256:0")
    root = tmp_path / "root"
    for name in ("plain.git", "deep/gitea.git", "foreign.git"):
        bare(root / name)
    hooks = {
        "plain.git/hooks/pre-receive": script,
        "deep/gitea.git/hooks/pre-receive": b"#!/bin/sh\nexec hooks/pre-receive.d/orch-gates\n",
        "deep/gitea.git/hooks/pre-receive.d/orch-gates": script,
        "foreign.git/hooks/pre-receive": b"#!/bin/sh\nexit 0\n",
    }
    for name, content in hooks.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        path.chmod(0o755)
    done = orch("hook", "install", "--all", root, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(b"renewed and proven") == 2
    renewed = (root / "plain.git/hooks/pre-receive").read_bytes()
    assert renewed == (root / "deep/gitea.git/hooks/pre-receive.d/orch-gates").read_bytes() != script
    assert (root / "foreign.git/hooks/pre-receive").read_bytes() == hooks["foreign.git/hooks/pre-receive"]

    (root / "plain.git/hooks/pre-receive").write_bytes(script)
    (root / "plain.git/config").write_text("[core]\n\tbare = true\n\trepositoryformatversion = 99\n")
    done = orch("hook", "install", "--all", root, cwd=tmp_path)
    assert done.returncode == 2
    assert b"1 of 2 hooks were not renewed" in done.stderr
    assert (root / "plain.git/hooks/pre-receive").read_bytes() == script


def test_a_stale_push_is_refused_before_anything_is_loaded(pair: Pair) -> None:
    """A ref that moved meanwhile is told as that, so that whoever pushed tries again."""
    server, _ = pair
    head, before = server.git("rev-parse", "main"), server.git("rev-parse", "main~1")
    code, text = receive(server, f"{before} {head} refs/heads/main\n".encode())
    assert (code, "refs/heads/main moved meanwhile" in text) == (1, True), text
    code, text = receive(server, f"{ZERO} {head} refs/heads/main\n".encode())
    assert (code, "moved meanwhile" in text) == (1, True), text
