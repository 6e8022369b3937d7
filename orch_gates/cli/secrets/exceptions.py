"""`orch-gates secrets list` and `expire`: what is excepted, until when, and its end (SEC-4, SEC-11)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from orch_gates import clock
from orch_gates.cli.boundary import exit_codes, say
from orch_gates.documents import escape
from orch_gates.errors import UsageError
from orch_gates.settings import load

if TYPE_CHECKING:
    from orch_gates.gates.security.allowlist import AllowedFinding
    from orch_gates.gates.security.baseline import Baseline

_ID = 12


@dataclass(frozen=True, slots=True)
class ExceptionRow:
    """One exception as it is shown; `entry` begins its hash without the kind, and names it for `secrets expire`."""

    entry: str
    list: str
    path: str
    line: int
    rule: str
    owner: str
    reason: str
    expires: date
    holds: bool


@click.command("list", short_help="Show every allowed finding, and the baseline.")
@click.option("--ref", default="", metavar="REF", help="Read them at this commit [the work tree].")
@click.option("--json", "as_json", is_flag=True, help="Print them as JSON.")
@click.option("--repo", default=".", type=click.Path(path_type=Path), help="A directory in the work tree.")
def list_(ref: str, as_json: bool, repo: Path) -> None:
    """Show every exception: allowed findings, and the baseline of old ones.

    Only those on the target branch take effect: `--ref origin/main` shows them.

    \b
    Examples:
      orch-gates secrets list
      orch-gates secrets list --ref origin/main --json
    """
    with exit_codes():
        from orch_gates.cli.secrets.files import Lists
        from orch_gates.gates.security import allowlist_file, baseline_file

        lists = Lists.of(load(), repo)
        if ref:
            commit = lists.git.resolve(lists.git.unambiguous(ref))
            entries, known = allowlist_file.read(lists.git, commit), baseline_file.read(lists.git, commit)
        else:
            entries, known = lists.allowed(), lists.baseline()
        rows = list(_rows(entries, known, clock.utc_now().date()))
        say(_as_json(rows) if as_json else _as_text(rows))


@click.command(short_help="Take entries out of their list: their findings stand again.")
@click.argument("entries", nargs=-1, metavar="[ENTRY]...")
@click.option("--baseline", "whole", is_flag=True, help="End the whole baseline.")
@click.option("--past", is_flag=True, help="Take out what has ended already.")
@click.option("--repo", default=".", type=click.Path(path_type=Path), help="A directory in the work tree.")
def expire(entries: tuple[str, ...], whole: bool, past: bool, repo: Path) -> None:
    """Take each ENTRY (as `secrets list` names it) out of its list, so that its finding stands again.

    As with every change of these lists, it counts once it is on the target branch.

    \b
    Examples:
      orch-gates secrets expire 4f1d09c2aa17
      orch-gates secrets expire --past
      orch-gates secrets expire --baseline
    """
    with exit_codes():
        from orch_gates.cli.secrets.files import Lists

        if not (entries or whole or past):
            raise UsageError("name an entry, or choose with --baseline or --past")
        lists = Lists.of(load(), repo)
        allowed, known = lists.allowed(), lists.baseline()
        if whole and known is None:
            raise UsageError("there is no baseline in this work tree")
        today = clock.utc_now().date()
        rows = list(_rows(allowed, known, today))
        if missing := sorted(set(entries) - {row.entry for row in rows}):
            raise UsageError(f"no entry {', '.join(missing[:5])}; `orch-gates secrets list` names them")
        ends = {row.entry for row in rows if row.entry in entries or (past and not row.holds)}
        kept = tuple(entry for entry in allowed if _id(entry.hash) not in ends)
        if kept != allowed:
            click.echo(f"{lists.write_allowed(kept)}: {len(allowed) - len(kept)} taken out, {len(kept)} left")
        left = () if known is None or whole else tuple(one for one in known.entries if _id(one.hash) not in ends)
        if known is not None and left != known.entries:
            path = lists.write_baseline(replace(known, entries=left))
            click.echo(f"{path}: {len(known.entries) - len(left)} taken out, {len(left)} left")
        elif kept == allowed:
            click.echo("nothing to take out")


def _rows(entries: tuple[AllowedFinding, ...], known: Baseline | None, today: date) -> Iterator[ExceptionRow]:
    for entry in entries:
        yield ExceptionRow(
            _id(entry.hash),
            "allowed",
            entry.path,
            0,
            entry.rule,
            entry.owner,
            entry.reason,
            entry.expires,
            entry.expires >= today,
        )
    for one in known.entries if known else ():
        assert known is not None
        yield ExceptionRow(
            _id(one.hash),
            "baseline",
            one.path,
            one.line,
            one.rule,
            known.owner,
            known.reason,
            known.expires,
            known.expires >= today,
        )


def _id(made: str) -> str:
    return made.rpartition(":")[2][:_ID]


def _as_text(rows: list[ExceptionRow]) -> str:
    if not rows:
        return "no exceptions\n"
    lines = []
    for row in rows:
        until = f"until {row.expires}" if row.holds else f"ended {row.expires}"
        place = f"{row.path}:{row.line}" if row.line else row.path
        line = f"{row.entry}  {row.list:<8}  {until}  {row.rule}  {place}  ({row.owner}: {row.reason})"
        lines.append(escape.terminal_line(line))
    return "".join(f"{line}\n" for line in lines)


def _as_json(rows: list[ExceptionRow]) -> str:
    from orch_gates.report import machine

    listed = [{**asdict(row), "expires": row.expires.isoformat()} for row in rows]
    return machine.document("secrets-list", {"entries": listed})
