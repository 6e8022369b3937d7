"""Setting a repository up, looking for what fails silently, and the dashboard, as `--json` prints them (GATE-4)."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from orch_gates.adopt.plan import Deed
from orch_gates.adopt.steps import StepOutcome
from orch_gates.cli.outputs.parts import Counts, Output, Part
from orch_gates.doctor.check import Group
from orch_gates.doctor.finding import CheckState
from orch_gates.forge.port.server import ForgeKind
from orch_gates.model.ids import Oid, Timestamp


class CommandPart(Part):
    """A command that may run the tests."""

    command: str = Field(description="The command.")
    seen: str = Field(description="What speaks for it.")


class FilePart(Part):
    """A file of a level."""

    path: str = Field(description="The file, from the top of the repository.")
    deed: Deed = Field(description="What becomes of it.")
    why: str | None = Field(description="Why; `null` where nothing is to be said.")
    diff: str = Field(description="How it changes; of a file that is left alone how it would; empty where it does not.")


class StepPart(Part):
    """Something that is made at the forge or on the server."""

    what: str = Field(description="What.")
    outcome: StepOutcome = Field(description="What came of it.")
    why: str | None = Field(description="Why; `null` where nothing is to be said.")
    by_hand: str | None = Field(
        description="The command or page to do it by hand; `null` where there is nothing to do."
    )


class Init(Output):
    """What a repository was found to be, and what was written for it."""

    repository: str = Field(description="The top of the work tree.")
    target: str = Field(description="The branch that is protected.")
    target_told_by: str = Field(description="Who says that it is that one.")
    forge: ForgeKind | None = Field(description="What the forge is; `null` for none.")
    forge_told_by: str = Field(description="Who says so.")
    server: str | None = Field(description="Its address; `null` for none.")
    languages: list[str] = Field(description="The languages that were seen.")
    tests: list[CommandPart] = Field(description="What may run the tests, the likeliest first.")
    level: int | None = Field(description="The level; `null` where all is taken away.")
    contexts: list[str] = Field(description="The statuses that a merge will need.")
    written: bool = Field(description="Whether the files are as planned now.")
    files: list[FilePart] = Field(description="What became of each file.")
    steps: list[StepPart] = Field(description="What was made beside files.")
    next: list[str] = Field(description="The commands to run next.")


class CheckPart(Part):
    """A check."""

    name: str = Field(description="Its name, as `--only` takes it.")
    group: Group = Field(description="What it is about.")
    state: CheckState = Field(description="How it stands; `unknown` is no `ok`.")
    seen: str = Field(description="What was seen.")
    mend: str | None = Field(description="The command or page that mends it; `null` where there is nothing to do.")


class Doctor(Output):
    """What was found of all that fails silently."""

    exit_code: Literal[0, 1, 2] = Field(description="1: something is bad; 2: nothing is, and something cannot be told.")
    counts: Counts = Field(description="How many checks stand how.")
    checks: list[CheckPart] = Field(description="Each check, in the order in which it was made.")


class Dashboard(Output):
    """The page that was written."""

    path: str = Field(description="The file.")
    commit: Oid = Field(description="The commit of the state branch that it shows.")
    generation: int = Field(ge=0, description="The generation of that commit.")
    made: Timestamp = Field(description="When, UTC.")
    unread: list[str] = Field(description="The files of the state branch that could not be read.")
