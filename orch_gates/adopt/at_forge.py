"""Makes and takes away labels and rules at a forge, each for itself: what cannot be done stops none of the others."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from orch_gates.adopt import record, steps
from orch_gates.adopt.record import Record, Rule
from orch_gates.adopt.steps import Came, Pages, Step
from orch_gates.errors import ForgeUnavailable, OrchError, UsageError
from orch_gates.forge.port.forge import Forge
from orch_gates.forge.port.labels import Labels
from orch_gates.forge.port.protection import Protection

_MADE_BY = "Made by orch-gates init."


@dataclass(slots=True)
class AtForge:
    """One repository on its forge; `git_dir` keeps the record. `dry`: nothing is changed, it is only said."""

    forge: Forge
    pages: Pages
    git_dir: Path
    dry: bool

    def labels(self, wanted: Sequence[str]) -> Iterator[Step]:
        """Make the labels that are missing."""
        offered = self.forge.labels
        if offered is None or not wanted:
            return
        try:
            there = offered.names()
        except ForgeUnavailable as error:
            what = f"labels {', '.join(wanted)}"
            yield Step(what, Came.FAILED, str(error), f"make them at {self.pages.labels}")
            return
        missing = [name for name in wanted if not any(self.forge.issues.same_label(name, one) for one in there)]
        if not missing:
            yield Step(f"{len(wanted)} labels" if len(wanted) > 1 else f"label {wanted[0]}", Came.SO)
        for name in missing:
            yield self._step(f"label {name}", partial(self._make, offered, name), f"make it at {self.pages.labels}")

    def rule(self, what: str, branch: str, wanted: Callable[[Protection | None], Protection]) -> Step:
        """Put a rule for a branch, where it is not so already."""
        goal = wanted(None)
        by_hand = f"at {self.pages.branches}: {steps.in_words(goal)}"
        try:
            before, found = self.forge.protections.get(branch), self.forge.protections.whole(branch)
        except ForgeUnavailable as error:
            return Step(what, Came.FAILED, str(error), by_hand)
        goal, made = wanted(before), record.read(self.git_dir).rule(branch)
        if steps.same(before, goal):
            return Step(what, Came.SO)
        changed = steps.changes(made.left, found) if made is not None else ()
        since = f"; somebody had changed since: {', '.join(changed)}" if changed else ""
        put = partial(self._put, before, goal, found)
        return self._step(what, put, by_hand, f"{steps.in_words(goal)}{since}")

    def undone(self) -> Iterator[Step]:
        """Take away what this clone made there, as far as it is still as it was made."""
        known = record.read(self.git_dir)
        if known.repository and known.repository != self.forge.repository:
            yield Step(
                "what init made",
                Came.FAILED,
                f"it was made in {known.repository}, and this is {self.forge.repository}",
                "ORCH_FORGE_REPOSITORY names the other one",
            )
            return
        for rule in known.rules:
            yield self._unruled(rule)
        yield from self._unlabelled(known.labels)

    def _unruled(self, rule: Rule) -> Step:
        branch, what = rule.after.branch, f"protection of {rule.after.branch}"
        by_hand = f"at {self.pages.branches}"
        try:
            now, whole = self.forge.protections.get(branch), self.forge.protections.whole(branch)
        except ForgeUnavailable as error:
            return Step(what, Came.FAILED, str(error), by_hand)
        if not whole:
            self._keep(self._record().without_rule(branch))
            return Step(what, Came.SO, "it is gone")
        if not (changed := steps.changes(rule.left, whole)):
            why = "as it was before" if rule.found else "taken away"
            return self._step(what, partial(self._restore, branch, rule.found), by_hand, why)
        since = f"as somebody changed in it since: {', '.join(changed)}"
        left = steps.as_found(now, rule)
        if now is None or left is None or not (ours := steps.taken_back(now, left)):
            return Step(what, Came.KEPT, f"all of it stays, {since}", by_hand)
        done = self._step(what, partial(self._loosen, left), by_hand, f"without {ours}; the rest stays, {since}")
        return replace(done, by_hand=by_hand)

    def _unlabelled(self, names: Sequence[str]) -> Iterator[Step]:
        offered, by_hand = self.forge.labels, f"at {self.pages.labels}"
        if offered is None or not names:
            yield from (Step(f"label {name}", Came.SO) for name in names)
            return
        try:
            used = offered.used(names)
        except ForgeUnavailable as error:
            yield from (Step(f"label {name}", Came.FAILED, str(error), by_hand) for name in names)
            return
        for name in names:
            if name in used:
                # To the forge, removing it is taking it off what was merged long ago, too.
                yield Step(f"label {name}", Came.KEPT, "issues or pull requests, open or closed, have it", by_hand)
            else:
                act = partial(self._drop, offered, name)
                yield self._step(f"label {name}", act, by_hand, "taken away")

    def _step(self, what: str, act: Callable[[], None], by_hand: str, why: str = "") -> Step:
        if self.dry:
            return Step(what, Came.WOULD, why)
        try:
            act()
        except OrchError as error:
            return Step(what, Came.FAILED, str(error), by_hand)
        return Step(what, Came.DONE, why)

    def _make(self, offered: Labels, name: str) -> None:
        offered.make(name, _MADE_BY)
        self._keep(self._record().with_label(name))

    def _drop(self, offered: Labels, name: str) -> None:
        offered.remove(name)
        self._keep(self._record().without_label(name))

    def _put(self, before: Protection | None, wanted: Protection, found: Mapping[str, Any]) -> None:
        self.forge.protections.put(wanted)
        rule = Rule(before, wanted, found, self.forge.protections.whole(wanted.branch))
        self._keep(self._record().with_rule(rule))
        # Another rule, a pattern's, may come first.
        if not steps.same(self.forge.protections.get(wanted.branch), wanted):
            raise UsageError(f"another rule for {wanted.branch} counts more than the one that was put")

    def _restore(self, branch: str, found: Mapping[str, Any]) -> None:
        self.forge.protections.restore(branch, found)
        self._keep(self._record().without_rule(branch))

    def _loosen(self, left: Protection) -> None:
        self.forge.protections.require(left.branch, left.contexts, up_to_date=left.up_to_date)
        self._keep(self._record().without_rule(left.branch))

    def _record(self) -> Record:
        known = record.read(self.git_dir)
        return known if known.repository else Record(self.forge.repository)

    def _keep(self, changed: Record) -> None:
        if not self.dry:
            record.write(self.git_dir, changed)
