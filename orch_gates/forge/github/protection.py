"""Rules for branches on GitHub: branch protection, and what rulesets say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from orch_gates.documents import escape
from orch_gates.errors import ForgeRefused, ForgeUnavailable
from orch_gates.forge.fields import Row, document, flag, number, part, parts, text, texts
from orch_gates.forge.github import errors
from orch_gates.forge.http import Api
from orch_gates.forge.port.protection import BranchRule, Demand, Protection, Who

_APP = "[bot]"
_SWITCHES = (
    "required_linear_history",
    "required_conversation_resolution",
    "lock_branch",
    "allow_fork_syncing",
    "block_creations",
)
_REVIEW_SWITCHES = ("dismiss_stale_reviews", "require_code_owner_reviews", "require_last_push_approval")

_BYPASS = "bypass_pull_request_allowances"
_REVIEW_LISTS = ("dismissal_restrictions", _BYPASS)
# What GitHub takes for a status that any app may post.
_ANY_APP = -1


@dataclass(frozen=True, slots=True)
class GithubProtections:
    """`Protections` of one repository; `organisation` owns it, which names its teams."""

    api: Api
    path: str
    organisation: str

    def get(self, branch: str) -> Protection | None:
        """The branch protection, a pattern's included; without one, what rulesets say.

        Where there are both, GitHub holds a merge to both: what is told here is the least of it.
        """
        if (row := self._row(branch)) is not None:
            return of_protection(branch, row, self.organisation)
        return of_rules(branch, self.api.rows(f"{self.path}/rules/branches/{quote(branch, safe='')}"))

    def rule(self, branch: str) -> BranchRule | None:
        """As `get`, with what such a rule leaves open."""
        if (row := self._row(branch)) is not None:
            return rule_of_protection(branch, row)
        rows = list(self.api.rows(f"{self.path}/rules/branches/{quote(branch, safe='')}"))
        return rule_of_rules(branch, rows) if rows else None

    def put(self, wanted: Protection) -> None:
        """Make the branch protection, or change it; what it has beyond this stays, and so do rulesets."""
        if wanted.pushes and wanted.approvals:
            raise ForgeRefused("GitHub can require approvals only where pushes are off; nothing was changed")
        if wanted.up_to_date and not wanted.contexts:
            raise ForgeRefused("GitHub blocks outdated branches only where a status is required; name one")
        self.api.write("PUT", self._at(wanted.branch), document_of(wanted, self._row(wanted.branch) or {}))

    def whole(self, branch: str) -> Row:
        """The branch protection as it would be put; rulesets are none of it."""
        row = self._row(branch)
        return {} if row is None else whole_of(row)

    def tightened(self, demand: Demand) -> Row:
        """The branch protection, a pattern's included; rulesets count besides it."""
        return tightened(self.whole(demand.branch), demand)

    def without(self, branch: str, contexts: Sequence[str], *, up_to_date: bool) -> Row:
        """As it would be put."""
        whole = self.whole(branch)
        needed = _needed(whole["required_status_checks"], (), contexts, False if up_to_date else None)
        return {**whole, "required_status_checks": needed}

    def restore(self, branch: str, whole: Mapping[str, Any]) -> None:
        """Put what `whole` told; what it does not name is switched off."""
        if whole:
            self.api.write("PUT", self._at(branch), dict(whole))
        else:
            self.remove(branch)

    def remove(self, branch: str) -> None:
        """Take the branch protection away; rulesets stay."""
        if self._row(branch) is not None:
            self.api.write("DELETE", self._at(branch))

    def _row(self, branch: str) -> Row | None:
        """The branch protection; None only where GitHub says that there is none."""
        try:
            return document(self.api.get(self._at(branch)))
        except ForgeRefused:
            if errors.missing(self.api.ask("GET", self._at(branch))):
                return None
            raise

    def _at(self, branch: str) -> str:
        return f"{self.path}/branches/{quote(branch, safe='')}/protection"


def of_protection(branch: str, row: Row, organisation: str) -> Protection | None:
    """What a branch protection comes to; None for one that lets the branch be forced or deleted.

    Raises:
        ForgeUnavailable: something is missing in it.
    """
    if _enabled(row, "allow_force_pushes") or _enabled(row, "allow_deletions"):
        return None
    reviews = part(row, "required_pull_request_reviews") if row.get("required_pull_request_reviews") else None
    checks = part(row, "required_status_checks") if row.get("required_status_checks") else None
    return Protection(
        branch,
        contexts=tuple(sorted(texts(checks, "contexts"))) if checks else (),
        approvals=number(reviews, "required_approving_review_count") if reviews else 0,
        mergers=_mergers(branch, part(row, "restrictions"), organisation) if row.get("restrictions") else (),
        pushes=reviews is None or _bypassed(reviews),
        admins=_enabled(row, "enforce_admins"),
        up_to_date=checks is not None and checks.get("strict") is True,
    )


def rule_of_protection(branch: str, row: Row) -> BranchRule:
    """What a branch protection lets happen.

    Raises:
        ForgeUnavailable: something is missing in it.
    """
    reviews = part(row, "required_pull_request_reviews") if row.get("required_pull_request_reviews") else None
    checks = part(row, "required_status_checks") if row.get("required_status_checks") else None
    some = bool(row.get("restrictions")) if reviews is None else _bypassed(reviews)
    return BranchRule(
        branch=branch,
        pushers=Who.SOME if some else Who.EVERYBODY if reviews is None else Who.NOBODY,
        forced=_enabled(row, "allow_force_pushes"),
        deleted=_enabled(row, "allow_deletions"),
        contexts=tuple(sorted(texts(checks, "contexts"))) if checks else (),
        up_to_date=checks is not None and checks.get("strict") is True,
        admins=_enabled(row, "enforce_admins"),
    )


def rule_of_rules(branch: str, rows: Iterable[Row]) -> BranchRule:
    """What the rules of rulesets let happen; who may bypass them is not told.

    Raises:
        ForgeUnavailable: something is missing in them.
    """
    rules: dict[str, list[Row]] = {}
    for row in rows:
        rules.setdefault(text(row, "type"), []).append(row)
    checks = [part(row, "parameters") for row in rules.get("required_status_checks", ())]
    contexts = {text(check, "context") for one in checks for check in parts(one, "required_status_checks")}
    return BranchRule(
        branch=branch,
        pushers=Who.NOBODY if "pull_request" in rules else Who.SOME if "update" in rules else Who.EVERYBODY,
        forced="non_fast_forward" not in rules,
        deleted="deletion" not in rules,
        contexts=tuple(sorted(contexts)),
        up_to_date=any(one.get("strict_required_status_checks_policy") is True for one in checks),
        admins=None,
    )


def of_rules(branch: str, rows: Iterable[Row]) -> Protection | None:
    """What the rules of rulesets come to; None where they let the branch be forced or deleted.

    Who may bypass them is not told here, so that nobody is said to be held to them in spite of their rights.

    Raises:
        ForgeUnavailable: something is missing in them.
    """
    rules: dict[str, list[Row]] = {}
    for row in rows:
        rules.setdefault(text(row, "type"), []).append(row)
    if not {"deletion", "non_fast_forward"} <= rules.keys():
        return None
    reviews = [part(row, "parameters") for row in rules.get("pull_request", ())]
    checks = [part(row, "parameters") for row in rules.get("required_status_checks", ())]
    contexts = {text(check, "context") for one in checks for check in parts(one, "required_status_checks")}
    return Protection(
        branch,
        contexts=tuple(sorted(contexts)),
        approvals=max((number(one, "required_approving_review_count") for one in reviews), default=0),
        pushes=not reviews,
        admins=False,
        up_to_date=any(check.get("strict_required_status_checks_policy") is True for check in checks),
    )


def document_of(wanted: Protection, known: Row) -> Row:
    """The whole rule, as GitHub takes it: what is not in it is switched off, so what is `known` goes along."""
    teams = [name.rpartition("/")[2] for name in wanted.mergers if "/" in name]
    apps = [name.removesuffix(_APP) for name in wanted.mergers if name.endswith(_APP)]
    users = [name for name in wanted.mergers if "/" not in name and not name.endswith(_APP)]
    return {
        "required_status_checks": _checks(wanted) if wanted.contexts else None,
        "enforce_admins": wanted.admins,
        "required_pull_request_reviews": None if wanted.pushes else _reviews(wanted, known),
        "restrictions": {"users": users, "teams": teams, "apps": apps} if wanted.mergers else None,
        **{name: True for name in _SWITCHES if _enabled(known, name)},
        "allow_force_pushes": False,
        "allow_deletions": False,
    }


def whole_of(row: Row) -> Row:
    """A branch protection as GitHub takes it, whatever it says.

    Raises:
        ForgeUnavailable: something is missing in it.
    """
    checks = part(row, "required_status_checks") if row.get("required_status_checks") else None
    reviews = part(row, "required_pull_request_reviews") if row.get("required_pull_request_reviews") else None
    return {
        "required_status_checks": checks and _told(checks),
        "enforce_admins": _enabled(row, "enforce_admins"),
        "required_pull_request_reviews": reviews
        and {
            **{name: reviews.get(name) is True for name in _REVIEW_SWITCHES},
            **{name: _named(part(reviews, name)) for name in _REVIEW_LISTS if reviews.get(name)},
            "required_approving_review_count": number(reviews, "required_approving_review_count"),
        },
        "restrictions": _named(part(row, "restrictions")) if row.get("restrictions") else None,
        **{name: _enabled(row, name) for name in (*_SWITCHES, "allow_force_pushes", "allow_deletions")},
    }


def tightened(whole: Row, demand: Demand) -> Row:
    """What `whole_of` told with what is demanded, and all else as it is (pure)."""
    reviews: Row | None = whole.get("required_pull_request_reviews")
    if not demand.pushes:
        kept = {name: value for name, value in (reviews or {}).items() if name != _BYPASS}
        reviews = {**dict.fromkeys(_REVIEW_SWITCHES, False), "required_approving_review_count": 0, **kept}
    checks = whole.get("required_status_checks")
    return {
        **(whole or whole_of({})),
        "required_status_checks": _needed(checks, demand.contexts, demand.dropped, demand.up_to_date),
        "enforce_admins": True,
        "required_pull_request_reviews": reviews,
        "allow_force_pushes": False,
        "allow_deletions": False,
    }


def _told(checks: Row) -> Row:
    """The statuses by name alone, where they may be from anybody."""
    strict = checks.get("strict") is True
    rows = parts(checks, "checks") if checks.get("checks") else []
    if not any(row.get("app_id") for row in rows):
        return {"strict": strict, "contexts": sorted(texts(checks, "contexts"))}
    named = [{"context": text(row, "context"), "app_id": row.get("app_id") or _ANY_APP} for row in rows]
    return _pinned(named, strict=strict)


def _pinned(rows: Sequence[Row], *, strict: bool) -> Row:
    # GitHub demands the other list, too, and takes one of them.
    return {"strict": strict, "contexts": [], "checks": sorted(rows, key=lambda row: str(row["context"]))}


def _needed(known: Row | None, more: Sequence[str], fewer: Sequence[str], strict: bool | None) -> Row | None:
    known = known or {"contexts": []}
    held = known.get("strict") is True if strict is None else strict
    if "checks" in known:
        rows = [row for row in known["checks"] if row["context"] not in fewer]
        there = {row["context"] for row in rows}
        rows += [{"context": context, "app_id": _ANY_APP} for context in more if context not in there]
        return _pinned(rows, strict=held) if rows else None
    contexts = sorted({*(one for one in known["contexts"] if one not in fewer), *more})
    return {"strict": held, "contexts": contexts} if contexts else None


def _checks(wanted: Protection) -> Row:
    return {"strict": wanted.up_to_date, "contexts": list(wanted.contexts)}


def _reviews(wanted: Protection, known: Row) -> Row:
    now = part(known, "required_pull_request_reviews") if known.get("required_pull_request_reviews") else {}
    stay: Row = {name: True for name in _REVIEW_SWITCHES if now.get(name) is True}
    if now.get("dismissal_restrictions"):
        stay["dismissal_restrictions"] = _named(part(now, "dismissal_restrictions"))
    return {**stay, "required_approving_review_count": wanted.approvals}


def _named(restrictions: Row) -> dict[str, list[str]]:
    """Users, teams and apps by name, as GitHub takes them."""
    by = {"users": "login", "teams": "slug", "apps": "slug"}
    return {kind: [text(row, by[kind]) for row in parts(restrictions, kind)] for kind in by if kind in restrictions}


def _mergers(branch: str, restrictions: Row, organisation: str) -> tuple[str, ...]:
    """Users by login, apps as `name[bot]`, teams as `organisation/name`."""
    named = _named(restrictions)
    users = named.get("users", [])
    teams = [f"{organisation}/{name}" for name in named.get("teams", [])]
    apps = [f"{name}{_APP}" for name in named.get("apps", [])]
    if not (users or teams or apps):
        # No names would mean here that everybody may.
        raise ForgeUnavailable(f"the rule of {escape.visible(branch)} lets nobody merge; name those who may")
    return tuple(sorted([*users, *teams, *apps]))


def _bypassed(reviews: Row) -> bool:
    """Whether somebody needs no pull request."""
    return any(part(reviews, _BYPASS).values()) if reviews.get(_BYPASS) else False


def _enabled(row: Row, name: str) -> bool:
    return flag(part(row, name), "enabled") if name in row else False
