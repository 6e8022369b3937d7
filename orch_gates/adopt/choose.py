"""What a level needs to be told, from what was found and what a person said (pure)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

from orch_gates.adopt import configuration, existing_ci
from orch_gates.adopt.bundle import Bundle
from orch_gates.adopt.existing_ci import Ci
from orch_gates.adopt.facts import WorkTreeFacts
from orch_gates.adopt.plan import Choice
from orch_gates.adopt.projects import Suggestion
from orch_gates.adopt.where import ForgeLocation
from orch_gates.adopt.workflows import Actions
from orch_gates.errors import UsageError
from orch_gates.forge.port.server import ForgeKind

LEVELS = {
    0: "security gate: a workflow refuses leaked secrets",
    1: "merge safety: pull requests are merged in turn, tested together",
    2: "pipeline: issues become tasks, which move by themselves",
}


@dataclass(frozen=True, slots=True)
class Answers:
    """What a person said, by options or when asked; empty where nothing had to be said.

    `settled`: there is a configuration that is enough, and nothing was said that would change it.
    """

    level: int
    test: str = ""
    pre_commit: bool = False
    settled: bool = False


def security(target: str) -> str:
    """The status of the security gate."""
    return f"orch/security/{target}"


def fence(target: str) -> str:
    """The status that the merge gate posts on the commit whose turn it is."""
    return f"orch/merge/{target}"


def ci_of(facts: WorkTreeFacts, where: ForgeLocation) -> Ci:
    """The workflows that judge pull requests already."""
    return existing_ci.pull_request_workflows(where.workflows, facts.workflows) if where.workflows is not None else Ci()


def test_of(facts: WorkTreeFacts, ci: Ci, given: str) -> Suggestion | None:
    """The command that proves a commit where no CI does; None where one is needed and not known."""
    if given:
        return Suggestion(given, "")
    if ci.contexts:
        return Suggestion("", "")
    return next(iter(facts.tests), None)


def choose(facts: WorkTreeFacts, where: ForgeLocation, bundle: Bundle, answers: Answers, version: str) -> Choice:
    """Everything that the plan of the files rests on.

    Raises:
        UsageError: something is missing, or the level cannot be had here.
    """
    ci, kind = ci_of(facts, where), where.workflows
    if answers.level > 0 and where.kind is None:
        raise UsageError(f"level {answers.level} needs a forge, but none is known; name its kind with --forge")
    place = bundle.uses(kind, where.server) if kind is not None else ""
    if kind is not None and not (place and bundle.commit):
        raise UsageError(why_no_actions(kind, bundle))
    if (answers.pre_commit or facts.pre_commit) and not (bundle.place and bundle.commit):
        raise UsageError("pre-commit needs the URL of orch-gates; give it with --actions URL@COMMIT")
    test = test_of(facts, ci, answers.test) if answers.level > 0 else None
    if answers.level > 0 and test is None and not answers.settled:
        raise UsageError(why_no_test(facts, ci))
    contexts = (*ci.contexts, security(facts.target)) if kind is not None else ()
    checkout = existing_ci.checkout(kind, facts.workflows) if kind is not None else ""
    page = partial(bundle.page, server=where.server, github=kind is ForgeKind.GITHUB)
    wanted = configuration.WantedConfiguration(
        answers.level,
        contexts,
        test.command if test is not None else "",
        test.seen if test is not None else "",
        alone=facts.authors < 2,
        fence="hook" if where.kind is ForgeKind.LOCAL else "status",
    )
    return Choice(
        level=answers.level,
        version=version,
        kind=kind,
        folder=ci.folder,
        config=wanted,
        actions=Actions(place, bundle.commit, page, checkout),
        bundle=replace(bundle, place=bundle.url(where.server)),
        wakes=(*ci.workflows, "security"),
        pre_commit=answers.pre_commit or facts.pre_commit,
        settled=answers.settled,
    )


def why_no_actions(kind: ForgeKind, bundle: Bundle) -> str:
    """Why no workflow can be written, and which option says what is missing."""
    if bundle.place and bundle.commit:
        return (
            f"{kind.value} runs only actions that it hosts itself, but orch-gates is at {bundle.place}; mirror "
            "orch-gates on the forge, and name the copy with --actions OWNER/NAME"
        )
    missing = "the full commit id" if bundle.place else "the URL"
    return (
        f"{missing} of orch-gates is unknown; give it with --actions URL@COMMIT "
        "(`git ls-remote URL HEAD` prints the newest)"
    )


def why_no_test(facts: WorkTreeFacts, ci: Ci) -> str:
    """Why nothing could prove a commit, and which option says what is missing."""
    found = f"there are projects in {', '.join(facts.projects[:3])}; " if facts.projects else ""
    left = f"{'; '.join(ci.left_out[:3])}; " if ci.left_out else ""
    return (
        "no workflow here tests every pull request, and no test command was found; "
        f"{found}{left}give one with --test COMMAND"
    )
