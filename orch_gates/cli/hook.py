"""`orch-gates hook`: what git runs, and how it is installed."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from orch_gates import clock
from orch_gates.cli.boundary import exit_codes, say
from orch_gates.model.verdict import Outcome, Verdict

if TYPE_CHECKING:
    from orch_gates.state.kinds import Kinds

_MOST_INPUT = 16_000_000
STATE_HELP = "docs/how-to/repair-the-state-branch.md"


@click.group()
def hook() -> None:
    """Run or install the git hooks."""


@hook.command("pre-receive")
def pre_receive() -> None:
    """Judge a push on the server; git gives the refs on stdin. Exit 0 accepts, 1 or 2 refuses."""
    with exit_codes(bug=2):
        from orch_gates import settings as settings_module
        from orch_gates import wiring
        from orch_gates.hooks import judge, updates
        from orch_gates.scanners import early

        settings = settings_module.load()
        data = _stdin()
        verdict = wiring.out_of_scope(settings)
        if verdict is None or settings.state.guard_enabled:
            with early.taken() as started:
                git = wiring.repository(settings, wiring.working_directory(), inside_hook=True)
                ground = judge.on_server(settings, git, started)
                pushed = updates.parse_pre_receive(data, most=ground.settings.security.budget.refs)
                judge.refuse_stale(git, pushed, namespaced="GIT_NAMESPACE" in settings.inherited_env)
                state = judge.pushed_state(ground, pushed, _document_kinds)
                if state is not None and state.outcome is not Outcome.PASS:
                    _finish(state, action="push", kept="Nothing was stored.", help_page=STATE_HELP)
                verdict = judge.pushed_to_server(ground, pushed, clock.utc_now())
        _finish(verdict, action="push", kept="Nothing was stored.")


@hook.command("pre-push")
@click.argument("remote", default="")
@click.argument("url", default="")
def pre_push(remote: str, url: str) -> None:
    """Judge what a clone is about to push, as git's own hook or through pre-commit.

    git passes the name of the REMOTE and the URL that it pushes to. Where that is not the URL that the clone fetches
    from, nothing is known of what is there, and everything is judged.
    """
    with exit_codes(bug=2):
        from orch_gates import settings as settings_module
        from orch_gates import wiring
        from orch_gates.hooks import judge, updates
        from orch_gates.scanners import early

        settings = settings_module.load()
        verdict = wiring.out_of_scope(settings)
        if verdict is None:
            context = settings.hook
            name = remote or context.remote_name
            with early.taken() as started:
                git = wiring.repository(settings, wiring.working_directory(), inside_hook=True)
                ground = judge.in_clone(settings, git, name, started)
                if context.from_ref or context.to_ref:
                    pushed = updates.from_pre_commit(ground.git, context)
                else:
                    pushed = updates.parse_pre_push(_stdin(), most=ground.settings.security.budget.refs)
                    updates.refuse_nothing(pushed, in_ci=settings.ci.active)
                verdict = judge.pushed_from_clone(ground, pushed, name, url or context.remote_url, clock.utc_now())
        _finish(verdict, action="push", kept="Nothing was pushed.")


@hook.command("pre-commit")
def pre_commit() -> None:
    """Judge the staged content before the commit exists."""
    with exit_codes(bug=2):
        from orch_gates import settings as settings_module
        from orch_gates import wiring
        from orch_gates.errors import UsageError
        from orch_gates.hooks import judge
        from orch_gates.scanners import early

        settings = settings_module.load()
        verdict = wiring.out_of_scope(settings)
        if verdict is None and settings.hook.from_ref:
            raise UsageError(
                "a range was given, but orch-secrets judges staged content; use the hook orch-secrets-push"
            )
        if verdict is None:
            with early.taken() as started:
                git = wiring.repository(settings, wiring.working_directory(), inside_hook=True)
                verdict = judge.about_to_commit(judge.in_clone(settings, git, "origin", started), clock.utc_now())
        if verdict is None:
            if settings.ci.active:
                raise UsageError(
                    "nothing is staged, so nothing was judged; in CI use orch-secrets-push with "
                    "--from-ref and --to-ref, or the security action"
                )
            return
        _finish(verdict, action="commit", kept="Nothing was committed.")


@hook.command("install")
@click.argument("repository", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--gitea", is_flag=True, help="Install below pre-receive.d/, where Gitea looks.")
@click.option("--all", "every", is_flag=True, help="REPOSITORY is a folder: renew every hook of ours below it.")
def install(repository: Path, gitea: bool, every: bool) -> None:
    """Install the pre-receive hook into a bare REPOSITORY and prove it with a push.

    The proof is a push of a random token that the hook must refuse; nothing of it is stored. The hook is bound to the
    engine and the rules that it was proven with: after an upgrade it refuses until it is installed again.

    \b
    Examples:
      orch-gates hook install /srv/git/app.git
      orch-gates hook install --gitea /var/lib/gitea/data/gitea-repositories/acme/app.git
      orch-gates hook install --all /srv/git
    """
    with exit_codes():
        from orch_gates import settings as settings_module
        from orch_gates.errors import UsageError
        from orch_gates.hooks import install as installing

        if every and gitea:
            raise UsageError("--all renews the hooks that there are, those of Gitea too; leave --gitea out")
        settings = settings_module.load()
        lines = installing.install_all(settings, repository) if every else None
        for line in lines or installing.install(settings, repository, gitea=gitea):
            click.echo(line)


def _document_kinds() -> Kinds:
    # Their models cost every push that does not touch the state a tenth of a second.
    from orch_gates.document_kinds import KINDS

    return KINDS


def _stdin() -> bytes:
    from orch_gates.errors import BudgetExceeded, GitError

    if getattr(sys, "stdin", None) is None:
        raise GitError("standard input is closed, so git cannot say what is pushed")
    data = sys.stdin.buffer.read(_MOST_INPUT + 1)
    if len(data) > _MOST_INPUT:
        raise BudgetExceeded(f"git named more than {_MOST_INPUT} bytes of refs; push fewer at a time")
    return data


def _finish(verdict: Verdict, *, action: str, kept: str, help_page: str = "") -> NoReturn:
    from orch_gates.documents.escape import ascii_line
    from orch_gates.report.text import HELP, for_hook

    if verdict.outcome is Outcome.SKIP:
        say(f"orch-gates: not judged: {ascii_line(verdict.reason)}\n", to=sys.stderr)
    say(for_hook(verdict, action=action, kept=kept, help_page=help_page or HELP), to=sys.stderr)
    raise SystemExit(verdict.outcome.exit_code)
