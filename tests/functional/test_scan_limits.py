"""One check is bounded in time and memory, leaves nothing behind, and a machine's fault is no pass (SEC-9, SEC-12)."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest

from tests.builders import PROGRAM, Repo, characters, github_token, orch

Pair = tuple[Repo, Repo]
RULE = "[[rules]]\nid = \"acme\"\nregex = '''acme_[a-z0-9]{20}'''\n"


def own_token() -> str:
    return "acme_" + characters(20, "abcdefghijklmnopqrstuvwxyz0123456789")


def with_own_rule(pair: Pair) -> None:
    server, work = pair
    head = work.commit("rules", {".gitleaks.toml": RULE})
    server.git("fetch", "--quiet", str(work.path), f"+{head}:refs/heads/main")
    work.git("fetch", "--quiet")


def test_a_machine_without_room_does_not_drop_the_repositorys_rules(pair: Pair) -> None:
    """Only a mistake in the file lets the bundle's rules judge alone."""
    _, work = pair
    with_own_rule(pair)
    work.commit(files={"a.txt": own_token()})
    work.env["TMPDIR"] = "/nonexistent"
    assert work.push("HEAD:refs/heads/topic").returncode != 0


def test_git_that_is_killed_does_not_drop_the_repositorys_rules(pair: Pair, tmp_path: Path) -> None:
    """What git could not tell is no default branch without a configuration."""
    server, work = pair
    with_own_rule(pair)
    work.commit(files={"a.txt": own_token()})
    wrapper = tmp_path / "bin" / "git"
    wrapper.parent.mkdir()
    real = subprocess.run(["sh", "-c", "command -v git"], capture_output=True, check=True, timeout=10).stdout.decode()
    wrapper.write_text(f'#!/bin/sh\ncase "$*" in *HEAD^*) kill -9 $$;; esac\nexec {real.strip()} "$@"\n')
    wrapper.chmod(0o755)
    hook = server.path / "hooks/pre-receive"
    hook.write_text(hook.read_text().replace("exec ", f"PATH={wrapper.parent}:$PATH\nexec "))
    done = work.push("HEAD:refs/heads/topic")
    assert done.returncode != 0
    assert b"rev-parse HEAD failed" in b" ".join(done.stderr.replace(b"remote:", b"").split())


def test_nothing_of_the_repositorys_rules_is_left_behind(pair: Pair, tmp_path: Path) -> None:
    """A temporary folder is as it was after a push."""
    _, work = pair
    with_own_rule(pair)
    (tmp_path / "scratch").mkdir()
    work.env["TMPDIR"] = str(tmp_path / "scratch")
    work.commit(files={"a.txt": "fine\n"})
    assert work.push("HEAD:refs/heads/topic").returncode == 0
    assert not list((tmp_path / "scratch").iterdir())


def test_no_core_is_dumped(pair: Pair) -> None:
    """What a crashed hook held is content; a server's own limit does not put it into a file."""
    server, _ = pair
    child = subprocess.Popen(
        ["sh", "-c", 'ulimit -c unlimited; exec "$0" hook pre-receive', PROGRAM],
        cwd=server.path,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until = time.monotonic() + 20
        while time.monotonic() < until and "core file size        0 " not in _limits(child.pid):
            time.sleep(0.05)
        assert "core file size        0 " in _limits(child.pid)
    finally:
        child.kill()
        child.communicate(timeout=20)


def _limits(pid: int) -> str:
    return Path(f"/proc/{pid}/limits").read_text()


def test_a_scanner_that_hangs_is_ended_with_the_check(pair: Pair, tmp_path: Path) -> None:
    """Also the program that the engine runs has gone when the answer is there."""
    _, work = pair
    mark = tmp_path / "pid"
    sleeper = tmp_path / "gitleaks"
    sleeper.write_text(f"#!/bin/sh\necho $$ > {mark}\nexec sleep 600\n")
    sleeper.chmod(0o755)
    work.commit(files={"a.txt": "fine\n"})
    done = orch(
        *("gate", "security"),
        cwd=work.path,
        env={"ORCH_SECURITY_ENGINE": "gitleaks", "ORCH_GITLEAKS_BIN": str(sleeper), "ORCH_SECURITY_TIMEOUT_S": "3"},
    )
    assert b"took longer" in b" ".join(done.stdout.split())
    until = time.monotonic() + 10
    while time.monotonic() < until and Path("/proc", mark.read_text().strip()).exists():
        time.sleep(0.05)
    with pytest.raises(ProcessLookupError):
        os.kill(int(mark.read_text()), 0)


def test_objects_that_no_ref_reaches_are_counted(pair: Pair) -> None:
    """A pack may bring millions of them; the most that one check reads is for all together."""
    _, work = pair
    for number in range(30):
        work.object("blob", b"%d" % number)
    work.commit(files={"a.txt": "fine\n"})
    listed = work.git("cat-file", "--batch-all-objects", "--batch-check=%(objectname)")
    pack = work.git("pack-objects", str(work.path / "all"), stdin=listed.encode())
    server = pair[0]
    # A quarantine as receive-pack makes one: what was brought is not yet among the repository's objects.
    quarantine = server.path / "objects" / "incoming"
    (quarantine / "pack").mkdir(parents=True)
    for ending in ("pack", "idx"):
        (work.path / f"all-{pack}.{ending}").rename(quarantine / "pack" / f"pack-{pack}.{ending}")
    done = orch(
        *("hook", "pre-receive"),
        cwd=server.path,
        stdin=f"{'0' * 40} {work.git('rev-parse', 'HEAD')} refs/heads/topic\n".encode(),
        env={
            "GIT_DIR": ".",
            "GIT_QUARANTINE_PATH": str(quarantine),
            "GIT_OBJECT_DIRECTORY": str(quarantine),
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": str(server.path / "objects"),
            "ORCH_SECURITY_MAX_OBJECTS": "10",
        },
    )
    assert done.returncode == 1, done.stderr
    assert b"raise ORCH_SECURITY_MAX_OBJECTS" in done.stderr


def test_names_are_asked_for_together(pair: Pair) -> None:
    """Very many files whose names are secrets are told within the time that one check has."""
    _, work = pair
    blob = work.object("blob", b"x\n")
    names = "".join(f"100644 blob {blob}\t{github_token()}\n" for _ in range(3_000))
    commit = work.git("commit-tree", work.git("mktree", stdin=names.encode()), "-p", "HEAD", "-m", "names")
    work.env["ORCH_SECURITY_TIMEOUT_S"] = "20"
    assert b"secrets found" in work.push(f"{commit}:refs/heads/topic").stderr


@pytest.mark.parametrize(
    "setting", ["core.fsyncObjectFiles=true", "core.fsync=unheard-of", "core.fsyncMethod=unheard-of"]
)
def test_a_setting_about_writing_does_not_stop_reading(setting: str, pair: Pair) -> None:
    """git complains about it in every command, and every push would be refused."""
    server, work = pair
    key, _, value = setting.partition("=")
    server.git("config", key, value)
    work.commit(files={"a.txt": "fine\n"})
    done = work.push("HEAD:refs/heads/topic")
    assert done.returncode == 0, done.stderr


def test_a_name_does_not_silence_a_warning(pair: Pair) -> None:
    """What git says about a broken ref stands, also where the ref is named like such a setting."""
    server, work = pair
    (server.path / "refs/heads/core.fsync").write_text("garbage\n")
    work.commit(files={"a.txt": "fine\n"})
    assert work.push("HEAD:refs/heads/topic").returncode != 0


def test_a_namespace_is_served(pair: Pair) -> None:
    """git names refs without their namespace; new and changed ones are judged like any other."""
    _, work = pair
    work.env["GIT_NAMESPACE"] = "team"
    for text in ("one\n", "two\n"):
        work.commit(files={"a.txt": text})
        done = work.push("HEAD:refs/heads/topic")
        assert done.returncode == 0, done.stderr
    work.commit(files={"a.txt": github_token()})
    assert b"1 secret found" in work.push("HEAD:refs/heads/topic").stderr


def test_a_home_that_is_nobodys_is_told(pair: Pair) -> None:
    """A setting that cannot be is named, in every command."""
    _, work = pair
    done = orch("gate", "security", cwd=work.path, env={"ORCH_CACHE_DIR": "~nobody-here/x"})
    assert done.returncode not in {0, 1, 70}
    assert b"ORCH_CACHE_DIR" in done.stdout + done.stderr
    assert b"Traceback" not in done.stderr
