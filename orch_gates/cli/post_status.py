"""`--status`: a gate's verdict as the commit status `orch/<gate>`, on exactly the commit that was judged (GATE-4)."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from orch_gates.cli.boundary import say
from orch_gates.documents import escape
from orch_gates.effects.commit_status import commit_status, judged_since, since
from orch_gates.errors import OrchError, SettingsError
from orch_gates.forge.port.checks import CommitStatus, StatusState
from orch_gates.git.cli import Git
from orch_gates.model.effect import shown
from orch_gates.model.verdict import Verdict
from orch_gates.workspace import Workspace


def post(workspace: Workspace, verdict: Verdict, judged: str, base: str = "") -> int:
    """Post a verdict about what was judged, a commit or a tag of one, and give the exit code of both together.

    Where nothing was judged, `judged` is empty and no status is posted (GATE-5): a red one of before stays.

    Where it is about a range, `base` is its begin, zeros for everything. A red status that is about more stays, as what
    it found may be in what was left out (GATE-5).

    The verdict stands whatever becomes of the status, but a PASS that nobody can see is not
    recorded: 2. A SKIP has no side effects (GATE-3).
    """
    code = verdict.outcome.exit_code
    state = shown(verdict.outcome)
    if state is None:
        return code
    context = f"orch/{verdict.gate}"
    if not judged:
        not_posted(verdict)
        return code
    try:
        commit = workspace.git.resolve(judged)
        statuses = workspace.need_forge().statuses
        if base and (why := _is_about_more(workspace.git, statuses.latest(commit), context, commit, base)):
            raise SettingsError(why)
        reason = since(base, verdict.reason) if base else verdict.reason
        statuses.post(commit, commit_status(context, state, reason, workspace.settings.ci.run_url))
    except OrchError as error:
        say(f"orch-gates: the status {context} was not posted: {escape.visible(str(error))}\n", to=sys.stderr)
        return code or 2
    return code


def not_posted(verdict: Verdict) -> None:
    """Say that there is no status, as nothing was judged."""
    say(f"orch-gates: the status orch/{verdict.gate} was not posted: nothing was judged\n", to=sys.stderr)


def _is_about_more(git: Git, statuses: Sequence[CommitStatus], context: str, commit: str, base: str) -> str:
    """Why the status that is there stays: it is red, and not about less than what was judged; empty where it is.

    Raises:
        GitError: git could not tell.
    """
    there = next((one for one in statuses if one.context == context), None)
    if there is None or there.state in {StatusState.SUCCESS, StatusState.PENDING} or not base.strip("0"):
        return ""
    before = judged_since(there)
    stays = f"the status on {commit[:10]} is {there.state}, and stays so"
    if not before:
        return f"{stays}: it does not say which commits it is about; `--all` judges all of them"
    if not before.strip("0"):
        return f"{stays}: it is about everything, and this is about what is after {base[:10]}; judge with `--all`"
    if base.startswith(before):
        return ""
    if not git.has(f"{before}^{{commit}}"):
        return (
            f"{stays}: it is about what is after {before}, which is not in this clone; fetch it, or judge with `--all`"
        )
    left_out = git.read("rev-list", "--count", f"{before}..{commit}") != git.read(
        "rev-list", "--count", f"{before}..{commit}", f"^{base}"
    )
    if left_out:
        return (
            f"{stays}: it is about what is after {before}, and this leaves some of it out; judge with `--base {before}`"
        )
    return ""
