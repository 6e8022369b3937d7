"""The text of a first `.orch-gates.yaml`, and whether one that is there is enough for a level (pure)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from orch_gates.config.file import PATH
from orch_gates.config.parse import parse
from orch_gates.errors import ConfigError

_HEAD = """\
# It takes effect once it is on the default branch. `orch-gates config check` lists its errors, `orch-gates config show`
# the values in effect, `orch-gates config schema` every setting.
"""
_NOTHING = """\
#
# The security gate needs no settings. For example:
#
# security:
#   dep_audit_fail_closed: true    # a dependency audit that could not run is a FAIL instead of a warning
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
class WantedConfiguration:
    """What goes into it. `test` is a command, with where it was `seen`; `alone`: nobody else could approve."""

    level: int
    contexts: Sequence[str] = ()
    test: str = ""
    seen: str = ""
    alone: bool = False
    fence: str = "status"


def text(wanted: WantedConfiguration) -> str:
    """The file for a level."""
    return _HEAD + (_NOTHING if wanted.level == 0 else "".join(f"{line}\n" for line in _lines(wanted)))


def _lines(wanted: WantedConfiguration) -> Iterator[str]:
    yield "# Pull requests with the label `merge` are merged in turn, each tested together with all before it."
    yield "pipeline: merge-queue"
    if wanted.contexts:
        yield "ci_green:"
        yield "  contexts:    # the statuses that prove a commit; each has to be there, and green"
        yield from (f"    - {json.dumps(context, ensure_ascii=False)}" for context in wanted.contexts)
    else:
        yield "ci_green:"
        yield "  enabled: false    # no CI runs here: the command merge.test proves a commit"
    if wanted.alone:
        yield "review_approved:"
        yield "  enabled: false    # one person commits here, who cannot approve their own work; remove this for two"
    yield "merge:"
    yield f"  fence: {wanted.fence}    # {_FENCES[wanted.fence]}"
    if wanted.test:
        yield "  # Runs in the queue's own job, beside the bot's token: who can push a branch here can read that token."
        yield "  # To avoid that, let CI test pull requests, and name its status in `contexts`."
        seen = f"    # seen in {wanted.seen}" if wanted.seen else ""
        yield f"  test: {json.dumps(wanted.test, ensure_ascii=False)}{seen}"
    if wanted.level > 1:
        yield from _STAGES.splitlines()


_FENCES = {
    "status": "the forge requires the status orch/merge/<branch>; or `hook`: the server's hook, if you can install it",
    "hook": "the server's hook accepts only validated merges: `orch-gates hook install`",
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
