"""The list of the sandbox's failures as a file that people write and review: Markdown, the entries as frontmatter."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields
from datetime import date

from orch_gates.documents import frontmatter
from orch_gates.errors import ExceptionListError, ReportError
from orch_gates.gates.staging import pattern
from orch_gates.gates.staging.infra import PATH, USUAL_EXIT_CODES, InfraList, Waiver
from orch_gates.git.cli import Git

SCHEMA = "orch.staging-infra/1"
_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_FIELDS = tuple(field.name for field in fields(Waiver))
_TEXTS = ("check", "signature", "owner", "reason")
# Fewer letters would fit nearly anything.
_SHORTEST_CHECK = 3
_SHORTEST_SIGNATURE = 8
_LONGEST = 500
_MOST_ENTRIES = 200
_MOST_USES = 1_000_000
# From 124 on a code says that a program was ended, or not found.
_LAST_CODE = 123


def read(git: Git, trusted: str) -> InfraList:
    """The list at a trusted commit (P5); one without entries where there is no such file.

    Raises:
        ExceptionListError: it is malformed.
        GitError: it cannot be read.
    """
    text = git.blob(trusted, PATH) if trusted else None
    return InfraList() if text is None else decode(text.decode("utf-8", "replace"))


def decode(text: str) -> InfraList:
    """Read a list.

    Raises:
        ExceptionListError: it is malformed; the message says where.
    """
    try:
        mapping, _ = frontmatter.decode(text)
    except ReportError as error:
        raise ExceptionListError(f"{PATH}: {error}") from error
    if mapping.get("schema") != SCHEMA:
        raise ExceptionListError(f"{PATH}: schema is not {SCHEMA}")
    if unknown := next((name for name in mapping if name not in {"schema", "entries", "exit_codes"}), ""):
        raise ExceptionListError(f"{PATH}: {unknown}: there is no such field")
    entries = mapping.get("entries")
    if not isinstance(entries, list) or len(entries) > _MOST_ENTRIES:
        raise ExceptionListError(f"{PATH}: entries is not a list of at most {_MOST_ENTRIES}")
    found = tuple(_entry(number, item) for number, item in enumerate(entries, 1))
    if len({entry.id for entry in found}) < len(found):
        raise ExceptionListError(f"{PATH}: two entries have the same id")
    return InfraList(found, _exit_codes(mapping.get("exit_codes", list(USUAL_EXIT_CODES))))


def _exit_codes(given: object) -> tuple[int, ...]:
    codes = given if isinstance(given, list) else []
    found = tuple(code for code in codes if type(code) is int and 0 < code <= _LAST_CODE)
    if not found or len(found) < len(codes):
        raise ExceptionListError(f"{PATH}: exit_codes must be a list of numbers from 1 to {_LAST_CODE}")
    return found


def _entry(number: int, item: object) -> Waiver:
    where = f"{PATH}: entry {number}"
    if not isinstance(item, Mapping) or set(item) != set(_FIELDS):
        raise ExceptionListError(f"{where} must have exactly: {', '.join(_FIELDS)}")
    texts = {name: item[name].strip() for name in _TEXTS if isinstance(item[name], str)}
    for name in _TEXTS:
        if not 0 < len(texts.get(name, "")) <= _LONGEST:
            raise ExceptionListError(f"{where}: {name} must be a text of 1 to {_LONGEST} characters")
    for name, least in (("check", _SHORTEST_CHECK), ("signature", _SHORTEST_SIGNATURE)):
        if len(pattern.literal(texts[name])) < least:
            raise ExceptionListError(f"{where}: {name} must have at least {least} characters besides `*`")
    if not isinstance(item["id"], str) or not _ID.fullmatch(item["id"]):
        raise ExceptionListError(f"{where}: id must be 1 to 40 small letters, digits and `-`")
    uses = item["uses"]
    if type(uses) is not int or not 0 < uses <= _MOST_USES:
        raise ExceptionListError(f"{where}: uses must be a whole number from 1 to {_MOST_USES}")
    try:
        expires = date.fromisoformat(str(item["expires"]))
    except ValueError as error:
        raise ExceptionListError(f"{where}: expires must be a date (YYYY-MM-DD)") from error
    return Waiver(item["id"], **texts, expires=expires, uses=uses)
