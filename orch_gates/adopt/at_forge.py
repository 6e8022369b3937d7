"""Makes and takes away labels and rules at a forge, each for itself: what cannot be done stops none of the others."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from orch_gates.adopt import record, steps
from orch_gates.adopt.record import ForgeRecord, RecordedRule
from orch_gates.adopt.steps import Pages, SetupStep, StepOutcome
from orch_gates.errors import ForgeRefused, ForgeUnavailable, OrchError, UsageError
from orch_gates.forge.port.forge import Forge
from orch_gates.forge.port.labels import Labels
from orch_gates.forge.port.protection import Demand, Who

_MADE_BY = "Made by orch-gates init."


@dataclass(slots=True)
class AtForge:
    """One repository on its forge; `git_dir` keeps the record. `dry`: nothing is changed, it is only said."""

    forge: Forge
    pages: Pages
    git_dir: Path
    dry: bool

    def labels(self, wanted: Sequence[str]) -> Iterator[SetupStep]:
        """Make the labels that are missing."""
        offered = self.forge.labels
        if offered is None or not wanted:
            return
        try:
            there = offered.names()
        except ForgeUnavailable as error:
            what = f"labels {', '.join(wanted)}"
            yield SetupStep(what, StepOutcome.FAILED, str(error), f"make them at {self.pages.labels}")
            return
        missing = [name for name in wanted if not any(self.forge.issues.same_label(name, one) for one in there)]
        if not missing:
            yield SetupStep(f"{len(wanted)} labels" if len(wanted) > 1 else f"label {wanted[0]}", StepOutcome.SO)
        for name in missing:
            yield self._step(f"label {name}", partial(self._make, offered, name), f"make it at {self.pages.labels}")

    def rule(self, what: str, demand: Demand) -> SetupStep:
        """Put a rule for a branch, where it is not so already; all that is not demanded stays as it is."""
        branch, made = demand.branch, record.read(self.git_dir).rule(demand.branch)
        by_hand = f"at {self.pages.branches}: {steps.in_words(demand)}"
        try:
            now, found = self.forge.protections.rule(branch), self.forge.protections.whole(branch)
        except ForgeUnavailable as error:
            return SetupStep(what, StepOutcome.FAILED, str(error), by_hand)
        if steps.met(now, demand):
            return SetupStep(what, StepOutcome.SO)
        if demand.pushes and now is not None and now.pushers is Who.NOBODY:
            why = "the rule lets nobody push, but orch-gates writes this branch by pushes; the rule was left as it is"
            return SetupStep(what, StepOutcome.FAILED, why, by_hand)
        changed = steps.changes(made.left, found) if made is not None else ()
        since = f"; somebody changed it since: {', '.join(changed)}" if changed else ""
        rule = replace(steps.put(demand, now, made), found=found if made is None else made.found)
        if made is not None and changed and steps.changes(made.found, found):
            # What they changed is theirs, and is put back with the rest.
            act = partial(self._put_over, demand, rule, made)
        else:
            act = partial(self._put, demand, rule)
        return self._step(what, act, by_hand, f"{steps.in_words(demand)}{since}")

    def undone(self) -> Iterator[SetupStep]:
        """Take away what this clone made there, as far as it is still as it was made."""
        known = record.read(self.git_dir)
        if known.repository and known.repository != self.forge.repository:
            yield SetupStep(
                "what init made",
                StepOutcome.FAILED,
                f"init made it in {known.repository}, but this clone uses {self.forge.repository}",
                "set ORCH_FORGE_REPOSITORY to that repository",
            )
            return
        for rule in known.rules:
            yield self._unruled(rule)
        yield from self._unlabelled(known.labels)

    def _unruled(self, rule: RecordedRule) -> SetupStep:
        branch, what, by_hand = rule.branch, f"protection of {rule.branch}", f"at {self.pages.branches}"
        try:
            now, whole = self.forge.protections.rule(branch), self.forge.protections.whole(branch)
        except ForgeUnavailable as error:
            return SetupStep(what, StepOutcome.FAILED, str(error), by_hand)
        if not whole or (rule.found and not steps.changes(rule.found, whole)):
            self._keep(self._record().without_rule(branch))
            return SetupStep(what, StepOutcome.SO, "it is as it was before init" if whole else "already gone")
        if not (changed := steps.changes(rule.left, whole)):
            why = "as it was before init" if rule.found else "taken away"
            return self._step(what, partial(self._restore, rule, whole), by_hand, why)
        since = f"because somebody changed it since: {', '.join(changed)}"
        if now is None or not (ours := steps.taken_back(now, rule)):
            return SetupStep(what, StepOutcome.KEPT, f"the whole rule stays, {since}", by_hand)
        done = self._step(what, partial(self._loosen, rule), by_hand, f"it loses {ours}; the rest stays, {since}")
        return replace(done, by_hand=by_hand)

    def _unlabelled(self, names: Sequence[str]) -> Iterator[SetupStep]:
        offered, by_hand = self.forge.labels, f"at {self.pages.labels}"
        if offered is None or not names:
            yield from (SetupStep(f"label {name}", StepOutcome.SO) for name in names)
            return
        try:
            used = offered.used(names)
        except ForgeUnavailable as error:
            yield from (SetupStep(f"label {name}", StepOutcome.FAILED, str(error), by_hand) for name in names)
            return
        for name in names:
            if name in used:
                # To the forge, removing it is taking it off what was merged long ago, too.
                used_by = "issues or pull requests, open or closed, have this label"
                yield SetupStep(f"label {name}", StepOutcome.KEPT, used_by, by_hand)
            else:
                act = partial(self._drop, offered, name)
                yield self._step(f"label {name}", act, by_hand, "taken away")

    def _step(self, what: str, act: Callable[[], None], by_hand: str, why: str = "") -> SetupStep:
        if self.dry:
            return SetupStep(what, StepOutcome.WOULD, why)
        try:
            act()
        except OrchError as error:
            return SetupStep(what, StepOutcome.FAILED, str(error), by_hand)
        return SetupStep(what, StepOutcome.DONE, why)

    def _make(self, offered: Labels, name: str) -> None:
        # Known before it is there: a run that is killed between the two has it taken away, too.
        before = self._record()
        self._keep(before.with_label(name))
        try:
            offered.make(name, _MADE_BY)
        except ForgeRefused:
            self._keep(before)
            raise

    def _drop(self, offered: Labels, name: str) -> None:
        offered.remove(name)
        self._keep(self._record().without_label(name))

    def _put(self, demand: Demand, rule: RecordedRule) -> None:
        branch, protections, before = rule.branch, self.forge.protections, self._record()
        whole = protections.tightened(demand)
        # Known before it is there: a run that is killed between the two can be undone, too.
        self._keep(before.with_rule(replace(rule, left=whole)))
        found = protections.whole(branch)
        try:
            protections.restore(branch, whole)
        except ForgeRefused:
            self._keep(before)
            raise
        self._keep(before.with_rule(replace(rule, left=protections.whole(branch))))
        now = protections.rule(branch)
        if steps.met(now, demand):
            return
        if steps.met_by_most(now, demand):
            raise UsageError("the rule is set, but this server lets administrators bypass it")
        protections.restore(branch, found)
        self._keep(before)
        raise UsageError(
            f"another rule for {branch} overrides the new one, which was undone; change that rule, or move it down"
        )

    def _put_over(self, demand: Demand, rule: RecordedRule, made: RecordedRule) -> None:
        left = self.forge.protections.without(rule.branch, made.contexts, up_to_date=made.up_to_date)
        self._put(demand, replace(rule, found=left))

    def _restore(self, rule: RecordedRule, now: Mapping[str, Any]) -> None:
        protections = self.forge.protections
        protections.restore(rule.branch, rule.found)
        if rule.found and (differ := steps.changes(rule.found, protections.whole(rule.branch))):
            # Half of a rule may be less than none of it was.
            protections.restore(rule.branch, now)
            raise UsageError(
                f"the rule stays as init left it, because the forge did not restore the earlier {', '.join(differ)}"
            )
        self._keep(self._record().without_rule(rule.branch))

    def _loosen(self, rule: RecordedRule) -> None:
        protections = self.forge.protections
        less = protections.without(rule.branch, rule.contexts, up_to_date=rule.up_to_date)
        protections.restore(rule.branch, less)
        self._keep(self._record().without_rule(rule.branch))

    def _record(self) -> ForgeRecord:
        known = record.read(self.git_dir)
        return known if known.repository else ForgeRecord(self.forge.repository)

    def _keep(self, changed: ForgeRecord) -> None:
        if not self.dry:
            record.write(self.git_dir, changed)
