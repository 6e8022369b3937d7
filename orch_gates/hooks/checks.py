"""What a git hook checks in a push or a commit; the scan and its verdict are those of the `security` gate."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from orch_gates import process
from orch_gates.config import file as config_file
from orch_gates.errors import ConfigError, GitError, OrchError, StaleUpdate
from orch_gates.gates.security import gather, judge, scan
from orch_gates.gates.security.judge import SecurityFacts
from orch_gates.gates.security.scan import SecretFacts, Unproven, Watch, unwatched
from orch_gates.gates.security.staged import NothingStaged, staged
from orch_gates.git import feed
from orch_gates.git.cli import Git, default_branch_commit
from orch_gates.git.merges import contains
from orch_gates.hooks.updates import RefUpdate
from orch_gates.model.verdict import Outcome, Verdict
from orch_gates.scanners.engine import Engine
from orch_gates.settings import Settings
from orch_gates.state.refs import is_state

if TYPE_CHECKING:
    from orch_gates.state.kinds import Kinds

# More names than this are compared with all that the repository has.
_NAMED = 200
_NOTES = "refs/notes/"
# In the evidence: the tip that passes by an administrator's word.
_IMPORT = "import"
_FIRST = (
    "nothing is on the default branch yet; an administrator may let a first push bring old findings with it: "
    "`orch-gates hook import --help`"
)


@dataclass(frozen=True, slots=True)
class PushContext:
    """Where and by what a push or commit is judged: `trusted` is the commit that configures it, or empty (P5).

    `watch` is told how far a scan is.
    """

    settings: Settings
    git: Git
    trusted: str
    notices: tuple[str, ...] = ()
    engine: Engine | None = None
    watch: Watch = unwatched


def on_server(settings: Settings, git: Git, engine: Engine | None) -> PushContext:
    """A server's repository: configured by its default branch as it was before the push (P5)."""
    return _configured(settings, git, default_branch_commit(git), engine)


def in_clone(settings: Settings, git: Git, remote: str, engine: Engine | None) -> PushContext:
    """A clone: configured by the default branch of a remote, as far as the clone knows it."""
    return _configured(settings, git, _remote_default(git, remote), engine)


def _configured(settings: Settings, git: Git, trusted: str, engine: Engine | None) -> PushContext:
    """A file that cannot be used must not keep its own repair out: the defaults judge, and leave nothing out."""
    try:
        merged, _ = config_file.configured(settings, git, trusted)
    except ConfigError as error:
        notice = f"{error}; the defaults apply until this is fixed on the default branch"
        return PushContext(settings, git, trusted, (notice,), engine)
    return PushContext(merged, replace(git, timeout=merged.security.budget.seconds), trusted, engine=engine)


def refuse_stale(git: Git, updates: Sequence[RefUpdate], *, namespaced: bool) -> None:
    """Git would refuse these after the scan; here they cost nothing, and a slow push holds nobody up.

    Raises:
        StaleUpdate: a ref is no longer where the push takes it from.
    """
    if namespaced:
        # git hands the names over without their namespace.
        return
    names = [update.ref for update in updates] if len(updates) <= _NAMED else []
    listed = git.read("for-each-ref", "--format=%(objectname) %(refname)", *names)
    now = {
        ref: oid
        for oid, _, ref in (line.partition(" ") for line in listed.decode("utf-8", "surrogateescape").split("\n"))
    }
    for update in updates:
        if now.get(update.ref) != update.old:
            raise StaleUpdate(update.ref)


def on_push(
    context: PushContext, updates: Sequence[RefUpdate], kinds: Callable[[], Kinds], now: datetime
) -> tuple[Verdict, ...]:
    """Every check of a push to a server; each judges all of it, and what stops one does not stop the others (P3).

    Raises:
        StaleUpdate: a ref moved while it was judged.
    """
    checks: tuple[tuple[str, Callable[[], Verdict | None]], ...] = (
        ("merge-fence", lambda: pushed_target(context, updates, now)),
        ("state-guard", lambda: pushed_state(context, updates, kinds)),
        (judge.GATE, lambda: pushed_to_server(context, updates, now)),
    )
    verdicts = tuple(verdict for name, check in checks if (verdict := _checked(name, check)) is not None)
    imports = [str(verdict.evidence[_IMPORT]) for verdict in verdicts if _IMPORT in verdict.evidence]
    if not imports or any(verdict.outcome.exit_code for verdict in verdicts):
        return verdicts

    def spend() -> None:
        from orch_gates.hooks import importing

        importing.spend(context.git, imports[0])

    # Of two such pushes at once one has the word, and the other nothing to pass by.
    late = _checked(judge.GATE, spend)
    return verdicts if late is None else (*(verdict for verdict in verdicts if verdict.gate != judge.GATE), late)


def _checked(name: str, check: Callable[[], Verdict | None]) -> Verdict | None:
    try:
        return check()
    except StaleUpdate:
        raise
    except OrchError as error:
        outcome = Outcome.FAIL if error.exit_code == Outcome.FAIL.exit_code else Outcome.ERROR
        return Verdict(name, outcome, str(error))


def pushed_target(context: PushContext, updates: Sequence[RefUpdate], now: datetime) -> Verdict | None:
    """Judge what a push does to the target; None where it does nothing, or no fence is around it."""
    settings, git = context.settings, context.git
    doubtful = bool(context.notices)
    if settings.merge.fence != "hook" and not doubtful:
        return None
    # Documents and their models cost every other push a tenth of a second.
    from orch_gates.hooks import fence

    if not fence.is_on(settings, git, context.trusted, doubtful=doubtful):
        return None
    return fence.check_push(settings, git, updates, now)


def pushed_state(context: PushContext, updates: Sequence[RefUpdate], kinds: Callable[[], Kinds]) -> Verdict | None:
    """Judge what a push does to the state branch; None where it does nothing, or nobody wants it judged."""
    branch = context.settings.state.branch
    if not (context.settings.state.guard_enabled and any(is_state(update.ref, branch) for update in updates)):
        return None
    # Documents and their models cost every other push a tenth of a second.
    from orch_gates.hooks import state_guard

    return state_guard.check_push(context.settings, context.git, updates, kinds())


def pushed_to_server(context: PushContext, updates: Sequence[RefUpdate], now: datetime) -> Verdict:
    """Judge everything that a push adds to a server's repository, before it is stored."""
    verdict, facts = _pushed(context, updates, feed.ALL_REFS, context.settings.hook.quarantine, now)
    # Nothing but the import's own tip: another branch beside it has a past of its own.
    tips = {update.new for update in updates if update.new is not None}
    if facts is None or len(tips) != 1 or verdict.outcome is not Outcome.FAIL or not verdict.findings:
        return verdict
    return _as_import(context, verdict, facts, tips.pop(), now)


def _as_import(context: PushContext, verdict: Verdict, facts: SecurityFacts, tip: str, now: datetime) -> Verdict:
    """The verdict about a push that an administrator's word lets bring its past with it (SEC-11)."""
    # Documents cost every push without a finding a tenth of a second.
    from orch_gates.hooks import importing

    try:
        word = importing.word_for(context.git, tip)
        if word is None:
            past = any(finding.commit not in {"", tip} for finding in verdict.findings)
            return replace(verdict, notices=(*verdict.notices, _FIRST)) if past and not context.trusted else verdict
        known = word.known()
    except OrchError as error:
        return replace(verdict, notices=(*verdict.notices, f"cannot use the import permission for {tip[:10]}: {error}"))
    with_word = replace(facts, baselines=(known,))
    judged = judge.judge(gather.with_exceptions(context.settings, context.git, with_word, context.trusted), now)
    return replace(judged, evidence={**judged.evidence, _IMPORT: tip})


def pushed_from_clone(
    context: PushContext, updates: Sequence[RefUpdate], remote: str, url: str, now: datetime
) -> Verdict:
    """Judge what a clone is about to push: what it adds to what the remote is known to have."""
    known = _known_to_remote(context.git, updates, remote if _is_fetched(context, remote, url) else "")
    return _pushed(context, updates, known, "", now)[0]


def _is_fetched(context: PushContext, remote: str, url: str) -> bool:
    """Whether what is known of a remote is about the repository that is pushed to.

    A pushurl may name another, and of several urls git fetches from the first. The person's
    own configuration rewrites urls, so git is asked with it.
    """
    if not (remote and url):
        return True
    done = process.run(
        ["git", "-C", str(context.git.directory), "remote", "get-url", remote],
        env=context.settings.inherited_env,
        timeout=context.git.timeout,
    )
    return done.stdout.decode("utf-8", "surrogateescape").strip("\n") == url


def _of_notes(git: Git, updates: Sequence[RefUpdate]) -> dict[str, str]:
    """The commits that only refs with notes lead to, each with what the server has of that ref, empty for nothing."""
    others = [update.new for update in updates if update.new and not update.ref.startswith(_NOTES)]
    found: dict[str, str] = {}
    for update in updates:
        if update.new and update.ref.startswith(_NOTES):
            below = update.old if update.old and _is_upon(git, update.new, update.old) else ""
            without = [f"^{oid}" for oid in (*others, below) if oid]
            listed = git.read("rev-list", "--stdin", stdin="\n".join([update.new, *without, ""]).encode("ascii"))
            found.update(dict.fromkeys(listed.decode("ascii").split(), below))
    return found


def _is_upon(git: Git, new: str, old: str) -> bool:
    """Whether a push adds to what is there; a clone may lack that."""
    with contextlib.suppress(GitError):
        return contains(git, new, old)
    return False


def _pushed(
    context: PushContext, updates: Sequence[RefUpdate], excluded: Sequence[str], quarantine: str, now: datetime
) -> tuple[Verdict, SecurityFacts | None]:
    """The verdict, and what it is about where there was something to scan."""
    settings, git = context.settings, context.git
    if (skip := judge.out_of_scope(settings)) is not None:
        return skip, None
    tips = [update.new for update in updates if update.new is not None]
    if not tips:
        evidence = {"deletions": len(updates)}
        reason = "only deletions: nothing is added"
        return Verdict(judge.GATE, Outcome.PASS, reason, notices=context.notices, evidence=evidence), None
    names = [update.ref for update in updates if update.new is not None and update.old is None]

    def subject(bounded: Git) -> scan.ScanSubject:
        bounded.refuse_shallow()
        budget = settings.security.budget
        web = settings.hook.web_editor
        found = scan.pushed(bounded, tips, excluded, budget, names=names, quarantine=quarantine, web=web)
        return replace(found, watch=context.watch, notes=lambda: _of_notes(bounded, updates))

    scanned = scan.prove(settings, git, subject, context.trusted, started=context.engine, lenient=True)
    facts = _facts(context, scanned, tips[0] if len(tips) == 1 else f"{len(tips)} refs")
    return _judged(context, facts, now), facts


def about_to_commit(context: PushContext, named: Collection[str], now: datetime) -> Verdict | NothingStaged:
    """Judge what is staged, and the named files beside it; or why there is nothing of both."""
    settings, git = context.settings, context.git
    if (skip := judge.out_of_scope(settings)) is not None:
        return skip
    nothing: NothingStaged | None = None

    def subject(bounded: Git) -> scan.ScanSubject:
        nonlocal nothing
        found = staged(bounded, named)
        if isinstance(found, NothingStaged):
            nothing = found
            found = scan.pushed(bounded, (), (), settings.security.budget)
        return replace(found, watch=context.watch)

    scanned = scan.prove(settings, git, subject, context.trusted, started=context.engine, lenient=True)
    if nothing is not None:
        return nothing
    return _judged(context, _facts(context, scanned, "staged"), now)


def _facts(context: PushContext, scanned: SecretFacts | Unproven, head: str) -> SecurityFacts:
    return SecurityFacts(scanned, head=head, doubts=context.notices)


def _judged(context: PushContext, facts: SecurityFacts, now: datetime) -> Verdict:
    return judge.judge(gather.with_exceptions(context.settings, context.git, facts, context.trusted), now)


def _known_to_remote(git: Git, updates: Sequence[RefUpdate], remote: str) -> list[str]:
    """Commits that the remote has, as far as this clone knows; all is new to an unknown remote."""
    known = {update.old for update in updates if update.old is not None and git.has(update.old)}
    if remote:
        listed = git.read("for-each-ref", "--format=%(objectname)", f"refs/remotes/{remote}/")
        known |= set(listed.decode("ascii").split())
    return sorted(known)


def _remote_default(git: Git, remote: str) -> str:
    for ref in (f"refs/remotes/{remote}/HEAD", f"refs/remotes/{remote}/main", f"refs/remotes/{remote}/master"):
        if remote and git.has(f"{ref}^{{commit}}"):
            return git.resolve(ref)
    return ""
