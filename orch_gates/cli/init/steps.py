"""What `orch-gates init` does at the forge: the state branch, the labels, the protection of the branches."""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import assert_never

from orch_gates import clock
from orch_gates import settings as settings_module
from orch_gates.adopt import choose, record, steps
from orch_gates.adopt.at_forge import AtForge
from orch_gates.adopt.configuration import problems
from orch_gates.adopt.facts import WorkTreeFacts
from orch_gates.adopt.plan import Choice, Deed, FileChange, recorded_level
from orch_gates.adopt.steps import Pages, SetupStep, StepOutcome
from orch_gates.adopt.where import ForgeLocation
from orch_gates.cli.state.commands import make_state
from orch_gates.config.file import PATH as CONFIG
from orch_gates.config.file import effective
from orch_gates.config.parse import parse
from orch_gates.engine import issues
from orch_gates.errors import (
    ForgeRefused,
    ForgeUnavailable,
    GitError,
    NoStateDocument,
    OrchError,
    SettingsError,
    WrongStateBranch,
)
from orch_gates.forge.http import Observe
from orch_gates.forge.port.server import ForgeKind
from orch_gates.git.answers import FetchOutcome
from orch_gates.git.cli import open_repository
from orch_gates.settings import Settings
from orch_gates.state import outcome
from orch_gates.trackers.names import names_of
from orch_gates.workspace import Workspace, open_workspace

_ORIGIN = "origin"
_SERVER = "the server"
_AGAIN = "run `orch-gates init` again once the forge answers; `orch-gates forge check` tests that"
_ANOTHER = (
    "if that branch is used otherwise, choose another name: ORCH_STATE_BRANCH or state.branch in .orch-gates.yaml"
)


@dataclass(frozen=True, slots=True)
class Scene:
    """What the steps rest on; `changes` are those of the files, made or not. `silent`: why the forge tells nothing."""

    settings: Settings
    facts: WorkTreeFacts
    where: ForgeLocation
    choice: Choice
    changes: Sequence[FileChange]
    observe: Observe
    dry_run: bool
    silent: str = ""


def asked(
    settings: Settings, facts: WorkTreeFacts, where: ForgeLocation, observe: Observe
) -> tuple[WorkTreeFacts, str]:
    """The facts with the default branch that the forge names, where there is a token; and why it does not answer.

    A clone is not told that it was renamed.
    """
    if where.kind in {None, ForgeKind.LOCAL}:
        return facts, ""
    try:
        git = open_repository(facts.top, settings.inherited_env, timeout=settings.security.budget.seconds)
        here = Workspace(_settled(settings, where, ""), git, clock.utc_now(), observe=observe)
        if not here.settings.forge.token:
            return facts, ""
        target = here.need_forge().server.access().default_branch
    except ForgeRefused:
        # Each step says what it is refused.
        return facts, ""
    except ForgeUnavailable as error:
        return facts, str(error)
    except (SettingsError, GitError):
        return facts, ""
    if not target or (target == facts.target and facts.told_by == _SERVER):
        return facts, ""
    return replace(facts, target=target, told_by="the forge"), ""


def set_up(scene: Scene) -> tuple[SetupStep, ...]:
    """Do what a level needs at the forge, as far as it can be done now."""
    if scene.where.kind is None:
        return ()
    here = _workspace(scene)
    local = scene.where.kind is ForgeKind.LOCAL
    if not (local or here.settings.forge.token):
        variable = here.settings.forge.token_env
        what = "state branch, labels, protection" if scene.choice.level else f"protection of {scene.facts.target}"
        return (
            SetupStep(what, StepOutcome.LATER, f"{variable} holds no token; set one, and run `orch-gates init` again"),
        )
    if scene.silent:
        return (SetupStep("the forge", StepOutcome.FAILED, f"{scene.silent}; no further request was sent", _AGAIN),)
    found: list[SetupStep] = []
    try:
        waits, foreign = _why_later(scene, here), False
        if scene.choice.level > 0:
            found.append(step := _state(scene, here, waits))
            foreign = step.outcome is StepOutcome.FAILED and _is_foreign(here)
        if not local:
            forge = here.need_forge()
            at = AtForge(forge, Pages(scene.where.server, forge.repository), here.git.git_dir(), scene.dry_run)
            found += [*at.labels(_labels(scene, here)), *_rules(scene, here, at, waits, foreign=foreign)]
    except (SettingsError, GitError, ForgeUnavailable) as error:
        found.append(SetupStep("the forge", StepOutcome.FAILED, str(error), "run `orch-gates forge check`"))
    return tuple(found)


def undo(
    settings: Settings,
    facts: WorkTreeFacts,
    where: ForgeLocation,
    observe: Observe,
    *,
    configuration: str,
    dry_run: bool,
) -> tuple[SetupStep, ...]:
    """Take away what was made at the forge; the state branch is a person's to delete."""
    git = open_repository(facts.top, settings.inherited_env, timeout=settings.security.budget.seconds)
    level = recorded_level({CONFIG: configuration}) or 0
    text = "" if problems(configuration.encode()) else configuration
    here = Workspace(_settled(settings, where, text), git, clock.utc_now(), observe=observe)
    known = record.read(git.git_dir())
    found: list[SetupStep] = []
    if known.labels or known.rules:
        try:
            here.need_writable_forge()
            forge = here.need_forge()
            with contextlib.suppress(ForgeRefused):
                # One that does not answer is waited for once.
                forge.server.access()
            found += AtForge(forge, Pages(where.server, forge.repository), git.git_dir(), dry_run).undone()
        except OrchError as error:
            rules = [f"protection of {rule.branch}" for rule in known.rules]
            labels = [f"label {one}" for one in known.labels]
            again = "run `orch-gates init` again with a token"
            found += [SetupStep(one, StepOutcome.FAILED, str(error), again) for one in (*rules, *labels)]
    if level and _has_state(here) and not _is_foreign(here):
        branch = here.settings.state.branch
        how = f"git push {_ORIGIN} --delete {shlex.quote(branch)}"
        found.append(
            SetupStep(f"state branch {branch}", StepOutcome.KEPT, "it holds the history of all tasks and merges", how)
        )
    return tuple(found)


def _has_state(here: Workspace) -> bool:
    """Whether there is a state branch, as far as that can be told from here."""
    try:
        return bool(here.heads.of(here.settings.state.branch))
    except (GitError, SettingsError):
        return here.git.is_ref(f"refs/remotes/{_ORIGIN}/{here.settings.state.branch}")


def _settled(settings: Settings, where: ForgeLocation, text: str) -> Settings:
    """The settings as they will count: the file's, and the forge that was found."""
    overrides = {"ORCH_FORGE_URL": where.server} if where.server and not settings.forge.url else {}
    if where.kind is not None and settings.forge.kind == "auto":
        overrides["ORCH_FORGE"] = where.kind.value
    return settings_module.load(settings.inherited_env, parse(text.encode()).given, overrides=overrides)


def _workspace(scene: Scene) -> Workspace:
    text = next(
        (
            (change.before if change.deed is Deed.KEEP else change.after) or ""
            for change in scene.changes
            if change.path == CONFIG and change.deed is not Deed.BLOCKED
        ),
        "",
    )
    settled = _settled(scene.settings, scene.where, text)
    git = open_repository(scene.facts.top, settled.inherited_env, timeout=settled.security.budget.seconds)
    return Workspace(settled, git, clock.utc_now(), parse(text.encode()), scene.observe)


def _why_later(scene: Scene, here: Workspace) -> str:
    """Why branches are neither made nor closed yet; empty where all files are on the default branch.

    Raises:
        GitError, SettingsError: the server could not be asked.
    """
    target = scene.facts.target
    if any(change.deed is Deed.BLOCKED for change in scene.changes):
        return "existing files are in the way"
    if any(change.deed in {Deed.CREATE, Deed.UPDATE, Deed.DELETE} for change in scene.changes):
        return f"the files are not on {target} yet"
    if scene.facts.remote != _ORIGIN:
        return "no remote is called origin; rename yours: `git remote rename NAME origin`"
    ref = f"refs/remotes/{_ORIGIN}/{target}"
    answer = here.upstream.fetch(
        here.git.git_dir(), [f"+refs/heads/{target}:{ref}"], timeout=here.settings.state.timeout
    )
    if answer.meaning is FetchOutcome.ABSENT:
        return f"{target} is not on the server yet; push it"
    if answer.meaning is not FetchOutcome.DONE:
        raise GitError(f"{target} could not be fetched: {answer.reason}")
    for change in scene.changes:
        there = here.git.blob(ref, change.path)
        if there is None or _plain(there.decode("utf-8", "surrogateescape")) != _plain(change.before or ""):
            return f"{change.path} on {target} is missing, or differs from the one here; push or pull it"
    return ""


def _plain(text: str) -> str:
    return text.replace("\r\n", "\n")


def _labels(scene: Scene, here: Workspace) -> tuple[str, ...]:
    """The labels that the queue and the issues use."""
    if scene.choice.level == 0:
        return ()
    queue = (here.settings.queue.label,)
    if scene.choice.level == 1 or here.settings.tracker.kind != "forge":
        return queue
    issue_labels = sorted(issues.labels(effective(here.config, here.settings).names))
    return tuple(dict.fromkeys((*queue, *names_of(here.settings.tracker).values(), *issue_labels)))


def _rules(scene: Scene, here: Workspace, at: AtForge, waits: str, *, foreign: bool) -> Iterator[SetupStep]:
    target, branch = scene.facts.target, here.settings.state.branch
    wanted = [f"protection of {target}", *([f"protection of {branch}"] if scene.choice.level else [])]
    if waits:
        yield from (SetupStep(what, StepOutcome.LATER, waits) for what in wanted)
        return
    fenced = scene.choice.level > 0 and here.settings.merge.fence == "status"
    ci = choose.ci_of(scene.facts, scene.where)
    contexts = [
        *(ci.required if scene.choice.level else ()),
        choose.security(target),
        *([choose.fence(target)] if fenced else []),
    ]
    made = record.read(here.git.git_dir()).rule(target)

    yield at.rule(wanted[0], steps.target_rule(target, contexts, made, up_to_date=fenced))
    if foreign:
        yield SetupStep(wanted[1], StepOutcome.KEPT, f"{branch} is not a state branch")
    elif scene.choice.level:
        yield at.rule(wanted[1], steps.state_rule(branch))


def _state(scene: Scene, here: Workspace, waits: str) -> SetupStep:
    what, by_hand = f"state branch {here.settings.state.branch}", "orch-gates state init"
    if waits:
        return SetupStep(what, StepOutcome.LATER, waits)
    try:
        if here.heads.of(here.settings.state.branch):
            here.store.load()
            return SetupStep(what, StepOutcome.SO)
        if scene.dry_run:
            return SetupStep(what, StepOutcome.WOULD)
        match make_state(open_workspace(scene.facts.top)):
            case outcome.Committed():
                return SetupStep(what, StepOutcome.DONE)
            case outcome.Exists():
                return SetupStep(what, StepOutcome.SO)
            case other:
                assert_never(other)
    except (NoStateDocument, WrongStateBranch) as error:
        return SetupStep(what, StepOutcome.FAILED, str(error), _ANOTHER)
    except OrchError as error:
        return SetupStep(what, StepOutcome.FAILED, str(error), by_hand)


def _is_foreign(here: Workspace) -> bool:
    """Whether the branch with the name of the state branch is another one."""
    try:
        here.store.load()
    except (NoStateDocument, WrongStateBranch):
        return True
    except OrchError:
        return False
    return False
