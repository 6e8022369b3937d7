"""The server's guard of the state branch: only the bot, only forward, only legal steps (OWN-3, ST-4, ST-6)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from orch_gates.config import file as config_file
from orch_gates.config.history import current, file_at, pipelines
from orch_gates.documents.frontmatter import MAX_DOCUMENT
from orch_gates.errors import GitError, OrchError, StaleUpdate, StateDocumentError
from orch_gates.git.cli import Git, default_branch_commit
from orch_gates.git.tree import FILE_MODE, MissingObject, Objects, TooBig
from orch_gates.hooks.updates import RefUpdate
from orch_gates.model.finding import Finding
from orch_gates.model.root import Root
from orch_gates.model.verdict import Outcome, Verdict
from orch_gates.settings import Settings
from orch_gates.state import codec
from orch_gates.state.history import commits, files
from orch_gates.state.history.check import restores
from orch_gates.state.history.files import StateProblem
from orch_gates.state.history.message import LogEntry, log_entry
from orch_gates.state.kinds import ROOT, Kinds
from orch_gates.state.layout import ROOT as ROOT_PATH
from orch_gates.state.layout import SWEEP as SWEEP_FILE
from orch_gates.state.refs import LOST, MOST_LOST, MOST_REMEMBERED, SWEEP, WITNESS, is_state, shadows

GATE = "state-guard"

_MOST_PROBLEMS = 50
_LOST_NAME = re.compile(rf"{LOST}/[1-9][0-9]{{0,17}}")


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a ref may not be updated like this; `commit` is empty where no single commit is to blame."""

    ref: str
    commit: str
    problem: StateProblem


def check_push(settings: Settings, git: Git, updates: Sequence[RefUpdate], kinds: Kinds) -> Verdict:
    """Judge what a push does to the state branch and to the refs that belong to it.

    The answer to whatever cannot be judged is ERROR, which refuses the push.

    Raises:
        StaleUpdate: the branch or its witness moves meanwhile, so nothing was judged.
    """
    branch = f"refs/heads/{settings.state.branch}"
    try:
        refs = _refs(git, branch, WITNESS)
        _refuse_stale(git, refs, updates, branch)
        found = list(_refusals(_Guard(settings, git, branch, kinds, refs), updates))
    except StaleUpdate:
        raise
    except OrchError as error:
        return Verdict(GATE, Outcome.ERROR, f"the push to {branch} could not be judged: {error}")
    if not found:
        return Verdict(GATE, Outcome.PASS, f"every commit on {branch} is valid")
    return Verdict(
        GATE,
        Outcome.FAIL,
        f"{_count(len(found))} of the state branch would be broken",
        findings=tuple(_finding(refusal) for refusal in found[:_MOST_PROBLEMS]),
        evidence={"problems": len(found)},
    )


@dataclass(frozen=True, slots=True)
class _Guard:
    settings: Settings
    git: Git
    branch: str
    kinds: Kinds
    refs: Mapping[str, str]

    def now_at(self, ref: str) -> str:
        """Where the branch or its witness stands before the push; empty where there is none."""
        return self.refs.get(ref, "")

    def objects(self) -> Objects:
        """Those of the repository together with the pushed ones."""
        return Objects(self.git.git_dir() / "objects", self.settings.hook.quarantine)

    def configures(self, root: Root) -> bool:
        """Whether the default branch, as it was before the push, has this pipeline (P5)."""
        trusted = default_branch_commit(self.git)
        file = file_at(self.git, trusted) if trusted else ""
        return _pipeline(root) == (*current(config_file.read(self.git, trusted)), file)

    def ever_configured(self, root: Root) -> bool:
        """Whether it has this pipeline, or had it once: a history that is put back began under older ones.

        Raises:
            GitError: its history does not tell.
        """
        return self.configures(root) or pipelines(self.git, default_branch_commit(self.git)).has(root)


def _refs(git: Git, *names: str) -> dict[str, str]:
    """Where refs stand; git is asked once for all."""
    listed = git.text("for-each-ref", "--format=%(objectname) %(refname)", *names)
    # Refs below these are listed as well.
    return {ref: oid for oid, _, ref in (line.partition(" ") for line in listed.split("\n")) if ref in names}


def _refuse_stale(git: Git, refs: Mapping[str, str], updates: Sequence[RefUpdate], branch: str) -> None:
    """Refuse where another push landed after git named the old commits, or between the reads of two refs.

    Of a repository with namespaces the refs are not to be seen here.
    """
    if WITNESS not in refs:
        return
    now = refs if refs[WITNESS] == refs.get(branch) else _refs(git, branch, WITNESS)
    moved = [ref for ref in (branch, WITNESS) if now.get(ref) != refs.get(ref)]
    moved += [one.ref for one in updates if one.ref in {branch, WITNESS} and now.get(one.ref) != one.old]
    if moved:
        raise StaleUpdate(moved[0])


def _refusals(guard: _Guard, updates: Sequence[RefUpdate]) -> Iterator[Refusal]:
    branch = guard.settings.state.branch
    mine = [update for update in updates if is_state(update.ref, branch)]
    pushed = {update.ref: update.new or "" for update in mine}
    for update in mine:
        if shadows(update.ref, branch):
            # Taking such a ref away is what helps.
            if update.new is not None:
                rule = (
                    f"git may confuse this name with {guard.branch}, {WITNESS} or {SWEEP}, or cannot keep both; "
                    "choose another"
                )
                yield Refusal(update.ref, "", StateProblem("", "name", rule))
        elif update.new is None:
            yield Refusal(update.ref, "", StateProblem("", "delete", "state refs must not be deleted"))
        elif len(update.new) != 40:
            yield Refusal(update.ref, "", StateProblem("", "", "the state branch has to be in a SHA-1 repository"))
        elif update.ref == guard.branch:
            yield from _branch(guard, update.new, update.old or "")
        elif update.ref == SWEEP:
            yield from _memory(guard, update.new)
        elif update.ref == WITNESS:
            if update.new != pushed.get(guard.branch, guard.now_at(guard.branch)):
                yield Refusal(WITNESS, "", StateProblem("", "witness", f"it must point to the tip of {guard.branch}"))
        else:
            yield from _set_aside(guard, update, pushed.get(guard.branch, ""))


def _memory(guard: _Guard, new: str) -> Iterator[Refusal]:
    """The sweep's memory is replaced by its writers: one document without a history, so that it never grows (SWP-1)."""
    objects = guard.objects()
    commit = objects.commit(new)
    yield from (Refusal(SWEEP, new, problem) for problem in _by_whom(guard.settings, log_entry(new, commit)))
    if commit.parents:
        yield Refusal(SWEEP, new, StateProblem("", "parents", "its commit must have no parent"))
    nodes = objects.list(commit.tree)
    if [(node.name, node.mode) for node in nodes] != [(SWEEP_FILE, FILE_MODE)]:
        yield Refusal(SWEEP, new, StateProblem("", "form", f"it holds {SWEEP_FILE}, a plain file, and nothing else"))
        return
    try:
        wrong = files.read(guard.kinds, SWEEP_FILE, objects.blob(nodes[0].oid, most=MOST_REMEMBERED)).problem
    except TooBig as error:
        wrong = StateProblem(SWEEP_FILE, "", str(error))
    if wrong is not None:
        yield Refusal(SWEEP, new, wrong)


def _set_aside(guard: _Guard, update: RefUpdate, restored: str) -> Iterator[Refusal]:
    """Only a restore keeps something there: what it takes off the branch, in the same push (ST-8)."""
    if update.old is not None:
        yield Refusal(update.ref, "", StateProblem("", "", "what a restore set aside must not be changed"))
    elif not (_LOST_NAME.fullmatch(update.ref) and restored and update.new == guard.now_at(guard.branch)):
        rule = f"refs/orch/ is written by `orch-gates state restore` only, with what it takes off {guard.branch}"
        yield Refusal(update.ref, "", StateProblem("", "name", rule))
    elif len(guard.git.text("for-each-ref", "--format=%(refname)", f"{LOST}/").split()) >= MOST_LOST:
        rule = f"at most {MOST_LOST} refs are kept; an administrator removes old ones"
        yield Refusal(update.ref, "", StateProblem("", "number", rule))


def _branch(guard: _Guard, new: str, old: str) -> Iterator[Refusal]:
    objects = guard.objects()
    witness = guard.now_at(WITNESS)
    try:
        # What does not follow the witness had replaced the branch: a restore takes it away again (ST-8).
        replaced = bool(old and witness) and not commits.descends(objects, old, witness)
        chain = commits.chain(objects, new, start=witness if replaced else old or witness)
        joined = {oid: objects.commit(oid).parents[0] for oid in chain.commits if restores(objects.commit(oid))}
    except MissingObject as error:
        raise GitError(f"history is cut off at {error.oid}") from error
    if not chain.follows:
        rule = "the push must be a fast-forward, with one parent per commit"
        yield Refusal(guard.branch, new, StateProblem("", "history", rule))
        return
    changed: list[Root] = []

    def configured(root: Root) -> bool:
        changed.append(root)
        return guard.ever_configured(root)

    for checked in commits.checked(objects, guard.kinds, chain.commits, configured):
        commit = checked.entry.commit
        for problem in (*_by_whom(guard.settings, checked.entry), *checked.problems):
            yield Refusal(guard.branch, commit, problem)
        if commit in joined and (old or witness) and not (replaced and joined[commit] == old):
            yield Refusal(
                guard.branch, commit, StateProblem("", "parents", "it is a restore, but the branch was not replaced")
            )
    # A history that comes back ends as it was known here, or where nothing is; all else is written now (ENG-10).
    known = [root for tip in (old, witness) if tip and (root := _root(objects, tip)) is not None]
    comes_back = not (old or witness) and len(chain.commits) > 1
    now = _root(objects, new) if changed and not comes_back else None
    if now is not None and not guard.configures(now) and _pipeline(now) not in {_pipeline(one) for one in known}:
        rule = "are of an older configuration than the default branch has now; fetch it, and run the command again"
        yield Refusal(guard.branch, new, StateProblem(ROOT_PATH, "stages", rule))


def _root(objects: Objects, commit: str) -> Root | None:
    """The branch's own document at a commit; None where it cannot be read, which is another rule's matter."""
    node = objects.find(objects.commit(commit).tree, ROOT_PATH)
    if node is None:
        return None
    try:
        text = objects.blob(node.oid, most=MAX_DOCUMENT).decode()
        return codec.decode(ROOT, ROOT_PATH, text)[0]
    except (GitError, StateDocumentError, ValueError):
        return None


def _pipeline(root: Root) -> tuple[object, ...]:
    return root.stages, root.rework, root.configuration


def _by_whom(settings: Settings, entry: LogEntry) -> Iterator[StateProblem]:
    """The server knows who pushes where it says so; without that the committer's address is all there is."""
    pusher = settings.hook.pusher
    who = pusher or entry.email
    if who not in settings.state.writers:
        names = ", ".join(settings.state.writers)
        place = "state.writers in .orch-gates.yaml on the default branch, or to the server's ORCH_STATE_WRITERS"
        rule = f"{who or 'nobody'}: only {names} may write the state branch; add {who} to {place}"
        yield StateProblem("", "pusher" if pusher else "committer", rule)


def _count(rules: int) -> str:
    return "1 rule" if rules == 1 else f"{rules} rules"


def _finding(refusal: Refusal) -> Finding:
    problem = refusal.problem
    return Finding(
        id=refusal.commit[:10] or refusal.ref,
        rule=problem.field or "form",
        path=problem.path or refusal.ref,
        line=0,
        commit=refusal.commit,
        description=problem.rule,
        fix=problem.rule,
    )
