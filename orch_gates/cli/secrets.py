"""`orch-gates secrets`: exceptions to the secret scan, each with an owner, a reason and an end."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from orch_gates import clock
from orch_gates.cli.boundary import exit_codes
from orch_gates.errors import ExceptionListError, OrchError, UsageError
from orch_gates.settings import load

if TYPE_CHECKING:
    from orch_gates.git.cli import Git


@click.group()
def secrets() -> None:
    """Allow a finding, with an owner, a reason and an end."""


@secrets.command()
@click.argument("finding")
@click.option("--base", default="", metavar="REF", help="As in `gate security`.")
@click.option("--head", default="", metavar="REF", help="As in `gate security`.")
@click.option("--repo", default=".", type=click.Path(path_type=Path), help="A directory in the work tree.")
@click.option("--owner", required=True, help="Who answers for it.")
@click.option("--reason", required=True, help="Why it is no danger.")
@click.option("--expires", required=True, metavar="YYYY-MM-DD", help="The last day on which it holds.")
def allow(finding: str, base: str, head: str, repo: Path, owner: str, reason: str, expires: str) -> None:
    """Write an entry for FINDING (the id in the report) to .orch-gates/allowed-secrets.md.

    The range is scanned again to find it; the secret itself is never written, only a keyed hash.
    The entry counts once it is on the target branch. The key is read from ORCH_ALLOW_KEY or
    ORCH_ALLOW_KEY_FILE; make one with `orch-gates secrets key`.

    \b
    Example:
      orch-gates secrets allow 9f86d081884c --owner ops@example.org \\
          --reason "test key of the vendor's sandbox" --expires 2027-06-30
    """
    with exit_codes():
        from orch_gates import workspace
        from orch_gates.cli.security_run import SecurityRun
        from orch_gates.gates.security import allowlist, allowlist_file
        from orch_gates.gates.security.scan import Unproven
        from orch_gates.report import files

        settings = load()
        until = _date(expires)
        git = workspace.repository(settings, repo)
        key = allowlist_file.read_key(settings, git)
        if not key:
            raise UsageError("there is no key for the list; make one with `orch-gates secrets key`")
        scanned = SecurityRun(settings, repo, base=base, head=head, strict=False).scanned(git)
        if isinstance(scanned, Unproven):
            raise OrchError(scanned.cause)
        chosen = next((item for item in scanned.findings if item.finding.id == finding), None)
        if chosen is None:
            raise UsageError(f"no finding {finding!r} in this range; `orch-gates gate security` lists the ids")
        path = _list_file(git)
        kept = allowlist_file.decode(files.read(path, 4_000_000)) if path.exists() else ()
        entry = allowlist.entry_for(key, chosen, owner=owner, reason=reason, expires=until)
        text = allowlist_file.encode((*allowlist.without(kept, key, chosen), entry))
        files.replace(path, text)
        click.echo(f"wrote {path}; it counts once it is on the target branch")


@secrets.command()
@click.option("--repo", default=".", type=click.Path(path_type=Path), help="A directory in the repository.")
def key(repo: Path) -> None:
    """Make the key of the list's hashes, in the git directory, where no commit can take it along.

    The same key has to be given to CI (ORCH_ALLOW_KEY, from a secret) and to the server (a file
    named orch-gates/allow-key in the bare repository). It is never printed.
    """
    with exit_codes():
        import secrets as random

        from orch_gates import workspace
        from orch_gates.gates.security import allowlist_file
        from orch_gates.report import files

        path = allowlist_file.key_file(workspace.repository(load(), repo))
        files.make_folder(path.parent)
        if not files.create(path, random.token_hex(32) + "\n", 0o600):
            click.echo(f"kept {path}: it exists")
            return
        click.echo(f"wrote {path}; give the same key to CI as ORCH_ALLOW_KEY and to the server")


def _list_file(git: Git) -> Path:
    """Where the list is in this work tree; its folder is made, and has to be the tree's own.

    Raises:
        UsageError: a link leads elsewhere, or something that is no file is there.
        ReportError: the folder cannot be made.
    """
    from orch_gates.gates.security import allowlist
    from orch_gates.report import files, output_path

    top = Path(git.text("rev-parse", "--show-toplevel"))
    path = top / allowlist.PATH
    files.make_folder(path.parent)
    return output_path.resolve(path, top, "the list of exceptions,")


def _date(text: str) -> date:
    try:
        until = date.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"--expires {text!r} is not a date (YYYY-MM-DD)") from error
    if until < clock.utc_now().date():
        raise ExceptionListError(f"--expires {text} is in the past")
    return until
