"""A repository's own rules, from its target branch: by the gate and by the hook (SEC-6, P5)."""

from __future__ import annotations

from tests.builders import Done, Repo, characters, orch

Pair = tuple[Repo, Repo]
RULES = """\
[[rules]]
id = "acme-token"
description = "A token of Acme"
regex = '''\\bacme_[a-z0-9]{20}\\b'''

[[rules]]
id = "acme-password"
regex = '''acme ([a-z0-9]{12})'''
path = '''\\.acme$'''
keywords = ["realm"]
"""


def gate(work: Repo) -> Done:
    return orch("gate", "security", "--verbose", cwd=work.path, env={"ORCH_SECURITY_DEP_AUDIT_ENABLED": "false"})


def on_main(server: Repo, work: Repo, rules: str) -> None:
    """Put a file of rules on the target branch, as a reviewed change would."""
    head = work.commit("rules", {".gitleaks.toml": rules})
    server.git("fetch", "--quiet", str(work.path), f"+{head}:refs/heads/main")
    work.git("fetch", "--quiet")


def token() -> str:
    return "acme_" + characters(20, "abcdefghijklmnopqrstuvwxyz0123456789")


def test_a_rule_on_the_target_branch_counts(pair: Pair) -> None:
    """The gate and the hook find by it; the report says by which rules, and shows no secret."""
    server, work = pair
    on_main(server, work, RULES)
    leak = token()
    work.commit(files={"a.txt": f"one\nt: {leak}\n"})
    done, pushed = gate(work), work.push("HEAD:refs/heads/topic")
    assert done.returncode == 1
    assert b"a.txt:2" in done.stdout
    assert b"acme-token" in done.stdout
    assert b"repository_rules =" in done.stdout
    assert b"acme-token" in pushed.stderr
    assert leak.encode() not in done.stdout + done.stderr + pushed.stderr


def test_a_rule_in_the_judged_range_does_not_count(pair: Pair) -> None:
    """Whoever pushes configures nothing, neither more nor less."""
    _, work = pair
    work.commit(files={".gitleaks.toml": RULES, "a.txt": f"t: {token()}\n"})
    assert gate(work).returncode == 0


def test_a_rule_judges_the_paths_that_it_is_bound_to(pair: Pair) -> None:
    """By the path at which the content stands, and by its keywords anywhere in the file."""
    server, work = pair
    on_main(server, work, RULES)
    line = f"acme {characters(12, 'abcdefghijklmnopqrstuvwxyz0123456789')}\n"
    work.commit(files={"a.txt": f"realm\n{line}", "b.acme": line})
    assert gate(work).returncode == 0
    work.commit(files={"c.acme": f"realm\n{line}"})
    done = gate(work)
    assert done.returncode == 1
    assert b"c.acme:2" in done.stdout
    assert b"1 secret" in done.stdout


def test_the_rules_of_orch_gates_still_count(pair: Pair) -> None:
    """Rules are added to them."""
    server, work = pair
    on_main(server, work, RULES)
    work.commit(files={"a.txt": f"t = 'ghp_{characters(36)}'\n"})
    assert b"github-pat" in gate(work).stdout


def test_a_wrong_file_decides_nothing_and_is_told_with_its_lines(pair: Pair) -> None:
    """Exit 2 of the gate, every problem with its line; no rule is dropped in silence."""
    server, work = pair
    on_main(server, work, RULES + "[allowlist]\npaths = ['''x''']\n")
    work.commit(files={"a.txt": "fine\n"})
    done = gate(work)
    assert done.returncode == 2
    assert b".gitleaks.toml:11: allowlist is not supported" in done.stdout


def test_a_wrong_file_does_not_keep_its_own_repair_out(pair: Pair) -> None:
    """The hook judges by the rules of orch-gates alone and says so."""
    server, work = pair
    on_main(server, work, "[[rules]]\nid = 'x'\nregex = '''('''\n")
    work.commit(files={".gitleaks.toml": RULES})
    pushed = work.push("HEAD:refs/heads/main")
    assert pushed.returncode == 0, pushed.stderr
    assert b".gitleaks.toml:" in pushed.stderr
    assert b"judged by the rules of orch-gates alone" in b" ".join(pushed.stderr.replace(b"remote:", b"").split())
    work.commit(files={"a.txt": f"t = 'ghp_{characters(36)}'\n"})
    assert work.push("HEAD:refs/heads/topic").returncode != 0
