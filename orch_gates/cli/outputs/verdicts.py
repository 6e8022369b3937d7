"""Verdicts and errors, findings and exceptions, hooks and proofs as `--json` prints them (GATE-4)."""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import Field

from orch_gates.cli.outputs.parts import Output, Part
from orch_gates.hooks.server_hook.kinds import HookFileKind
from orch_gates.merge.proof import Landed, Rung
from orch_gates.model.ids import Oid, OidOrNone
from orch_gates.model.verdict import Outcome


class FindingPart(Part):
    """One thing that a gate found wrong; it never holds the value of a secret."""

    id: str = Field(description="Of the place, not of the secret; `orch-gates secrets allow` takes it.")
    rule: str = Field(description="The rule that matched.")
    path: str = Field(description="The file, the name of a ref, or what else is judged.")
    line: int = Field(ge=0, description="From 1; 0 where the place has no lines.")
    commit: str = Field(description="The commit with it; empty for content that is in no commit yet.")
    description: str = Field(description="What it is.")
    fix: str = Field(description="What to do about it.")
    carrier: str = Field(description="What holds it: `file`, `commit`, `tag`, `dependency`, `image`, …")
    commands: list[str] = Field(description="The commands for that, in order, each to be copied as it is.")


class Verdict(Output):
    """The answer of a gate."""

    gate: str = Field(description="The gate that was asked.")
    outcome: Outcome = Field(description="Its answer.")
    exit_code: Literal[0, 1, 2, 75] = Field(description="That of the command.")
    reason: str = Field(description="Why, in one line.")
    next_step: str = Field(description="What to do; empty where there is nothing to do.")
    findings: list[FindingPart] = Field(description="What was found wrong.")
    notices: list[str] = Field(description="What is shown and blamed on nobody.")
    evidence: dict[str, str | int | bool | None] = Field(description="What proves it, by name.")


class NestedVerdict(Verdict):
    """The answer of a gate within another output."""

    schema_: Literal["orch.verdict/1"] = Field(alias="schema", description="Always `orch.verdict/1`.")


class ErrorPart(Part):
    """What went wrong."""

    message: str = Field(description="What happened, and what to do; it is on stderr too.")
    exit_code: Literal[1, 2, 70, 75] = Field(description="That of the command.")


class Error(Output):
    """Why a command has no answer. Every command that takes `--json` may print it."""

    error: ErrorPart = Field(description="What went wrong.")


class FoundPart(FindingPart):
    """One thing that a baseline would hold."""

    object: str = Field(description="The git object that holds it.")


class SecretsBaseline(Output):
    """What a baseline holds, or would hold."""

    findings: list[FoundPart] = Field(description="What was found and is not allowed by itself.")


class ExceptionPart(Part):
    """One exception."""

    entry: str = Field(description="Its name, which `orch-gates secrets expire` takes.")
    list: Literal["allowed", "baseline"] = Field(description="The list that it is in.")
    path: str = Field(description="The file; empty where it is about content anywhere.")
    line: int = Field(ge=0, description="From 1; 0 where the place has no lines.")
    rule: str = Field(description="The rule that matched.")
    owner: str = Field(description="Who answers for it.")
    reason: str = Field(description="Why it is no danger.")
    expires: date = Field(description="The last day on which it holds.")
    holds: bool = Field(description="Whether it holds today.")


class SecretsList(Output):
    """What is excepted, and until when."""

    entries: list[ExceptionPart] = Field(description="Allowed findings, then the baseline.")


class HookPart(Part):
    """The server's hook of one repository."""

    repository: str = Field(description="Its folder.")
    state: Literal["working", "not_working", "unknown"] = Field(description="Whether pushes are judged.")
    reasons: list[str] = Field(description="Why that is so, the first one first.")
    hook: str = Field(description="The file of our hook; empty where there is none.")
    hooks: str = Field(description="The folder where git looks for hooks; empty where that is not known.")
    hooks_path_set_in: str = Field(description="The file that sets `core.hooksPath`; empty where none does.")
    shared: bool = Field(description="Whether that folder is that of other repositories too.")
    runs: HookFileKind = Field(description="What git runs there.")
    executable: bool = Field(description="Whether our hook may be run.")
    other_hooks: list[str] = Field(description="Other hooks in the folder that are run.")
    program: str = Field(description="The program that the hook names; empty for none.")
    version: str = Field(description="The version of that program; empty where it did not say.")
    pin: str = Field(description="The engine and rules that the hook names; empty for none.")
    installed_pin: str | None = Field(description="Those that the program has now; `null` where it did not say.")
    proven: bool | None = Field(description="Whether a push was refused as it has to be; `null` without `--prove`.")


class HookStatus(Output):
    """Whether git runs our hook in each repository."""

    hooks: list[HookPart] = Field(description="One for each repository.")


class Prove(Output):
    """Whether a commit landed on a branch."""

    commit: Oid = Field(description="The commit.")
    branch: str = Field(description="The branch.")
    tip: OidOrNone = Field(description="Where the branch stands on the server; empty where it is not there.")
    landed: Landed = Field(description="The answer.")
    rung: Rung = Field(description="What decided.")
    reason: str = Field(description="Why, in one line.")
    merge: Oid | None = Field(description="The merge that brought it in; `null` where none did.")
    base: Oid | None = Field(description="The commit that it was tested with (`--base`); `null` where none was named.")
