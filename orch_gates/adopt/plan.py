"""What init does to the files of a repository, decided from what is there (pure)."""

from __future__ import annotations

import difflib
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from orch_gates.adopt import blocks, configuration, marker, workflows
from orch_gates.adopt.bundle import Bundle
from orch_gates.adopt.facts import WorkTreeFacts
from orch_gates.adopt.workflows import Actions
from orch_gates.config.file import PATH as CONFIG
from orch_gates.forge.port.server import ForgeKind


class Deed(StrEnum):
    """What becomes of one file."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    SAME = "same"
    # Somebody's own: it stays as it is, and that is well.
    KEEP = "keep"
    # Somebody's own, and the level does not work with it.
    BLOCKED = "blocked"


@dataclass(frozen=True, slots=True)
class FileChange:
    """One file: its text before and after, None where there is no file; `why` is for people."""

    path: str
    deed: Deed
    before: str | None
    after: str | None
    why: str = ""

    @property
    def diff(self) -> str:
        """A unified diff of what changes, or would."""
        old = f"a/{self.path}" if self.before is not None else "/dev/null"
        new = f"b/{self.path}" if self.after is not None else "/dev/null"
        before, after = ((text or "").splitlines() for text in (self.before, self.after))
        return "".join(f"{line}\n" for line in difflib.unified_diff(before, after, old, new, lineterm=""))


@dataclass(frozen=True, slots=True)
class Choice:
    """What was decided before: by options, by answers, by what was found.

    `kind` is None, and `folder` empty, where no forge runs workflows. `settled`: the configuration that is there is
    enough.
    """

    level: int
    version: str
    kind: ForgeKind | None
    folder: str
    config: configuration.WantedConfiguration
    actions: Actions
    bundle: Bundle
    wakes: tuple[str, ...]
    pre_commit: bool
    settled: bool


def candidates() -> tuple[str, ...]:
    """Every file that init may ever write."""
    return (CONFIG, blocks.ATTRIBUTES, blocks.PRE_COMMIT, *workflows.paths())


def paths(choice: Choice) -> tuple[str, ...]:
    """The files of a choice."""
    found = [CONFIG, blocks.ATTRIBUTES, *([blocks.PRE_COMMIT] if choice.pre_commit else [])]
    if choice.kind is not None:
        found += [f"{choice.folder}/{name}.yml" for name in workflows.names(choice.level)]
    return tuple(found)


def plan(choice: Choice, texts: Mapping[str, str], obstacles: Mapping[str, str]) -> tuple[FileChange, ...]:
    """A change for every file of the level; `texts` are the files that are there, `obstacles` what is in the way."""
    wanted = tuple(
        FileChange(path, Deed.BLOCKED, None, None, obstacles[path])
        if path in obstacles
        else _change(choice, path, texts.get(path))
        for path in paths(choice)
    )
    # Of a higher level, or of another forge.
    others = {path: texts[path] for path in workflows.paths() if path in texts} if choice.kind is not None else {}
    for change in wanted:
        others.pop(change.path, None)
    return (
        *wanted,
        *(FileChange(path, Deed.DELETE, text, None) for path, text in others.items() if marker.covered(text)),
    )


def removal(texts: Mapping[str, str]) -> tuple[FileChange, ...]:
    """Undo what init wrote, of the files that are there: as far as it is still as it was written."""
    return tuple(change for path, text in sorted(texts.items()) if (change := _undone(path, text)) is not None)


def recorded_level(texts: Mapping[str, str]) -> int | None:
    """The level that init was run with last; None where it was not."""
    mark = marker.find(texts.get(CONFIG, ""))
    return None if mark is None else mark.level


def is_settled(text: str, level: int) -> bool:
    """Whether a configuration that is there is enough: one of ours for this very level, or one of somebody's."""
    raw, mark = text.encode("utf-8", "surrogateescape"), marker.find(text)
    if configuration.problems(raw) or configuration.lacks(raw, level):
        return False
    return mark is None or mark.level == level or not marker.covered(text)


def next_commands(
    changes: Sequence[FileChange], facts: WorkTreeFacts, *, removing: bool = False, closed: bool = False
) -> tuple[str, ...]:
    """How a person commits the changes and pushes them; `closed`: the default branch takes no pushes."""
    changed = [
        change.path
        for change in changes
        if change.deed in {Deed.CREATE, Deed.UPDATE} or (change.deed is Deed.DELETE and change.path in facts.tracked)
    ]
    if not changed:
        return ()
    # A commit that is on no branch is soon lost, and one on a branch that is closed stays where it is.
    aside = not facts.branch or (closed and facts.branch == facts.target)
    hint = f"    # then open a pull request: {facts.target} takes no pushes" if closed else ""
    return (
        *((f"cd {shlex.quote(str(facts.top))}",) if facts.elsewhere else ()),
        *(("git switch -c orch-gates-init",) if aside else ()),
        f"git add {' '.join(changed)}",
        f'git commit -m "{"Take orch-gates out" if removing else "Set orch-gates up"}"',
        *((f"git push {shlex.quote(facts.remote)} HEAD{hint}",) if facts.remote else ()),
    )


def _change(choice: Choice, path: str, before: str | None) -> FileChange:
    match path:
        case blocks.ATTRIBUTES:
            return _added(path, before, blocks.attributes(before, choice.version, choice.level))
        case blocks.PRE_COMMIT:
            return _added(path, before, blocks.pre_commit(before, choice.bundle, choice.version, choice.level))
        case _ if path == CONFIG:
            return _configured(choice, before)
        case _:
            assert choice.kind is not None
            name = path.rpartition("/")[2].removesuffix(".yml")
            return _whole(choice, path, before, workflows.text(choice.kind, name, choice.actions, choice.wakes))


def _added(path: str, before: str | None, added: blocks.Added) -> FileChange:
    if added.after is None:
        return FileChange(path, Deed.BLOCKED if added.why else Deed.SAME, before, before, added.why)
    return FileChange(path, Deed.CREATE if before is None else Deed.UPDATE, before, added.after)


def _whole(choice: Choice, path: str, before: str | None, body: str) -> FileChange:
    after = marker.stamped(body, choice.version, choice.level)
    if before is None:
        return FileChange(path, Deed.CREATE, None, after)
    if ours := marker.covered(before):
        # Another version of the program that writes the same is no reason for a change.
        return FileChange(path, *((Deed.SAME, before, before) if ours == body else (Deed.UPDATE, before, after)))
    if marker.find(before) is not None:
        return FileChange(path, Deed.KEEP, before, after, "somebody edited this file by hand, so init keeps it")
    why = "init did not write this file; rename it, or add the text below to it"
    return FileChange(path, Deed.BLOCKED, before, after, why)


def _configured(choice: Choice, before: str | None) -> FileChange:
    """The configuration is there to be edited: any that is enough for the level is well."""
    wanted = _whole(choice, CONFIG, before, configuration.text(choice.config))
    if choice.settled and before is not None and marker.covered(before):
        return FileChange(CONFIG, Deed.SAME, before, before)
    if before is None or wanted.deed in {Deed.SAME, Deed.UPDATE}:
        return wanted
    raw = before.encode("utf-8", "surrogateescape")
    if wrong := configuration.problems(raw):
        return FileChange(CONFIG, Deed.BLOCKED, before, wanted.after, f"fix the file first: {wrong[0]}")
    if lacking := configuration.lacks(raw, choice.level):
        return FileChange(CONFIG, Deed.BLOCKED, before, wanted.after, f"{lacking}; add the text below to it")
    return FileChange(CONFIG, Deed.KEEP, before, wanted.after, "your own file, and valid")


def _undone(path: str, text: str) -> FileChange | None:
    marks = marker.parts(text)
    if not marks:
        return None
    if path in {blocks.ATTRIBUTES, blocks.PRE_COMMIT}:
        return _without(path, text, marks)
    if marker.covered(text):
        return FileChange(path, Deed.DELETE, text, None)
    why = "somebody edited this file by hand; delete it yourself if you do not need it"
    return FileChange(path, Deed.KEEP, text, None, why)


def _without(path: str, text: str, marks: Sequence[marker.MarkedPart]) -> FileChange:
    """A file of others without the parts that init added, each of which has to be whole."""
    if broken := [str(mark.start + 1) for mark in marks if not mark.intact]:
        where = f"line{'s' if len(broken) > 1 else ''} {' and '.join(broken)}"
        why = f"what init wrote at {where} was changed or cut off since; nothing is taken out, remove it yourself"
        return FileChange(path, Deed.KEEP, text, text, why)
    left = marker.without(text, marks)
    if left.strip() in {"", "repos:"}:
        return FileChange(path, Deed.DELETE, text, None)
    return FileChange(path, Deed.UPDATE, text, left)


def shown(changes: Sequence[FileChange]) -> Iterator[FileChange]:
    """The changes that a person wants to see the text of."""
    return (change for change in changes if change.deed is not Deed.SAME and change.diff)
