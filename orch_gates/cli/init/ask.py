"""The questions of `orch-gates init`: only what cannot be found out, and only of a person at a terminal."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace

import click

from orch_gates import __version__
from orch_gates.adopt import bundle as bundles
from orch_gates.adopt.bundle import Bundle
from orch_gates.adopt.choose import LEVELS, Answers, choose, ci_of, test_of, why_no_test
from orch_gates.adopt.facts import WorkTreeFacts
from orch_gates.adopt.plan import Choice, is_settled, recorded_level
from orch_gates.adopt.where import ForgeLocation
from orch_gates.config.file import PATH as CONFIG
from orch_gates.errors import UsageError
from orch_gates.forge.port.server import ForgeKind
from orch_gates.settings import Settings

_KINDS = ("gitea", "forgejo", "github", "none")


@dataclass(frozen=True, slots=True)
class InitOptions:
    """What the command line says; `level` is None where it says none."""

    level: int | None
    yes: bool
    dry_run: bool
    test: str
    actions: str
    pre_commit: bool

    @property
    def asks(self) -> bool:
        """Whether there is somebody to ask."""
        return not self.yes and sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()


def choice(
    settings: Settings, facts: WorkTreeFacts, where: ForgeLocation, given: InitOptions, there: str | None
) -> tuple[Choice, ForgeLocation]:
    """What is to be done, after the questions that are left; `there` is the configuration that is there.

    Raises:
        UsageError: something has to be said, and there is nobody to ask; the message names the option.
    """
    where = _forge(where, given)
    level = _level(given, None if there is None else recorded_level({CONFIG: there}))
    settled = there is not None and not given.test and is_settled(there, level)
    known = bundles.installed(settings.inherited_env, settings.security.budget.seconds)
    used = bundles.recorded(facts.workflows.values())
    bundle = bundles.completed(bundles.named(given.actions), known) if given.actions else used if used.place else known
    if where.workflows is not None or given.pre_commit or facts.pre_commit:
        bundle = _actions(bundle, known, given)
    test = given.test
    if level > 0 and not settled and where.kind is not None and test_of(facts, ci := ci_of(facts, where), test) is None:
        test = _ask(given, f"orch-gates: {why_no_test(facts, ci)}\nWhat runs the tests?", why_no_test(facts, ci))
    return choose(facts, where, bundle, Answers(level, test, given.pre_commit, settled), __version__), where


def agreed(given: InitOptions, count: int) -> bool:
    """Whether the files may be written.

    Raises:
        UsageError: there is nobody to ask.
    """
    if given.yes:
        return True
    if not given.asks:
        raise UsageError("nothing was written: nobody can agree without a terminal; give --yes, or --dry-run to look")
    files = "this file" if count == 1 else f"these {count} files"
    return click.confirm(f"Write {files}?", default=True, err=True)


def _level(given: InitOptions, recorded: int | None) -> int:
    if given.level is not None:
        return given.level
    if recorded is not None:
        return recorded
    if given.yes:
        return 0
    levels = "".join(f"  {level}  {words}\n" for level, words in LEVELS.items())
    need = "the level is missing; give --level 0, 1 or 2 (--yes alone takes 0)"
    return int(_ask(given, f"Levels:\n{levels}Which one?", need, [str(level) for level in LEVELS], "0"))


def _forge(where: ForgeLocation, given: InitOptions) -> ForgeLocation:
    """The forge; where none is known, what a person says."""
    if where.kind is not None or where.none:
        return where
    need = f"could not detect the forge of this repository ({where.told_by}); name its kind with --forge KIND"
    answer = _ask(
        given, f"orch-gates: {need.partition(';')[0]}\nWhich kind is it?", f"{need}: {', '.join(_KINDS)}", _KINDS
    )
    return replace(where, none=True) if answer == "none" else replace(where, kind=ForgeKind(answer), told_by="you")


def _actions(bundle: Bundle, known: Bundle, given: InitOptions) -> Bundle:
    """Where runners find orch-gates; asked for where the program was not installed from there."""
    if bundle.place and bundle.commit:
        return bundle
    need = (
        "give the URL of orch-gates with --actions URL@COMMIT (`git ls-remote URL HEAD` prints the newest commit); "
        "runners fetch it from there, so a local path does not work: mirror orch-gates on the forge, readable for "
        "everybody"
    )
    answer = _ask(given, "Where do runners find orch-gates (URL@COMMIT)?", need)
    return bundles.completed(bundles.named(answer), known)


def _ask(given: InitOptions, question: str, need: str, choices: Sequence[str] = (), default: str = "") -> str:
    if not given.asks:
        raise UsageError(need)
    kind = click.Choice(choices) if choices else click.STRING
    return str(click.prompt(question, type=kind, default=default or None, err=True))
