"""`orch-gates secrets baseline`: what was there before the gate, reviewed once, passes until one day (SEC-11)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from orch_gates import clock
from orch_gates.cli.boundary import exit_codes, say
from orch_gates.errors import UsageError
from orch_gates.settings import load

if TYPE_CHECKING:
    from orch_gates.gates.security.baseline import Baseline
    from orch_gates.gates.security.findings import SecretFinding

_SHOWN = 50


@click.command(short_help="Record every old finding in a baseline.")
@click.option("--owner", default="", help="Who answers for all of it.")
@click.option("--reason", default="", help="Why these are no danger, or what becomes of them.")
@click.option("--expires", default="", metavar="YYYY-MM-DD", help="The last day on which it holds.")
@click.option("--dry-run", is_flag=True, help="Show what it would hold; write nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print what was found as JSON.")
@click.option("--repo", default=".", type=click.Path(path_type=Path), help="A directory in the work tree.")
def baseline(owner: str, reason: str, expires: str, dry_run: bool, as_json: bool, repo: Path) -> None:
    """Write every finding in what HEAD and all refs reach to .orch-gates/secrets-baseline.md.

    With it the gate passes what was there before, until one day; what is new is refused as ever. Review the list, and
    revoke each credential that is real. It counts once it is committed on the target branch. No secret is written,
    only keyed hashes: make their key with `orch-gates secrets key`. Written again, the list replaces the one before.

    \b
    Examples:
      orch-gates secrets baseline --dry-run
      orch-gates secrets baseline --owner ops@example.org \\
          --reason "before the gate; all revoked" --expires 2027-06-30
    """
    with exit_codes():
        from orch_gates.cli.gate.security import SecurityRun
        from orch_gates.cli.secrets.files import Lists, last_day, needed_key, unproven
        from orch_gates.gates.security import allowlist
        from orch_gates.gates.security import baseline as lots
        from orch_gates.gates.security.allowlist import AllowList
        from orch_gates.gates.security.scan import Unproven

        settings = load()
        missing = [
            f"--{name}" for name, given in (("owner", owner), ("reason", reason), ("expires", expires)) if not given
        ]
        if missing and not dry_run:
            raise UsageError(f"a baseline needs {', '.join(missing)}; --dry-run shows what it would hold")
        until = last_day(expires) if expires else clock.utc_now().date()
        lists = Lists.of(settings, repo)
        key = needed_key(settings, lists.git) if not dry_run else b""
        scanned = SecurityRun(settings, repo, base="", head="", strict=False, everything=True).scanned(lists.git)
        if isinstance(scanned, Unproven):
            raise unproven(scanned.cause)
        # What is allowed by itself has its own end.
        allowed = allowlist.sort(scanned.findings, AllowList(lists.allowed(), key), clock.utc_now().date())
        found = allowed.standing
        if as_json:
            say(_as_json(found))
        else:
            say("".join(f"{line}\n" for line in _as_text(found, scanned.commits_read)))
        if dry_run:
            return
        before = lists.baseline()
        if not found and before is None:
            click.echo("nothing was written: no finding needs a baseline", err=as_json)
            return
        made = lots.make(key, found, owner=owner, reason=reason, expires=until)
        path = lists.write_baseline(made)
        click.echo(f"wrote {path}{_compared(made, before)}", err=as_json)
        click.echo(
            f"Review it and commit it on the target branch, where it counts. Until {until} these pass; revoke each "
            "credential that is real all the same.",
            err=as_json,
        )


def _as_text(found: Sequence[SecretFinding], commits: int) -> list[str]:
    rules = Counter(item.finding.rule for item in found)
    lines = [f"{len(found)} finding{'s' * (len(found) != 1)} in {commits} commit{'s' * (commits != 1)}"]
    lines += [f"{count:>7}  {rule}" for rule, count in rules.most_common()]
    for item in found[:_SHOWN]:
        finding = item.finding
        place = f"{finding.path}:{finding.line}" if finding.line else finding.path
        lines.append(f"  {place}  {finding.rule}  (commit {finding.commit[:10] or 'none'})")
    if len(found) > _SHOWN:
        lines.append(f"  +{len(found) - _SHOWN} more; --json has all of them")
    return lines


def _as_json(found: Sequence[SecretFinding]) -> str:
    from dataclasses import asdict

    from orch_gates.report import machine

    rows = [{**asdict(item.finding), "object": item.oid} for item in found]
    return machine.document("secrets-baseline", {"findings": rows})


def _compared(made: Baseline, before: Baseline | None) -> str:
    """How it differs from the one that it replaces."""
    if before is None:
        return f": {len(made.entries)} old findings"
    if before.key_id != made.key_id:
        return f": {len(made.entries)} old findings; the {len(before.entries)} before were made with another key"
    new, old = set(made.entries), set(before.entries)
    return f": {len(new)} old findings, {len(new - old)} of them not in the list before; {len(old - new)} are gone"
