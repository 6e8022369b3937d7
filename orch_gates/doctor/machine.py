"""Git and the secret scanner, tried by what they do; the pin of the rules; and names of settings (SEC-6, SEC-10)."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace

from orch_gates import workspace as workspaces
from orch_gates.config import unread
from orch_gates.doctor import server_hook
from orch_gates.doctor.check import Check, Group
from orch_gates.doctor.finding import CheckFinding, NotUsedError, bad, ok, unknown, warning
from orch_gates.doctor.subject import DoctorSubject
from orch_gates.errors import NoRepository, OrchError
from orch_gates.git import trial
from orch_gates.scanners import locate, provision
from orch_gates.settings import Settings


@dataclass(frozen=True, slots=True)
class GitFacts:
    """What git says it is, what it does not do (empty for nothing), and whether it can merge without files."""

    version: str
    problem: str = ""
    merges: bool = True


@dataclass(frozen=True, slots=True)
class EngineFacts:
    """What an engine is pinned by once it found a random token; else why it did not."""

    pin: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class PinFacts:
    """What a hook was proven with, and what is installed, None where nobody says; `at` is whose pin it is."""

    at: str
    wanted: str
    installed: str | None


def _gather_repository(subject: DoctorSubject) -> str:
    try:
        return str(workspaces.repository(subject.settings, subject.directory).git_dir())
    except NoRepository:
        return ""


def repository_finding(folder: str) -> CheckFinding:
    """There is one to look at; `folder` is its git directory, empty for none."""
    if not folder:
        reason = "no git repository is here, so only this machine was looked at"
        return unknown(reason, "run it in a repository, or name one: orch-gates doctor --repo DIR")
    return ok(folder)


def _gather_git(subject: DoctorSubject) -> GitFacts:
    inherited = subject.settings.inherited_env
    try:
        version = trial.version(inherited)
    except OrchError as error:
        return GitFacts("", str(error))
    problem = trial.problem(inherited)
    return GitFacts(version, problem, not problem and trial.merges(inherited))


def git_finding(facts: GitFacts) -> CheckFinding:
    """Git keeps objects and gives them back."""
    if facts.problem:
        return bad(facts.problem, "install git 2.38 or newer, and see that `git` on PATH is that one")
    if not facts.merges:
        return warning(f"{facts.version} cannot merge without a work tree", "install git 2.38 or newer, to merge here")
    return ok(f"{facts.version} keeps an object and reads it back, and merges")


def _engine(name: str) -> Check[EngineFacts]:
    def gather(subject: DoctorSubject) -> EngineFacts:
        settings = _configured(subject)
        if settings.security.engine != name:
            raise NotUsedError(f"the secret scanner is {settings.security.engine} (ORCH_SECURITY_ENGINE)")
        try:
            found = locate.engine(name, settings.tools, settings.inherited_env)
            return EngineFacts(provision.tried(found, settings))
        except OrchError as error:
            return EngineFacts(problem=str(error))

    return Check(f"engine-{name}", Group.MACHINE, gather, engine_finding, seconds=90)


def engine_finding(facts: EngineFacts) -> CheckFinding:
    """The engine finds a random token, and nothing in ordinary text."""
    if facts.problem:
        return bad(facts.problem, "fix that; then run `orch-gates setup`, which prepares and tests the scanner")
    return ok(f"found a random token: {facts.pin}")


def _gather_pin(subject: DoctorSubject) -> PinFacts:
    settings = subject.settings
    if wanted := settings.security.pin:
        # Asked without the pin: what is installed is to be named, and not only refused.
        free = replace(settings, security=replace(settings.security, pin=""))
        found = locate.engine(free.security.engine, free.tools, free.inherited_env)
        return PinFacts("ORCH_SECURITY_PIN", wanted, provision.tried(found, free))
    facts = server_hook.hook_status(subject).facts
    if not facts.pin:
        raise NotUsedError("no hook here is pinned to an engine")
    return PinFacts(facts.hook, facts.pin, facts.installed_pin)


def pin_finding(facts: PinFacts) -> CheckFinding:
    """The engine and the rules are those that the hook was proven with."""
    if facts.installed is None:
        return unknown(f"{facts.at}: the program named there does not report its scanner and rules")
    if facts.wanted != facts.installed:
        return bad(
            f"{facts.at} is pinned to {facts.wanted}, but {facts.installed} is installed: every push is refused",
            "orch-gates hook install --all ROOT (proves every hook below ROOT with what is installed)",
        )
    return ok(f"{facts.at} is pinned to what is installed")


def _gather_names(subject: DoctorSubject) -> Mapping[str, str]:
    return unread.unread(subject.settings.inherited_env, subject.settings.forge.token_env)


def names_finding(facts: Mapping[str, str]) -> CheckFinding:
    """A name that nothing reads is a setting that somebody believes in; `facts` are such, with what may be meant."""
    if not facts:
        return ok("every variable ORCH_* here is known")
    return warning(unread.line(facts), f"unset {shlex.join(facts)}; `orch-gates config show` lists all")


def _configured(subject: DoctorSubject) -> Settings:
    """The settings that count here, those of the environment where there is no repository."""
    try:
        return subject.workspace.settings
    except NotUsedError:
        return subject.settings


CHECKS = (
    Check("repository", Group.MACHINE, _gather_repository, repository_finding),
    Check("git", Group.MACHINE, _gather_git, git_finding, seconds=60),
    _engine("kingfisher"),
    _engine("gitleaks"),
    Check("rules-pin", Group.MACHINE, _gather_pin, pin_finding, seconds=150),
    Check("variables", Group.MACHINE, _gather_names, names_finding),
)
