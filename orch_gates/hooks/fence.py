"""The server's fence around the target: what is pushed and what is recorded, read and handed to the rule (MRG-5)."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from datetime import datetime
from typing import TypeVar

from orch_gates.config import file as config_file
from orch_gates.documents.frontmatter import MAX_DOCUMENT
from orch_gates.errors import ConfigError, GitError, OrchError
from orch_gates.git.cli import Git
from orch_gates.git.merges import contains
from orch_gates.git.tree import FILE_MODE, Objects
from orch_gates.hooks.updates import RefUpdate
from orch_gates.merge import fence
from orch_gates.model.document import Document
from orch_gates.model.finding import Finding
from orch_gates.model.ids import OID, moment, task_id
from orch_gates.model.verdict import Outcome, Verdict
from orch_gates.settings import Settings
from orch_gates.state import codec, layout
from orch_gates.state.kinds import ATTEMPT, LEASE, DocumentKind
from orch_gates.state.refs import is_state

D = TypeVar("D", bound=Document)

GATE = "merge-fence"
# In the bare repository's own configuration, for where the state cannot be read: `<branch> <tip> <until>`.
GLASS = "orch.breakglass"
_FIX = "merge it with `orch-gates merge --task ID`"
_MOST_CONFIGS = 50
# More names than this are compared with all that the repository has.
_NAMED = 200


def target_of(settings: Settings, git: Git) -> str:
    """The branch behind the fence: the configured one, else the server's default branch."""
    named = settings.usual_target or settings.target
    return named or git.leads_to("HEAD").removeprefix("refs/heads/")


def is_on(settings: Settings, git: Git, trusted: str, *, doubtful: bool) -> bool:
    """Whether the trusted configuration puts up the fence; where it cannot be used, the last one that could be says.

    Raises:
        GitError: the history of the configuration cannot be read.
    """
    if settings.merge.fence == "hook" or not doubtful:
        return settings.merge.fence == "hook"
    listed = git.text("rev-list", f"--max-count={_MOST_CONFIGS}", trusted, "--", config_file.PATH).split()
    for commit in listed:
        try:
            found, _ = config_file.configured(settings, git, commit)
        except ConfigError:
            continue
        return found.merge.fence == "hook"
    return False


def touched(git: Git, updates: Sequence[RefUpdate], target: str) -> tuple[RefUpdate, ...]:
    """The updates that move the target, by its own name or by one that is taken for it.

    Raises:
        GitError: git could not tell.
    """
    names = [update.ref for update in updates] if len(updates) <= _NAMED else []
    listed = git.text("for-each-ref", "--format=%(symref) %(refname)", *names)
    pairs = (line.partition(" ") for line in listed.split("\n"))
    led = {name for leads_to, _, name in pairs if leads_to == f"refs/heads/{target}"}
    return tuple(update for update in updates if update.ref in led or _is(update, target))


def check_push(settings: Settings, git: Git, updates: Sequence[RefUpdate], now: datetime) -> Verdict | None:
    """Judge what a push does to the target; None where it does nothing. Whatever cannot be told refuses it."""
    target = target_of(settings, git)
    try:
        if not (mine := touched(git, updates, target)):
            return None
        refused = _refused(settings, git, updates, mine, target, now)
    except OrchError as error:
        word = shlex.quote(f"{target} TIP UNTIL")
        return Verdict(
            GATE,
            Outcome.ERROR,
            f"the change of {target} could not be judged: {error}",
            next_step=f"In an emergency: `git config --add {GLASS} {word}` in the bare repository.",
        )
    if not refused:
        return Verdict(GATE, Outcome.PASS, f"the change of {target} is what was validated")
    return Verdict(
        GATE,
        Outcome.FAIL,
        refused,
        findings=(_finding(target, updates, refused),),
        next_step="In an emergency: `orch-gates lease break-glass`.",
    )


def _refused(
    settings: Settings,
    git: Git,
    updates: Sequence[RefUpdate],
    mine: Sequence[RefUpdate],
    target: str,
    now: datetime,
) -> str:
    ref = f"refs/heads/{target}"
    if mine[0].ref != ref or len(mine) > 1:
        other = next(update.ref for update in mine if update.ref != ref)
        return f"{other} is an alias of {ref}, or git may confuse them; choose another name"
    update = mine[0]
    if any(is_state(one.ref, settings.state.branch) for one in updates):
        # What says that a merge is right has to stand there before the merge.
        return f"push {target} and the state branch separately"
    if update.old and update.new and _administrators_word(git, target, update.old, now):
        return ""
    objects = Objects(git.git_dir() / "objects", settings.hook.quarantine)
    pushed = _pushed(git, objects, target, update)
    return fence.refusal(pushed, _recorded(settings, git, objects, target), now)


def _is(update: RefUpdate, target: str) -> bool:
    """Whether a ref is the target, or is taken for it: on a disk without capitals, or by a program that guesses.

    Taking away one that is only taken for it helps.
    """
    own = f"refs/heads/{target}"
    name, ref = own.casefold(), update.ref.casefold()
    return update.ref == own or (update.new is not None and (ref == name or ref.endswith(f"/{name}")))


def _pushed(git: Git, objects: Objects, target: str, update: RefUpdate) -> fence.TargetUpdate:
    old, new = update.old or "", update.new or ""
    if not new:
        return fence.TargetUpdate(target, old, new)
    commit = objects.commit(new)
    if not commit.well_formed:
        raise GitError(f"{new[:10]} is not a well-formed commit; make it again with git")
    on_base = len(commit.parents) == 2 and contains(git, commit.parents[1], commit.parents[0])
    return fence.TargetUpdate(target, old, new, commit.parents, commit.tree, commit.message, on_base)


def _recorded(settings: Settings, git: Git, objects: Objects, target: str) -> fence.HeldLease | None:
    """The lease as it stands before the push.

    Raises:
        GitError: there is no state branch here, or it cannot be read.
    """
    ref = f"refs/heads/{settings.state.branch}"
    tip = git.text("for-each-ref", "--format=%(objectname)", ref).split("\n")[0]
    if not tip:
        raise GitError(f"this repository has no state branch {settings.state.branch}, which records who may merge")
    tree = objects.commit(tip).tree
    lease = _document(objects, tree, LEASE, layout.lease_path(target))
    if lease is None:
        return None
    if not lease.holder:
        return fence.HeldLease(lease, None)
    try:
        path = layout.attempt_path(task_id(lease.holder))
    except ValueError:
        return fence.HeldLease(lease, None)
    return fence.HeldLease(lease, _document(objects, tree, ATTEMPT, path))


def _document(objects: Objects, tree: str, kind: DocumentKind[D], path: str) -> D | None:
    node = objects.find(tree, path)
    if node is None:
        return None
    if node.mode != FILE_MODE:
        raise GitError(f"{path} must be a plain file")
    return codec.decode(kind, path, objects.blob(node.oid, most=MAX_DOCUMENT).decode("utf-8", "replace"))[0]


def _administrators_word(git: Git, target: str, tip: str, now: datetime) -> bool:
    """Whether the bare repository's own configuration lets one change pass (MRG-15)."""
    done = git.run("config", "--local", "--get-all", GLASS)
    if done.returncode not in {0, 1}:
        return False
    for line in done.stdout.decode("utf-8", "replace").splitlines():
        fields = line.split()
        if len(fields) == 3 and fields[:2] == [target, tip] and OID.fullmatch(fields[1]):
            try:
                if now < moment(fields[2]):
                    return True
            except ValueError:
                continue
    return False


def _finding(target: str, updates: Sequence[RefUpdate], why: str) -> Finding:
    ref = f"refs/heads/{target}"
    commit = next((update.new or "" for update in updates if update.ref == ref), "")
    return Finding(
        id=commit[:10] or ref, rule="fence", path=ref, line=0, commit=commit, description=why, fix=_FIX, carrier="ref"
    )
