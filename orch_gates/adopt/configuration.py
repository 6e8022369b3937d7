"""The text of a first `.orch-gates.yaml`, and whether one that is there is enough for a level (pure)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from orch_gates.config.file import PATH
from orch_gates.config.parse import parse
from orch_gates.errors import ConfigError

_HEAD = """\
# It counts once it is on the default branch. `orch-gates config check` says what is wrong in it, `orch-gates config
# show` what counts, `orch-gates config schema` what else there is.
"""
_NOTHING = """\
#
# Nothing has to be set for the security gate. For example:
#
# security:
#   dep_audit_fail_closed: true    # an audit of dependencies that could not be made is a FAIL instead of a warning
"""
_STAGES = """\
# Tasks: an issue with the label `in progress` becomes one, a person lets it go on with `approved`. Its code goes to the
# branch task/ISSUE-<number>, and is merged once CI is green there.
stages:
  - {name: idea, role: author, human: true}
  - {name: development, role: developer, gates: [{name: ci-green, on_fail: stay}]}
  - {name: merging, role: merger, gates: [merge, merge-proof]}
# A workflow of yours can do the work of a stage; without one, people do it:
# roles:
#   developer: {dispatch: {workflow: develop.yml}}
tracker:
  kind: forge
"""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What goes into it. `test` is a command, with where it was `seen`; `alone`: nobody else could approve."""

    level: int
    contexts: Sequence[str] = ()
    test: str = ""
    seen: str = ""
    alone: bool = False
    fence: str = "status"


def text(wanted: Wanted) -> str:
    """The file for a level."""
    return _HEAD + (_NOTHING if wanted.level == 0 else "".join(f"{line}\n" for line in _lines(wanted)))


def _lines(wanted: Wanted) -> Iterator[str]:
    yield "# Pull requests with the label `merge` are merged in turn, each tested together with all before it."
    yield "pipeline: merge-queue"
    if wanted.contexts:
        yield "ci_green:"
        yield "  contexts:    # the statuses that prove a commit; each has to be there, and green"
        yield from (f"    - {json.dumps(context, ensure_ascii=False)}" for context in wanted.contexts)
    else:
        yield "ci_green:"
        yield "  enabled: false    # no server runs CI here: merge.test proves a commit"
    if wanted.alone:
        yield "review_approved:"
        yield "  enabled: false    # one person commits here, who cannot approve their own work; take this away for two"
    yield "merge:"
    yield f"  fence: {wanted.fence}    # {_FENCES[wanted.fence]}"
    if wanted.test:
        yield "  # Runs in the queue's own job, on the machine and as the user that has the bot's token: let nobody"
        yield "  # push here who must not have it. Or let CI test pull requests, and name its status in `contexts`."
        seen = f"    # seen in {wanted.seen}" if wanted.seen else ""
        yield f"  test: {json.dumps(wanted.test, ensure_ascii=False)}{seen}"
    if wanted.level > 1:
        yield from _STAGES.splitlines()


_FENCES = {
    "status": "the forge requires the status orch/merge/<branch>; hook: the server's hook, where you may install it",
    "hook": "the server's hook takes validated merges only: `orch-gates hook install`",
}


def problems(raw: bytes) -> tuple[str, ...]:
    """What is wrong in a file that is there."""
    try:
        parse(raw)
    except ConfigError as error:
        return error.problems
    return ()


def lacks(raw: bytes, level: int) -> str:
    """What a valid file that is not ours lacks for a level; empty where it is enough."""
    found = parse(raw)
    if level > 0 and not found.queue and found.declared is None:
        return f"{PATH} has neither `pipeline: merge-queue` nor stages of its own"
    kind = found.given.get("ORCH_TRACKER")
    if level > 1 and (kind is None or kind.value == "none"):
        return f"{PATH} turns no tracker on (`tracker: {{kind: forge}}`)"
    return ""
