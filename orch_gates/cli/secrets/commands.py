"""`orch-gates secrets`: exceptions to the secret scan, each with an owner, a reason and an end."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from orch_gates.cli.boundary import exit_codes, say
from orch_gates.cli.secrets.baseline import baseline
from orch_gates.cli.secrets.exceptions import expire, list_
from orch_gates.errors import ReportError, UsageError
from orch_gates.settings import Settings, load

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orch_gates.cli.gate.security import SecurityRun
    from orch_gates.gates.security.findings import SecretFinding
    from orch_gates.gates.security.scan import SecretFacts, Unproven
    from orch_gates.git.cli import Git

_SHOWN = 50


@click.group()
def secrets() -> None:
    """Allow findings, each or the old ones together, with an owner, a reason and an end.

    \b
    Examples:
      orch-gates secrets list
      orch-gates secrets allow 9f86d081884c --owner ops@example.org --reason "a test key" --expires 2027-06-30
    """


@secrets.command(short_help="Allow findings, by the ids in the report.")
@click.argument("findings", nargs=-1, metavar="[FINDING]...")
@click.option(
    "--report",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Take commits and findings from this report.",
)
@click.option("--rule", default="", metavar="RULE", help="Of the findings, those of this rule.")
@click.option("--path", "pattern", default="", metavar="GLOB", help="Of the findings, those in such paths.")
@click.option("--base", default="", metavar="REF", help="As in `gate security`.")
@click.option("--head", default="", metavar="REF", help="As in `gate security`.")
@click.option("--repo", default=".", type=click.Path(path_type=Path), help="A directory in the work tree.")
@click.option("--owner", required=True, help="Who answers for it.")
@click.option("--reason", required=True, help="Why it is no danger.")
@click.option("--expires", required=True, metavar="YYYY-MM-DD", help="The last day on which it holds.")
def allow(  # noqa: PLR0913, PLR0917 - click hands over each option
    findings: tuple[str, ...],
    report: Path | None,
    rule: str,
    pattern: str,
    base: str,
    head: str,
    repo: Path,
    owner: str,
    reason: str,
    expires: str,
) -> None:
    """Write an entry for each FINDING (the id in the report) to .orch-gates/allowed-secrets.md.

    BASE..HEAD is scanned again to find them; if some are not there, everything that HEAD and the refs reach is. A
    secret itself is never written, only a keyed hash. An entry takes effect once it is on the target branch. The key is
    read from ORCH_ALLOW_KEY or ORCH_ALLOW_KEY_FILE; make one with `orch-gates secrets key`.

    \b
    Examples:
      orch-gates secrets allow 9f86d081884c --owner ops@example.org \\
          --reason "test key of the vendor's sandbox" --expires 2027-06-30
      orch-gates secrets allow --report 17-security-report.md --path "testdata/*" \\
          --owner ops@example.org --reason "made for the tests" --expires 2027-06-30
    """
    with exit_codes():
        from orch_gates.cli.secrets.files import Lists, last_day, needed_key
        from orch_gates.gates.security import allowlist

        settings = load()
        until = last_day(expires)
        lists = Lists.of(settings, repo)
        key = needed_key(settings, lists.git)
        if not (findings or report or rule or pattern):
            raise UsageError("name a finding, or choose with --report, --rule or --path")
        if report is not None and (base or head):
            raise UsageError("--report names the commits itself; leave out --base and --head")
        run, listed = _from_report(settings, repo, report) if report else (None, ())
        chosen = _chosen(
            run or _range(settings, repo, base, head), lists.git, frozenset(findings or listed), rule, pattern
        )
        entries = lists.allowed()
        for item in chosen:
            entry = allowlist.entry_for(key, item, owner=owner, reason=reason, expires=until)
            entries = (*allowlist.without(entries, key, item), entry)
        path = lists.write_allowed(entries)
        for item in chosen[:_SHOWN]:
            found = item.finding
            say(f"allowed {found.id}: {found.path}{f':{found.line}' if found.line else ''}  {found.rule}\n")
        if len(chosen) > _SHOWN:
            say(f"+{len(chosen) - _SHOWN} more\n")
        click.echo(f"wrote {path}; it takes effect once it is on the target branch")


def _range(settings: Settings, repo: Path, base: str, head: str) -> SecurityRun:
    from orch_gates.cli.gate.security import SecurityRun

    return SecurityRun(settings, repo, base=base, head=head, strict=False)


def _from_report(settings: Settings, repo: Path, path: Path) -> tuple[SecurityRun, tuple[str, ...]]:
    """The run that a report is about, and the findings that it lists."""
    from orch_gates.cli.gate.security import SecurityRun
    from orch_gates.report import security

    try:
        report = security.read(path)
    except ReportError as error:
        raise UsageError(f"{path} is not a usable report of the security gate: {error}") from error
    ids = tuple(finding.id for finding in report.findings if finding.carrier != "dependency")
    if not ids:
        raise UsageError(f"{path} lists no secret")
    if left_out := report.findings_total - len(report.findings):
        say(f"{left_out} more findings are counted but not listed in {path}; they stay\n")
    whole = not report.base.strip("0")
    run = SecurityRun(
        settings,
        repo,
        base="" if whole else report.base,
        head="" if whole else report.head,
        strict=False,
        everything=whole,
    )
    return run, ids


def _chosen(run: SecurityRun, git: Git, ids: frozenset[str], rule: str, pattern: str) -> Sequence[SecretFinding]:
    """The findings of one scan that were named and fit.

    Raises:
        UsageError: one that was named is not there, or none fits.
        OrchError: the scan is not proven.
    """
    from fnmatch import fnmatchcase

    from orch_gates.cli.secrets.files import unproven
    from orch_gates.gates.security.scan import Unproven

    scanned = run.scanned(git)
    if ids and not (run.base or run.head or run.everything) and not _has(scanned, ids):
        # Whoever was refused by a server may have another range here than the push had.
        scanned = replace(run, everything=True).scanned(git)
    if isinstance(scanned, Unproven):
        raise unproven(scanned.cause)
    there = {item.finding.id for item in scanned.findings}
    if missing := sorted(ids - there):
        named = ", ".join(missing[:5]) + (f" and {len(missing) - 5} more" if len(missing) > 5 else "")
        raise UsageError(f"not found: {named}; `orch-gates gate security` lists the ids")
    chosen = [
        item
        for item in scanned.findings
        if (not ids or item.finding.id in ids)
        and rule in {"", item.finding.rule}
        and (not pattern or fnmatchcase(item.finding.path, pattern))
    ]
    if not chosen:
        first = ", ".join(sorted({item.finding.path for item in scanned.findings})[:5])
        raise UsageError(
            f"none of {len(scanned.findings)} findings is chosen; nothing was written. They are in: {first}"
        )
    return chosen


def _has(scanned: SecretFacts | Unproven, ids: frozenset[str]) -> bool:
    from orch_gates.gates.security.scan import SecretFacts

    return isinstance(scanned, SecretFacts) and ids <= {item.finding.id for item in scanned.findings}


@secrets.command(short_help="Make the key of the lists' hashes, in the git directory.")
@click.option("--repo", default=".", type=click.Path(path_type=Path), help="A directory in the repository.")
def key(repo: Path) -> None:
    """Make the key of the lists' hashes, in the git directory, where no commit can take it along.

    The same key has to be given to CI (ORCH_ALLOW_KEY, from a secret) and to the server (a file
    named orch-gates/allow-key in the bare repository). It is never printed.

    \b
    Example:
      orch-gates secrets key
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


secrets.add_command(baseline)
secrets.add_command(list_)
secrets.add_command(expire)
