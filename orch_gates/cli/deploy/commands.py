"""`orch-gates deploy`: run the command that deploys a task, under a contract that the state branch records (DEP-1)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click

from orch_gates.cli.boundary import exit_codes
from orch_gates.cli.completion import ENVIRONMENT, TASK
from orch_gates.cli.deploy.deploy_context import digest_named, timeout_of
from orch_gates.cli.deploy.run import DeployOptions, DeployRun
from orch_gates.cli.options import ForgeOptions, by_option, forge_options, text_option
from orch_gates.deploy.contract import DeployRequest
from orch_gates.errors import UsageError
from orch_gates.workspace import open_workspace

_LONGEST_S = 86_400
_PRODUCTION = "production"


@click.command()
@click.option("--task", default="", metavar="ID", type=TASK, help="The task [ORCH_TASK].")
@click.option(
    "--environment",
    default=_PRODUCTION,
    show_default=True,
    metavar="NAME",
    type=ENVIRONMENT,
    help="Where to deploy to.",
)
@click.option("--digest", default="", metavar="DIGEST", help="The image, in place of what the image report proves.")
@text_option("--alert-only", metavar="REASON", help="Never roll this deploy back automatically; give the reason.")
@click.option(
    "--timeout",
    type=click.FloatRange(0, _LONGEST_S, min_open=True),
    metavar="SECONDS",
    help="End the command then; what runs is not known then [deploy_timeout_s of the environment, or 1800].",
)
@click.option("--no-advance", is_flag=True, help="Do not judge the gate afterwards.")
@click.option("--keep-token", is_flag=True, help="Give the command the secrets of orch-gates too.")
@click.option("--quiet", is_flag=True, help="Print only the command's own output on stderr.")
@click.option("--repo", default=".", type=click.Path(path_type=Path), help="A clone, or the bare repository itself.")
@by_option
@forge_options
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def deploy(  # noqa: PLR0913, PLR0917 - click hands over each option
    task: str,
    environment: str,
    digest: str,
    alert_only: str,
    timeout: float | None,
    no_advance: bool,
    keep_token: bool,
    quiet: bool,
    repo: Path,
    command: tuple[str, ...],
    overrides: Mapping[str, str],
    options: ForgeOptions,
) -> None:
    """Deploy a task: take the environment, run COMMAND, record what it came to, and advance through the gate.

    COMMAND gets what to deploy in EXPECTED_REVISION and EXPECTED_DIGEST, and reports by its exit code: 0 deployed, 1
    failed and what ran before still runs, 2 refused and nothing was changed. After any other exit code, a signal or a
    timeout it is unknown what runs: nothing is deployed there until a person records it with `orch-gates env settle`.
    One deploy at a time runs for an environment. What runs already is not deployed again: exit 0.

    Exit codes: 0 deployed, 1 failed, 2 refused, not known, not recorded, or not to be done now; 75 another deploy is
    under way, or the task is put off.

    \b
    Examples:
      orch-gates deploy --task T-1 -- ./deploy.sh
      orch-gates deploy --task T-1 --environment staging --timeout 600 -- ./deploy.sh staging
      orch-gates deploy --task T-1 --alert-only "the migration drops a column" -- ./deploy.sh
    """
    with exit_codes():
        workspace = open_workspace(repo, {**options.overrides, **overrides}, options.observe)
        if not (name := task or workspace.settings.handed_over.task):
            raise UsageError("--task (ORCH_TASK) is missing: name the task to deploy")
        wanted = DeployRequest(name, environment, digest_named(digest), alert_only)
        bound = timeout_of(workspace, environment) if timeout is None else timeout
        how = DeployOptions(bound, not no_advance, keep_token, quiet)
        code = DeployRun(workspace, wanted, how).go(command)
    raise SystemExit(code)
