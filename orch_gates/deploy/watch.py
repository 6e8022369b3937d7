"""A watch from when somebody watches to its end: each step one commit, decided on what is there (WCH-3, WCH-4)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import assert_never

from orch_gates.deploy import environments, watch_log, watches
from orch_gates.deploy.watch_ends import held, in_environment, over, reaction_text, standing
from orch_gates.deploy.watches import WatchPage
from orch_gates.engine import deploys
from orch_gates.engine.deploys import Refused
from orch_gates.engine.sighting import Life, Sighting
from orch_gates.engine.stages import Pipeline
from orch_gates.engine.watch_assessment import Assessment, Sample, WatchRules, classify, has_failure
from orch_gates.engine.watch_reaction import (
    Alert,
    Finish,
    InEnvironment,
    NextStep,
    NoReaction,
    Over,
    Record,
    Release,
    Rollback,
    Watched,
    decide,
    react,
    superseded,
)
from orch_gates.errors import JobWaits, UsageError
from orch_gates.model.environment import Running
from orch_gates.model.feedback import one_line
from orch_gates.model.ids import moment
from orch_gates.model.task import Task
from orch_gates.model.watch import Act, Reaction, Watch, Watcher, WatchState, WatchVerdict
from orch_gates.state.snapshot import Snapshot
from orch_gates.state.store import Change, Store

# For whoever watches, to record the end where the state branch is slow to be reached.
_GRACE = timedelta(minutes=3)
Look = Callable[[Watcher], Sighting]


@dataclass(frozen=True, slots=True)
class Ticked:
    """A watch after a step of it, what followed, and what its samples prove so far."""

    watch: Watch
    step: NextStep
    judged: Assessment


@dataclass(frozen=True, slots=True)
class Watching:
    """The steps of watches in one environment, for one process; `me` is how others look for it.

    A task whose deploy made production ill is held; `pipeline_of` says in which pipeline it moves.
    `never`: why nothing is ever rolled back from here, empty where it may be. `can_roll_back`: a command is configured.
    """

    store: Store
    environment: str
    rules: WatchRules
    me: Watcher
    look: Look
    by: str
    pipeline_of: Callable[[Task], Pipeline]
    never: str = ""
    can_roll_back: bool = False

    def take(self, deploy: str, now: datetime) -> Watch:
        """Watch from here, unless somebody else does; a watch that is over stays as it is.

        Raises:
            UsageError: the deploy is not watched.
            JobWaits: somebody else watches it, as far as can be told.
            StateError: it could not be recorded.
        """
        found: Watch | None = None

        def decision(snapshot: Snapshot) -> Change | None:
            nonlocal found
            page = self._need(snapshot, deploy)
            found = page.watch
            before = found.watcher
            if found.state is WatchState.OVER or (before is not None and before.process == self.me.process):
                return None
            if before is not None and not self._is_gone(found, before, now):
                raise JobWaits(f"{found.task}: deploy {deploy} is watched by {before.runner} since {before.since}")
            found = found.model_copy(update={"watcher": self.me})
            instead = f", in the place of {before.runner}" if before is not None else ""
            line = f"watched by {self.me.runner}{instead}"
            return self._change(page, found, now, "watch-begin", line)

        self.store.transact(decision, others_wait=True)
        assert found is not None
        return found

    def tick(self, deploy: str, pending: Sequence[Sample], elapsed: int, now: datetime) -> Ticked:
        """What follows `elapsed` seconds after the begin: decided on the branch as it is, recorded where it is due.

        What was seen before somebody else ended the watch, or went on with it, is recorded late and changes nothing.

        Raises:
            JobWaits: somebody else watches by now.
            StateError: it could not be told, or not be recorded.
        """
        found: Ticked | None = None
        other = ""

        def decision(snapshot: Snapshot) -> Change | None:
            nonlocal found, other
            page = self._need(snapshot, deploy)
            watch, rest = watches.with_samples(page.watch, pending)
            place = environments.page(snapshot, self.environment)
            rules = watches.rules_of(watch, self.rules)
            judged = self._judged(watch, rest)
            failed = any(has_failure(one, rules) for one in (*watches.samples_of(watch), *rest))
            step = decide(
                self._watched(page.watch), in_environment(place.environment, now), judged, elapsed, failed=failed
            )
            other = self._other(page.watch)
            if other or isinstance(step, Over):
                late = self._late(snapshot, page, pending, now)
                found = Ticked(page.watch if late is None else late[0], Over(), judged)
                return None if late is None else late[1]
            if not isinstance(step, Finish | Record):
                found = Ticked(page.watch, step, judged)
                return None
            full = f"; {len(rest)} samples are not recorded: the record is full" if rest else ""
            if isinstance(step, Record):
                found = Ticked(watch, step, judged)
                return self._change(page, watch, now, "watch-record", f"{step.why}: {judged.reason}{full}", snapshot)
            ended = over(watch, step)
            found = Ticked(ended, step, judged)
            return self._finished(snapshot, page, place, ended, now, judged, full)

        self.store.transact(decision, others_wait=True)
        if other:
            raise JobWaits(other)
        assert found is not None
        return found

    def finish(self, deploy: str, now: datetime) -> Ticked | None:
        """End a watch that nobody watches any more, by what was recorded of it; None while it may go on.

        Raises:
            StateError: it could not be recorded.
        """
        found: Ticked | None = None

        def decision(snapshot: Snapshot) -> Change | None:
            nonlocal found
            found = None
            page = self._need(snapshot, deploy)
            watch = page.watch
            if watch.state is WatchState.OVER or (watch.watcher and not self._is_gone(watch, watch.watcher, now)):
                return None
            if watch.watcher is None and now < moment(watch.deadline) + _GRACE:
                # Whoever deployed it may be about to begin.
                return None
            place = environments.page(snapshot, self.environment)
            judged = self._judged(watch)
            elapsed = round((now - moment(watch.armed)).total_seconds())
            step = decide(self._watched(watch), in_environment(place.environment, now), judged, elapsed, failed=False)
            if not isinstance(step, Finish):
                return None
            ended = over(watch, step)
            found = Ticked(ended, step, judged)
            return self._finished(snapshot, page, place, ended, now, judged)

        self.store.transact(decision)
        return found

    def settle(self, deploy: str, now: datetime) -> bool:
        """Record what came of a rollback whose end was recorded by others; whether there was anything to record.

        Raises:
            StateError: it could not be recorded.
        """
        snapshot = self.store.load()
        reaction = self._need(snapshot, deploy).watch.reaction
        place = environments.page(snapshot, self.environment).environment
        if reaction.what is not Act.BEGAN or (place.running is not None and place.running.deploy == reaction.deploy):
            return False
        well = reaction.deploy in {one.deploy for one in place.history}
        why = "somebody else has recorded its end" if well else place.unknown or "it did not end well"
        self.reacted(deploy, reaction.deploy, well=well, why=why, now=now)
        return True

    def leave(self, deploy: str, pending: Sequence[Sample], now: datetime) -> None:
        """Record what was seen and let others go on, as this process has to end.

        Raises:
            StateError: it could not be recorded.
        """

        def decision(snapshot: Snapshot) -> Change | None:
            page = self._need(snapshot, deploy)
            if page.watch.state is WatchState.OVER or self._other(page.watch):
                late = self._late(snapshot, page, pending, now)
                return None if late is None else late[1]
            watch, _ = watches.with_samples(page.watch, pending)
            after = watch.model_copy(update={"watcher": None})
            return self._change(page, after, now, "watch-record", f"left to others by {self.me.runner}", snapshot)

        self.store.transact(decision)

    def stop(self, deploy: str, reason: str, now: datetime) -> Watch:
        """End a watch by a person's word: nothing follows from it.

        Raises:
            UsageError: it is over.
            StateError: it could not be recorded.
        """
        finish = Finish(WatchVerdict.STOPPED, f"stopped by {self.by}: {reason}", NoReaction())
        return self._by_hand(deploy, lambda _watch, _here: finish, now)

    def order_rollback(self, deploy: str, reason: str, now: datetime) -> Watch:
        """Plan the rollback of a deploy by a person's word, which counts as a verdict.

        Raises:
            UsageError: it is over, or nothing is to be rolled back to.
            StateError: it could not be recorded.
        """

        def finish(watch: Watch, here: InEnvironment) -> Finish:
            why = f"rolled back by {self.by}: {reason}"
            watched = self._watched(watch)
            if left := superseded(watched, here) or here.unknown:
                raise UsageError(f"deploy {deploy} is not rolled back: {left}")
            reaction = react(watched, here, why)
            if not isinstance(reaction, Rollback):
                left = reaction.why if isinstance(reaction, Alert) else "somebody else has already reacted"
                raise UsageError(f"deploy {deploy} is not rolled back: {left}")
            return Finish(WatchVerdict.DEGRADED, why, reaction)

        return self._by_hand(deploy, finish, now)

    def claim(self, deploy: str, now: datetime) -> Callable[[Snapshot, Running], Mapping[str, str] | Refused]:
        """What the commit that begins a rollback writes besides: it is claimed once."""

        def claim(snapshot: Snapshot, running: Running) -> Mapping[str, str] | Refused:
            page = self._need(snapshot, deploy)
            before = page.watch.reaction
            if before.what is not Act.PLANNED:
                return Refused(f"the rollback of deploy {deploy} is no longer pending: {before.what}")
            reaction = Reaction(what=Act.BEGAN, deploy=running.deploy, why=before.why)
            after = page.watch.model_copy(update={"reaction": reaction})
            return watches.changed(page, after, now, f"rollback begins as deploy {running.deploy}")

        return claim

    def reacted(self, deploy: str, rollback: str, *, well: bool, why: str, now: datetime) -> None:
        """Record what came of the deploy `rollback`, or, where it is empty, why none began: then a person is told.

        Of one that somebody else claimed meanwhile nothing is said.

        Raises:
            StateError: it could not be recorded.
        """

        def decision(snapshot: Snapshot) -> Change | None:
            page = self._need(snapshot, deploy)
            before = page.watch.reaction
            if before.what not in {Act.PLANNED, Act.BEGAN} or before.deploy != rollback:
                return None
            done = well and before.what is Act.BEGAN
            reaction = Reaction(what=Act.DONE if done else Act.ALERT, deploy=before.deploy, why=one_line(why))
            after = page.watch.model_copy(update={"reaction": reaction})
            return self._change(page, after, now, "watch-reaction", f"rollback: {why}", snapshot)

        self.store.transact(decision)

    def _by_hand(self, deploy: str, finish: Callable[[Watch, InEnvironment], Finish], now: datetime) -> Watch:
        found: Watch | None = None

        def decision(snapshot: Snapshot) -> Change | None:
            nonlocal found
            page = self._need(snapshot, deploy)
            watch = page.watch
            if watch.state is WatchState.OVER:
                raise UsageError(f"the watch over deploy {deploy} of {watch.task} is over: {watch.verdict}")
            place = environments.page(snapshot, self.environment)
            found = over(watch, finish(watch, in_environment(place.environment, now)))
            return self._finished(snapshot, page, place, found, now, self._judged(watch))

        self.store.transact(decision)
        assert found is not None
        return found

    def _finished(
        self,
        snapshot: Snapshot,
        page: WatchPage,
        place: environments.EnvironmentPage,
        ended: Watch,
        now: datetime,
        judged: Assessment,
        more: str = "",
    ) -> Change:
        line = f"{ended.verdict}, {judged.coverage} observed: {ended.reason}{more}"
        if ended.reaction.what is not Act.NONE:
            line += f" [{reaction_text(ended)}]"
        change = self._change(page, ended, now, "watch-end", line, snapshot)
        stands = standing(ended.verdict, judged)
        after = deploys.with_standing(place.environment, ended.deploy, stands) if stands is not None else None
        entry = f"deploy {ended.deploy}: {line}"
        writes = dict(environments.changed(place, after, now, entry)) if after is not None else {}
        writes |= held(snapshot, ended, self.by, self.pipeline_of, now)
        return Change(change.event, change.task, change.subject, {**change.writes, **writes}, body=change.body)

    def _late(
        self, snapshot: Snapshot, page: WatchPage, pending: Sequence[Sample], now: datetime
    ) -> tuple[Watch, Change] | None:
        """What was seen here before others ended the watch or went on with it; None where that is recorded."""
        before = page.watch
        until = watches.ended(page) if before.watcher is None else moment(before.watcher.since)
        seen = [one for one in pending if until is None or moment(before.armed) + timedelta(seconds=one.at) <= until]
        watch, _ = watches.with_samples(before, seen)
        if (many := len(watch.samples) - len(before.samples)) == 0:
            return None
        line = f"{many} samples that {self.me.runner} took before that are recorded late, and change nothing"
        return watch, self._change(page, watch, now, "watch-record", line, snapshot)

    def _judged(self, watch: Watch, rest: Sequence[Sample] = ()) -> Assessment:
        """What is proven by what is recorded; of what there is no room for, only that production is ill."""
        rules, before = watches.rules_of(watch, self.rules), watches.before(watch)
        found = classify((*watches.samples_of(watch), *rest), rules, before)
        if rest and found.verdict is not WatchVerdict.DEGRADED:
            return classify(watches.samples_of(watch), rules, before)
        return found

    def _change(
        self, page: WatchPage, watch: Watch, now: datetime, event: str, line: str, snapshot: Snapshot | None = None
    ) -> Change:
        writes = watches.changed(page, watch, now, line)
        if snapshot is not None:
            writes |= watch_log.written(snapshot, watch, watches.rules_of(watch, self.rules), now)
        what = watch.verdict.value or "watching"
        subject = f"{watch.task}: watch over {watch.deploy} in {watch.environment}: {what}"
        return Change(event=event, task=watch.task, subject=subject, body=one_line(line), writes=writes)

    def _watched(self, watch: Watch) -> Watched:
        samples = watches.samples_of(watch)
        rules = watches.rules_of(watch, self.rules)
        return Watched(
            Release(watch.deploy, watch.revision, watch.digest),
            watches.window(watch),
            rollback_of=watch.rollback_of,
            alert_only=watch.alert_only or self.never,
            can_roll_back=self.can_roll_back,
            over=watch.state is WatchState.OVER,
            reacted=watch.reaction.what is not Act.NONE,
            recorded_at=watches.last_recorded(watch),
            failure_recorded=any(has_failure(one, rules) for one in samples),
        )

    def _need(self, snapshot: Snapshot, deploy: str) -> WatchPage:
        page = watches.find(snapshot, deploy)
        if page is None:
            raise UsageError(f"deploy {deploy} is not watched")
        return page

    def _other(self, watch: Watch) -> str:
        """That somebody else goes on with it; empty where nobody else does."""
        watcher = watch.watcher
        if watch.state is WatchState.OVER or (watcher is not None and watcher.process == self.me.process):
            return ""
        who = "nobody" if watcher is None else watcher.runner
        return f"{watch.task}: deploy {watch.deploy} is now watched by {who}"

    def _is_gone(self, watch: Watch, watcher: Watcher, now: datetime) -> bool:
        """Whether others may go on; where it cannot be told, once the window is over."""
        match self.look(watcher).life:
            case Life.DEAD | Life.ENDED:
                return True
            case Life.ALIVE:
                return False
            case Life.UNKNOWN:
                return now >= moment(watch.deadline) + _GRACE
            case unreachable:
                assert_never(unreachable)
