"""One thing a gate found wrong, safe to print: it never holds a secret's value (SEC-5)."""

from __future__ import annotations

from dataclasses import dataclass

# What a document holds of a gate's words and findings.
MAX_TEXT = 4096
MAX_FINDINGS = 200
MAX_COMMANDS = 10


@dataclass(frozen=True, slots=True)
class Finding:
    """Where a rule matched and how to mend it.

    `id` is derived from the place, never from the secret, so it may be printed and passed to
    `orch-gates secrets allow`. `line` counts from 1; 0 means that the place has no lines (a file
    or ref name). `commit` is empty where the content is in no commit yet (staged content). `commands` belong to `fix`,
    each to be copied as it is.
    """

    id: str
    rule: str
    path: str
    line: int
    commit: str
    description: str
    fix: str
    carrier: str = "file"
    commands: tuple[str, ...] = ()

    @property
    def advice(self) -> str:
        """`fix` and its commands in one line of text."""
        return " ".join((self.fix, *(f"`{command}`" for command in self.commands)))
