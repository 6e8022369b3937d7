"""`Protections` of a bare repository: rules that its merges are held to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from orch_gates.errors import ForgeRefused
from orch_gates.forge.local import kinds, records
from orch_gates.forge.local.documents import Rule
from orch_gates.forge.local.records import Ledger, Records
from orch_gates.forge.port.protection import BranchRule, Demand, Protection, Who
from orch_gates.model.ids import branch_name
from orch_gates.state.store import Change


class LocalProtections:
    """Rules by the very name of a branch; git itself does not know them, so they bind merges alone."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def get(self, branch: str) -> Protection | None:
        """The rule for a branch; None where there is none."""
        rule = self._records.ledger().rule(branch)
        if rule is None:
            return None
        return Protection(rule.branch, rule.contexts, rule.approvals, rule.mergers, rule.pushes, rule.admins)

    def rule(self, branch: str) -> BranchRule | None:
        """What git itself lets happen, which knows no rules: all but a merge is the server's hook to refuse."""
        rule = self._records.ledger().rule(branch)
        if rule is None:
            return None
        return BranchRule(
            branch, Who.EVERYBODY, forced=True, deleted=True, contexts=rule.contexts, up_to_date=False, admins=True
        )

    def put(self, wanted: Protection) -> None:
        """Make or replace the rule of this very branch."""
        try:
            branch_name(wanted.branch)
        except ValueError as error:
            raise ForgeRefused(
                f"{wanted.branch!r}: the local forge protects branches by their names: {error}"
            ) from error
        if wanted.up_to_date:
            raise ForgeRefused(
                "the local forge cannot block outdated branches; its hook can: `orch-gates hook install`"
            )
        values = {
            "branch": wanted.branch,
            "contexts": list(wanted.contexts),
            "approvals": wanted.approvals,
            "mergers": list(wanted.mergers),
            "pushes": wanted.pushes,
            "admins": wanted.admins,
        }

        def decide(ledger: Ledger) -> Change | None:
            before = ledger.rule(wanted.branch)
            after = records.made(Rule, values) if before is None else records.changed(before, **values)
            if after == before:
                return None
            path = kinds.RULE.at(branch=wanted.branch)
            return records.write("protect", f"protect {wanted.branch}", path, after)

        self._records.change(decide)

    def whole(self, branch: str) -> Mapping[str, Any]:
        """The rule, which has nothing beyond the port's."""
        rule = self.get(branch)
        return {} if rule is None else asdict(rule)

    def tightened(self, demand: Demand) -> Mapping[str, Any]:
        """The rule with what is demanded."""
        known = self.get(demand.branch) or Protection(demand.branch, pushes=demand.pushes)
        kept = [context for context in known.contexts if context not in demand.dropped]
        contexts = tuple(dict.fromkeys((*kept, *demand.contexts)))
        held = known.up_to_date if demand.up_to_date is None else demand.up_to_date
        pushes = known.pushes and demand.pushes
        return {**asdict(known), "contexts": contexts, "pushes": pushes, "admins": True, "up_to_date": held}

    def without(self, branch: str, contexts: Sequence[str], *, up_to_date: bool) -> Mapping[str, Any]:
        """The rule without these."""
        known = self.whole(branch)
        held = known["up_to_date"] and not up_to_date
        return {**known, "up_to_date": held, "contexts": tuple(one for one in known["contexts"] if one not in contexts)}

    def restore(self, branch: str, whole: Mapping[str, Any]) -> None:
        """Put it, or take it away."""
        if not whole:
            self.remove(branch)
            return
        lists = {name: tuple(whole[name]) for name in ("contexts", "mergers")}
        self.put(Protection(**{**whole, **lists}))

    def remove(self, branch: str) -> None:
        """Take the rule of this branch away."""

        def decide(ledger: Ledger) -> Change | None:
            if ledger.rule(branch) is None:
                return None
            path = kinds.RULE.at(branch=branch)
            return Change("unprotect", "-", f"take the protection of {branch} away", removals=frozenset({path}))

        self._records.change(decide)
