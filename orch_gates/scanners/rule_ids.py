"""What rules were called before they had ids of our own (SEC-4, SEC-10).

A list of exceptions outlives the engine that its entries were made with. One line for each id that a
finding may have had, with the ids that the same finding may have now. An id that is still in use
stands among its own successors. Ids that are not here never changed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

# A rule about any key and any value found what has rules of its own today.
_GENERIC = (
    "authorization-basic",
    "authorization-token",
    "call-password",
    "command-password",
    "django-secret-key",
    "docker-auth",
    "docker-env",
    "generic-api-key",
    "generic-password",
    "generic-secret",
    "npmrc-auth",
    "setter-password",
    "setting-pair",
    "sql-password",
    "url-password",
    "wordpress-salt",
    "xml-setting",
)
SUCCESSORS: Mapping[str, tuple[str, ...]] = {
    "curl-auth-header": ("authorization-basic", "authorization-token"),
    "generic-api-key": _GENERIC,
    "hashicorp-tf-password": ("generic-password",),
    "nuget-config-password": ("generic-password", "setting-pair", "xml-setting"),
}


def successors(rule: str, table: Mapping[str, tuple[str, ...]] = SUCCESSORS) -> tuple[str, ...]:
    """The ids that a finding of `rule` may have now; itself where it was never renamed."""
    return table.get(rule, (rule,))


def former(rule: str, table: Mapping[str, tuple[str, ...]] = SUCCESSORS) -> Iterator[str]:
    """The ids that a finding of `rule` may have had, its own first."""
    yield rule
    yield from (old for old, now in table.items() if rule in now and old != rule)


def retired(rule: str, table: Mapping[str, tuple[str, ...]] = SUCCESSORS) -> bool:
    """Whether no finding has this id any more."""
    return rule not in successors(rule, table)


def names(rule: str) -> tuple[str, ...]:
    """The ids by which what was written about a finding of `rule` may name it: its own, and those that are retired."""
    return tuple(name for name in former(rule) if name == rule or retired(name))
