"""`--status`: a gate's verdict as the commit status `orch/<gate>`, on exactly the commit that was judged (GATE-4)."""

from __future__ import annotations

import sys
from typing import assert_never

from orch_gates.cli.boundary import say
from orch_gates.documents import escape
from orch_gates.errors import OrchError
from orch_gates.forge.port.checks import CommitStatus, StatusState
from orch_gates.model.verdict import Outcome, Verdict
from orch_gates.workspace import Workspace

# As much as GitHub takes.
_LONGEST = 140


def post(workspace: Workspace, verdict: Verdict, judged: str) -> int:
    """Post a verdict about what was judged, a commit or a tag of one, and give the exit code of both together.

    Where nothing was judged, `judged` is empty and no status is posted (GATE-5): a red one of before stays.

    The verdict stands whatever becomes of the status, but a PASS that nobody can see is not
    recorded: 2. A SKIP has no side effects (GATE-3).
    """
    code = verdict.outcome.exit_code
    state = _state(verdict.outcome)
    if state is None:
        return code
    context = f"orch/{verdict.gate}"
    if not judged:
        say(f"orch-gates: the status {context} was not posted: nothing was judged\n", to=sys.stderr)
        return code
    description = escape.clip(escape.visible(verdict.reason), _LONGEST)
    try:
        commit = workspace.git.resolve(judged)
        status = CommitStatus(context, state, description, workspace.settings.ci.run_url)
        workspace.need_forge().statuses.post(commit, status)
    except OrchError as error:
        say(f"orch-gates: the status {context} was not posted: {escape.visible(str(error))}\n", to=sys.stderr)
        return code or 2
    return code


def _state(outcome: Outcome) -> StatusState | None:
    match outcome:
        case Outcome.PASS:
            return StatusState.SUCCESS
        case Outcome.FAIL | Outcome.ERROR:
            return StatusState.FAILURE
        case Outcome.DEFER | Outcome.HOLD:
            return StatusState.PENDING
        case Outcome.SKIP:
            return None
        case _:
            assert_never(outcome)
