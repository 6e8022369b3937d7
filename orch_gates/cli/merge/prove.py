"""`orch-gates prove`: whether a commit is in a branch, as git and nothing else says it (MRG-9)."""

from __future__ import annotations

from pathlib import Path

import click

from orch_gates.cli.boundary import exit_codes, open_for_reading, say
from orch_gates.errors import UsageError
from orch_gates.gates import range as ranges
from orch_gates.merge import landed
from orch_gates.merge.proof import prove as proven
from orch_gates.report import machine


@click.command()
@click.argument("commit")
@click.option("--on", "branch", default="", metavar="BRANCH", help="The branch on the server [the default branch].")
@click.option("--base", default="", metavar="COMMIT", help="What it was tested with: it must bring something more.")
@click.option("--repo", default=".", type=click.Path(path_type=Path), help="A clone, or the bare repository itself.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def prove(commit: str, branch: str, base: str, repo: Path, as_json: bool) -> None:
    """Prove that COMMIT landed on a branch: the branch is fetched, and git compares.

    \b
    A merged pull request is no proof. The ladder:
      ancestry       the branch has the commit in its history
      not empty      it has commits, and changes, beyond the one that it was tested with (--base)
      tree identity  the merge that brought it in has what merging it gives

    Exit 0 landed, 1 not landed, 2 could not tell.

    \b
    Examples:
      orch-gates prove task/T-1 --on main
      orch-gates prove 4be1d2f --on main --base 9ab33c0 --json
    """
    with exit_codes():
        workspace = open_for_reading(repo)
        named = branch or ranges.target_name(workspace.git, workspace.settings)
        if not named:
            raise UsageError("the branch is unknown, as this clone knows no default branch; name one with --on")
        timeout = workspace.settings.state.timeout
        facts = landed.facts(workspace.git, workspace.upstream, named, commit, base, timeout=timeout)
        proof = proven(facts)
        if as_json:
            value = {
                "commit": facts.commit,
                "branch": facts.branch,
                "tip": facts.tip,
                "landed": proof.landed.value,
                "rung": proof.rung.value,
                "reason": proof.reason,
                "merge": facts.merge or None,
                "base": facts.base or None,
            }
            say(machine.document("prove", value))
        else:
            say(f"{proof.landed}: {proof.reason} [{proof.rung}]\n")
        raise SystemExit(proof.landed.exit_code)
