"""Which commits a gate judges: from the command line, or from the event of the CI run (SEC-1)."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from orch_gates.ci import event_file
from orch_gates.errors import UnknownRevision, UsageError
from orch_gates.git.cli import Git, default_branch_commit
from orch_gates.settings import Settings

_USUAL_TARGETS = ("main", "master")
_DEFAULT = "refs/remotes/origin/HEAD"
# What git calls a tree without files, in either format of object ids: a base before the first commit.
_EMPTY_TREES = frozenset(
    {
        "4b825dc642cb6eb9a060e54bf8d69288fbee4904",
        "6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321",
    }
)


@dataclass(frozen=True, slots=True)
class Range:
    """`base..head`, resolved; `base` is empty where everything that `head` reaches is judged.

    `refs` are judged besides, with all that they reach, and `names` of refs themselves. `trusted` is the commit on the
    target branch whose configuration counts (P5), or empty.
    """

    base: str
    head: str
    target: str
    trusted: str
    refs: tuple[str, ...] = ()
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Event:
    """What a pull request or push event names; empty where it names none.

    `target` is the branch that a pull request shall go into and `source` the one that it comes from, `branch` the one
    that was pushed and `before` its earlier commit, `default` the repository's default branch.
    """

    target: str = ""
    head: str = ""
    before: str = ""
    branch: str = ""
    default: str = ""
    source: str = ""


def resolve(git: Git, settings: Settings, *, base: str, head: str) -> Range:
    """Find the range, from the most explicit source to the least.

    A push to the target branch itself is judged from the commit it had before, any other branch
    from `origin/<target>`. The target is what ORCH_TARGET, a pull request, the configuration file, the
    event's repository or the clone says, whichever comes first.

    Raises:
        UnknownRevision: an end of the range does not resolve.
        ShallowRepository: the clone is shallow.
        UsageError: there is nothing to compare with, or the event file is unusable.
    """
    git.refuse_shallow()
    event = read_event(settings) if not head else Event()
    try:
        head_id = git.resolve(git.unambiguous(head) if head else event.head or "HEAD", "object")
    except UnknownRevision:
        # Only where there is no ref at all; another one is not what was asked about.
        if head or event.head or default_branch_commit(git) or (nothing := everything(git, settings)).head:
            raise
        return nothing
    git.resolve(head_id, "commit")
    if base in _EMPTY_TREES:
        return Range("", head_id, target_branch(git, settings, event), _newest(git, settings, event))
    if base:
        base_id = git.resolve(git.unambiguous(base))
        named = _branch(git, base)
        target = settings.target or event.target or named or settings.usual_target or event.default
        return Range(base_id, head_id, target or base, base_id)
    target = target_branch(git, settings, event)
    if event.branch and event.branch == target:
        base_id = _before(git, event)
        return Range(base_id, head_id, target, base_id)
    if not target:
        raise UsageError("there is no target branch to compare with; name one with --base or ORCH_TARGET")
    base_id = git.resolve(_target_ref(git, target))
    return Range(base_id, head_id, target, base_id)


def everything(git: Git, settings: Settings) -> Range:
    """All that HEAD and every ref of a repository reach (SEC-11); configured by the target branch as it is now.

    Where HEAD leads to no commit yet, `head` is another one of them, or empty where there is none.

    Raises:
        UnknownRevision: the target branch is not here.
        ShallowRepository: the clone is shallow.
        UsageError: the event file is unusable.
    """
    git.refuse_shallow()
    rows = git.read("for-each-ref", "--format=%(objectname) %(refname)").decode("utf-8", "surrogateescape").split("\n")
    found = [row.partition(" ")[::2] for row in rows if row]
    listed, names = [oid for oid, _ in found], [name for _, name in found]
    event = read_event(settings)
    target, trusted_id = target_branch(git, settings, event), _newest(git, settings, event)
    head = git.resolve("HEAD") if git.has("HEAD") else next(iter(listed), "")
    return Range("", head, target, trusted_id, refs=tuple(dict.fromkeys(listed)), names=tuple(names))


def trusted(git: Git, settings: Settings, *, base: str, head: str) -> str:
    """The commit whose configuration file counts (P5); empty where there is none before this push.

    That is the base where one is named, else the default branch or the one that ORCH_TARGET names:
    the target of a pull request may be any branch, with anything in it. A push to that very branch is
    judged by what was there before.

    Raises:
        UnknownRevision: that branch is not in this clone.
        UsageError: the event file is unusable.
    """
    if base and base not in _EMPTY_TREES:
        return git.resolve(git.unambiguous(base))
    event = read_event(settings) if not head else Event()
    _look_up(git, settings.target or event.default)
    name = target_name(git, settings, event)
    if event.branch and event.branch == name:
        return _before(git, event)
    return git.resolve(_target_ref(git, name)) if name else ""


def newest(git: Git, settings: Settings) -> str:
    """The newest commit here of the branch whose configuration counts (P5); empty where there is none.

    Raises:
        UnknownRevision: that branch is not in this clone.
        UsageError: the event file is unusable.
    """
    return _newest(git, settings, read_event(settings))


def _newest(git: Git, settings: Settings, event: Event) -> str:
    _look_up(git, settings.target or event.default)
    name = target_name(git, settings, event)
    return git.resolve(_target_ref(git, name)) if name else ""


def source_branch(git: Git, event: Event) -> str:
    """The branch of the change: the event's, else the one that is checked out; empty where none is."""
    if named := event.source or event.branch:
        return named
    done = git.run("symbolic-ref", "--quiet", "--short", "HEAD")
    return done.stdout.decode("utf-8", "replace").strip() if done.returncode == 0 else ""


def target_branch(git: Git, settings: Settings, event: Event) -> str:
    """The branch that a change shall go into; empty where nothing says which."""
    named = settings.target or event.target or settings.usual_target or event.default
    return named or _default_target(git)


def target_name(git: Git, settings: Settings, event: Event | None = None) -> str:
    """The branch whose configuration counts; empty where none is known."""
    return settings.target or (event or read_event(settings)).default or _default_target(git)


def _before(git: Git, event: Event) -> str:
    """What a pushed branch was; empty for a new one, and one whose old commit was overwritten."""
    known = event.before.strip("0") and git.has(f"{event.before}^{{commit}}")
    return git.resolve(event.before) if known else ""


def _target_ref(git: Git, target: str) -> str:
    for ref in _places(target):
        if git.has(ref):
            return ref
    fetch = f"git fetch origin {shlex.quote(target)}"
    raise UnknownRevision(f"the target branch {target!r} is not in this clone; run {fetch}")


def _default_target(git: Git) -> str:
    if leads_to := git.leads_to(_DEFAULT):
        return leads_to.removeprefix("refs/remotes/origin/")
    return next((name for name in _USUAL_TARGETS if any(git.has(ref) for ref in _places(name))), "")


def _look_up(git: Git, target: str) -> None:
    """Ask git once for all that may be the target; which one it is follows from the answers."""
    names = (target,) if target else _USUAL_TARGETS
    git.look_up(*(() if target else (_DEFAULT,)), *(ref for name in names for ref in _places(name)))


def _branch(git: Git, base: str) -> str:
    """The branch that a base names; empty where it names none."""
    for prefix in ("refs/remotes/origin/", "refs/heads/", "origin/"):
        name = base.removeprefix(prefix)
        if name not in {base, "HEAD"} and any(git.is_ref(place) for place in _places(name)):
            return name
    return base if base != "HEAD" and any(git.is_ref(place) for place in _places(base)) else ""


def _places(target: str) -> tuple[str, str]:
    return f"refs/remotes/origin/{target}", f"refs/heads/{target}"


def read_event(settings: Settings) -> Event:
    """The event that the runner wrote to a file; empty outside CI.

    Raises:
        UsageError: there is a file and it is not a JSON object.
    """
    payload = event_file.payload(settings.ci)
    return Event() if payload is None else parse_event(settings.ci.event_name, payload)


def parse_event(name: str, payload: Mapping[str, Any]) -> Event:
    """The part of an event that says what to judge (pure; GitHub, Gitea and Forgejo alike)."""
    default = _text(payload, "repository", "default_branch")
    if name in {"pull_request", "pull_request_target"}:
        return Event(
            target=_text(payload, "pull_request", "base", "ref"),
            head=_text(payload, "pull_request", "head", "sha"),
            default=default,
            source=_text(payload, "pull_request", "head", "ref"),
        )
    if name == "push":
        ref = _text(payload, "ref")
        return Event(
            head=_text(payload, "after"),
            before=_text(payload, "before"),
            branch=ref.removeprefix("refs/heads/") if ref.startswith("refs/heads/") else "",
            default=default,
        )
    return Event(default=default)


def _text(payload: Any, *keys: str) -> str:
    for key in keys:
        payload = payload.get(key) if isinstance(payload, Mapping) else None
    return payload if isinstance(payload, str) else ""
