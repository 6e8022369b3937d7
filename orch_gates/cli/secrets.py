"""`orch-gates secrets`: exceptions to the secret scan, each with an owner, a reason and an end."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import click

from orch_gates import clock
from orch_gates.cli.boundary import exit_codes
from orch_gates.errors import ExceptionListError, OrchError, UsageError
from orch_gates.settings import load


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
        from orch_gates import wiring
        from orch_gates.cli.security_run import SecurityRun
        from orch_gates.gates import allowlist
        from orch_gates.gates.security import Unproven
        from orch_gates.report import files

        settings = load()
        until = _date(expires)
        git = wiring.repository(settings, repo)
        key = wiring.allow_key(settings, git)
        if not key:
            raise UsageError("there is no key for the list; make one with `orch-gates secrets key`")
        scanned = SecurityRun(settings, repo, base=base, head=head, strict=False).scanned(git)
        if isinstance(scanned, Unproven):
            raise OrchError(scanned.cause)
        chosen = next((item for item in scanned.findings if item.finding.id == finding), None)
        if chosen is None:
            raise UsageError(f"no finding {finding!r} in this range; `orch-gates gate security` lists the ids")
        path = Path(git.text("rev-parse", "--show-toplevel")) / allowlist.PATH
        kept = allowlist.decode(files.read(path, 4_000_000)) if path.exists() else ()
        entry = allowlist.Entry(
            hash=allowlist.entry_hash(key, chosen.finding, chosen.secret),
            path=chosen.finding.path,
            rule=chosen.finding.rule,
            owner=owner,
            reason=reason,
            expires=until,
        )
        path.parent.mkdir(exist_ok=True)
        others = tuple(old for old in kept if old.hash != entry.hash)
        files.replace(path, allowlist.encode((*others, entry)))
        click.echo(f"wrote {path}; it counts once it is on the target branch")


@secrets.command()
@click.option("--repo", default=".", type=click.Path(path_type=Path), help="A directory in the repository.")
def key(repo: Path) -> None:
    """Make the key of the list's hashes, in the git directory, where no commit can take it along.

    The same key has to be given to CI (ORCH_ALLOW_KEY, from a secret) and to the server (a file
    named orch-gates/allow-key in the bare repository). It is never printed.
    """
    with exit_codes():
        import os
        import secrets as random

        from orch_gates import wiring

        path = wiring.key_file(wiring.repository(load(), repo))
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            click.echo(f"kept {path}: it exists")
            return
        with os.fdopen(descriptor, "w") as file:
            file.write(random.token_hex(32) + "\n")
        click.echo(f"wrote {path}; give the same key to CI as ORCH_ALLOW_KEY and to the server")


def _date(text: str) -> date:
    try:
        until = date.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"--expires {text!r} is not a date (YYYY-MM-DD)") from error
    if until < clock.utc_now().date():
        raise ExceptionListError(f"--expires {text} is in the past")
    return until
