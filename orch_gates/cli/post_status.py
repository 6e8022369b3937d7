"""`--status`: a gate's verdict as the commit status `orch/<gate>`, on exactly the commit that was judged (GATE-4)."""

from __future__ import annotations

import sys

from orch_gates.cli.boundary import say
from orch_gates.documents import escape
from orch_gates.effects.commit_status import commit_status
from orch_gates.errors import OrchError
from orch_gates.model.effect import shown
from orch_gates.model.verdict import Verdict
from orch_gates.workspace import Workspace


def post(workspace: Workspace, verdict: Verdict, judged: str) -> int:
    """Post a verdict about what was judged, a commit or a tag of one, and give the exit code of both together.

    Where nothing was judged, `judged` is empty and no status is posted (GATE-5): a red one of before stays.

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
        status = commit_status(context, state, verdict.reason, workspace.settings.ci.run_url)
        workspace.need_forge().statuses.post(commit, status)
    except OrchError as error:
        say(f"orch-gates: the status {context} was not posted: {escape.visible(str(error))}\n", to=sys.stderr)
        return code or 2
    return code


def not_posted(verdict: Verdict) -> None:
    """Say that there is no status, as nothing was judged."""
    say(f"orch-gates: the status orch/{verdict.gate} was not posted: nothing was judged\n", to=sys.stderr)
