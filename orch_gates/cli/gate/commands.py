"""`orch-gates gate`: judge commits, write the report, say the verdict everywhere it is looked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from orch_gates import clock
from orch_gates.cli.boundary import exit_codes
from orch_gates.cli.gate import alone, staging
from orch_gates.cli.gate.output import Output, verdict_options
from orch_gates.cli.gate.publish import outputs, publish
from orch_gates.cli.lazy import LazyGroup
from orch_gates.cli.options import ForgeOptions, forge_options
from orch_gates.errors import UsageError
from orch_gates.gates.gate import Gate
from orch_gates.gates.policy import policy_table
from orch_gates.gates.registry import GATES
from orch_gates.settings import load


@click.command(short_help="The commits add no secret and no new known vulnerability.")
@click.option("--base", default="", metavar="REF", help="Judge what HEAD adds to this [origin/<target>].")
@click.option("--head", default="", metavar="REF", help="The last commit to judge [HEAD, or the CI event's].")
@click.option("--all", "everything", is_flag=True, help="Judge all that HEAD and every ref reach: the past too.")
@click.option("--repo", default=".", type=click.Path(path_type=Path), help="A directory in the repository.")
@verdict_options
@click.option("--sarif", type=click.Path(path_type=Path), help="Write the findings as SARIF 2.1.0.")
@click.option("--report", type=click.Path(path_type=Path), help="Where the report goes [in the git directory].")
@click.option("--strict", is_flag=True, help="A dependency audit that could not be made is a FAIL.")
@click.option("--status", is_flag=True, help="Post the verdict on the commit, as the status orch/security/TARGET.")
@forge_options
def security(  # noqa: PLR0913, PLR0917 - click hands over each option
    base: str,
    head: str,
    everything: bool,
    repo: Path,
    sarif: Path | None,
    report: Path | None,
    strict: bool,
    status: bool,
    options: ForgeOptions,
    output: Output,
) -> None:
    """No secret and no new known vulnerability in the commits of BASE..HEAD.

    Where these add nothing, nothing is judged: that is no PASS, and exit code 2 outside of CI.

    \b
    Examples:
      orch-gates gate security
      orch-gates gate security --all
      orch-gates gate security --base origin/main --head HEAD --json
      orch-gates gate security --sarif security.sarif --strict
    """
    with exit_codes():
        from orch_gates.cli import progress
        from orch_gates.cli.gate import post_status
        from orch_gates.cli.gate.security import SecurityRun
        from orch_gates.gates.security.judge import judged_nothing

        settings = load(overrides=options.overrides)
        if everything and (base or head):
            raise UsageError("--all judges everything; leave out --base and --head")
        if everything and status:
            raise UsageError(
                "--all judges every ref, but --status needs one commit; to judge all commits up to HEAD, use "
                "--base $(git hash-object -t tree /dev/null)"
            )
        named = outputs(settings, repo, report, sarif)
        run = SecurityRun(settings, repo, base=base, head=head, strict=strict, everything=everything)
        if not (output.quiet or output.as_json) and (shown_progress := progress.on_terminal()) is not None:
            run = replace(run, watch=shown_progress.of)
        verdict, written = run.judged(named.report, clock.utc_now())
        shown = written and (report or written)
        publish(settings, verdict, shown, named.sarif, as_json=output.as_json)
        code = verdict.outcome.exit_code
        if nothing := judged_nothing(verdict):
            # Of a push or a pull request it is normal; a person asked for an answer (GATE-5).
            code = 0 if settings.ci.active else 2
        output.show(settings, verdict, *([] if shown is None else [f"Report: {shown}\n"]), code=code)
        if nothing:
            if status:
                post_status.not_posted(verdict)
        elif status:
            from orch_gates.workspace import Workspace, repository

            workspace = Workspace(settings, repository(settings, repo), clock.utc_now(), observe=options.observe)
            base, head = (str(verdict.evidence.get(end) or "") for end in ("base", "head"))
            code = post_status.post(workspace, verdict, head, base)
        raise SystemExit(code)


# These judge more than a report, or bring it about; `image` makes the report that the gate image-freshness reads.
_LAZY = {
    "merge": "orch_gates.cli.merge.commands:gate",
    "merge-proof": "orch_gates.cli.merge.commands:proof",
    "image": "orch_gates.cli.gate.image:gate",
}


def group(gates: Sequence[Gate[Any]] = GATES) -> click.Group:
    """`orch-gates gate`, with a command for each gate."""

    @click.group("gate", cls=LazyGroup, lazy=_LAZY, invoke_without_command=True)
    @click.option("--list", "show", is_flag=True, help="List the gates, and what each does when it cannot decide.")
    @click.pass_context
    def gate(ctx: click.Context, show: bool) -> None:
        """Judge commits with a gate.

        \b
        Examples:
          orch-gates gate security --base origin/main
          orch-gates gate ci-green --json
        """
        if show:
            click.echo(policy_list(gates))
        elif ctx.invoked_subcommand is None:
            click.echo(ctx.get_help())
            ctx.exit(2)

    gate.add_command(security)
    gate.add_command(staging.staging)
    for one in gates:
        if one.name not in {security.name, *_LAZY}:
            gate.add_command(alone.command(one))
    return gate


def policy_list(gates: Sequence[Gate[Any]]) -> str:
    """What "could not tell" means for each gate, as lines of two columns."""
    policies = policy_table(gates)
    width = max(len(policy.subject) for policy in policies)
    lines = [f"{'gate or guard':{width}}  when it cannot decide"]
    return "\n".join([*lines, *(f"{policy.subject:{width}}  {policy.meaning}" for policy in policies)])


gate = group()
