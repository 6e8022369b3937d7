"""`.orch-gates.yaml` as gates, hooks and people meet it: it counts on the target branch, and nowhere else (P5)."""

from __future__ import annotations

import json
import os
import pty
import secrets
import subprocess
import sys
from pathlib import Path

import pytest

from tests.builders import PROGRAM, Done, Repo, github_token, orch, run

Pair = tuple[Repo, Repo]
FILE = ".orch-gates.yaml"
OFF = "security:\n  enabled: false\n"
BROKEN = "security:\n  max_byte: 1\n"
NO_AUDIT = {"ORCH_SECURITY_DEP_AUDIT_ENABLED": "false"}


def configure(server: Repo, work: Repo, text: str, branch: str = "main") -> str:
    """Put a configuration onto a branch of the server, past its hook; the clone knows it and stands on it."""
    commit = work.commit("configure", {FILE: text})
    server.git("fetch", "--quiet", str(work.path), f"+HEAD:refs/heads/{branch}")
    work.git("fetch", "--quiet", "origin")
    return commit


def leak(work: Repo, name: str = "leak.txt") -> str:
    return work.commit("a leak", {name: f"x = {github_token()}\n"})


def gate(work: Repo, *args: str | Path, **env: str | None) -> Done:
    done = orch("gate", "security", *args, cwd=work.path, env={**NO_AUDIT, **work.env, **env})
    assert b"Traceback" not in done.stderr
    return done


def event(folder: Path, name: str, payload: dict[str, object]) -> dict[str, str]:
    """The environment of a CI run."""
    path = folder / "event.json"
    path.write_text(json.dumps({"repository": {"default_branch": "main"}, **payload}))
    return {"CI": "true", "GITHUB_EVENT_NAME": name, "GITHUB_EVENT_PATH": str(path)}


# --- the server hook -----------------------------------------------------------------------------


@pytest.mark.parametrize("branch", ["topic", "main"])
def test_a_pushed_file_does_not_configure_its_own_push(branch: str, pair: Pair) -> None:
    """Not on a branch beside, nor on the default branch itself: what was there before the push counts (P5)."""
    _, work = pair
    work.commit("switch it off", {FILE: OFF})
    leak(work)
    pushed = work.push(f"HEAD:refs/heads/{branch}")
    assert pushed.returncode != 0
    assert b"1 secret found" in pushed.stderr


def test_a_file_on_another_branch_of_the_server_configures_nothing(pair: Pair) -> None:
    """Anybody may push a branch with any file in it."""
    _, work = pair
    work.commit("switch it off", {FILE: OFF})
    assert work.push("HEAD:refs/heads/topic").returncode == 0
    leak(work)
    assert work.push("HEAD:refs/heads/topic").returncode != 0


def test_the_first_push_to_an_empty_repository_is_judged_by_the_defaults(pair: Pair) -> None:
    """There is no default branch to trust yet."""
    server, work = pair
    server.git("update-ref", "-d", "refs/heads/main")
    work.commit("switch it off", {FILE: OFF})
    leak(work)
    assert b"1 secret found" in work.push("HEAD:refs/heads/main").stderr


def test_the_file_on_the_default_branch_counts(pair: Pair) -> None:
    """Once it is there it configures the next push, and a push that was not judged is told so (P9)."""
    _, work = pair
    work.commit("switch it off", {FILE: OFF})
    assert work.push("HEAD:refs/heads/main").returncode == 0
    leak(work)
    pushed = work.push("HEAD:refs/heads/topic")
    assert pushed.returncode == 0
    assert b"not judged: switched off by security.enabled in .orch-gates.yaml:2:12@" in pushed.stderr


def test_the_server_has_the_last_word(pair: Pair) -> None:
    """A variable in the server's environment pins a setting, whatever the repository says."""
    server, work = pair
    configure(server, work, OFF)
    leak(work)
    work.env["ORCH_SECURITY_ENABLED"] = "true"
    assert b"1 secret found" in work.push("HEAD:refs/heads/topic").stderr


def test_a_budget_of_the_file_counts(pair: Pair) -> None:
    """Also the number of refs, which is looked at before anything else."""
    server, work = pair
    configure(server, work, "security: {max_refs: 1, max_object_bytes: 2000}\n")
    work.commit(files={"small.txt": "fine\n"})
    assert work.push("HEAD:refs/heads/a").returncode == 0
    assert b"2 refs in one push are more than 1" in work.push("HEAD:refs/heads/b", "HEAD:refs/heads/c").stderr
    work.commit(files={"big.txt": "word " * 1000})
    assert b"too much for one check" in work.push("HEAD:refs/heads/a").stderr


def test_a_broken_file_is_told_and_its_repair_gets_in(pair: Pair) -> None:
    """The hook judges by the defaults meanwhile: a leak is still refused, everything else goes on."""
    server, work = pair
    configure(server, work, BROKEN)
    leak(work)
    refused = work.push("HEAD:refs/heads/topic").stderr.decode()
    assert "1 secret found" in refused
    work.git("reset", "--quiet", "--hard", "HEAD^")
    work.commit("mend it", {FILE: "security:\n  max_bytes: 1000000\n"})
    pushed = work.push("HEAD:refs/heads/main")
    assert pushed.returncode == 0
    told = " ".join(pushed.stderr.decode().replace("remote:", " ").split())
    assert "note: .orch-gates.yaml:2:3: security: unknown key 'max_byte'; did you mean max_bytes?" in told
    assert "the defaults apply until this is fixed on the default branch" in told
    work.commit(files={"a.txt": "fine\n"})
    assert b"note:" not in work.push("HEAD:refs/heads/main").stderr


# --- hooks in a clone ----------------------------------------------------------------------------


def test_the_hooks_of_a_clone_are_configured_by_the_remote(pair: Pair) -> None:
    """What is staged or about to be pushed does not configure them; the remote's default branch does."""
    server, work = pair
    work.write(FILE, OFF)
    work.write("leak.txt", f"x = {github_token()}\n")
    work.git("add", "--all")
    committed = orch("hook", "pre-commit", cwd=work.path)
    assert (committed.returncode, b"1 secret found" in committed.stderr) == (1, True)
    work.git("reset", "--quiet", "--hard")
    configure(server, work, OFF)
    head = leak(work)
    line = f"refs/heads/topic {head} refs/heads/topic {'0' * 40}\n".encode()
    pushed = orch("hook", "pre-push", "origin", "url", cwd=work.path, stdin=line)
    assert (pushed.returncode, b"not judged" in pushed.stderr) == (0, True)
    elsewhere = orch("hook", "pre-push", "", "url", cwd=work.path, stdin=line)
    assert elsewhere.returncode == 1


# --- the gate ------------------------------------------------------------------------------------


def test_the_gate_is_configured_by_the_target_branch_only(pair: Pair) -> None:
    """The judged branch cannot switch it off; the target branch can."""
    server, work = pair
    work.commit("switch it off", {FILE: OFF})
    leak(work)
    assert gate(work).returncode == 1
    work.git("reset", "--quiet", "--hard", "origin/main")
    configure(server, work, OFF)
    leak(work)
    done = gate(work, "--json")
    assert (done.returncode, json.loads(done.stdout)["outcome"]) == (0, "SKIP")
    assert gate(work, ORCH_SECURITY_ENABLED="1").returncode == 1


def test_the_gate_uses_what_the_file_sets(pair: Pair) -> None:
    """An engine that is not there is a refusal, as with the variable."""
    server, work = pair
    configure(server, work, "security: {max_objects: 1}\n")
    work.commit(files={"a.txt": "fine\n"})
    assert b"too much for one check" in gate(work).stdout
    assert gate(work, ORCH_SECURITY_MAX_OBJECTS="100").returncode == 0


def test_a_push_to_the_default_branch_is_configured_by_what_was_there(pair: Pair, tmp_path: Path) -> None:
    """In CI the clone already has the pushed commit as origin/main; it is the judged one."""
    server, work = pair
    before = work.git("rev-parse", "HEAD")
    leak(work)
    after = configure(server, work, OFF)
    payload: dict[str, object] = {"ref": "refs/heads/main", "before": before, "after": after}
    assert gate(work, **event(tmp_path, "push", payload)).returncode == 1
    new: dict[str, object] = {**payload, "before": "0" * 40}
    assert gate(work, **event(tmp_path, "push", new)).returncode == 1


def test_a_push_to_the_branch_that_the_environment_names(pair: Pair, tmp_path: Path) -> None:
    """Where ORCH_TARGET is another branch, a push to it is judged from, and configured by, its earlier commit."""
    server, work = pair
    before = configure(server, work, "target: main\n", branch="develop")
    leak(work)
    after = configure(server, work, OFF, branch="develop")
    payload: dict[str, object] = {"ref": "refs/heads/develop", "before": before, "after": after}
    assert gate(work, ORCH_TARGET="develop", **event(tmp_path, "push", payload)).returncode == 1


def test_the_environment_may_name_the_branch_that_configures(pair: Pair) -> None:
    """ORCH_TARGET belongs to the job or the server, so it is trusted (P5)."""
    server, work = pair
    configure(server, work, OFF, branch="develop")
    leak(work)
    assert gate(work).returncode == 1
    done = gate(work, "--json", ORCH_TARGET="develop")
    assert json.loads(done.stdout)["outcome"] == "SKIP"


def test_the_base_of_a_pull_request_does_not_configure_it(pair: Pair, tmp_path: Path) -> None:
    """Whoever opens it chooses the base: the default branch's file counts there too."""
    server, work = pair
    configure(server, work, OFF, branch="anybodys")
    head = leak(work)
    payload: dict[str, object] = {"pull_request": {"base": {"ref": "anybodys"}, "head": {"sha": head}}}
    assert gate(work, **event(tmp_path, "pull_request", payload)).returncode == 1


def test_the_file_names_the_usual_target(pair: Pair, tmp_path: Path) -> None:
    """A pushed branch is compared with it, a pull request with its own base."""
    server, work = pair
    server.git("update-ref", "refs/heads/release", "refs/heads/main")
    configure(server, work, "target: develop\n")
    server.git("update-ref", "refs/heads/develop", "refs/heads/main")
    work.git("fetch", "--quiet", "origin")
    head = work.commit(files={"a.txt": "fine\n"})
    assert json.loads(gate(work, "--json").stdout)["evidence"]["target"] == "develop"
    push: dict[str, object] = {"ref": "refs/heads/topic", "before": "0" * 40, "after": head}
    assert json.loads(gate(work, "--json", **event(tmp_path, "push", push)).stdout)["evidence"]["target"] == "develop"
    pull: dict[str, object] = {"pull_request": {"base": {"ref": "release"}, "head": {"sha": head}}}
    evidence = json.loads(gate(work, "--json", **event(tmp_path, "pull_request", pull)).stdout)["evidence"]
    assert (evidence["target"], evidence["commits_scanned"]) == ("release", 2)


def test_a_broken_file_on_the_target_branch_decides_nothing(pair: Pair, tmp_path: Path) -> None:
    """ERROR and exit code 2, with the place, in the report too; switched off by the environment it is not read."""
    server, work = pair
    configure(server, work, BROKEN)
    work.commit(files={"a.txt": "fine\n"})
    report = tmp_path / "report.md"
    done = gate(work, "--json", "--report", report)
    answer = json.loads(done.stdout)
    assert (done.returncode, answer["outcome"]) == (2, "ERROR")
    assert answer["reason"].startswith(".orch-gates.yaml:2:3: security: unknown key 'max_byte'")
    assert "verdict: ERROR" in report.read_text().replace('"', "")
    assert gate(work, ORCH_SECURITY_ENABLED="0").returncode == 0


def test_a_target_branch_that_is_not_here_fails(pair: Pair) -> None:
    """Without it neither the range nor the configuration is known: that is no pass."""
    assert gate(pair[1], ORCH_TARGET="nowhere").returncode == 1


# --- the command ---------------------------------------------------------------------------------


def show(work: Repo, *args: str, **env: str | None) -> Done:
    return orch("config", "show", *args, cwd=work.path, env={**work.env, **env})


def test_show_tells_every_value_and_its_origin(pair: Pair) -> None:
    """Environment over file over default, each with its place; a key is never shown."""
    server, work = pair
    commit = configure(server, work, "security:\n  max_refs: 7\n  engine: gitleaks\nrework: architecture\n")
    secret = "x" * 20
    done = show(work, "--origin", ORCH_SECURITY_ENGINE="kingfisher", ORCH_ALLOW_KEY=secret)
    lines = {line.split()[1]: line.split(maxsplit=3) for line in done.stdout.decode().splitlines() if "ORCH_" in line}
    assert lines["ORCH_SECURITY_MAX_REFS"][2:] == ["7", f".orch-gates.yaml:2:13@{commit[:10]}"]
    assert lines["ORCH_SECURITY_ENGINE"][2:] == ["kingfisher", "environment variable ORCH_SECURITY_ENGINE"]
    assert lines["ORCH_SECURITY_ENABLED"][2:] == ["true", "default"]
    assert lines["ORCH_ALLOW_KEY"][2:] == ["(set)", "environment variable ORCH_ALLOW_KEY"]
    assert f".orch-gates.yaml at commit {commit[:10]}" in done.stdout.decode()
    assert "ORIGIN" not in show(work).stdout.decode()
    answer = json.loads(show(work, "--json", ORCH_ALLOW_KEY=secret).stdout)
    assert answer["revision"] == commit
    assert answer["pipeline"]["rework"] == {
        "value": "architecture",
        "source": "file",
        "place": f".orch-gates.yaml:4:9@{commit[:10]}",
    }
    assert answer["pipeline"]["stages"][0]["name"] == "analysis"
    assert secret.encode() not in done.stdout + json.dumps(answer).encode()


@pytest.mark.parametrize(
    ("variable", "value", "shown"),
    [
        ("ORCH_FORGE_URL", "https://ann:SECRET@git.example.org", "https://(not shown)@git.example.org"),
        ("ORCH_FORGE_URL", "https://SECRET@git.example.org/a", "https://(not shown)@git.example.org/a"),
        ("ORCH_FORGE_URL", "https://git@SECRET@git.example.org/a", "https://(not shown)@git.example.org/a"),
        ("ORCH_STATE_REMOTE", "https://ann:SEC/RET@git.example.org/a", "https://(not shown)@git.example.org/a"),
        ("ORCH_STATE_REMOTE", "ssh://git@git.example.org/a/b", "ssh://git@git.example.org/a/b"),
        ("ORCH_FORGE_TOKEN_ENV", "SECRET", "(names no variable that is set)"),
        ("ORCH_FORGE_TOKEN_ENV", "PATH", "PATH"),
    ],
)
def test_a_secret_in_the_wrong_place_is_not_shown(pair: Pair, variable: str, value: str, shown: str) -> None:
    """OWN-1: people put tokens into urls, and where the name of their variable belongs."""
    _, work = pair
    secret = secrets.token_hex(4)
    for args in ((), ("--json",)):
        output = show(work, *args, **{variable: value.replace("SEC", secret)}).stdout.decode()
        assert shown in output
        assert secret not in output


@pytest.mark.parametrize(("columns", "variables"), [("80", False), ("120", True)])
def test_show_fits_the_terminal(pair: Pair, columns: str, variables: bool) -> None:
    """The names of variables have a column where there is room for it, as in a pipe."""
    _, work = pair
    assert "ORCH_SECURITY_ENABLED" in show(work).stdout.decode()
    parent, child = pty.openpty()
    try:
        env = {**os.environ, "TERM": "xterm", "COLUMNS": columns, "ORCH_CACHE_DIR": "/c"}
        subprocess.run([PROGRAM, "config", "show"], cwd=work.path, stdout=child, env=env, check=True, timeout=60)
        os.close(child)
        shown = b""
        while chunk := _read(parent):
            shown += chunk
    finally:
        os.close(parent)
    assert ("ORCH_SECURITY_ENABLED" in shown.decode()) is variables
    assert max(map(len, shown.decode().splitlines())) <= int(columns)


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65536)
    except OSError:  # Linux: the other end is closed
        return b""


def test_show_reads_another_commit_when_asked(pair: Pair) -> None:
    """To look at a file before it is merged; and one that is only in the work tree is pointed out."""
    _, work = pair
    work.commit("configure", {FILE: "security: {max_refs: 5}\n"})
    value = {row["key"]: row["value"] for row in json.loads(show(work, "--json", "--ref", "HEAD").stdout)["settings"]}
    assert value["security.max_refs"] == 5
    here = show(work, "--json")
    value = {row["key"]: row["value"] for row in json.loads(here.stdout)["settings"]}
    assert value["security.max_refs"] == 20_000
    assert b"in the work tree differs" in here.stderr
    assert show(work, "--ref", "nowhere").returncode == 2


def test_show_in_the_servers_repository(pair: Pair) -> None:
    """There the default branch is HEAD's."""
    server, work = pair
    commit = configure(server, work, "target: main\n")
    server.git("branch", "trunk", "main")
    server.git("symbolic-ref", "HEAD", "refs/heads/trunk")
    server.git("update-ref", "-d", "refs/heads/main")
    assert json.loads(show(server, "--json").stdout)["revision"] == commit


def test_show_names_every_mistake_of_a_broken_file(pair: Pair) -> None:
    """Exit 2: what counts is not known."""
    server, work = pair
    configure(server, work, f"{BROKEN}  engine: none\n")
    done = show(work)
    assert done.returncode == 2
    assert [line.split(b": ")[0] for line in done.stderr.splitlines()] == [
        b".orch-gates.yaml:2:3",
        b".orch-gates.yaml:3:11",
    ]


def test_check_finds_every_mistake_before_the_push(tmp_path: Path) -> None:
    """One line for each, with the name that was given; nothing of a terminal's language gets through."""
    file = tmp_path / "new.yaml"
    file.write_text('securty: {}\nstages:\n  - {name: a, role: b, gates: [ci-gren]}\ntarget: "\\e[31m"\n')
    done = orch("config", "check", file, cwd=tmp_path)
    assert done.returncode == 1
    places = [line.removeprefix(str(file)).split(": ")[0] for line in done.stderr.decode().splitlines()]
    assert places == [":1:1", ":3:32", ":4:9"]
    assert "\x1b" not in done.stderr.decode()
    file.write_text("target: main\n")
    assert orch("config", "check", file, cwd=tmp_path).stdout.endswith(b"valid: 1 settings, the default stages\n")
    assert orch("config", "check", cwd=tmp_path).returncode == 2


@pytest.mark.parametrize(
    ("lines", "note"),
    [
        ("pipeline: merge-queue\n", "list those that CI posts"),
        ("pipeline: merge-queue\nci_green: {contexts: ['*']}\n", "pending while it runs"),
        ("pipeline: merge-queue\nci_green: {contexts: ['ci / test']}\n", ""),
        ("pipeline: merge-queue\nci_green: {enabled: false}\n", "and merge.test"),
        ("pipeline: merge-queue\nci_green: {enabled: false}\nmerge: {test: make test}\n", ""),
        ("ci_green: {contexts: ['*']}\n", ""),
    ],
)
def test_check_says_what_the_merge_queue_will_miss(tmp_path: Path, lines: str, note: str) -> None:
    """The environment may say it, so the file is valid all the same (MRG-13)."""
    (tmp_path / ".orch-gates.yaml").write_text(lines)
    done = orch("config", "check", cwd=tmp_path)
    assert (done.returncode, b"note:" in done.stderr) == (0, note != "")
    assert note in done.stderr.decode()


def test_a_variable_that_nobody_reads_is_warned_of(pair: Pair) -> None:
    """By `check`, also of a file that is not valid, and by `show`; exit code and output stay as they are."""
    _, work = pair
    work.write(FILE, OFF)
    odd = {"ORCH_SECURTY_ENABLED": "1", "ORCH_FORGE_TOKEN_ENV": "ORCH_MINE", "ORCH_MINE": secrets.token_hex(9)}
    warned = b"warning: no setting is named ORCH_SECURTY_ENABLED (did you mean ORCH_SECURITY_ENABLED?)\n"
    for command, code in ((("check",), 0), (("show", "--json"), 0), (("check", "broken.yaml"), 1)):
        work.write("broken.yaml", BROKEN)
        quiet = orch("config", *command, cwd=work.path, env={**work.env, "ORCH_FORGE_TOKEN_ENV": "ORCH_MINE"})
        told = orch("config", *command, cwd=work.path, env={**work.env, **odd})
        assert (quiet.returncode, told.returncode) == (code, code)
        assert warned in told.stderr
        assert b"no setting is named" not in quiet.stderr
        assert b"ORCH_MINE" not in told.stderr
        if command == ("check",):
            assert told.stdout == quiet.stdout


def test_check_says_which_role_is_never_started(tmp_path: Path) -> None:
    """A role's name that no stage has is no error, and most likely misspelled."""
    stages = "stages: [{name: development, role: developer}]\n"
    for name in ("developer", "develper"):
        (tmp_path / ".orch-gates.yaml").write_text(f"{stages}roles: {{{name}: {{dispatch: {{command: ./work}}}}}}\n")
        done = orch("config", "check", cwd=tmp_path)
        assert (done.returncode, b"roles.develper: no stage" in done.stderr) == (0, name == "develper")


def test_the_schema_is_printed_as_it_is_published(tmp_path: Path) -> None:
    """What a person pipes into a file is what lies in the repository."""
    printed = orch("config", "schema", cwd=tmp_path).stdout
    assert printed == (Path(__file__).parents[2] / "state" / "schema" / "config.json").read_bytes()


# --- what it costs -------------------------------------------------------------------------------

PROBE = """
import sys
from pathlib import Path
from orch_gates import settings, workspace
from orch_gates.hooks import checks
loaded = settings.load()
context = checks.on_server(loaded, workspace.repository(loaded, Path.cwd(), inside_hook=True), None)
print(context.settings.security.budget.refs, *sys.modules)
"""


@pytest.mark.parametrize(
    ("text", "refs", "spared"),
    [(None, "20000", {"yaml", "pydantic"}), ("security: {max_refs: 5}\n", "5", {"pydantic"})],
)
def test_a_hook_pays_for_a_file_only_where_there_is_one(
    text: str | None, refs: str, spared: set[str], pair: Pair
) -> None:
    """Without it neither YAML nor pydantic is loaded, with settings only no pydantic (ADR 3)."""
    server, work = pair
    if text is not None:
        configure(server, work, text)
    done = run(sys.executable, "-c", PROBE, cwd=server.path)
    found, *modules = done.stdout.decode().split()
    assert found == refs
    assert spared.isdisjoint(modules)
