"""How a gate's answer looks: short, long, silent, in colour, as JSON; and what an error looks like (GATE-4)."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import select
import shutil
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from tests.builders import PROGRAM, Done, Repo, Template, github_token, orch, run

Pair = tuple[Repo, Repo]
NO_AUDIT = {"ORCH_SECURITY_DEP_AUDIT_ENABLED": "false"}
REPORT = "---\nschema: orch.report/1\ngate: tests-passed\ntests_status: {}\nhead: {}\nreason: 3 tests\n---\n"
SECURITY = ("gate", "security")
ALONE = ("gate", "tests-passed", "report.md")


def say(work: Repo, *args: str, **env: str | None) -> Done:
    return orch(*args, cwd=work.path, env={**NO_AUDIT, **env})


def made(work: Repo, *, red: bool) -> None:
    """A commit that both gates judge."""
    head = work.commit(files={"a.txt": f"x = {github_token() if red else 'fine'}\n"})
    work.write("report.md", REPORT.format("FAILED" if red else "PASSED", head))


def on_terminal(work: Repo, *args: str, columns: int = 80, **env: str) -> str:
    """What a terminal of so many columns is sent."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    known = {**os.environ, **NO_AUDIT, "TERM": "xterm", **env}
    with open(theirs, "wb") as terminal:
        subprocess.run([PROGRAM, *args], cwd=work.path, env=known, stdout=terminal, stderr=terminal, check=False)
        sent = b""
        # All that was sent waits there, as it is less than a terminal holds.
        while select.select([ours], [], [], 0)[0]:
            sent += os.read(ours, 65536)
    os.close(ours)
    return sent.decode()


@pytest.mark.parametrize("args", [SECURITY, ALONE])
def test_a_quiet_pass_says_nothing(args: tuple[str, ...], pair: Pair) -> None:
    """The exit code is the answer."""
    made(pair[1], red=False)
    done = say(pair[1], *args, "--quiet")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


@pytest.mark.parametrize("args", [SECURITY, ALONE])
def test_a_quiet_refusal_says_why_in_one_line(args: tuple[str, ...], pair: Pair) -> None:
    made(pair[1], red=True)
    done = say(pair[1], *args, "--quiet")
    assert (done.returncode, done.stdout.count(b"\n"), done.stderr) == (1, 1, b"")
    assert done.stdout.startswith(f"{args[1]}: FAIL: ".encode())


@pytest.mark.parametrize("args", [SECURITY, ALONE])
def test_the_evidence_is_shown_where_it_is_asked_for(args: tuple[str, ...], pair: Pair) -> None:
    """Folded to a line otherwise; JSON holds all of it always."""
    made(pair[1], red=False)
    facts = json.loads(say(pair[1], *args, "--json").stdout)["evidence"]
    assert f"evidence: {len(facts)} facts; --verbose shows them".encode() in say(pair[1], *args).stdout
    whole = say(pair[1], *args, "--verbose").stdout.decode()
    assert all(f"  {name} = " in whole for name in facts)


@pytest.mark.parametrize("others", [("--quiet", "--verbose"), ("--quiet", "--json")])
@pytest.mark.parametrize("args", [SECURITY, ALONE, ("gate", "merge", "--task", "T-1"), ("gate", "merge-proof")])
def test_quiet_and_more_contradict_each_other(args: tuple[str, ...], others: tuple[str, str], pair: Pair) -> None:
    done = say(pair[1], *args, *others)
    assert (done.returncode, b"contradict each other" in done.stderr) == (2, True)


def test_the_verdict_is_in_colour_on_a_terminal_alone(pair: Pair) -> None:
    """Not in a file, not where NO_COLOR or a dumb terminal says so."""
    made(pair[1], red=True)
    assert "security: \x1b[31mFAIL\x1b[0m: 1 secret found" in on_terminal(pair[1], *SECURITY)
    assert "\x1b" not in on_terminal(pair[1], *SECURITY, NO_COLOR="1")
    assert "\x1b" not in on_terminal(pair[1], *SECURITY, TERM="dumb")
    assert b"\x1b" not in say(pair[1], *SECURITY, TERM="xterm").stdout


def test_a_narrow_terminal_gets_all_of_it(pair: Pair) -> None:
    """Commands stay whole: the terminal breaks them, and copies them without the break."""
    made(pair[1], red=True)
    assert "git commit --amend --no-edit\r\n" in on_terminal(pair[1], *SECURITY, columns=20)


@pytest.mark.parametrize(
    "args",
    [
        ("gate", "security", "--json", "--no-such-option"),
        ("gate", "security", "--json", "--all", "--base", "HEAD"),
        ("gate", "no-such-gate", "--json"),
        ("no-such-command", "--json"),
        ("gate", "merge", "--json"),
        ("gate", "merge-proof", "--json", "--task"),
        ("gate", "tests-passed", "--head", "no-such-commit", "--json"),
        ("status", "--json"),
        ("why", "T-1", "--json"),
        ("task", "show", "T-1", "--json"),
        ("prove", "no-such-commit", "--on", "main", "--json"),
        ("queue", "list", "--json"),
        ("lease", "show", "--json"),
        ("effects", "list", "--json"),
        ("config", "show", "--json", "--repo", "/nonexistent"),
    ],
)
def test_a_failure_is_json_too_where_json_is_asked_for(args: tuple[str, ...], pair: Pair) -> None:
    """One object that says why, with the exit code of the process; a person reads the same on stderr."""
    done = say(pair[1], *args)
    assert done.returncode == 2, done
    answer = json.loads(done.stdout)
    assert list(answer) == ["schema", "error"]
    assert answer["schema"] == "orch.error/1"
    assert answer["error"]["exit_code"] == 2
    assert answer["error"]["message"].split("\n")[0].encode() in done.stderr


def test_a_document_is_not_followed_by_another(pair: Pair) -> None:
    """What fails after the answer is printed is said on stderr alone."""
    made(pair[1], red=False)
    done = say(pair[1], *SECURITY, "--json", "--status", "--forge", "none")
    assert done.returncode == 2
    assert json.loads(done.stdout)["outcome"] == "PASS"
    code = "from orch_gates.cli.boundary import fail, say; say('{}\\n'); fail('too late', 2)"
    late = run(sys.executable, "-c", code, "--json", cwd=pair[1].path)
    assert (late.returncode, late.stdout, late.stderr) == (2, b"{}\n", b"orch-gates: too late\n")


def test_without_json_an_error_is_no_json(pair: Pair) -> None:
    for args in (("gate", "security", "--no-such-option"), ("task", "new", "T-1", "--", "--json")):
        done = say(pair[1], *args)
        assert (done.returncode, done.stdout) == (2, b"")


def test_an_error_that_nobody_reads_keeps_its_exit_code(pair: Pair) -> None:
    line = f'"{PROGRAM}" gate security --json --no-such-option'
    for how in (f"{line} >&-", f"{line} 2>&-", f"{line} >&- 2>&-"):
        assert run("sh", "-c", how, cwd=pair[1].path).returncode == 2
    if Path("/dev/full").exists():
        assert run("sh", "-c", f"{line} >/dev/full", cwd=pair[1].path).returncode == 2


def test_the_manual_is_in_the_program(pair: Pair) -> None:
    """Whoever pushes has no copy of the documents."""
    pages = say(pair[1], "help").stdout.decode()
    for name in ("leak", "allow", "state", "merge", "gates"):
        assert f"orch-gates help {name}" in pages
        page = say(pair[1], "help", name)
        assert (page.returncode, page.stdout[:2]) == (0, b"# ")
        assert b"](" not in page.stdout
    assert b"`orch-gates help allow`" in say(pair[1], "help", "leak").stdout
    unknown = say(pair[1], "help", "no-such-page")
    assert (unknown.returncode, b"leak, allow" in unknown.stderr) == (2, True)


def test_the_manual_is_in_what_is_built(tmp_path: Path) -> None:
    """The pages are links in the tree, and text in a package."""
    root = Path(__file__).parents[2]
    tree = tmp_path / "tree"
    shutil.copytree(root / "orch_gates", tree / "orch_gates", symlinks=True)
    shutil.copytree(root / "docs", tree / "docs")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(root / name, tree / name)
    code = "import setuptools; setuptools.setup(script_args=['-q', 'build', '--build-lib', 'built'])"
    done = run(sys.executable, "-W", "ignore", "-c", code, cwd=tree)
    assert done.returncode == 0, done.stderr.decode()
    page = tree / "built" / "orch_gates" / "report" / "pages" / "leak.md"
    assert not page.is_symlink()
    assert page.read_text() == (root / "docs" / "how-to" / "remove-a-leaked-secret.md").read_text()


def test_an_installation_names_its_own_page(pair: Pair) -> None:
    """In the environment of the server, or of the person."""
    _, work = pair
    made(work, red=True)
    address = "https://git.example.org/help/leaks"
    work.env["ORCH_HELP_URL"] = address
    assert f"remote: Help: {address} " in work.push("HEAD:refs/heads/topic").stderr.decode()
    assert f"\nHelp: {address}\n".encode() in say(work, *SECURITY, ORCH_HELP_URL=address).stdout


def test_a_repository_names_no_page(pair: Pair) -> None:
    """Whoever may change it must not send people elsewhere."""
    _, work = pair
    work.write(".orch-gates.yaml", "help:\n  url: https://other.example.org\n")
    assert orch("config", "check", ".orch-gates.yaml", cwd=work.path).returncode == 1


@pytest.mark.parametrize("url", ["git.example.org", "https://a b", "https://a\x1b[31mb", "javascript:x", "https://é"])
def test_an_address_that_is_none_is_refused(url: str, pair: Pair) -> None:
    """It would be shown to everybody who pushes."""
    done = say(pair[1], *SECURITY, ORCH_HELP_URL=url)
    assert (done.returncode, b"ORCH_HELP_URL" in done.stderr, b"\x1b" in done.stderr) == (2, True, False)


def test_the_hook_keeps_the_address_that_it_was_installed_with(tmp_path: Path) -> None:
    server, work = Template(tmp_path / "made", "kingfisher").make().pair(tmp_path / "pair")
    done = orch("hook", "install", server.path, cwd=tmp_path, env={"ORCH_HELP_URL": "https://git.example.org/help"})
    assert done.returncode == 0, done.stderr
    made(work, red=True)
    assert b"Help: https://git.example.org/help" in work.push("HEAD:refs/heads/topic").stderr


NAMES = {
    "Größe/文档.txt": "Größe/文档.txt",
    "a\u202etxt.exe": r"a\u202etxt.exe",
    "a\x1b[2Kb": r"a\x1b[2Kb",
    "a\nb": r"a\x0ab",
    "a\u00a0b": r"a\xa0b",
    "::error::x": r":\x3aerror::x",
    "a\udce9b": r"a\xe9b",
}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("locale", ["C", "C.UTF-8"])
def test_a_name_is_shown_as_it_is_or_spelled_out(name: str, locale: str, pair: Pair) -> None:
    """Whatever the server's locale: git passes the bytes on, and a terminal reads them."""
    _, work = pair
    work.commit(files={os.fsencode(name) if "\udce9" in name else name: f"x = {github_token()}\n"})  # type: ignore[dict-item]
    work.env |= {"LC_ALL": locale, "LANG": locale}
    for output in (work.push("HEAD:refs/heads/topic").stderr, say(work, *SECURITY, LC_ALL=locale).stdout):
        assert f"  {NAMES[name]}:1  ".encode() in output


def test_a_server_in_another_encoding_says_it_in_utf_8(pair: Pair) -> None:
    """Its locale is not that of the person who pushes."""
    _, work = pair
    work.commit(files={"Größe.txt": f"x = {github_token()}\n"})
    work.env["PYTHONIOENCODING"] = "latin-1"
    assert "  Größe.txt:1  ".encode() in work.push("HEAD:refs/heads/topic").stderr


def test_a_stream_that_cannot_show_a_letter_gets_its_code(pair: Pair) -> None:
    _, work = pair
    work.commit(files={"Größe.txt": f"x = {github_token()}\n"})
    assert rb"Gr\xf6\xdfe.txt:1" in say(work, *SECURITY, PYTHONIOENCODING="ascii").stdout


def test_a_very_long_name_is_cut_in_its_middle(pair: Pair) -> None:
    _, work = pair
    name = "/".join(["d" * 200] * 18) + "/end.txt"
    work.commit(files={name: f"x = {github_token()}\n"})
    output = work.push("HEAD:refs/heads/topic").stderr.decode()
    assert "end.txt:1" in output
    assert max(map(len, output.splitlines())) < 320


def test_three_hundred_findings_are_a_short_message(pair: Pair) -> None:
    """Five in the hook, ten on the command line; each says how to see more."""
    _, work = pair
    work.commit(files={f"f{number}.txt": f"x = {github_token()}\n" for number in range(300)})
    output = work.push("HEAD:refs/heads/topic").stderr
    assert (output.count(b"github-pat"), b"+295 more" in output) == (5, True)
    assert b"remote:   orch-gates gate security --verbose" in output
    assert say(work, *SECURITY).stdout.count(b"github-pat") == 10
    assert say(work, *SECURITY, "--verbose").stdout.count(b"github-pat") == 200


def waiting_git(folder: Path) -> Path:
    """A folder with a git that does not list objects before a file `go` is beside it."""
    program = folder / "git"
    real = shutil.which("git")
    program.write_text(
        f'#!/bin/sh\ncase " $* " in *" rev-list --objects "*)\n'
        f'    while [ ! -e "{folder}/go" ]; do sleep 0.05; done;;\nesac\n'
        f'exec {real} "$@"\n'
    )
    program.chmod(0o755)
    return folder


def test_a_slow_check_says_how_far_it_is(pair: Pair, tmp_path: Path) -> None:
    """On a terminal in one line, in a hook in lines; this one goes on only when that was read."""
    _, work = pair
    head, ref = work.commit(files={"a.txt": "fine\n"}), "refs/heads/topic"
    env = {**os.environ, **NO_AUDIT, "PATH": f"{waiting_git(tmp_path)}:{os.environ['PATH']}"}
    with subprocess.Popen(
        [PROGRAM, "hook", "pre-push"], cwd=work.path, env=env, stdin=subprocess.PIPE, stderr=subprocess.PIPE
    ) as hook:
        assert hook.stdin is not None
        assert hook.stderr is not None
        hook.stdin.write(f"{ref} {head} {ref} {'0' * 40}\n".encode())
        hook.stdin.close()
        assert hook.stderr.readline().startswith(b"orch-gates: judging 0 objects, ")
        (tmp_path / "go").touch()
        assert hook.wait() == 0
    (tmp_path / "go").unlink()
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [PROGRAM, *SECURITY], cwd=work.path, env=env, stdout=subprocess.DEVNULL, stderr=theirs
    ) as gate:
        os.close(theirs)
        assert os.read(ours, 1000).startswith(b"\rorch-gates: judging 0 objects, ")
        (tmp_path / "go").touch()
        assert gate.wait() == 0
    os.close(ours)
