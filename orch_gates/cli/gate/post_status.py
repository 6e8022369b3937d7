"""`--status`: a gate's verdict as the commit status `orch/<gate>`, on exactly the commit that was judged (GATE-4)."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from orch_gates.cli.boundary import say
from orch_gates.documents import escape
from orch_gates.effects.commit_status import commit_status, judged_since, since, why_it_stays
from orch_gates.errors import OrchError, SettingsError
from orch_gates.forge.port.checks import CommitStatus
from orch_gates.git.cli import Git
from orch_gates.git.merges import contains
from orch_gates.model.effect import shown
from orch_gates.model.verdict import Verdict
from orch_gates.settings import CiContext
from orch_gates.workspace import Workspace

_BRANCHES = ("refs/remotes/origin", "refs/heads")


def post(workspace: Workspace, verdict: Verdict, judged: str, base: str = "") -> int:
    """Post a verdict about what was judged, a commit or a tag of one, and give the exit code of both together.

    Where nothing was judged, `judged` is empty and no status is posted (GATE-5): a red one of before stays.

    Where it is about a range, `base` is its begin, zeros for everything, and the context names the target. A red status
    that is about more stays, as what it found may be in what was left out (GATE-5).

    The verdict stands whatever becomes of the status, but a PASS that nobody can see is not
    recorded: 2. The job of a fork's pull request may post nothing, so there it is a warning. A SKIP has no side effects
    (GATE-3).
    """
    code = verdict.outcome.exit_code
    state = shown(verdict.outcome)
    if state is None:
        return code
    if not judged:
        not_posted(verdict)
        return code
    context = f"orch/{verdict.gate}"
    try:
        commit = workspace.git.resolve(judged)
        context = _context(workspace.git, verdict, workspace.git.resolve(judged, "object"), base)
        statuses = workspace.need_forge().statuses
        if base and (why := _why_it_stays(workspace.git, statuses.latest(commit), context, commit, base)):
            raise SettingsError(why)
        reason = since(base, verdict.reason) if base else verdict.reason
        statuses.post(commit, commit_status(context, state, reason, workspace.settings.ci.run_url))
    except OrchError as error:
        if _is_of_fork(workspace.settings.ci):
            _warn_in_fork(workspace.settings.ci, context)
            return code
        say(f"orch-gates: the status {context} was not posted: {escape.visible(str(error))}\n", to=sys.stderr)
        return code or 2
    return code


def not_posted(verdict: Verdict) -> None:
    """Say that there is no status, as nothing was judged."""
    say(f"orch-gates: the status orch/{verdict.gate} was not posted: nothing was judged\n", to=sys.stderr)


def _context(git: Git, verdict: Verdict, judged: str, base: str) -> str:
    """`orch/<gate>`, and of a range the branch that it shall go into: one commit may be meant for several (GATE-5).

    The branch is named where all is judged that it does not have. What is in a tag is in no branch.
    """
    context = f"orch/{verdict.gate}"
    if not base:
        return context
    if git.text("cat-file", "-t", judged) == "tag":
        name = git.text("cat-file", "tag", judged).partition("\ntag ")[2].partition("\n")[0]
        return f"{context}/tags/{name}"
    target = str(verdict.evidence.get("target") or "")
    places = [f"{one}/{target}" for one in _BRANCHES if target != "HEAD"]
    place = next((place for place in places if git.is_ref(place)), "")
    whole = place and (not base.strip("0") or contains(git, place, base))
    return f"{context}/{target}" if whole else context


def _why_it_stays(git: Git, statuses: Sequence[CommitStatus], context: str, commit: str, base: str) -> str:
    there = next((one for one in statuses if one.context == context), None)
    return "" if there is None else why_it_stays(there, commit, base, left_out=_left_out(git, there, commit, base))


def _left_out(git: Git, there: CommitStatus, commit: str, base: str) -> bool | None:
    """Whether a status is about commits that are not after `base`; None where that cannot be told here.

    Raises:
        GitError: git could not tell.
    """
    before = judged_since(there)
    if not before.strip("0") or not base.strip("0"):
        return False
    if not git.has(f"{before}^{{commit}}"):
        return None
    about = ("rev-list", "--count", f"{before}..{commit}")
    return git.read(*about) != git.read(*about, f"^{base}")


def _is_of_fork(ci: CiContext) -> bool:
    """Whether this is the job of a pull request from a fork, whose token may not write."""
    # Events need their models, and this one is read only where a status could not be posted.
    from orch_gates.ci import event_file, pulls

    try:
        payload = event_file.payload(ci) if ci.event_name == "pull_request" else None
    except OrchError:
        return False
    return payload is not None and pulls.is_of_fork(payload)


def _warn_in_fork(ci: CiContext, context: str) -> None:
    words = (
        f"the status {context} was not posted: a pull request from a fork gives its job no permission; the job's own "
        "result counts"
    )
    say(f"{'::warning title=orch-gates::' if ci.active else 'orch-gates: '}{words}\n", to=sys.stderr)
