"""`orch-gates hook install`, `status` and `uninstall`: the hook on a server."""

from __future__ import annotations

from pathlib import Path

import click

from orch_gates.cli.boundary import exit_codes, say

_REPOSITORY = click.argument("repository", type=click.Path(path_type=Path, readable=False))


@click.command(short_help="Install the pre-receive hook, and prove it with a push.")
@_REPOSITORY
@click.option("--gitea", is_flag=True, help="Install below pre-receive.d/, where Gitea looks.")
@click.option("--all", "every", is_flag=True, help="REPOSITORY is a folder: renew every hook of ours below it.")
def install(repository: Path, gitea: bool, every: bool) -> None:
    """Install the pre-receive hook into a bare REPOSITORY and prove it with a push.

    Run it as the user that the repository belongs to, or as root: the hook then belongs to that user, and is proven as
    that user. The proof is a push of a random token that the hook must refuse; nothing of it is stored. The hook is
    bound to the engine and the rules that it was proven with: after an upgrade it refuses until it is installed again.

    \b
    Examples:
      orch-gates hook install /srv/git/app.git
      orch-gates hook install --gitea /var/lib/gitea/data/gitea-repositories/acme/app.git
      orch-gates hook install --all /srv/git
    """
    with exit_codes():
        from orch_gates import settings as settings_module
        from orch_gates.errors import UsageError
        from orch_gates.hooks.server_hook import install as installing

        if every and gitea:
            raise UsageError("--all renews the hooks that there are, those of Gitea too; leave --gitea out")
        settings = settings_module.load()
        lines = installing.install_all(settings, repository) if every else None
        for line in lines or installing.install(settings, repository, gitea=gitea):
            say(f"{line}\n")


@click.command(short_help="Show whether git runs our hook in repositories.")
@click.argument("repositories", metavar="[REPOSITORY]...", nargs=-1, type=click.Path(path_type=Path, readable=False))
@click.option(
    "--all",
    "root",
    metavar="ROOT",
    type=click.Path(path_type=Path, readable=False),
    help="Every bare repository below ROOT.",
)
@click.option("--prove", is_flag=True, help="Also prove each with a push, as `hook install` does.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def status(repositories: tuple[Path, ...], root: Path | None, prove: bool, as_json: bool) -> None:
    """Show whether git runs our hook in each REPOSITORY, by which program, engine and rules.

    Exit 0: all work; 1: one does not; 2: of one it is unknown.

    \b
    Examples:
      orch-gates hook status /srv/git/app.git
      orch-gates hook status --all /srv/git --json
    """
    with exit_codes():
        from orch_gates import settings as settings_module
        from orch_gates.cli.hook import view
        from orch_gates.errors import UsageError
        from orch_gates.hooks.server_hook.hook_status import exit_code
        from orch_gates.hooks.server_hook.status import HookInspector

        if bool(repositories) == (root is not None):
            raise UsageError("name repositories, or a folder with --all, and not both")
        looking = HookInspector(settings_module.load(), prove)
        statuses = []
        for each in looking.of(repositories) if root is None else looking.below(root):
            statuses.append(each)
            if not as_json:
                say(view.as_text(each))
        if as_json:
            say(view.as_json(statuses))
        raise SystemExit(exit_code(statuses))


@click.command(short_help="Remove the pre-receive hook that `hook install` wrote.")
@_REPOSITORY
@click.option("--shared", is_flag=True, help="Also where the folder of hooks is that of other repositories too.")
def uninstall(repository: Path, shared: bool) -> None:
    """Remove the pre-receive hook from a bare REPOSITORY, Gitea's too; only a hook that `hook install` wrote.

    Exit 0: no hook of ours is there any more, or none was. 2: it could not be removed.

    \b
    Examples:
      orch-gates hook uninstall /srv/git/app.git
    """
    with exit_codes():
        from orch_gates import settings as settings_module
        from orch_gates.hooks.server_hook import uninstall as uninstalling

        for line in uninstalling.uninstall(settings_module.load(), repository, shared=shared):
            say(f"{line}\n")
