"""`orch-gates gate security` as people and CI run it: verdicts, outputs, broken scanners, exceptions."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.builders import Done, Repo, characters, github_token, orch, run

Pair = tuple[Repo, Repo]
NO_AUDIT = {"ORCH_SECURITY_DEP_AUDIT_ENABLED": "false"}


def gate(work: Repo, *args: str | Path, **env: str | None) -> Done:
    """Run the gate on what HEAD adds to origin/main."""
    done = orch("gate", "security", *args, cwd=work.path, env={**NO_AUDIT, **work.env, **env})
    assert b"Traceback" not in done.stderr
    return done


def verdict(work: Repo, *args: str | Path, **env: str | None) -> dict[str, object]:
    """The gate's answer in JSON."""
    answer = json.loads(gate(work, "--json", *args, **env).stdout)
    assert isinstance(answer, dict)
    return answer


@pytest.mark.parametrize("engine", ["gitleaks", "kingfisher"])
@pytest.mark.parametrize("leak", [False, True])
def test_gate_and_hook_agree(leak: bool, engine: str, pair: Pair, real: Callable[[str], Path]) -> None:
    """The same commits get the same verdict from the command line and from the server."""
    if engine == "gitleaks":
        real(engine)
    _, work = pair
    work.commit(files={"a.txt": f"x = {github_token() if leak else 'fine'}\n"})
    work.env["ORCH_SECURITY_ENGINE"] = engine
    assert gate(work).returncode == int(leak)
    pushed = work.push("HEAD:refs/heads/topic")
    assert (pushed.returncode != 0) == leak
    assert (b"1 secret found" in pushed.stderr) == leak


@pytest.mark.parametrize("name", ["orch_gates/__init__.py", "json.py"])
def test_what_is_judged_does_not_run(name: str, pair: Pair, tmp_path: Path) -> None:
    """A checkout may hold modules with any name: the scan takes none of them for its own."""
    _, work = pair
    ran = tmp_path / "ran"
    work.commit(files={name: f"open({str(ran)!r}, 'w')\nraise SystemExit\n", "a.txt": github_token()})
    done = gate(work)
    assert not ran.exists()
    assert (done.returncode, b"1 secret found" in done.stdout) == (1, True), done.stdout


def test_json_sarif_and_report_say_the_same(pair: Pair, tmp_path: Path) -> None:
    """All outputs carry place and rule, none carries the secret."""
    _, work = pair
    token = github_token()
    work.commit(files={"src/a.py": f"\n\nx = '{token}'\n"})
    sarif, report = tmp_path / "s.sarif", tmp_path / "report.md"
    done = gate(work, "--json", "--sarif", sarif, "--report", report)
    assert done.returncode == 1
    answer = json.loads(done.stdout)
    assert answer["findings"][0]["path"] == "src/a.py"
    assert answer["findings"][0]["line"] == 3
    result = json.loads(sarif.read_text())["runs"][0]["results"][0]
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "src/a.py"
    assert "FAIL" in report.read_text()
    for text in (done.stdout, done.stderr, sarif.read_bytes(), report.read_bytes()):
        assert token.encode() not in text


def test_a_pass_carries_its_proof(pair: Pair) -> None:
    """Every number that was expected was also counted."""
    _, work = pair
    work.commit(files={"a.txt": "fine\n"})
    done = gate(work, "--json")
    assert done.returncode == 0
    evidence = json.loads(done.stdout)["evidence"]
    for what in ("commits", "objects", "bytes", "canaries"):
        assert evidence[f"{what}_expected"] == evidence[f"{what}_found" if what == "canaries" else f"{what}_scanned"]
    assert evidence["commits_scanned"] == 1
    assert evidence["canaries_found"] >= 1
    assert evidence["engine"].startswith("kingfisher_sdk ")
    assert evidence["rules"].startswith("sha256:")
    assert len(evidence["head"]) == 40


@pytest.mark.parametrize(
    "args", [("--base", "nowhere"), ("--head", "nowhere"), ("--base", "--all"), ("--base", "HEAD:README.md")]
)
def test_an_end_that_does_not_resolve_fails(args: tuple[str, str], pair: Pair) -> None:
    """A range that cannot be known is a FAIL, never an empty one."""
    assert gate(pair[1], f"{args[0]}={args[1]}").returncode == 1


def test_a_shallow_clone_fails_and_says_how_to_mend_it(pair: Pair, tmp_path: Path) -> None:
    """A clone with depth 1 proves nothing."""
    server, _ = pair
    run("git", "clone", "-q", "--depth=1", f"file://{server.path}", tmp_path / "shallow", cwd=tmp_path)
    done = gate(Repo(tmp_path / "shallow"), "--base", "HEAD")
    assert done.returncode == 1
    assert b"fetch-depth: 0" in done.stdout


def test_a_blobless_clone_fails_and_says_how_to_mend_it(pair: Pair, tmp_path: Path) -> None:
    """Content that was left out cannot be judged; what the message says fetches it, and then it is."""
    server, work = pair
    for number in range(2):
        work.commit(files={"a.txt": f"{number}\n"})
    work.git("push", "--quiet", "--no-verify", "origin", "HEAD:refs/heads/topic")
    server.git("config", "uploadpack.allowFilter", "true")
    url = f"file://{server.path}"
    run("git", "clone", "-q", "--filter=blob:none", "-b", "topic", url, tmp_path / "ci", cwd=tmp_path)
    done = gate(Repo(tmp_path / "ci"))
    assert done.returncode == 1
    output = " ".join(done.stdout.decode().split())
    found = re.search(r"`(git fetch [^`]*)`", output)
    assert found, output
    run(*found[1].split(), cwd=tmp_path / "ci")
    assert gate(Repo(tmp_path / "ci")).returncode == 0


def test_nothing_to_judge_is_no_pass(pair: Pair, tmp_path: Path) -> None:
    """A person is told what to do; a push or a pull request without a commit is normal in CI (GATE-5)."""
    _, work = pair
    head = work.git("rev-parse", "HEAD")
    report = tmp_path / "report.md"
    report.write_text("---\nschema: orch.report/1\nverdict: PASS\n---\n")
    done = gate(work, "--base", "HEAD", "--report", report)
    assert done.returncode == 2
    assert f"nothing to judge: {head[:10]} adds nothing to HEAD".encode() in done.stdout
    assert b"orch-gates gate security --all" in done.stdout
    assert not report.exists()
    assert verdict(work, "--base", "HEAD")["exit_code"] == 2
    in_ci = gate(work, "--base", "HEAD", CI="true")
    assert (in_ci.returncode, b"not judged: nothing to judge" in in_ci.stderr) == (0, True)
    assert gate(work, "--all").returncode == 0


def test_the_past_is_judged_when_it_is_asked_for(pair: Pair) -> None:
    """What HEAD and every ref reach, tags too; before the first commit is the empty tree (SEC-11)."""
    _, work = pair
    work.commit(files={"leak.txt": f"x = {github_token()}\n"})
    work.git("tag", "old")
    work.git("reset", "--quiet", "--hard", "origin/main")
    assert gate(work, "--all").returncode == 1
    work.git("checkout", "--quiet", "--orphan", "alone")
    work.commit(files={"first.txt": f"y = {github_token()}\n"})
    found = verdict(work, "--base", "4b825dc642cb6eb9a060e54bf8d69288fbee4904")
    assert found["outcome"] == "FAIL"
    assert isinstance(found["evidence"], dict)
    assert found["evidence"]["commits_scanned"] == 1
    assert gate(work, "--base", work.git("hash-object", "-t", "tree", "/dev/null")).returncode == 1
    both = gate(work, "--all", "--base", "HEAD")
    assert (both.returncode, b"leave out --base and --head" in both.stderr) == (2, True)


def test_outside_of_a_repository_is_exit_2(tmp_path: Path) -> None:
    """There is nothing to judge."""
    assert gate(Repo(tmp_path)).returncode == 2


def test_wrong_usage_is_exit_2(pair: Pair) -> None:
    """A misspelt option judges nothing."""
    assert gate(pair[1], "--no-such-option").returncode == 2


def test_a_leaked_value_under_an_exempt_path_first_is_found(pair: Pair) -> None:
    """An exempt path does not excuse the same content elsewhere in the push (SEC-4)."""
    _, work = pair
    text = f'api_key: "{characters(32)}"\n'
    work.commit(files={"go.sum": text})
    assert gate(work).returncode == 0
    work.commit(files={"src/settings.py": text})
    assert gate(work).returncode == 1


def test_a_name_put_above_a_value_that_came_before_is_found(pair: Pair) -> None:
    """Name and value of one push make a finding in whichever order they came."""
    _, work = pair
    value = f'  "{characters(32)}"\n'
    work.commit(files={"a.txt": value})
    assert gate(work).returncode == 0
    work.commit(files={"a.txt": f"api_key =\n{value}"})
    assert gate(work).returncode == 1


# --- scanners that do not do their work ----------------------------------------------------------

FAKES = {
    "says clean": 'echo "scanned ~1 bytes" >&2; echo "[]"; exit 0',
    "says clean, with the exit code of leaks": 'echo "scanned ~1 bytes" >&2; echo "[]"; exit 42',
    "prints nothing": "exit 42",
    "prints no JSON": 'echo "scanned ~1 bytes" >&2; echo "oops"; exit 42',
    "is killed": "kill -9 $$",
    "crashes": "kill -SEGV $$",
    "error": "exit 1",
    "hangs": "exec sleep 60",
    "hangs in a child": "sleep 60 & wait",
    "wrong byte count": '"$REAL" "$@" 2>err; code=$?; sed "s/scanned ~[0-9]*/scanned ~7/" err >&2; exit $code',
    "partial scan": '"$REAL" "$@"; code=$?; echo "partial scan" >&2; exit $code',
    "finds the canary nowhere": '"$REAL" "$@" | sed "s/ghp_[a-zA-Z0-9]*/ghp_/g"; exit 42',
}


@pytest.mark.parametrize("fake", FAKES)
def test_a_scanner_that_proves_nothing_is_a_fail(
    fake: str, pair: Pair, real: Callable[[str], Path], tmp_path: Path
) -> None:
    """Whatever is wrong with the scanner, clean content does not pass under it (SEC-2)."""
    _, work = pair
    work.commit(files={"a.txt": "fine\n"})
    program = tmp_path / "gitleaks"
    program.write_text(f"#!/bin/bash\nREAL={real('gitleaks')}\ncd {tmp_path}\n{FAKES[fake]}\n")
    program.chmod(0o755)
    env = {"ORCH_SECURITY_ENGINE": "gitleaks", "ORCH_GITLEAKS_BIN": str(program), "ORCH_SECURITY_TIMEOUT_S": "3"}
    done = gate(work, **env)
    assert done.returncode == 1, done.stdout
    assert b"FAIL" in done.stdout
    assert gate(work, "--strict", **env).returncode == 1


# --- exceptions ------------------------------------------------------------------------------------


def _key(work: Repo) -> str:
    assert orch("secrets", "key", cwd=work.path).returncode == 0
    return (work.path / ".git/orch-gates/allow-key").read_text().strip()


def _allow(work: Repo) -> Done:
    findings = verdict(work)["findings"]
    assert isinstance(findings, list)
    return orch(
        *("secrets", "allow", findings[0]["id"], "--owner", "ops@example.invalid", "--reason", "a sandbox"),
        *("--expires", "2999-12-31"),
        cwd=work.path,
        env=NO_AUDIT,
    )


def _on_main(server: Repo, work: Repo, entry: str) -> None:
    """Put a list of exceptions on the target branch, as a reviewed change would."""
    branch = work.git("symbolic-ref", "--short", "HEAD")
    work.git("stash", "--quiet", "--include-untracked")
    work.git("switch", "--quiet", "--detach", "origin/main")
    head = work.commit("allow", {".orch-gates/allowed-secrets.md": entry})
    server.git("fetch", "--quiet", str(work.path), f"+{head}:refs/heads/main")
    work.git("fetch", "--quiet")
    work.git("switch", "--quiet", branch)


def test_an_exception_counts_on_the_target_branch_only(pair: Pair) -> None:
    """Allowed in the judged range it changes nothing; on main it is honoured, by gate and hook; expired it is not."""
    server, work = pair
    key = _key(work)
    work.git("switch", "--quiet", "-c", "topic")
    work.commit(files={"a.txt": f"x = '{github_token()}'\n"})
    assert _allow(work).returncode == 0
    path = work.path / ".orch-gates/allowed-secrets.md"
    entry = path.read_text()

    work.commit("allowed by myself")
    own = gate(work)
    assert own.returncode == 1
    assert "takes effect once it is on the target branch" in " ".join(own.stdout.decode().split())
    work.git("reset", "--quiet", "--hard", "HEAD^")

    _on_main(server, work, entry)
    done = gate(work)
    assert done.returncode == 0, done.stdout
    assert b"ops@example.invalid" in done.stdout
    (server.path / "orch-gates").mkdir()
    (server.path / "orch-gates/allow-key").write_text(key)
    assert work.push("HEAD:refs/heads/topic").returncode == 0

    wrong = gate(work, ORCH_ALLOW_KEY=characters(32))
    assert wrong.returncode == 1
    assert b"takes effect once" not in wrong.stdout

    _on_main(server, work, re.sub("2999-12-31", "2001-01-01", entry))
    expired = gate(work)
    assert expired.returncode == 1
    assert b"2001-01-01" in expired.stdout
    _on_main(server, work, "no list at all")
    assert gate(work).returncode == 1


def test_an_entry_that_shows_another_place_allows_nothing(pair: Pair) -> None:
    """The reviewer of a list sees what is compared (SEC-4): an edited path or rule is refused by gate and hook."""
    server, work = pair
    (server.path / "orch-gates").mkdir()
    (server.path / "orch-gates/allow-key").write_text(_key(work))
    work.git("switch", "--quiet", "-c", "topic")
    work.commit(files={"config/prod.py": f"x = '{github_token()}'\n"})
    assert _allow(work).returncode == 0
    path = work.path / ".orch-gates/allowed-secrets.md"
    entry = path.read_text()
    for shown, other in (("config/prod.py", "docs/example.md"), ("github-pat", "generic-api-key")):
        assert shown in entry
        _on_main(server, work, entry.replace(shown, other))
        done = gate(work)
        assert done.returncode == 1
        assert b"altered" in done.stdout
        assert other.encode() in done.stdout
        pushed = work.push("HEAD:refs/heads/topic")
        assert pushed.returncode != 0
        assert b"altered" in pushed.stderr


def test_an_exception_is_renewed_in_place(pair: Pair) -> None:
    """Allowing a finding again replaces its entry."""
    _, work = pair
    _key(work)
    work.git("switch", "--quiet", "-c", "topic")
    work.commit(files={"a.txt": f"x = '{github_token()}'\n"})
    path = work.path / ".orch-gates/allowed-secrets.md"
    for _ in range(2):
        assert _allow(work).returncode == 0
        assert path.read_text().count("hash:") == 1


def test_the_list_is_not_written_through_a_link(pair: Pair, tmp_path: Path) -> None:
    """A tree that holds the list's folder or file as a link has nothing written elsewhere (GATE-6)."""
    _, work = pair
    _key(work)
    work.git("switch", "--quiet", "-c", "topic")
    work.commit(files={"a.txt": f"x = '{github_token()}'\n"})
    outside = tmp_path / "outside"
    outside.mkdir()
    (work.path / ".orch-gates").symlink_to(outside)
    done = _allow(work)
    assert (done.returncode, list(outside.iterdir())) == (2, [])
    assert b"leads out of the work tree" in done.stderr


def test_an_exception_needs_a_key_and_an_existing_finding(pair: Pair) -> None:
    """Nothing is written for a finding that is not there, or without a key."""
    _, work = pair
    work.commit(files={"a.txt": github_token()})
    assert _allow(work).returncode == 2
    _key(work)
    done = orch(
        *("secrets", "allow", "0" * 12, "--owner", "o", "--reason", "r", "--expires", "2999-12-31"), cwd=work.path
    )
    assert done.returncode == 2
    assert not (work.path / ".orch-gates").exists()


@pytest.mark.parametrize(
    "setting", ["ORCH_SECURITY_MAX_BYTES", "ORCH_SECURITY_MAX_OBJECT_BYTES", "ORCH_SECURITY_MAX_OBJECTS"]
)
def test_over_budget_is_a_fail_that_says_what_to_do(setting: str, pair: Pair) -> None:
    """Too much for one check is refused and the way out named (SEC-9)."""
    _, work = pair
    work.commit(files={"a.txt": "many words\n" * 500})
    done = gate(work, **{setting: "1"})
    assert done.returncode == 1
    assert setting.encode() in done.stdout


def test_out_of_scope_leaves_nothing_behind(pair: Pair) -> None:
    """Switched off, the gate says so and writes no report (GATE-3)."""
    _, work = pair
    answer = verdict(work, ORCH_SECURITY_ENABLED="false")
    assert "SKIP" in json.dumps(answer)
    assert not (work.path / ".git/orch-gates").exists()
