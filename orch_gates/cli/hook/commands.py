"""`orch-gates hook`: what git runs, and how it is installed."""

from __future__ import annotations

import io
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from orch_gates import clock
from orch_gates.cli.boundary import exit_codes, say
from orch_gates.cli.hook import server
from orch_gates.model.verdict import Outcome, Verdict

if TYPE_CHECKING:
    from orch_gates.hooks.checks import PushContext
    from orch_gates.settings import Settings
    from orch_gates.state.kinds import Kinds

_MOST_INPUT = 16_000_000
# The page of `orch-gates help` by what refused; any other is about secrets.
HELP_PAGES = {"state-guard": "state", "merge-fence": "merge"}
_ALL_FINDINGS = "orch-gates gate security --verbose"
_PUSH_SHOWN = 5
# What is staged is shown by nothing else.
_COMMIT_SHOWN = 50


@click.group()
def hook() -> None:
    """Run, install, show or remove the git hooks.

    \b
    Examples:
      orch-gates hook install /srv/git/app.git
      orch-gates hook status /srv/git/app.git
    """


@hook.command("pre-receive")
def pre_receive() -> None:
    """Judge a push on the server; git gives the refs on stdin. Exit 0 accepts, 1 or 2 refuses.

    \b
    Example:
      orch-gates hook pre-receive <<<"$OLD $NEW refs/heads/main"
    """
    with exit_codes(bug=2):
        from orch_gates import settings as settings_module
        from orch_gates.hooks import checks, updates
        from orch_gates.scanners import early
        from orch_gates.workspace import repository

        settings = settings_module.load()
        data = _stdin()
        with early.taken() as started:
            git = repository(settings, _working_directory(), inside_hook=True)
            context = _watched(checks.on_server(settings, git, started))
            pushed = updates.parse_pre_receive(data, most=context.settings.security.budget.refs)
            checks.refuse_stale(git, pushed, namespaced="GIT_NAMESPACE" in settings.inherited_env)
            verdicts = checks.on_push(context, pushed, _document_kinds, clock.utc_now())
        see_all = _ALL_FINDINGS if context.trusted else f"{_ALL_FINDINGS} --all"
        _finish(settings, *verdicts, kept="Nothing was stored.", see_all=see_all)


@hook.command("pre-push", short_help="Judge what a clone is about to push.")
@click.argument("remote", default="")
@click.argument("url", default="")
def pre_push(remote: str, url: str) -> None:
    """Judge what a clone is about to push, as git's own hook or through pre-commit.

    git passes the name of the REMOTE and the URL that it pushes to. Where that is not the URL that the clone fetches
    from, nothing is known of what is there, and everything is judged.

    \b
    Example:
      orch-gates hook pre-push origin https://git.example.org/acme/app.git <<<"$REFS"
    """
    with exit_codes(bug=2):
        from orch_gates import settings as settings_module
        from orch_gates.gates.security.judge import out_of_scope
        from orch_gates.hooks import checks, updates
        from orch_gates.scanners import early
        from orch_gates.workspace import repository

        settings = settings_module.load()
        verdict = out_of_scope(settings)
        if verdict is None:
            given = settings.hook
            # By hand pre-commit names no remote, nor a range.
            name = remote or given.remote_name or ("origin" if given.pre_commit else "")
            with early.taken() as started:
                git = repository(settings, _working_directory(), inside_hook=True)
                context = _watched(checks.in_clone(settings, git, name, started))
                if (
                    given.from_ref
                    or given.to_ref
                    or (given.pre_commit and (given.local_branch or not settings.ci.active))
                ):
                    pushed = updates.from_pre_commit(context.git, given)
                else:
                    pushed = updates.parse_pre_push(_stdin(), most=context.settings.security.budget.refs)
                    updates.refuse_nothing(pushed, in_ci=settings.ci.active)
                verdict = checks.pushed_from_clone(context, pushed, name, url or given.remote_url, clock.utc_now())
        _finish(settings, verdict, kept="Nothing was pushed.", see_all=_ALL_FINDINGS)


@hook.command("pre-commit")
@click.argument("files", nargs=-1, type=click.UNPROCESSED)
def pre_commit(files: tuple[str, ...]) -> None:
    """Judge the staged content before the commit exists.

    FILES that are not staged are judged too, whole, as they are in the index: `pre-commit run --all-files` names all.

    \b
    Example:
      orch-gates hook pre-commit
    """
    with exit_codes(bug=2):
        from orch_gates import settings as settings_module
        from orch_gates.errors import UsageError
        from orch_gates.gates.security.judge import out_of_scope
        from orch_gates.gates.security.staged import NothingStaged
        from orch_gates.hooks import checks
        from orch_gates.scanners import early
        from orch_gates.workspace import repository

        settings = settings_module.load()
        verdict: Verdict | NothingStaged | None = out_of_scope(settings)
        if verdict is None and settings.hook.from_ref:
            raise UsageError(
                "a range was given, but orch-secrets judges staged content; use the hook orch-secrets-push"
            )
        if verdict is None:
            with early.taken() as started:
                git = repository(settings, _working_directory(), inside_hook=True)
                context = _watched(checks.in_clone(settings, git, "origin", started))
                verdict = checks.about_to_commit(context, files, clock.utc_now())
        if isinstance(verdict, NothingStaged):
            nothing = f"nothing to judge: {verdict.why}"
            after = "after the merge " if verdict.merging else ""
            if settings.ci.active:
                raise UsageError(
                    f"{nothing}; in CI use {after}`pre-commit run --all-files`, orch-secrets-push with --from-ref and "
                    "--to-ref, or the security action"
                )
            say(f"orch-gates: {nothing}; {after}`pre-commit run --all-files` judges every file\n", to=sys.stderr)
            return
        _finish(settings, verdict, action="commit", kept="Nothing was committed.", limit=_COMMIT_SHOWN)


for command in (server.install, server.status, server.uninstall):
    hook.add_command(command)


@hook.command("import", short_help="Let one push bring an old history into a repository.")
@click.argument("repository", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--tip", required=True, metavar="COMMIT", help="The whole id of the one commit that may be pushed.")
@click.option("--baseline", type=click.Path(path_type=Path), help="The reviewed baseline, outside of REPOSITORY.")
@click.option("--withdraw", is_flag=True, help="Withdraw the permission for that tip.")
def import_(repository: Path, tip: str, baseline: Path | None, withdraw: bool) -> None:
    """Let one push bring an old history into REPOSITORY, on the server; an administrator permits that push only.

    The push may set refs to COMMIT and to nothing else. Its old findings pass where the baseline names them, as
    `orch-gates secrets baseline` wrote it in the clone and a person reviewed it; all else in it is judged as ever.

    \b
    Examples:
      orch-gates hook import /srv/git/app.git --tip 9abd7d2460… --baseline /srv/app-baseline.md
      orch-gates hook import /srv/git/app.git --tip 9abd7d2460… --withdraw
    """
    with exit_codes():
        from orch_gates import settings as settings_module
        from orch_gates.errors import UsageError
        from orch_gates.git.cli import open_repository
        from orch_gates.hooks import importing

        if (baseline is None) is not withdraw:
            raise UsageError("give either --baseline or --withdraw")
        git = open_repository(repository.resolve(), settings_module.load().inherited_env, timeout=60)
        if not git.is_bare():
            raise UsageError(f"{repository} is not a bare repository; run `orch-gates hook import` on the server")
        if baseline is None:
            taken = importing.withdraw(git, tip)
            permission = f"import permission for {tip[:10]}"
            click.echo(f"{permission} withdrawn" if taken else f"no {permission}")
            return
        path, word, known = importing.give(git, tip, baseline, clock.utc_now())
        click.echo(f"wrote {path}")
        click.echo(
            f"One push of {word.tip[:10]} may contain the {len(known.entries)} old findings that {word.baseline} lists "
            f"(owner {known.owner}, until {known.expires}). The user that runs git must be able to read that file."
        )


def _watched(context: PushContext) -> PushContext:
    from orch_gates.cli import progress

    return replace(context, watch=progress.in_hook().of)


def _working_directory() -> Path:
    from orch_gates.errors import UsageError

    try:
        return Path.cwd()
    except OSError as error:
        raise UsageError(f"cannot find the working directory: {error.strerror}") from error


def _document_kinds() -> Kinds:
    # Their models cost every push that does not touch the state a tenth of a second.
    from orch_gates.document_kinds import KINDS

    return KINDS


def _stdin() -> bytes:
    from orch_gates.errors import BudgetExceeded, GitError

    if getattr(sys, "stdin", None) is None:
        raise GitError("standard input is closed, but git passes the pushed refs there")
    data = sys.stdin.buffer.read(_MOST_INPUT + 1)
    if len(data) > _MOST_INPUT:
        raise BudgetExceeded(f"this push names more than {_MOST_INPUT} bytes of refs; push fewer at a time")
    return data


def _finish(
    settings: Settings,
    *verdicts: Verdict,
    action: str = "push",
    kept: str,
    see_all: str = "",
    limit: int = _PUSH_SHOWN,
) -> NoReturn:
    """Tell all verdicts in one message; a definite refusal counts before what could not be judged."""
    from orch_gates.documents.escape import terminal_line
    from orch_gates.report.text import for_hook

    if isinstance(sys.stderr, io.TextIOWrapper):
        # A server's locale is not that of the person who pushes; git passes the bytes on as they are.
        sys.stderr.reconfigure(encoding="utf-8", errors="backslashreplace")
    refused = [verdict for verdict in verdicts if verdict.outcome.exit_code != 0]
    for verdict in verdicts:
        if verdict.outcome is Outcome.SKIP:
            say(f"orch-gates: not judged: {terminal_line(verdict.reason)}\n", to=sys.stderr)
    message = ""
    for verdict in verdicts:
        page = HELP_PAGES.get(verdict.gate, "leak")
        message += for_hook(
            verdict,
            action=action,
            # What became of the refused work is said once, at the end.
            kept=kept if refused and verdict is refused[-1] else "",
            help_at=settings.help_url or f"orch-gates help {page}",
            # Of the secret scan alone; no command of a clone shows the rules of the state that a push would break.
            see_all=see_all if page == "leak" else "",
            limit=limit,
        )
    say(message, to=sys.stderr)
    raise SystemExit(min((verdict.outcome.exit_code for verdict in refused), default=0))
