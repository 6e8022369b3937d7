"""The forge: what the token may, how merges are made, what the rule for the target lets happen, and its clock."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase

from orch_gates.doctor.check import Check, Group
from orch_gates.doctor.finding import CheckFinding, NotUsedError, bad, ok, unknown, warning, worst
from orch_gates.doctor.subject import DoctorSubject
from orch_gates.errors import ForgeRefused, ForgeUnavailable
from orch_gates.forge.check import MOST_SKEW_S
from orch_gates.forge.port.protection import BranchRule, Who
from orch_gates.forge.port.server import Access, ForgeKind
from orch_gates.merge.landing import context_of

# More than anything here ever needs, on any forge.
_BROAD = ("all", "sudo", "delete_repo", "admin:", "write:admin", "write:organization")
_ISSUES = frozenset({"write:issue", "all", "repo", "public_repo"})


@dataclass(frozen=True, slots=True)
class TokenFacts:
    """Who the token is and what it may; `issues`: it has to write issues and comments too."""

    access: Access
    variable: str
    issues: bool


@dataclass(frozen=True, slots=True)
class StyleFacts:
    """How the repository is set up; `fenced`: the server's hook refuses every merge but ours. `page` mends it."""

    access: Access
    fenced: bool
    page: str


@dataclass(frozen=True, slots=True)
class ProtectionFacts:
    """The rule for the target, None where there is none; `fence` is what keeps unvalidated merges out.

    `posts`: a workflow of the default branch posts the verdict of the security gate as a status.
    """

    target: str
    fence: str
    rule: BranchRule | None
    page: str
    posts: bool = False


def rule_for(subject: DoctorSubject, branch: str) -> BranchRule | None:
    """The rule for a branch; None where there is none.

    Raises:
        NotUsedError: no forge is asked here, or it has no rules of its own.
        ForgeUnavailable: it did not answer, or does not show its rules to this token.
    """
    subject.need_forge()
    if subject.forge.about.kind is ForgeKind.LOCAL:
        raise NotUsedError("a bare repository has no protection rules; the server's hook is what it has")

    def ask() -> BranchRule | None:
        try:
            return subject.workspace.need_forge().protections.rule(branch)
        except ForgeRefused as error:
            raise ForgeUnavailable(
                f"only administrators can see the rules of {branch}: {error}; use an administrator's token"
            ) from error

    return subject.once(f"rule {branch}", ask)


def page_of(subject: DoctorSubject, path: str) -> str:
    """A page of the repository's settings, where a person changes them."""
    place = subject.workspace.forge_place
    return f"{place.url}/{place.repository}/settings{path}" if place is not None else "the settings of the repository"


def _gather_token(subject: DoctorSubject) -> TokenFacts:
    settings = subject.workspace.settings
    queue = subject.workspace.config.queue != "" and settings.queue.comment
    issues = settings.tracker.kind == "forge" or settings.notify.comment or queue
    return TokenFacts(subject.forge.access, settings.forge.token_env, issues)


def token_finding(facts: TokenFacts) -> CheckFinding:
    """It may do what it has to, and no more."""
    access = facts.access
    # Nobody is named to the token of an app, and to one of a user that may not read its own user.
    who, user = access.login or "this token", access.login or "its user"
    renew = f"make a token for {user} with fewer or other scopes, and put it into {facts.variable}"
    if not access.can_read:
        return bad(f"{who} cannot read the repository", f"give {user} access to the repository")
    if access.can_write is None:
        return unknown(f"{who}: the forge does not report whether this token may write")
    scopes = "" if access.scopes is None else f", scopes {', '.join(access.scopes) or 'none'}"
    if not access.can_write:
        return bad(
            f"{who} may only read{scopes}: no status, merge or comment can be made",
            f"give {user} write access, and the token the scope for it (Gitea: write:repository, GitHub: repo)",
        )
    if access.scopes is not None:
        if facts.issues and _ISSUES.isdisjoint(access.scopes):
            return bad(f"{who} cannot write issues and comments{scopes}", f"{renew} (Gitea: add write:issue)")
        broad = [scope for scope in access.scopes if scope.startswith(_BROAD)]
        if broad:
            return warning(f"{who} has more permissions than needed: {', '.join(broad)}", renew)
    return ok(f"{who} may write{scopes or '; the forge does not list its scopes'}")


def _gather_styles(subject: DoctorSubject) -> StyleFacts:
    return StyleFacts(subject.forge.access, subject.workspace.settings.merge.fence == "hook", page_of(subject, ""))


def styles_finding(facts: StyleFacts) -> CheckFinding:
    """A merge is possible, and keeps the validated commit (MRG-9)."""
    return worst(*_of_styles(facts.access, facts), ok("merges keep the validated commit"))


def _of_styles(access: Access, facts: StyleFacts) -> Iterator[CheckFinding]:
    mend = facts.page
    if access.archived:
        yield bad("the repository is archived, so nothing can be written there", f"unarchive it: {mend}")
    if access.mirror:
        yield bad("the repository is a mirror, so nothing can be merged there", "use the one that it mirrors")
    if access.empty:
        yield bad("the repository is empty", "push its default branch")
    if access.merge_commits is False:
        yield bad("merge commits are not allowed, and nothing else keeps the validated commit", f"allow them: {mend}")
    if access.merge_commits is None:
        yield unknown("the forge does not report to this token which styles of merges are allowed")
    if access.deletes_branches:
        yield bad("branches are deleted after a merge, but later gates judge them", f"switch that off: {mend}")
    if access.rewriting and not facts.fenced:
        yield warning(
            f"people may also merge by {', '.join(access.rewriting)}, which puts other commits into the target than "
            "were judged",
            f"allow merge commits only: {mend}",
        )


def _gather_protection(subject: DoctorSubject) -> ProtectionFacts:
    workspace = subject.workspace
    target = workspace.target
    rule = rule_for(subject, target)
    return ProtectionFacts(
        target, workspace.settings.merge.fence, rule, page_of(subject, "/branches"), _posts_security(subject)
    )


def _posts_security(subject: DoctorSubject) -> bool:
    """Whether a workflow uses the action of the security gate, and has it post its verdict."""
    arguments = ("--name-only", "--all-match", "-E", "-e", r"actions/security@", "-e", r"^ +status: *true")
    return subject.in_workflows(*arguments) != ""


def protection_finding(facts: ProtectionFacts) -> CheckFinding:
    """Only merges change the target, and with the fence `status` only validated ones (MRG-5)."""
    return worst(*_of_protection(facts), ok(f"nobody can push to {facts.target}, not even administrators"))


def _of_protection(facts: ProtectionFacts) -> Iterator[CheckFinding]:
    rule, target = facts.rule, facts.target
    # What the server's hook refuses as well is no hole; it does not see branches deleted or renamed by the forge.
    held = facts.fence == "hook"
    mend = f"protect {target}: {facts.page}"
    if rule is None:
        severity = warning if held else bad
        yield severity(f"no rule protects {target}: whoever may write can push to it, force it and delete it", mend)
        return
    if rule.pushers is not Who.NOBODY:
        severity = warning if held or rule.pushers is Who.SOME else bad
        yield severity(f"{rule.pushers} may push to {target} past every gate", f"switch pushes off: {facts.page}")
    if rule.forced or rule.deleted:
        what = " and ".join(["force"] * rule.forced + ["delete"] * rule.deleted)
        yield bad(f"somebody may {what} {target}, so what landed can be lost", f"switch that off: {facts.page}")
    yield from _of_fence(facts, rule)
    if rule.admins is False:
        severity = bad if facts.fence == "status" else warning
        yield severity(f"administrators may override the rule for {target}", f"apply it to them: {facts.page}")
    if rule.admins is None and facts.fence == "status":
        yield unknown(f"the forge does not report who may bypass the rules for {target}")


def _of_fence(facts: ProtectionFacts, rule: BranchRule) -> Iterator[CheckFinding]:
    context, security = context_of(facts.target), f"orch/security/{facts.target}"
    if facts.posts and not _requires(rule, security):
        yield bad(
            f"a workflow posts {security}, but {facts.target} does not require it: a failed one blocks no merge",
            f"require it: {facts.page}",
        )
    if facts.fence != "status":
        if context in rule.contexts:
            yield bad(
                f"{facts.target} requires the status {context}, but merge.fence is not `status`, so nothing posts it: "
                "no merge is possible",
                f"take it out of the required statuses: {facts.page}",
            )
        return
    if not _requires(rule, context):
        yield bad(
            f"merge.fence is `status`, but {facts.target} does not require the status {context}",
            f"require it: {facts.page}",
        )
    if not rule.up_to_date:
        yield bad(
            f"merge.fence is `status`, but a branch that is behind {facts.target} may be merged",
            f"block outdated branches: {facts.page}",
        )


def _requires(rule: BranchRule, context: str) -> bool:
    return any(context == one or fnmatchcase(context, one) for one in rule.contexts)


def _gather_clock(subject: DoctorSubject) -> float | None:
    if subject.forge.about.kind is ForgeKind.LOCAL:
        raise NotUsedError("a bare repository has the clock of this machine")
    return subject.forge.clock_ahead


def clock_finding(ahead: float | None) -> CheckFinding:
    """Leases compare with the forge's clock (ST-7)."""
    if ahead is None:
        mend = "check which headers a proxy before the forge removes"
        return unknown("the forge sends no time (no Date header)", mend)
    if abs(ahead) > MOST_SKEW_S:
        first, second = ("the forge's", "this machine's") if ahead > 0 else ("this machine's", "the forge's")
        return bad(
            f"{first} clock is {abs(ahead):.0f} s ahead of {second}, but leases use the forge's clock",
            "timedatectl set-ntp true (on the machine whose clock is wrong)",
        )
    return ok("the forge's clock is this machine's" if abs(ahead) < 1 else f"{abs(ahead):.0f} s from the forge's")


CHECKS = (
    Check("token", Group.FORGE, _gather_token, token_finding, seconds=40),
    Check("merge-styles", Group.FORGE, _gather_styles, styles_finding, seconds=40),
    Check("protection", Group.FORGE, _gather_protection, protection_finding, seconds=40),
    Check("clock", Group.FORGE, _gather_clock, clock_finding, seconds=40),
)
