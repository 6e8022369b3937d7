"""Carriers that only commit, side by side in one repository: judged by one scan, refused in one push."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.builders import Repo, Template, github_token, orch
from tests.corpus.carriers import CARRIERS, Case, Lab
from tests.corpus.cells import CAUGHT, ENTRIES, PASSED


@dataclass(frozen=True, slots=True)
class _Branch:
    """What one carrier added to the clone."""

    head: str
    commits: frozenset[str]
    token: str


def shared_cells(template: Template, names: Iterable[str], folder: Path) -> dict[str, dict[str, str]]:
    """The answer for each carrier at each entry.

    The gate names the commit that each secret is in. The hook shows a few and counts the rest: a carrier counts as
    caught in the push where the hook found as many secrets as the gate did.
    """
    server, work = template.pair(folder)
    # Carriers make branches from origin/main; that is no setting of theirs.
    work.git("config", "branch.autoSetupMerge", "false")
    before = _setting(server, work)
    branches = {name: _branch(server, work, name) for name in names}
    assert _setting(server, work) == before, "a carrier changed more than it commits: declare it `alone`"

    tree = work.git("rev-parse", "origin/main^{tree}")
    parents = [word for branch in branches.values() for word in ("-p", branch.head)]
    merged = work.git("commit-tree", tree, *parents, "-m", "every branch")
    gate = orch(
        *("gate", "security", "--base", "origin/main", "--head", merged, "--json"),
        cwd=work.path,
        env={"ORCH_SECURITY_ENGINE": template.engine},
    )
    assert gate.returncode == 1, gate.stderr.decode()
    found = [finding["commit"] for finding in json.loads(gate.stdout)["findings"]]
    push = work.push(*(f"{branch.head}:refs/heads/topic/{at}" for at, branch in enumerate(branches.values())))
    refused = re.search(rb"orch-gates: push refused: (\d+) secrets found", push.stderr)
    counted = int(refused[1]) if push.returncode and refused else 0

    shown = b"".join((gate.stdout, gate.stderr, push.stdout, push.stderr))
    answers: dict[str, dict[str, str]] = {}
    for name, branch in branches.items():
        caught: Mapping[str, bool] = {"gate": not branch.commits.isdisjoint(found), "push": counted == len(found)}
        quiet = branch.token.encode() not in shown
        answers[name] = {entry: CAUGHT if caught[entry] and quiet else PASSED for entry in ENTRIES}
    return answers


def _branch(server: Repo, work: Repo, name: str) -> _Branch:
    work.git("checkout", "--quiet", "--force", "--detach", "origin/main")
    work.git("clean", "--quiet", "-ffdx")
    token = github_token()
    case = CARRIERS[name](Lab(work, server, token))
    assert case == Case((f"{case.head}:refs/heads/topic",), case.head), f"{name} pushes more than a branch: `alone`"
    head = work.git("rev-parse", case.head)
    return _Branch(head, frozenset(work.git("rev-list", head, "^origin/main").split()), token)


def _setting(server: Repo, work: Repo) -> tuple[str, ...]:
    return (server.git("for-each-ref"), server.git("config", "--list"), work.git("config", "--list"))
