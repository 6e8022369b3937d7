"""`orch-gates config`: what configures a repository, where each value came from, and whether a file is valid."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NoReturn

import click

from orch_gates import workspace
from orch_gates.cli.boundary import exit_codes, say, terminal_width
from orch_gates.cli.config import view
from orch_gates.cli.queue.turns import CONTEXTS_NEEDED
from orch_gates.config import file as config_file
from orch_gates.config import unread
from orch_gates.config.file import PATH, Config
from orch_gates.config.listing import listing
from orch_gates.config.parse import parse
from orch_gates.config.schema import text
from orch_gates.documents.escape import visible
from orch_gates.engine.stages import DEFAULT
from orch_gates.errors import ConfigError, UsageError
from orch_gates.gates.security.scan import problems_of_rules
from orch_gates.git.cli import Git
from orch_gates.scanners import repository_rules
from orch_gates.settings import load, variables
from orch_gates.variables.groups import ForgeSettings
from orch_gates.variables.scope import scope_settings
from orch_gates.variables.setting import declared


@click.group()
def config() -> None:
    """Show, check or describe what configures a repository.

    \b
    Examples:
      orch-gates config show --origin
      orch-gates config check
    """


@config.command(short_help="Show the settings, pipeline and environments in effect.")
@click.option("--origin", is_flag=True, help="Also say where each value came from.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, origins included.")
@click.option("--repo", default=".", type=click.Path(path_type=Path), help="A directory in the repository.")
@click.option("--ref", default="", metavar="REF", help="Read the file from this commit instead of the default branch.")
def show(origin: bool, as_json: bool, repo: Path, ref: str) -> None:
    """Show every setting, the pipeline and the deploy environments, as they are in effect here.

    Environment variables override .orch-gates.yaml on the default branch, which overrides the
    defaults. Secrets are shown as (set). It warns of unknown variables ORCH_*.

    \b
    Examples:
      orch-gates config show --origin
      orch-gates config show --json --ref origin/topic
    """
    with exit_codes():
        _warn_of_unread()
        settings = load()
        git = workspace.repository(settings, repo)
        revision = git.resolve(ref) if ref else workspace.configuring_commit(settings, git, before_push=True)
        try:
            merged, found = config_file.configured(settings, git, revision)
        except ConfigError as error:
            _refuse(error, error.exit_code)
        listed = listing(merged, found)
        if as_json:
            say(view.as_json(listed, found))
        else:
            say(view.as_text(listed, found, origins=origin, width=terminal_width()))
        if not ref:
            _warn_of_another(git, revision)


def _warn_of_unread() -> None:
    """A switch in the environment that is misspelled is believed in, and no configuration shows it."""
    env, token = variables(), dict(declared(ForgeSettings))["token_env"]
    if found := unread.unread(env, env.get(token.variable, "").strip()):
        say(f"warning: {visible(unread.line(found))}\n", to=sys.stderr)


def _refuse(error: ConfigError, code: int) -> NoReturn:
    say("".join(f"{problem}\n" for problem in error.problems), to=sys.stderr)
    raise SystemExit(code) from error


def _warn_of_another(git: Git, revision: str) -> None:
    """A file in the work tree that does not count yet puzzles whoever has just written it."""
    top = git.run("rev-parse", "--show-toplevel")
    here = Path(top.stdout.decode("utf-8", "surrogateescape").rstrip("\n")) / PATH
    counts = git.blob(revision, PATH) if revision else None
    if top.returncode == 0 and here.is_file() and _plain(here.read_bytes()) != (counts and _plain(counts)):
        say(f"note: {PATH} in the work tree differs; it takes effect once it is on the default branch\n", to=sys.stderr)


def _plain(raw: bytes) -> bytes:
    return raw.replace(b"\r\n", b"\n")


@config.command(short_help="Say everything that is wrong in a configuration file.")
@click.argument("file", default=".orch-gates.yaml", type=click.Path(path_type=Path, dir_okay=False))
def check(file: Path) -> None:
    """Say everything that is wrong in FILE [.orch-gates.yaml], before it is pushed.

    A file called .gitleaks.toml is checked as the repository's own rules. It also warns of unknown
    variables ORCH_*, which changes no exit code.

    Exit 0 valid, 1 not valid, 2 not readable.

    \b
    Examples:
      orch-gates config check
      orch-gates config check /tmp/new.yaml
    """
    with exit_codes():
        _warn_of_unread()
        try:
            raw = file.read_bytes()
        except OSError as error:
            raise UsageError(f"{file} cannot be read: {error.strerror}") from error
        if file.name == repository_rules.PATH:
            if problems := problems_of_rules(load(), raw):
                say("".join(f"{problem}\n" for problem in problems), to=sys.stderr)
                raise SystemExit(1)
            say(f"{visible(str(file))}: valid\n")
            return
        try:
            found = parse(raw, name=visible(str(file)))
        except ConfigError as error:
            _refuse(error, 1)
        stages = f"{len(found.declared.pipeline.stages)} stages" if found.declared else "the default stages"
        queue = ", the merge queue" if found.queue else ""
        say(f"{visible(str(file))}: valid: {len(found.given)} settings, {stages}{queue}\n")
        if found.queue and (note := _of_the_queue(found)):
            say(f"note: {note}\n", to=sys.stderr)
        for name in _idle_roles(found):
            say(f"note: roles.{visible(name)}: no stage has this role, so it is never started\n", to=sys.stderr)


def _idle_roles(found: Config) -> list[str]:
    """The roles that are dispatched, and that no stage of the repository's pipeline has."""
    pipeline = found.declared.pipeline if found.declared else DEFAULT
    return sorted(set(found.roles) - {stage.role for stage in pipeline.stages})


def _of_the_queue(found: Config) -> str:
    """What the merge queue will miss, unless the environment says it; empty where nothing is missing."""
    enabled, contexts, test = (
        found.given.get(variable)
        for variable in (scope_settings("ci-green")[0].variable, "ORCH_CI_GREEN_CONTEXTS", "ORCH_MERGE_TEST")
    )
    if enabled is not None and not enabled.value and test is not None and test.value:
        return ""
    if contexts is None or not contexts.value:
        return CONTEXTS_NEEDED
    if isinstance(contexts.value, tuple) and "*" in contexts.value:
        return (
            "the context `*` includes the status of the queue's own job, which is pending while it runs; list the "
            "statuses of CI instead"
        )
    return ""


@config.command()
def schema() -> None:
    """Print the JSON Schema of .orch-gates.yaml.

    \b
    Example:
      orch-gates config schema >orch-gates.schema.json
    """
    with exit_codes():
        say(text())
