"""Rules for branches of Gitea and Forgejo (docs/reference/forges.md)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from orch_gates.errors import ForgeRefused, ForgeUnavailable
from orch_gates.forge.fields import Row, document, flag, number, text
from orch_gates.forge.gitea.rows import repository_path, texts
from orch_gates.forge.http import Api
from orch_gates.forge.port.protection import BranchRule, Demand, Protection, Who

_TIMES = frozenset({"created_at", "updated_at"})
_NAMES = frozenset({"rule_name", "branch_name"})
# Some fields are only read where their switch is named with them.
_SWITCH = "enable_"
# What the server itself switches off where nobody may push, or force.
_OF_PUSHES = ("enable_push_whitelist", "push_whitelist_deploy_keys")
_OF_FORCE = ("enable_force_push_allowlist", "force_push_allowlist_deploy_keys")
# Characters that make a context, or the name of a rule, a pattern to the server.
_SPECIAL = re.compile(r"[*?\\\[\]{}]")


class GiteaProtections:
    """`Protections` of one repository."""

    def __init__(self, api: Api, repository: str) -> None:
        """`repository` is `owner/name`."""
        self._api = api
        self._repository = repository_path(repository)
        self._path = f"{self._repository}/branch_protections"

    def get(self, branch: str) -> Protection | None:
        """The rule that the server says is in force; one that lets the branch be forced counts as none."""
        row = self._row(branch)
        # Who may not push may not force either, whatever that switch says.
        if row is None or (flag(row, "enable_push") and row.get("enable_force_push") is True):
            return None
        contexts = texts(row, "status_check_contexts") if flag(row, "enable_status_check") else ()
        return Protection(
            branch=branch,
            contexts=tuple(unescaped(context) for context in contexts),
            approvals=number(row, "required_approvals"),
            mergers=_mergers(row),
            pushes=flag(row, "enable_push"),
            # A server that does not know this lets its administrators merge over every rule.
            admins=row.get("block_admin_merge_override") is True,
            up_to_date=flag(row, "block_on_outdated_branch"),
        )

    def rule(self, branch: str) -> BranchRule | None:
        """The same rule; a branch that has one is never deleted by a push."""
        row = self._row(branch)
        return None if row is None else of_row(branch, row)

    def put(self, wanted: Protection) -> None:
        """Make the rule of this very name, or change it; what it has beyond this stays."""
        rule = {
            "enable_push": wanted.pushes,
            "enable_force_push": False,
            "enable_merge_whitelist": bool(wanted.mergers),
            "merge_whitelist_usernames": list(wanted.mergers),
            "merge_whitelist_teams": [],
            "enable_status_check": bool(wanted.contexts),
            # The server reads patterns here, and ignores those that are none.
            "status_check_contexts": [escaped(context) for context in wanted.contexts],
            "required_approvals": wanted.approvals,
            "block_admin_merge_override": wanted.admins,
            "block_on_outdated_branch": wanted.up_to_date,
        }
        self._write(wanted.branch, rule)

    def whole(self, branch: str) -> Row:
        """The rule as it is listed, without the times."""
        return _untimed(self._own(branch) or {})

    def tightened(self, demand: Demand) -> Row:
        """The row with these fields changed; that of a pattern at its place, where a name comes before it."""
        row = self._own(demand.branch)
        return tightened(_untimed(row) if row is not None else _copied(self._row(demand.branch) or {}), demand)

    def without(self, branch: str, contexts: Sequence[str], *, up_to_date: bool) -> Row:
        """The row with these fields changed."""
        row = self.whole(branch)
        needed = _needed(_required(row), (), contexts)
        return {**row, **needed, **({"block_on_outdated_branch": False} if up_to_date else {})}

    def restore(self, branch: str, whole: Mapping[str, Any]) -> None:
        """The fields that differ, and the switches; what is not named stays, and so does what is null."""
        if not whole:
            self.remove(branch)
            return
        now = self._own(branch)
        fields = {
            name: [] if value is None else value
            for name, value in whole.items()
            if name not in _NAMES and (now is None or name.startswith(_SWITCH) or value != now.get(name))
        }
        self._write(branch, fields)

    def remove(self, branch: str) -> None:
        """Take away the rule of this very name."""
        if self._own(branch) is not None:
            self._api.write("DELETE", f"{self._path}/{quote(branch, safe='')}")

    def _write(self, branch: str, fields: Row) -> None:
        if self._own(branch) is not None:
            self._api.write("PATCH", f"{self._path}/{quote(branch, safe='')}", fields)
        else:
            self._api.write("POST", self._path, {"rule_name": branch, **fields})

    def _own(self, branch: str) -> Row | None:
        """The rule of this very name."""
        return _named(self._rules(), branch)

    def _row(self, branch: str) -> Row | None:
        """The rule in force, which may be that of a pattern: the server names it, but only for a branch that is there.

        Raises:
            ForgeUnavailable: the server does not say which rule it is.
        """
        rules = self._rules()
        if not rules:
            return None
        path = f"{self._repository}/branches/{quote(branch, safe='')}"
        try:
            found = document(self._api.get(path))
        except ForgeRefused as error:
            if (first := _first(rules, branch)) is None or not _pattern(first):
                return first
            why = f"the forge does not show which rule is in force for {branch}: {error}; push the branch first"
            raise ForgeUnavailable(why) from error
        if not flag(found, "protected"):
            return None
        rule = _named(rules, text(found, "effective_branch_protection_name"))
        if rule is None:
            raise ForgeUnavailable(f"{self._api.at(path)} does not show which rule is in force; run the command again")
        return rule

    def _rules(self) -> list[Row]:
        """All of them, the one that the server tries first at the front: this list has no pages."""
        found = self._api.get(self._path)
        if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
            raise ForgeUnavailable(f"{self._api.at(self._path)} did not answer with a list")
        return found


def _named(rules: Sequence[Row], name: str) -> Row | None:
    return next((row for row in rules if text(row, "rule_name") == name), None)


def _first(rules: Sequence[Row], branch: str) -> Row | None:
    """The first rule that is for the branch, or may be as it is a pattern; the server ignores the case of a name."""
    folded = _folded(branch)
    return next((row for row in rules if _pattern(row) or _folded(text(row, "rule_name")) == folded), None)


def _folded(name: str) -> str:
    """A name without its case, letter by letter as Go's EqualFold compares it: to the server, ß is not ss."""
    return "".join(found if len(found := letter.casefold()) == 1 else letter.lower() for letter in name)


def _pattern(rule: Row) -> bool:
    return _SPECIAL.search(text(rule, "rule_name")) is not None


def escaped(context: str) -> str:
    """A pattern that matches exactly this text."""
    return _SPECIAL.sub(lambda found: f"\\{found[0]}", context)


def unescaped(pattern: str) -> str:
    """The text that a pattern from `escaped` matches; any other pattern as it is written."""
    return re.sub(r"\\(.)", r"\1", pattern, flags=re.DOTALL)


def of_row(branch: str, row: Row) -> BranchRule:
    """What a rule lets happen; a switch that the server does not know is one that it does not have."""
    pushers = Who.NOBODY
    if flag(row, "enable_push"):
        pushers = Who.SOME if row.get("enable_push_whitelist") is True else Who.EVERYBODY
    contexts = texts(row, "status_check_contexts") if flag(row, "enable_status_check") else ()
    return BranchRule(
        branch=branch,
        pushers=pushers,
        # Who may not push may not force either, whatever that switch says.
        forced=pushers is not Who.NOBODY and row.get("enable_force_push") is True,
        deleted=False,
        contexts=tuple(unescaped(context) for context in contexts),
        up_to_date=row.get("block_on_outdated_branch") is True,
        admins=row.get("block_admin_merge_override") is True,
    )


def tightened(row: Row, demand: Demand) -> Row:
    """A row with what is demanded, and all else as it is (pure)."""
    pushes = flag(row, "enable_push") if demand.pushes and row else demand.pushes
    off = _OF_FORCE if pushes else _OF_FORCE + _OF_PUSHES
    return {
        **row,
        **{name: False for name in off if name in row},
        "enable_push": pushes,
        "enable_force_push": False,
        **(_needed(_required(row), demand.contexts, demand.dropped) if demand.contexts or demand.dropped else {}),
        "block_admin_merge_override": True,
        **({} if demand.up_to_date is None else {"block_on_outdated_branch": demand.up_to_date}),
    }


def _required(row: Row) -> tuple[str, ...]:
    """The statuses that a row needs, as they are written there: patterns."""
    return texts(row, "status_check_contexts") if row and flag(row, "enable_status_check") else ()


def _needed(written: Sequence[str], more: Sequence[str], fewer: Sequence[str]) -> Row:
    gone = {escaped(context) for context in fewer}
    kept = [one for one in written if one not in gone]
    contexts = list(dict.fromkeys([*kept, *map(escaped, more)]))
    return {"enable_status_check": bool(contexts), "status_check_contexts": contexts}


def _untimed(row: Row) -> Row:
    return {name: value for name, value in row.items() if name not in _TIMES}


def _copied(row: Row) -> Row:
    return {name: value for name, value in row.items() if name not in {*_TIMES, *_NAMES}}


def _mergers(row: Row) -> tuple[str, ...]:
    """Who alone may merge.

    Raises:
        ForgeUnavailable: teams may, or nobody; a list of users cannot say that.
    """
    if not flag(row, "enable_merge_whitelist"):
        return ()
    users = texts(row, "merge_whitelist_usernames")
    if not users or texts(row, "merge_whitelist_teams"):
        rule = text(row, "rule_name")
        raise ForgeUnavailable(f"the rule for {rule} allows teams, or nobody, to merge; list the allowed users in it")
    return users
