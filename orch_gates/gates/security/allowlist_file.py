"""The list of allowed findings as a file that people review: Markdown with the entries as frontmatter (SEC-4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import date
from pathlib import Path

from orch_gates.errors import ExceptionListError, ReportError, SettingsError
from orch_gates.gates.security.allowlist import HASH, PATH, SHORTEST_KEY, AllowedFinding
from orch_gates.git.cli import Git
from orch_gates.settings import Settings

SCHEMA = "orch.allowed-secrets/2"
READABLE = ("orch.allowed-secrets/1", SCHEMA)
_FIELDS = tuple(field.name for field in fields(AllowedFinding))
_BODY = """\
# Allowed findings of the secret scan

Written by `orch-gates secrets allow`; it takes effect once it is on the target branch. Each entry
holds for one secret in one file under one rule, until its last day. By hand, change only owner,
reason and date of an entry: any other change makes it void.
"""


def read(git: Git, trusted: str) -> tuple[AllowedFinding, ...]:
    """The allowed findings at a trusted commit (P5, SEC-4); none where there is no list.

    Raises:
        ExceptionListError: it is malformed.
        GitError: it cannot be read.
    """
    text = git.blob(trusted, PATH) if trusted else None
    return () if text is None else decode(text.decode("utf-8", "replace"))


def read_key(settings: Settings, git: Git) -> bytes:
    """The key of the list's hashes: ORCH_ALLOW_KEY, ORCH_ALLOW_KEY_FILE, or a file beside the repository.

    Raises:
        SettingsError: it is too short to keep a hash from being guessed at, or unreadable.
    """
    if settings.allow_key:
        return _checked_key(settings.allow_key.encode("utf-8", "surrogateescape"), "ORCH_ALLOW_KEY")
    named = settings.allow_key_file
    path = Path(named) if named else key_file(git)
    if not named and not path.exists():
        return b""
    try:
        return _checked_key(path.read_bytes().strip(), str(path))
    except OSError as error:
        raise SettingsError(f"the key file {path} cannot be read: {error.strerror}") from error


def key_file(git: Git) -> Path:
    """Where the key of this repository's list lies unless a setting says otherwise: never in a commit."""
    return private_dir(git) / "allow-key"


def private_dir(git: Git) -> Path:
    """A folder for what belongs to this clone and to no commit."""
    return git.git_dir() / "orch-gates"


def _checked_key(key: bytes, source: str) -> bytes:
    if len(key) < SHORTEST_KEY:
        way = "`orch-gates secrets key` makes one"
        raise SettingsError(f"the key in {source} is shorter than {SHORTEST_KEY} bytes; {way}")
    return key


def decode(text: str) -> tuple[AllowedFinding, ...]:
    """Read a list of either schema.

    Raises:
        ExceptionListError: it is malformed; the message says where.
    """
    # Imported here: a push without findings must not pay for the YAML reader.
    from orch_gates.documents import frontmatter

    try:
        mapping, _ = frontmatter.decode(text)
    except ReportError as error:
        raise ExceptionListError(f"{PATH}: {error}") from error
    if mapping.get("schema") not in READABLE:
        raise ExceptionListError(f"{PATH}: schema is not {' or '.join(READABLE)}")
    entries = mapping.get("entries")
    if not isinstance(entries, list):
        raise ExceptionListError(f"{PATH}: entries is not a list")
    return tuple(_entry(number, item) for number, item in enumerate(entries, 1))


def encode(entries: Sequence[AllowedFinding]) -> str:
    """Write the list, with a word to the person who opens it.

    Raises:
        ExceptionListError: what came out could not be read again, for an empty field say.
    """
    from orch_gates.documents import frontmatter

    rows = [{name: str(getattr(entry, name)) for name in _FIELDS} for entry in entries]
    try:
        text = frontmatter.encode({"schema": SCHEMA, "entries": rows}, _BODY)
    except ReportError as error:
        raise ExceptionListError(f"{PATH}: {error}") from error
    if decode(text) != tuple(entries):
        raise ExceptionListError(f"{PATH}: the list was not written, as it would read back differently")
    return text


def _entry(number: int, item: object) -> AllowedFinding:
    if not isinstance(item, Mapping) or set(item) != set(_FIELDS):
        raise ExceptionListError(f"{PATH}: entry {number} must have exactly: {', '.join(_FIELDS)}")
    # A file may be named with nothing but blanks; an owner may not.
    texts = {
        name: value
        for name, value in item.items()
        if isinstance(value, str) and (value if name == "path" else value.strip())
    }
    if len(texts) != len(_FIELDS):
        raise ExceptionListError(f"{PATH}: entry {number} has an empty field or one that is not text")
    if HASH.fullmatch(texts["hash"]) is None:
        raise ExceptionListError(f"{PATH}: entry {number}: hash is not one that `orch-gates secrets allow` writes")
    try:
        expires = date.fromisoformat(texts.pop("expires"))
    except ValueError as error:
        raise ExceptionListError(f"{PATH}: entry {number}: expires must be a date (YYYY-MM-DD)") from error
    return AllowedFinding(**texts, expires=expires)
