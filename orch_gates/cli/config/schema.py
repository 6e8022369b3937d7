"""`orch-gates schema`: the published JSON Schema of what each command prints with `--json` (GATE-4)."""

from __future__ import annotations

import click

from orch_gates.cli.boundary import exit_codes, say, terminal_width
from orch_gates.cli.completion import OUTPUT
from orch_gates.cli.outputs import catalogue
from orch_gates.errors import UsageError
from orch_gates.report.columns import columns
from orch_gates.report.machine import schema_name
from orch_gates.state.schema import dumped


@click.command()
@click.argument("name", required=False, type=OUTPUT)
def schema(name: str | None) -> None:
    """List the outputs of `--json` and the commands that print them, or print the JSON Schema of output NAME.

    NAME is what the key `schema` of an output says, with or without `orch.` and its version.

    \b
    Examples:
      orch-gates schema
      orch-gates schema task-list
      orch-gates schema orch.verdict/1 >verdict.schema.json
    """
    with exit_codes():
        if name is None:
            rows = [("SCHEMA", "PRINTED BY")]
            rows += [(schema_name(one.name), ", ".join(one.commands) or one.otherwise) for one in catalogue.OUTPUTS]
            say(columns(rows, terminal_width()))
            return
        known = {spelled: one for one in catalogue.OUTPUTS for spelled in (one.name, schema_name(one.name))}
        if name not in known:
            raise UsageError(f"there is no output {name!r}; `orch-gates schema` lists them")
        say(dumped(known[name].schema))
