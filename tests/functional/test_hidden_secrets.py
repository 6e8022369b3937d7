"""Places in which a secret was once passed over, each judged as it is pushed or committed (SEC-2, SEC-3, SEC-6)."""

from __future__ import annotations

import base64
from random import Random

import pytest

from orch_gates.content.pieces import PIECE_BYTES
from tests.builders import Repo, github_token, orch, private_key

Pair = tuple[Repo, Repo]
LETTERS = "abcdefghjkmnpqrstuvwxyz"


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def password() -> str:
    """Always the same one: about one random password of a hundred looks like a word, and is passed over."""
    chance = Random(10)
    return "".join(chance.choice(letters) for letters in (LETTERS, LETTERS.upper(), "23456789") for _ in range(5))


def texts() -> dict[str, bytes]:
    """Files of one secret each."""
    drawn = f"{password()}(9)!w{password()}"
    filler = b"x" * (PIECE_BYTES - 3_000)
    made = {
        "base64 twice": f"blob: {b64(b64(github_token()))}",
        "base64 three times": b64(b64(b64(github_token()))),
        "hex in base64 in base64": f"k = {b64(b64(github_token().encode().hex()))}",
        "triple quotes": f'password = """{password()}"""',
        "values in a column": f"password                = '{password()}'",
        "parentheses in a key": f"SECRET_KEY = '{drawn}'",
    }
    return {name: f"{text}\n".encode() for name, text in made.items()} | {
        "base64 over a piece's border": filler + b"\n" + b64("word " * 2_000 + github_token()).encode() + b"\n",
        "the end of a long run of UTF-16": f"{'a ' * 10_000}password = '{password()}'".encode("utf-16-le") + b"\0\0\1",
    }


@pytest.mark.parametrize("name", list(texts()))
def test_a_secret_is_found(name: str, pair: Pair) -> None:
    _, work = pair
    work.commit(files={"settings.py": texts()[name]})
    assert b"push refused: 1 secret found" in work.push("HEAD:refs/heads/topic").stderr


def test_every_secret_of_one_encoded_run_counts(pair: Pair) -> None:
    """The encoded text has one place in the file, whatever number of secrets it holds."""
    _, work = pair
    work.commit(files={"a.txt": b64(f"one: {github_token()}\ntwo: {github_token()}\n") + "\n"})
    assert b"push refused: 2 secrets found" in work.push("HEAD:refs/heads/topic").stderr


def test_an_own_rule_takes_no_other_rules_place(pair: Pair) -> None:
    """A rule of the repository that is bound to other paths does not hide what the bundle finds."""
    server, work = pair
    rule = "[[rules]]\nid = \"wide\"\nregex = '''ghp_[0-9A-Za-z]{36}'''\npath = '''\\.never$'''\n"
    head = work.commit("rules", {".gitleaks.toml": rule})
    server.git("fetch", "--quiet", str(work.path), f"+{head}:refs/heads/main")
    work.git("fetch", "--quiet")
    work.commit(files={"a.txt": f"{github_token()}\n"})
    assert b"push refused: 1 secret found" in work.push("HEAD:refs/heads/topic").stderr


def test_a_tag_called_merge_head_is_no_merge(pair: Pair) -> None:
    """Only git's own file says that a merge is being made; a ref of that name excuses nothing."""
    _, work = pair
    work.commit(files={"a.txt": f"{github_token()}\n"})
    work.git("tag", "MERGE_HEAD")
    leaked = work.git("rev-parse", "HEAD:a.txt")
    work.git("reset", "--quiet", "--hard", "HEAD^")
    work.git("update-index", "--add", "--cacheinfo", f"100644,{leaked},a.txt")
    assert orch("hook", "pre-commit", cwd=work.path).returncode == 1


def test_a_second_url_is_not_known(pair: Pair) -> None:
    """git pushes to every url of a remote, and has fetched from the first only."""
    server, work = pair
    head = work.commit(files={"a.txt": f"{github_token()}\n"})
    work.git("update-ref", "refs/remotes/origin/topic", head)
    line = f"refs/heads/topic {head} refs/heads/topic {'0' * 40}\n".encode()
    first, second = str(server.path), str(server.path.parent / "other.git")
    work.git("remote", "set-url", "--add", "origin", second)
    answers = [orch("hook", "pre-push", "origin", url, cwd=work.path, stdin=line).returncode for url in (first, second)]
    assert answers == [0, 1]


def test_a_key_store_is_a_file_with_content(pair: Pair) -> None:
    """An empty file, a link and a pointer of LFS with such a name hold no key; anything else does."""
    _, work = pair
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize 12345\n"
    work.commit(files={"empty.p12": b"", "pointer.p12": pointer})
    (work.path / "link.p12").symlink_to("elsewhere")
    work.commit("a link")
    assert work.push("HEAD:refs/heads/topic").returncode == 0
    work.commit(files={"key.p12": b"0\x82\x09\x01" + b"\x02\x01\x03" * 700})
    assert work.push("HEAD:refs/heads/topic").returncode != 0


def test_own_rules_are_checked_before_they_count(pair: Pair) -> None:
    """`config check` tells all that is wrong in .gitleaks.toml, by the engine that will read it."""
    _, work = pair
    work.write(".gitleaks.toml", "[[rules]]\nid = 'a'\nregex = '('\n\n[[rules]]\nid = 'b'\n")
    done = orch("config", "check", ".gitleaks.toml", cwd=work.path)
    assert (done.returncode, done.stderr.count(b".gitleaks.toml:")) == (1, 2), done.stderr
    work.write(".gitleaks.toml", "[[rules]]\nid = 'a'\nregex = '''acme_[a-z]{20}'''\n")
    assert orch("config", "check", ".gitleaks.toml", cwd=work.path).returncode == 0


def test_the_hook_is_written_where_git_looks(pair: Pair) -> None:
    """A server with one folder of hooks for all: installed there, renewed there, from a relative folder too."""
    server, work = pair
    shared = server.path.parent / "shared"
    server.git("config", "core.hooksPath", str(shared))
    (server.path / "hooks/pre-receive").unlink()
    done = orch("hook", "install", server.path, cwd=server.path)
    assert done.returncode == 0, done.stderr
    hook = shared / "pre-receive"
    hook.write_text(hook.read_text().replace("sha256:", "sha256:0"))
    done = orch("hook", "install", "--all", ".", cwd=server.path.parent)
    assert (done.returncode, b"renewed and proven" in done.stdout) == (0, True), done.stderr
    work.commit(files={"a.txt": f"{github_token()}\n"})
    assert b"1 secret found" in work.push("HEAD:refs/heads/topic").stderr


@pytest.mark.parametrize("kind", ["folder", "gitea"])
def test_what_stands_in_the_hooks_place_is_named(kind: str, pair: Pair) -> None:
    """The command says what to do, and changes nothing."""
    server, _ = pair
    hook = server.path / "hooks/pre-receive"
    hook.unlink()
    if kind == "folder":
        hook.mkdir()
    else:
        hook.write_text("#!/bin/sh\nexit 0\n")
        (server.path / "hooks/pre-receive.d").mkdir()
    done = orch("hook", "install", server.path, cwd=server.path)
    assert done.returncode == 2
    assert {"folder": b"is not a file", "gitea": b"--gitea"}[kind] in done.stderr


def test_a_hook_that_is_not_proven_does_not_stay(pair: Pair) -> None:
    """A dispatcher that calls nothing is told, and the hook beside it taken away again."""
    server, _ = pair
    hook = server.path / "hooks/pre-receive"
    hook.write_text("#!/bin/sh\nexit 0\n")
    hook.chmod(0o755)
    done = orch("hook", "install", "--gitea", server.path, cwd=server.path)
    assert done.returncode == 2
    assert b"git did not call the hook" in done.stderr
    assert not (server.path / "hooks/pre-receive.d/orch-gates").exists()


def test_a_value_between_the_lines_of_a_key_is_told(pair: Pair) -> None:
    """The key that was there takes the place of nothing that is put into it later."""
    server, work = pair
    key = private_key(work.path).splitlines()
    head = work.commit(files={"a.properties": "\n".join(key)})
    server.git("fetch", "--quiet", str(work.path), f"+{head}:refs/heads/main")
    key.insert(9, f"client_secret: {password()}{password()}")
    work.commit(files={"a.properties": "\n".join(key)})
    assert b"a.properties:10  generic" in work.push("HEAD:refs/heads/topic").stderr
